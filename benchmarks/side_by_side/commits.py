"""Each side becomes a folder of its own, with nothing written into the repository.

A commit is unpacked through a private index, without ``git worktree``, so that even a gate that is killed leaves
nothing behind in ``.git``.  The working tree is copied, so that later edits do not matter.  Folders of gates that were
killed are removed by the next gate: a lock that died with its owner tells them apart.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.grid import CaseError
from benchmarks.side_by_side.errors import CannotJudgeError

WORKING_TREE = ""  # in place of a commit
PREFIX = "gluonmark-gate-"
LOCK = "lock"

# A hook's git commands would find its repository and its index instead of ours.
INHERITED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")


@dataclass(frozen=True)
class Commit:
    """A side as people know it: ``dirty`` means the working tree on top of ``hash``, as it was when it was copied."""

    hash: str
    message: str
    dirty: bool = False

    @property
    def subject(self) -> str:
        """The first line of its message."""
        return self.message.partition("\n")[0]


@dataclass(frozen=True)
class Repository:
    """The repository around a folder; ``root`` is its working tree, of which ``besides`` is no part: our results."""

    root: Path
    besides: Path

    @classmethod
    def around(cls, folder: Path, besides: Path) -> "Repository":
        """Raises ``CaseError`` outside of a repository, ``CannotJudgeError`` where git is missing or refuses."""
        try:
            found = _git(folder, "rev-parse", "--show-toplevel")
        except FileNotFoundError as error:
            raise CannotJudgeError("the gate compares commits and needs git, which is not installed") from error
        if found.returncode:
            said = found.stderr.strip().splitlines() or ["no message"]
            if "not a git repository" in found.stderr:
                raise CaseError(f"the gate compares commits, and {folder} is not in a git repository")
            raise CannotJudgeError(f"git does not read the repository around {folder}: {said[0]}")
        return cls(Path(found.stdout.removesuffix("\n")), besides)

    def commit(self, name: str) -> Commit:
        """The commit of that name, or the working tree.  Raises ``CaseError``, and says what a shallow clone lacks."""
        found = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name or 'HEAD'}^{{commit}}")
        if found.returncode:
            raise self._unknown(name)
        identifier = found.stdout.strip()
        message = self._run("log", "-1", "--format=%B", identifier).stdout.strip()
        return Commit(identifier, message, name == WORKING_TREE and self._is_dirty())

    def _unknown(self, name: str) -> Exception:
        if not name:
            return CaseError(f"the repository {self.root} has no commit yet")
        if self._run("rev-parse", "--is-shallow-repository").stdout.strip() == "true":
            return CannotJudgeError(
                f"this shallow clone lacks {name}: get it with git fetch --depth=1 origin {name}, "
                "or everything with git fetch --unshallow"
            )
        return CaseError(f"{name} is no commit of {self.root}: git log shows which there are, git fetch gets more")

    def _is_dirty(self) -> bool:
        return bool(self._told("status", "--porcelain", "--untracked-files=normal", *self._own()).strip())

    def _own(self) -> Sequence[str]:
        """What tells git to look at everything but ``besides``."""
        try:
            apart = self.besides.resolve().relative_to(self.root.resolve())
        except ValueError:  # it is elsewhere
            return ()
        return ("--", ".", f":(exclude,top,literal){apart}")

    def write(self, commit: Commit, folder: Path) -> None:
        """Fill ``folder`` with the files of a commit or, if it is dirty, with those of the working tree."""
        folder.mkdir()
        if commit.dirty:
            self._copy(folder)
            return
        index = {"GIT_INDEX_FILE": str(folder.with_suffix(".index"))}
        for arguments in (
            ("read-tree", commit.hash),
            ("checkout-index", "--all", "--quiet", f"--prefix={folder}{os.sep}"),
        ):
            done = self._run(*arguments, environment=index)
            if done.returncode:
                said = done.stderr.strip().splitlines() or ["no message"]
                raise CannotJudgeError(f"the files of {commit.hash[:8]} cannot be written to {folder}: {said[-1]}")

    def _copy(self, folder: Path) -> None:
        """Tracked and untracked files as they are now, ignored ones left out."""
        listed = self._told(
            "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", *self._own()
        )
        try:
            for name in filter(None, listed.split("\0")):
                source, target = self.root / name, folder / name
                if source.is_symlink() or source.is_file():  # neither deleted nor a submodule
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(source, target, follow_symlinks=False)
        except OSError as error:
            raise CannotJudgeError(f"the working tree cannot be copied to {folder}: {error}") from error

    def _told(self, *arguments: str) -> str:
        """What git says of the working tree.  Raises ``CannotJudgeError`` if it does not read it."""
        done = self._run(*arguments)
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["no message"]
            raise CannotJudgeError(f"git does not read the working tree {self.root}: {said[-1]}")
        return done.stdout

    def _run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        return _git(self.root, *arguments, environment=environment)


@contextmanager
def workplace() -> Iterator[Path]:
    """A temporary folder that is removed afterwards; what gates that were killed left behind is removed as well."""
    parent = Path(tempfile.gettempdir())
    for old in parent.glob(f"{PREFIX}*"):
        with suppress(OSError), _locked(old):
            shutil.rmtree(old, ignore_errors=True)
    try:
        unlocked = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=parent))
        (unlocked / LOCK).touch()
    except OSError as error:
        raise CannotJudgeError(f"no temporary folder can be made in {parent}: {error.strerror}") from error
    with _locked(unlocked):
        folder = unlocked.rename(parent / unlocked.name[1:])
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system gives back whatever happens.  Raises ``OSError`` if it is held."""
    with (folder / LOCK).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _git(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    own = {name: value for name, value in os.environ.items() if name not in INHERITED}
    return subprocess.run(
        ["git", "-C", str(folder), *arguments],
        # It refreshes no index on the way: that would be written into the repository.
        env=own | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"} | dict(environment or {}),
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
    )
