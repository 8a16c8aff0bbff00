"""The HTML page without a browser: what it holds, that it stays text, and how large it becomes."""

import base64
import hashlib
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import altair
import pandas as pd
import pytest
from page_figures import synthetic

from reports import read, regressions, speedups
from reports.page import charts, page
from reports.page.changes import groups, verdict
from reports.page.embed import charting_library, figure, json_for_script, own_script
from reports.page.plotted import DEEP
from reports.page.quantities import quantity
from reports.page.series import series

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "'];alert(1);//",
    "datum.x",
    "a[b].c",
    "{{ 7 * 7 }}{% raw %}",
    "${alert(1)}",
    "javascript:alert(1)",
    "<!--",
    "&lt;b&gt;",
    "line\u2028end\u2029",
    "__proto__",
)

HARMLESS = {
    *("html", "head", "meta", "title", "style", "body", "header", "nav", "main", "section", "article", "script"),
    *("h1", "h2", "h3", "p", "a", "code", "span", "small", "strong", "i", "ul", "li", "div", "figure", "figcaption"),
    *("fieldset", "legend", "label", "input", "select", "button", "output", "details", "summary", "noscript", "wbr"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


class Elements(HTMLParser):
    """All elements of a document with their attributes, and its text outside scripts and styles."""

    def __init__(self, document):
        super().__init__()
        self.found, self.scripts, self.text, self.inside = [], [], [], None
        self.feed(document)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, _):
        self.inside = None

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts[-1] += data
        elif self.inside != "style":
            self.text.append(data)

    def names(self):
        return {attributes["id"] for tag, attributes in self.found if tag == "section" and "id" in attributes}


def data_of(document):
    return json.loads(Elements(document).scripts[0])


@pytest.fixture
def grid(write, document, entry):
    """Results of our own: two layers, three variants, three batches, two modes, three rounds; one case is missing."""
    seconds = {"imperative": 8e-6, "hybridized": 6e-6, "numba": 1e-6}
    entries = [
        entry((layer, variant, batch, mode), [base * (1 + batch / slow) * (1 + 0.01 * round_)], round_)
        for layer, slow in (("MyDense", 10), ("HalfFourier", 1000))
        for variant, base in seconds.items()
        for batch in (1, 16, 256)
        for mode in ("forward", "train")
        for round_ in range(3)
    ]
    skipped = [{"id": "MyDense-numba-1-gpu", "params": {"context": "gpu"}, "reason": "no usable GPU"}]
    return read(write("run.json", document(entries, skipped=skipped)))


def asv_frame(write, tmp_path, asv_document, names=("suite.time_it",), commits=60, step=30):
    """Results of somebody else's: from commit ``step`` on each benchmark takes twice as long."""
    for number in range(commits):
        value = (2e-3 if number >= step else 1e-3) * (1 + 0.01 * math.sin(7 * number))
        results = {name: [[value], []] for name in names}
        date = 1_700_000_000_000 + 86_400_000 * number
        write(f"box/{number}.json", asv_document(results, commit_hash=f"{number:040x}", date=date))
    return read(tmp_path)


def test_sections_of_our_own_grid(grid):
    document = Elements(page(grid, "Our grid"))
    assert document.names() == {"speed-ups", "cases", "missing", "environment"}
    text = " ".join(document.text)
    assert "numba is the fastest variant in 12 of 12 cells." in text
    assert "1 gpu case" in text
    assert "no usable GPU" in text
    assert "Our grid" in text


def test_charts_of_our_own_grid(grid):
    document = page(grid)
    data = data_of(document)
    places = [attributes["data-chart"] for _, attributes in Elements(document).found if "data-chart" in attributes]
    assert places == list(map(str, range(len(data["charts"]))))
    kinds = [chart["kind"] for chart in data["charts"]]
    assert kinds.count("heat map") == 4, "two modes, two variants beside the baseline"
    assert len(kinds) == 8, "two modes, two layers with throughput"
    cells = data["charts"][0]["datasets"]["cells"]
    assert [(cell["layer"], cell["batch"]) for cell in cells[:2]] == [("HalfFourier", "1"), ("HalfFourier", "16")]
    assert cells[0]["speedup"] == "1.33×"
    assert cells[0]["gain"] == pytest.approx(math.log2(8 / 6), rel=1e-3)


def test_crossovers_are_marked(write, document, entry):
    seconds = {"imperative": {1: 1.0, 16: 2.0}, "numba": {1: 2.0, 16: 1.0}}
    entries = [
        entry(("MyDense", variant, batch, "train"), [value])
        for variant, values in seconds.items()
        for batch, value in values.items()
    ]
    html = page(read(write("run.json", document(entries))))
    charts = [chart for chart in data_of(html)["charts"] if "crossed" in chart["kind"]]
    (mark,) = charts[0]["datasets"]["crossings"]
    assert mark["batch"] == pytest.approx(4)
    assert mark["overtakes"] == "numba overtakes imperative"
    assert "≈ 4.00" in " ".join(Elements(html).text)


def test_results_of_others_have_history_and_no_speedups(write, tmp_path, asv_document):
    frame = asv_frame(write, tmp_path, asv_document)
    html = page(frame)
    document = Elements(html)
    assert document.names() == {"changes", "history", "cases", "environment"}
    text = " ".join(document.text)
    assert "1 regression at 1 commit." in text
    assert "2.00× slower" in " ".join(text.split())
    (history,) = data_of(html)["history"]["series"].values()
    (change,) = history["changes"]
    assert change["at"] == 30
    assert change["kind"] == "regression"
    assert [level[:2] for level in history["levels"]] == [[0, 29], [30, 59]]
    assert history["unit"] == "ms"
    assert history["values"][0] == pytest.approx(1.0, rel=0.02)


def test_results_without_dates_are_numbered(write, tmp_path, asv_document):
    frame = asv_frame(write, tmp_path, asv_document, commits=3)
    data = data_of(page(frame.assign(date=pd.Series([pd.NaT] * 3, dtype=frame["date"].dtype))))
    assert data["history"]["dates"] is None
    assert '"title": "run"' in json.dumps(data["specifications"]["history"])
    assert [len(one["values"]) for one in data["history"]["series"].values()] == [3]


def test_few_commits_are_not_judged(write, tmp_path, asv_document):
    text = " ".join(Elements(page(asv_frame(write, tmp_path, asv_document, commits=3))).text)
    assert "that it takes to judge" in text
    assert "Nothing regressed" not in text


def test_an_empty_section_is_not_there(write, document):
    html = page(read(write("a.json", document([{"fullname": "t", "stats": {"median": 1.0}}]))))
    assert Elements(html).names() == {"cases", "environment"}


def test_nothing_but_what_is_missing(write, document):
    html = page(read(write("a.json", document([], skipped=[{"id": "a", "params": {}, "reason": "no GPU"}]))))
    assert "no GPU" in " ".join(Elements(html).text)


def change(**more):
    row = {"benchmark": "t", "metric": "time", "unit": "seconds", "change": "regression", "ratio": 2.0, "lower": 1.9}
    row |= {"upper": 2.1, "before": 1.0, "after": 2.0, "confidence": 0.99, "commit": "b", "since": "a", "shape": "step"}
    return row | {"date": pd.Timestamp("2026-01-01", tz="UTC"), "present": True, "group": 1} | more


@pytest.mark.parametrize(
    ("changes", "tone", "headline", "detail"),
    [
        ([], "good", "Nothing regressed.", "1 case over 60 commits."),
        ([change()], "bad", "1 regression at 1 commit.", "1 case over 60 commits."),
        ([change(), change(group=2), change(group=2)], "bad", "3 regressions at 2 commits.", "60 commits."),
        ([change(present=False)], "good", "Nothing regressed.", "1 earlier regression mended or no longer measured."),
        ([change(change="improvement", ratio=0.5)], "good", "Nothing regressed.", "1 improvement still there."),
    ],
)
def test_verdict(write, tmp_path, asv_document, changes, tone, headline, detail):
    whole = series(asv_frame(write, tmp_path, asv_document))
    found = verdict(pd.DataFrame(changes, columns=list(change())), whole, ())
    assert (found.tone, found.headline) == (tone, headline)
    assert found.detail.endswith(detail)


@pytest.mark.parametrize(
    ("metric", "ratio", "size"),
    [("time", 0.5, "2.00× faster"), ("peakmemory", 0.5, "2.00× smaller"), ("peakmemory", 2.0, "2.00× larger")],
)
def test_no_change_is_less_than_once_as_large(write, tmp_path, asv_document, metric, ratio, size):
    moved = pd.DataFrame([change(metric=metric, ratio=ratio, lower=ratio * 0.9, upper=ratio * 1.1)])
    (group,) = groups(moved, series(asv_frame(write, tmp_path, asv_document)))
    assert group.size == size


def test_what_has_no_history_is_told(commits):
    text = " ".join(Elements(page(read(commits({"suite.mem_nothing": [0.0] * 16})))).text)
    assert "Not judged: 16 results of zero or less" in text
    assert "Not measured" not in text


def test_hostile_names_stay_text(write, tmp_path, asv_document):
    frame = asv_frame(write, tmp_path, asv_document, names=HOSTILE)
    html = page(frame, title=HOSTILE[0])
    assert_inert(html)
    assert set(data_of(html)["labels"]) == set(HOSTILE)
    assert HOSTILE[0] in "".join(Elements(html).text)


def test_hostile_parameters_stay_text(write, document, entry):
    entries = [
        entry((name, variant, batch, HOSTILE[2]), [1.0 + len(variant)], context=HOSTILE[1])
        for name in HOSTILE
        for variant in ("imperative", *HOSTILE[::4])
        for batch in (1, 2)
    ]
    skipped = [{"id": name, "params": {"context": name}, "reason": name} for name in HOSTILE]
    html = page(read(write("a.json", document(entries, skipped=skipped, machine_info={"node": HOSTILE[0]}))))
    assert_inert(html)
    for name in HOSTILE:
        assert name in "".join(Elements(html).text)


def assert_inert(html):
    """No element, attribute or script beside those of a page without names."""
    document = Elements(html)
    assert {tag for tag, _ in document.found} <= HARMLESS
    assert not [name for _, attributes in document.found for name in attributes if name.startswith("on")]
    assert len(document.scripts) == 4
    assert {link for tag, attributes in document.found if tag == "a" for link in [attributes["href"][0]]} == {"#"}
    assert {"src", "srcset"}.isdisjoint(name for _, attributes in document.found for name in attributes)


def test_no_specification_holds_a_name_from_a_file(write, document, entry):
    cells = [(layer, variant, batch, "m") for layer in ("a[b].c", "datum.x") for variant in "uv" for batch in (1, 2)]
    data = data_of(page(read(write("a.json", document([entry(cell, [1.0]) for cell in cells])))))
    fields = re.findall(r'"field": "([^"]*)"', json.dumps(data["specifications"]))
    assert set(fields) <= {"layer", "batch", "speedup", "interval", "time", "baseline", "gain", "ink"} | {
        *("rate", "variant", "lower", "upper", "throughput", "weight", "overtakes", "at", "evidence")
    }


def test_only_the_scripts_of_the_page_may_run(grid):
    html = page(grid)
    document = Elements(html)
    (policy,) = [attributes["content"] for _, attributes in document.found if "http-equiv" in attributes]
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in document.scripts[1:]]
    assert policy.startswith("default-src 'none'; script-src ")
    assert re.findall(r"'sha256-([^']+)'", policy) == digests
    assert "unsafe-eval" not in policy


