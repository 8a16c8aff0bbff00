"""The variants of a Block, and what makes them: ``hybridize``, ``jit``, ``build``, ``source``."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mxnet
import numpy as np
from mxnet import gluon, nd

from .arguments import NOTHING, Arguments
from .dtypes import FLOATS, listed
from .errors import KernelError
from .hybrid import generate_hybrid, hybrid_source
from .listing import Parts, network_source, rows, rows_so_far
from .names import block_name
from .network import Jit
from .structure import NotPlainError, flatten, plain_values
from .trace import trace_arguments
from .trace.run import first_line, reason
from .variant import Variant

VARIANTS = ("imperative", "hybridized", "hybridized-static", "numba")


class Hybridized(Variant):
    """The subject as a generated ``HybridBlock``, hybridized."""

    def __init__(self, subject: gluon.Block, static: bool = False) -> None:
        super().__init__(subject)
        self._flags = {"static_alloc": static, "static_shape": static}
        self._specialised: dict[tuple[Any, ...], Callable[..., Any]] = {}

    def _options(self) -> tuple[Any, ...]:
        return (self._flags["static_alloc"],)

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """Generate at the first call; after it, a graph that holds for all arrays is called directly."""
        arguments = Arguments.of(self.subject, inputs, named)
        kinds = tuple((value.shape, value.dtype) for value in arguments.arrays)
        key = (arguments.structure, kinds, mxnet.autograd.is_training())
        if key not in self._specialised:
            generated = generate_hybrid(self.subject, arguments, self._flags)
            self._specialised[key] = generated.function()
            if arguments.flat and not generated.guarded:
                self.__dict__["forward"] = self._direct(generated.function(), len(arguments.arrays))
        try:
            return self._specialised[key](*arguments.arrays)
        except KernelError:
            raise
        except Exception as error:
            raise self._refusal(arguments, error) from error

    def _refusal(self, arguments: Arguments, error: Exception) -> KernelError:
        """What is wrong with a call that MXNet's graph fails at: with the call itself, or with the graph."""
        name = block_name(self.subject)
        try:
            graph = trace_arguments(self.subject, arguments)
        except KernelError as refusal:
            return refusal
        words = reason(error)
        lines = [f"{call.operator} at {call.line}" for call in graph.calls if call.operator in words.split()]
        calls = f", which calls {lines[0]}" if lines else ""
        return KernelError(f"MXNet's graph of {name}{calls} fails, though its forward does not: {words.rstrip('.')}")

    def _direct(self, run: Callable[..., Any], arity: int) -> Callable[..., Any]:
        """The generated forward for so many arrays; whatever else is given goes the long way."""

        def forward(*inputs: Any, **named: Any) -> Any:
            if named or len(inputs) != arity:
                return type(self).forward(self, *inputs, **named)
            try:
                return run(*inputs)
            except Exception:  # the long way takes it, or says what is wrong
                return type(self).forward(self, *inputs)

        return forward

    def regenerate(self) -> None:
        """Trace and generate anew at the next call."""
        self._specialised = {}
        self.__dict__.pop("forward", None)


def hybridize(block: gluon.Block, static: bool = False) -> Variant:
    """The hybridized variant of any Block; ``static`` sets static_alloc and static_shape."""
    return Hybridized(_subject(block), static)


def jit(block: gluon.Block, strict: bool = False) -> Variant:
    """The numba variant of any Block, for arrays on the CPU.

    What is compiled is found at the first call with inputs of a new kind: the whole block, or else its largest
    blocks that can be compiled, while MXNet runs the others (``parts`` says which, and why).  A block of which nothing
    can be compiled raises ``KernelError``; with ``strict`` so does one that cannot be compiled as a whole.
    """
    return Jit(_subject(block), strict)


def parts(block: gluon.Block, *inputs: Any, **named: Any) -> Parts:
    """What runs the parts of ``jit(block)`` for inputs like these, and why it is not numba; found by trying.

    Without inputs: what ran the parts of a ``jit`` block in its calls so far; none where all were compiled as a whole.

    Raises ``KernelError`` for inputs that the block does not take.
    """
    if isinstance(block, Jit) and not (inputs or named):
        return rows_so_far(block)
    return rows(_subject(block), inputs, named)


