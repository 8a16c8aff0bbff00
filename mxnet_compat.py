"""Import MXNet 1.9.1 on today's NumPy, with the thread and engine switches set before it loads.

Import this module before anything that imports ``mxnet``; ``layers`` and ``kernels`` do so first of all.
MXNet reads its switches once, while its library loads: ``switches.py`` says what they are.
"""

import os
import warnings

import switches

# Before NumPy, whose BLAS reads its own while it loads.
SWITCHES = switches.prepare(os.environ)

import numpy  # noqa: E402

# Removed from NumPy 1.24; MXNet's Python package reads them while it is imported.
NUMPY_ALIASES = {"bool": bool, "int": int, "float": float, "object": object}


def _load() -> None:
    for name, builtin in NUMPY_ALIASES.items():
        if name not in vars(numpy):
            setattr(numpy, name, builtin)
    asked = switches.ENGINES[SWITCHES.engine] or os.environ.get("MXNET_ENGINE_TYPE")
    # The custom-operator pool looks at the engine type while the library loads, the engine itself at the first
    # operation: naming the naive engine only during the import makes recorded backwards run inline and leaves
    # the engine asynchronous.
    _set_engine_type(switches.ENGINES["naive"] if SWITCHES.inline else asked)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MXNet 1.9.1 compares types and escapes as Python of 2015 did
            import mxnet  # noqa: F401
    except OSError as error:
        if "libquadmath" in str(error):
            raise ImportError(
                "MXNet needs the system library libquadmath.so.0: install it with `sudo apt-get install libquadmath0`"
            ) from error
        raise
    finally:
        _set_engine_type(asked)


def _set_engine_type(engine_type: str | None) -> None:
    if engine_type is None:
        os.environ.pop("MXNET_ENGINE_TYPE", None)
    else:
        os.environ["MXNET_ENGINE_TYPE"] = engine_type


_load()
