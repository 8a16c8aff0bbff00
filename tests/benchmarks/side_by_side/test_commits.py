"""Commits become folders, and the repository is as it was."""

import os
import signal
import subprocess
import sys
import tempfile

import pytest

from benchmarks.grid import CaseError
from benchmarks.side_by_side import commits
from benchmarks.side_by_side.commits import Repository
from benchmarks.side_by_side.errors import CannotJudgeError

HOLDS_A_WORKPLACE = """
import os, sys
from benchmarks.side_by_side.commits import workplace
with workplace() as folder:
    (folder / "base").mkdir()
    print(folder, flush=True)
    sys.stdin.read()
"""


def around(folder):
    return Repository.around(folder, folder / "results")


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


@pytest.fixture(autouse=True)
def workplaces(tmp_path, monkeypatch):
    """Temporary folders are made here."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_a_commit_is_unpacked_as_it_was_and_leaves_nothing_in_the_repository(repository, tmp_path):
    first = repository.commit(layer="one = 1\n", other="x")
    repository.git("rm", "--quiet", "other.py")
    repository.commit(layer="two = 2\n")
    repository.write("layer.py", "three = 3\n")
    repository.git("add", "layer.py")
    before = {path: path.stat().st_mtime_ns for path in (repository.root / ".git").rglob("*")}
    found = around(repository.root)
    found.write(found.commit("HEAD~1"), tmp_path / "base")
    assert files(tmp_path / "base") == {"layer.py": b"one = 1\n", "other.py": b"x"}
    assert found.commit("HEAD~1").hash == first
    assert {path: path.stat().st_mtime_ns for path in (repository.root / ".git").rglob("*")} == before


def test_the_working_tree_is_what_git_would_add(repository, tmp_path):
    repository.commit(layer="one = 1\n", deleted="x", staged="old")
    repository.write("layer.py", "edited = 1\n")
    repository.write("new.py", "new = 1\n")
    repository.write("ignored.py", "ignored = 1\n")
    repository.write(".gitignore", "ignored.py\n")
    repository.write("staged.py", "staged = 1\n")
    repository.git("add", "staged.py")
    repository.write("results/gate.jsonl", "{}")
    (repository.root / "deleted.py").unlink()
    (repository.root / "link").symlink_to("nowhere")
    found = around(repository.root)
    commit = found.commit(commits.WORKING_TREE)
    assert commit.dirty
    found.write(commit, tmp_path / "head")
    assert files(tmp_path / "head") == {
        "layer.py": b"edited = 1\n",
        "new.py": b"new = 1\n",
        "staged.py": b"staged = 1\n",
        ".gitignore": b"ignored.py\n",
    }
    assert os.readlink(tmp_path / "head" / "link") == "nowhere"


def test_a_clean_working_tree_is_its_commit(repository):
    made = repository.commit("Say why\n\nAccept-slowdown: * it is right now", layer="one = 1\n")
    commit = around(repository.root).commit(commits.WORKING_TREE)
    assert (commit.hash, commit.dirty, commit.subject) == (made, False, "Say why")
    assert commit.message.endswith("Accept-slowdown: * it is right now")


def test_untracked_files_belong_to_the_working_tree_whatever_git_is_told_to_show(repository, tmp_path):
    repository.commit(layer="one = 1\n")
    repository.git("config", "status.showUntrackedFiles", "no")
    repository.write("new.py", "new = 1\n")
    found = around(repository.root)
    found.write(found.commit(commits.WORKING_TREE), tmp_path / "head")
    assert files(tmp_path / "head") == {"layer.py": b"one = 1\n", "new.py": b"new = 1\n"}


def test_a_working_tree_that_git_does_not_read_is_not_taken_for_clean(repository):
    repository.commit(layer="one = 1\n")
    (repository.root / ".git" / "index").write_text("no index")
    with pytest.raises(CannotJudgeError, match="git does not read the working tree"):
        around(repository.root).commit(commits.WORKING_TREE)


def test_results_are_no_change_of_the_working_tree(repository):
    repository.commit(layer="one = 1\n")
    repository.write("results/gate.jsonl", "{}")
    assert not around(repository.root).commit(commits.WORKING_TREE).dirty
    assert Repository.around(repository.root, repository.root.parent).commit(commits.WORKING_TREE).dirty


def test_a_gate_in_a_hook_reads_the_repository_around_it(repository, tmp_path, monkeypatch):
    made = repository.commit(layer="one = 1\n")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other.index"))
    assert around(repository.root).commit("main").hash == made


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mian", "mian is no commit of .*: git log shows"),
        ("--upload-pack=x", "--upload-pack=x is no commit"),
        ("HEAD^{tree}", "is no commit"),
    ],
)
def test_a_name_that_git_does_not_know_is_refused(repository, name, message):
    repository.commit()
    with pytest.raises(CaseError, match=message):
        around(repository.root).commit(name)


def test_a_shallow_clone_says_how_to_get_what_it_lacks(repository, tmp_path):
    first = repository.commit("first")
    repository.commit("second")
    subprocess.run(["git", "clone", "--quiet", "--depth=1", repository.root.as_uri(), str(tmp_path / "c")], check=True)
    with pytest.raises(CannotJudgeError, match=f"lacks {first}: get it with git fetch --depth=1 origin {first}"):
        around(tmp_path / "c").commit(first)


def test_a_repository_without_a_commit_has_nothing_to_compare(repository):
    with pytest.raises(CaseError, match="has no commit yet"):
        around(repository.root).commit("")


def test_outside_of_a_repository_there_is_nothing_to_compare(tmp_path):
    with pytest.raises(CaseError, match="is not in a git repository"):
        around(tmp_path)


def test_without_git_nothing_can_be_compared(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotJudgeError, match="needs git, which is not installed"):
        around(tmp_path)


def test_a_workplace_is_removed_whatever_happens(workplaces):
    with pytest.raises(FileExistsError), commits.workplace() as folder:
        folder.mkdir()
    assert not list(workplaces.iterdir())


def test_what_a_killed_gate_left_behind_is_removed_by_the_next_but_not_what_one_still_needs():
    started = [
        subprocess.Popen([sys.executable, "-c", HOLDS_A_WORKPLACE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    try:
        left, needed = [one.stdout.readline().decode().strip() for one in started]
        started[0].send_signal(signal.SIGKILL)
        started[0].wait()
        with commits.workplace():
            assert not os.path.exists(left)
            assert os.path.isdir(os.path.join(needed, "base"))
    finally:
        for one in started:
            one.kill()
            one.communicate()
