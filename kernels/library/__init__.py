"""What is compiled once per machine and not again in every kernel: each file here is one function, called by its name.

A file goes through the kernel cache like generated source, once for each dtype.  Kernels know its function by name, so
that their own code can be cached: every module of kernels asks for what it calls when it is imported.
"""

from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import llvmlite.binding
from numba import types

from ..compile import load
from ..vectors import BYTES

DTYPES = tuple(BYTES)
FUNCTIONS = tuple(sorted(file.stem for file in Path(__file__).parent.glob("[!_]*.py")))


@cache
def library(function: str, dtype: str) -> ModuleType:
    """The module of a function for a dtype: compiled, or loaded from the cache, before a kernel that calls it."""
    text = (Path(__file__).parent / f"{function}.py").read_text(encoding="utf-8")
    module = load(f"{function}-{dtype}", text.replace('DTYPE = "float32"', f'DTYPE = "{dtype}"', 1))
    llvmlite.binding.add_symbol(_symbol(function, dtype), getattr(module, function).address)
    return module


def called(function: str, dtype: str) -> Any:
    """A function for compiled code: it takes whole numbers, and arrays by their addresses."""
    arguments = getattr(library(function, dtype), function).__wrapped__.__code__.co_argcount
    return types.ExternalFunction(_symbol(function, dtype), types.void(*[types.intp] * arguments))


def _symbol(function: str, dtype: str) -> str:
    return f"gluonmark_{function}_{dtype}"
