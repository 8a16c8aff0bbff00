"""Mutation testing of the generator: each deliberate mistake of ``mutants.py`` must make some test fail.

One process imports what is slow to import and stays as it is; each mutant is a fork of it, in which ``kernels`` is
imported with one module changed and the tests run until the first failure.  (mutmut and cosmic-ray start a process a
mutant, which costs 4 s of imports here, and do not know what our tables and printed code are made of.)
Each verdict is appended to ``results/mutants.jsonl`` as it comes: a run that was interrupted goes on.
"""

import argparse
import ast
import dataclasses
import hashlib
import importlib
import importlib.abc
import importlib.machinery
import json
import math
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import types
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results" / "mutants.jsonl"
os.environ |= {"GLUONMARK_THREADS": "1", "GLUONMARK_INLINE": "1", "MXNET_USE_OPERATOR_TUNING": "0"}
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import mxnet_compat  # noqa: E402, F401, I001  (first: it sets the threads of all libraries)
import hypothesis.internal.conjecture.engine  # noqa: E402
import numba  # noqa: E402
import pytest  # noqa: E402
import rocket_fft  # noqa: E402, F401
import scipy.linalg  # noqa: E402
import scipy.special  # noqa: E402, F401
from equivalent import EQUIVALENT  # noqa: E402
from mutants import Mutant, mutants, mutated  # noqa: E402
from report import print_report  # noqa: E402

hypothesis.internal.conjecture.engine.MAX_SHRINKING_SECONDS = 0  # that it fails is all that is asked

FILES = ("kernels/extent.py", "kernels/decompose.py", "kernels/program.py", "kernels/gradient.py", "kernels/rewrite.py",
         "kernels/fuse.py", "kernels/indices.py", "kernels/reads.py", "kernels/memory.py", "kernels/half.py",
         "kernels/sums.py", "kernels/emit/*.py", "kernels/primitives/**/*.py", "kernels/operators/*.py",
         "kernels/forms.py", "kernels/parallel.py", "kernels/matmul.py", "kernels/tiles.py", "kernels/vectors.py",
         "kernels/library/*.py", "kernels/transform/*.py")  # fmt: skip
GENERATOR = "tests/kernels/generator"
# They become part of compiled kernels without standing in their text, which is what the cache goes by.  What tests each
# of them by itself comes first.
BUILT_IN = {
    "kernels/half.py": (),
    "kernels/sums.py": (),
    "kernels/forms.py": ("tests/kernels/test_forms.py",),
    "kernels/parallel.py": ("tests/kernels/test_parallel.py",),
    "kernels/matmul.py": ("tests/kernels/test_matmul.py",),
    "kernels/tiles.py": ("tests/kernels/test_matmul.py",),
    "kernels/vectors.py": ("tests/kernels/test_matmul.py",),
    "kernels/library": ("tests/kernels/test_matmul.py", "tests/kernels/test_forms.py"),
    "kernels/transform": (f"{GENERATOR}/test_transform.py",),
}
# Its module reads the other files there as text; they are compiled as generated ones are.
TEXTS = ROOT / "kernels" / "library"

# Fastest first: what needs no Numba, then what it has compiled before unless the mistake changes the printed code.
STAGES: tuple[tuple[str, ...], ...] = (
    (f"{GENERATOR}/test_primitives.py", f"{GENERATOR}/test_rewrite.py", f"{GENERATOR}/test_extent.py",
     f"{GENERATOR}/test_indices.py", f"{GENERATOR}/test_lines.py", f"{GENERATOR}/test_program.py",
     f"{GENERATOR}/test_shares.py"),
    (f"{GENERATOR}/test_golden_source.py", f"{GENERATOR}/test_fuse.py",
     "-k", "golden_one or short_lines or loops or beside_its_call or counted_from"),
    (f"{GENERATOR}/test_operators.py", "-k", "the_oracle_agrees"),
    ("tests/kernels/fuzz/test_fuzz.py", "-k", "not compiled and not planted"),
    (f"{GENERATOR}/test_dtypes.py", f"{GENERATOR}/test_operators.py", f"{GENERATOR}/test_functions_at_places.py",
     "-k", "hybridized or says_where or special_numbers"),
    (f"{GENERATOR}/test_dtypes.py", f"{GENERATOR}/test_operators.py"),
    (f"{GENERATOR}/test_fuse.py", f"{GENERATOR}/test_golden_source.py", f"{GENERATOR}/test_random_graphs.py"),
)  # fmt: skip
WITHOUT_NUMBA = 5
# What was imported before the fork cannot be given pytest's assertions, and has none.
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
# A mistake may make a loop endless.  Stages without Numba take up to 25 s of a processor; where a mistake changes the
# text of many kernels, others have to compile them.
SECONDS, SECONDS_OF_BUILT_IN, SECONDS_WITH_NUMBA = 60, 120, 400
WALL_SECONDS = 1200  # of one child: a mistake may also make it wait
ADDRESS_SPACE = 16 << 30


