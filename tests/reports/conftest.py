"""Result files of known content, made on the spot, and golden files beside these tests."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parent / "golden"
Cell = tuple[str, str, int, str]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with a golden file, or rewrites the file when asked to."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if request.config.getoption("--rewrite-golden", default=False):
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8")

    return compare


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, object], Path]:
    """Writes an object as JSON, or a text as it is, into a file under ``tmp_path``."""

    def writer(name: str, content: object) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return file

    return writer


@pytest.fixture
def entry() -> Callable[..., dict[str, Any]]:
    """One entry of our own result file: a cell in one round, with its samples in seconds."""

    def make(
        cell: Cell, samples: list[float], round_: int = 0, context: str = "cpu", **extra: object
    ) -> dict[str, Any]:
        layer, variant, batch, mode = cell
        parameters = {"layer": layer, "variant": variant, "batch": batch, "context": context, "mode": mode}
        name = f"test_case[{layer}-{variant}-{batch}-{context}-{mode}]"
        settings = {"threads": 2, "engine": "threaded", "dtype": "float32", "round": round_}
        return {
            "name": name,
            "fullname": f"test_cases.py::{name}",
            "params": parameters,
            "extra_info": {**parameters, **settings, **extra},
            "stats": {"data": samples, "iqr": 0.0, "rounds": len(samples)},
        }

    return make


@pytest.fixture
def document() -> Callable[..., dict[str, Any]]:
    """A whole pytest-benchmark document around some entries."""

    def make(entries: list[dict[str, Any]], **more: object) -> dict[str, Any]:
        return {
            "machine_info": {"node": "box", "python_implementation": "CPython", "python_version": "3.11.9"},
            "commit_info": {"id": "c0ffee" * 6, "time": "2026-03-04T05:06:07+02:00"},
            "benchmarks": entries,
            "datetime": "2026-03-05T00:00:00",
            "version": "5.3.0",
            **more,
        }

    return make


@pytest.fixture
def asv_document() -> Callable[..., dict[str, Any]]:
    """A version 2 result file of asv around some rows of results."""
    columns = ["result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b"]
    columns += ["stats_q_25", "stats_q_75", "stats_number", "stats_repeat", "samples", "profile"]

    def make(results: dict[str, Any], **more: object) -> dict[str, Any]:
        return {
            "commit_hash": "abcdef0123456789",
            "env_name": "virtualenv-py3.11",
            "date": 1_700_000_000_000,
            "params": {"machine": "box", "python": "3.11"},
            "python": "3.11",
            "requirements": {},
            "env_vars": {},
            "result_columns": columns,
            "results": results,
            "durations": {},
            "version": 2,
            **more,
        }

    return make


@pytest.fixture
def commits(write, asv_document) -> Callable[..., Path]:
    """Writes a folder of asv results, one file for each commit: ``seconds`` by benchmark, an item for each commit."""

    def writer(seconds: dict[str, list[float]], folder: str = "history", **more: dict[str, Any]) -> Path:
        for number in range(max(map(len, seconds.values()))):
            results = {name: [[values[number]]] for name, values in seconds.items()}
            about = {"commit_hash": f"{number:08x}" * 5, "date": 1_700_000_000_000 + 86_400_000 * number}
            file = write(f"{folder}/box/{number:03}.json", asv_document({**results, **more}, **about))
        return file.parents[1]

    return writer


@pytest.fixture
def wobbly() -> Callable[..., list[float]]:
    """A series around some levels, one value for each commit: half a per cent up and down, the same each time."""

    def make(*levels: float) -> list[float]:
        return [level * (1 + 0.001 * ((7 * place * place + 3 * place) % 11 - 5)) for place, level in enumerate(levels)]

    return make
