"""Examples of operators that work element by element."""

from mxnet import nd

from . import Call, Examples, Input, Parameter, halves, registered

ELEMENTWISE = ("elemwise_add", "elemwise_sub", "elemwise_mul", "elemwise_div", "_power", "_maximum", "_minimum",
               "_greater", "_greater_equal", "_lesser", "_lesser_equal", "_equal", "_not_equal")  # fmt: skip
BROADCAST = ("broadcast_add", "broadcast_sub", "broadcast_mul", "broadcast_div", "broadcast_power",
             "broadcast_maximum", "broadcast_minimum", "broadcast_greater", "broadcast_greater_equal",
             "broadcast_lesser", "broadcast_lesser_equal", "broadcast_equal", "broadcast_not_equal")  # fmt: skip
SCALARS = ("_plus_scalar", "_minus_scalar", "_rminus_scalar", "_mul_scalar", "_div_scalar", "_rdiv_scalar",
           "_power_scalar", "_rpower_scalar", "_maximum_scalar", "_minimum_scalar", "_greater_scalar",
           "_greater_equal_scalar", "_lesser_scalar", "_lesser_equal_scalar", "_equal_scalar",
           "_not_equal_scalar")  # fmt: skip
UNARY = ("relu", "negative", "abs", "sign", "sqrt", "exp", "log", "sin", "cos", "tanh", "sigmoid", "square")


def differentiable(name: str, x: nd.NDArray) -> nd.NDArray:
    """Numbers that the operator is differentiable at."""
    return nd.abs(x) + 0.5 if any(word in name for word in ("div", "power", "sqrt", "log")) else x


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


TIES = Input(3, 4, numbers=halves)

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
    "choices": Examples(
        {"x": Input(4), "y": Input(4)},
        {
            "where": lambda x, y: nd.where(x > y, x * 2, y),
            "where by numbers": lambda x, y: nd.where(x, y, x - y),
        },
        refused={"where by a row": lambda x, y: nd.where(nd.sum(x, axis=1), x, y)},
    ),
    "activations": Examples(
        {"x": Input(4, numbers=halves)},
        {
            "relu": lambda x: nd.Activation(x, act_type="relu"),
            "tanh": lambda x: nd.Activation(x, act_type="tanh"),
            "sigmoid": lambda x: nd.Activation(x, act_type="sigmoid"),
        },
        refused={"softsign": lambda x: nd.Activation(x, act_type="softsign")},
    ),
    "copies": Examples(
        {"x": Input(4)},
        {
            "of a sum": lambda x: nd.identity(x + 1),
            "of an input": lambda x: nd.identity(x),
            "by a method": lambda x: x.copy() * 2,
        },
        refused={"to whole numbers": lambda x: x.astype("int32")},
    ),
}
