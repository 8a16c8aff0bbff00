"""What is remembered, and when it must be forgotten: compiled kernels on disk, and the values of constants."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import mxnet as mx
import numba
import numpy as np
import pytest
from mxnet import autograd, gluon, init, nd
from mxnet.gluon import nn
from numba.core import event

from kernels import KernelError, build, compile, jit, prepare, source, value_and_gradient
from kernels.compile import MANIFEST, cache_folder, load
from kernels.emit.cpu import LIBRARY
from layers.half_fourier import HalfFourier, fourier_basis

ROOT = Path(__file__).resolve().parents[2]

# A generated file in small: compiled eagerly, cached beside itself.
DOUBLES = """
from numba import njit


@njit("float64(float64)", cache=True)
def function(x):
    return 2 * x
"""
TRIPLES = DOUBLES.replace("2 * x", "3 * x")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("GLUONMARK_CACHE", str(folder))
    return folder


def compilations(act: Callable[[], ModuleType]) -> tuple[ModuleType, int]:
    """What ``act`` returns, and how many generated functions Numba compiled meanwhile."""
    with event.install_recorder("numba:compile") as recorder:
        module = act()
    functions = [each.data["dispatcher"].py_func for _, each in recorder.buffer if each.is_start]
    return module, sum(function.__code__.co_filename.endswith("kernel.py") for function in functions)


def contents(folder: Path) -> dict[Path, tuple[int, int, bytes]]:
    """Every file with its time, its place on the disk and its bytes."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes()) for path in files}


def the_entry(cache: Path) -> Path:
    entries = list(cache.iterdir())
    assert len(entries) == 1
    return entries[0]


def test_the_second_load_compiles_nothing(cache: Path) -> None:
    first, count = compilations(lambda: load("doubles", DOUBLES))
    assert first.function(4.0) == 8
    assert count == 1
    before = contents(cache)
    second, count = compilations(lambda: load("doubles", DOUBLES))
    assert second.function(4.0) == 8
    assert count == 0
    assert contents(cache) == before


def test_an_entry_is_named_by_what_is_in_it(cache: Path) -> None:
    assert load("scales", DOUBLES).function(4.0) == 8
    assert load("scales", TRIPLES).function(4.0) == 12
    assert load("scales", DOUBLES).function(4.0) == 8
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("what", ["library", "numba"])
def test_another_version_has_entries_of_its_own(cache: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    load("doubles", DOUBLES)
    if what == "library":
        monkeypatch.setattr(compile, "_library", lambda: "another")
    else:
        monkeypatch.setattr(numba, "__version__", "0.0")
    load("doubles", DOUBLES)
    assert len(list(cache.iterdir())) == 2


def test_the_library_is_what_generated_code_calls() -> None:
    """And what that imports in turn, except Python's own way through a function, which is not compiled."""
    named = {name.removesuffix(".py") for name in compile.LIBRARY}
    assert {module.removeprefix("kernels.") for module in LIBRARY if module.startswith("kernels.")} < named
    places = [Path(compile.__file__).parent / name for name in compile.LIBRARY if name != "transform"]
    for file in [file for place in places for file in (place.glob("*.py") if place.is_dir() else [place])]:
        text = file.read_text()
        imported = set(re.findall(r"^from (?:kernels)?\.(\w+)[\w.]* import", text, re.MULTILINE))
        assert imported <= named | {"compile", "primitives"}, file


def test_the_manifest_names_every_file_of_machine_code(cache: Path) -> None:
    load("doubles", DOUBLES)
    entry = the_entry(cache)
    machine_code = {str(path.relative_to(entry)) for path in entry.rglob("*.nb[ci]")}
    assert len(machine_code) == 2
    assert json.loads((entry / MANIFEST).read_text()).keys() == machine_code


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 3, len(content), 97):
        content[place] ^= 0xFF
    path.write_bytes(content)


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def on(pattern: str, damage: Callable[[Path], None]) -> Callable[[Path], None]:
    def act(entry: Path) -> None:
        paths = list(entry.rglob(pattern))
        assert paths
        for path in paths:
            damage(path)

    return act


def replace_entry_by_file(entry: Path) -> None:
    shutil.rmtree(entry)
    entry.write_text("in the way")


