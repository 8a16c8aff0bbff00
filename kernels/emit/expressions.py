"""Scalar expressions as Python syntax trees, so that parentheses come out right and no text is pasted."""

import ast
import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import cast

from ..dtypes import FLOATS, element
from ..extent import Extent
from ..fuse import Schedule
from ..indices import Indices, identity
from ..names import fresh, unique
from ..primitives.base import Value
from ..primitives.iota import Iota
from ..primitives.literal import Literal, Size
from ..primitives.map import Map, code
from ..reads import MOVES, Branch, branches
from .subscripts import condition, place

LOOP_NAMES = "ijklpqrs"

# Constants that a module defines in its main dtype: an untyped 0 or 1 would make float32 arithmetic float64.
NAMED_NUMBERS = {0.0: "zero", 1.0: "one"}

# Functions of whole numbers whose lowest bits rest on their operands' lowest bits alone.
WRAPPING = ("add", "subtract", "multiply", "negative")


class Expressions:
    """Prints the values of one loop body.  Whatever is used more than once becomes a local variable first.

    ``main`` is the dtype of the module's own ``zero`` and ``one``.
    """

    def __init__(self, plan: Schedule, main: str, indices: Sequence[ast.expr], flat: Mapping[str, str]) -> None:
        self._plan, self._main, self._flat = plan, main, flat
        self._loops = [ast.unparse(index) for index in indices]
        self._uses: dict[tuple[int, Indices], int] = {}
        self._locals: dict[tuple[int, Indices], str] = {}
        self._taken = set(plan.names.values()) | {name for name, _ in plan.procedure.inputs}
        self.lines: list[str] = []

    def count(self, value: Value, target: Value, times: int) -> None:
        """Note that the code for ``target`` says ``value`` so many times, before anything is printed."""
        self._count(value, identity(value.shape), target, times)

    def text(self, value: Value, target: Value) -> str:
        """The expression for ``value`` at the current element; puts local variables into ``lines``."""
        return ast.unparse(self._expression(value, identity(value.shape), target))

    def element(self, value: Value, indices: Indices) -> ast.expr:
        """One element of a value in memory."""
        name = self._plan.names[id(value)]
        if not value.shape:
            return ast.Name(name)
        if name in self._flat:
            return _subscript(self._flat[name], [ast.Name(self._loops[0])])
        return _subscript(name, [_parsed(place(index, self._loops)) for index in indices])

    def _count(self, value: Value, indices: Indices, target: Value, times: int) -> None:
        if value is not target and id(value) in self._plan.names:
            return
        found = branches(value, indices) if isinstance(value.primitive, MOVES) else []
        if len(found) == 1:
            self._count_branch(found[0], target, times)
            return
        key = (id(value), indices)
        known = self._uses.get(key, 0)
        self._uses[key] = known + times
        if known:
            return
        for branch in found:
            self._count_branch(branch, target, 1)
        if isinstance(value.primitive, Map):
            said = occurrences(code(value.primitive.function, value.inputs[0].dtype))
            for operand, source in zip("abc", value.inputs, strict=False):
                self._count(source, indices, target, said[operand])

    def _count_branch(self, branch: Branch, target: Value, times: int) -> None:
        if branch.source is not None:
            self._count(branch.source, branch.indices, target, times)

    def _expression(self, value: Value, indices: Indices, target: Value) -> ast.expr:
        if value is not target and id(value) in self._plan.names:
            return self.element(value, indices)
        if isinstance(value.primitive, MOVES):
            return self._moved(value, indices, target)
        if isinstance(value.primitive, Iota):
            return _converted(_parsed(place(indices[0], self._loops)), value.dtype)
        if isinstance(value.primitive, Literal):
            return number(value.primitive.number, value.dtype, self._main)
        if isinstance(value.primitive, Size):
            return _size(value.primitive, value.dtype)
        assert isinstance(value.primitive, Map), value.primitive
        key = (id(value), indices)
        if key not in self._locals:
            operands = {
                operand: self._expression(source, indices, target)
                for operand, source in zip("abc", value.inputs, strict=False)
            }
            expression = _mapped(value, operands, self._main)
            if self._uses.get(key, 1) < 2:
                return expression
            self._locals[key] = self._fresh(value.name or value.primitive.function)
            self.lines.append(f"{self._locals[key]} = {ast.unparse(expression)}")
        return ast.Name(self._locals[key])

    def _moved(self, value: Value, indices: Indices, target: Value) -> ast.expr:
        """What a view, a slice, a pad or a concatenation reads; if it depends on the place, as a choice."""
        found = branches(value, indices)
        if len(found) == 1:
            return self._branch(found[0], value, target)
        key = (id(value), indices)
        if key not in self._locals:
            blocks = [self._apart(branch, value, target) for branch in found]
            tests = [condition(branch.guards, self._loops) for branch in found[:-1]]
            simple = not any(lines for lines, _ in blocks)
            if simple and self._uses.get(key, 1) < 2:
                return _choice(tests, [expression for _, expression in blocks])
            name = self._locals[key] = self._fresh(value.name or type(value.primitive).__name__.lower())
            if simple:
                choice = _choice(tests, [expression for _, expression in blocks])
                self.lines.append(f"{name} = {ast.unparse(choice)}")
            else:
                self.lines += _cases(name, tests, blocks)
        return ast.Name(self._locals[key])

    def _branch(self, branch: Branch, value: Value, target: Value) -> ast.expr:
        if branch.source is None:
            return number(branch.fill, value.dtype, self._main)
        return self._expression(branch.source, branch.indices, target)

    def _apart(self, branch: Branch, value: Value, target: Value) -> tuple[list[str], ast.expr]:
        """A branch with the local variables that exist, and may be computed, only where its guards hold."""
        lines, known = self.lines, dict(self._locals)
        self.lines = []
        expression = self._branch(branch, value, target)
        block, self.lines, self._locals = self.lines, lines, known
        return block, expression

    def _fresh(self, stem: str) -> str:
        name = unique(stem, self._taken) if stem.startswith("d_") else fresh(stem, self._taken)
        self._taken.add(name)
        return name


