"""What holds arrays together: lists, tuples and dicts, in which None and plain Python values may stand beside them.

A call of forward is flattened into its arrays and one hashable structure, which says where each array stood and holds
the rest by value.  Kernels see the arrays alone; the structure is constant for a trace and part of every plan's key.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import mxnet
import numpy as np
from mxnet import nd

# Values that cannot change once a trace has seen them, and whose type and text say which they are.
PLAIN = (type(None), bool, int, float, complex, str, bytes, range, slice, type(...), type, Enum,
         np.dtype, np.generic, mxnet.Context)  # fmt: skip


@dataclass(frozen=True)
class Slot:
    """Where an array stands; the arrays are numbered in the order in which their places are read."""


@dataclass(frozen=True)
class Plain:
    """A value that is no array.  Its text tells 0.0 from -0.0 and finds two NaNs alike."""

    kind: type
    text: str
    value: Any = field(compare=False)


@dataclass(frozen=True)
class Container:
    """A list, a tuple (named or not) or a dict, whose ``keys`` are in its own order."""

    kind: Any  # a class
    keys: tuple[Any, ...]
    items: tuple["Structure", ...]


Structure = Slot | Plain | Container


class NotPlainError(TypeError):
    """Something that is no array, no container of arrays and no plain value."""


def flatten(value: Any, arrays: list[nd.NDArray]) -> Structure:
    """The structure of ``value``, whose arrays are appended to ``arrays``.  Raises ``NotPlainError``."""
    if isinstance(value, nd.NDArray):
        arrays.append(value)
        return Slot()
    kind = type(value)
    if kind in (dict, OrderedDict):
        keys = tuple(value)
        for key in keys:
            flatten_plain(key)
        return Container(kind, keys, tuple(flatten(item, arrays) for item in value.values()))
    if kind in (list, tuple) or (isinstance(value, tuple) and hasattr(value, "_fields")):
        return Container(kind, tuple(getattr(value, "_fields", ())), tuple(flatten(item, arrays) for item in value))
    return flatten_plain(value)


def flatten_plain(value: Any) -> Plain:
    """A value that is no array.  Raises ``NotPlainError``."""
    if not isinstance(value, PLAIN):
        raise NotPlainError(type(value).__name__)
    return Plain(type(value), repr(value), value)


def rebuild(structure: Structure, arrays: Iterator[Any]) -> Any:
    """What ``flatten`` was given, with the next of ``arrays`` in each place of one."""
    if isinstance(structure, Slot):
        return next(arrays)
    if isinstance(structure, Plain):
        return structure.value
    items = [rebuild(item, arrays) for item in structure.items]
    if issubclass(structure.kind, dict):
        return structure.kind(zip(structure.keys, items, strict=True))
    return structure.kind(*items) if structure.keys else structure.kind(items)


def paths(structure: Structure, name: str) -> Iterator[str]:
    """How to reach each array from ``name``, in Python: ``states[0]``, ``batch['mask']``, ``cell.state``."""
    if isinstance(structure, Slot):
        yield name
    elif isinstance(structure, Container):
        by_key = issubclass(structure.kind, dict)
        for place, item in enumerate(structure.items):
            key = structure.keys[place] if structure.keys else place
            yield from paths(item, f"{name}[{key!r}]" if by_key or not structure.keys else f"{name}.{key}")


def is_flat(structure: Structure) -> bool:
    """Whether it is a container of arrays and nothing else."""
    return isinstance(structure, Container) and all(isinstance(item, Slot) for item in structure.items)


def plain_values(structure: Structure) -> Iterator[Plain]:
    """The values that are no arrays, in order."""
    if isinstance(structure, Plain):
        yield structure
    elif isinstance(structure, Container):
        for item in structure.items:
            yield from plain_values(item)
