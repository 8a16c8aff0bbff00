"""Makes results of a thousand commits, and says what their page costs: size, time to make it, time until it works.

.venv/bin/python tests/reports/page_figures.py                         # 1,000 commits of 300 series
.venv/bin/python tests/reports/page_figures.py results/bench-….json    # or these results
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from reports.frame import Reading, tidy

CHROMIUM = "/usr/bin/chromium"
# Chromium looks for updates, accounts and news of its own accord: a test of a page must not depend on that.
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
USABLE = "performance.getEntriesByName('table').length && performance.getEntriesByName('chart').length"


def synthetic(commits: int = 1000, series: int = 300, seed: int = 1) -> pd.DataFrame:
    """The tidy frame of ``series`` benchmarks at ``commits`` commits: 1 % noise, and a step in every tenth series."""
    random = np.random.default_rng(seed)
    values = random.lognormal(np.log(10.0 ** random.uniform(-6, 0, (series, 1))), 0.01, (series, commits))
    for number in range(0, series, 10):
        values[number, random.integers(commits // 4, commits) :] *= random.choice([0.8, 1.1, 1.3])
    number, commit = np.divmod(np.arange(series * commits), commits)
    frame = tidy(Reading()).reindex(range(series * commits))
    fixed = {"metric": "time", "unit": "seconds", "machine": "box", "environment": "CPython 3.11", "source": "made up"}
    names = np.array([f"suite.Group{name % 20}.time_number_{name}" for name in range(series)])
    hashes = np.array([f"{one:040x}" for one in random.integers(2**60, size=commits)])
    dates = pd.date_range("2024-01-01", periods=commits, freq="10h", tz="UTC")
    frame = frame.assign(
        benchmark=names[number], commit=hashes[commit], date=dates[commit], value=values.ravel(), **fixed
    )
    frame.attrs = {"skipped": [], "problems": []}
    return frame


def main(results: list[str]) -> None:
    """Print what the page of some result files costs, by default that of ``synthetic``."""
    from playwright.sync_api import sync_playwright

    from reports import read, regressions
    from reports.page import page

    frame = read(*results) if results else synthetic()
    started = time.process_time()
    moved = regressions(frame)
    found = time.process_time()
    html = page(frame, moved=moved)
    made = time.process_time()
    print(f"{len(frame):,} results, {len(moved)} changes found in {found - started:.1f} s of a processor")
    print(f"page: {len(html.encode()) / 1e6:.2f} MB, made in {made - found:.1f} s of a processor")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "page.html"
        file.write_text(html, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        window = browser.new_page(viewport={"width": 1400, "height": 1000})
        window.goto(file.as_uri())
        window.locator(".chart").first.scroll_into_view_if_needed()
        while not window.evaluate(USABLE):  # wait_for_function would be against the page's policy: it uses eval
            window.wait_for_timeout(20)
        for name in ("table", "chart"):
            at = window.evaluate(f"performance.getEntriesByName('{name}')[0].startTime")
            print(f"first {name} after {at / 1000:.2f} s")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