DAMAGE: dict[str, Callable[[Path], None]] = {
    "machine-code-truncated": on("*.nbc", truncate),
    "machine-code-empty": on("*.nbc", lambda path: path.write_bytes(b"")),
    "machine-code-flipped": on("*.nbc", flip),
    "machine-code-deleted": on("*.nbc", Path.unlink),
    "index-truncated": on("*.nbi", truncate),
    "index-flipped": on("*.nbi", flip),
    "index-deleted": on("*.nbi", Path.unlink),
    "all-machine-code-deleted": on("__pycache__", shutil.rmtree),
    "source-truncated": on("kernel.py", truncate),
    "source-deleted": on("kernel.py", Path.unlink),
    "source-of-another": on("kernel.py", lambda path: path.write_text(TRIPLES)),
    "source-not-text": on("kernel.py", lambda path: path.write_bytes(b"\xff\xfe\x00")),
    "source-a-folder": on("kernel.py", replace_by_folder),
    "manifest-truncated": on(MANIFEST, truncate),
    "manifest-of-another-kind": on(MANIFEST, lambda path: path.write_text("[1, 2]")),
    "manifest-empty": on(MANIFEST, lambda path: path.write_text("{}")),
    "manifest-not-text": on(MANIFEST, lambda path: path.write_bytes(b"\xff\xfe\x00")),
    "manifest-deleted": on(MANIFEST, Path.unlink),
    "entry-empty": on("*", lambda path: shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)),
    "entry-a-file": replace_entry_by_file,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_entry_is_built_again(cache: Path, damage: Callable[[Path], None]) -> None:
    load("doubles", DOUBLES)
    damage(the_entry(cache))
    module, count = compilations(lambda: load("doubles", DOUBLES))
    assert module.function(4.0) == 8
    assert count == 1
    module, count = compilations(lambda: load("doubles", DOUBLES))  # and the entry is mended
    assert module.function(4.0) == 8
    assert count == 0
    assert [path.name for path in cache.iterdir()] == [the_entry(cache).name]


def test_machine_code_of_another_entry_is_not_taken(cache: Path) -> None:
    """Well-formed files with digests of their own in the wrong place."""
    load("scales", DOUBLES)
    doubles = the_entry(cache)
    load("scales", TRIPLES)
    triples = next(path for path in cache.iterdir() if path != doubles)
    shutil.rmtree(doubles / "__pycache__")
    shutil.copytree(triples / "__pycache__", doubles / "__pycache__")
    assert load("scales", DOUBLES).function(4.0) == 8


def test_what_an_interrupted_build_left_is_not_taken(cache: Path) -> None:
    half = cache / ".building-interrupted"
    half.mkdir(parents=True)
    (half / "kernel.py").write_text(TRIPLES)
    assert load("doubles", DOUBLES).function(4.0) == 8
    module, count = compilations(lambda: load("doubles", DOUBLES))
    assert module.function(4.0) == 8
    assert count == 0


