"""The command line: parses, delegates to ``commands/``, and says what went wrong.

Exit codes: 0 done, 1 a regression, 2 wrong usage or input, 3 could not judge.
"""

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer

from commands import NOT_JUDGED, WRONG_INPUT, bench, catalogue, gate, prepare, results

CTRL_C = 130  # the exit code that Typer makes of it

app = typer.Typer(add_completion=False, rich_markup_mode=None)
for command in (
    catalogue.layers,
    catalogue.operators,
    catalogue.source,
    prepare.prepare,
    bench.bench,
    gate.gate,
    gate.calibrate,
    results.speedups,
    results.report,
):
    app.command()(command)


@app.callback()
def describe(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,  # noqa: ARG001 (run() reads it)
) -> None:
    """Generate, measure and compare the variants of Gluon layers.

    LAYER is a name of the catalogue, path/to/file.py:Class or package.module:Class.
    """
    from benchmarks import process

    process.check(os.environ)


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
