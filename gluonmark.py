"""The command line: parses, delegates to ``layers``, ``kernels``, ``benchmarks`` and ``reports``, and prints.

The rooms are imported inside the commands, so that ``--help`` is quick and ``speedups`` needs neither MXNet nor Numba.
Exit codes: 0 done, 1 a regression, 2 wrong usage or input, 3 could not judge.
"""

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks.bench import Outcome
    from benchmarks.side_by_side.stages import Choose
    from reports.verdict import Rules

RESULTS = Path("results")
REGRESSED, WRONG_INPUT, NOT_JUDGED = 1, 2, 3
CTRL_C = 130  # the exit code that Typer makes of it

app = typer.Typer(add_completion=False, rich_markup_mode=None)

ResultsArgument = Annotated[
    list[Path] | None, typer.Argument(help="Result files or folders of gluonmark, pytest or asv.")
]
FormatOption = Annotated[str, typer.Option("--format", help="table, json, csv or markdown.")]
ArgumentsOption = Annotated[list[str] | None, typer.Option("--args", help="Constructor argument: 8 or units=8.")]
ShapeOption = Annotated[
    list[str] | None,
    typer.Option("--shape", help="Whole shape of one input of a layer of your own: 4,16 or 4,16:int32."),
]


@app.callback()
def describe(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,  # noqa: ARG001 (run() reads it)
) -> None:
    """Generate, measure and compare the variants of Gluon layers.

    LAYER is a name of the catalogue, path/to/file.py:Class or package.module:Class.
    """
    from benchmarks import process

    process.check(os.environ)


@app.command()
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


@app.command()
def operators(form: FormatOption = "table") -> None:
    """List MXNet's operators that the numba variant takes, and what it makes of them."""
    import pandas as pd

    from kernels.inventory import inventory

    check_format(form)
    show(pd.DataFrame([known.row() for known in inventory()]), form)


@app.command()
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


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(metavar="[LAYER]...", help="The catalogue by default.")] = None,
    profile: Annotated[str, typer.Option(help="quick, regular or full.")] = "quick",
    variants: Annotated[str, typer.Option(help="Such as imperative,numba.")] = "",
    batches: Annotated[str, typer.Option(help="Such as 1,16.")] = "",
    modes: Annotated[str, typer.Option(help="Such as forward,train; all by default.")] = "",
    threads: Annotated[int | None, typer.Option(help="Threads of every variant; 2 by default.")] = None,
    engine: Annotated[str | None, typer.Option(help="threaded or naive.")] = None,
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


@app.command()
def gate(
    base: Annotated[str, typer.Option(help="The commit to compare with: any name that git knows.")],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[LAYER]...", help="The catalogue by default; or path/file.py:Class.")
    ] = None,
    head: Annotated[str, typer.Option(help="The commit to judge; the working tree by default.")] = "",
    budget: Annotated[str, typer.Option(help="Time for all of it, such as 15m.")] = "15m",
    threshold: Annotated[str, typer.Option(help="The slow-down that matters, such as 3%.")] = "3%",
    variants: Annotated[str, typer.Option(help="Such as imperative,numba.")] = "",
    batches: Annotated[str, typer.Option(help="Such as 1,16.")] = "",
    modes: Annotated[str, typer.Option(help="Such as forward,train; all by default.")] = "",
    threads: Annotated[int | None, typer.Option(help="Threads of every variant; 1 by default.")] = None,
    engine: Annotated[str | None, typer.Option(help="threaded or naive.")] = None,
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
    rules = verdict.Rules(threshold=todo.threshold)
    with closing(Record.in_folder(RESULTS)) as record, spending(todo.budget) as advance:
        path = stages.run(todo, suspects(rules), record, advance)
    typer.echo(f"gluonmark: what was measured is in {path}", err=True)
    found = verdict.decide(verdict.frame(verdict.load(path)), rules)
    if junit is not None:
        save(junit, verdict.junit_xml(found))
    if markdown is not None:
        save(markdown, verdict.comment(found).encode())
    width = shutil.get_terminal_size((100, 24)).columns
    typer.echo(verdict.printed(found, form, width=width, color=sys.stdout.isatty()), nl=False)
    raise typer.Exit(found.code(strict))


