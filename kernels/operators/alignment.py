"""Losses of sequences whose labels are not aligned with their frames."""

from ..primitives.alignment import alignments
from ..primitives.base import Value
from .table import Site, operator


@operator("CTCLoss")
def ctc_loss(site: Site, inputs: list[Value]) -> Value:
    """The cost of the labels of each row, softmax included; what cannot be aligned costs nothing, as in MXNet.

    Where MXNet is wrong, this is the cost and its derivative: MXNet gives a gradient of 1 instead of 0 where a softmax
    is exactly 1, so that a network which is sure of its labels unlearns them; and it returns what its memory held for
    the gradient of what cannot be aligned (here zero), and for the costs of a batch without any label.
    """
    x, labels, *told = inputs
    frames = told[0] if site.get("use_data_lengths", False) else None
    counts = told[-1] if site.get("use_label_lengths", False) else None
    return alignments(x, labels, frames, counts, site.get("blank_label", "first") == "first", site.name)