@pytest.mark.parametrize("name", HOSTILE)
def test_json_in_a_script_ends_nothing(name):
    text = json_for_script({name: [name]})
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == {name: [name]}


def test_a_name_that_is_no_unicode(grid):
    page(grid, title="broken \ud800").encode()


def mixed(one, other, share):
    return [(1 - share) * int(one[at : at + 2], 16) + share * int(other[at : at + 2], 16) for at in (1, 3, 5)]


def luminance(color):
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in (one / 255 for one in color)]
    return sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("end", ["faster", "slower"])
def test_text_on_any_colour_of_the_heat_map_is_readable(scheme, end):
    sheet = own_script("page.css")
    color = {
        name: re.findall(f"--heat-{name}: (#[0-9a-f]{{6}});", sheet)[scheme] for name in ("even", "ink", "deep", end)
    }
    for percent in range(101):
        ground = luminance(mixed(color["even"], color[end], percent / 100))
        ink = luminance(mixed(*[color["deep" if percent / 100 > DEEP else "ink"]] * 2, 0))
        assert (max(ground, ink) + 0.05) / (min(ground, ink) + 0.05) >= 4.5, percent


def test_library_draws_what_altair_specifies():
    major = altair.SCHEMA_VERSION.split(".")[0]
    assert f"/{major}." in charts.heat_map(1.0)["$schema"]
    assert f"schema/vega-lite/{major}" in charts.heat_map(1.0)["$schema"]
    assert "vegaEmbed" in charting_library()
    assert "</script" not in charting_library()


