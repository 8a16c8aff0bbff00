"""References that several layers share, and the rule by which networks compose those of their parts."""

from collections.abc import Mapping

from ._subject import Array, Pullback, Reference


def dense(x: Array, parameters: Mapping[str, Array]) -> tuple[Array, Pullback]:
    """Gluon's ``Dense`` without activation, y = x·Wᵀ + b: x (n, i), weight (u, i), bias (u,) -> y (n, u)."""
    weight = parameters["weight"]

    def pullback(head: Array) -> tuple[Array, dict[str, Array]]:
        return head @ weight, {"weight": head.T @ x, "bias": head.sum(axis=0)}

    return x @ weight.T + parameters["bias"], pullback


def chain(*parts: Reference) -> Reference:
    """The reference of a ``Sequential``: each part feeds the next, part i owns the parameters named ``i.…``."""

    def reference(x: Array, parameters: Mapping[str, Array]) -> tuple[Array, Pullback]:
        pullbacks = []
        for position, part in enumerate(parts):
            x, part_pullback = part(x, _owned(parameters, f"{position}."))
            pullbacks.append(part_pullback)

        def pullback(head: Array) -> tuple[Array, dict[str, Array]]:
            gradients = {}
            for position, part_pullback in reversed(list(enumerate(pullbacks))):
                head, owned = part_pullback(head)
                gradients.update({f"{position}.{name}": gradient for name, gradient in owned.items()})
            return head, gradients

        return x, pullback

    return reference


def _owned(parameters: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    return {name.removeprefix(prefix): value for name, value in parameters.items() if name.startswith(prefix)}
