"""Finds result files, recognises their format and reads them all into one tidy frame."""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from reports import asv, cache, pytest_benchmark
from reports.cache import DESCRIPTIONS
from reports.error import ReportError
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

    A damaged file found in a folder is skipped and named in ``frame.attrs["problems"]``.  Raises ``ReportError`` if a
    path does not exist, if a file that was named is unusable, or if nothing usable was found.
    """
    if not paths:
        raise ReportError("no results were named: give result files or folders of asv or pytest-benchmark")
    seen: set[Path] = set()  # a file that is named twice is still one result
    frames = []
    for path in map(Path, paths):
        files = list(_files(path))
        resolved = {file: file.resolve() for file in files}
        fresh = [file for file in files if resolved[file] not in seen]
        seen.update(resolved.values())
        frame = _folder(path, fresh) if path.is_dir() else tidy(_reading(path)) if fresh else tidy(Reading())
        if len(fresh) == len(files) and frame.empty and not frame.attrs["skipped"]:
            raise ReportError(_nothing_in(path, frame.attrs["problems"]))
        frames.append(frame)
    return joined(frames)


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(file for file in path.rglob("*.json") if file.name not in DESCRIPTIONS and file.is_file())
    elif path.exists():
        yield path
    else:
        raise ReportError(f"{path}: there is no such file or folder")


def _folder(folder: Path, files: Sequence[Path]) -> pd.DataFrame:
    """What the files of a folder hold, as far as possible from its cache, which is then brought up to date."""
    started = time.monotonic()
    current = cache.stamps(folder, files)
    known, skipped = cache.recall(folder, current)
    everything = Reading()
    for file, name in zip(files, list(current), strict=True):
        if name not in skipped:
            found = _reading_or_problem(file)
            everything.extend(found)
            skipped[name] = found.skipped
            if found.problems:
                del current[name]  # it is read each time, to name them each time
    frame = joined([known, tidy(everything)]).sort_values("source", kind="stable", ignore_index=True)
    if everything.rows and time.monotonic() - started > cache.WORTH:
        cache.remember(folder, frame, current, skipped)
    return frame


def _reading(file: Path) -> Reading:
    document = _document(file)
    return _format(document, file).reading(document, file)


def _reading_or_problem(file: Path) -> Reading:
    try:
        return _reading(file)
    except ReportError as error:
        return Reading(problems=[str(error)])


def _document(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        raise ReportError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ReportError(f"{file}: is not a complete JSON file ({error})") from error
    if not isinstance(document, dict):
        kind = "null" if document is None else f"a JSON {type(document).__name__}"
        raise ReportError(f"{file}: holds no result of asv or pytest-benchmark, but {kind}")
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
