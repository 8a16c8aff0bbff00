"""Measuring the grid."""

from typing import TYPE_CHECKING, Annotated

import typer

from commands import NOT_JUDGED
from commands.options import (
    RESULTS,
    ArgumentsOption,
    BatchesOption,
    CatalogueArgument,
    EngineOption,
    FormatOption,
    ModesOption,
    ShapeOption,
    VariantsOption,
    check_format,
    listed,
)
from commands.output import progress, show

if TYPE_CHECKING:
    from benchmarks.bench import Outcome


def bench(
    names: CatalogueArgument = None,
    profile: Annotated[str, typer.Option(help="quick, regular or full.")] = "quick",
    variants: VariantsOption = "",
    batches: BatchesOption = "",
    modes: ModesOption = "",
    threads: Annotated[int | None, typer.Option(help="Threads of every variant; 2 by default.")] = None,
    engine: EngineOption = None,
    rounds: Annotated[int | None, typer.Option(help="Fresh processes; the profile's number by default.")] = None,
    arguments: ArgumentsOption = None,
    shapes: ShapeOption = None,
    form: FormatOption = "table",
) -> None:
    """Measure the grid, write a result file into results/, and print the speed-ups."""
    from benchmarks import bench
    from benchmarks.plan import Request, plan

    check_format(form)
    request = Request(
        layers=names or (),
        profile=profile,
        variants=listed(variants),
        batches=listed(batches),
        modes=listed(modes),
        threads=threads,
        engine=engine,
        rounds=rounds,
        arguments=tuple(arguments or ()),
        shapes=tuple(shapes or ()),
    )
    todo = plan(request)
    with progress(todo.measurements) as advance:
        outcome = bench.run(todo, RESULTS, advance)
    conclude(outcome, form)


def conclude(outcome: "Outcome", form: str) -> None:
    """Print what ``bench`` found; exit code 3 if not everything could be measured."""
    import reports

    for reason, number in outcome.missing.items():
        typer.echo(f"gluonmark: {number} measurements are missing: {reason}", err=True)
    for remark in outcome.remarks if form in ("json", "csv") else ():  # the other formats hold them
        typer.echo(f"gluonmark: {remark}", err=True)
    typer.echo(f"gluonmark: {outcome.measured} measurements are in {outcome.path}", err=True)
    if outcome.measured:
        frame = reports.read(outcome.path)
        baselines = frame["variant"].unique()
        show(reports.speedups(frame, "imperative" if "imperative" in baselines else baselines[0]), form)
        try:
            typer.echo(f"gluonmark: the page with charts is {reports.page_beside(outcome.path)}", err=True)
        except reports.ReportError as error:  # what was measured is in its file all the same
            typer.echo(f"gluonmark: {error}", err=True)
    if outcome.missing:
        raise typer.Exit(NOT_JUDGED)
