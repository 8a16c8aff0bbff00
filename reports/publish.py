"""Writes a report: a folder of files, each made from the same findings."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from reports import junit, pull_request
from reports.cells import csv, parquet
from reports.error import ReportError
from reports.files import shown
from reports.findings import DEFAULT_BASELINE, Findings, findings

PAGE = "index.html"


def page(found: Findings) -> str:
    """The HTML page; the library that draws its charts is only loaded for it."""
    from reports.page import page

    baseline = found.baseline or DEFAULT_BASELINE
    return page(found.frame, found.title, baseline=baseline, moved=found.changes)


FILES: Mapping[str, Callable[[Findings], str | bytes]] = {
    PAGE: page,
    "report.md": pull_request.printed,
    "junit.xml": junit.printed,
    "cases.csv": lambda found: csv(found.frame),
    "cases.parquet": lambda found: parquet(found.frame),
    "regressions.csv": lambda found: csv(found.changes),
}


def publish(found: Findings, folder: Path) -> tuple[Path, ...]:
    """Write every file of ``FILES`` into ``folder``, which is made if need be, and return their paths.

    A file that is there is replaced at once.  Raises ``ReportError`` if the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, make in FILES.items():
            _write(folder / name, make(found))
    except OSError as error:
        raise ReportError(f"the report cannot be written to {shown(folder)}: {error.strerror}") from error
    return tuple(folder / name for name in FILES)


def page_beside(results: Path) -> Path:
    """The page on the file ``results`` alone, written beside it under the same name.

    Raises ``ReportError`` if it cannot be written.
    """
    file = results.with_suffix(".html")
    try:
        _write(file, page(findings([results])))
    except (OSError, ImportError) as error:
        raise ReportError(f"the page {shown(file)} cannot be written: {error}") from error
    return file


def _write(file: Path, content: str | bytes) -> None:
    """``file`` with ``content``, all of it or nothing."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(unfinished, file)
    finally:
        unfinished.unlink(missing_ok=True)
