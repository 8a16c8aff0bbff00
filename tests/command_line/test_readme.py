"""What README and docs show is what happens."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHOWING = ("README.md", "docs/your-own-layer.md", "docs/reports.md", "docs/gate.md")
TEXTS = [(ROOT / name).read_text() for name in SHOWING]
SHOWN = [line[2:] for text in TEXTS for line in re.findall(r"^\$ .*$", text, re.MULTILINE)]
# Those that measure are tried with the option --help: their options must exist.
QUICK = ("layers", "source")


def gluonmark(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "gluonmark.py"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the layer that the document shows, where README's path says."""
    code = re.search(r"```python\n(# my_layer\.py\n.*?)```", TEXTS[1], re.DOTALL)
    assert code is not None
    for place in (tmp_path, tmp_path / "path" / "to"):
        place.mkdir(parents=True, exist_ok=True)
        (place / "my_layer.py").write_text(code[1])
    return tmp_path


def shown_calls() -> list[list[str]]:
    words = [shlex.split(line) for line in SHOWN]
    return [call[1:] for call in words if Path(call[0]).name == "gluonmark"]


@pytest.mark.parametrize("arguments", shown_calls(), ids=" ".join)
def test_every_shown_command_works(arguments: list[str], folder: Path) -> None:
    if arguments[0] in QUICK:
        finished = gluonmark(arguments, folder)
        assert finished.returncode == 0, finished.stderr
        assert finished.stdout
    else:
        offered = gluonmark([arguments[0], "--help"], folder).stdout
        assert {word for word in arguments if word.startswith("--")} <= set(re.findall(r"--[\w-]+", offered))


def test_the_recipe_for_an_operator_shows_what_is_in_the_files() -> None:
    recipe = (ROOT / "docs/adding-an-operator.md").read_text()
    rule, example = re.findall(r"```python\n(.*?)```", recipe, re.DOTALL)
    assert rule in (ROOT / "kernels/operators/elementwise.py").read_text()
    assert example in (ROOT / "kernels/operators/examples/elementwise.py").read_text()


def test_the_kernel_that_readme_shows_is_the_generated_one(folder: Path) -> None:
    shown = re.search(r"```python\n(def \w+_of_forward\(.*?)```", TEXTS[0], re.DOTALL)
    assert shown is not None
    functions = [function.strip() for function in shown[1].split("\n\n\n")]
    assert [function.partition("(")[0] for function in functions] == ["def y_of_forward", "def forward"]
    generated = gluonmark(["source", "MyDense", "--variant", "numba"], folder).stdout
    assert all(function in generated for function in functions)
