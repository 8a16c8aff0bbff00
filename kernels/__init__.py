"""HOW a layer runs: one Block in, its variants out.

A forward pass is traced, printed as a ``HybridBlock`` or decomposed into a few primitives, differentiated, rewritten,
fused into loops, printed as Numba source and run on MXNet's own buffers:

    trace → emit/gluon                                                         (hybridized variant)
    trace → decompose → rewrite → gradient → fuse → emit/cpu → compile → engine    (numba variant)

The generator looks at operators, never at names of layers: whatever is written in its vocabulary is served.
"""

import mxnet_compat  # noqa: F401  (before anything imports mxnet)

from .errors import KernelError, UncompilableError
from .prepare import prepare
from .trace import trace
from .variants import VARIANTS, build, hybridize, jit, parts, source, value_and_gradient

__all__ = [
    "VARIANTS",
    "KernelError",
    "UncompilableError",
    "build",
    "hybridize",
    "jit",
    "parts",
    "prepare",
    "source",
    "trace",
    "value_and_gradient",
]
