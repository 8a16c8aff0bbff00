"""Operators that make arrays of numbers known beforehand."""

from typing import Any

from ..extent import Extent, Shape, literal, volume
from ..primitives.base import Value
from ..primitives.iota import iota, positions
from ..primitives.literal import literal as number
from ..primitives.map import apply
from ..primitives.reshape import reshape
from ..primitives.slice import part_along
from ..primitives.view import spread
from .numbers import number_value
from .table import OPERATORS, Rule, Site, UnsupportedError, operator

FILLED = {"_zeros": 0.0, "zeros_like": 0.0, "_ones": 1.0, "ones_like": 1.0}


def _filled(filler: float) -> Rule:
    return lambda site, _: spread(number(filler, site.dtype), site.shape, ())


for _name, _number in FILLED.items():
    OPERATORS[_name] = _filled(_number)


@operator("_full")
def full(site: Site, _: list[Value]) -> Value:
    """One number everywhere."""
    return spread(number_value(site.get("value", 0.0), site.dtype), site.shape, ())


@operator("_arange")
def arange(site: Site, _: list[Value]) -> Value:
    """``start``, ``start + step`` … each ``repeat`` times; where ``stop`` is left out, the number given is the stop."""
    stop_only = site.get("stop", None) is None and not site.get("infer_range", False)
    return _ramp(site, 0 if stop_only else site.get("start", 0), site.get("step", 1))


@operator("_contrib_arange_like")
def arange_like(site: Site, _: list[Value]) -> Value:
    """``start``, ``start + step`` … along ``axis`` of the input, or over all its elements."""
    return _ramp(site, site.get("start", 0), site.get("step", 1))


@operator("_linspace")
def linspace(site: Site, _: list[Value]) -> Value:
    """``num`` numbers at equal distances from ``start`` to ``stop``, which is the last of them with ``endpoint``."""
    start, stop, count = site.get("start", 0), site.get("stop", 1), site.get("num", 1)
    if any(isinstance(given, Extent) for given in (start, stop, count)):
        raise UnsupportedError("with numbers that follow the batch size")
    gaps = count - 1 if site.get("endpoint", True) else count
    return _ramp(site, start, (stop - start) / gaps if gaps else 0)


def _ramp(site: Site, start: Any, step: Any) -> Value:
    place = _each(volume(site.shape), int(site.get("repeat", 1)), site.dtype)
    scaled = apply("multiply", place, number_value(step, site.dtype))
    return reshape(apply("add", scaled, number_value(start, site.dtype), name=site.name), site.shape)


def _each(length: Extent, times: int, dtype: str) -> Value:
    """0, 1, 2 … each so many times, up to ``length`` elements in all."""
    if times == 1:
        return iota(length, dtype)
    if length.slope % times:
        raise UnsupportedError("with repetitions whose number follows the batch size")
    count = Extent(length.slope // times, -(-length.offset // times))
    shape: Shape = (count, literal(times))
    return part_along(reshape(spread(iota(count, dtype), shape, (0,)), (count * times,)), 0, literal(0), length)


@operator("_eye")
def eye(site: Site, _: list[Value]) -> Value:
    """One on the diagonal that begins at column ``k``, zero elsewhere."""
    row, column = (positions(site.shape, axis, site.dtype) for axis in (0, 1))
    return apply("equal", column, apply("add", row, number_value(site.get("k", 0), site.dtype)), name=site.name)