def _choice(tests: Sequence[str], expressions: Sequence[ast.expr]) -> ast.expr:
    """The first expression whose test is true, or the last."""
    choice = expressions[-1]
    for test, expression in reversed(list(zip(tests, expressions, strict=False))):
        choice = ast.IfExp(_parsed(test), expression, choice)
    return choice


def _cases(name: str, tests: Sequence[str], blocks: Sequence[tuple[list[str], ast.expr]]) -> list[str]:
    """The same as statements, each with the lines that go before it."""
    openings = [f"if {tests[0]}:", *(f"elif {test}:" for test in tests[1:]), "else:"]
    return [
        line
        for opening, (lines, expression) in zip(openings, blocks, strict=True)
        for line in [opening, *(f"    {inner}" for inner in [*lines, f"{name} = {ast.unparse(expression)}"])]
    ]


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def number(value: float, dtype: str, main: str) -> ast.expr:
    """A number of this dtype."""
    if dtype == main and value in NAMED_NUMBERS:
        return ast.Name(NAMED_NUMBERS[value])
    digits = repr(value) if dtype in FLOATS or not math.isfinite(value) else repr(int(value))
    return _converted(_parsed(digits), dtype)


def number_text(value: float, dtype: str, main: str) -> str:
    """``number`` as text."""
    return ast.unparse(number(value, dtype, main))


def fill(said: str, operands: Mapping[str, ast.expr], dtype: str, main: str) -> str:
    """A piece of code over the names in ``operands``, its numbers of this dtype, as text."""
    return ast.unparse(whole(_fill(said, operands, dtype, main), dtype))


def _fill(said: str, operands: Mapping[str, ast.expr], dtype: str, main: str) -> ast.expr:
    return cast(ast.expr, _Filler(operands, dtype, main).visit(ast.parse(said, mode="eval").body))


def _mapped(value: Value, operands: Mapping[str, ast.expr], main: str) -> ast.expr:
    """One function of its operands; numbers in its code meet the first of them."""
    primitive, read = value.primitive, value.inputs[0].dtype
    assert isinstance(primitive, Map)
    if primitive.function in WRAPPING:
        operands = {
            operand: _bare(expression, source)
            for (operand, expression), source in zip(operands.items(), value.inputs, strict=True)
        }
    expression = _fill(code(primitive.function, read), operands, read, main)
    if primitive.dtype is not None:
        return _cast(expression, read, primitive.dtype, main)
    return whole(expression, value.dtype)


