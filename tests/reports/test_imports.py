"""A report can be built on a machine that has neither MXNet nor Numba."""

import subprocess
import sys

FOREIGN = ("mxnet", "mxnet_compat", "numba", "layers", "kernels", "benchmarks")


def test_reports_needs_no_measuring_room():
    code = f"import sys, reports.verdict; print(sorted(name for name in {FOREIGN} if name in sys.modules))"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout == "[]\n"
