"""MXNet 1.9.1 needs its preparation before any test module imports it; every variant is a row of most tables."""

import mxnet_compat  # noqa: F401, I001  (before anything imports mxnet)
import pytest

from kernels import VARIANTS


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