def _bare(expression: ast.expr, value: Value) -> ast.expr:
    """Wider arithmetic in the place of whole numbers' own: what overflows is cut off in the end."""
    while isinstance(value.primitive, MOVES) and len(value.inputs) == 1:
        value = value.inputs[0]
    wraps = isinstance(value.primitive, Map) and value.primitive.function in WRAPPING and value.dtype not in FLOATS
    return expression.args[0] if wraps and isinstance(expression, ast.Call) else expression


def whole(expression: ast.expr, dtype: str) -> ast.expr:
    """Arithmetic on whole numbers in their own dtype: Numba would widen it."""
    return expression if dtype in FLOATS or _is_of(expression, dtype) else _converted(expression, dtype)


def _is_of(expression: ast.expr, dtype: str) -> bool:
    """Whether Numba takes the expression for one of this dtype by itself."""
    if isinstance(expression, ast.IfExp):
        return _is_of(expression.body, dtype) and _is_of(expression.orelse, dtype)
    named = isinstance(expression, ast.Call) and ast.unparse(expression.func) == element(dtype)
    return named or isinstance(expression, (ast.Name, ast.Subscript, ast.Compare))


def _cast(expression: ast.expr, source: str, target: str, main: str) -> ast.expr:
    """An element of one dtype as one of another; a float that becomes a whole number loses its fraction."""
    if source == "float16":
        return _cast(ast.Call(ast.Name("single"), [expression], []), "float32", target, main)
    if target == "float16":
        return ast.Call(ast.Name("half"), [_cast(expression, source, "float32", main)], [])
    if source == target:
        return expression
    if target == "bool":
        return ast.Compare(expression, [ast.NotEq()], [number(0.0, source, main)])
    if source in FLOATS and target in ("int8", "uint8"):  # out of range, C would leave the result open
        expression = _converted(expression, "int32")
    return _converted(expression, target)


def _converted(expression: ast.expr, dtype: str) -> ast.expr:
    return ast.Call(ast.Name(element(dtype)), [expression], [])


class _Filler(ast.NodeTransformer):
    """Puts operands in the place of names and typed numbers in the place of plain ones."""

    def __init__(self, operands: Mapping[str, ast.expr], dtype: str, main: str) -> None:
        self._operands, self._dtype, self._main = operands, dtype, main

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._operands.get(node.id, node)

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return number(float(cast(float, node.value)), self._dtype, self._main)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """``(1 if test else 0) != 0`` is the test itself."""
        condition = self._operands.get(node.left.id) if isinstance(node.left, ast.Name) else None
        asks_for_truth = ast.unparse(node).endswith("!= 0")
        yes, no = (number_text(truth, self._dtype, self._main) for truth in (1.0, 0.0))
        if asks_for_truth and isinstance(condition, ast.IfExp) and _choices(condition) == (yes, no):
            return condition.test
        if asks_for_truth and isinstance(condition, ast.Compare):
            return condition
        return cast(ast.expr, self.generic_visit(node))


def _choices(node: ast.IfExp) -> tuple[str, str]:
    return ast.unparse(node.body), ast.unparse(node.orelse)


@cache
def occurrences(code: str) -> dict[str, int]:
    """How often a piece of code says each operand."""
    names = [node.id for node in ast.walk(ast.parse(code, mode="eval")) if isinstance(node, ast.Name)]
    return {operand: names.count(operand) for operand in "abc"}


def _subscript(name: str, indices: Sequence[ast.expr]) -> ast.expr:
    index = indices[0] if len(indices) == 1 else ast.Tuple(list(indices))
    return ast.Subscript(ast.Name(name), index)


def _size(size: Size, dtype: str) -> ast.expr:
    text = " * ".join(length(extent) for extent in size.shape)
    return _converted(_parsed(text), dtype)


def length(extent: Extent) -> str:
    """An extent as a factor of a product."""
    return f"({extent})" if extent.slope and extent.offset else str(extent)
