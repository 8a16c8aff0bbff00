"""Whatever is in a result file, it is read or named, the file beside it is reported, and nothing raises.

``--damaged 0:20000`` tries more of them; the number of a file that fails is in the message.
"""

import math
import traceback
from pathlib import Path

import pytest
from damage import damaged

from reports import annotations, cache, findings, publish, read, render
from reports.read import _reading_or_problem

ALWAYS = "0:200"  # files of every run of the tests
CHUNK = 50  # of one test
EVERY = 20  # of so many files one goes all the way to a report: that takes longer


@pytest.fixture
def documents(asv_document, document, entry) -> list[dict]:
    """One of each kind of file."""
    parameters = [["'numba'", "'it''s'"], ["1", "16"]]
    stats = {"median": 0.5, "iqr": 0.1, "rounds": 25}
    rows = {
        "s.time_case": [[1e-3, None, math.nan, 4e-3], parameters, "v", 1, 2.0, [1e-3] * 4, [2e-3] * 4],
        "s.peakmem_all": [[2048], []],
        "s.time_broken": [None, [["1", "2"]]],
        "s.time_samples": [[1.0], [], "v", 1, 2.0, [0.5], [1.5], None, None, [1], [5], [[1.0, 2.0]]],
    }
    old = {"time_two": {"result": [2.0, 5.0], "stats": [{"ci_99": [1.0, 3.0]}, None], "params": [["'a'", "'b'"]]}}
    foreign = [{"fullname": "t.py::test_sized[1-x]", "params": {"size": 1, "cfg": {"a": [1]}}, "stats": stats}]
    cells = [("MyDense", variant, batch, "train") for variant in ("imperative", "numba") for batch in (1, 16)]
    skipped = [{"id": "a", "params": {"context": "gpu"}, "reason": "no GPU"}]
    return [
        asv_document(rows, env_vars={"GLUONMARK_THREADS": "2"}),
        {"results": {**old, "time_plain": 7.0}, "params": {"machine": "old"}, "commit_hash": "1" * 40, "date": 0},
        document([entry(cell, [1.0, 2.0]) for cell in cells], skipped=skipped),
        document(foreign, commit_info={}),
    ]


@pytest.fixture
def descriptions() -> dict:
    return {
        "s.time_case": {"param_names": ["variant", "batch"], "type": "time", "unit": "ms"},
        "s.peakmem_all": {"unit": "MB", "param_names": []},
        "version": 2,
    }


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each chunk of the numbers asked for."""
    if "seeds" in metafunc.fixturenames:
        begin, end = map(int, (metafunc.config.getoption("--damaged") or ALWAYS).split(":"))
        chunks = [range(first, min(first + CHUNK, end)) for first in range(begin, end, CHUNK)]
        metafunc.parametrize("seeds", chunks, ids=[f"{chunk.start}:{chunk.stop}" for chunk in chunks])


def test_damaged_files(seeds, monkeypatch, write, documents, descriptions, asv_document, tmp_path):
    good = asv_document({"s.time_good": [[1.0]]}, commit_hash="good", params={"machine": "good"})
    write("good/results/good.json", good)
    monkeypatch.setattr(cache, "WORTH", 0.0)
    failures = []
    for seed in seeds:
        folder = tmp_path / str(seed)
        (folder / "box").mkdir(parents=True)
        (folder / "benchmarks.json").write_bytes(damaged(descriptions, -1 - seed))
        for number, document in enumerate(documents):
            (folder / "box" / f"{number}.json").write_bytes(damaged(document, 10 * seed + number))
        try:
            read_or_named(folder, tmp_path / "good", tmp_path / "out" if seed % EVERY == 0 else None)
        except Exception as error:
            failures.append(f"--damaged {seed}:{seed + 1}: {''.join(traceback.format_exception(error)[-2:])}")
    assert not failures, "\n".join(failures)


def read_or_named(folder: Path, good: Path, out: Path | None) -> None:
    frame = read(folder, good)
    assert "s.time_good" in set(frame["benchmark"])
    assert frame["value"].map(math.isfinite).all()
    for problem in frame.attrs["problems"]:
        assert str(folder) in problem
        problem.encode()
    for file in (folder / "box").iterdir():
        alone = _reading_or_problem(file)
        assert alone.rows or alone.skipped or alone.problems
    if out is not None:
        again = read(folder, good)  # from its cache
        assert render(frame, "json") == render(again, "json")
        assert frame.attrs == again.attrs
        found = findings([folder, good])
        publish(found, out)
        annotations(found).encode()
