"""What a process suffers is told, as far as the system tells it."""

import time

import pytest

from benchmarks.side_by_side import conditions
from benchmarks.side_by_side.conditions import Moment

STAT = "cpu  {user} 0 0 1000 0 0 0 {stolen} 0 0\ncpu0 1 2 3\n"


def test_rates_are_per_second_of_this_machine(tmp_path, monkeypatch):
    tick = conditions.os.sysconf("SC_CLK_TCK")
    for name in ("STAT", "SCHEDULE", "PROCESSORS"):
        monkeypatch.setattr(conditions, name, tmp_path / name)
    (tmp_path / "PROCESSORS").write_text("cpu MHz\t\t: 2000.0\ncpu MHz\t\t: 3000.0\n")
    clock = iter((10.0, 12.0))
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    moments = []
    for seconds in (0, 1):
        (tmp_path / "STAT").write_text(STAT.format(user=3 * tick * seconds, stolen=tick * seconds))
        (tmp_path / "SCHEDULE").write_text(f"5 {seconds * 500_000_000} 7\n")
        moments.append(Moment.now())
    found = moments[1].since(moments[0])
    assert {name: found[name] for name in ("seconds", "steal", "busy", "waited", "megahertz")} == pytest.approx(
        {"seconds": 2.0, "steal": 0.5, "busy": 1.5, "waited": 0.25, "megahertz": 2500.0}
    )


def test_what_the_system_does_not_tell_is_none(tmp_path, monkeypatch):
    for name in ("STAT", "SCHEDULE", "PROCESSORS"):
        monkeypatch.setattr(conditions, name, tmp_path / "nothing")
    earlier = Moment.now()
    found = Moment.now().since(earlier)
    assert [found[name] for name in ("steal", "busy", "waited", "megahertz")] == [None] * 4
    assert found["involuntary"] >= 0