def value_and_gradient(
    block: gluon.Block, x: Any, head: Any, named: Mapping[str, Any] = NOTHING
) -> tuple[Any, dict[str, nd.NDArray]]:
    """What a ``jit`` block returns and the gradients of Σ⟨output, head⟩, by the same kernels without a tape.

    ``x`` is forward's one argument if it is an array, else the list or tuple of its positional arguments, in which
    arrays may be nested as in a call; ``named`` are its keyword arguments.  Heads have the shapes of the outputs and
    come in the same order, nested or not.

    Gradients come by the name that leads to the input from forward's arguments (``x``, ``states[0]``,
    ``batch['mask']``; ``x1`` for the second of ``*inputs``) and by structural parameter name (``0.weight``), those of
    Constants excepted; an input that has a parameter's name gets a number (``weight_2``).  ``grad_req`` and
    ``Parameter.grad()`` play no part.  An array that is given twice has two gradients, one for each place.
    """
    if not isinstance(block, Jit):
        raise KernelError(f"value_and_gradient takes a block made by jit(), not {type(block).__name__}")
    if not isinstance(x, (nd.NDArray, list, tuple)):
        raise KernelError(f"inputs must be an mx.nd array or a list of forward's arguments, not {type(x).__name__}")
    return block._plans.call_with_gradients([x] if isinstance(x, nd.NDArray) else x, _heads(head), named)


def _heads(value: Any) -> list[nd.NDArray]:
    heads: list[nd.NDArray] = []
    try:
        structure = flatten(value, heads)
    except NotPlainError as error:
        raise KernelError(f"head gradients must be an mx.nd array or a list of them, not {error}") from error
    others = [plain.kind.__name__ for plain in plain_values(structure) if plain.value is not None]
    if others:
        raise KernelError(f"head gradients must be an mx.nd array or a list of them, not {others[0]}")
    return heads


def build(block: gluon.Block, variant: str, context: str = "cpu", strict: bool = False) -> gluon.Block:
    """The variant of that name (one of ``VARIANTS``) of a Block, sharing its parameters; ``strict`` as in ``jit``."""
    _check(variant, context)
    if variant == "imperative":
        return block
    if variant == "numba":
        return jit(block, strict)
    return hybridize(block, static=variant == "hybridized-static")


def source(
    block: gluon.Block,
    variant: str,
    shape: Sequence[int] | Sequence[Sequence[int]],
    dtype: str = "float32",
    context: str = "cpu",
    dtypes: Sequence[str] = (),
    strict: bool = False,
) -> str:
    """The generated source for an input of this shape (batch first), or for several; initialises what needs it.

    ``dtype`` is that of parameters, and of inputs unless ``dtypes`` says another for each.  Raises ``KernelError``.

    For a network that the numba variant cannot compile as a whole it begins with a table of the parts; ``strict``
    refuses such a network.
    """
    _check(variant, context)
    if variant == "imperative":
        raise KernelError("the imperative variant is the layer's own code: nothing is generated for it")
    shapes = _shapes(shape)
    if dtype not in FLOATS:
        raise KernelError(f"dtype must be {listed(FLOATS)}, not {dtype!r}")
    subject = _subject(block)
    _prepare(subject, dtype)
    each = dtypes or [dtype] * len(shapes)
    arguments = Arguments.of(subject, [_zeros(one, kind) for one, kind in zip(shapes, each, strict=True)])
    if variant == "numba":
        return network_source(subject, arguments.arrays, strict)
    return hybrid_source(subject, arguments)


def _shapes(shape: Any) -> list[tuple[int, ...]]:
    several = isinstance(shape, (list, tuple)) and shape and all(isinstance(one, (list, tuple)) for one in shape)
    shapes = [tuple(one) if isinstance(one, (list, tuple)) else one for one in (shape if several else [shape])]
    for one in shapes:
        if not (isinstance(one, tuple) and one and all(isinstance(extent, int) for extent in one)):
            raise KernelError(f"a shape is a tuple of whole numbers, batch first, not {one!r}")
        if min(one) < 1:
            raise KernelError(f"an input of shape {one} is empty: a batch has at least 1 row")
    return shapes


def _prepare(subject: gluon.Block, dtype: str) -> None:
    """Give a fresh block values of this dtype; one that has values must be of it already."""
    try:
        parameters = subject.collect_params().values()
    except RecursionError as error:
        raise KernelError(
            f"{block_name(subject)} holds itself as a child, so that its parameters have no end"
        ) from error
    others = [parameter for parameter in parameters if np.dtype(parameter.dtype).name != dtype]
    if any(parameter._data is not None for parameter in others):
        raise KernelError(
            f"parameter {others[0].name} is {np.dtype(others[0].dtype).name}: cast the block to {dtype} first"
        )
    try:
        if others:
            subject.cast(dtype)
        if any(parameter._data is None and not parameter._deferred_init for parameter in parameters):
            subject.initialize()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # somebody else's code may do anything
        raise KernelError(f"{type(subject).__name__} cannot be initialised: {first_line(error)}") from error


def _zeros(shape: Sequence[int], dtype: str) -> nd.NDArray:
    try:
        x = nd.zeros(tuple(shape), dtype=dtype)
        x.wait_to_read()
    except (mxnet.MXNetError, TypeError, ValueError, OverflowError) as error:
        raise KernelError(f"no array of shape {shape} can be made: {first_line(error)}") from error
    return x


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
