"""Scalar expressions as Python syntax trees, so that parentheses come out right and no text is pasted."""

import ast
from collections.abc import Mapping, Sequence
from functools import cache
from typing import cast

from ..extent import Extent
from ..fuse import Schedule
from ..indices import Indices, identity
from ..names import fresh, unique
from ..primitives.base import Value
from ..primitives.iota import Iota
from ..primitives.literal import Literal, Size
from ..primitives.map import FUNCTIONS, Map
from ..reads import MOVES, Branch, branches
from .subscripts import condition, place

LOOP_NAMES = "ijklpqrs"

# Constants that a kernel's module defines in its own dtype: an untyped 0 or 1 would make float32 arithmetic float64.
NAMED_NUMBERS = {0.0: "zero", 1.0: "one"}


class Expressions:
    """Prints the values of one loop body.  Whatever is used more than once becomes a local variable first."""

    def __init__(self, plan: Schedule, dtype: str, indices: Sequence[ast.expr], flat: Mapping[str, str]) -> None:
        self._plan, self._dtype, self._flat = plan, dtype, flat
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
            said = occurrences(FUNCTIONS[value.primitive.function].code)
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
            return ast.Call(ast.Name(value.dtype), [_parsed(place(indices[0], self._loops))], [])
        if isinstance(value.primitive, Literal):
            return number(value.primitive.number, self._dtype)
        if isinstance(value.primitive, Size):
            return _size(value.primitive, self._dtype)
        assert isinstance(value.primitive, Map), value.primitive
        key = (id(value), indices)
        if key not in self._locals:
            operands = {
                operand: self._expression(source, indices, target)
                for operand, source in zip("abc", value.inputs, strict=False)
            }
            expression = _fill(FUNCTIONS[value.primitive.function].code, operands, self._dtype)
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
            return number(branch.fill, value.dtype)
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


def number(value: float, dtype: str) -> ast.expr:
    """A number in the kernel's dtype."""
    if value in NAMED_NUMBERS:
        return ast.Name(NAMED_NUMBERS[value])
    return ast.Call(ast.Name(dtype), [_parsed(repr(value))], [])


def fill(code: str, operands: Mapping[str, ast.expr], dtype: str) -> str:
    """A piece of code over the names in ``operands``, as text."""
    return ast.unparse(_fill(code, operands, dtype))


def _fill(code: str, operands: Mapping[str, ast.expr], dtype: str) -> ast.expr:
    return cast(ast.expr, _Filler(operands, dtype).visit(ast.parse(code, mode="eval").body))


class _Filler(ast.NodeTransformer):
    """Puts operands in the place of names and typed numbers in the place of plain ones."""

    def __init__(self, operands: Mapping[str, ast.expr], dtype: str) -> None:
        self._operands, self._dtype = operands, dtype

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._operands.get(node.id, node)

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return number(float(cast(float, node.value)), self._dtype)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """``(1 if test else 0) != 0`` is the test itself."""
        condition = self._operands.get(node.left.id) if isinstance(node.left, ast.Name) else None
        asks_for_truth = ast.unparse(node).endswith("!= 0")
        if asks_for_truth and isinstance(condition, ast.IfExp) and _choices(condition) == ("one", "zero"):
            return condition.test
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
    return ast.Call(ast.Name(dtype), [_parsed(text)], [])


def length(extent: Extent) -> str:
    """An extent as a factor of a product."""
    return f"({extent})" if extent.slope and extent.offset else str(extent)
