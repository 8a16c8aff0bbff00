"""Finds the newest result file."""

from pathlib import Path

from reports.error import ReportError


def latest(folder: str | Path) -> Path:
    """The result file in ``folder`` that was written last.  Raises ``ReportError`` if there is none."""
    files = [file for file in Path(folder).glob("*.json") if file.is_file()]
    if not files:
        raise ReportError(f"{folder}: there are no results yet: run `gluonmark bench` first")
    return max(files, key=lambda file: (file.stat().st_mtime_ns, file.name))