def test_page_of_a_grid_is_small(grid):
    assert len(page(grid).encode()) < 5e6


def test_a_thousand_commits_of_300_series():
    frame = synthetic()
    moved = regressions(frame.iloc[: 1000 * 20])  # of some series: a test of size need not look at all of them
    assert len(moved)
    html = page(frame, moved=moved)
    assert len(html.encode()) < 25e6
    data = data_of(html)
    assert len(data["history"]["series"]) == 300
    assert all(len(one["values"]) == 1000 for one in data["history"]["series"].values())


def test_the_given_frame_is_left_alone(grid):
    before, attributes = grid.copy(), dict(grid.attrs)
    page(grid)
    pd.testing.assert_frame_equal(grid, before)
    assert grid.attrs == attributes


def test_latest_value_and_interval_are_over_rounds(grid):
    table = speedups(grid)
    wanted = table[(table["layer"] == "MyDense") & (table["variant"] == "numba") & (table["mode"] == "train")]
    cases = series(grid).cases
    found = cases[(cases["layer"] == "MyDense") & (cases["variant"] == "numba") & (cases["mode"] == "train")]
    assert found["lower"].tolist() == pytest.approx(wanted["seconds_lower"].tolist())
    assert found["upper"].tolist() == pytest.approx(wanted["seconds_upper"].tolist())
    assert found["value"].tolist() == pytest.approx(wanted["seconds"].tolist())


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (4.1e-6, "seconds", "4.10 µs"),
        (90.0, "seconds", "90.0 s"),
        (2048.0, "bytes", "2.05 kB"),
        (12.0, "bytes", "12.0 B"),
        (0.0, "bytes", "0 B"),
        (3.25, "unit", "3.25"),
        (1e12, "parsecs", "1e+12 parsecs"),
        (math.nan, "seconds", "–"),
        (-5e3, "bytes", "-5.00 kB"),
    ],
)
def test_quantities(value, unit, text):
    assert quantity(value, unit) == text


