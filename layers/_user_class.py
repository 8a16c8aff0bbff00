"""Layer classes from outside the catalogue: importing the file or module that a person named, finding the class."""

import importlib
import importlib.util
import sys
from pathlib import Path
from traceback import TracebackException
from types import ModuleType

from mxnet import gluon

from ._errors import LayerError
from ._subject import Reference


def find(where: str, class_name: str) -> type[gluon.Block]:
    """The Block ``class_name`` of ``where``, a path that ends in .py or a module.  Raises ``LayerError`` if none."""
    module = _import_file(Path(where)) if where.endswith(".py") else _import_module(where)
    found = vars(module).get(class_name)
    if found is None:
        known = ", ".join(block.__name__ for block in _own_blocks(module)) or "no layer"
        raise LayerError(f"{where} has no class {class_name!r}; it defines {known}")
    if not (isinstance(found, type) and issubclass(found, gluon.Block)):
        raise LayerError(f"{class_name} in {where} is not a class derived from mxnet.gluon.Block")
    return found


def reference_of(layer: type[gluon.Block]) -> Reference | None:
    """The function ``reference`` of the layer's file, unless that file defines other layers that it could mean."""
    module = sys.modules[layer.__module__]
    reference = vars(module).get("reference")
    return reference if callable(reference) and _own_blocks(module) == [layer] else None


def why(error: BaseException) -> str:
    """The error's type and message on one line."""
    said = str(TracebackException(type(error), error, None))  # str(error) may itself fail
    return f"{type(error).__name__}: {' '.join(said.split())}"


def _own_blocks(module: ModuleType) -> list[type[gluon.Block]]:
    classes = dict.fromkeys(thing for thing in vars(module).values() if isinstance(thing, type))  # aliases once
    return [thing for thing in classes if issubclass(thing, gluon.Block) and thing.__module__ == module.__name__]


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise LayerError(f"there is no file {path}; expected path/to/file.py:Class")
    name = f"user_layer_{path.stem}"  # a name of its own: a file called numpy.py must not become numpy
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec is not None  # as it is for every path that ends in .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    _search(path.resolve().parent)
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        del sys.modules[name]
        raise
    except BaseException as error:  # somebody else's code may do anything
        del sys.modules[name]
        raise LayerError(f"{path} cannot be imported: {why(error)}") from error
    return module


def _import_module(name: str) -> ModuleType:
    _search(Path.cwd())
    try:
        return importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise LayerError(f"the module {name!r} cannot be imported: {why(error)}") from error


def _search(folder: Path) -> None:
    """Let a layer import its neighbours, as if it were run from there; last, so that it hides nothing."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
