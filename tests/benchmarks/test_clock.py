"""The sampler's arithmetic, with a clock that moves only when a call says so."""

import gc

import pytest

from benchmarks.clock import SETTLE, Sampler, Sampling, VirtualClock


class Work:
    """A call that takes ``seconds[i]`` seconds the i-th time, and the last figure ever after."""

    def __init__(self, *seconds):
        self.seconds = list(seconds)
        self.calls = 0
        self.now = 0.0

    def __call__(self):
        self.now += self.seconds[min(self.calls, len(self.seconds) - 1)]
        self.calls += 1

    def clock(self):
        return self.now


def sampler(work, **sampling):
    return Sampler(work, Sampling(**{"warm_up": 0.02, "window": 0.004, "windows": 10} | sampling), work.clock)


@pytest.mark.parametrize(("seconds", "calls"), [(1e-6, 4000), (1.5e-5, 267), (1e-3, 4), (3e-3, 2), (1.0, 1)])
def test_a_window_is_filled_with_whole_calls(seconds, calls):
    one = sampler(Work(seconds))
    assert abs(one.calls - calls) <= 1
    assert one.sample() == pytest.approx(seconds)


def test_a_slow_first_call_is_no_measure_of_the_next():
    one = sampler(Work(3.0, 1e-5))
    assert one.calls == pytest.approx(400, abs=1)
    assert one.sample() == pytest.approx(1e-5)


def test_a_call_that_lost_the_processor_does_not_shorten_the_window():
    work = Work(1e-5, 0.5, 1e-5)  # the hiccup is the first call of the calibration
    assert sampler(work).calls == pytest.approx(400, abs=1)


def test_calls_that_are_never_fast_again_are_calibrated_all_the_same():
    one = sampler(Work(1e-5, 1e-5, 1e-5, 1e-5, 1e-3))  # threads that wait for each other from then on
    assert one.sample() == pytest.approx(1e-3)
    assert one.calls == pytest.approx(4, abs=1)


def test_the_number_of_calls_follows_a_change_of_speed():
    work = Work(1e-5)
    one = sampler(work)
    work.seconds = [1e-3]
    assert one.sample() == pytest.approx(1e-3)
    assert one.calls == pytest.approx(4, abs=1)
    work.seconds = [1e-5]
    assert one.sample() == pytest.approx(1e-5)
    assert one.calls == pytest.approx(400, abs=1)


def test_a_small_change_of_speed_leaves_the_number_of_calls_alone():
    work = Work(1e-5)
    one = sampler(work)
    work.seconds = [4e-5]
    one.sample()
    assert one.calls == pytest.approx(400, abs=1)


def test_warming_up_takes_its_time():
    work = Work(1e-4)
    sampler(work, warm_up=0.5)
    assert work.now >= 0.5


def test_a_sample_is_the_mean_of_one_window():
    work = Work(1e-3)
    one = sampler(work)
    work.seconds = [1e-3, 2e-3, 3e-3, 2e-3]
    work.calls = 0
    assert one.calls == 4
    assert one.sample() == pytest.approx(2e-3)
    assert work.calls == 4


def test_the_collector_rests_during_a_window_only():
    seen = []
    work = Work(1e-2)

    def call():
        seen.append(gc.isenabled())
        work()

    assert gc.isenabled()
    Sampler(call, Sampling(), work.clock)
    assert gc.isenabled()
    assert not any(seen)


def test_a_failing_call_leaves_the_collector_on():
    def call():
        raise ArithmeticError("in the timed call")

    with pytest.raises(ArithmeticError, match="in the timed call"):
        Sampler(call, Sampling())
    assert gc.isenabled()


def test_the_virtual_clock_moves_on_by_the_seconds_of_one_call():
    clock, work = VirtualClock(), Work(1e-3)
    one = sampler(work)
    before = work.now
    clock.advance_by_one(one)
    assert clock() == pytest.approx(1e-3)
    assert work.now - before == pytest.approx(4e-3)
    clock.advance_by_one(one)
    assert clock() == pytest.approx(2e-3)


def test_the_virtual_clock_moves_on_by_a_median():
    work = Work(1.0)
    one = sampler(work)
    assert one.calls == 1
    work.seconds, work.calls = [1.0, 9.0, 2.0], 0
    clock = VirtualClock()
    clock.advance_by_median(one, 3)
    assert clock() == pytest.approx(2.0)


def test_settling_waits_then_warms_up_and_counts_for_nothing():
    work, waited = Work(1e-5), []
    one = Sampler(work, Sampling(), work.clock, waited.append)
    before, calls = work.calls, one.calls
    one.settle()
    assert waited == [SETTLE]
    assert work.calls - before == pytest.approx(calls / 4, abs=1)
    assert (one.sample(), one.calls) == (pytest.approx(1e-5), calls)
