"""Workflow commands of GitHub: escaped by its rules, and no more than it shows."""

import pytest

from reports import annotations, findings
from reports.annotations import SHOWN, command


@pytest.mark.parametrize(
    ("title", "message", "line"),
    [
        ("plain", "text", "::error title=plain::text"),
        ("100 %", "50 %", "::error title=100 %25::50 %25"),
        ("a:b,c", "a:b,c", "::error title=a%3Ab%2Cc::a:b,c"),
        ("x\r\n::error::y", "x\r\n::error::y", "::error title=x%0D%0A%3A%3Aerror%3A%3Ay::x%0D%0A::error::y"),
        ("%3A", "%0A", "::error title=%253A::%250A"),
    ],
)
def test_escapes(title, message, line):
    assert command("error", title, message) == line


def test_a_line_for_each_commit_that_slowed_something_down(commits, wobbly):
    slow, slower = wobbly(*[1.0] * 8, *[2.0] * 8), wobbly(*[1.0] * 8, *[3.0] * 8)
    text = annotations(findings([commits({"s.time_a": slow, "s.time_b": slower, "s.time_c": wobbly(*[1.0] * 16)})]))
    (line,) = text.splitlines()
    assert line.startswith("::error title=s.time_b%3A 3.00× slower%2C and 1 more::s.time_b is 3.00× slower since ")
    assert "; s.time_a is 2.00× slower since 00000007..00000008" in line


def test_what_could_not_be_read_is_a_warning_and_ten_are_shown(commits, wobbly, write):
    folder = commits({"s.time_a": wobbly(*[1.0] * 16)})
    for number in range(12):
        write(f"history/{number}.json", "{")
    lines = annotations(findings([folder])).splitlines()
    assert len(lines) == SHOWN
    assert all(line.startswith("::warning title=") for line in lines)
    assert lines[-1] == "::warning title=and more::3 warnings more: see the report"


def test_nothing_to_say(commits, wobbly):
    assert annotations(findings([commits({"s.time_a": wobbly(*[1.0] * 16)})])) == ""


def test_no_name_turns_the_figures_behind_it_round():
    assert command("error", "\u202ex", "\u2066y") == "::error title=\ufffdx::\ufffdy"
