"""A report's files: golden ones of a small history, what each promises, and names that stay text."""

import csv
import io
import json
import math
import os
import re
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from reports import ReportError, findings, publish, read
from reports.cells import csv as csv_text
from reports.publish import FILES
from reports.pull_request import LONGEST

HOSTILE = "=cmd|'x'!A1 </testcase><script>alert(1)</script>\n::error::@team #1 \x1b[31m\ud800 `*_a_*` ]]>"


@pytest.fixture
def history(write, commits, wobbly, tmp_path, monkeypatch) -> Path:
    """Sixteen commits: one slowed two benchmarks down, one made another faster, and one was never measured."""
    monkeypatch.chdir(tmp_path)  # paths in the files are as they were given
    folder = commits(
        {
            "suite.time_parse": wobbly(*[2e-3] * 9, *[3e-3] * 7),
            "suite.time_join": wobbly(*[5e-6] * 9, *[6e-6] * 7),
            "suite.time_split": wobbly(*[4e-6] * 5, *[2e-6] * 11),
            "suite.time_sort": wobbly(*[1e-6] * 16),
            "suite.peakmem_sort": wobbly(*[2e6] * 16),
        },
        **{"suite.time_gone": [None, [["1", "2"]]]},
    )
    write("history/box/broken.json", "{")
    return folder.relative_to(tmp_path)


@pytest.fixture
def variants(write, document, entry, tmp_path, monkeypatch) -> Path:
    """One run of three layers in three variants, as `gluonmark bench` writes it."""
    monkeypatch.chdir(tmp_path)
    gains = {"imperative": 1.0, "hybridized": 1.25, "numba": 8.0}
    entries = [
        entry((layer, variant, batch, "forward"), [scale * batch * 80e-6 / gain * (1 + number / 50)], number)
        for number in range(3)
        for layer, scale in (("MyDense", 1.0), ("CenteredLayer", 0.5))
        for batch in (1, 16)
        for variant, gain in gains.items()
    ]
    skipped = [{"id": "MyDense-numba-1-gpu-forward", "params": {"context": "gpu"}, "reason": "no usable GPU"}]
    return write("run.json", document(entries, skipped=skipped)).relative_to(tmp_path)


def rounded(text: str) -> str:
    """Figures with three digits: the last ones depend on the libraries' versions."""
    rows = list(csv.reader(io.StringIO(text)))
    return "".join(",".join(map(_three_digits, row)) + "\n" for row in rows)


def _three_digits(cell: str) -> str:
    return f"{float(cell):.3g}" if "." in cell and cell.replace(".", "").replace("e-", "").isdigit() else cell


def test_the_same_name_in_two_environments_is_told_apart(commits, wobbly):
    folder = commits({"s.time_a": wobbly(*[1.0] * 8, *[2.0] * 8)})
    for file in sorted(folder.rglob("*.json")):
        one = json.loads(file.read_text()) | {"env_name": "conda-py3.12"}
        file.with_stem(f"{file.stem}-conda").write_text(json.dumps(one))
    names = {change.name for change in findings([folder]).regressions}
    assert names == {"s.time_a · virtualenv-py3.11", "s.time_a · conda-py3.12"}


def test_what_has_no_history_is_told(commits, wobbly):
    text = FILES["report.md"](findings([commits({"s.time_a": wobbly(*[1.0] * 16), "s.mem_a": [0.0] * 16})]))
    assert "<summary>To know</summary>\n\n- Not judged: 16 results of zero or less" in text


@pytest.mark.parametrize(
    ("results", "name"),
    [
        ("history", "report.md"),
        ("history", "junit.xml"),
        ("history", "regressions.csv"),
        ("variants", "report.md"),
        ("variants", "junit.xml"),
        ("variants", "cases.csv"),
    ],
)
def test_golden(request, golden, results, name):
    content = FILES[name](findings([request.getfixturevalue(results)]))
    text = content.decode() if isinstance(content, bytes) else content
    golden(f"{results}.{name}", rounded(text) if name.endswith(".csv") else text)


def test_everything_is_written(history):
    written = publish(findings([history]), Path("deep/out"))
    assert sorted(Path("deep/out").iterdir()) == sorted(written)
    assert {file.name for file in written} == set(FILES)
    assert all(file.stat().st_size for file in written)


def test_parquet_holds_the_tidy_frame(history):
    publish(findings([history]), Path("out"))
    expected, found = read(history), pd.read_parquet("out/cases.parquet")
    assert found["samples"].map(len).tolist() == expected["samples"].map(len).tolist()
    for name in ("benchmark", "value", "commit", "date", "source"):
        assert found[name].tolist() == expected[name].tolist()


