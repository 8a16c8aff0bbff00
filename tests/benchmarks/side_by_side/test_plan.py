"""What a person asks for is understood or refused before anything is measured."""

import pytest

from benchmarks.grid import CaseError
from benchmarks.side_by_side import plan
from benchmarks.side_by_side.plan import Request


@pytest.mark.parametrize(
    ("text", "seconds"), [("15m", 900), ("90s", 90), ("1.5h", 5400), ("45", 45), (" 2 m ", 120), (".5m", 30)]
)
def test_a_budget_is_a_time(text, seconds):
    assert plan.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-5m", "15 minutes", "1e3", "nan", "m", "9999h", "1m30s", "٣m", "1" * 5000])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(CaseError, match="a budget is a time such as 15m, 90s or 1h, not "):
        plan.seconds(text)


@pytest.mark.parametrize(("text", "share"), [("3%", 0.03), ("0.05", 0.05), (".5 %", 0.005), ("10%", 0.1)])
def test_a_threshold_is_a_share(text, share):
    assert plan.share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "0%", "100%", "3", "-3%", "three"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(CaseError, match=r"a threshold is a share of a call's time such as 3% or 0\.03, not "):
        plan.share(text)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"base": " "}, "the gate needs a commit to compare with"),
        ({"variants": ["fast"]}, "unknown variant 'fast'"),
        ({"modes": ["sideways"]}, "unknown mode 'sideways'"),
        ({"batches": ["0"]}, "the batch size must be a positive whole number, not '0'"),
        ({"engine": "steam"}, "unknown engine 'steam'"),
        ({"threads": 0}, "the number of threads must be a positive whole number"),
        ({"threads": 5000}, "the number of threads must be at most"),
        ({"shapes": ["4,16"]}, "--args and --shape belong to a layer of your own"),
        ({"layers": ["mine.py:Mine"]}, "mine.py:Mine needs the shape of each of its inputs"),
        ({"layers": ["mine:Mine"], "shapes": ["4,16"]}, "name it path/to/file.py:Class"),
        ({"layers": ["/mine.py:Mine"], "shapes": ["4,16"]}, "with the path from the repository's root"),
        ({"layers": ["a.py:MyDense"], "shapes": ["4,16"]}, "two layers are called MyDense"),
    ],
)
def test_what_cannot_be_measured_is_refused(given, message):
    with pytest.raises(CaseError, match=message):
        plan.plan(Request(**{"base": "main", **given}))


def test_a_layer_of_ones_own_has_the_batch_of_its_shape():
    found = plan.plan(Request(base="main", layers=["a/mine.py:Mine"], shapes=["4,16"], arguments=["8"], threads=2))
    assert (found.layers, found.threads, found.budget, found.threshold) == ((), 2, 900, 0.03)
    assert (found.outside["Mine"].spec, found.outside["Mine"].batch) == ("a/mine.py:Mine", 4)


def test_without_a_seed_every_gate_draws_anew():
    seeds = [plan.plan(Request(base="main", seed=seed)).seed for seed in (None, None, 0, 7, 2**32 + 7)]
    assert seeds[0] != seeds[1]
    assert seeds[2:] == [0, 7, 7]
