"""Operators that training changes or that draw random numbers, and how a trace runs them without leaving a mark.

A trace needs shapes only.  What would move running statistics or draw a mask runs in prediction mode, and what draws in
any mode is replaced by an operator that gives arrays of the same shapes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Modal:
    """An operator that training changes.

    ``differs``: whether it does with these attributes.  ``predicting``: attributes with which it leaves no mark in
    prediction mode.
    """

    differs: Callable[[Mapping[str, Any]], bool]
    predicting: Mapping[str, str] = field(default_factory=dict)


def _own_statistics(attributes: Mapping[str, Any]) -> bool:
    return not attributes.get("use_global_stats", False)


FREE = {"fix_gamma": "False"}  # a fixed γ is overwritten with 1 by each forward pass

MODAL = {
    "BatchNorm": Modal(_own_statistics, FREE),
    "_contrib_SyncBatchNorm": Modal(_own_statistics, FREE),
    "Dropout": Modal(
        lambda attributes: attributes.get("mode", "training") == "training" and attributes.get("p", 0.5) > 0,
        {"mode": "training"},
    ),
    "LeakyReLU": Modal(lambda attributes: attributes.get("act_type") == "rrelu"),
    "RNN": Modal(lambda attributes: attributes.get("p", 0.0) > 0),
}

# MXNet's random operators that take numbers only: what each is called with besides shape, dtype and context.
DISTRIBUTIONS = {
    "_random_uniform": ("low", "high"),
    "_random_normal": ("loc", "scale"),
    "_random_exponential": ("lam",),
    "_random_gamma": ("alpha", "beta"),
    "_random_poisson": ("lam",),
    "_random_negative_binomial": ("k", "p"),
    "_random_generalized_negative_binomial": ("mu", "alpha"),
}

# operator that draws: (operator that gives arrays of the same shapes, the attributes that it shares)
STAND_INS = {
    **dict.fromkeys((*DISTRIBUTIONS, "_random_randint"), ("_zeros", ("shape", "dtype", "ctx"))),
    **{f"{name}_like": ("zeros_like", ()) for name in DISTRIBUTIONS},
    "_shuffle": ("_copy", ()),
}
