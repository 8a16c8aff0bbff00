"""MXNet 1.9.1 needs its preparation before any test module imports it; every variant is a row of most tables."""

import mxnet_compat  # noqa: F401, I001  (before anything imports mxnet)
from collections.abc import Iterator

import mxnet as mx
import pytest

from kernels import VARIANTS
from kernels.parallel import OPENMP


@pytest.fixture(autouse=True)
def same_random_numbers() -> None:
    """Whatever was run before: all that MXNet draws comes from one stream."""
    mx.random.seed(0)


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    """The name of each variant in turn."""
    name: str = request.param
    return name


@pytest.fixture(params=[name for name in VARIANTS if name != "imperative"])
def generated(request: pytest.FixtureRequest) -> str:
    """The name of each variant whose code is generated."""
    name: str = request.param
    return name


@pytest.fixture
def threads_as_before() -> Iterator[None]:
    """For tests that change OpenMP's number of threads."""
    before = OPENMP.omp_get_max_threads()
    yield
    OPENMP.omp_set_num_threads(before)
