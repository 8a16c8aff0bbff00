"""Two commits side by side, and how far that is to be trusted."""

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import (
    RESULTS,
    ArgumentsOption,
    BatchesOption,
    CatalogueArgument,
    EngineOption,
    FormatOption,
    ModesOption,
    OneThreadOption,
    ShapeOption,
    ThresholdOption,
    VariantsOption,
    check_format,
    listed,
)
from commands.output import check_writable, save, show, spending, width

if TYPE_CHECKING:
    from benchmarks.side_by_side.stages import Choose
    from reports.verdict import Rules


def gate(
    base: Annotated[str, typer.Option(help="The commit to compare with: any name that git knows.")],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[LAYER]...", help="The catalogue by default; or path/file.py:Class.")
    ] = None,
    head: Annotated[str, typer.Option(help="The commit to judge; the working tree by default.")] = "",
    budget: Annotated[str, typer.Option(help="Time for all of it, such as 15m.")] = "15m",
    threshold: ThresholdOption = "3%",
    variants: VariantsOption = "",
    batches: BatchesOption = "",
    modes: ModesOption = "",
    threads: OneThreadOption = None,
    engine: EngineOption = None,
    build: Annotated[str, typer.Option(help="A command that builds a commit, run in its folder.")] = "",
    seed: Annotated[int | None, typer.Option(help="Decides what is drawn: orders, which side starts first.")] = None,
    arguments: ArgumentsOption = None,
    shapes: ShapeOption = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 if a case is inconclusive.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Write the verdict as JUnit XML into this file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write it as Markdown into this file.")] = None,
    form: FormatOption = "table",
) -> None:
    """Measure two commits side by side and judge whether the head is slower."""
    from benchmarks.side_by_side import plan, stages
    from benchmarks.side_by_side.errors import CannotJudgeError
    from benchmarks.side_by_side.record import Record
    from reports import verdict

    check_format(form)
    todo = plan.plan(
        plan.Request(
            base=base,
            head=head,
            layers=names or (),
            variants=listed(variants),
            batches=listed(batches),
            modes=listed(modes),
            arguments=tuple(arguments or ()),
            shapes=tuple(shapes or ()),
            budget=budget,
            threshold=threshold,
            threads=threads,
            engine=engine,
            build=build,
            seed=seed,
        )
    )
    for wanted in filter(None, (junit, markdown)):
        check_writable(wanted)
    rules = verdict.Rules(threshold=todo.threshold)
    try:
        with closing(Record.in_folder(RESULTS)) as record, spending(todo.budget) as advance:
            path = stages.run(todo, suspects(rules), record, advance)
    except CannotJudgeError as error:
        # Instead of what an earlier gate wrote there.
        if markdown is not None:
            save(markdown, verdict.no_comment(str(error)).encode())
        if junit is not None:
            save(junit, verdict.no_junit(str(error)))
        raise
    typer.echo(f"gluonmark: what was measured is in {path}", err=True)
    found = verdict.decide(verdict.frame(verdict.load(path)), rules)
    color = sys.stdout is not None and sys.stdout.isatty()
    typer.echo(verdict.printed(found, form, width=width(), color=color, strict=strict), nl=False)
    if junit is not None:
        save(junit, verdict.junit_xml(found))
    if markdown is not None:
        save(markdown, verdict.comment(found).encode())
    raise typer.Exit(found.code(strict))


def calibrate(
    names: CatalogueArgument = None,
    folder: Annotated[Path, typer.Option(help="Where the records are, and stay.")] = RESULTS / "calibration",
    base: Annotated[str, typer.Option(help="The commit that is compared with itself.")] = "HEAD",
    gates: Annotated[int, typer.Option(min=0, help="Gates of identical code.")] = 30,
    planted: Annotated[int, typer.Option(min=0, help="Gates with planted slow-downs.")] = 30,
    plants: Annotated[int, typer.Option(min=1, help="Cases of such a gate for each size of a slow-down.")] = 2,
    cases: Annotated[int, typer.Option(min=1, help="Cases of a gate, spread over the grid.")] = 40,
    budget: Annotated[str, typer.Option(help="Time for one gate, such as 15m.")] = "15m",
    threshold: ThresholdOption = "3%",
    variants: VariantsOption = "",
    batches: BatchesOption = "",
    modes: ModesOption = "",
    threads: OneThreadOption = None,
    engine: EngineOption = None,
    replays: Annotated[int, typer.Option(min=1, help="Gates that are replayed from recorded blocks.")] = 10_000,
    rivals: Annotated[int, typer.Option(min=1, help="Runs that the rules of other tools judge.")] = 500,
    form: FormatOption = "table",
) -> None:
    """Find out how often the gate is wrong on this machine, and what it finds in how many minutes.

    Measures identical code beside itself, and slowed on purpose.  What the folder holds is not measured again.
    """
    from benchmarks.side_by_side import calibration, plan
    from reports import verdict

    check_format(form)
    todo = plan.plan(
        plan.Request(
            base=base,
            head=base,
            layers=names or (),
            variants=listed(variants),
            batches=listed(batches),
            modes=listed(modes),
            budget=budget,
            threshold=threshold,
            threads=threads,
            engine=engine,
        )
    )
    rules = verdict.Rules(threshold=todo.threshold)
    with spending(todo.budget) as advance:
        calibration.run(calibration.Campaign(todo, folder, gates, planted, plants, cases), suspects(rules), advance)
    found = verdict.figures(verdict.records(folder), replays, rivals, rules)
    if form in ("json", "csv"):
        show(found, form)
    else:
        typer.echo(verdict.tables(found, form, width=width()), nl=False)


def suspects(rules: "Rules") -> "Choose":
    """What ``benchmarks`` asks between the stages of a gate: the decision is that of ``reports``."""
    from reports import verdict

    return lambda record: verdict.suspects(verdict.frame(verdict.load(record)), rules)
