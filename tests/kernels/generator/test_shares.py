"""Which loops are printed for several threads: what an element takes, and how many there are."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from mxnet import nd

from kernels import trace
from kernels.emit import shares
from kernels.emit.cpu import print_kernels
from kernels.program import program

LIMITS = shares.Limits(worth=1000, byte=1, function=8, most_rows=64)


def four(x: nd.NDArray) -> nd.NDArray:
    return nd.sin(nd.cos(nd.exp(nd.tanh(x))))


def softmax(x: nd.NDArray) -> nd.NDArray:
    powers = nd.exp(x)
    return powers / powers.sum(axis=1, keepdims=True)


# From a function of float32 x (n, 4) and w (5, 5) to the nanoseconds of the shared loops in its forward kernel.
CASES: dict[str, tuple[Callable[..., Any], list[str]]] = {
    "8 bytes an element": (lambda x, _: x + 1, ["n * 32"]),
    "8 bytes and a function": (lambda x, _: nd.tanh(x), ["n * 64"]),
    "8 bytes and four functions": (lambda x, _: four(x), ["n * 160"]),
    "doubles": (lambda x, _: x.astype("float64") + 1, ["n * 48"]),
    "a sum reads, and writes no elements": (lambda x, _: x.sum(axis=1), ["n * 16"]),
    "too little for as many rows as are expected": (lambda x, _: nd.slice_axis(x, axis=1, begin=0, end=1) + 1, []),
    "a function that a loop before has called": (lambda x, _: softmax(x), ["n * 64", "n * 48"]),
    "just enough, whatever the batch size": (lambda x, w: [x + 1, four(w)], ["n * 32", "1000"]),
    "too little": (lambda x, w: [x + 1, nd.sin(nd.exp(w))], ["n * 32"]),
}


@pytest.mark.parametrize("name", CASES)
def test_when_threads_share_a_loop(name: str, layer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    function, expected = CASES[name]
    monkeypatch.setattr(shares, "LIMITS", LIMITS)
    block = layer(function, w=(5, 5))
    block.initialize()
    text = print_kernels(program(trace(block, nd.ones((7, 4))), {}))
    forward = text.partition("\ndef forward(")[2].partition("\n\n")[0]
    assert re.findall(r"in_chunks\(\w+, .+, ([n*\d ]+), \(", forward) == expected


# From a function of float32 x (n, 4) and w (4,) to whether its loop takes rows in blocks, to store sums of columns once
# for several of them.
IN_BLOCKS: dict[str, tuple[Callable[..., Any], bool]] = {
    "elements and sums of columns": (lambda x, w: [x * w, (x * w).sum(axis=0)], True),
    "two sums of columns": (lambda x, w: [(x * w).sum(axis=0), (x + w).sum(axis=0)], True),
    "elements and a sum of all, which is in a register": (lambda x, w: [x * w, (x * w).sum()], False),
    "one sum of columns": (lambda x, w: (x * w).sum(axis=0), False),
}


@pytest.mark.parametrize("name", IN_BLOCKS)
def test_when_rows_are_taken_in_blocks(name: str, layer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    function, expected = IN_BLOCKS[name]
    monkeypatch.setattr(shares, "LIMITS", LIMITS)
    block = layer(function, w=(4,))
    block.initialize()
    text = print_kernels(program(trace(block, nd.ones((7, 4))), {}))
    assert "in_chunks(" in text.partition("\ndef forward(")[2].partition("\n\n")[0]
    assert ("for block in range(" in text.partition("\ndef forward(")[0]) == expected
