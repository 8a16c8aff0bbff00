"""What was measured is kept, whatever happens to the processes that measure."""

import json

import pytest

from benchmarks import bench, crew, grid
from benchmarks.clock import Sampling
from benchmarks.crew import WorkerDeathError, messages
from benchmarks.plan import Outside, Plan
from benchmarks.worker import Job

SHORT = Sampling(warm_up=0.001, window=0.0005, windows=3)

TREACHEROUS_LAYERS = """
import os, signal, time
from mxnet.gluon import nn

class Killed(nn.Block):
    def forward(self, x):
        os.kill(os.getpid(), signal.SIGKILL)

class Leaves(nn.Block):
    def forward(self, x):
        os._exit(7)

class Hangs(nn.Block):
    def forward(self, x):
        time.sleep(600)

class Fails(nn.Block):
    def forward(self, x):
        raise ZeroDivisionError("on purpose")

class Chatters(nn.Block):
    def forward(self, x):
        print("not a result")
        return x + 1
"""


@pytest.fixture
def outside(tmp_path):
    file = tmp_path / "treacherous.py"
    file.write_text(TREACHEROUS_LAYERS)
    return lambda name: {name: Outside(f"{file}:{name}", (), ("2,4",), 2)}


def plan(outside, rounds=1, layers=("MyDense",)):
    cells = grid.cells([*layers, *outside], ["imperative"], [2], ["cpu"], ["forward"])
    return Plan(cells, {}, rounds, SHORT, threads=1, engine="threaded", outside=outside)


def measure(todo, folder):
    steps = []
    outcome = bench.run(todo, folder, steps.append)
    document = json.loads(outcome.path.read_text())
    assert len(steps) == todo.measurements == len(document["benchmarks"]) + len(document["skipped"])
    assert outcome.measured == len(document["benchmarks"])
    assert sum(outcome.missing.values()) == len(document["skipped"])
    return document, outcome


def test_every_cell_and_round_is_an_entry_of_pytest_benchmark_s_format(tmp_path):
    cells = grid.cells(["MyDense", "CenteredLayer"], ["imperative"], [1, 2], ["cpu"])
    document, outcome = measure(Plan(cells, {}, 2, SHORT, threads=1, engine="naive"), tmp_path)
    assert {"machine_info", "commit_info", "benchmarks", "datetime", "version"} <= document.keys()
    assert not outcome.missing
    found = [(entry["param"], entry["extra_info"]["round"]) for entry in document["benchmarks"]]
    assert sorted(found) == sorted((cell.id, number) for cell in cells for number in (1, 2))
    for entry in document["benchmarks"]:
        assert entry["name"] == f"test_case[{entry['param']}]"
        assert grid.parse(entry["param"]).parameters == entry["params"]
        conditions = {"threads": 1, "engine": "naive", "inline_backward": True, "dtype": "float32"}
        assert entry["extra_info"].items() >= {**entry["params"], **conditions}.items()
        stats = entry["stats"]
        assert stats["rounds"] == len(stats["data"]) == SHORT.windows
        assert 0 < stats["min"] <= stats["median"] <= stats["max"]
        assert stats["iterations"] >= 1


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ("Killed", "the measuring process died of SIGKILL"),
        ("Leaves", "the measuring process failed: no message"),
    ],
)
def test_a_worker_that_dies_costs_only_what_it_had_not_measured(tmp_path, outside, layer, reason):
    document, outcome = measure(plan(outside(layer), rounds=4, layers=("MyDense", "CenteredLayer")), tmp_path)
    assert set(outcome.missing) == {reason}
    # The order differs from round to round: in four of them, some cells came before the treacherous one.
    assert document["benchmarks"]
    lost = [entry["round"] for entry in document["skipped"] if entry["params"]["layer"] == layer]
    assert sorted(lost) == [1, 2, 3, 4]


def test_a_cell_that_fails_takes_no_other_along(tmp_path, outside):
    document, outcome = measure(plan(outside("Fails")), tmp_path)
    assert outcome.missing == {"ZeroDivisionError: on purpose": 1}
    assert [entry["params"]["layer"] for entry in document["benchmarks"]] == ["MyDense"]


def test_what_a_layer_prints_is_no_result(tmp_path, outside):
    _, outcome = measure(plan(outside("Chatters")), tmp_path)
    assert outcome.measured == 2


def test_a_silent_worker_is_ended(outside):
    todo = plan(outside("Hangs"), layers=())
    job = Job(todo.cells, todo.sampling, 1, todo.outside)
    with pytest.raises(WorkerDeathError, match="was silent for 4 s and was ended"):
        list(messages(job, 1, "threaded", longest_silence=4))


def test_an_interrupt_keeps_what_was_measured(tmp_path):
    seen = []

    def advance(identifier):
        seen.append(identifier)
        if len(seen) == 2:
            raise KeyboardInterrupt

    todo = plan({}, rounds=3, layers=("MyDense", "CenteredLayer", "MyDensePair"))
    outcome = bench.run(todo, tmp_path, advance)
    document = json.loads(outcome.path.read_text())
    assert outcome.measured == len(document["benchmarks"]) == 2
    assert outcome.missing == {"the run was interrupted": 7} == {"the run was interrupted": len(document["skipped"])}


def test_a_worker_does_not_outlive_its_reader(outside):
    todo = plan(outside("Hangs"), layers=())
    said = messages(Job(todo.cells, todo.sampling, 1, todo.outside), 1, "threaded")
    assert "conditions" in next(said)
    worker = said.gi_frame.f_locals["worker"]
    said.close()
    assert worker.returncode is not None


def test_skipped_cells_are_in_the_file(tmp_path):
    gone = grid.cells(["MyDense"], ["imperative"], [2], ["gpu"], ["forward"])
    todo = Plan((), dict.fromkeys(gone, "no usable GPU: a test says so"), 1, SHORT, threads=1, engine="threaded")
    outcome = bench.run(todo, tmp_path, print)
    (entry,) = json.loads(outcome.path.read_text())["skipped"]
    assert entry == {"id": gone[0].id, "params": gone[0].parameters, "reason": todo.skipped[gone[0]], "round": None}
    assert not outcome.missing


def test_a_job_survives_the_way_to_its_worker():
    job = Job(grid.cells(batches=[3]), SHORT, 5, {"Mine": Outside("m.py:Mine", ("8",), ("4,16", "4:int32"), 4)})
    back = Job.from_json(job.to_json())
    assert (back.cells, back.sampling, back.seed) == (job.cells, job.sampling, job.seed)
    assert tuple(back.outside["Mine"].shapes) == ("4,16", "4:int32")


def test_the_suite_is_found_wherever_the_person_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (crew.SUITE / "benchmarks" / "worker.py").is_file()
    assert bench.run(plan({}), tmp_path, print).measured == 1
