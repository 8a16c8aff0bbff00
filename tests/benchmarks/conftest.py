"""MXNet 1.9.1 needs its preparation before any test module imports it."""

import mxnet_compat  # noqa: F401
