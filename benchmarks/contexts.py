"""Whether a context can be measured on this machine: a real operation is tried, not only a device counted."""

import ctypes
import functools
import os
import subprocess
import sys

CUDA_DRIVER = "libcuda.so.1"

# In a process of its own: it may crash, and loading MXNet here would spoil the processes that are forked from this one.
OPERATION = """
import sys
import mxnet_compat
import mxnet
try:
    two = mxnet.nd.ones((1,), ctx=mxnet.context.Context(sys.argv[1])) + 1
    sys.exit(None if two.asscalar() == 2 else "1 + 1 is not 2 on it")
except mxnet.base.MXNetError as error:
    sys.exit(str(error))
"""
OPERATION_TIMEOUT = 120  # seconds; the first use of a GPU may compile its kernels


@functools.cache
def why_unusable(context: str) -> str | None:
    """``None`` if arrays can be computed on ``context`` (``cpu`` or ``gpu``), or else the reason in one clause.

    It does not load MXNet into this process.
    """
    return None if context == "cpu" else _why_no_driver() or _why_operation_fails(context)


def _why_no_driver() -> str | None:
    """The cheap half of the answer, and the usual one."""
    try:
        ctypes.CDLL(CUDA_DRIVER)
    except OSError:
        return f"no usable GPU: the NVIDIA driver library {CUDA_DRIVER} is not on this machine"
    return None


def _why_operation_fails(context: str) -> str | None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", OPERATION, context]
    try:
        run = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=OPERATION_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        return f"no usable GPU: an addition on it did not end within {OPERATION_TIMEOUT} s"
    if run.returncode == 0:
        return None
    said = run.stderr.strip().splitlines() or [f"exit status {run.returncode}"]
    return f"no usable GPU: MXNet cannot add on it ({said[-1].strip()})"
