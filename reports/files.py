"""Finds result files and loads them, whatever lies in a folder and whoever wrote it.

What is not a complete JSON object in a regular file of sensible size becomes a sentence that names the file.
"""

import json
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reports.error import ReportError

# asv keeps these in a result's folder or one up; they describe machines and benchmarks and hold no measurement.
DESCRIPTIONS = ("machine.json", "benchmarks.json")
# Bytes.  The largest result files in the wild have some 10 MB, and a JSON text may take ten times its size in memory.
LARGEST = 256 * 2**20
# Half of a character: JSON can write it, no encoding can.
WRITTEN_HALF = re.compile(r"\\u[dD][89a-fA-F]")
HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Found:
    """Files to read, in order, and a sentence for everything that should be one and cannot be."""

    files: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Document:
    """A JSON object; where a key stood twice, nobody knows what was meant: it is in ``problems`` and nowhere else."""

    content: dict[str, Any]
    problems: list[str]


def find(path: Path) -> Found:
    """The file ``path``, or the result files in the folder ``path`` and below; links to folders are not followed.

    Raises ``ReportError`` if there is nothing of that name.
    """
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError as error:
        raise ReportError(f"{shown(path)}: there is no such file or folder") from error
    except OSError as error:
        raise ReportError(f"{shown(path)}: cannot be read: {error.strerror}") from error
    if not is_folder:
        return Found([path])
    problems: list[str] = []
    return Found(sorted(_walk(path, problems)), problems)


def _walk(folder: Path, problems: list[str]) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        problems.append(f"{shown(Path(error.filename))}: cannot be read: {error.strerror}")

    for place, _, names in os.walk(folder, onerror=unreadable):
        yield from (Path(place, name) for name in names if name.endswith(".json") and name not in DESCRIPTIONS)


def load(file: Path) -> Document:
    """The JSON object in ``file``.  Raises ``ReportError`` if it holds none."""
    twice: list[str] = []

    def unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        repeated = {name for name, number in Counter(name for name, _ in pairs).items() if number > 1}
        twice.extend(sorted(repeated))
        return {name: value for name, value in found.items() if name not in repeated}

    try:
        text = _text(file)
        content = json.loads(text, object_pairs_hook=unambiguous)
        if WRITTEN_HALF.search(text):
            content = without_halves(content)
    except ReportError:
        raise
    except OSError as error:
        raise ReportError(f"{shown(file)}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ReportError(f"{shown(file)}: is not a complete JSON file ({error})") from error
    if not isinstance(content, dict):
        kind = "null" if content is None else f"a JSON {type(content).__name__}"
        raise ReportError(f"{shown(file)}: holds no result of asv or pytest-benchmark, but {kind}")
    return Document(content, [f"{shown(file)}: {name}: stands there twice, so it is not used" for name in twice])


def shown(path: Path) -> str:
    """``path`` as text; bytes that are no text in the encoding of the file system are written out."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def whole(text: str) -> str:
    """``text`` with the replacement character for every half of a character."""
    return HALF.sub("\N{REPLACEMENT CHARACTER}", text)


def _text(file: Path) -> str:
    """What is in ``file``; nothing else than a regular file is opened for long: a pipe would be waited for."""
    handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    with open(handle, "rb") as opened:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise ReportError(f"{shown(file)}: is no regular file")
        if about.st_size > LARGEST:
            raise ReportError(
                f"{shown(file)}: has {about.st_size:,} bytes, and no result file has more than {LARGEST:,}"
            )
        data = opened.read(LARGEST)
    return data.decode(json.detect_encoding(data))


def without_halves(value: Any) -> Any:
    """``value`` with every text in it ``whole``."""
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, list):
        return [without_halves(item) for item in value]
    if isinstance(value, dict):
        return {without_halves(name): without_halves(item) for name, item in value.items()}
    return value