def test_the_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GLUONMARK_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "gluonmark"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "gluonmark"
    monkeypatch.setenv("GLUONMARK_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"


# What a process of its own does with a cache, and how many generated functions it had to compile for that.
PROCESS = """
import mxnet_compat
import numpy as np
from mxnet import autograd, nd
from numba.core import event

from kernels import jit, prepare
from kernels.compile import load
from layers.my_dense import MyDense


def small():
    assert load("doubles", DOUBLES).function(4.0) == 8


def whole():
    layer = MyDense(3, in_units=4)
    layer.initialize()
    weight = np.random.default_rng(1).normal(size=(4, 3))
    layer.weight.set_data(nd.array(weight))
    x = np.random.default_rng(2).normal(size=(5, 4))
    with autograd.record():
        y = jit(layer)(nd.array(x))
    y.backward()
    np.testing.assert_allclose(y.asnumpy(), (x @ weight).clip(min=0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(layer.weight.grad().asnumpy(), x.T @ (x @ weight > 0), rtol=1e-5, atol=1e-5)


with event.install_recorder("numba:compile") as recorder:
    WORK()
functions = [each.data["dispatcher"].py_func for _, each in recorder.buffer if each.is_start]
print("compiled", sum(function.__code__.co_filename.endswith("kernel.py") for function in functions))
"""


def start(cache: Path, work: str) -> subprocess.Popen[str]:
    """A process that does ``work``: one "small" file, a "whole" layer, or "prepare"; it checks its results."""
    return subprocess.Popen(
        [sys.executable, "-c", PROCESS.replace("DOUBLES", repr(DOUBLES)).replace("WORK", work)],
        cwd=ROOT,
        env=os.environ | {"GLUONMARK_CACHE": str(cache), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def compiled_by(process: subprocess.Popen[str]) -> int:
    """How many functions the process compiled, once its results were right."""
    try:
        output, errors = process.communicate(timeout=1500)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    word, count = output.split()
    assert word == "compiled"
    return int(count)


def test_processes_that_fill_a_cache_at_once(cache: Path) -> None:
    assert sum(map(compiled_by, [start(cache, "small") for _ in range(4)])) > 0
    assert len(list(cache.iterdir())) == 1  # nothing half-built stays
    assert compiled_by(start(cache, "small")) == 0


def test_processes_that_meet_a_damaged_entry_at_once(cache: Path) -> None:
    load("doubles", DOUBLES)
    flip(next(cache.rglob("*.nbc")))
    assert sum(map(compiled_by, [start(cache, "small") for _ in range(3)])) > 0
    assert len(list(cache.iterdir())) == 1
    assert compiled_by(start(cache, "small")) == 0


@pytest.fixture(scope="module")
def full_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that two processes filled at once with a whole layer."""
    folder = tmp_path_factory.mktemp("shared") / "cache"
    assert sum(map(compiled_by, [start(folder, "whole"), start(folder, "whole")])) > 0
    return folder


def test_the_second_process_compiles_nothing(full_cache: Path) -> None:
    before = contents(full_cache)
    assert compiled_by(start(full_cache, "whole")) == 0
    assert contents(full_cache) == before


def test_what_is_prepared_is_not_compiled_by_a_first_call(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert compiled_by(start(cache, "prepare")) > 0
    prepared = set(cache.iterdir())
    assert compiled_by(start(cache, "whole")) > 0
    assert {entry.name.partition("-")[0] for entry in set(cache.iterdir()) - prepared} == {"MyDense"}
    assert compiled_by(start(cache, "prepare")) == 0


def test_nothing_is_prepared_where_it_cannot_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GLUONMARK_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(KernelError, match=r"nothing can be kept in .*cache \(.*\): set GLUONMARK_CACHE to a folder"):
        prepare()


def test_a_cache_that_moved_with_one_damaged_entry(full_cache: Path, tmp_path: Path) -> None:
    shutil.copytree(full_cache, tmp_path / "cache")
    flip(next(path for path in (tmp_path / "cache").rglob("*.nbc") if "MyDense" in str(path)))
    assert compiled_by(start(tmp_path / "cache", "whole")) > 0
    assert compiled_by(start(tmp_path / "cache", "whole")) == 0


@pytest.mark.parametrize("place", ["a-file", "below-a-file", "/proc/gluonmark"])
def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """And nothing is left in its stead.  (Permissions would not stop a test that runs as root.)"""
    blocking, temporary = tmp_path / "a-file", tmp_path / "temporary"
    blocking.write_text("in the way")
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    cache = {"a-file": blocking, "below-a-file": blocking / "cache"}.get(place, Path(place))
    assert compiled_by(start(cache, "small")) == 1
    assert blocking.read_text() == "in the way"
    assert [path.name for path in temporary.iterdir() if path.name.startswith("gluonmark")] == []


# Constants -----------------------------------------------------------------------------------------------------------


class Product(nn.Block):
    """x times a constant matrix, of whatever values."""

    def __init__(self, matrix: np.ndarray) -> None:
        super().__init__()
        with self.name_scope():
            self.matrix = self.params.get_constant("matrix", nd.array(matrix, dtype="float64"))
        self.initialize()

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        return nd.dot(x, self.matrix.data(x.context))


def basis(length: int, kept: int) -> np.ndarray:
    """The leading ``kept`` pairs of columns of a Fourier basis, also beyond its half."""
    angles = 2 * np.pi / length * (np.outer(np.arange(length), np.arange(kept)) % length)
    return np.stack([np.cos(angles), -np.sin(angles)], axis=-1).reshape(length, 2 * kept)


def altered(alter: Callable[[np.ndarray], None]) -> np.ndarray:
    matrix = basis(8, 4)
    alter(matrix)
    return matrix


def off_by_a_millionth(matrix: np.ndarray) -> None:
    matrix[3, 2] += 1e-6


def one_sign(matrix: np.ndarray) -> None:
    matrix[:, 3] *= -1


def two_columns_exchanged(matrix: np.ndarray) -> None:
    matrix[:, [2, 4]] = matrix[:, [4, 2]]


def not_a_number(matrix: np.ndarray) -> None:
    matrix[0, 0] = np.inf


FOURIER = {"one": basis(8, 1), "half": basis(8, 4), "all": basis(8, 5), "odd": basis(7, 4), "odd-less": basis(7, 2)}
NOT_FOURIER = {
    "off-by-a-millionth": altered(off_by_a_millionth),
    "one-sign": altered(one_sign),
    "two-columns-exchanged": altered(two_columns_exchanged),
    "infinite": altered(not_a_number),
    "scaled": 2 * basis(8, 4),
    "inverse": basis(8, 4) * np.tile([1, -1], 4),
    "one-too-many": basis(8, 6),
    "one-too-many-of-odd": basis(7, 5),
    "real-parts-and-one": basis(8, 4)[:, :7],
    "transposed": basis(8, 4).T,
    "random": np.random.default_rng(1).normal(size=(8, 8)),
}


def assert_is_product(block: gluon.Block, matrix: np.ndarray, dtype: str = "float64") -> None:
    """Forward, backward on the tape and without it."""
    tolerance = {"rtol": 1e-5, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-11}
    random = np.random.default_rng(4)
    x = nd.array(random.normal(size=(3, matrix.shape[0])), dtype=dtype)
    head = nd.array(random.normal(size=(3, matrix.shape[1])), dtype=dtype)
    x.attach_grad()
    with autograd.record():
        y = block(x)
    y.backward(head)
    np.testing.assert_allclose(y.asnumpy(), x.asnumpy() @ matrix, **tolerance)
    np.testing.assert_allclose(block(x).asnumpy(), x.asnumpy() @ matrix, **tolerance)
    np.testing.assert_allclose(x.grad.asnumpy(), head.asnumpy() @ matrix.T, **tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [*FOURIER, *NOT_FOURIER])
def test_only_a_fourier_basis_becomes_a_fast_transform(name: str, dtype: str) -> None:
    matrix = (FOURIER | NOT_FOURIER)[name]
    block = Product(matrix)
    block.cast(dtype)
    text = source(block, "numba", (3, matrix.shape[0]), dtype=dtype)
    assert ("r2c(" in text or "bins_of_rows(" in text) is (name in FOURIER)
    if np.isfinite(matrix).all():
        assert_is_product(jit(block), matrix, dtype)


@pytest.mark.parametrize("name", ["hybridized", "hybridized-static"])
def test_hybridized_variants_of_the_same_products(name: str) -> None:
    for matrix in (FOURIER["half"], NOT_FOURIER["one-sign"]):
        assert_is_product(build(Product(matrix), name), matrix)


def test_a_parameter_to_learn_is_never_frozen() -> None:
    """Its values may be those of a basis now, and others after the next step."""

    class Learned(nn.Block):
        def __init__(self) -> None:
            super().__init__()
            self.weight = self.params.get("weight", shape=(8, 8), dtype="float64")

        def forward(self, x: nd.NDArray) -> nd.NDArray:
            return nd.dot(x, self.weight.data(x.context))

    block = Learned()
    block.initialize()
    fast = jit(block)
    for matrix in (basis(8, 4), NOT_FOURIER["random"]):
        block.weight.set_data(nd.array(matrix, dtype="float64"))
        assert_is_product(fast, matrix)
    block.weight.set_data(nd.array(basis(8, 4), dtype="float64"))
    assert "r2c" not in source(block, "numba", (3, 8), dtype="float64")


def by_set_data(block: HalfFourier, matrix: np.ndarray, _: Path) -> None:
    block.basis.set_data(nd.array(matrix))


def by_slice(block: HalfFourier, matrix: np.ndarray, _: Path) -> None:
    block.basis.data()[:] = nd.array(matrix)


def by_rows(block: HalfFourier, matrix: np.ndarray, _: Path) -> None:
    for row, numbers in enumerate(matrix):
        block.basis.data()[row] = nd.array(numbers)


def by_operator(block: HalfFourier, matrix: np.ndarray, _: Path) -> None:
    data = block.basis.data()
    data += nd.array(matrix) - data


def by_copying(block: HalfFourier, matrix: np.ndarray, _: Path) -> None:
    nd.array(matrix).copyto(block.basis.data())


def by_numpy(block: HalfFourier, matrix: np.ndarray, _: Path) -> None:
    block.basis.data()[:] = matrix


def by_loading(block: HalfFourier, matrix: np.ndarray, folder: Path) -> None:
    other = HalfFourier(8)
    other.initialize()
    other.basis.set_data(nd.array(matrix))
    other.save_parameters(str(folder / "values"))
    block.load_parameters(str(folder / "values"))


def by_initialising(block: HalfFourier, matrix: np.ndarray, _: Path) -> None:
    block.basis.init = init.Constant(nd.array(matrix))
    block.basis.initialize(force_reinit=True)


def by_moving(block: HalfFourier, matrix: np.ndarray, _: Path) -> None:
    block.basis.set_data(nd.array(matrix))
    block.basis.reset_ctx([mx.cpu(1)])
    block.basis.reset_ctx([mx.cpu(0)])


def by_casting(block: HalfFourier, matrix: np.ndarray, _: Path) -> None:
    block.basis.set_data(nd.array(matrix))
    block.basis.cast("float64")
    block.basis.cast("float32")


IN_PLACE = [by_set_data, by_slice, by_rows, by_operator, by_copying, by_numpy, by_loading]
UPDATES = [*IN_PLACE, by_initialising, by_moving, by_casting]  # the latter make new arrays


@pytest.mark.parametrize("update", UPDATES)
def test_other_values_of_a_constant_are_seen(variant: str, update: Callable[..., None], tmp_path: Path) -> None:
    """From the basis to other values, to yet others, and back."""
    block = HalfFourier(8)
    block.initialize()
    fast = build(block, variant)
    assert_is_product(fast, fourier_basis(8), "float32")
    for matrix in (NOT_FOURIER["one-sign"], NOT_FOURIER["random"], fourier_basis(8)):
        update(block, matrix, tmp_path)
        assert_is_product(fast, matrix, "float32")


@pytest.mark.parametrize("update", UPDATES)
def test_other_values_are_seen_without_a_tape(update: Callable[..., None], tmp_path: Path) -> None:
    block, x, head = HalfFourier(8), nd.ones((2, 8)), nd.ones((2, 8))
    block.initialize()
    fast = jit(block)
    value_and_gradient(fast, x, head)
    matrix = NOT_FOURIER["random"]
    update(block, matrix, tmp_path)
    y, gradients = value_and_gradient(fast, x, head)
    np.testing.assert_allclose(y.asnumpy(), np.ones((2, 8)) @ matrix, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(gradients["x"].asnumpy(), np.ones((2, 8)) @ matrix.T, rtol=1e-5, atol=1e-5)


def test_writing_the_same_values_again_changes_nothing() -> None:
    block = HalfFourier(8)
    block.initialize()
    fast = jit(block)
    for _ in range(3):
        assert_is_product(fast, fourier_basis(8), "float32")
        by_slice(block, block.basis.data().asnumpy(), Path())


def test_each_context_has_values_of_its_own() -> None:
    block = HalfFourier(8)
    block.initialize(ctx=[mx.cpu(0), mx.cpu(1)])
    fast, matrix = jit(block), NOT_FOURIER["random"]
    block.basis.data(mx.cpu(1))[:] = nd.array(matrix)
    for _ in range(2):
        for context, wanted in ((mx.cpu(0), fourier_basis(8)), (mx.cpu(1), matrix)):
            x = nd.ones((2, 8), ctx=context)
            np.testing.assert_allclose(fast(x).asnumpy(), np.ones((2, 8)) @ wanted, rtol=1e-5, atol=1e-5)
