"""Examples of operators that work element by element."""

from mxnet import nd

from . import Call, Examples, Input, Parameter, apart, below, halves, registered, special

ELEMENTWISE = ("elemwise_add", "elemwise_sub", "elemwise_mul", "elemwise_div", "_power", "_maximum", "_minimum",
               "_greater", "_greater_equal", "_lesser", "_lesser_equal", "_equal", "_not_equal", "_mod", "_hypot",
               "_logical_and", "_logical_or", "_logical_xor")  # fmt: skip
BROADCAST = ("broadcast_add", "broadcast_sub", "broadcast_mul", "broadcast_div", "broadcast_power",
             "broadcast_maximum", "broadcast_minimum", "broadcast_greater", "broadcast_greater_equal",
             "broadcast_lesser", "broadcast_lesser_equal", "broadcast_equal", "broadcast_not_equal",
             "broadcast_mod", "broadcast_hypot", "broadcast_logical_and", "broadcast_logical_or",
             "broadcast_logical_xor")  # fmt: skip
SCALARS = ("_plus_scalar", "_minus_scalar", "_rminus_scalar", "_mul_scalar", "_div_scalar", "_rdiv_scalar",
           "_power_scalar", "_rpower_scalar", "_maximum_scalar", "_minimum_scalar", "_greater_scalar",
           "_greater_equal_scalar", "_lesser_scalar", "_lesser_equal_scalar", "_equal_scalar",
           "_not_equal_scalar", "_mod_scalar", "_rmod_scalar", "_hypot_scalar", "_logical_and_scalar",
           "_logical_or_scalar", "_logical_xor_scalar")  # fmt: skip
UNARY = ("relu", "negative", "abs", "sign", "reciprocal", "sqrt", "rsqrt", "cbrt", "rcbrt", "exp", "expm1", "log",
         "log1p", "log2", "log10", "sin", "cos", "tan", "arctan", "sinh", "cosh", "tanh", "arcsinh", "sigmoid",
         "softsign", "square", "erf", "degrees", "radians", "logical_not")  # fmt: skip
ROUNDING = ("floor", "ceil", "trunc", "fix", "rint", "round")

# Where one of these words begins an operator's name, or a part of it, the operator takes positive numbers.
POSITIVE = ("div", "rdiv", "power", "rpower", "sqrt", "rsqrt", "cbrt", "rcbrt", "reciprocal", "log", "log2", "log10",
            "log1p", "gamma", "gammaln", "mod", "rmod", "hypot")  # fmt: skip


def differentiable(name: str, x: nd.NDArray) -> nd.NDArray:
    """Numbers that the operator is differentiable at."""
    return nd.abs(x) + 0.5 if set(name.split("_")) & set(POSITIVE) else x


def binary(names: tuple[str, ...]) -> dict[str, Call]:
    """Each operator on x and y."""
    return {
        name: lambda x, y, name=name: registered(name)(differentiable(name, x), differentiable(name, y))
        for name in names
    }


def scalar(names: tuple[str, ...], number: float) -> dict[str, Call]:
    """Each operator on x and a number."""
    return {
        f"{name} {number}": lambda x, name=name: registered(name)(differentiable(name, x), scalar=number)
        for name in names
    }


def unary(names: tuple[str, ...]) -> dict[str, Call]:
    """Each operator on x."""
    return {name: lambda x, name=name: registered(name)(differentiable(name, x)) for name in names}


BOUNDS: dict[str, Call] = {
    "clip": lambda x: nd.clip(x, -1, 0.5),
    "clip to inexact numbers": lambda x: nd.clip(x, a_min=-0.1, a_max=0.1),
    "smooth_l1": lambda x: nd.smooth_l1(x),
    "smooth_l1 1.3": lambda x: nd.smooth_l1(x, scalar=1.3),
    "smooth_l1 0": lambda x: nd.smooth_l1(x, scalar=0.0),
    "_contrib_quadratic": lambda x: nd.contrib.quadratic(x, a=0.3, b=-2, c=1),
}
SPECIAL: dict[str, Call] = {
    **{name: lambda x, name=name: registered(name)(x) for name in (*UNARY, *ROUNDING)},
    **{name: lambda x, name=name: registered(name)(x) for name in ("arcsin", "arccos", "arctanh", "arccosh")},
    **BOUNDS,
    **{f"power {number}": lambda x, number=number: x**number for number in (2.0, 0.5, -1.0, 3.0, -2.0)},
    "where": lambda x: nd.where(x > 1, x, x * 2),
    "where by NaN": lambda x: nd.where(x, x, -x),
    **{f"smooth_l1 {number}": lambda x, number=number: nd.smooth_l1(x, scalar=number) for number in (0.0, 1e25, 2.0)},
}
PAIRS = ("broadcast_power", "broadcast_maximum", "broadcast_minimum", "broadcast_mod", "broadcast_logical_xor")

