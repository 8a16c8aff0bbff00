"""Functions that are compiled as one with what they call."""

import ctypes
from typing import Any

import numpy as np
import pytest
from numba import cfunc, njit, types
from numba.core.registry import cpu_target

from kernels.whole import PART, Whole


@njit(**PART)
def first_of(size):  # type: ignore[no-untyped-def]
    return np.full(size, 3, np.uint16)[0]


def test_a_whole_is_translated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    njit("int64(int64)")(lambda number: number)  # with its first function Numba translates some of its own
    codegen = cpu_target.target_context.codegen()
    translated: list[Any] = []
    add = codegen._add_module
    monkeypatch.setattr(codegen, "_add_module", lambda module: (translated.append(module.name), add(module))[1])

    @cfunc(types.int64(types.int64), pipeline_class=Whole)
    def twice(size):  # type: ignore[no-untyped-def]
        return 2 * first_of(size)

    assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(twice.address)(5) == 6
    assert len(translated) == 1
    assert "twice" in translated[0]
    assert "create_library" not in vars(codegen)  # what others compile is theirs again


def test_others_may_call_what_was_compiled_as_a_part() -> None:
    """np.full of such elements is compiled as a part of the whole first, with what it calls in turn."""

    @cfunc(types.int64(types.int64), pipeline_class=Whole)
    def whole(size):  # type: ignore[no-untyped-def]
        return first_of(size)

    @njit
    def others(size):  # type: ignore[no-untyped-def]
        return np.full(size, 7, np.uint16).sum()

    assert others(4) == 28
    assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(whole.address)(5) == 3
