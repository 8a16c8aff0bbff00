"""What random graphs are made of: for each operator, which arrays it may be given and which attributes.

A word draws the operands' places and the attributes for the shapes at hand, or None where nothing fits.  What MXNet
refuses after all is dropped from the plan.  Words of operators without a rule are not drawn.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from kernels.operators import OPERATORS
from kernels.operators.names import registered_names

Shape = tuple[int, ...]
Drawn = tuple[tuple[int, ...], dict[str, Any]] | None


ALL = (0, 1)  # operands of an operator that is flat
LARGEST_INDEX = 2  # of the numbers that ``graphs.NUMBERS`` calls indices


class Hand:
    """The arrays that there are, by shape, and Hypothesis' choices among them."""

    def __init__(self, draw: Callable[..., Any], shapes: Sequence[Shape], indices: Sequence[int]) -> None:
        self._draw, self.shapes, self.indices = draw, shapes, indices

    def one(self, choices: Sequence[Any]) -> Any:
        return self._draw(st.sampled_from(list(choices)))

    def flag(self) -> bool:
        return bool(self._draw(st.booleans()))

    def any(self, fits: Callable[[Shape], bool] = lambda shape: True) -> int | None:
        """The place of an array whose shape fits, a late one as soon as an early one; None if there is none."""
        fitting = [place for place, shape in enumerate(self.shapes) if fits(shape)]
        if not fitting:
            return None
        return fitting[-1] if self.flag() else int(self.one(fitting))

    def axis(self, place: int) -> int:
        rank = len(self.shapes[place])
        return int(self.one(range(-rank, rank)))


@dataclass(frozen=True)
class Word:
    """One operator: ``draw`` chooses what it is given; ``exact`` ones round nothing."""

    operator: str
    draw: Callable[[Hand], Drawn]
    exact: bool = False
    single: bool = False  # MXNet computes it in float32 whatever the dtype
    flat: tuple[int, ...] = ()  # operands that have no slope, or 0 everywhere

    @property
    def known(self) -> bool:
        """Whether the generator has a rule for it."""
        names = registered_names()
        return names.get(self.operator) in {names[name] for name in OPERATORS}


def unary(hand: Hand, **attributes: Any) -> Drawn:
    place = hand.any()
    return None if place is None else ((place,), attributes)


def binary(same: bool) -> Callable[[Hand], Drawn]:
    def fits(one: Shape, other: Shape) -> bool:
        alike = all(a == b or (not same and 1 in (a, b)) for a, b in zip(one, other, strict=False))
        return len(one) == len(other) and alike

    def draw(hand: Hand) -> Drawn:
        first = hand.any()
        if first is None:
            return None
        second = hand.any(lambda shape: fits(hand.shapes[first], shape))
        return None if second is None else ((first, second) if hand.flag() else (second, first), {})

    return draw


def scalar(hand: Hand) -> Drawn:
    return unary(hand, scalar=hand.one((0.0, 1.0, -1.0, 2.0, 0.5, 3.0, -0.3)))


def axes(hand: Hand, place: int) -> dict[str, Any]:
    """No axis, one, or several; kept or not; meant or excluded."""
    rank = len(hand.shapes[place])
    chosen: dict[str, Any] = {}
    kind = hand.one(("all", "one", "several"))
    if kind == "one":
        chosen["axis"] = hand.axis(place)
    if kind == "several":
        chosen["axis"] = tuple(axis for axis in range(rank) if hand.flag()) or (rank - 1,)
    if hand.flag():
        chosen["keepdims"] = True
    return chosen


def reduction(hand: Hand) -> Drawn:
    place = hand.any()
    if place is None:
        return None
    attributes = axes(hand, place)
    if len(hand.shapes[place]) > 1 and isinstance(attributes.get("axis"), int) and hand.flag():
        attributes["exclude"] = True
    return (place,), attributes


