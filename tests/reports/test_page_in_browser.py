"""The HTML page in headless Chromium: what a reader sees and does.  Skipped where there is no Chromium."""

import math
import shutil

import pytest
from page_figures import CHROMIUM, FLAGS
from playwright.sync_api import expect, sync_playwright

from reports import read
from reports.page import page

pytestmark = pytest.mark.skipif(
    shutil.which(CHROMIUM) is None, reason=f"there is no {CHROMIUM}: install Debian's package chromium"
)

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "'];alert(1);//",
    "datum.x",
    "a[b].c",
    "${alert(1)}",
    "constructor",
)


LONGEST = 200_000  # milliseconds


@pytest.fixture(scope="module")
def browser():
    expect.set_options(timeout=LONGEST)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=LONGEST)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Opens a document; at the end, it must have been quiet, and alone."""
    said, asked, contexts = [], [], []

    def opened(html, **more):
        file = tmp_path / "page.html"
        file.write_text(html, encoding="utf-8")
        context = browser.new_context(viewport={"width": 1400, "height": 900}, **more)
        context.set_default_timeout(LONGEST)
        contexts.append(context)
        window = context.new_page()
        window.on("console", lambda message: said.append(message.text))
        window.on("pageerror", lambda error: said.append(str(error)))
        window.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        window.on("request", lambda request: asked.append(request.url))
        window.goto(file.as_uri())
        window.locator("#table tbody tr").first.wait_for()
        return window

    yield opened
    for context in contexts:
        context.close()
    assert said == []
    assert {url.partition("#")[0] for url in asked} == {(tmp_path / "page.html").as_uri()}


@pytest.fixture
def grid(write, document, entry):
    """Results of our own: two layers, three variants, three batches, two modes, two rounds."""
    seconds = {"imperative": 8e-6, "hybridized": 6e-6, "numba": 1e-6}
    entries = [
        entry((layer, variant, batch, mode), [base * (1 + batch / slow) * (1 + 0.01 * round_)], round_)
        for layer, slow in (("MyDense", 10), ("HalfFourier", 1000))
        for variant, base in seconds.items()
        for batch in (1, 16, 256)
        for mode in ("forward", "train")
        for round_ in range(2)
    ]
    return page(read(write("run.json", document(entries))), "Our grid")


@pytest.fixture
def history(write, tmp_path, asv_document):
    """Results of somebody else's: 60 commits, where one of two benchmarks takes twice as long from the thirtieth on."""
    for number in range(60):
        wave = 1 + 0.01 * math.sin(7 * number)
        slow = (2e-3 if number >= 30 else 1e-3) * wave
        results = {"suite.time_steady": [[3e-6 * wave], []], "suite.time_slower": [[slow], []]}
        date = 1_700_000_000_000 + 86_400_000 * number
        write(f"box/{number}.json", asv_document(results, commit_hash=f"{number:040x}", date=date))
    return page(read(tmp_path))


def drawn(chart):
    """How many marks a chart shows, once it shows some."""
    chart.scroll_into_view_if_needed()
    chart.locator("svg").wait_for()
    return chart.locator("svg .mark-rect path, svg .mark-symbol path, svg .mark-line path").count()


def column(window, place):
    return window.locator(f"#table tbody tr > :nth-child({place})").all_text_contents()


def test_charts_are_drawn_in_both_modes(open_page, grid):
    window = open_page(grid)
    charts = window.locator("#block-0 [data-chart]")
    assert charts.count() == 4
    assert [drawn(chart) for chart in charts.all()] == [6, 6, 12, 12]
    window.get_by_text("train · cpu", exact=True).click()
    assert not charts.first.is_visible()
    others = window.locator("#block-1 [data-chart]")
    assert all(drawn(chart) for chart in others.all())


def test_only_what_comes_into_view_is_drawn(open_page, grid):
    window = open_page(grid)
    drawn(window.locator("#block-0 [data-chart]").first)
    assert window.locator("#block-1 svg").count() == 0


