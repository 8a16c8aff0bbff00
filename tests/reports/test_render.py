"""Rendering: golden files, machine-readable formats, and names that must stay text."""

import csv
import io
import json
import math
import re

import pandas as pd
import pytest

from reports import ReportError, read, render, speedups, terminal
from reports.plain import Plain
from reports.terminal import GAP, LEAST_COLUMN
from reports.units import base_unit, duration, ratio, significant

ESCAPE = "\x1b"
SECONDS = {"imperative": 80e-6, "hybridized": 100e-6, "hybridized-static": 78e-6, "numba": 6.4e-6}
WOBBLE = {
    "imperative": (0.97, 1.00, 1.03),
    "hybridized": (1.02, 0.99, 1.00),
    "hybridized-static": (1.00, 1.01, 0.98),
    "numba": (1.00, 1.04, 0.97),
}
TIMES = "\N{MULTIPLICATION SIGN}"


@pytest.fixture
def table(write, document, entry):
    """Speed-ups of two layers, two batches, two modes and four variants in three rounds; fixed, not random."""
    entries = [
        entry((layer, variant, batch, mode), [scale * factor * (1 + batch / 16) * seconds * wobble], number)
        for number in range(3)
        for layer, scale in (("MyDense", 1.0), ("CenteredLayer", 0.5))
        for mode, factor in (("train", 20), ("forward", 1))
        for batch in (16, 1)
        for variant, wobble in ((name, WOBBLE[name][number]) for name in SECONDS)
        for seconds in [SECONDS[variant] * (1 + scale * factor * batch / 100 if variant == "numba" else 1)]
    ]
    gpu = [{"id": str(n), "params": {"context": "gpu"}, "reason": "no usable GPU (0 devices)"} for n in range(16)]
    return speedups(read(write("run.json", document(entries, skipped=gpu))))


@pytest.mark.parametrize("format", ["table", "markdown", "csv", "json"])
def test_golden(table, golden, format):
    # The last digits of a logarithm depend on the libraries' versions.
    figures = table.select_dtypes("float").map(lambda value: float(f"{value:.6g}"))
    golden(f"speedups.{'txt' if format == 'table' else format}", render(table.assign(**figures), format))


def test_the_table_fits_a_terminal_and_has_no_codes(table):
    text = render(table, "table")
    assert max(map(len, text.splitlines())) <= 100
    assert ESCAPE not in text
    assert "over imperative (above 1 is faster)" in text
    assert "16 gpu cases: no usable GPU (0 devices)" in text


@pytest.mark.parametrize("width", [200, 100, 80, 60, 40, 10])
def test_no_figure_is_lost_in_a_narrow_terminal(table, width):
    text = render(table, "table", width=width)
    least = len("batch") + 4 * (GAP + LEAST_COLUMN)
    assert max(map(len, text.splitlines())) <= max(width, least)
    body = text[text.index("batch") : text.index("numba is the")]
    wide = render(table, "table", width=1000)
    wide = wide[wide.index("batch") : wide.index("numba is the")]
    assert sorted(re.sub(r"\s", "", body)) == sorted(re.sub(r"\s", "", wide))


def test_the_fastest_variant_is_bold_where_colour_is_on(table):
    text = render(table, "table", color=True)
    rows = [line for line in text.splitlines() if TIMES in line and "[" in line]
    bold = [match for line in rows for match in re.findall(r"\x1b\[1m([^\x1b]*)", line)]
    fastest = [part for part in bold if TIMES in part and "gains" not in part]
    cells = table[table["variant"] == "numba"]
    assert [part.split()[0] for part in fastest] == [duration(seconds).split()[0] for seconds in cells["seconds"]]


def test_json_is_a_list_of_records_without_nan(write, document, entry):
    entries = [entry(("MyDense", variant, 1, "forward"), [1.0]) for variant in ("imperative", "numba")]
    frame = read(write("a.json", document(entries)))
    first = json.loads(render(speedups(frame), "json"), parse_constant=pytest.fail)[0]
    assert list(first)[:3] == ["layer", "variant", "batch"]
    assert first["speedup"] == 1.0
    assert first["speedup_lower"] is None
    tidy = json.loads(render(frame, "json"), parse_constant=pytest.fail)[0]
    assert tidy["samples"] == [1.0]
    assert tidy["date"].startswith("2026-03-04T03:06:07")


