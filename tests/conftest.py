"""What every room's tests share: golden files, and the flag that rewrites them."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

# Tests run on all processors: threads that wait for each other on busy ones take a hundred times longer.
os.environ.setdefault("GLUONMARK_THREADS", "1")

# Seconds that a test waits: what a loaded machine takes and more, but less than what is killed in tests would sleep.
LONGEST = 500.0


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--rewrite-golden``: take what the tests find now for right; ``--graphs``: how many random graphs."""
    parser.addoption("--rewrite-golden", action="store_true", help="rewrite golden files and the tables in docs/")
    parser.addoption("--damaged", metavar="BEGIN:END", help="damaged result files by number, such as 0:20000")
    parser.addoption("--graphs", metavar="BEGIN:END", help="random graphs by number, such as 0:20000")


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], bool]:
    """Whether a condition comes true.  What is killed ends later, and a loaded machine does nothing at once."""

    def waited(condition: Callable[[], object]) -> bool:
        end = time.monotonic() + LONGEST
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    return waited


@pytest.fixture
def plain_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Git with nobody's settings, and without the repository of a folder above or of a hook that runs these tests."""
    from benchmarks.side_by_side.commits import INHERITED

    for name in INHERITED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with a file in the folder ``golden`` beside the test, or rewrites that file when asked to."""
    folder = Path(request.path).parent / "golden"

    def compare(name: str, text: str) -> None:
        file = folder / name
        if request.config.getoption("--rewrite-golden", default=False):
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.is_file(), f"there is no golden file {file}: run pytest --rewrite-golden and read what it wrote"
        assert text == file.read_text(encoding="utf-8")

    return compare


@pytest.fixture
def document(request: pytest.FixtureRequest) -> Callable[[Path, str, str], None]:
    """Compares a text with a file's lines between ``<!-- name -->`` and ``<!-- end of name -->``, or rewrites them."""

    def compare(file: Path, name: str, text: str) -> None:
        old = file.read_text(encoding="utf-8")
        found = re.search(f"(?<=<!-- {name} -->\\n\\n).*?(?=\\n<!-- end of {name} -->)", old, re.DOTALL)
        assert found is not None, f"{file} has no place for {name}"
        if request.config.getoption("--rewrite-golden", default=False):
            file.write_text(old[: found.start()] + text + old[found.end() :], encoding="utf-8")
        else:
            assert found[0] == text, f"{file.name} is not up to date: make docs"

    return compare
