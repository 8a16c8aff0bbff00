"""What the commands print for people and for programs."""

import csv
import io
import json
import signal
import time

import pytest

import gluonmark
import layers

COLUMNS = (
    *("layer", "variant", "batch", "context", "mode", "threads", "seconds", "samples_per_second"),
    *("speedup", "speedup_lower", "speedup_upper", "baseline"),
)


def printed(capsys, *arguments):
    assert gluonmark.run(arguments) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_layers_lists_the_catalogue(capsys, form):
    text = printed(capsys, "layers", "--format", form)
    assert all(name in text for name in layers.names())


def test_layers_says_formula_input_and_parameters(capsys):
    rows = {row["layer"]: row for row in json.loads(printed(capsys, "layers", "--format", "json"))}
    assert rows["MyDense"]["input"] == "batch, 256"
    assert rows["MyDense"]["parameters"] == "weight (256, 256); bias (256,)"
    assert rows["CenteredLayer"]["formula"] == layers.load("CenteredLayer").formula


@pytest.mark.usefixtures("person")
@pytest.mark.parametrize("variant", ["hybridized", "hybridized-static", "numba"])
def test_source_of_a_layer_of_one_s_own_compiles(capsys, variant):
    command = ["source", "my_layer.py:MyLayer", "--args", "8", "--shape", "4,16", "--variant", variant]
    compile(printed(capsys, *command), "generated", "exec")


@pytest.mark.usefixtures("person")
def test_source_of_a_network_begins_with_its_parts(capsys):
    text = printed(capsys, "source", "my_layer.py:Network", "--shape", "2,1,5,5")
    compile(text, "generated", "exec")
    title, _, *rows = text.partition("\n\n")[0].splitlines()
    assert title == "# Network in parts, the kernels of the compiled ones below"
    assert [row.split()[1:3] for row in rows] == [["mxnet", "0"], ["numba", "1"]]
    assert "Conv2D calls the operator Convolution at mxnet conv_layers.py:" in rows[0]
    assert rows[1].endswith("1 to 2  Activation, Dense")


@pytest.mark.usefixtures("person")
def test_bench_measures_a_network_in_parts(capsys):
    command = ["bench", "my_layer.py:Network", "--shape", "2,1,5,5", "--rounds", "1", "--modes", "train"]
    rows = json.loads(printed(capsys, *command, "--variants", "imperative,numba", "--format", "json"))
    assert [row["variant"] for row in rows] == ["imperative", "numba"]


def test_bench_measures_and_prints_long_rows(person, capsys):
    command = ["bench", "MyDense", "--variants", "imperative,numba", "--batches", "1,2", "--modes", "train"]
    rows = json.loads(printed(capsys, *command, "--rounds", "2", "--threads", "1", "--format", "json"))
    assert [tuple(row)[: len(COLUMNS)] for row in rows] == [COLUMNS] * 4
    assert {(row["variant"], row["batch"]) for row in rows} == {(v, b) for v in ("imperative", "numba") for b in (1, 2)}
    assert all(row["threads"] == 1 and row["seconds"] > 0 for row in rows)
    assert len(list((person / "results").glob("*.json"))) == 1
    # The same file again, by the default of speedups.
    again = list(csv.DictReader(io.StringIO(printed(capsys, "speedups", "--format", "csv"))))
    assert [float(row["speedup"]) for row in again] == pytest.approx([row["speedup"] for row in rows])
    by_numba = json.loads(printed(capsys, "speedups", "--baseline", "numba", "--format", "json"))
    assert {row["baseline"] for row in by_numba} == {"numba"}


@pytest.mark.usefixtures("person")
def test_bench_measures_a_layer_of_one_s_own(capsys):
    command = ["bench", "my_layer.py:MyLayer", "--args", "2", "--shape", "4,16", "--rounds", "1", "--format", "json"]
    rows = json.loads(printed(capsys, *command))
    assert {(row["layer"], row["batch"]) for row in rows} == {("MyLayer", 4)}
    assert len(rows) == 8


@pytest.mark.usefixtures("person")
@pytest.mark.parametrize("variant", ["hybridized", "numba"])
def test_source_of_a_layer_with_several_inputs_names_them(capsys, variant):
    command = ["source", "my_layer.py:Mixes", "--shape", "4,16", "--shape", "16,8", "--variant", variant]
    for dtype in ("float32", "float64"):
        text = printed(capsys, *command, "--dtype", dtype)
        compile(text, "generated", "exec")
        assert "x(n, 16)" in text
        assert "memory(16, 8)" in text


@pytest.mark.usefixtures("person")
def test_bench_measures_several_inputs_and_outputs(capsys):
    command = ["bench", "my_layer.py:Mixes", "--shape", "4,16", "--shape", "16,8", "--batches", "2,4", "--rounds", "1"]
    assert gluonmark.run([*command, "--variants", "imperative,numba", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert {(row["variant"], row["batch"], row["mode"]) for row in json.loads(out)} == {
        (variant, batch, mode)
        for variant in ("imperative", "numba")
        for batch in (2, 4)
        for mode in ("forward", "train")
    }
    assert "gluonmark: Mixes was compared with the imperative layer in float64\n" in err


@pytest.mark.usefixtures("person")
def test_bench_says_what_a_layer_was_compared_with(capsys):
    command = ["bench", "my_layer.py:Single", "--shape", "4,16", "--rounds", "1", "--modes", "forward"]
    assert gluonmark.run([*command, "--variants", "imperative", "--format", "json"]) == 0
    said = "Single was compared with the imperative layer in float32, because it does not run in float64: single"
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("person")
def test_what_could_not_be_measured_makes_exit_code_3(capsys):
    command = ["bench", "my_layer.py:Branches", "--shape", "4,16", "--rounds", "1", "--modes", "forward"]
    assert gluonmark.run([*command, "--variants", "imperative,numba", "--format", "json"]) == 3
    out, err = capsys.readouterr()
    assert [row["variant"] for row in json.loads(out)] == ["imperative"]
    assert "1 measurements are missing: " in err


def test_ctrl_c_leaves_a_valid_file_and_exit_code_3(person, gluonmark_process):
    process = gluonmark_process("bench", "MyDense", "--profile", "full")
    while not list(person.glob("results/*.json")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=500)
    assert process.returncode == 3
    assert "interrupted" in err
    (file,) = person.glob("results/*.json")
    assert json.loads(file.read_text())["version"]
    assert not list(person.glob("results/*.part"))


def test_help_is_quick_to_load(gluonmark_process):
    process = gluonmark_process("--help")
    out, _ = process.communicate()
    assert process.returncode == 0
    assert all(command in out for command in ("layers", "source", "bench", "speedups"))
