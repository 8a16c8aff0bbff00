"""What result files say."""

from pathlib import Path
from typing import Annotated

import typer

from commands import NOT_JUDGED, REGRESSED
from commands.options import RESULTS, FormatOption, ResultsArgument, check_format
from commands.output import show


def speedups(
    results: ResultsArgument = None,
    baseline: Annotated[str, typer.Option(help="The variant to compare with.")] = "imperative",
    form: FormatOption = "table",
) -> None:
    """Compare the variants in result files, by default the newest in results/."""
    import reports

    check_format(form)
    show(reports.speedups(reports.read(*(results or [reports.latest(RESULTS)])), baseline), form)


def report(
    results: ResultsArgument = None,
    folder: Annotated[Path, typer.Option("--output", "-o", help="The folder to write into.")] = Path("report"),
    baseline: Annotated[str | None, typer.Option(help="The variant to compare with; imperative by default.")] = None,
    github: Annotated[bool, typer.Option("--github", help="Print annotations for GitHub Actions.")] = False,
    fail: Annotated[
        bool, typer.Option("--fail-on-regression", help="Exit with 1 if a regression is still present, 3 if unknown.")
    ] = False,
) -> None:
    """Write a page, Markdown, JUnit XML, CSV and Parquet of result files, by default the newest in results/."""
    import reports

    found = reports.findings(results or [reports.latest(RESULTS)], baseline)
    written = reports.publish(found, folder)
    if github:
        typer.echo(reports.annotations(found), nl=False)
    typer.echo(", ".join(map(str, written)))
    for sentence in found.sentences:
        typer.echo(f"gluonmark: {sentence}", err=True)
    if fail and not found.judged:
        raise typer.Exit(NOT_JUDGED)
    if fail and found.regressions:
        raise typer.Exit(REGRESSED)