def test_filter(open_page, grid):
    window = open_page(grid)
    assert window.locator("#table tbody tr").count() == 36
    window.get_by_label("Filter").fill("NUMBA train")
    assert window.locator("#table tbody tr").count() == 6
    assert set(column(window, 2)) == {"numba"}
    assert window.locator("#matches").text_content() == "6 of 36 cases"
    window.get_by_label("Filter").fill("nothing is called this")
    assert window.locator("#table tbody tr").count() == 0
    window.get_by_label("Filter").fill("")
    assert window.locator("#table tbody tr").count() == 36


def test_sorting_by_keyboard(open_page, grid):
    window = open_page(grid)
    header = window.locator("th", has=window.get_by_role("button", name="batch", exact=True))
    assert header.get_attribute("aria-sort") is None
    header.get_by_role("button").focus()
    window.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "ascending"
    assert column(window, 3) == ["1"] * 12 + ["16"] * 12 + ["256"] * 12, "as numbers, not as texts"
    window.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "descending"
    assert column(window, 3)[0] == "256"
    value = window.locator("th", has=window.get_by_role("button", name="value", exact=True))
    value.get_by_role("button").click()
    assert header.get_attribute("aria-sort") is None
    cells = window.evaluate("report.table.rows.map((row) => row[4][0])")
    shown = window.evaluate("Object.fromEntries(report.table.rows.map((row) => [row[4][1], row[4][0]]))")
    assert [shown[text] for text in column(window, 5)] == sorted(cells)


def test_keyboard_reaches_everything(open_page, history):
    window = open_page(history)
    window.keyboard.press("Tab")
    assert window.evaluate("document.activeElement.className") == "skip"
    assert window.locator(".skip").bounding_box()["x"] >= 0, "it shows itself"
    reached = set()
    for _ in range(60):
        window.keyboard.press("Tab")
        reached.add(window.evaluate("document.activeElement.id || document.activeElement.textContent"))
        outline = window.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid" or window.evaluate("document.activeElement === document.body")
    assert {"series", "filter", "benchmark", "value", "History"} <= reached


def test_history_shows_the_change_and_follows_the_choice(open_page, history):
    window = open_page(history)
    chart, caption = window.locator("#history-chart"), window.locator("#history-caption")
    assert drawn(chart) >= 60
    assert caption.text_content() == "suite.time_slower, in ms"
    labels = chart.locator("svg .mark-text.role-mark text")
    assert [text[-1] for text in labels.all_text_contents()] == ["×"]
    window.get_by_label("Case", exact=True).select_option(label="suite.time_steady")
    expect(caption).to_have_text("suite.time_steady, in µs")
    expect(labels).to_have_count(0)
    window.locator("#changes").get_by_role("button", name="History").first.click()
    assert caption.text_content() == "suite.time_slower, in ms"
    assert window.evaluate("document.activeElement.id") == "series"


def test_history_from_the_table(open_page, history):
    window = open_page(history)
    window.locator("#table tr", has_text="time_steady").get_by_role("button").click()
    assert window.locator("#history-caption").text_content() == "suite.time_steady, in µs"


def luminance(color):
    channels = [int(channel) / 255 for channel in color.removeprefix("rgb(").removesuffix(")").split(", ")]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_light_and_dark(open_page, history, scheme):
    window = open_page(history, color_scheme=scheme)
    drawn(window.locator("#history-chart"))
    background = window.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (luminance(background) > 0.5) == (scheme == "light")
    for place in (
        "h1",
        ".top p",
        ".verdict h2",
        ".verdict p",
        ".ratio",
        ".note",
        "thead button",
        "td",
        "a",
        "button.quiet",
    ):
        color = window.evaluate(f"getComputedStyle(document.querySelector('{place}')).color")
        assert contrast(color, background) >= 4.5, place
    label = window.locator("#history-chart svg .role-axis-label text").first
    assert contrast(label.evaluate("node => getComputedStyle(node).fill"), background) >= 4.5