def test_csv_holds_the_long_rows(table):
    rows = list(csv.DictReader(io.StringIO(render(table, "csv"))))
    assert len(rows) == len(table) == 32
    assert list(rows[0])[:12] == [
        *("layer", "variant", "batch", "context", "mode", "threads", "seconds", "samples_per_second"),
        *("speedup", "speedup_lower", "speedup_upper", "baseline"),
    ]
    assert float(rows[1]["seconds"]) == table["seconds"].iloc[1]


def test_unknown_format(table):
    with pytest.raises(ReportError, match="no format 'xml'; the formats are table, json, csv, markdown"):
        render(table, "xml")


HOSTILE = "[bold red]x[/] |<script>`*_a_*`" + ESCAPE + "[31m\nend\u202e"


@pytest.fixture
def hostile(write, document, entry):
    """Speed-ups in which every name from the file tries to be something else."""
    entries = [
        entry((HOSTILE, variant, 1, HOSTILE), [seconds], number, engine=HOSTILE)
        for number in range(2)
        for variant, seconds in (("imperative", 2.0), (HOSTILE, 1.0))
    ]
    skipped = [{"id": "x", "params": {"context": HOSTILE}, "reason": HOSTILE}]
    return read(write("a.json", document(entries, skipped=skipped)))


@pytest.mark.parametrize("make", [speedups, lambda frame: frame], ids=["speedups", "plain"])
def test_names_never_become_markup_in_a_terminal(hostile, make):
    text = render(make(hostile), "table", width=2000)
    assert "[bold red]x[/] |<script>`*_a_*`\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}end" in text
    assert ESCAPE not in text
    colored = render(make(hostile), "table", width=2000, color=True)
    assert f"{ESCAPE}[31m" not in colored
    assert f"{ESCAPE}[1;31m" not in colored


@pytest.mark.parametrize("make", [speedups, lambda frame: frame], ids=["speedups", "plain"])
def test_names_never_become_markup_in_markdown(hostile, make):
    text = render(make(hostile), "markdown")
    assert r"\[bold red\]x\[/\] \|\<script\>\`\*\_a\_\*\` \[31m end" in text
    assert not {ESCAPE, "\u202e"} & set(text)
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("|")}
    assert len(widths) == 1, "every row has as many cells as the header"


def test_facts_are_computed(write, document, entry):
    numba, hybridized = {"A": 4.0, "B": 9.0, "C": 0.75}, {"A": 0.5, "B": 2.0, "C": 8.0}
    speeds = {"imperative": dict.fromkeys("ABC", 1.0), "numba": numba, "hybridized": hybridized}
    entries = [
        entry((layer, variant, 1, "forward"), [36e-6 / gain], number)
        for number in range(2)
        for variant, gains in speeds.items()
        for layer, gain in gains.items()
    ]
    text = render(speedups(read(write("a.json", document(entries)))), "table", width=500).replace(TIMES, "x")
    assert "numba is the fastest variant in 2 of 3 cells, hybridized in 1.\n" in text
    # (4 * 9 * 0.75) ** (1/3) and (0.5 * 2 * 8) ** (1/3)
    assert "Geometric mean over imperative: numba 3.00x, hybridized 2.00x.\n" in text
    gains = "B at batch 1, forward (9.00x, 4.00 µs) and least on C at batch 1, forward (0.75x, 48.0 µs)"
    assert f"numba gains most on {gains}.\n" in text
    losses = re.search("Slower than imperative, with the whole interval below 1: (.*) cells", text)
    assert losses is not None
    assert sorted(losses.group(1).split(", ")) == ["hybridized in 1 of 3", "numba in 1 of 3"]


@pytest.mark.parametrize("format", ["table", "markdown"])
def test_crossovers_are_said(write, document, entry, format):
    # Above batch 4 hybridized gains and numba loses, both in train only; lines of the other layer cross in the noise.
    slopes = {"imperative": 0.0, "hybridized": -1.0, "numba": 1.0}
    entries = [
        entry(("A", variant, batch, mode), [36e-6 * (batch / 4) ** (slope * (mode == "train"))], number)
        for number in range(2)
        for mode in ("train", "forward")
        for batch in (1, 16)
        for variant, slope in slopes.items()
    ]
    noisy = {1: (1.0, 1.3), 16: (1.0, 0.7)}
    entries += [
        entry(("B", variant, batch, "train"), [36e-6 * (noisy[batch][1 - number] if variant == "numba" else 1)], number)
        for number in range(2)
        for batch in (1, 16)
        for variant in ("imperative", "numba")
    ]
    text = render(speedups(read(write("a.json", document(entries)))), format, width=500)
    for faster, slower in (("hybridized", "imperative"), ("imperative", "numba"), ("hybridized", "numba")):
        assert (
            f"From batch about 4.00 on (measured at 1 and 16) {faster} is faster than {slower}: A, train, cpu.\n"
            in text
        )
    assert text.count("From batch") == 3
    assert "Crossovers not listed: 1 within the noise.\n" in text


