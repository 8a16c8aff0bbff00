"""The newest result file of a folder."""

import os

import pytest

from reports import ReportError, latest


def test_the_file_written_last(tmp_path):
    for name, moment in (("b.json", 100), ("c.json", 300), ("a.json", 200), ("z.txt", 999)):
        (tmp_path / name).write_text("{}")
        os.utime(tmp_path / name, (moment, moment))
    assert latest(tmp_path) == tmp_path / "c.json"


@pytest.mark.parametrize("folder", ["empty", "missing"])
def test_no_results_yet(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReportError, match="there are no results yet: run `gluonmark bench` first"):
        latest(tmp_path / folder)
