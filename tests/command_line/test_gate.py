"""``gluonmark gate`` from a shell: its exit codes, and what it leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest

import gluonmark

LAYER = """
from mxnet.gluon import nn

class Doubles(nn.Block):
    def forward(self, x):
        return x * 2
"""
GATE = ["gate", "layers.py:Doubles", "--shape", "2,4", "--variants", "imperative", "--modes", "forward"]
PROGRAM = [sys.executable, gluonmark.__file__, *GATE, "--base", "HEAD~1"]
LONGEST = 500  # seconds


@pytest.fixture
def repository(tmp_path, monkeypatch, plain_git):  # noqa: ARG001
    """Two commits of one layer; the test stands there, and temporary folders are made beside it."""
    root, temporary = tmp_path / "repository", tmp_path / "temporary"
    root.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setenv("TMPDIR", str(temporary))
    (root / "layers.py").write_text(LAYER)
    for command in ("init", "add --all", "commit -m one", "commit --allow-empty -m two"):
        who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        subprocess.run(["git", *who, *command.split()], check=True, capture_output=True)
    return root


def complaint(capsys, arguments):
    """The exit code and the one sentence on stderr, of which a progress bar is no part."""
    code = gluonmark.run(arguments)
    return code, capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("more", "code", "sentence"),
    [
        (["--base", "nowhere"], 2, "gluonmark: nowhere is no commit of "),
        (
            ["--base", "HEAD~1", "--budget", "soon"],
            2,
            "gluonmark: a budget is a time such as 15m, 90s or 1h, not 'soon'",
        ),
        (["--base", "HEAD~1", "--threshold", "3"], 2, "gluonmark: a threshold is a share of a call's time"),
        (["--base", "HEAD~1", "--format", "prose"], 2, "gluonmark: unknown format 'prose'"),
        (["--base", "HEAD~1", "--junit", "layers.py/gate.xml"], 2, "gluonmark: layers.py/gate.xml cannot be written: "),
        (["--base", "HEAD~1", "--markdown", "."], 2, "gluonmark: . cannot be written: Is a directory"),
        (["--base", "HEAD~1", "--build", "false"], 3, "gluonmark: the base does not build: exit status 1"),
        ([], 2, "gluonmark: Missing option '--base'."),
    ],
)
@pytest.mark.usefixtures("repository")
def test_what_is_wrong_is_said_in_one_sentence(capsys, more, code, sentence):
    found, said = complaint(capsys, [*GATE, *more])
    assert (found, said[: len(sentence)]) == (code, sentence)


def test_outside_of_a_repository_and_without_git(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert complaint(capsys, [*GATE, "--base", "main"])[0] == 2
    monkeypatch.setenv("PATH", str(tmp_path))
    code, said = complaint(capsys, [*GATE, "--base", "main"])
    assert (code, said) == (3, "gluonmark: the gate compares commits and needs git, which is not installed")


def test_a_gate_without_a_verdict_leaves_no_empty_record(capsys, repository):
    assert complaint(capsys, [*GATE, "--base", "nowhere"])[0] == 2
    assert not list((repository / "results").iterdir())


def test_a_comment_says_why_there_is_no_verdict(capsys, repository):
    (repository / "gate.md").write_text("the last verdict")
    asked = ["--base", "HEAD~1", "--build", "false", "--markdown", "gate.md", "--junit", "gate.xml"]
    assert complaint(capsys, [*GATE, *asked])[0] == 3
    assert Path("gate.md").read_text() == "**Could not judge.**\n\nthe base does not build: exit status 1\n"
    (error,) = ElementTree.parse("gate.xml").iter("error")
    assert error.get("message") == "the base does not build: exit status 1"


def test_a_class_that_one_commit_lacks_is_not_in_common(capsys, repository):
    (repository / "layers.py").write_text(LAYER.replace("Doubles", "Twice"))
    code, said = complaint(capsys, ["gate", "layers.py:Twice", "--shape", "2,4", "--base", "HEAD"])
    assert (code, said) == (
        3,
        "gluonmark: the base and the head have no case in common: the base lacks layers.py:Twice",
    )


def records(root: Path) -> list[dict[str, object]]:
    """What is written so far, without a line that is only half there."""
    files = [file.read_text().rpartition("\n")[0] for file in root.glob("results/*.jsonl")]
    return [json.loads(line) for text in files for line in text.splitlines()]


@contextmanager
def started(root: Path, *more: str) -> "Iterator[subprocess.Popen[str]]":
    """A gate that has begun to measure blocks, and has processes to measure with."""
    gate = subprocess.Popen(
        [*PROGRAM, "--budget", "1h", *more],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    with gate:
        try:
            end = time.monotonic() + LONGEST
            while not (measuring() and any(line.get("stage") == 1 for line in records(root))):
                assert gate.poll() is None, gate.communicate()
                assert time.monotonic() < end
                time.sleep(0.05)
            yield gate
        finally:
            gate.kill()


def measuring() -> list[int]:
    """The measuring processes of this test, which its temporary folder tells from others."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            ours = f"TMPDIR={os.environ['TMPDIR']}".encode() in (folder / "environ").read_bytes().split(b"\0")
            if ours and b"benchmarks.side_by_side.measuring" in (folder / "cmdline").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:  # it has just ended
            pass
    return found


def test_an_interrupted_gate_judges_what_it_has_and_leaves_nothing(repository, eventually):
    with started(repository) as gate:
        gate.send_signal(signal.SIGINT)
        said, complaints = gate.communicate(timeout=LONGEST)
    assert gate.returncode == 3, complaints
    assert "1 inconclusive" in said.splitlines()[0]
    assert "ended early: interrupted" in said
    assert records(repository)[-1]["end"] == "interrupted"
    assert eventually(lambda: not measuring())
    assert not list((repository.parent / "temporary").iterdir())


def test_a_verdict_is_written_in_every_form(repository):
    with started(repository, "--junit", "out/gate.xml", "--markdown", "out/gate.md", "--format", "json") as gate:
        gate.send_signal(signal.SIGTERM)
        said, complaints = gate.communicate(timeout=LONGEST)
    document = json.loads(said)
    assert gate.returncode == document["code"] == 3, complaints
    (case,) = document["cases"]
    assert (case["case"], case["identical"]) == ("Doubles-imperative-2-cpu-forward", True)
    assert (repository / "out" / "gate.xml").read_text().startswith("<?xml")
    assert (repository / "out" / "gate.md").read_text().startswith("**")


def test_workers_do_not_outlive_a_gate_that_is_killed(repository, eventually):
    with started(repository) as gate:
        gate.kill()
        gate.communicate()
    assert eventually(lambda: not measuring())
    git = subprocess.run(["git", "worktree", "list"], check=True, capture_output=True, text=True).stdout
    assert len(git.splitlines()) == 1
