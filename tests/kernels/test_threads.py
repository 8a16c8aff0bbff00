"""The same bits from one thread and from two: a sum must not depend on how many share it.

OpenBLAS reads its number of threads once in a process, so each number has a process of its own.  Its own products
promise that only for short sums (docs/design.md); where there are any, batches here stay below.  The large batches are
those that generated loops are shared at.
"""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import hashlib
import numpy as np
import kernels
import layers
from kernels import jit, value_and_gradient
from mxnet import gluon, nd

def digest(array):
    return hashlib.sha256(array.asnumpy().tobytes()).hexdigest()[:12]

class Reductions(gluon.Block):
    def forward(self, x):
        return [
            reduce(x, **axes)
            for reduce in (nd.sum, nd.mean, nd.max, nd.norm)
            for axes in ({}, {"axis": 0}, {"axis": 1}, {"axis": (1, 2)})
        ]

def drawn(*shape):
    return nd.array(np.random.default_rng(shape[0]).standard_normal(shape))

for name in layers.names():
    subject = layers.load(name)
    block = subject.build()
    block.initialize()
    block(drawn(2, *subject.features))
    for key, parameter in block._collect_params_with_prefix().items():
        if parameter.grad_req != "null":
            parameter.set_data(drawn(*parameter.shape))
    fast = jit(block)
    source = kernels.source(block, "numba", (3, *subject.features))
    for batch in (1, 3, 256) if "np.dot" in source else (1, 3, 256, 2048, 5001):
        x = drawn(batch, *subject.features)
        y, gradients = value_and_gradient(fast, x, drawn(*block(x).shape))
        print(name, batch, "y", digest(y))
        for key, gradient in gradients.items():
            print(name, batch, key, digest(gradient))

fast, x = jit(Reductions()), drawn(5000, 30, 11)
assert "in_chunks" in kernels.source(Reductions(), "numba", (3, 30, 11))
ys, gradients = value_and_gradient(fast, x, [drawn(*y.shape) for y in fast(x)])
for place, y in enumerate([*ys, gradients["x"]]):
    print("reduction", place, digest(y))
"""


def digests(threads: int) -> list[str]:
    """One line for each result, in a process with so many threads."""
    environment = {**os.environ, "GLUONMARK_THREADS": str(threads)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=1500
    )
    return done.stdout.splitlines()


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor")
def test_results_have_the_same_bits_from_one_thread_and_from_two() -> None:
    one, two = digests(1), digests(2)
    assert len(one) > 70
    assert [line for line, other in zip(one, two, strict=True) if line != other] == []