TIES = Input(3, 4, numbers=halves)

# Of the two polynomials the second is for |x| from 0.9966 on.
INVERSE_ERROR: dict[str, Call] = {
    "erfinv": lambda x: nd.erfinv(nd.tanh(x) * 0.999),
    "erfinv near 1": lambda x: nd.erfinv(0.999 - nd.abs(nd.tanh(x)) * 0.001),
}

EXAMPLES = {
    "two arrays of one shape": Examples({"x": TIES, "y": TIES}, binary(ELEMENTWISE)),
    "broadcasting over the batch": Examples(
        {"x": Input(2, 3, numbers=halves), "y": Parameter(2, 1)}, binary(BROADCAST)
    ),
    "broadcasting both ways": Examples(
        {"x": Input(1, 4, numbers=halves), "y": Input(3, 1, numbers=halves)}, binary(BROADCAST)
    ),
    "broadcasting in float64": Examples({"x": Input(4), "y": Input(1)}, binary(BROADCAST), dtype="float64"),
    "a number": Examples({"x": Input(4, numbers=halves)}, scalar(SCALARS, 1.5)),
    "other numbers": Examples(
        {"x": Input(4)},
        scalar(("_power_scalar", "_rpower_scalar", "_mul_scalar"), 2.0)
        | scalar(("_plus_scalar", "_mul_scalar", "_maximum_scalar"), 0.0)
        | scalar(("_plus_scalar", "_mul_scalar", "_rdiv_scalar"), -1.0)
        | scalar(("_power_scalar", "_rpower_scalar", "_minus_scalar"), 0.1)
        | scalar(("_maximum_scalar", "_lesser_scalar"), float("inf"))
        | scalar(("_minimum_scalar", "_greater_scalar"), float("-inf"))
        | scalar(("_mul_scalar", "_plus_scalar"), 1e-30),
    ),
    "a number in float64": Examples({"x": Input(4)}, scalar(SCALARS, 0.1), dtype="float64"),
    "one array": Examples({"x": Input(3, 2, numbers=halves)}, unary(UNARY)),
    "one array of four axes": Examples({"x": Input(2, 3, 2)}, unary(UNARY), batches=(2,)),
    "one array in float64": Examples({"x": Input(3)}, unary(UNARY), dtype="float64"),
    "rounding": Examples({"x": TIES}, unary(ROUNDING)),
    "rounding in float64": Examples({"x": Input(3, 2)}, unary(ROUNDING), dtype="float64"),
    "one array between bounds": Examples(
        {"x": Input(3)},
        {
            "arcsin": lambda x: nd.arcsin(x / 8),
            "arccos": lambda x: nd.arccos(x / 8),
            "arctanh": lambda x: nd.arctanh(x / 8),
            "arccosh": lambda x: nd.arccosh(nd.abs(x) + 1.5),
        },
        dtype="float64",
    ),
    "the inverse error function": Examples({"x": Input(9)}, INVERSE_ERROR),
    "the inverse error function in float64": Examples({"x": Input(9)}, INVERSE_ERROR, dtype="float64"),
    # MXNet computes their slopes in single precision whatever the dtype
    "the gamma function": Examples({"x": Input(3)}, unary(("gamma", "gammaln"))),
    "the gamma function below zero": Examples(
        {"x": Input(1, numbers=below(3))},
        {"gamma": lambda x: nd.gamma(x - 2.4), "gammaln": lambda x: nd.gammaln(x - 2.4)},
    ),
    "bounds": Examples({"x": Input(4, numbers=halves)}, BOUNDS),
    "bounds in float64": Examples({"x": Input(4)}, BOUNDS, dtype="float64"),
    "choices": Examples(
        {"x": Input(4), "y": Input(4)},
        {
            "where": lambda x, y: nd.where(x > y, x * 2, y),
            "where by numbers": lambda x, y: nd.where(x, y, x - y),
            "where by rows": lambda x, y: nd.where(x.sum(axis=1) > 0, x, y),
        },
    ),
    "sums of arrays": Examples(
        {"x": Input(4), "y": Input(4)},
        {"add_n": lambda x, y: nd.add_n(x, y, x, y), "add_n of one": lambda x: nd.add_n(x) * 2},
    ),
    "the inverse error function, special values": apart({"erfinv": lambda x: nd.erfinv(x)}),
    "special values": apart(SPECIAL),
    "special values in float64": apart(SPECIAL, dtype="float64"),
    **{
        f"special values, {name}": Examples(
            {"x": Input(1, 18, numbers=special), "y": Input(18, 1, numbers=special)},
            {name: lambda x, y, name=name: registered(name)(x, y)},
            dtype="float64",
            batches=(1,),
        )
        for name in PAIRS
    },
}
