"""What counts as equal."""

import numpy as np
import pytest

from benchmarks.agreement import assert_agree, disagreement

ONES = np.ones((2, 3))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("terms", [1, 100, 10_000])
def test_the_permitted_distance_grows_with_precision_and_terms(dtype, terms):
    permitted = 2 * np.finfo(dtype).eps * terms**0.5
    near, far = (ONES.astype(dtype) + np.array(permitted * factor, dtype) for factor in (0.5, 2.0))
    assert disagreement("output", near, ONES, terms) is None
    assert "output is off by" in disagreement("output", far, ONES, terms)


def test_large_values_may_differ_by_more():
    assert disagreement("output", (1000 * ONES + 5e-4).astype("float32"), 1000 * ONES, 16) is None
    assert disagreement("output", (ONES + 5e-4).astype("float32"), ONES, 16)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_nothing_agrees_with_what_is_no_number(wrong):
    actual = ONES.astype("float32")
    actual[1, 2] = wrong
    with pytest.raises(AssertionError, match="output is NaN or infinite in the variant"):
        assert_agree("output", actual, ONES, 1)
    with pytest.raises(AssertionError, match="output is NaN or infinite in the reference"):
        assert_agree("output", actual, actual.astype("float64"), 1)


def test_shapes_are_compared_before_values():
    with pytest.raises(AssertionError, match=r"shape \(3, 2\), expected \(2, 3\)"):
        assert_agree("output", ONES.T.astype("float32"), ONES, 1)


def test_empty_arrays_agree():
    assert_agree("output", np.empty((0, 3), "float32"), np.empty((0, 3)), 1)