class Changed(importlib.abc.MetaPathFinder):
    """Gives one module of ``kernels`` another tree; a file that a module reads is another file in ``folder``."""

    def __init__(self, mutant: Mutant, folder: Path) -> None:
        self._tree = mutated(ROOT, mutant)
        self._name = mutant.file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        file = ROOT / mutant.file
        if file.parent == TEXTS and file.name != "__init__.py":
            self._name = "kernels.library"
            texts = shutil.copytree(TEXTS, folder / "texts")
            text = ast.unparse(self._tree).replace("'", '"')  # it is looked for by its double quotes
            (texts / file.name).write_text(text, encoding="utf-8")
            reader = (TEXTS / "__init__.py").read_text(encoding="utf-8")
            self._tree = ast.parse(reader.replace("Path(__file__).parent", f"Path({str(texts)!r})"))

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._name:
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path)
        assert found is not None
        assert isinstance(found.loader, importlib.machinery.SourceFileLoader)
        place, tree = found.loader.path, self._tree
        found.loader.get_code = lambda _: compile(tree, place, "exec")  # type: ignore[method-assign]
        return found


def stages_of(mutant: Mutant | None, quick: bool) -> list[Sequence[str]]:
    """The tests for a mutant, or for none: what is known to test its file comes first."""
    stages: list[Sequence[str]] = list(STAGES[:WITHOUT_NUMBA] if quick else STAGES)
    stages[:0] = [first] if (first := built_in(mutant)) else []
    own = mutant.file.replace("operators/", "operators/examples/") if mutant is not None else ""
    if "operators/" in own and (ROOT / own).exists():
        stages.insert(0, (f"{GENERATOR}/test_operators.py", "-k", f"the_oracle_agrees and {Path(own).stem}"))
    return stages


def built_in(mutant: Mutant | None) -> Sequence[str] | None:
    """The first tests for a mutant of what is part of compiled kernels; None for others."""
    file = mutant.file if mutant is not None else ""
    return next((first for place, first in BUILT_IN.items() if Path(file).is_relative_to(place)), None)


class FirstFailure:
    """Remembers which test failed first."""

    name = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.name:
            self.name = report.nodeid


def run_tests(cache: Path, stages: Sequence[Sequence[str]]) -> str:
    """What failed first, or nothing."""
    os.environ["GLUONMARK_CACHE"] = str(cache)
    for stage in stages:
        first, began = FirstFailure(), time.process_time()
        limit = SECONDS if stage in STAGES[:WITHOUT_NUMBA] else SECONDS_WITH_NUMBA
        limit = SECONDS_OF_BUILT_IN if stage in BUILT_IN.values() else limit
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(began) + limit, resource.RLIM_INFINITY))
        status = pytest.main([*OPTIONS, *stage], plugins=[first])
        print(f"{' '.join(stage)}: {time.process_time() - began:.1f} s of the processor", flush=True)
        if status != 0:
            return first.name or f"{stage[0]} cannot run"
    return ""


def child(mutant: Mutant | None, cache: Path, stages: Sequence[Sequence[str]], pipe: int, log: Path) -> None:
    """Runs in a fork: tests with this mutant, and writes what failed first."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    if mutant is not None:
        signal.alarm(WALL_SECONDS)
    failed = "a crash"
    try:
        if mutant is not None:
            sys.meta_path.insert(0, Changed(mutant, log.parent))
        failed = run_tests(cache, stages)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(pipe, failed.encode())
        os._exit(0)


@dataclasses.dataclass
class Running:
    """A child: what it tests, where it says so, and its folder."""

    mutant: Mutant | None
    pipe: int
    folder: Path

    def verdict(self, status: int) -> str:
        """What caught the mutant; nothing if it survived."""
        with os.fdopen(self.pipe) as said:
            text = said.read()
        shutil.rmtree(self.folder, ignore_errors=True)
        if os.WIFEXITED(status):  # MXNet ends the process after a segmentation fault
            return "a crash" if status else text
        number = signal.Signals(os.WTERMSIG(status))
        endless = number in (signal.SIGXCPU, signal.SIGALRM)
        return f"the limit on a stage's seconds ({number.name})" if endless else number.name


def start(mutant: Mutant | None, warm: Path, quick: bool, running: dict[int, Running]) -> None:
    """Fork a child whose cache has what the tests need without a mistake."""
    folder = Path(tempfile.mkdtemp(dir=warm.parent))
    cache = folder / "cache" if mutant else warm
    if mutant is not None and built_in(mutant) is None:
        cache.mkdir()
        for entry in warm.iterdir():
            (cache / entry.name).symlink_to(entry)
    reads, writes = os.pipe()
    identity = os.fork()
    if identity == 0:
        child(mutant, cache, stages_of(mutant, quick), writes, folder / "log" if mutant else warm.parent / "log")
    os.close(writes)
    running[identity] = Running(mutant, reads, folder)


def verdicts(
    todo: Sequence[Mutant | None], warm: Path, quick: bool, children: int = 1
) -> Iterator[tuple[Mutant | None, str]]:
    """Each mutant with what caught it, as they come, a few at once."""
    running: dict[int, Running] = {}
    waiting = list(reversed(todo))
    try:
        while waiting or running:
            while waiting and len(running) < children:
                start(waiting.pop(), warm, quick, running)
            identity, status = os.wait()
            ended = running.pop(identity)
            yield ended.mutant, ended.verdict(status)
    finally:
        for identity in running:
            os.kill(identity, signal.SIGKILL)


def prepare_numba() -> None:
    """Compile something, so that no child has to begin with it."""
    numba.njit("float64(float64)")(lambda x: x)(1.0)


def known() -> dict[Mutant, str]:
    """The verdicts of earlier runs; of two on one mutant, the later."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    rows = [json.loads(line) for line in lines]
    return {Mutant(**row["mutant"]): row["caught_by"] for row in rows}


