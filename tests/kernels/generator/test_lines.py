"""Long lines of generated source: where they are cut, and that they still say the same."""

import ast
import itertools
import textwrap

import pytest

from kernels.emit.lines import _cut, broken, wrapped

NAMES = [f"an_operand_with_a_long_name_{place}" for place in range(5)]
LONG = "a" * 130

# A line, and what becomes of it.
LINES: dict[str, tuple[str, list[str]]] = {
    "as long as may be": ("    y = " + "a" * 112, ["    y = " + "a" * 112]),
    "one longer": ("    y = " + "a" * 113, ["    y = (", "        " + "a" * 113, "    )"]),
    "a sum, as late as it fits": (
        "    y[i] = " + " + ".join(NAMES),
        ["    y[i] = (", "        " + " + ".join(NAMES[:3]), "        + " + " + ".join(NAMES[3:]), "    )"],
    ),
    "where the fewest brackets are open": (
        "    y[i] += " + " * ".join(f"({name}[i, j] - exp({name}[j, i]) + b)" for name in NAMES[:2]),
        [
            "    y[i] += (",
            f"        ({NAMES[0]}[i, j] - exp({NAMES[0]}[j, i]) + b)",
            f"        * ({NAMES[1]}[i, j] - exp({NAMES[1]}[j, i]) + b)",
            "    )",
        ],
    ),
    "but not near its beginning": (
        f"    y[i] = a + exp({' - '.join(NAMES[:3])} - b - c - d)",
        ["    y[i] = (", f"        a + exp({' - '.join(NAMES[:3])} - b - c", "        - d)", "    )"],
    ),
    "a condition": (
        f"if {' and '.join(NAMES)}:",
        ["if (", "    " + " and ".join(NAMES[:3]), "    and " + " and ".join(NAMES[3:]), "):"],
    ),
    "outside brackets only where there are brackets around": (
        f"        return [{', '.join(NAMES[:3])}] + [{', '.join(NAMES[3:])}]",
        [f"        return [{', '.join(NAMES[:2])},", f"            {NAMES[2]}] + [{', '.join(NAMES[3:])}]"],
    ),
    "what fits nowhere": (
        f"    y = f({LONG}, b + c, d)",
        ["    y = (", f"        f({LONG},", "        b + c, d)", "    )"],
    ),
    "a comment": (
        "    # " + " ".join(["word"] * 40),
        ["    # " + " ".join(["word"] * 23), "    #     " + " ".join(["word"] * 17)],
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_a_long_line_is_cut(name: str) -> None:
    line, expected = LINES[name]
    assert broken(line) == expected


@pytest.mark.parametrize("name", [name for name, (line, _) in LINES.items() if "return" not in line])
def test_a_line_that_was_cut_says_the_same(name: str) -> None:
    line, _ = LINES[name]
    body = "\n    pass" if line.endswith(":") else ""
    before, after = (ast.dump(ast.parse(textwrap.dedent(text) + body)) for text in (line, "\n".join(broken(line))))
    assert after == before


def test_what_fits_nowhere_is_cut_once() -> None:
    """Going back to where the last piece ended would never end."""
    pieces = list(itertools.islice(_cut(f"f(b, {LONG}, c)", 100, within=0), 10))
    assert pieces == ["f(b,", f"{LONG},", "c)"]


def test_a_list_is_wrapped_between_its_items() -> None:
    assert wrapped("def f(", NAMES, "):") == [f"def f({', '.join(NAMES[:3])},", f"        {', '.join(NAMES[3:])}):"]
    assert wrapped("f(", ["a", "b"], ")", separator=" ") == ["f(a b)"]
