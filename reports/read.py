"""Finds result files, recognises their format and reads them all into one tidy frame."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from reports import asv, pytest_benchmark
from reports.error import ReportError
from reports.frame import Reading, tidy


class Format(Protocol):
    """One file format: a module that knows its documents and reads them."""

    def recognises(self, document: dict[str, Any]) -> bool:
        """Whether a parsed JSON object looks like this format."""

    def reading(self, document: dict[str, Any], path: Path) -> Reading:
        """Everything that the document holds; ``path`` is where it came from."""


FORMATS: tuple[Format, ...] = (pytest_benchmark, asv)
# asv keeps these beside its results; they describe machines and benchmarks and hold no measurement.
DESCRIPTIONS = ("machine.json", "benchmarks.json")


def read(*paths: str | Path) -> pd.DataFrame:
    """The tidy frame (see ``reports.frame``) of all results in files and folders, folders being searched in depth.

    A damaged file found in a folder is skipped and named in ``frame.attrs["problems"]``.  Raises ``ReportError`` if a
    path does not exist, if a file that was named is unusable, or if nothing usable was found.
    """
    if not paths:
        raise ReportError("no results were named: give result files or folders of asv or pytest-benchmark")
    readings: dict[Path, Reading] = {}  # by resolved path: a file that is named twice is still one result
    for path in map(Path, paths):
        files = list(_files(path))
        for file in files:
            if file.resolve() not in readings:
                readings[file.resolve()] = _reading(file, named=file == path)
        found = [readings[file.resolve()] for file in files]
        if not any(reading.rows or reading.skipped for reading in found):
            raise ReportError(_nothing_in(path, [problem for reading in found for problem in reading.problems]))
    everything = Reading()
    for reading in readings.values():
        everything.extend(reading)
    return tidy(everything)


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(file for file in path.rglob("*.json") if file.name not in DESCRIPTIONS and file.is_file())
    elif path.exists():
        yield path
    else:
        raise ReportError(f"{path}: there is no such file or folder")


def _reading(file: Path, *, named: bool) -> Reading:
    try:
        document = _document(file)
        return _format(document, file).reading(document, file)
    except ReportError as error:
        if named:
            raise
        return Reading(problems=[str(error)])


def _document(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        raise ReportError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ReportError(f"{file}: is not a complete JSON file ({error})") from error
    if not isinstance(document, dict):
        raise ReportError(f"{file}: holds no result of asv or pytest-benchmark, but a JSON {type(document).__name__}")
    return document


def _format(document: dict[str, Any], file: Path) -> Format:
    for known in FORMATS:
        if known.recognises(document):
            return known
    raise ReportError(f"{file}: is neither a result of asv (version 1 or 2) nor of pytest-benchmark (--benchmark-json)")


def _nothing_in(path: Path, problems: list[str]) -> str:
    if problems:
        more = f" (and {len(problems) - 1} more like it)" if len(problems) > 1 else ""
        return f"nothing in {path} could be used: {problems[0]}{more}"
    if path.is_dir():
        return f"{path}: the folder holds no result files (*.json) of asv or pytest-benchmark"
    return f"{path}: the file holds no measurements"
