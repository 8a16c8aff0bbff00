"""What there is: layers, operators, and the source that is generated for a layer."""

import sys
from contextlib import redirect_stdout
from typing import Annotated

import typer

from commands.options import ArgumentsOption, FormatOption, ShapeOption, check_format
from commands.output import show


def layers(form: FormatOption = "table") -> None:
    """List the catalogue: formula, input shape and parameters of each layer."""
    import pandas as pd

    import layers

    check_format(form)
    subjects = [layers.load(name) for name in layers.names()]
    rows = [
        {
            "layer": subject.name,
            "formula": subject.formula,
            "input": "; ".join(map(str, subject.inputs)),
            "parameters": "; ".join(f"{name} {shape}" for name, shape in subject.parameters.items()) or "none",
        }
        for subject in subjects
    ]
    show(pd.DataFrame(rows), form)


def operators(form: FormatOption = "table") -> None:
    """List MXNet's operators that the numba variant takes, and what it makes of them."""
    import pandas as pd

    from kernels.inventory import inventory

    check_format(form)
    show(pd.DataFrame([known.row() for known in inventory()]), form)


def source(
    layer: Annotated[str, typer.Argument(metavar="LAYER", help="Which layer.")],
    variant: Annotated[str, typer.Option(help="hybridized, hybridized-static or numba.")] = "numba",
    context: Annotated[str, typer.Option(help="cpu or gpu.")] = "cpu",
    arguments: ArgumentsOption = None,
    shapes: ShapeOption = None,
    dtype: Annotated[
        str, typer.Option(help="Of the parameters: float16, float32 or float64; by default the input's.")
    ] = "",
    strict: Annotated[bool, typer.Option("--strict", help="Refuse what numba cannot compile as a whole.")] = False,
) -> None:
    """Print the source that is generated for a variant of a layer.

    For a network that the numba variant cannot compile as a whole, a table comes first: what runs each part, and why.
    """
    import kernels
    import layers
    from benchmarks import grid

    with redirect_stdout(sys.stderr):  # what a layer prints is not part of its source
        subject = layers.resolve(layer, arguments or (), shapes or ())
        batch = layers.parse_inputs(shapes)[0] if shapes else grid.BATCHES[1]
        sizes = [one.shape(batch) for one in subject.inputs]
        parameters = dtype or subject.dtype
        dtypes = [one.dtype or parameters for one in subject.inputs]
        text = kernels.source(subject.build(), variant, sizes, parameters, context, dtypes, strict)
    typer.echo(text, nl=False)
