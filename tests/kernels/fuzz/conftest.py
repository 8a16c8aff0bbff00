"""Says at the end what became of the graphs that were asked for."""

from collections import Counter

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The number of graphs of passed tests by outcome: compared, or the reason for which they were refused."""
    if not terminalreporter.config.getoption("--graphs"):
        return
    totals: dict[str, Counter[str]] = {}
    for report in terminalreporter.stats.get("passed", []):
        for name, outcomes in report.user_properties:
            totals.setdefault(name, Counter()).update(outcomes)
    for name, outcomes in totals.items():
        terminalreporter.section(f"{sum(outcomes.values())} {name}")
        for outcome, count in outcomes.most_common():
            terminalreporter.line(f"{count:6} {outcome}")
