"""The catalogue: the public files of this folder."""

from importlib import import_module
from pathlib import Path

from ._errors import LayerError
from ._subject import Subject


def names() -> tuple[str, ...]:
    """The catalogue names in alphabetical order, read from the folder; no layer is imported."""
    return tuple(sorted(_modules()))


def load(name: str) -> Subject:
    """The catalogue entry called ``name``.  Raises ``LayerError`` if there is none."""
    modules = _modules()
    if name not in modules:
        raise LayerError(
            f"there is no layer {name!r} in the catalogue ({', '.join(names())}); "
            "a layer of your own is named path/to/file.py:Class or package.module:Class"
        )
    subject: Subject = import_module(f"{__package__}.{modules[name]}").SUBJECT
    return subject


def _modules() -> dict[str, str]:
    """Catalogue name -> module name: ``my_dense.py`` is ``MyDense``."""
    stems = (path.stem for path in Path(__file__).parent.glob("[!_]*.py"))
    return {"".join(word.capitalize() for word in stem.split("_")): stem for stem in stems}
