"""The deliberate mistakes: for one file of rules, every change of one place that a kind in ``KINDS`` knows.

A mutant is found by number: the same text gives the same mutants in the same order, so that nothing but the number
has to reach the process that tests it.  It is known again by what it changes: a verdict outlives other changes.
"""

import ast
import copy
import dataclasses
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """``before`` → ``after`` in a ``rule`` of a ``file``; ``turn`` counts those of a rule that read alike.

    ``number`` counts within the file, ``line`` is where a person finds it: both as the file is now.
    """

    file: str
    rule: str
    kind: str
    before: str
    after: str
    turn: int
    number: int = dataclasses.field(compare=False)
    line: int = dataclasses.field(compare=False)


@dataclass(frozen=True)
class Site:
    """A node of a tree, and how to put another in its place."""

    node: ast.AST
    parents: tuple[ast.AST, ...]  # from the module inwards
    put: Callable[[ast.AST], None]

    @property
    def parent(self) -> ast.AST:
        return self.parents[-1]

    @property
    def rule(self) -> str:
        """The function, or the row of a table, that the node is in."""
        path = (*self.parents, self.node)
        names = [one.name for one in path if isinstance(one, (ast.ClassDef, ast.FunctionDef))]
        rows = [
            ast.unparse(key)
            for table, inner in itertools.pairwise(path)
            if isinstance(table, ast.Dict) and not names
            for key, value in zip(table.keys, table.values, strict=True)
            if key is not None and inner in (key, value)
        ]
        return ".".join([*names, *rows[:1]])

    def called(self) -> str:
        """The name of the function whose call the node belongs to directly."""
        return ast.unparse(self.parent.func) if isinstance(self.parent, ast.Call) else ""


OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
}  # fmt: skip
COMPARISONS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
CONDITIONS: dict[type[ast.AST], type[ast.AST]] = {ast.And: ast.Or, ast.Or: ast.And}

# Words of one table: each is taken for the next, the last for the first.
FAMILIES = (
    ("add", "subtract"), ("multiply", "divide"), ("sine", "cosine"), ("hyperbolic_sine", "hyperbolic_cosine"),
    ("tangent", "hyperbolic_tangent"), ("exponential", "exponential_less_one"), ("log", "log_of_one_more"),
    ("square_root", "cube_root"), ("reciprocal", "negative"), ("floor", "ceiling", "truncated", "rounded"),
    ("absolute", "sign", "step", "relu"), ("greater", "greater_equal", "lesser", "lesser_equal"),
    ("equal", "not_equal"), ("maximum", "minimum"), ("logical_and", "logical_or"), ("power", "hypotenuse"),
    ("sum", "product", "largest", "smallest"), ("clip", "wrap"), ("float32", "float64"), ("int8", "uint8"),
    ("remainder", "logical_exclusive_or"),
    ("mean", "sum"), ("left", "right"), (">=", "<"),
)  # fmt: skip
ANOTHER = {word: family[(place + 1) % len(family)] for family in FAMILIES for place, word in enumerate(family)}

# What is printed: text as it stands between words of generated code, and what takes its place.
PRINTED = {
    " + ": " - ", " - ": " + ", " * ": " / ", " / ": " * ", " += ": " -= ", " // ": " * ",
    " < ": " <= ", " <= ": " < ", " > ": " >= ", " >= ": " > ", " == ": " != ", " != ": " == ", " and ": " or ",
    " or ": " and ", "sqrt(": "cbrt(", "exp(": "expm1(", "sin(": "cos(", "cos(": "sin(", "range(": "range(1, ",
    "-a": "a", "[i": "[j", "[j": "[i", "True": "False", "False": "True", ".real": ".imag", ".imag": ".real",
}  # fmt: skip
# Calls whose arguments may be swapped without another result, or never without a crash.
EVEN_HANDED = re.compile(r"(.+\.)?builder\.(f?add|f?mul|and_)|times|max|min|isinstance|getattr|set|unique|fresh|wrapped"
                         r"|re\.\w+|field|zip|('\w+')?\.join")  # fmt: skip
# Results of the type of their first argument: without the call there is no crash.
ALIKE = {"reversed", "sorted", "abs", "_minus", "cast", "transpose", "reshape", "settled", "without_gradient", "flip",
         "without_unit_axes", "with_unit_axes", "broadcast", "spread", "_within", "whole", "_bare", "pairs", "fold",
         "_converted", "_cast", "max", "min", "math.sqrt", "math.log", "_producer"}  # fmt: skip