@pytest.mark.parametrize(
    ("value", "short"), [(1.23456, 1.235), (123456.0, 123500), (math.nan, None), (math.inf, None), (0.0, 0), (-2.0, -2)]
)
def test_figures_are_short(value, short):
    assert figure(value) == short


def test_files_of_the_page_are_in_the_wheel():
    root = Path(__file__).parents[2]
    (listed,) = re.findall(r'^"reports\.page" = (\[.*\])$', (root / "pyproject.toml").read_text(), re.MULTILINE)
    patterns = json.loads(listed)
    files = {file for file in (root / "reports/page").iterdir() if file.is_file() and file.suffix != ".py"}
    assert files == {file for pattern in patterns for file in (root / "reports/page").glob(pattern)}


def test_no_name_turns_the_figures_behind_it_round(write, document, entry):
    turning = "\u202elayer\u2066\u200f\u061c"
    entries = [entry((turning, variant, batch, "m"), [1.0]) for variant in ("imperative", turning) for batch in (1, 2)]
    html = page(read(write("a.json", document(entries))), title=turning)
    assert not set(turning) - set("layer") & set(html)
    assert "\N{REPLACEMENT CHARACTER}layer" in "".join(data_of(html)["labels"])


@pytest.mark.parametrize(("dates", "seconds"), [(None, 1.0), (86_400_000, 0.0)], ids=["no dates", "zeros"])
def test_nothing_is_judged_by_what_has_no_place_in_a_history(write, tmp_path, asv_document, dates, seconds):
    for number in range(8):
        date = dates and dates * number
        about = {"commit_hash": f"{number:08x}" * 5, "date": date}
        write(f"h/{number}.json", asv_document({"s.time_x": [[seconds]]}, **about))
    text = "".join(Elements(page(read(tmp_path / "h"))).text)
    assert "No case holds the 4 commits that it takes to judge." in text
    assert "Nothing regressed" not in text


def test_batches_and_ratios_beyond_all_bounds(write, document, entry):
    cells = {("imperative", 1): 1e300, ("numba", 1): 5e-324, ("imperative", 2): 5e-324, ("numba", 2): 1e300}
    entries = [
        entry(("L", variant, batch, "m"), [value], n) for (variant, batch), value in cells.items() for n in (0, 1)
    ]
    entries += [entry(("L", variant, math.inf, "m"), [1.0]) for variant in ("imperative", "numba")]
    data_of(page(read(write("a.json", document(entries)))))


def test_parameters_that_are_called_as_the_page_calls_its_columns(write, document):
    names = ("case", "run", "runs", "place")
    entries = [
        {"fullname": f"t[{value}]", "params": dict.fromkeys(names, f"v{value}"), "stats": {"median": 1.0}}
        for value in (7, 8)
    ]
    labels = data_of(page(read(write("a.json", document(entries)))))["labels"]
    assert all(label.count(f"v{value}") == len(names) for label, value in zip(labels, (7, 8), strict=True))