@app.command()
def calibrate(
    names: Annotated[list[str] | None, typer.Argument(metavar="[LAYER]...", help="The catalogue by default.")] = None,
    folder: Annotated[Path, typer.Option(help="Where the records are, and stay.")] = RESULTS / "calibration",
    base: Annotated[str, typer.Option(help="The commit that is compared with itself.")] = "HEAD",
    gates: Annotated[int, typer.Option(min=0, help="Gates of identical code.")] = 30,
    planted: Annotated[int, typer.Option(min=0, help="Gates with planted slow-downs.")] = 30,
    plants: Annotated[int, typer.Option(min=1, help="Cases of such a gate for each size of a slow-down.")] = 2,
    cases: Annotated[int, typer.Option(min=1, help="Cases of a gate, spread over the grid.")] = 40,
    budget: Annotated[str, typer.Option(help="Time for one gate, such as 15m.")] = "15m",
    threshold: Annotated[str, typer.Option(help="The slow-down that matters, such as 3%.")] = "3%",
    variants: Annotated[str, typer.Option(help="Such as imperative,numba.")] = "",
    batches: Annotated[str, typer.Option(help="Such as 1,16.")] = "",
    modes: Annotated[str, typer.Option(help="Such as forward,train; all by default.")] = "",
    threads: Annotated[int | None, typer.Option(help="Threads of every variant; 1 by default.")] = None,
    engine: Annotated[str | None, typer.Option(help="threaded or naive.")] = None,
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
        width = shutil.get_terminal_size((100, 24)).columns
        typer.echo(verdict.tables(found, form, width=width), nl=False)


def suspects(rules: "Rules") -> "Choose":
    """What ``benchmarks`` asks between the stages of a gate: the decision is that of ``reports``."""
    from reports import verdict

    return lambda record: verdict.suspects(verdict.frame(verdict.load(record)), rules)


@app.command()
def speedups(
    results: ResultsArgument = None,
    baseline: Annotated[str, typer.Option(help="The variant to compare with.")] = "imperative",
    form: FormatOption = "table",
) -> None:
    """Compare the variants in result files, by default the newest in results/."""
    import reports

    check_format(form)
    show(reports.speedups(reports.read(*(results or [reports.latest(RESULTS)])), baseline), form)


@app.command()
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


def show(frame: "pd.DataFrame", form: str) -> None:
    """Print ``frame`` on stdout."""
    import reports

    width = shutil.get_terminal_size((100, 24)).columns
    typer.echo(reports.render(frame, form, width=width, color=sys.stdout.isatty()), nl=False)


def check_format(form: str) -> None:
    """Refuse an unknown format before any work is done for it."""
    from benchmarks import grid
    from reports.render import FORMATS

    grid.chosen("format", [form], FORMATS)


def listed(text: str) -> tuple[str, ...]:
    """``1,16`` as ``("1", "16")``."""
    return tuple(part.strip() for part in text.split(",")) if text else ()


def save(path: Path, document: bytes) -> None:
    """Write a file that a person asked for, with the folder that it is to lie in."""
    from reports import ReportError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(document)
    except OSError as error:
        raise ReportError(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def spending(budget: float) -> Iterator[Callable[[str, float], None]]:
    """A bar of time on stderr; gives the function that says what is going on and how many seconds are spent."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TimeElapsedColumn(), TextColumn("of {task.fields[limit]}: {task.description}"))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=budget, limit=f"{budget / 60:.3g} min")
        yield lambda what, spent: bar.update(task, completed=spent, description=what)


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """A progress bar on stderr; gives the function that moves it on by one named step."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=total)
        yield lambda step: bar.update(task, advance=1, description=step)


def room_errors() -> tuple[type[Exception], ...]:
    """What the rooms raise for wrong input.  A room that was not imported has raised nothing."""
    names = {"benchmarks.grid": "CaseError", "layers": "LayerError", "kernels": "KernelError", "reports": "ReportError"}
    return tuple(getattr(sys.modules[room], name) for room, name in names.items() if room in sys.modules)


def circumstances() -> tuple[type[Exception], ...]:
    """What the gate raises where no verdict is possible, whatever one types."""
    errors = sys.modules.get("benchmarks.side_by_side.errors")
    return () if errors is None else (errors.CannotJudgeError,)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; errors are one sentence on stderr, after a traceback with --debug."""
    debug = "--debug" in arguments
    try:
        code = app([argument for argument in arguments if argument != "--debug"], standalone_mode=False)
    except Exception as error:
        if debug:
            traceback.print_exc()
        if isinstance(error, typer.TyperException):
            return complain(error.format_message(), WRONG_INPUT)
        if isinstance(error, room_errors()):
            return complain(str(error), WRONG_INPUT)
        if isinstance(error, circumstances()):
            return complain(str(error), NOT_JUDGED)
        said = traceback.TracebackException(type(error), error, None)  # str(error) may itself fail
        return complain(f"unexpected {type(error).__name__}: {said} (--debug shows where)", NOT_JUDGED)
    return complain("interrupted", NOT_JUDGED) if code == CTRL_C else int(code or 0)


def complain(sentence: str, code: int) -> int:
    """Print one sentence on stderr and return ``code``; names in it come from anywhere and move no cursor."""
    told = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in " ".join(sentence.split()))
    typer.echo(f"gluonmark: {told}", err=True)
    return code


def main() -> None:
    """The console script."""
    with suppress(OSError):  # the folder may have been deleted
        sys.path.append(os.getcwd())  # for package.module:Class
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `gluonmark … | head` is no regression
    if sys.stdout is not None:
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
