"""The cache of a folder: the same frame as without it, whatever changed or broke since."""

import json
import math
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from reports import cache, read
from reports.frame import COLUMNS

PARAMETERS = [["'a'", "2"]]


@pytest.fixture
def folder(write, asv_document, monkeypatch) -> Path:
    """A folder of results that is read through a cache, however small it is."""
    monkeypatch.setattr(cache, "WORTH", 0.0)
    for number in range(3):
        results = {"time_it": [[number + 1.0, math.nan], PARAMETERS], "track_it": [[5.0]]}
        write(f"machine/{number}.json", asv_document(results, commit_hash=str(number)))
    return write("machine/3.json", asv_document({"time_other": [[7.0]]})).parent


@pytest.fixture
def parsed(monkeypatch) -> list[str]:
    """The names of the files that are parsed from now on."""
    names: list[str] = []
    module = sys.modules["reports.read"]  # the package gives its name to the function
    original = module.load
    monkeypatch.setattr(module, "load", lambda file: names.append(file.name) or original(file))
    return names


def same(first: pd.DataFrame, second: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(first, second)
    assert first.attrs == second.attrs


def test_a_second_read_parses_nothing_and_gives_the_same_frame(folder, parsed):
    first = read(folder)
    assert len(parsed) == 4
    same(first, read(folder))
    assert len(parsed) == 4
    assert first.attrs["skipped"]


def test_only_what_changed_or_is_new_is_read_again(folder, write, asv_document, parsed):
    read(folder)
    parsed.clear()
    write("machine/1.json", asv_document({"time_it": [[10.0]]}))
    write("machine/4.json", asv_document({"time_it": [[11.0]]}))
    (folder / "0.json").unlink()
    found = read(folder)
    assert parsed == ["1.json", "4.json"]
    (folder / cache.FILE).unlink()
    same(found, read(folder))


def test_a_change_of_what_describes_the_benchmarks_counts(folder, parsed):
    read(folder)
    parsed.clear()
    (folder / "benchmarks.json").write_text('{"track_it": {"unit": "MB"}}')
    found = read(folder)
    assert len(parsed) == 4
    assert "bytes" in found["unit"].tolist()


def test_a_damaged_file_is_named_each_time(folder):
    (folder / "bad.json").write_text("{")
    first = read(folder)
    same(first, read(folder))
    assert "bad.json" in first.attrs["problems"][0]


@pytest.mark.parametrize("content", [b"", b"PAR1 and nothing more", b"PAR1" * 1000])
def test_a_damaged_cache_is_no_cache(folder, content):
    first = read(folder)
    (folder / cache.FILE).write_bytes(content)
    same(first, read(folder))


def test_a_cache_of_another_reader_is_no_cache(folder, parsed, monkeypatch):
    read(folder)
    parsed.clear()
    monkeypatch.setattr(cache, "reader", lambda: "another")
    read(folder)
    assert len(parsed) == 4


def test_a_folder_that_cannot_be_written_to_is_read(folder):
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("nothing is read-only for this user")
    assert len(read(folder)) == 7
    assert not (folder / cache.FILE).exists()


def test_a_small_folder_gets_no_cache(folder, monkeypatch):
    monkeypatch.setattr(cache, "WORTH", 1e9)
    read(folder)
    assert not (folder / cache.FILE).exists()


def test_a_cache_with_any_byte_changed_is_right_or_no_cache(folder):
    first = read(folder)
    whole = (folder / cache.FILE).read_bytes()
    draw = random.Random(5)
    for _ in range(40):
        place = draw.randrange(len(whole))
        data = whole[:place] if draw.random() < 0.2 else whole[:place] + draw.randbytes(4) + whole[place + 4 :]
        (folder / cache.FILE).write_bytes(data)
        same(first, read(folder))


@pytest.mark.parametrize("change", ["files", "skipped", "mixed", "empty", "reader"])
@pytest.mark.parametrize("value", [None, 3, "x", [1], {"a": 1}, {"0.json": None}, {"0.json": [[], {}]}])
def test_a_cache_that_says_something_else_about_itself_is_no_cache(folder, change, value):
    first = read(folder)
    table = cache._load(folder / cache.FILE)
    about = {**json.loads(table.schema.metadata[cache.ABOUT]), change: value}
    table = table.replace_schema_metadata({**table.schema.metadata, cache.ABOUT: json.dumps(about)})
    cache._save(table, folder / cache.FILE)
    same(first, read(folder))


def test_something_else_in_the_place_of_the_cache(folder):
    first = read(folder)
    (folder / cache.FILE).unlink()
    (folder / cache.FILE).mkdir()
    (folder / cache.FILE / "file").write_text("x")
    same(first, read(folder))
    shutil.rmtree(folder / cache.FILE)
    os.mkfifo(folder / cache.FILE)
    same(first, read(folder))
    same(first, read(folder))


def test_a_disk_that_is_full(folder, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert len(read(folder)) == 7
    assert sorted(path.name for path in folder.iterdir()) == ["0.json", "1.json", "2.json", "3.json"]


def test_several_processes_at_once(folder):
    code = "import sys; from reports import cache, read; cache.WORTH = 0.0; print(len(read(sys.argv[1])))"
    start = [sys.executable, "-c", code, str(folder)]
    processes = [subprocess.Popen(start, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate(timeout=500)[0] for process in processes] == ["7\n"] * 3
    assert [path.name for path in folder.iterdir() if path.name.startswith(cache.FILE)] == [cache.FILE]


def test_a_cache_without_a_column_is_no_cache(folder):
    first = read(folder)
    table = cache._load(folder / cache.FILE)
    for name in set(COLUMNS) & set(table.column_names):
        cache._save(table.drop_columns([name]), folder / cache.FILE)
        same(first, read(folder))


def test_a_folder_whose_name_is_no_text_has_a_cache(folder, asv_document, parsed):
    inner = folder / os.fsdecode(b"\xff")
    inner.mkdir()
    (inner / "a.json").write_text(json.dumps(asv_document({"time_x": [[1.0]]}, params=None)))
    first = read(folder)
    parsed.clear()
    same(first, read(folder))
    assert not parsed
