"""A plan: a random graph as data, which prints as a list of steps and runs as a Block."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from mxnet import gluon, nd

from kernels.operators.examples import registered

Shape = tuple[int, ...]
Numbers = Callable[[np.random.Generator, Shape], np.ndarray]


def special(generator: np.random.Generator, shape: Shape) -> np.ndarray:
    """Halves, with NaN, infinities and zeros of both signs among them."""
    numbers = np.round(2 * generator.standard_normal(shape)) / 2
    chosen = generator.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], shape)
    return np.where(generator.random(shape) < 0.15, chosen, numbers)


NUMBERS: dict[str, Numbers] = {
    "normal": lambda generator, shape: generator.standard_normal(shape),
    "halves": lambda generator, shape: np.round(2 * generator.standard_normal(shape)) / 2,
    "large": lambda generator, shape: 30 * generator.standard_normal(shape),
    "special": special,
    "indices": lambda generator, shape: generator.integers(0, 3, shape).astype(np.float64),
}


@dataclass(frozen=True)
class Given:
    """An input (``shape`` without the batch) or a parameter, and what its numbers are like."""

    shape: Shape
    numbers: str


@dataclass(frozen=True)
class Step:
    """``operator(*operands, **attributes)``; operands are places: inputs first, parameters, then earlier results."""

    operator: str
    operands: tuple[int, ...]
    attributes: tuple[tuple[str, Any], ...] = ()
    exact: bool = False  # no rounding: it moves or chooses numbers
    single: bool = False  # MXNet computes it in float32 whatever the dtype
    flat: tuple[int, ...] = ()  # operands that have no slope, or 0 everywhere


@dataclass(frozen=True)
class Plan:
    """A graph, its data (by seed) and the batch sizes that it is traced and run at."""

    inputs: tuple[Given, ...]
    parameters: tuple[Given, ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    dtype: str = "float64"
    traced: int = 2
    batch: int = 3
    seed: int = 0

    def arrays(self, batch: int) -> list[np.ndarray]:
        """The inputs at this batch size, then the parameters, in the plan's dtype."""
        generator = np.random.default_rng([self.seed, batch])
        drawn = [NUMBERS[given.numbers](generator, (batch, *given.shape)) for given in self.inputs]
        generator = np.random.default_rng(self.seed)
        drawn += [NUMBERS[given.numbers](generator, given.shape) for given in self.parameters]
        return [array.astype(self.dtype) for array in drawn]


Shake = Callable[[nd.NDArray], nd.NDArray]


def results(
    step: Step, live: list[nd.NDArray], detached: tuple[int, ...] = (), shake: Shake | None = None
) -> list[nd.NDArray]:
    """What a step adds to the arrays that there are; nothing goes back through the ``detached`` operands.

    Two operands that are one array are shaken apart: what goes back through both may cancel, but for rounding.
    """
    operands = [live[place] for place in step.operands]
    operands = [array.detach() if index in detached else array for index, array in enumerate(operands)]
    if shake is not None and len(set(step.operands)) < len(step.operands):
        operands = [shake(array) for array in operands]
    made = registered(step.operator)(*operands, **dict(step.attributes))
    made = list(made) if isinstance(made, (list, tuple)) else [made]
    return made if shake is None else [shake(array) for array in made]


class Fuzzed(gluon.Block):
    """A plan as a layer.  ``shaken``: relative errors for each rounded result, of this shape, in float32 or not."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(prefix="")
        self._plan = plan
        self.shaken: Callable[[Shape, bool], np.ndarray] | None = None
        self.cut = False  # whether nothing at all goes back through what is flat
        for place, given in enumerate(plan.parameters):
            setattr(self, f"w{place}", self.params.get(f"w{place}", shape=given.shape))

    def forward(self, *inputs: nd.NDArray) -> list[nd.NDArray]:
        live = [*inputs, *(getattr(self, f"w{place}").data() for place in range(len(self._plan.parameters)))]
        for step in self._plan.steps:
            # MXNet sends zeros back through what is flat, and infinite slopes behind it make NaN of them
            shake = None if self.shaken is None or step.exact else partial(self._shake, step)
            live += results(step, live, step.flat if self.cut else (), shake)
        return [live[place] for place in self._plan.outputs]

    def _shake(self, step: Step, array: nd.NDArray) -> nd.NDArray:
        assert self.shaken is not None
        return array * (1 + nd.array(self.shaken(array.shape, step.single), dtype=array.dtype))


def block_of(plan: Plan, dtype: str, parameters: list[np.ndarray]) -> Fuzzed:
    """The plan's Block in a dtype, with these parameters."""
    block = Fuzzed(plan)
    block.initialize()
    block.cast(dtype)
    for place, array in enumerate(parameters):
        getattr(block, f"w{place}").set_data(nd.array(array, dtype=dtype))
    return block
