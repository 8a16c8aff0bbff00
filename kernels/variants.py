"""Variants of a Block: Blocks that compute the same with the same parameters, another way.

A variant owns no parameter and has no children of its own: names, files and values are its subject's, so saving,
loading, ``Trainer`` and in-place updates act on all variants at once.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import mxnet
from mxnet import gluon, nd

from .errors import KernelError
from .hybrid import generate_hybrid, hybrid_source
from .jitted import JitPlans, kernel_source

VARIANTS = ("imperative", "hybridized", "hybridized-static", "numba")


class Variant(gluon.Block):
    """What all variants share: the structure of ``subject``, seen from outside."""

    def __init__(self, subject: gluon.Block) -> None:
        super().__init__(prefix=subject.prefix, params=subject.params)
        self.__dict__["subject"] = subject  # past Block.__setattr__, which would make it a child

    @property
    def params(self) -> gluon.ParameterDict:
        """The subject's own parameters, without those of its children."""
        return self.subject.params

    def collect_params(self, select: str | None = None) -> gluon.ParameterDict:
        """The subject's parameters, those of its children included."""
        return self.subject.collect_params(select)

    def _collect_params_with_prefix(self, prefix: str = "") -> dict[str, gluon.Parameter]:
        parameters: dict[str, gluon.Parameter] = self.subject._collect_params_with_prefix(prefix)
        return parameters

    def cast(self, dtype: Any) -> None:
        """Cast the subject; what was generated for another dtype is generated anew."""
        self.subject.cast(dtype)
        self._forget()

    def apply(self, function: Callable[[gluon.Block], Any]) -> "Variant":
        """Apply ``function`` to every block of the subject."""
        self.subject.apply(function)
        return self

    def hybridize(self, active: bool = True, **flags: Any) -> None:
        """A variant is already what it is: hybridizing a network that holds it leaves it alone."""

    def _forget(self) -> None:
        """Drop what was generated."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "subject" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.__dict__["subject"], name)

    def __getitem__(self, key: Any) -> Any:
        return self.subject[key]

    def __len__(self) -> int:
        return len(self.subject)

    def __bool__(self) -> bool:
        return bool(self.subject)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.subject)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.subject!r})"


class Hybridized(Variant):
    """The subject as a generated ``HybridBlock``, hybridized."""

    def __init__(self, subject: gluon.Block, static: bool = False) -> None:
        super().__init__(subject)
        self._flags = {"static_alloc": static, "static_shape": static}
        self._specialised: dict[tuple[Any, ...], gluon.HybridBlock] = {}

    def forward(self, *inputs: nd.NDArray) -> Any:
        """Generate at the first call; after it, a graph that holds for every input is called directly."""
        key = tuple((value.shape, value.dtype) for value in inputs if isinstance(value, nd.NDArray))
        key = (*key, mxnet.autograd.is_training())
        if key not in self._specialised:
            generated, guarded = generate_hybrid(self.subject, inputs, self._flags)
            self._specialised[key] = generated
            if not guarded:
                self.__dict__["forward"] = generated.forward
        return self._specialised[key].forward(*inputs)

    def _forget(self) -> None:
        self._specialised = {}
        self.__dict__.pop("forward", None)


class Jit(Variant):
    """The subject as generated Numba kernels on MXNet's own buffers."""

    def __init__(self, subject: gluon.Block) -> None:
        super().__init__(subject)
        self._plans = JitPlans(subject)

    def forward(self, *inputs: nd.NDArray) -> Any:
        """The outputs; recorded on MXNet's tape inside ``autograd.record()``."""
        return self._plans.call(inputs)

    def _forget(self) -> None:
        self._plans = JitPlans(self.subject)


def hybridize(block: gluon.Block, static: bool = False) -> Variant:
    """The hybridized variant of any Block; ``static`` sets static_alloc and static_shape."""
    return Hybridized(_subject(block), static)


def jit(block: gluon.Block) -> Variant:
    """The numba variant of any Block, for arrays on the CPU.

    Whatever cannot be compiled raises ``KernelError`` at the first call with inputs of a new kind.
    """
    return Jit(_subject(block))


def value_and_gradient(
    block: gluon.Block, x: nd.NDArray | Sequence[nd.NDArray], head: nd.NDArray | Sequence[nd.NDArray]
) -> tuple[Any, dict[str, nd.NDArray]]:
    """Outputs of a ``jit`` block and the gradients of Σ⟨output, head⟩, by the same kernels without a tape.

    Heads have the shapes of the outputs.  Gradients come by input name (``x``) and by structural parameter name
    (``0.weight``), those of Constants excepted; ``grad_req`` and ``Parameter.grad()`` play no part.
    """
    if not isinstance(block, Jit):
        raise KernelError(f"value_and_gradient takes a block made by jit(), not {type(block).__name__}")
    inputs = [x] if isinstance(x, nd.NDArray) else list(x)
    heads = [head] if isinstance(head, nd.NDArray) else list(head)
    return block._plans.call_with_gradients(inputs, heads)


def build(block: gluon.Block, variant: str, context: str = "cpu") -> gluon.Block:
    """The variant of that name (one of ``VARIANTS``) of a Block, sharing its parameters."""
    _check(variant, context)
    if variant == "imperative":
        return block
    if variant == "numba":
        return jit(block)
    return hybridize(block, static=variant == "hybridized-static")


def source(block: gluon.Block, variant: str, shape: Sequence[int], dtype: str = "float32", context: str = "cpu") -> str:
    """The generated source for an input of this shape (batch first) and dtype; initialises parameters that need it."""
    _check(variant, context)
    if variant == "imperative":
        raise KernelError("the imperative variant is the layer's own code: nothing is generated for it")
    if dtype not in ("float32", "float64"):
        raise KernelError(f"dtype must be float32 or float64, not {dtype!r}")
    subject = _subject(block)
    subject.cast(dtype)
    if any(parameter._data is None for parameter in subject.collect_params().values()):
        subject.initialize()
    x = nd.zeros(tuple(shape), dtype=dtype)
    return kernel_source(subject, (x,)) if variant == "numba" else hybrid_source(subject, (x,))


def _subject(block: gluon.Block) -> gluon.Block:
    if not isinstance(block, gluon.Block):
        raise KernelError(f"a variant is made from a gluon Block, not from {type(block).__name__}")
    return block.subject if isinstance(block, Variant) else block


def _check(variant: str, context: str) -> None:
    if variant not in VARIANTS:
        raise KernelError(f"unknown variant {variant!r}: choose from {', '.join(VARIANTS)}")
    if context not in ("cpu", "gpu"):
        raise KernelError(f"unknown context {context!r}: choose cpu or gpu")
    if variant == "numba" and context == "gpu":
        raise KernelError("the numba variant runs on the CPU only")
