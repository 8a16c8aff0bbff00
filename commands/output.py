"""What commands print and write."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import pandas as pd


def width() -> int:
    """The columns of the terminal."""
    return shutil.get_terminal_size((100, 24)).columns


def show(frame: "pd.DataFrame", form: str) -> None:
    """Print ``frame`` on stdout."""
    import reports

    typer.echo(reports.render(frame, form, width=width(), color=sys.stdout.isatty()), nl=False)


def save(path: Path, document: bytes) -> None:
    """Write a file that a person asked for, with the folder that it is to lie in."""
    from reports import ReportError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(document)
    except OSError as error:
        raise ReportError(f"{path} cannot be written: {error.strerror}") from error


def check_writable(path: Path) -> None:
    """Refuse a file that ``save`` could not write, before any work is done for it."""
    from reports import ReportError

    there = path.exists()
    if there and not (path.is_file() or path.is_dir()):
        return  # /dev/stdout, say, or a pipe that waits for a reader
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
        if not there:
            path.unlink()
    except OSError as error:
        raise ReportError(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def spending(budget: float) -> Iterator[Callable[[str, float], None]]:
    """A bar of time on stderr; gives the function that says what is going on and how many seconds are spent."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TimeElapsedColumn(), TextColumn("of {task.fields[limit]}: {task.description}"))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=budget, limit=timedelta(seconds=round(budget)))

        def advance(what: str, spent: float) -> None:
            if spent < bar.tasks[0].completed:  # the next gate, with a budget of its own
                bar.reset(task)
            bar.update(task, completed=spent, description=what)

        yield advance


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """A progress bar on stderr; gives the function that moves it on by one named step."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=total)
        yield lambda step: bar.update(task, advance=1, description=step)
