"""Small repositories with a layer of somebody's own."""

import os
import subprocess
from pathlib import Path

import pytest

LAYER = """
from mxnet.gluon import nn

class Doubles(nn.Block):
    def forward(self, x):
        return x * 2
"""


class Repository:
    """A git repository in a temporary folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        who = {
            f"GIT_{role}_{what}": "test@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        # Git goes on with what it calls maintenance after a commit.
        command = ["git", "-c", "gc.auto=0", "-c", "maintenance.auto=false", *arguments]
        own = {**os.environ, **who}
        done = subprocess.run(command, cwd=self.root, env=own, check=False, capture_output=True, text=True)
        assert not done.returncode, done.stderr
        return done.stdout.strip()

    def commit(self, message: str = "change", **files: str) -> str:
        """Write Python ``files`` and commit everything."""
        for name, text in files.items():
            self.write(f"{name}.py", text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def repository(tmp_path, monkeypatch, plain_git):  # noqa: ARG001
    """An empty repository; the test stands in it."""
    found = Repository(tmp_path / "repository")
    monkeypatch.chdir(found.root)
    return found
