"""Bad input: one clear sentence on stderr, exit code 2, nothing on stdout and nothing written."""

import subprocess
import sys
from pathlib import Path

import pytest

import gluonmark

BAD = [
    ("", "Missing command"),
    ("explode", "No such command 'explode'"),
    ("layers --format xml", "unknown format 'xml'; known: table, json, csv, markdown"),
    ("layers --colour", "No such option"),
    ("source", "Missing argument 'LAYER'"),
    ("source Unheard", "no layer 'Unheard' in the catalogue"),
    ("source MyDense --variant fast", "unknown variant 'fast'"),
    ("source MyDense --variant imperative", "nothing is generated"),
    ("source MyDense --context tpu", "unknown context 'tpu'"),
    ("source MyDense --dtype int8", "dtype must be float16, float32 or float64, not 'int8'"),
    ("source MyDense --shape 16,x", "positive whole numbers"),
    ("source MyDense --shape 16,255", "MyDense takes an input of shape batch,256, not 16,255"),
    ("source MyDense --args 8", "takes no arguments"),
    ("source absent.py:MyLayer --shape 4,16", "no file absent.py"),
    ("source my_layer.py:Absent --shape 4,16", "Absent"),
    ("source my_layer.py:NoLayer --shape 4,16", "NoLayer"),
    ("source my_layer.py:MyLayer --args 8", "needs the shape of each of its inputs"),
    ("source my_layer.py:Mixes --shape 4,16", "does not accept an input of shape (4, 16): "),
    ("source my_layer.py:Mixes --shape 4,16 --shape 5,x", "positive whole numbers such as 4,16, not '5,x'"),
    ("source my_layer.py:Mixes --shape 4,16 --shape 16,8:int3", "the dtype of an input is one of float16, float32"),
    ("source my_layer.py:Mixes --shape 4,16 --shape 16,8:int32:none", "written 4,16:int32:1000 for numbers below 1000"),
    ("source my_layer.py:Mixes --shape 4,16 --shape 16,8 --shape 4", "shape (4, 16) and (16, 8) and (4,): "),
    ("source MyDense --shape 4,256 --shape 4,256", "MyDense takes an input of shape batch,256, not 4,256 and 4,256"),
    ("source my_layer.py:MyLayer --shape 4,16", "cannot be built"),
    (
        "source my_layer.py:Single --shape 4,16:float64",
        "Single failed at my_layer.py:24: TypeError: single precision",
    ),
    (f"source my_layer.py:Single --shape {','.join('1' * 40)}", "at most 32 axes, not 40"),
    ("source my_layer.py:Copies --shape 4,16", "my_layer.py"),
    ("source my_layer.py:Scalar --shape 4,16", "my_layer.py"),
    ("source my_layer.py:Branches --shape 4,16", "my_layer.py"),
    ("source my_layer.py:Branches --shape 4,16 --variant hybridized", "my_layer.py"),
    ("source my_layer.py:Unknown --shape 4,16", "SpatialTransformer"),
    ("source my_layer.py:Network --shape 2,1,5,5 --strict", "Convolution at mxnet conv_layers.py"),
    ("bench Unheard", "unknown layer 'Unheard'"),
    ("bench --variants numba,fast", "unknown variant 'fast'"),
    ("bench --batches 1,many", "batch size must be a positive whole number, not 'many'"),
    ("bench --batches 0", "batch size must be a positive whole number, not '0'"),
    ("bench --modes backward", "unknown mode 'backward'"),
    ("bench --profile slow", "unknown profile 'slow'"),
    ("bench --threads 0", "number of threads must be a positive whole number, not 0"),
    ("bench --threads two", "--threads"),
    ("bench MyDense --threads 100000", "number of threads must be at most 1024, not 100000"),
    ("bench MyDense --batches 99999999999999", "this machine has"),
    ("bench my_layer.py:Single --shape 99999999,99999999", "has more elements than an array can hold"),
    ("bench my_layer.py:Single --shape 4,16 --batches 99999999999999", "this machine has"),
    ("bench --rounds 0", "number of rounds must be a positive whole number, not 0"),
    ("bench --engine steam", "unknown engine 'steam'; known: threaded, naive"),
    ("bench --engine=", "unknown engine ''; known: threaded, naive"),
    ("bench --format xml", "unknown format 'xml'"),
    ("bench --shape 4,16", "belong to a layer of your own"),
    ("bench my_layer.py:MyLayer --args 2", "needs the shape"),
    ("bench my_layer.py:Mixes --shape 4,16 --shape 0,8", "positive whole numbers such as 4,16, not '0,8'"),
    ("speedups", "there are no results yet"),
    ("speedups absent.json", "absent.json"),
    ("speedups my_layer.py", "my_layer.py"),
    ("speedups null.json", "holds no result of asv or pytest-benchmark, but null"),
    ("speedups --format xml", "unknown format 'xml'"),
    ("report", "there are no results yet"),
    ("report absent", "absent: there is no such file or folder"),
    ("report null.json", "holds no result of asv or pytest-benchmark, but null"),
]


@pytest.mark.parametrize(("command", "message"), BAD, ids=[command for command, _ in BAD])
def test_bad_input_is_one_sentence(person, capsys, command, message):
    before = sorted(person.rglob("*"))
    assert gluonmark.run(command.split()) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("gluonmark: ")
    assert printed.err.count("\n") == 1
    assert message in printed.err
    assert sorted(path for path in person.rglob("*") if "__pycache__" not in path.parts) == before


@pytest.mark.usefixtures("person")
def test_debug_shows_where(capsys):
    assert gluonmark.run(["source", "--debug", "Unheard"]) == 2
    printed = capsys.readouterr()
    assert "Traceback (most recent call last)" in printed.err
    assert printed.err.splitlines()[-1].startswith("gluonmark: ")


def test_a_damaged_result_file_is_named(person, capsys):
    (person / "cut.json").write_text('{"benchmarks": [')
    assert gluonmark.run(["speedups", "cut.json"]) == 2
    assert "cut.json" in capsys.readouterr().err


def test_a_folder_that_was_deleted_is_no_regression(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    program = "import os, sys, gluonmark; os.rmdir(os.getcwd()); sys.argv[1:] = ['speedups']; gluonmark.main()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=gone,
        env={"PYTHONPATH": str(Path(gluonmark.__file__).parent)},
        capture_output=True,
    )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
