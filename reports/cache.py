"""Remembers what a large folder of results held: one Parquet file in that folder, which may be deleted at any time.

Only files that have not changed since are taken from it, and only if the same reader wrote it.  Whatever is wrong with
the cache, the results themselves are read again.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow.parquet

from reports.files import DESCRIPTIONS, shown
from reports.frame import COLUMNS, Reading, Row, tidy, typed

FILE = ".gluonmark-cache.parquet"
DIGEST = 32  # bytes behind the table
ABOUT = b"gluonmark"  # the key of what the file says about itself

# Seconds.  A folder that is read sooner is not worth a file in it.
WORTH = 1.0

# By file, relative to the folder: its state, and the cases that it says were not measured.
Stamps = dict[str, list[int]]
Skipped = dict[str, list[Row]]


def stamps(folder: Path, files: Sequence[Path]) -> Stamps:
    """The state of each file, and of what describes it: sizes and times of the last change."""
    return {str(file.relative_to(folder)): [*_stamp(file), *_described(file.parent)] for file in files}


def recall(folder: Path, current: Stamps) -> tuple[pd.DataFrame, Skipped]:
    """What the cache holds of the files that are as they were: figures, and for each of them what was skipped."""
    try:
        table = _load(folder / FILE)
        about = json.loads(table.schema.metadata[ABOUT])
        if about["reader"] != reader():
            return tidy(Reading()), {}
        skipped = {name: about["skipped"][name] for name, stamp in about["files"].items() if current.get(name) == stamp}
        frame = table.to_pandas()
        sources = {shown(Path(name)): shown(folder / name) for name in skipped}
        frame = frame[frame["source"].isin(sources)].reset_index(drop=True)
        for name in about["mixed"]:
            frame[name] = frame[name].map(json.loads, na_action="ignore")
        frame[about["empty"]] = None
        frame["samples"] = [tuple(samples.tolist()) for samples in frame["samples"]]
        frame["source"] = frame["source"].map(sources)
        frame = typed(frame)
        frame.attrs = {"skipped": [case for cases in skipped.values() for case in cases], "problems": []}
        if not {*COLUMNS} <= {*frame.columns}:
            return tidy(Reading()), {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, pyarrow.ArrowException):  # absent or damaged
        return tidy(Reading()), {}
    return frame, skipped


def remember(folder: Path, frame: pd.DataFrame, current: Stamps, skipped: Skipped) -> None:
    """Write what the files in ``current`` held; a folder that cannot be written to has no cache."""
    frame = frame.copy(deep=False)
    frame.attrs = {}  # pandas would copy them at every step
    sources = {shown(folder / name): shown(Path(name)) for name in current}
    kept = frame[frame["source"].isin(sources)]
    empty = [name for name in kept.columns if kept[name].isna().all()]
    mixed = [name for name in kept.columns.difference([*empty, "samples"]) if kept[name].dtype == object]
    encoded = {name: kept[name].map(json.dumps, na_action="ignore") for name in mixed}
    kept = kept.assign(source=kept["source"].map(sources), samples=list(map(list, kept["samples"])), **encoded)
    about = {"reader": reader(), "files": current, "mixed": mixed, "empty": empty}
    about["skipped"] = {name: skipped[name] for name in current}
    table = pyarrow.Table.from_pandas(kept.drop(columns=empty), preserve_index=False)
    table = table.replace_schema_metadata({**table.schema.metadata, ABOUT: json.dumps(about)})
    _save(table, folder / FILE)


def _load(file: Path) -> pyarrow.Table:
    """The table that was saved.  Parquet does not notice every damage, so a digest stands behind it."""
    if not file.is_file():
        raise FileNotFoundError
    data = file.read_bytes()
    content, digest = data[:-DIGEST], data[-DIGEST:]
    if hashlib.sha256(content).digest() != digest:
        raise ValueError
    return pyarrow.parquet.read_table(pyarrow.BufferReader(content))


def _save(table: pyarrow.Table, file: Path) -> None:
    """``table`` with its digest as ``file``, all at once; nothing where that cannot be written."""
    buffer = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, buffer)
    content = buffer.getvalue().to_pybytes()
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        try:
            unfinished.write_bytes(content + hashlib.sha256(content).digest())
            os.replace(unfinished, file)
        finally:
            unfinished.unlink(missing_ok=True)


@cache
def reader() -> str:
    """Which reader this is: a hash of its source."""
    sources = (path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return hashlib.sha256(b"".join(sources)).hexdigest()


def _stamp(file: Path) -> tuple[int, int]:
    try:
        state = file.stat()
    except OSError:
        return 0, 0
    return state.st_size, state.st_mtime_ns


def _described(folder: Path) -> tuple[int, ...]:
    places = (where / name for where in (folder, folder.parent) for name in DESCRIPTIONS)
    return tuple(number for place in places for number in _stamp(place))
