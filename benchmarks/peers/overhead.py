"""``python -m benchmarks.peers.overhead``: the cost of a call that computes nothing, and that of a first call.

The empty layer is -x of one number.  Each system has a process of its own; they are sampled in turns, and the lowest
of all windows counts, so that other work on the machine disturbs little.  First calls are timed in fresh processes with
an empty kernel cache ("cold"), with one that holds what all layers share ("prepared"), as after `make setup`, and with
a full one ("warm"); imports and Numba's one-off start are timed apart.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from benchmarks import process
from benchmarks.clock import Sampler, Sampling
from benchmarks.crew import SUITE
from benchmarks.peers.crew import PEERS_PYTHON

WINDOWS = 60
SAMPLING = Sampling(warm_up=0.05, window=0.003)
MODES = ("forward", "train")


def _beside_mxnet(make: Callable[[Any], Any], mode: str) -> Callable[[], object]:
    from mxnet import autograd, gluon, nd

    class Empty(gluon.Block):
        def forward(self, x: Any) -> Any:
            return -x

    block, x, head = make(Empty()), nd.ones((1, 1)), nd.ones((1, 1))
    if mode == "forward":
        return lambda: block(x)
    x.attach_grad()

    def step() -> None:
        with autograd.record():
            y = block(x)
        y.backward(head)
        x.grad.wait_to_read()

    return step


def gluonmark(mode: str) -> Callable[[], object]:
    """The empty layer's numba variant."""
    import kernels

    return _beside_mxnet(kernels.jit, mode)


def mxnet(mode: str) -> Callable[[], object]:
    """The empty layer as it is written, pushed to MXNet's engine; forward does not wait for its result."""
    import kernels  # noqa: F401  (it makes MXNet importable)

    return _beside_mxnet(lambda block: block, mode)


def torch(mode: str) -> Callable[[], object]:
    """The same in PyTorch, eager."""
    import torch as library

    library.set_num_threads(1)
    x, head = library.ones((1, 1), requires_grad=mode == "train"), library.ones((1, 1))

    def forward() -> Any:
        with library.inference_mode():
            return -x

    def step() -> None:
        x.grad = None
        (-x).backward(head)

    return forward if mode == "forward" else step


SYSTEMS: dict[str, tuple[Callable[[str], Callable[[], object]], str]] = {
    "gluonmark": (gluonmark, sys.executable),
    "torch": (torch, str(PEERS_PYTHON)),
    "mxnet": (mxnet, sys.executable),
}


def _serve(name: str, mode: str) -> None:
    sampler = Sampler(SYSTEMS[name][0](mode), SAMPLING)
    print("ready", flush=True)
    for _ in sys.stdin:
        print(sampler.sample(), flush=True)


def overheads(mode: str) -> dict[str, float]:
    """Seconds of the empty layer's call by system; one whose Python is missing is left out."""
    python = {name: path for name, (_, path) in SYSTEMS.items() if Path(path).exists()}
    children = {name: _child(path, ["--serve", name, mode]) for name, path in python.items()}
    try:
        ready = {name: child for name, child in children.items() if child.stdout and child.stdout.readline()}
        found: dict[str, list[float]] = {name: [] for name in ready}
        for _ in range(WINDOWS):
            for name in random.sample(list(ready), len(ready)):
                found[name].append(float(_asked(ready[name])))
        return {name: min(seconds) for name, seconds in found.items()}
    finally:
        for child in children.values():
            child.kill()
            child.communicate()


def _child(python: str, arguments: list[str], **environment: str) -> "subprocess.Popen[str]":
    settings = dict(os.environ) | environment
    process.configure(settings, threads=1)
    return subprocess.Popen(
        [python, "-m", "benchmarks.peers.overhead", *arguments],
        cwd=SUITE,
        env=settings,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _asked(child: "subprocess.Popen[str]") -> str:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write("\n")
    child.stdin.flush()
    return child.stdout.readline()


def _first(layer: str, mode: str) -> None:
    start = time.perf_counter()
    import numba

    import kernels
    import layers
    from benchmarks import cases
    from benchmarks.grid import Cell
    from benchmarks.training import Training, outputs_of

    imported = time.perf_counter()
    numba.njit("float64(float64)")(lambda number: number)
    started = time.perf_counter()
    from mxnet import autograd, nd  # kernels made it importable

    cell = Cell(layer, "numba", 16, "cpu", mode)
    block, inputs = cases.initialised(layers.load(layer), cell)
    heads = cases.heads(cell, outputs_of(block(*inputs)))
    fast = kernels.jit(block, strict=True)
    Training(block, inputs, heads)  # attaches the inputs' gradients
    before = time.perf_counter()
    with autograd.record() if mode == "train" else nullcontext():
        outputs = outputs_of(fast(*inputs))
    if mode == "train":
        autograd.backward(outputs, heads)
    nd.waitall()
    after = time.perf_counter()
    print(json.dumps({"imports": imported - start, "Numba's start": started - imported, "first": after - before}))


def _prepare() -> None:
    import kernels

    kernels.prepare()


def first_calls(layer: str, mode: str, tries: int) -> dict[str, float]:
    """Seconds of a first call: with an empty cache once, with a prepared one once, with a full one at best of several
    tries."""
    with tempfile.TemporaryDirectory() as cache:

        def first() -> dict[str, float]:
            child = _child(sys.executable, ["--first", layer, mode], GLUONMARK_CACHE=cache)
            found: dict[str, float] = json.loads(child.communicate()[0])
            return found

        cold = first()
        shutil.rmtree(cache)
        _child(sys.executable, ["--prepare"], GLUONMARK_CACHE=cache).communicate()
        prepared = first()
        warm = [first() for _ in range(tries)]
    lowest = {name: min(each[name] for each in warm) for name in cold}
    figures = {"cold": cold["first"], "prepared": prepared["first"], "warm": lowest["first"]}
    return figures | {name: lowest[name] for name in list(cold)[:2]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("layers", nargs="*", help="whose first calls to time; all without any")
    parser.add_argument("--tries", type=int, default=3, help="with a full cache")
    parser.add_argument("--no-first-calls", action="store_true")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--first", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--prepare", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        _serve(*given.serve)
    elif given.first:
        _first(*given.first)
    elif given.prepare:
        _prepare()
    else:
        _report(given)


def _report(given: argparse.Namespace) -> None:
    for mode in MODES:
        found = overheads(mode)
        for name, seconds in found.items():
            print(f"{mode:8} {name:10} {1e6 * seconds:8.2f} µs   gluonmark ÷ it {found['gluonmark'] / seconds:.2f}")
    if given.no_first_calls:
        return
    import layers

    for layer in given.layers or layers.names():
        for mode in MODES:
            found = first_calls(layer, mode, given.tries)
            words = ", ".join(f"{name} {1e3 * seconds:.0f} ms" for name, seconds in found.items())
            print(f"{layer:16} {mode:8} {words}", flush=True)


if __name__ == "__main__":
    main()