def test_a_folder_that_cannot_be_written_to(history):
    Path("file").write_text("in the way")
    with pytest.raises(ReportError, match="the report cannot be written to file/out: Not a directory"):
        publish(findings([history]), Path("file/out"))


def test_a_file_is_replaced_at_once_or_not_at_all(history, monkeypatch):
    out = Path("out")
    publish(findings([history]), out)
    before = {file: file.read_bytes() for file in out.iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ReportError, match="cannot be written to out: No space left on device"):
        publish(findings([history]), out)
    assert {file: file.read_bytes() for file in out.iterdir()} == before


def test_the_comment_has_at_most_sixty_lines(write, commits, wobbly, document, entry, tmp_path):
    seconds = {f"s.time_{n}": wobbly(*[1e-3] * (6 + n), *[2e-3 + n * 1e-4] * (34 - n)) for n in range(28)}
    seconds |= {f"s.time_better_{n}": wobbly(*[3e-3] * (6 + n), *[2e-3] * (34 - n)) for n in range(28)}
    commits(seconds)
    names = ("imperative", *(f"variant{number}" for number in range(12)))
    write("bench.json", document([entry((f"L{n}", v, 1, "train"), [1.0 + n]) for n in range(20) for v in names]))
    for number in range(20):
        write(f"broken{number}.json", "{")
    text = FILES["report.md"](findings([tmp_path]))
    assert len(text.splitlines()) <= LONGEST
    assert text.startswith("**28 regressions from ")
    assert text.count("<details>") == text.count("</details>") == 4
    assert "regressions of 20 commits more" in text


# What both schemas in use allow, Ant's (JUnit.xsd of Windy Road) and Jenkins's (junit-10.xsd of the xUnit plugin).
ATTRIBUTES = {
    "testsuites": set(),
    "testsuite": {
        *("name", "timestamp", "hostname", "tests", "failures", "errors", "time", "package", "id", "skipped"),
    },
    "testcase": {"name", "classname", "time"},
    "failure": {"message", "type"},
    "skipped": set(),
    "properties": set(),
    "system-out": set(),
    "system-err": set(),
}


def valid(content: bytes) -> ElementTree.Element:
    """The root of a JUnit document that both schemas accept."""
    root = ElementTree.fromstring(content)
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.attrib) == ATTRIBUTES[element.tag]
        assert all(value.strip() == value and value for value in element.attrib.values())
    for number, suite in enumerate(root):
        tags = [child.tag for child in suite]
        cases = tags.count("testcase")
        assert tags == ["properties", *["testcase"] * cases, "system-out", "system-err"]
        assert suite.attrib["id"] == str(number)
        assert re.fullmatch(r"\d+\.\d{3}", suite.attrib["time"])
        assert int(suite.attrib["tests"]) == cases
        for outcome, attribute in (("failure", "failures"), ("skipped", "skipped")):
            assert int(suite.attrib[attribute]) == len(suite.findall(f"testcase/{outcome}"))
        datetime.strptime(suite.attrib["timestamp"], "%Y-%m-%dT%H:%M:%S")
        for case in suite.iter("testcase"):
            assert len(case) <= 1
            assert "e" not in case.attrib["time"]
            assert float(case.attrib["time"]) >= 0
    return root


def test_junit_fails_what_regressed_and_skips_what_was_not_measured(history):
    root = valid(FILES["junit.xml"](findings([history])))
    failed = {case.attrib["name"]: case.find("failure") for case in root.iter("testcase")}
    messages = {name: failure.attrib["message"] for name, failure in failed.items() if failure is not None}
    assert messages == {
        "suite.time_parse": "1.50× slower since 00000008..00000009",
        "suite.time_join": "1.20× slower since 00000008..00000009",
    }
    skipped = {case.attrib["name"]: case.findtext("skipped") for case in root.iter("testcase")}
    assert skipped["suite.time_gone(2)"] == "failed in asv (16 times)"
    assert [suite.attrib["name"] for suite in root] == ["box, virtualenv-py3.11", "not measured"]


def test_what_was_measured_elsewhere_is_not_skipped(write, asv_document):
    for number, value in enumerate((1.0, None)):
        write(f"box/{number}.json", asv_document({"s.time_x": [[value], [["'a'"]]]}, date=1_700_000_000_000 + number))
    path = write("box/2.json", asv_document({"s.time_y": [[1.0]]}))
    root = valid(FILES["junit.xml"](findings([path.parent])))
    assert [case.attrib["name"] for case in root.iter("testcase")] == ["s.time_x(param1=a)", "s.time_y"]