def test_text_in_the_heat_map_is_readable(open_page, grid):
    for scheme in ("light", "dark"):
        window = open_page(grid, color_scheme=scheme)
        for chart in window.locator("#block-0 .grid").first.locator("[data-chart]").all():
            drawn(chart)
            cells, texts = (
                chart.locator(f"svg .{kind}").evaluate_all(
                    """nodes => nodes.map(node => {
                        const { x, y, width, height } = node.getBoundingClientRect();
                        return [Math.round(x + width / 2), Math.round(y + height / 2), getComputedStyle(node).fill];
                    })"""
                )
                for kind in ("mark-rect path", "mark-text.role-mark text")
            )
            assert len(cells) == len(texts) == 6
            for x, y, ink in texts:
                (ground,) = [fill for left, top, fill in cells if abs(left - x) < 20 and abs(top - y) < 15]
                assert contrast(ink, ground) >= 4.5


def test_charts_follow_a_change_to_the_dark(open_page, grid):
    window = open_page(grid, color_scheme="light")
    chart = window.locator("#block-0 [data-chart]").first
    drawn(chart)
    label = chart.locator(".role-axis-label text").first
    before = label.get_attribute("fill")
    window.emulate_media(color_scheme="dark")
    expect(label).not_to_have_attribute("fill", before)


def test_names_from_files_are_text(open_page, write, tmp_path, asv_document):
    for number in range(40):
        slow = 2e-3 if number >= 20 else 1e-3
        results = {name: [[slow * (1 + 0.01 * math.sin(7 * number))], []] for name in HOSTILE}
        date = 1_700_000_000_000 + 86_400_000 * number
        machine = {"machine": HOSTILE[1]}
        more = {"commit_hash": f"{HOSTILE[0]}{number:02}", "date": date, "params": machine, "env_name": HOSTILE[2]}
        write(f"box/{number}.json", asv_document(results, **more))
    window = open_page(page(read(tmp_path), HOSTILE[0]))
    assert sorted(column(window, 1)) == sorted(HOSTILE)
    assert drawn(window.locator("#history-chart")) >= 40
    options = window.locator("#series option").all_text_contents()
    assert sorted(options) == sorted(HOSTILE)
    assert window.locator("h1").text_content() == HOSTILE[0]
    window.locator("#history-chart svg .mark-symbol path").first.hover(force=True)
    tooltip = window.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    assert HOSTILE[0][:8] in tooltip.text_content()
    assert window.locator("img, main script, body > svg").count() == 0


def test_layers_and_variants_are_text(open_page, write, document, entry):
    entries = [
        entry((layer, variant, batch, HOSTILE[0]), [1.0 + len(variant) * batch], context=HOSTILE[1])
        for layer in HOSTILE
        for variant in ("imperative", *HOSTILE[:3])
        for batch in (1, 16)
    ]
    window = open_page(page(read(write("run.json", document(entries)))))
    chart = window.locator("[data-chart]").first
    assert drawn(chart) == 2 * len(HOSTILE)
    labels = chart.locator("svg .role-axis-label text").all_text_contents()
    shown = [label.rstrip("…") for label in labels if not label.isdigit()]
    assert len(shown) == len(HOSTILE)
    assert all(any(name.startswith(label) for name in HOSTILE) for label in shown)
    chart.locator("svg .mark-rect.role-mark path").first.hover(force=True)
    tooltip = window.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    assert sorted(HOSTILE)[0] in tooltip.text_content()
    assert window.locator("img, main script").count() == 0


def test_narrow_window_does_not_scroll_sideways(open_page, history):
    window = open_page(history)
    window.set_viewport_size({"width": 420, "height": 900})
    assert window.evaluate("document.documentElement.scrollWidth") == 420


def test_a_page_without_charts_is_quiet(open_page, write, document):
    window = open_page(page(read(write("a.json", document([{"fullname": "t", "stats": {"median": 1.0}}])))))
    assert column(window, 1) == ["t"]
