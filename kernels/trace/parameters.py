"""The parameters of a Block by structural name, and MXNet's deferred initialisation of them."""

from mxnet import autograd, gluon

from ..arguments import Arguments
from ..errors import KernelError
from ..names import block_name
from .run import call


def structural_parameters(block: gluon.Block) -> dict[str, gluon.Parameter]:
    """Parameters by structural name, each once: the names that ``save_parameters`` writes."""
    unique: dict[int, tuple[str, gluon.Parameter]] = {}
    for key, parameter in block._collect_params_with_prefix().items():
        unique.setdefault(id(parameter), (key, parameter))
    return dict(unique.values())


def finish_deferred(block: gluon.Block, arguments: Arguments) -> None:
    """Let MXNet find the shapes of deferred parameters, by one forward pass outside any recording."""
    parameters = structural_parameters(block).items()
    if any(parameter._deferred_init for _, parameter in parameters):
        with autograd.pause():
            # Copies: this pass is not watched, so it might write to its inputs.
            call(block, arguments.replaced([array.copy() for array in arguments.arrays]))
    for key, parameter in parameters:
        if parameter._data is None:
            raise KernelError(
                f"parameter {key} of {block_name(block)} has no values yet: call initialize() or load them"
            )