@pytest.fixture
def hostile(write, asv_document, tmp_path) -> Path:
    """A history in which every text tries to be something else, and one of them regressed."""
    name = json.dumps(HOSTILE)
    descriptions = f'{{{name}: {{"param_names": [{name}], "unit": {name}, "type": {name}}}}}'
    write("hostile/benchmarks.json", descriptions)
    for number in range(12):
        about = {"commit_hash": f"<{number}>{HOSTILE}", "date": 1_700_000_000_000 + 86_400_000 * number}
        about |= {"env_name": HOSTILE, "params": {"machine": HOSTILE}, "env_vars": {"GLUONMARK_ENGINE": HOSTILE}}
        row = [[1.0 + number / 1e3 if number < 6 else 2.0 + number / 1e3, None], [[repr(HOSTILE), "2"]]]
        write(f"hostile/box/{number}.json", json.dumps(asv_document({HOSTILE: row}, **about)))
    write("hostile/box/broken.json", "{")
    return tmp_path / "hostile"


def test_names_never_become_anything_else(hostile):
    found = findings([hostile])
    assert len(found.regressions) == 1
    contents = {name: make(found) for name, make in FILES.items()}
    texts = {name: text for name, text in contents.items() if isinstance(text, str) and name != "index.html"}
    assert all("\x1b" not in text for text in texts.values())
    assert "<script>" not in texts["report.md"].replace(r"\<script\>", "")
    assert all(text.encode() for text in texts.values())
    case = next(valid(contents["junit.xml"]).iter("testcase"))
    assert "</testcase><script>alert(1)</script>" in case.attrib["classname"]
    for name in ("cases.csv", "regressions.csv"):
        rows = list(csv.DictReader(io.StringIO(texts[name])))
        assert all(len(row) == len(rows[0]) and None not in row.values() for row in rows)
        assert rows[0]["benchmark"].startswith("'=cmd")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-x", "'-x"),
        ("-5", "-5"),
        ("+1.5e-3", "+1.5e-3"),
        ("a\rb", "a\N{REPLACEMENT CHARACTER}b"),
        ("\t=1", "\N{REPLACEMENT CHARACTER}=1"),
        ('say "hi", you', '"say ""hi"", you"'),
    ],
)
def test_csv_runs_nothing(text, written):
    assert csv_text(pd.DataFrame({"name": [text]})) == f"name\n{written}\n"


def test_columns_of_several_types(write, document):
    stats = {"median": 1.0}
    values = [1, "x", 2.5, True, None, 10**30]
    entries = [{"fullname": f"t{n}", "params": {"p": value}, "stats": stats} for n, value in enumerate(values)]
    publish(findings([write("a.json", document(entries))]), write("b.json", "").parent / "out")
    found = pd.read_parquet(write("b.json", "").parent / "out/cases.parquet")
    assert found["p"].tolist()[:4] == ["1", "x", "2.5", "True"]
    assert math.isnan(found["value"].sum()) is False


def test_integers_that_no_column_can_hold(write, document, tmp_path):
    entries = [
        {"fullname": f"t{n}", "params": {"p": value}, "stats": {"median": 1.0}} for n, value in enumerate((10**19, -5))
    ]
    publish(findings([write("a.json", document(entries))]), tmp_path / "out")
    assert pd.read_parquet(tmp_path / "out/cases.parquet")["p"].tolist() == ["10000000000000000000", "-5"]


def test_no_name_fills_the_terminal(write, tmp_path):
    write("a.json", f'{{"{"k" * 100_000}": ')
    write("b.json", {"commit_hash": "c", "results": {"time_x": 1.0, "n" * 100_000: "x"}})
    assert all(len(sentence) <= 1000 for sentence in findings([tmp_path]).sentences)


def test_commits_without_a_name_are_judged_and_zeros_are_not(write, document, tmp_path):
    for number in range(12):
        stats = {"median": 1.0 + number / 1e3 if number < 6 else 2.0 + number / 1e3}
        about = {"commit_info": {}, "datetime": f"2026-03-{number + 1:02}T00:00:00"}
        write(f"nameless/{number}.json", document([{"fullname": "t", "stats": stats}], **about))
        write(f"zeros/{number}.json", document([{"fullname": "t", "stats": {"median": 0}}], **about))
    nameless, zeros = findings([tmp_path / "nameless"]), findings([tmp_path / "zeros"])
    assert nameless.verdict.endswith("since 2026-03-06..2026-03-07.")
    assert zeros.verdict.startswith("Regressions could not be judged")
