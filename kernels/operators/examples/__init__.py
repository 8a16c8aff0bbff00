"""Example calls of every operator: one file beside each file of rules, under the same name, holding ``EXAMPLES``.

A new operator needs one line here.  The tests compare each example with MXNet and with the float64 oracle;
``gluonmark operators`` and docs/operators.md say what the examples show, so that nothing about an operator is declared
twice.  Examples over the same arrays stand in one group, because a group is compiled as one Block.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from mxnet import gluon, nd

Numbers = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
Call = Callable[..., Any]


def normal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Normal numbers."""
    return np.asarray(generator.standard_normal(shape))


def halves(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Normal numbers rounded to halves: many are equal, some are zero."""
    return np.asarray(np.round(2 * generator.standard_normal(shape)) / 2)


HALVES = (0.0, 0.5, 1.0, 1.5, 2.5)
SPECIAL = (np.inf, -np.inf, np.nan, *HALVES, *(-half for half in HALVES[1:]), 0.1, 25.0, -25.0, 80.0, -80.0, 1e-6)


def special(_: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Infinities, NaN, zero, halves, large and small numbers."""
    return np.resize(SPECIAL, shape)


def below(end: int) -> Numbers:
    """Whole numbers from 0 to ``end - 1``, as an index or a length has them."""
    return lambda generator, shape: generator.integers(0, end, shape)


class Input:
    """An input: its shape without the batch, its numbers, and its dtype where that is not the group's."""

    def __init__(self, *features: int, numbers: Numbers = normal, dtype: str = "") -> None:
        self.features, self.numbers, self.dtype = features, numbers, dtype

    def draw(self, generator: np.random.Generator, batch: int, dtype: str) -> np.ndarray:
        """Its array for one batch size."""
        return self.numbers(generator, (batch, *self.features)).astype(self.dtype or dtype)


class Parameter:
    """A parameter: its shape, and whether it stays in float32 where the group is cast to halves, as statistics do; its
    numbers are normal."""

    def __init__(self, *shape: int, single: bool = False) -> None:
        self.shape, self.single = shape, single


@dataclass(frozen=True)
class Examples:
    """Calls over the same arrays.

    ``arrays`` by name, inputs before parameters; ``calls`` by what a person reads when one fails.  A call takes the
    arrays that its arguments name and returns one array or a list.  ``refused`` calls raise ``UnsupportedError``.
    """

    arrays: Mapping[str, Input | Parameter]
    calls: Mapping[str, Call]
    refused: Mapping[str, Call] = field(default_factory=dict)
    dtype: str = "float32"
    batches: tuple[int, ...] = (5, 1)

    @property
    def inputs(self) -> dict[str, Input]:
        """The inputs by name."""
        return {name: array for name, array in self.arrays.items() if isinstance(array, Input)}

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The parameters by name."""
        return {name: array for name, array in self.arrays.items() if isinstance(array, Parameter)}

    def draw(self, batch: int, dtype: str = "") -> list[np.ndarray]:
        """Arrays for the inputs, in another dtype than the group's if told; the same for the same batch size."""
        generator = np.random.default_rng(batch)
        return [array.draw(generator, batch, dtype or self.dtype) for array in self.inputs.values()]

    def block(self, calls: Mapping[str, Call]) -> "Called":
        """A Block whose outputs are the results of these calls, not initialised yet."""
        return Called(self.inputs, self.parameters, calls)


class Called(gluon.Block):
    """The calls of a group as a layer; after a forward pass ``origins`` has, for each output, the call it is from."""

    def __init__(self, inputs: Iterable[str], parameters: Mapping[str, Parameter], calls: Mapping[str, Call]) -> None:
        super().__init__(prefix="")
        self._inputs, self._calls = tuple(inputs), calls
        self._single = [name for name, told in parameters.items() if told.single]
        self._own = {name: self.params.get(name, shape=told.shape) for name, told in parameters.items()}
        for name, parameter in self._own.items():
            setattr(self, name, parameter)
        self.origins: list[str] = []

    def cast(self, dtype: Any) -> None:
        """As gluon's BatchNorm casts: what stays in single precision is never a half."""
        super().cast(dtype)
        if np.dtype(dtype) == np.float16:
            for name in self._single:
                self._own[name].cast("float32")

    def forward(self, *inputs: nd.NDArray) -> list[nd.NDArray]:
        """Every result, one after the other."""
        arrays = dict(zip(self._inputs, inputs, strict=True))
        arrays |= {name: parameter.data() for name, parameter in self._own.items()}
        named = [(label, output) for label, call in self._calls.items() for output in _results(call, arrays)]
        self.origins = [label for label, _ in named]
        return [output for _, output in named]


def _results(call: Call, arrays: Mapping[str, nd.NDArray]) -> list[nd.NDArray]:
    result = call(*(arrays[name] for name in inspect.signature(call).parameters if name in arrays))
    return list(result) if isinstance(result, (list, tuple)) else [result]


def apart(calls: Mapping[str, Call], dtype: str = "float32") -> Examples:
    """Each call on special values of its own: a NaN in one gradient hides nothing in another."""
    arrays = {f"x{place}": Input(len(SPECIAL), numbers=special) for place in range(len(calls))}
    separate = {label: _on(f"x{place}", call) for place, (label, call) in enumerate(calls.items())}
    return Examples(arrays, separate, dtype=dtype, batches=(1,))


def _on(name: str, call: Call) -> Call:
    """A call of one array, on the array of this name."""

    def on_it(*arrays: nd.NDArray) -> Any:
        return call(*arrays)

    on_it.__signature__ = inspect.Signature([inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)])  # type: ignore[attr-defined]
    return on_it


def registered(name: str) -> Callable[..., Any]:
    """MXNet's function for an operator, wherever MXNet keeps it."""
    for place, prefix in ((nd, ""), (nd._internal, ""), (nd.contrib, "_contrib_"), (nd.linalg, "_linalg_")):
        if name.startswith(prefix) and hasattr(place, name[len(prefix) :]):
            function: Callable[..., Any] = getattr(place, name[len(prefix) :])
            return function
    raise AttributeError(f"MXNet has no operator {name}")


def all_examples() -> Iterator[tuple[str, Examples]]:
    """Every group of every file, as ("file: group", group)."""
    for file in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        groups: dict[str, Examples] = importlib.import_module(f"{__name__}.{file}").EXAMPLES
        yield from ((f"{file}: {name}", group) for name, group in groups.items())
