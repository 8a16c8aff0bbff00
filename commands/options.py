"""Options that several commands take, and what they mean."""

from pathlib import Path
from typing import Annotated

import typer

RESULTS = Path("results")

ResultsArgument = Annotated[
    list[Path] | None, typer.Argument(help="Result files or folders of gluonmark, pytest or asv.")
]
FormatOption = Annotated[str, typer.Option("--format", help="table, json, csv or markdown.")]
ArgumentsOption = Annotated[list[str] | None, typer.Option("--args", help="Constructor argument: 8 or units=8.")]
ShapeOption = Annotated[
    list[str] | None,
    typer.Option("--shape", help="Whole shape of one input of a layer of your own: 4,16 or 4,16:int32."),
]
VariantsOption = Annotated[str, typer.Option("--variants", help="Such as imperative,numba.")]
BatchesOption = Annotated[str, typer.Option("--batches", help="Such as 1,16.")]
ModesOption = Annotated[str, typer.Option("--modes", help="Such as forward,train; all by default.")]
EngineOption = Annotated[str | None, typer.Option("--engine", help="threaded or naive.")]
ThresholdOption = Annotated[str, typer.Option("--threshold", help="The slow-down that matters, such as 3%.")]
OneThreadOption = Annotated[int | None, typer.Option("--threads", help="Threads of every variant; 1 by default.")]
CatalogueArgument = Annotated[list[str] | None, typer.Argument(metavar="[LAYER]...", help="The catalogue by default.")]


def check_format(form: str) -> None:
    """Refuse an unknown format before any work is done for it."""
    from benchmarks import grid
    from reports.render import FORMATS

    grid.chosen("format", [form], FORMATS)


def listed(text: str) -> tuple[str, ...]:
    """``1,16`` as ``("1", "16")``."""
    return tuple(part.strip() for part in text.split(",")) if text else ()
