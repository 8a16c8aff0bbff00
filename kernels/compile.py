"""From generated source to a module: a real file in the cache, imported, with Numba's machine code beside it.

Every entry of the cache is a folder named by the hash of what is in it.  It is built under another name and
published by one rename, so other processes see it whole or not at all; a manifest of digests says whether it is
still what was published.  A damaged entry is built again, and where the cache cannot be written the entry lives
in a temporary folder: the cache can make a first call fast, never a result wrong.
"""

import atexit
import gc
import hashlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType

import numba
from numba.core.errors import NumbaError

from .errors import KernelError

# What compiled code calls and contains, but does not say in its own text: part of every key.
LIBRARY = (
    "apart.py",
    "forms.py",
    "half.py",
    "library",
    "matmul.py",
    "parallel.py",
    "sums.py",
    "team.py",
    "tiles.py",
    "transform",
    "vectors.py",
    "whole.py",
)
MANIFEST = "manifest.json"


def cache_folder() -> Path:
    """Where compiled kernels are kept: ``$GLUONMARK_CACHE``, or ``gluonmark`` in the user's cache folder."""
    chosen = os.environ.get("GLUONMARK_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gluonmark"


def load(name: str, source: str) -> ModuleType:
    """The module ``name`` with this source, from the cache if it is there; ``KernelError`` if it is not Python."""
    entry = cache_folder() / f"{name}-{_digest(source)}"
    if _intact(entry, source):
        try:
            return _import(name, entry)
        except Exception as error:  # a file that an older library wrote, say: whatever it is, building again is right
            print(f"gluonmark: rebuilding {entry.name}: {error}", file=sys.stderr)
    return _build(name, source, entry)


def _digest(source: str) -> str:
    versions = f"{_library()} {numba.__version__} {sys.version_info[:2]}"
    return hashlib.sha256(f"{versions}\n{source}".encode()).hexdigest()[:16]


@cache
def _library() -> str:
    """A digest of the files of ``LIBRARY``."""
    places = [Path(__file__).parent / name for name in LIBRARY]
    files = [file for place in places for file in (sorted(place.glob("*.py")) if place.is_dir() else [place])]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _intact(entry: Path, source: str) -> bool:
    """Whether an entry holds exactly what was published, machine code included (a bit lost there could crash)."""
    try:
        manifest = json.loads((entry / MANIFEST).read_text(encoding="utf-8"))
        return (entry / "kernel.py").read_text(encoding="utf-8") == source and manifest == _manifest(entry)
    except (OSError, ValueError):
        return False


def _manifest(entry: Path) -> dict[str, str]:
    files = sorted(path for path in entry.rglob("*.nb*") if path.is_file())
    return {str(path.relative_to(entry)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _build(name: str, source: str, entry: Path) -> ModuleType:
    """Build in the cache and publish; where that cannot be written, build in a temporary folder for this process."""
    problem: OSError | None = None
    for place in (entry.parent, Path(tempfile.gettempdir())):
        try:
            place.mkdir(parents=True, exist_ok=True)
            workshop = Path(tempfile.mkdtemp(prefix=".building-", dir=place))
            atexit.register(shutil.rmtree, workshop, ignore_errors=True)
            module = _build_in(workshop, name, source)
        except OSError as error:  # no such place, no permission, no room
            problem = error
            continue
        if place == entry.parent:
            _publish(workshop, entry)
        return module
    raise KernelError(f"kernels can be compiled neither in {entry.parent} nor in {tempfile.gettempdir()}: {problem}")


def _build_in(workshop: Path, name: str, source: str) -> ModuleType:
    try:
        (workshop / "kernel.py").write_text(source, encoding="utf-8")
        module = _import(name, workshop)
        (workshop / MANIFEST).write_text(json.dumps(_manifest(workshop), indent=1), encoding="utf-8")
    except (SyntaxError, NumbaError) as error:
        reason = str(error).strip().splitlines()[0]
        raise KernelError(
            f"the kernels generated for {name} do not compile ({reason}): please report this layer"
        ) from error
    except OSError:
        shutil.rmtree(workshop, ignore_errors=True)
        raise
    return module


def _publish(workshop: Path, entry: Path) -> None:
    """Give the folder its name.  A damaged entry makes room; where another process was faster, its entry stays."""
    try:
        if entry.exists() and not _intact(entry, (workshop / "kernel.py").read_text(encoding="utf-8")):
            entry.rename(workshop / "damaged")
        workshop.rename(entry)
        shutil.rmtree(entry / "damaged", ignore_errors=True)
    except OSError:
        shutil.rmtree(workshop, ignore_errors=True)


def _import(name: str, folder: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(f"gluonmark_generated_{name}", folder / "kernel.py")
    if specification is None or specification.loader is None:
        raise KernelError(f"{folder / 'kernel.py'} cannot be imported")
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # Numba looks up a cached function's module by its name
    settings = vars(numba.config)
    redirected, settings["CACHE_DIR"] = settings["CACHE_DIR"], ""  # the machine code belongs beside its source
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    collecting = gc.isenabled()
    gc.disable()  # looking for cycles in all that MXNet and Numba made takes a tenth of compiling's time
    try:
        specification.loader.exec_module(module)
    finally:
        if collecting:
            gc.enable()
        settings["CACHE_DIR"] = redirected
        sys.dont_write_bytecode = bytecode
    return module
