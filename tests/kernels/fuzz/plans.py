"""Hypothesis' strategy for plans: shapes, numbers, steps that fit what is there, outputs."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from mxnet import MXNetError, nd

from .graphs import Given, Plan, Step, results
from .vocabulary import Hand, Word, known_words

DTYPES = ("float64", "float32")
SINGLE = ("one_hot", "argmax", "argmin")  # give float32, whatever they are given
LARGEST = 150  # elements of an array
LONGEST = 12  # steps
TRIES = 3  # to find an operator that fits what is there
# Where an operator has a domain most plans stay in it: NaN everywhere would hide everything else.
POSITIVE = {"sqrt": 0.5, "log": 0.5, "rsqrt": 0.5, "cbrt": 0.5, "rcbrt": 0.5, "log2": 0.5, "log10": 0.5, "log1p": 0.5,
            "arccosh": 1.5, "_power_scalar": 0.5, "reciprocal": 0.5,
            "_rdiv_scalar": 0.5}  # fmt: skip
# Where MXNet itself is wrong: these sums, compensated for rounding, make NaN of infinity.  The gamma functions have
# poles, where MXNet's slopes are infinite with one sign or the other.
AWAY_FROM_ZERO = (("abs", ()), ("_plus_scalar", (("scalar", 0.5),)))
FINITE = (("_minimum_scalar", (("scalar", 9.0),)), ("_maximum_scalar", (("scalar", -9.0),)))
ALWAYS = {"gamma": AWAY_FROM_ZERO, "gammaln": AWAY_FROM_ZERO, "norm": FINITE, "nansum": FINITE}


# A sum of no more than zeros may be 0 or -0, by the order of its terms: adding 0 makes it 0 before it is divided by.
PRODUCTS = ("dot", "batch_dot", "_linalg_gemm2", "FullyConnected")


@st.composite
def _with_ones(draw: Callable[..., Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with some extents replaced by 1: what broadcasts with it."""
    return tuple(1 if draw(st.booleans()) else extent for extent in shape)


@st.composite
def plans(draw: Callable[..., Any], words: list[Word] | None = None) -> Plan:
    """A plan of one to ``LONGEST`` steps, whose shapes MXNet itself accepts at both batch sizes."""
    words = words or known_words()
    base = draw(st.lists(st.sampled_from((2, 3, 1, 4)), max_size=3).map(tuple))
    shapes = st.one_of(st.just(base), _with_ones(base), st.permutations(base).map(tuple))
    kinds = st.sampled_from(("normal", "halves", "normal", "halves", "large", "special", "indices"))
    inputs = draw(st.lists(st.builds(Given, shapes, kinds), min_size=1, max_size=3))
    short = st.sampled_from([base[start:] for start in range(len(base))] + [(2, 3), (3,)])
    parameters = draw(st.lists(st.builds(Given, short, kinds), max_size=3))
    traced, batch = draw(st.sampled_from((2, 1, 3, 5))), draw(st.sampled_from((3, 1, 2, 4)))
    given = [*inputs, *parameters]
    indices = [place for place, array in enumerate(given) if array.numbers == "indices"]
    live = [nd.ones((traced, *array.shape), dtype="float64") for array in inputs]
    live += [nd.ones(array.shape, dtype="float64") for array in parameters]
    first, steps = len(live), []
    for _ in range(draw(st.integers(1, LONGEST))):
        for _ in range(TRIES):
            hand = Hand(draw, [array.shape for array in live], indices)
            drawn = _steps(draw(st.sampled_from(words)), hand, draw)
            # what is computed twice is computed once, and its heads are added before they are multiplied
            added = [] if drawn and drawn[-1] in steps else _added(drawn, live)
            if added:
                break
        steps += added
    if not steps:
        steps, live = [Step("_copy", (0,), exact=True)], [*live, live[0]]
    places = range(first, len(live))
    outputs = (len(live) - 1, *draw(st.lists(st.sampled_from(places), max_size=2, unique=True)))
    return Plan(
        inputs=tuple(inputs),
        parameters=tuple(parameters),
        steps=tuple(steps),
        outputs=tuple(dict.fromkeys(outputs)),
        dtype="float32" if any(step.operator in SINGLE for step in steps) else draw(st.sampled_from(DTYPES)),
        traced=traced,
        batch=batch,
        seed=draw(st.integers(0, 2**16)),
    )


def _steps(word: Word, hand: Hand, draw: Callable[..., Any]) -> list[Step]:
    """The call of a word; most often with its first operand brought into its domain first."""
    drawn = word.draw(hand)
    if drawn is None:
        return []
    operands, attributes = drawn
    positive = (("abs", ()), ("_plus_scalar", (("scalar", POSITIVE.get(word.operator)),)))
    guards = ALWAYS.get(word.operator, positive if word.operator in POSITIVE and draw(st.integers(0, 3)) else ())
    steps = []
    for place, (operator, given) in enumerate(guards, len(hand.shapes)):
        steps.append(Step(operator, operands[:1], given, exact=operator != "_plus_scalar"))
        operands = (place, *operands[1:])
    steps.append(Step(word.operator, operands, tuple(attributes.items()), word.exact, word.single, word.flat))
    if word.operator in PRODUCTS:
        place = len(hand.shapes) + len(steps) - 1
        steps.append(Step("_plus_scalar", (place,), (("scalar", 0.0),), exact=True))
    return steps


def _added(steps: list[Step], live: list[nd.NDArray]) -> list[Step]:
    """As many of the steps as MXNet takes; their results join ``live``."""
    for count, step in enumerate(steps):
        made = _made(step, live)
        if made is None:
            return steps[:count]
        live += made
    return steps


def _made(step: Step, live: list[nd.NDArray]) -> list[nd.NDArray] | None:
    """The results of a step; None where MXNet refuses it or they are too large."""
    try:
        made = results(step, live)
        for array in made:
            array.wait_to_read()
    except (MXNetError, ValueError, TypeError):
        return None
    return made if all(0 < array.size <= LARGEST and array.shape for array in made) else None
