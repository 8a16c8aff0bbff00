"""The tables in docs/ are what the commands print."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import gluonmark
from kernels.decompose import WHAT_TO_DO

DOCS = Path(gluonmark.__file__).resolve().parent / "docs"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert gluonmark.run(arguments) == 0
    return capsys.readouterr().out


def test_the_operators_of_the_document_are_those_that_are_found(
    capsys: pytest.CaptureFixture[str], document: Callable[[Path, str, str], None]
) -> None:
    document(DOCS / "operators.md", "operators", printed(capsys, "operators", "--format", "markdown"))


def test_operators_says_what_the_examples_show(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["operator"]: row for row in json.loads(printed(capsys, "operators", "--format", "json"))}
    assert rows["mean"]["primitives"] == "Literal, Map(divide), Reduce(sum), Size, View"
    assert rows["max, max_axis"]["gradient"] == "yes"
    assert rows["sign"]["gradient"] == "no"
    assert rows["dot"]["dtypes"].startswith("float16, float32, float64")
    assert "of bool" in rows["sum, sum_axis"]["refused"]


def test_errors_name_a_document_that_is_there() -> None:
    (named,) = re.findall(r"docs/(\S+\.md)", WHAT_TO_DO)
    assert (DOCS / named).exists()