COMMUTATIVE = {"add", "multiply", "equal", "not_equal", "logical_and", "logical_or"}


def _operator(table: dict[type[ast.AST], type[ast.AST]]) -> Callable[[Site], Iterator[ast.AST]]:
    def swapped(site: Site) -> Iterator[ast.AST]:
        node: ast.AST = copy.copy(site.node)
        if isinstance(node, ast.Compare) and type(node.ops[0]) in table:
            node.ops = [table[type(node.ops[0])](), *node.ops[1:]]
            yield node
        elif isinstance(node, (ast.BinOp, ast.BoolOp)) and type(node.op) in table and not _is_text(node):
            node.op = table[type(node.op)]()
            yield node

    return swapped


def _is_text(node: ast.AST) -> bool:
    """Joined text or lists: to subtract them only crashes."""
    parts = [node.left, node.right] if isinstance(node, ast.BinOp) else []
    return any(isinstance(part, (ast.JoinedStr, ast.List, ast.ListComp, ast.Tuple)) or
               (isinstance(part, ast.Constant) and isinstance(part.value, str)) or _is_text(part)
               for part in parts)  # fmt: skip


def _sign(site: Site) -> Iterator[ast.AST]:
    """A minus sign dropped, or a factor of −1 more."""
    node = site.node
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node.operand
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "times":
        yield ast.Call(node.func, [*node.args, ast.Constant(-1.0)], node.keywords)
    if isinstance(node, ast.Call) and node.args and ast.unparse(node.args[0]) == "'negative'" and len(node.args) == 2:
        yield node.args[1]


def _call(site: Site) -> Iterator[ast.AST]:
    """f(x, …) taken for x, where that is of the same type."""
    node = site.node
    if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in ALIKE:
        yield node.args[0]


def _index(site: Site) -> Iterator[ast.AST]:
    """One more and one less; in a subscript not −1 for 0, since the last of one is the first."""
    node = site.node
    if isinstance(node, ast.Constant) and type(node.value) is int:
        first = node.value == 0 and isinstance(site.parent, ast.Subscript)
        yield from (ast.Constant(node.value + step) for step in ((1,) if first else (1, -1)))


def _order(site: Site) -> Iterator[ast.AST]:
    """Two neighbours change places: arguments, items of a list."""
    node = site.node
    field = "args" if isinstance(node, ast.Call) else "elts"
    items = getattr(node, field, []) if isinstance(node, (ast.Call, ast.List, ast.Tuple)) else []
    if _is_of_no_order(site, items):
        return
    for place in range(len(items) - 1):
        same = ast.dump(items[place]) == ast.dump(items[place + 1])
        if not same and _is_said(items[place]) == _is_said(items[place + 1]):
            other = copy.copy(node)
            setattr(other, field, [*items[:place], items[place + 1], items[place], *items[place + 2 :]])
            yield other


def _is_of_no_order(site: Site, items: list[ast.AST]) -> bool:
    """Whether another order gives the same result, or nothing that could run."""
    node = site.node
    if isinstance(node, ast.Call):
        commutes = bool(items) and isinstance(items[0], ast.Constant) and items[0].value in COMMUTATIVE
        return commutes or bool(EVEN_HANDED.fullmatch(ast.unparse(node.func)))
    printed = any(_is_said(item) for item in items)
    return printed or isinstance(site.parent, ast.Compare) or site.called() == "isinstance" or _is_stored(node)


def _is_said(node: ast.AST) -> bool:
    """A constant or a function: among arguments of other types, only a crash comes of it."""
    return isinstance(node, (ast.Constant, ast.JoinedStr, ast.Lambda))


def _is_stored(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", None), ast.Store)


def _number(site: Site) -> Iterator[ast.AST]:
    if isinstance(site.node, ast.Constant) and type(site.node.value) is float:
        yield ast.Constant(site.node.value * 1.01 or 0.5)


def _word(site: Site) -> Iterator[ast.AST]:
    key = isinstance(site.parent, ast.Dict) and site.node in site.parent.keys
    if isinstance(site.node, ast.Constant) and site.node.value in ANOTHER and not key:
        yield ast.Constant(ANOTHER[site.node.value])


def _condition(site: Site) -> Iterator[ast.AST]:
    node = site.node
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    if isinstance(node, ast.Constant) and isinstance(node.value, bool) and not isinstance(site.parent, ast.keyword):
        yield ast.Constant(not node.value)
    if isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)