def norm(hand: Hand) -> Drawn:
    place = hand.any()
    return None if place is None else ((place,), {**axes(hand, place), "ord": hand.one((1, 2))})


def along(*choices: dict[str, Any], rank: int = 1) -> Callable[[Hand], Drawn]:
    """One axis, and one of these further attributes."""

    def draw(hand: Hand) -> Drawn:
        place = hand.any(lambda shape: len(shape) >= rank)
        return None if place is None else ((place,), {"axis": hand.axis(place), **hand.one(choices or ({},))})

    return draw


def transposed(hand: Hand) -> Drawn:
    place = hand.any()
    if place is None:
        return None
    order = hand.one(((), *_orders(len(hand.shapes[place]))))
    return (place,), {"axes": order} if order else {}


def _orders(rank: int) -> list[tuple[int, ...]]:
    axes = tuple(range(rank))
    return [axes[turn:] + axes[:turn] for turn in range(rank)] + [axes[::-1], (*axes[:1], *axes[:0:-1])]


def swapped(hand: Hand) -> Drawn:
    place = hand.any()
    if place is None:
        return None
    rank = range(len(hand.shapes[place]))
    return (place,), {"dim1": hand.one(rank), "dim2": hand.one(rank)}


def reshaped(hand: Hand) -> Drawn:
    place = hand.any()
    codes = ((-1,), (0, -1), (-1, 1), (1, -1), (0, -1, 1), (-3, -2), (0, -3), (-2, 1), (0, -4, 1, -1, -2), (-1, 2))
    return None if place is None else ((place,), {"shape": hand.one(codes)})


def spread(hand: Hand) -> Drawn:
    place = hand.any(lambda shape: 1 in shape)
    if place is None:
        return None
    unit = [axis for axis, extent in enumerate(hand.shapes[place]) if extent == 1]
    return (place,), {"axis": hand.one(unit), "size": hand.one((1, 2, 3))}


def spread_to(hand: Hand) -> Drawn:
    place = hand.any(lambda shape: 1 in shape[1:])
    if place is None:
        return None
    return (place,), {"shape": (0, *(hand.one((2, 3)) if extent == 1 else 0 for extent in hand.shapes[place][1:]))}


def pair(fits: Callable[[Shape, Shape], bool], **attributes: Any) -> Callable[[Hand], Drawn]:
    """Two arrays whose shapes fit."""

    def draw(hand: Hand) -> Drawn:
        first = hand.any()
        if first is None:
            return None
        second = hand.any(lambda shape: fits(hand.shapes[first], shape))
        return None if second is None else ((first, second), attributes)

    return draw


def like_spread(one: Shape, other: Shape) -> bool:
    return len(one) == len(other) and all(a in (1, b) for a, b in zip(one, other, strict=True))


def size(shape: Shape) -> int:
    product = 1
    for extent in shape:
        product *= extent
    return product


def matrices(rank: int | None = None) -> Callable[[Hand], Drawn]:
    """Two operands of a product, each turned or not; ``rank`` 3 for a product per row."""

    def draw(hand: Hand) -> Drawn:
        first = hand.any(lambda shape: len(shape) == rank if rank else len(shape) >= 1)
        if first is None:
            return None
        one = hand.shapes[first]
        turn_a, turn_b = hand.flag() and len(one) > 1, hand.flag()
        shared = one[-2 if rank else 0] if turn_a else one[-1]

        def fits(other: Shape) -> bool:
            if rank:
                return len(other) == rank and other[0] == one[0] and other[-1 if turn_b else 1] == shared
            return other[-1 if turn_b else 0] == shared and (len(other) > 1 or not turn_b)

        second = hand.any(fits)
        return None if second is None else ((first, second), {"transpose_a": turn_a, "transpose_b": turn_b})

    return draw