def chosen(files: Sequence[str], every: int) -> list[Mutant]:
    """Every n-th mutant of each kind in each file, without those that compute the same."""
    paths = [str(path.relative_to(ROOT)) for pattern in files for path in sorted(ROOT.glob(pattern))]
    found: list[Mutant] = []
    for path in dict.fromkeys(paths):
        of_file = not_equivalent(mutants(ROOT, path))
        for kind in dict.fromkeys(mutant.kind for mutant in of_file):
            found += [mutant for mutant in of_file if mutant.kind == kind][::every]
    return found


def one_a_rule(found: Sequence[Mutant]) -> list[Mutant]:
    """One mutant of each function and each row of a table, the same ones whatever else changes."""
    order = sorted(found, key=lambda mutant: hashlib.sha256(_change(mutant).encode()).digest(), reverse=True)
    return list({(mutant.file, mutant.rule): mutant for mutant in order}.values())


def _change(mutant: Mutant) -> str:
    return f"{mutant.file} {mutant.rule} {mutant.kind} {mutant.before} → {mutant.after} {mutant.turn}"


def not_equivalent(found: Sequence[Mutant]) -> list[Mutant]:
    """Without those of the table of equivalent ones, each of which must be there."""
    entries = {mutant: (mutant.file, mutant.rule, mutant.before, mutant.after) for mutant in found}
    files = {mutant.file for mutant in found}
    gone = {entry for entry in EQUIVALENT if entry[0] in files} - set(entries.values())
    if gone:
        sys.exit(f"equivalent.py names what is no mutant any more: {sorted(gone)}")
    return [mutant for mutant in found if entries[mutant] not in EQUIVALENT]


def main() -> None:
    parser = argparse.ArgumentParser(description="Which deliberate mistakes in the generator does no test notice?")
    parser.add_argument("files", nargs="*", default=FILES, help="files or patterns; default: all files of rules")
    parser.add_argument("--every", type=int, default=1, help="only every n-th mutant of each kind and file")
    parser.add_argument("--rules", action="store_true", help="only one mutant of each function and row of a table")
    parser.add_argument("--quick", action="store_true", help="only tests that need no Numba: see what is left later")
    parser.add_argument("--survivors", action="store_true", help="test again what survived earlier runs")
    parser.add_argument("--report", action="store_true", help="test nothing: print what is known")
    parser.add_argument("--children", type=int, default=2, help="how many processes at once")
    asked = parser.parse_args()
    os.chdir(ROOT)
    selected = chosen(asked.files, asked.every)
    selected = one_a_rule(selected) if asked.rules else selected
    before = known()
    todo = [mutant for mutant in selected if mutant not in before or (asked.survivors and not before[mutant])]
    if todo and not asked.report:
        random.Random(0).shuffle(todo)  # an interrupted run has seen something of every file
        test(todo, asked.quick, asked.children)
    asked_for = set(selected)
    print_report({mutant: caught for mutant, caught in known().items() if mutant in asked_for})


def test(todo: Sequence[Mutant], quick: bool, children: int) -> None:
    """Append a verdict on each mutant to the results, once the tests pass without any."""
    RESULTS.parent.mkdir(exist_ok=True)
    warm = RESULTS.parent / "mutants" / "warm"
    warm.mkdir(parents=True, exist_ok=True)
    prepare_numba()
    ((_, failed),) = verdicts([None], warm, quick)
    if failed:
        sys.exit(f"without any mistake the tests fail already: {failed}")
    with RESULTS.open("a", encoding="utf-8") as results:
        for count, (mutant, caught) in enumerate(verdicts(todo, warm, quick, children), 1):
            assert mutant is not None
            row = {"mutant": dataclasses.asdict(mutant), "caught_by": caught}
            print(json.dumps(row, ensure_ascii=False), file=results, flush=True)
            fate = "" if caught else f"SURVIVED {mutant.file}:{mutant.line}  {mutant.before} → {mutant.after}"
            print(f"\r{count}/{len(todo)}", fate, end="\n" if fate else "", flush=True)
    print()


if __name__ == "__main__":
    main()