def _row(site: Site) -> Iterator[ast.AST]:
    """A row of a table of the module."""
    node = site.node
    if any(isinstance(parent, (ast.FunctionDef, ast.Dict, ast.Call)) for parent in site.parents[:-1]):
        return
    if isinstance(node, ast.Dict) and len(node.keys) > 1:
        for place in range(len(node.keys)):
            yield ast.Dict(*([*rows[:place], *rows[place + 1 :]] for rows in (node.keys, node.values)))
    elif isinstance(node, (ast.Tuple, ast.List, ast.Set)) and len(node.elts) > 1 and not _is_stored(node):
        for place in range(len(node.elts)):
            other = copy.copy(node)
            other.elts = [*node.elts[:place], *node.elts[place + 1 :]]
            yield other


def _printed(site: Site) -> Iterator[ast.AST]:
    if isinstance(site.node, ast.Constant) and isinstance(site.node.value, str):
        text = site.node.value
        for old, new in PRINTED.items():
            for found in re.finditer(re.escape(old), text):
                yield ast.Constant(text[: found.start()] + new + text[found.end() :])
        for found in re.finditer(r"(?<![\w.])\d+(?![\w.])", text):
            yield ast.Constant(text[: found.start()] + str(int(found[0]) + 1) + text[found.end() :])


KINDS: dict[str, Callable[[Site], Iterator[ast.AST]]] = {
    "sign: + and −, × and ÷": _operator(OPERATORS),
    "sign: a minus": _sign,
    "index": _index,
    "order": _order,
    "constant": _number,
    "word": _word,
    "call dropped": _call,
    "comparison": _operator(COMPARISONS),
    "and, or": _operator(CONDITIONS),
    "condition": _condition,
    "row dropped": _row,
    "printed": _printed,
}


SAID = (ast.Raise, ast.Assert, ast.Import, ast.ImportFrom)


def _is_docstring_or_type(node: ast.AST) -> bool:
    """Or what a file offers by name: nothing imports all of it."""
    alone = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    offered = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    return alone or offered or (isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript))


def sites(node: ast.AST, parents: tuple[ast.AST, ...] = ()) -> Iterator[Site]:
    """What a mistake may be made in: neither docstrings and annotations nor what is said in errors and assertions."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "bases", "type_params"):
            continue
        several = isinstance(value, list)
        for place, child in enumerate(value if several else [value]):
            if not isinstance(child, ast.AST) or isinstance(child, SAID) or _is_docstring_or_type(child):
                continue

            def put(new: ast.AST, field: str = field, place: int | None = place if several else None) -> None:
                if place is None:
                    setattr(node, field, new)
                else:
                    getattr(node, field)[place] = new

            yield Site(child, (*parents, node), put)
            yield from sites(child, (*parents, node))


def _all(text: str) -> Iterator[tuple[ast.Module, Site, str, ast.AST]]:
    tree = ast.parse(text)
    said: set[tuple[int, str, str]] = set()
    for site in sites(tree):
        for kind, change in KINDS.items():
            for new in change(site):
                key = (id(site.node), kind, ast.unparse(new))
                if key not in said:
                    said.add(key)
                    yield tree, site, kind, new


def mutants(root: Path, file: str) -> list[Mutant]:
    """Every mutant of a file."""
    text = (root / file).read_text(encoding="utf-8")
    found: list[Mutant] = []
    alike: Counter[tuple[str, ...]] = Counter()
    for number, (_, site, kind, new) in enumerate(_all(text)):
        change = (file, site.rule, kind, ast.unparse(site.node), ast.unparse(new))
        found.append(Mutant(*change, turn=alike[change], number=number, line=getattr(site.node, "lineno", 0)))
        alike[change] += 1
    return found


def mutated(root: Path, mutant: Mutant) -> ast.Module:
    """The tree of a mutant's file with the mistake in it."""
    text = (root / mutant.file).read_text(encoding="utf-8")
    tree, site, _, new = next(found for number, found in enumerate(_all(text)) if number == mutant.number)
    site.put(ast.copy_location(new, site.node))
    return ast.fix_missing_locations(tree)