def test_weak_results_are_said_once(write, document, entry):
    entries = [entry(("A", variant, batch, "train"), [1.0]) for variant in ("imperative", "numba") for batch in (1, 2)]
    text = render(speedups(read(write("a.json", document(entries)))))
    assert text.count("one round: no interval (4 rows)") == 1
    assert "1 round\n" in text


def test_only_the_baseline_was_measured(write, document, entry):
    frame = speedups(read(write("a.json", document([entry(("A", "imperative", 1, "train"), [1.0])]))))
    assert "1.00 s" in render(frame)


def test_a_long_list_of_problems_is_cut():
    frame = pd.DataFrame({"name": ["x"]})
    frame.attrs["problems"] = [f"file {number}" for number in range(45)]
    text = render(frame)
    assert "file 4\nand 40 problems more\n" in text
    assert "file 5" not in text


def test_any_other_frame_is_printed_as_it_is(golden):
    frame = pd.DataFrame(
        {
            "layer": ["MyDense", "HalfFourier"],
            "parameters": [65792, 0],
            "seconds": [4.2e-6, math.nan],
            "when": pd.to_datetime(["2026-01-02T03:04:05Z", None]),
            "samples": [(1.0, 2.0), ()],
            "empty": [None, None],
        }
    )
    golden("plain.txt", render(frame))
    golden("plain.markdown", render(frame, "markdown"))


def test_an_empty_frame_has_a_header_only():
    frame = pd.DataFrame({"a": [], "b": []})
    assert render(frame, "csv") == "a,b\n"
    assert render(frame, "json") == "[]\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (4.1e-6, "4.10 µs"),
        (134.4e-6, "134 µs"),
        (999.6e-6, "1.00 ms"),
        (12.345e-3, "12.3 ms"),
        (2.0, "2.00 s"),
        (1234.0, "1,230 s"),
        (3e-9, "3.00 ns"),
        (0.0, "0 s"),
        (math.nan, "\N{EN DASH}"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.9764, "0.98"), (1.0, "1.00"), (12.345, "12.3"), (9.996, "10.0"), (135.2, "135"), (0.0123, "0.0123")],
)
def test_ratios(value, text):
    assert ratio(value) == text


def test_significant_digits_never_use_an_exponent():
    assert significant(1.5e12) == "1,500,000,000,000"
    assert significant(-0.00123) == "-0.00123"


@pytest.mark.parametrize(
    ("unit", "factor", "base"), [("ms", 1e-3, "seconds"), ("KiB", 1024, "bytes"), ("apples", 1, "apples")]
)
def test_base_units(unit, factor, base):
    assert base_unit(unit) == (factor, base)


@pytest.mark.parametrize("format", ["table", "json", "csv", "markdown"])
def test_a_frame_of_skipped_cases_only(write, document, format):
    skipped = [{"id": "a", "params": {"context": "gpu"}, "reason": "no GPU"}]
    text = render(read(write("a.json", document([], skipped=skipped))), format)
    assert ("1 gpu case: no GPU" in text) == (format in ("table", "markdown")), "programs get rows and nothing else"


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_a_name_is_not_broken_where_the_other_columns_leave_it_a_line(width):
    names = [f"LongNameOfALayer-hybridized-static-{batch}-cpu-forward" for batch in (1, 1024)]
    words = ("why it is so " * 10).strip()
    rows = tuple((name, "3.20 slower", "2.38 µs to 7.60 µs", words) for name in names)
    arranged = Plain(("case", "change", "time", "reason"), (False, True, True, False), rows, ("a note",))
    lines = terminal.printed(arranged, width=width, color=False).splitlines()
    assert max(map(len, lines)) <= width
    assert [line for line in lines if line in names] == (names if width < 200 else [])
    assert all(any(name in line for line in lines) for name in names)
    assert lines[-1] == "a note"
