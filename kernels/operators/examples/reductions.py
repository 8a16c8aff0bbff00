"""Examples of operators that combine elements along axes."""

from typing import Any

from mxnet import nd

from . import SPECIAL, Call, Examples, Input, below, halves, registered, special

AXES: tuple[dict[str, Any], ...] = (
    {},
    {"axis": 0},
    {"axis": -1, "keepdims": True},
    {"axis": (0, 2)},
    {"axis": 1, "exclude": True},
)
REDUCTIONS = ("sum", "max", "min", "prod", "mean", "norm")


def reductions(names: tuple[str, ...], *options: dict[str, Any]) -> dict[str, Call]:
    """Each operator over x with each of the options."""

    def call(name: str, option: dict[str, Any]) -> Call:
        # a product and a norm are not differentiable at zero
        return lambda x: registered(name)(nd.abs(x) + 0.5 if name in ("prod", "norm") else x, **option)

    return {f"{name} {option}": call(name, option) for name in names for option in options}


EXAMPLES = {
    "sums and choices": Examples({"x": Input(3, 4, numbers=halves)}, reductions(("sum", "max", "min"), *AXES)),
    "means of ties": Examples({"x": Input(3, 4, numbers=halves)}, reductions(("mean",), *AXES)),
    "products and means": Examples({"x": Input(3, 4)}, reductions(("prod", "mean"), *AXES)),
    "norms": Examples(
        {"x": Input(3, 4)},
        reductions(("norm",), *AXES[:4])
        | {
            "norm of order 1": lambda x: nd.norm(x, ord=1),
            "norm of order 1 of rows": lambda x: nd.norm(x, ord=1, axis=1),
            "norm of order 1 of two axes": lambda x: nd.norm(x, ord=1, axis=(0, 2), keepdims=True),
        },
        {"norm of whole numbers": lambda x: nd.norm(nd.cast(x, dtype="int32"), axis=1)},
    ),
    "places": Examples(
        {"x": Input(3, 4, numbers=halves)},
        {
            f"{name} {option}": lambda x, name=name, option=option: registered(name)(x, **option)
            for name in ("argmax", "argmin")
            for option in ({"axis": 1}, {"axis": -1, "keepdims": True}, {"axis": 0}, {})
        },
    ),
    "cumulated": Examples(
        {"x": Input(3, 4), "whole": Input(3, numbers=below(5), dtype="int32")},
        {
            "cumsum": lambda x: nd.cumsum(x * x),
            **{f"cumsum along {axis}": lambda x, axis=axis: nd.cumsum(nd.tanh(x), axis=axis) * x for axis in range(3)},
            "cumsum of whole numbers": lambda x, whole: (
                x[:, :, 0] * nd.cumsum(nd.BlockGrad(whole), axis=1, dtype="float32")
            ),
        },
    ),
    "without NaN": Examples(
        {"x": Input(len(SPECIAL), numbers=special), "z": Input(len(SPECIAL), numbers=special)},
        {
            "nansum": lambda x: nd.nansum(nd.clip(x, -3, 3), axis=1),
            "nanprod": lambda z: nd.nanprod(nd.clip(z, 0.5, 1.5), axis=1, keepdims=True),
            "argmax": lambda x: nd.argmax(x, axis=1),
            "argmin": lambda x: nd.argmin(x, axis=1),
        },
    ),
    "four axes": Examples(
        {"x": Input(1, 3, 2)},
        reductions(REDUCTIONS, {"axis": (1, 2)}, {"axis": (0, 3), "keepdims": True}),
        batches=(3,),
    ),
    "two axes": Examples(
        {"x": Input(4)}, reductions(REDUCTIONS, {}, {"axis": 1}, {"axis": 0, "keepdims": True}), dtype="float64"
    ),
    "axes of length 1": Examples(
        {"x": Input(1, 1)}, reductions(REDUCTIONS, {"axis": 1}, {"axis": (1, 2)}), batches=(3, 1)
    ),
    "one axis": Examples({"x": Input()}, reductions(REDUCTIONS, {}, {"axis": 0, "keepdims": True})),
}
