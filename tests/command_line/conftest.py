"""Runs the command line as a person does, and keeps what it prints."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import gluonmark

ROOT = Path(gluonmark.__file__).resolve().parent

MY_LAYER = """
from mxnet import nd
from mxnet.gluon import nn


class MyLayer(nn.Block):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return nd.relu(x) * self.factor


class Mixes(nn.Block):
    def forward(self, x, memory):
        mixed = nd.dot(x, memory)
        return mixed, [x * 2]


class Single(nn.Block):
    def forward(self, x):
        if x.dtype.__name__ != "float32":
            raise TypeError("single precision alone")
        return x * 2


class Copies(nn.Block):
    def forward(self, x):
        return x * float(x.asnumpy().mean())


class Scalar(nn.Block):
    def forward(self, x):
        return x * x.mean().asscalar()


class Branches(nn.Block):
    def forward(self, x):
        if x.sum() > 0:
            return x
        return -x


class Unknown(nn.Block):
    def forward(self, x):
        return nd.SpatialTransformer(x, x)


class Network(nn.HybridSequential):
    def __init__(self):
        super().__init__()
        self.add(nn.Conv2D(2, 3), nn.Activation("relu"), nn.Dense(3))


class NoLayer:
    pass
"""


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's own folder, with a layer in it, where commands are run."""
    (tmp_path / "my_layer.py").write_text(MY_LAYER)
    (tmp_path / "null.json").write_text("null")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def gluonmark_process(person: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts ``gluonmark`` in a process of its own, in the person's folder."""
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import gluonmark; gluonmark.main()"

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            cwd=person,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Tests that run in the background have it ignored, and their children with them.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    return start
