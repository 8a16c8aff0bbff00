"""What is said of a case beside time."""

import pytest

from reports.verdict.companions import difference, identical

BASE = {
    "code": "a",
    "generated": "b",
    "inputs": "c",
    "bytes": 1024,
    "operations": 3,
    "launches": 1,
    "operators": ["dot", "mean"],
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "code and inputs are identical"),
        ({"code": "x"}, "the code around it changed"),
        ({"code": "x", "generated": "y"}, "the generated code changed"),
        ({"inputs": "x"}, "the inputs changed"),
        ({"code": "x", "inputs": "x"}, "the code around it and the inputs changed"),
        ({"code": "x", "bytes": 2048}, "the code around it changed; bytes held 1,024 → 2,048"),
        ({"code": "x", "operations": 4}, "the code around it changed; engine operations 3 → 4"),
        ({"code": "x", "launches": 2}, "the code around it changed; kernel launches 1 → 2"),
        (
            {"code": "x", "operators": ["dot", "sum"]},
            "the code around it changed; now calls sum; no longer calls mean",
        ),
        ({"code": "x", "bytes": None}, "the code around it changed"),
    ],
)
def test_what_differs_is_said(changed: dict, said: str) -> None:
    both = {"base": BASE, "head": {**BASE, **changed}}
    assert difference(both) == said
    assert identical(both) == (not changed)


@pytest.mark.parametrize("nothing", [{}, {"base": {}, "head": {}}, {"base": {"judge": "a"}, "head": {"judge": "a"}}])
def test_nothing_known_is_not_identical(nothing: dict) -> None:
    assert difference(nothing) == ""
    assert not identical(nothing)