def dense(hand: Hand) -> Drawn:
    flatten = hand.flag()
    weight = hand.any(lambda shape: len(shape) == 2)
    if weight is None:
        return None
    units, width = hand.shapes[weight]
    x = hand.any(lambda shape: len(shape) > 1 and (size(shape[1:]) if flatten else shape[-1]) == width)
    bias = hand.any(lambda shape: shape == (units,))
    if x is None:
        return None
    attributes = {"num_hidden": units, "flatten": flatten, "no_bias": bias is None}
    return (x, weight) if bias is None else (x, weight, bias), attributes


def choice(hand: Hand) -> Drawn:
    first = hand.any()
    if first is None:
        return None
    others = [hand.any(lambda shape: shape == hand.shapes[first]) for _ in range(2)]
    return (first, *(place for place in others if place is not None)), {}


def sliced(hand: Hand) -> Drawn:
    place = hand.any()
    if place is None:
        return None
    axis = hand.axis(place)
    extent = hand.shapes[place][axis]
    begin = hand.one(range(extent))
    return (place,), {"axis": axis, "begin": begin, "end": hand.one((None, *range(begin + 1, extent + 1)))}


def sliced_all(hand: Hand) -> Drawn:
    place = hand.any()
    if place is None:
        return None
    bounds = [hand.one(((None, None, 1), (0, extent, 2), (extent // 2, None, 1), (None, None, -1), (-1, None, -1)))
              for extent in hand.shapes[place]]  # fmt: skip
    begin, end, step = zip(*bounds, strict=True)
    return (place,), {"begin": begin, "end": end, "step": step}


def joined(hand: Hand, stacked: bool = False) -> Drawn:
    place = hand.any()
    if place is None:
        return None
    axis = hand.axis(place)
    where, like = axis % len(hand.shapes[place]), hand.shapes[place]

    def fits(shape: Shape) -> bool:
        if stacked:
            return shape == like
        return len(shape) == len(like) and all(a == b or k == where for k, (a, b) in enumerate(zip(shape, like)))  # noqa: B905

    others = [hand.any(fits) for _ in range(hand.one((1, 2)))]
    operands = (place, *(other for other in others if other is not None))
    return operands, {"axis" if stacked else "dim": axis if stacked else where, "num_args": len(operands)}


def split(hand: Hand) -> Drawn:
    """Equal parts along an axis."""
    place = hand.any(lambda shape: max(shape) > 1)
    if place is None:
        return None
    axis = hand.one([axis for axis, extent in enumerate(hand.shapes[place]) if extent > 1])
    extent = hand.shapes[place][axis]
    parts = hand.one([parts for parts in range(2, extent + 1) if extent % parts == 0])
    return (place,), {"axis": axis, "num_outputs": parts, "squeeze_axis": parts == extent and hand.flag()}


def tiled(hand: Hand) -> Drawn:
    place = hand.any(lambda shape: size(shape) < 60)
    return None if place is None else ((place,), {"reps": hand.one(((2,), (1, 2), (2, 1), (1, 2, 2)))})


def repeated(hand: Hand) -> Drawn:
    place = hand.any(lambda shape: size(shape) < 60)
    return None if place is None else ((place,), {"repeats": 2, "axis": hand.axis(place)})


def padded(hand: Hand) -> Drawn:
    place = hand.any(lambda shape: len(shape) in (4, 5))
    if place is None:
        return None
    widths = (0, 0, 0, 0, *(hand.one((0, 1, 2)) for _ in range(2 * len(hand.shapes[place]) - 4)))
    mode = hand.one(({"mode": "constant", "constant_value": 1.5}, {"mode": "edge"}, {"mode": "reflect"}))
    return (place,), {"pad_width": widths, **mode}


def indexed(table_first: bool, **attributes: Any) -> Callable[[Hand], Drawn]:
    """An array and whole numbers that choose among its rows."""

    def draw(hand: Hand) -> Drawn:
        place = hand.any()
        if place is None or not hand.indices:
            return None
        index = hand.one(hand.indices)
        more = {"axis": hand.axis(place)} if attributes.get("axis") is True else {}
        operands = (place, index) if table_first else (index, place)
        return operands, {**attributes, **more}

    return draw


def embedded(hand: Hand) -> Drawn:
    weight = hand.any(lambda shape: len(shape) == 2 and shape[0] > LARGEST_INDEX)
    inputs = [place for place in hand.indices if place != weight]
    if weight is None or not inputs:
        return None
    rows, columns = hand.shapes[weight]
    return (hand.one(inputs), weight), {"input_dim": rows, "output_dim": columns}


def picked(hand: Hand) -> Drawn:
    if not hand.indices:
        return None
    index = hand.one(hand.indices)
    place = hand.any(lambda shape: shape[:-1] == hand.shapes[index])
    return None if place is None else ((place, index), {"axis": -1, "mode": hand.one(("clip", "wrap"))})


def one_hot(hand: Hand) -> Drawn:
    if not hand.indices:
        return None
    return (hand.one(hand.indices),), {"depth": hand.one((1, 2, 4)), "on_value": 2.0, "off_value": -1.0}


def clipped(hand: Hand) -> Drawn:
    low = hand.one((-1.0, 0.0, -0.5))
    return unary(hand, a_min=low, a_max=low + hand.one((0.0, 1.0, 2.0)))


def normalized(hand: Hand, channel: int) -> Drawn:
    place = hand.any(lambda shape: len(shape) > max(channel, 1))
    if place is None:
        return None
    affine = [hand.any(lambda shape: shape == (hand.shapes[place][channel],)) for _ in range(2)]
    if None in affine:
        return None
    return (place, *affine), {"axis": -1, "eps": 1e-3} if channel == -1 else {"eps": 1e-3}  # type: ignore[return-value]


def masked(hand: Hand) -> Drawn:
    lengths = [place for place in hand.indices if len(hand.shapes[place]) == 1]
    if not lengths:
        return None
    length = hand.one(lengths)
    place = hand.any(lambda shape: len(shape) >= 2 and shape[0] == hand.shapes[length][0])
    if place is None:
        return None
    return (place, length), {"use_sequence_length": True, "axis": 1, "value": hand.one((0.0, -1.5))}


def temperature(hand: Hand) -> Drawn:
    return along({}, {"temperature": 2.0})(hand)


EXACT_UNARY = ("_copy", "relu", "negative", "abs", "Flatten", "squeeze")
FLAT_UNARY = ("sign", "BlockGrad", "zeros_like", "ones_like", "floor", "ceil", "round", "rint", "trunc", "fix",
              "logical_not")  # fmt: skip
UNARY = ("sqrt", "rsqrt", "cbrt", "rcbrt", "exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "tanh",
         "sinh", "cosh", "arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh", "sigmoid", "softsign", "square",
         "reciprocal", "erf", "erfinv", "degrees", "radians", "hard_sigmoid")  # fmt: skip
ACTIVATIONS = ("relu", "tanh", "sigmoid", "softrelu", "softsign")
ARITHMETIC = ("add", "sub", "mul", "div")
CHOICES = ("maximum", "minimum")
COMPARISONS = ("greater", "greater_equal", "lesser", "lesser_equal", "equal", "not_equal",
               "logical_and", "logical_or", "logical_xor")  # fmt: skip
SCALARS = ("_plus", "_minus", "_rminus", "_mul", "_div", "_rdiv", "_power", "_rpower", "_mod", "_rmod", "_hypot")

WORDS = (
    Word("broadcast_mul", binary(same=False)),  # Hypothesis is fond of the first
    *(Word(name, unary, exact=True) for name in EXACT_UNARY),
    *(Word(name, unary, exact=True, flat=ALL) for name in FLAT_UNARY),
    *(Word(name, unary) for name in UNARY),
    *(Word(name, unary, single=True) for name in ("gamma", "gammaln")),
    *(Word(f"elemwise_{name}", binary(same=True)) for name in ARITHMETIC),
    *(Word(f"broadcast_{name}", binary(same=False)) for name in ("add", "sub", "div", "power", "mod", "hypot")),
    *(Word(f"broadcast_{name}", binary(same=False), exact=True) for name in CHOICES),
    *(Word(f"broadcast_{name}", binary(same=False), exact=True, flat=ALL) for name in COMPARISONS),
    *(Word(f"_{name}", binary(same=True), exact=True) for name in CHOICES),
    *(Word(f"_{name}", binary(same=True), exact=True, flat=ALL) for name in COMPARISONS),
    Word("_power", binary(same=True)),
    *(Word(f"{name}_scalar", scalar) for name in SCALARS),
    *(Word(f"_{name}_scalar", scalar, exact=True) for name in CHOICES),
    *(Word(f"_{name}_scalar", scalar, exact=True, flat=ALL) for name in COMPARISONS),
    *(Word(name, reduction) for name in ("sum", "mean", "prod", "nansum", "nanprod")),
    *(Word(name, reduction, exact=True) for name in ("max", "min")),
    Word("norm", norm),
    *(Word(name, along(), exact=True, flat=ALL) for name in ("argmax", "argmin")),
    *(Word(name, temperature) for name in ("softmax", "log_softmax", "softmin")),
    Word("cumsum", along()),
    Word("L2Normalization", lambda hand: unary(hand, mode=hand.one(("instance", "channel", "spatial")))),
    Word("smooth_l1", lambda hand: unary(hand, scalar=hand.one((1.0, 2.0, 0.5)))),
    Word("Activation", lambda hand: unary(hand, act_type=hand.one(ACTIVATIONS))),
    Word("LeakyReLU", lambda hand: unary(hand, act_type=hand.one(("leaky", "elu", "selu", "gelu"))), single=True),
    Word("clip", clipped, exact=True),
    Word("where", choice, exact=True, flat=(0,)),
    *(Word(name, transposed, exact=True) for name in ("transpose",)),
    Word("SwapAxis", swapped, exact=True),
    Word("Reshape", reshaped, exact=True),
    Word("expand_dims", along(), exact=True),
    Word("broadcast_axis", spread, exact=True),
    Word("broadcast_to", spread_to, exact=True),
    Word("broadcast_like", pair(like_spread), exact=True, flat=(1,)),
    Word("reshape_like", pair(lambda one, other: size(one) == size(other)), exact=True, flat=(1,)),
    Word("slice_like", pair(lambda one, other: len(one) == len(other)
                            and all(a >= b for a, b in zip(one, other, strict=True))), exact=True, flat=(1,)),
    Word("slice_axis", sliced, exact=True),
    Word("slice", sliced_all, exact=True),
    Word("Concat", joined, exact=True),
    Word("stack", lambda hand: joined(hand, stacked=True), exact=True),
    Word("SliceChannel", split, exact=True),
    Word("tile", tiled, exact=True),
    Word("repeat", repeated, exact=True),
    Word("reverse", along(), exact=True),
    Word("Pad", padded, exact=True),
    Word("take", indexed(True, axis=True, mode="clip"), exact=True, flat=(1,)),
    Word("Embedding", embedded, exact=True, flat=(0,)),
    Word("pick", picked, exact=True, flat=(1,)),
    Word("one_hot", one_hot, exact=True, flat=ALL),
    Word("SequenceMask", masked, exact=True, flat=(1,)),
    Word("_contrib_arange_like", along(), exact=True, flat=ALL),
    Word("dot", matrices()),
    Word("batch_dot", matrices(3)),
    Word("_linalg_gemm2", matrices(3)),
    Word("FullyConnected", dense),
    Word("LayerNorm", lambda hand: normalized(hand, -1)),
    Word("InstanceNorm", lambda hand: normalized(hand, 1)),
)  # fmt: skip


def known_words() -> list[Word]:
    """The words that the generator claims to know."""
    return [word for word in WORDS if word.known]
