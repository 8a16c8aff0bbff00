"""Finds result files, recognises their format and reads them all into one tidy frame."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from reports import asv, cache, pytest_benchmark
from reports.error import ReportError
from reports.files import find, load, shown
from reports.frame import Reading, joined, tidy


class Format(Protocol):
    """One file format: a module that knows its documents and reads them."""

    def recognises(self, document: dict[str, Any]) -> bool:
        """Whether a parsed JSON object looks like this format."""

    def reading(self, document: dict[str, Any], path: Path) -> Reading:
        """Everything that the document holds; ``path`` is where it came from."""


FORMATS: tuple[Format, ...] = (pytest_benchmark, asv)


def read(*paths: str | Path) -> pd.DataFrame:
    """The tidy frame (see ``reports.frame``) of all results in files and folders, folders being searched in depth.

    What cannot be used is skipped and named in ``frame.attrs["problems"]``.  Raises ``ReportError`` if a path does not
    exist or cannot be opened, or if nothing usable was found.
    """
    if not paths:
        raise ReportError("no results were named: give result files or folders of asv or pytest-benchmark")
    seen: set[str] = set()  # a file that is named twice, or linked to, is still one result
    frames = [_path(path, seen) for path in map(Path, paths)]
    frame = joined(frames)
    if frame.empty and not frame.attrs["skipped"]:
        raise ReportError(_nothing_in(list(map(Path, paths)), frame.attrs["problems"]))
    return frame


def _path(path: Path, seen: set[str]) -> pd.DataFrame:
    """What ``path`` holds beside the files in ``seen``, to which its own are added."""
    found = find(path)
    files = []
    for file in found.files:
        real = os.path.realpath(file)
        if real not in seen:
            seen.add(real)
            files.append(file)
    frame = _folder(path, files) if path.is_dir() else tidy(_together(files))
    problems = [*found.problems, *frame.attrs["problems"]]
    if not found.files and not problems:
        problems = [f"{shown(path)}: the folder holds no result files (*.json) of asv or pytest-benchmark"]
    frame.attrs["problems"] = problems
    return frame


def _folder(folder: Path, files: Sequence[Path]) -> pd.DataFrame:
    """What the files of a folder hold, as far as possible from its cache, which is then brought up to date."""
    started = time.monotonic()
    current = cache.stamps(folder, files)
    names = list(current)
    known, skipped = cache.recall(folder, current)
    everything = Reading()
    for file, name in zip(files, names, strict=True):
        if name not in skipped:
            found = _reading_or_problem(file)
            everything.extend(found)
            skipped[name] = found.skipped
            if found.problems:
                del current[name]  # it is read each time, to name them each time
    frame = joined([known, tidy(everything)]).sort_values("source", kind="stable", ignore_index=True)
    frame.attrs["skipped"] = [case for name in names for case in skipped[name]]
    if everything.rows and time.monotonic() - started > cache.WORTH:
        cache.remember(folder, frame, current, skipped)
    return frame


def _together(files: Sequence[Path]) -> Reading:
    everything = Reading()
    for file in files:
        everything.extend(_reading_or_problem(file))
    return everything


def _reading_or_problem(file: Path) -> Reading:
    try:
        document = load(file)
        result = _format(document.content, file).reading(document.content, file)
    except ReportError as error:
        return Reading(problems=[str(error)])
    result.problems.extend(document.problems)
    if not (result.rows or result.skipped or result.problems):
        result.problems.append(f"{shown(file)}: the file holds no measurements")
    return result


def _format(document: dict[str, Any], file: Path) -> Format:
    for known in FORMATS:
        if known.recognises(document):
            return known
    raise ReportError(
        f"{shown(file)}: is neither a result of asv (version 1 or 2) nor of pytest-benchmark (--benchmark-json)"
    )


def _nothing_in(paths: Sequence[Path], problems: Sequence[str]) -> str:
    if len(paths) == len(problems) == 1:
        return problems[0]
    more = f" (and {len(problems) - 1} more like it)" if len(problems) > 1 else ""
    return f"nothing in {', '.join(map(shown, paths))} could be used: {problems[0]}{more}"
