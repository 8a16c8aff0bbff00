"""A function and all that it calls, compiled as one: an option of Numba's ``njit`` and ``cfunc``.

Numba optimises and translates each function as soon as it is compiled, then once more inside every function that calls
it, and so on upwards: five times for the innermost loops of a matrix product.  Here whatever is compiled on the way
to a function stays as it was printed, and is optimised and translated once, inside that function.

    @cfunc(SIGNATURE, pipeline_class=Whole, cache=True)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

# The options of a part, which neither Python nor C calls.
PART = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


class Whole(Compiler):
    """Numba's compiler; what it has to compile for its function is a part of it."""

    def _compile_core(self) -> Any:
        codegen = self.state.targetctx.codegen()
        self.state.library = _Library(codegen, self.state.func_id.func_qualname)
        self.state.library.enable_object_caching()
        with _parts_of(codegen):
            return super()._compile_core()


@contextmanager
def _parts_of(codegen: Any) -> Iterator[None]:
    """Let new libraries be parts.  Numba holds its compiler's lock meanwhile: nobody else compiles."""
    before = vars(codegen).get("create_library")
    codegen.create_library = lambda name: _Part(codegen, name)
    try:
        yield
    finally:
        if before is None:
            del codegen.create_library
        else:  # a whole that is compiled on the way to another
            codegen.create_library = before


class _Library(JITCodeLibrary):
    """The machine code of a whole."""

    def finalize(self) -> None:
        """Link what it needs, each once."""
        needed = dict.fromkeys(_needed(self))
        self._linking_libraries = [library for library in needed if not isinstance(library, _Part)]
        for part in needed:
            if isinstance(part, _Part):
                self._reload_init.update(part._reload_init)
                self._final_module.link_in(part.printed(), preserve=True)
        super().finalize()

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        """Simplify each function before any is inlined: loops then keep the forms that LLVM makes vectors of."""
        super()._optimize_functions(self._final_module)
        super()._optimize_final_module()


def _needed(library: Any) -> Iterator[Any]:
    """What a library calls, and what its parts call."""
    for other in library._linking_libraries:
        yield other
        if isinstance(other, _Part):
            yield from _needed(other)


class _Part(JITCodeLibrary):
    """A function that a whole consists of, as it was printed."""

    def printed(self) -> Any:
        """Its module alone."""
        return super()._get_module_for_linking()

    def _get_module_for_linking(self) -> Any:
        """With all that it needs, for somebody else's function that calls the same function of Numba's."""
        module = self.printed().clone()
        for other in dict.fromkeys(_needed(self)):
            linked = other.printed() if isinstance(other, _Part) else other._get_module_for_linking()
            module.link_in(linked, preserve=True)
        super()._optimize_functions(module)
        return module

    def finalize(self) -> None:
        """Neither optimised nor translated."""
        self._finalize_dynamic_globals()
        self._finalized = True

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def get_pointer_to_function(self, name: str) -> int:  # noqa: ARG002
        """None: there is no machine code."""
        return 0

    @property
    def codegen(self) -> Any:
        """Where Numba notes the Python object that stands for a function: there is no place for it here."""
        return _Nowhere()


class _Nowhere:
    def set_env(self, name: str, environment: Any) -> None:
        """Only calls from Python ask for it."""
