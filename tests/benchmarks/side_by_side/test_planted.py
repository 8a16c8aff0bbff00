"""What is planted slows a case, and changes nothing that it computes."""

import time

import pytest

import kernels
import layers
from benchmarks import cases
from benchmarks.grid import CaseError, Cell
from benchmarks.side_by_side import companions, planted
from benchmarks.side_by_side.planted import Plant

CELL = Cell("LearnedAffine", "numba", 4, "cpu", "forward")


def operators(plant):
    call, spin = planted.closure(CELL, None, plant)
    for _ in range(companions.WARM_CALLS):
        call()
    assert spin(1e-3) == 0
    return companions.counted(call)["operators"]


def test_nothing_planted_is_the_case_itself():
    assert operators(None) == []
    assert planted.closure(CELL, None, None)[1](1000) == 0


def test_a_copy_and_a_lost_variant_are_seen_by_mxnet():
    assert operators(Plant("copy")) == ["CopyCPU2CPU"]
    assert operators(Plant("imperative")) == ["broadcast_add", "broadcast_mul", "broadcast_sub", "mean"]


def test_a_spin_waits_for_a_share_of_its_window(monkeypatch):
    _, spin = planted.closure(CELL, None, Plant("spin", 0.02))
    now = iter(range(0, 1_000_000, 7))
    monkeypatch.setattr(time, "perf_counter", lambda: next(now) * 1e-6)
    assert spin(5e-3) == pytest.approx(105e-6)  # the first reading of the clock at or after 100 µs


def test_without_fusion_each_value_has_a_loop_of_its_own_and_the_result_is_the_same():
    subject = layers.load(CELL.layer)

    def loops():
        text = kernels.source(subject.build(), "numba", [subject.inputs[0].shape(4)], "float32")
        return text.count("\n        for ")

    with planted._without_fusion():
        unfused = loops()
    assert unfused > loops()
    with planted._without_fusion():
        cases.prepare(CELL)  # compares with the reference


def test_an_unknown_kind_is_refused():
    with pytest.raises(CaseError, match="a planted slow-down is one of spin, copy, imperative, unfused, not 'nap'"):
        Plant("nap")
