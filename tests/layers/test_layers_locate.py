"""Finding layers: the folder's names, a person's own classes, and every way to get it wrong."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
from mxnet import nd
from mxnet.gluon import nn

import layers
from layers.my_dense import reference as my_dense

FOLDER = Path(layers.__file__).parent

OWN_LAYERS = '''
from mxnet import nd
from mxnet.gluon import nn
import neighbour

Alias = nn.Dense

class Mute(BaseException):
    def __str__(self):
        raise RuntimeError

class Scaled(nn.Block):
    """Multiply by a number: y = factor·x.

    More about it.
    """
    def __init__(self, factor, name_of_it="plain", width=None):
        super().__init__()
        if factor == 0:
            raise ValueError("a factor of 0\\nloses everything")
        if factor == 1:
            raise GeneratorExit("one for all")
        if factor == 3:
            raise Mute
        self.factor, self.name_of_it = factor, name_of_it
        self.shift = self.params.get("shift", shape=(1, 0), allow_deferred_init=True)
    def forward(self, x):
        return x * self.factor

class Other(nn.Block):
    pass

class NoLayer:
    pass

def reference(x, parameters):
    raise NotImplementedError
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "neighbour.py").write_text("")
    (tmp_path / "own.py").write_text(OWN_LAYERS, encoding="utf-8")
    (tmp_path / "broken.py").write_text("def forward(:\n")
    (tmp_path / "quits.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "gives_up.py").write_text("raise GeneratorExit\n")
    (tmp_path / "empty.py").write_text("")
    return tmp_path


def test_the_catalogue_is_the_folder() -> None:
    public = [path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_")]
    assert len(layers.names()) == len(public) == 7
    assert layers.names() == tuple(sorted(layers.names()))
    for name in layers.names():
        subject = layers.load(name)
        assert subject.name == name
        assert subject.formula
        assert subject.source.startswith("Dive into Deep Learning / MXNet, Custom Layers")


def test_naming_the_layers_imports_none_of_them() -> None:
    program = (
        "import sys, layers; layers.names(); "
        "print(*(name for name in sys.modules if name.startswith('layers.') and not name.startswith('layers._')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=FOLDER.parent, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == []


def test_a_catalogue_name_resolves_to_its_entry() -> None:
    assert layers.resolve("MyDense") is layers.load("MyDense")
    assert layers.resolve("MyDense", shapes=["4,256"]) is layers.load("MyDense")


def test_a_catalogue_class_can_be_resolved_at_another_size() -> None:
    subject = layers.resolve("layers.my_dense:MyDense", ["8", "in_units=16"], ["4,16"])
    assert subject.name == "MyDense"
    assert subject.features == (16,)
    assert subject.parameters == {"weight": (16, 8), "bias": (8,)}
    assert subject.reference is my_dense
    assert subject.build() is not subject.build()


@pytest.mark.parametrize("where", ["own.py", "./own.py", "own"])
def test_a_class_of_ones_own_is_found_in_a_file_or_a_module(folder: Path, where: str) -> None:
    subject = layers.resolve(f"{where}:Scaled", ["2.5", "name_of_it=long name", "width=(1, 2)"], ["4,16"])
    block = subject.build()
    assert (block.factor, block.name_of_it) == (2.5, "long name")
    assert block(nd.ones((4, 16))).asnumpy().max() == 2.5
    assert (subject.name, subject.features, subject.source) == ("Scaled", (16,), f"{where}:Scaled")
    assert subject.formula == "Multiply by a number: y = factor·x."
    assert subject.parameters == {"shift": (1, 0)}
    assert subject.reference is None  # the file holds two layers, and its reference could mean either
    assert str(folder) in sys.path


def test_an_absolute_path_and_an_imported_class_work(folder: Path) -> None:
    subject = layers.resolve(f"{folder / 'own.py'}:Alias", ["8", "in_units=16"], ["4,16"])
    assert isinstance(subject.build(), nn.Dense)
    assert subject.parameters == {"weight": (8, 16), "bias": (8,)}


def test_a_file_with_one_layer_may_bring_its_reference(folder: Path) -> None:
    one = OWN_LAYERS.replace("class Other(nn.Block)", "class Other")
    (folder / "one.py").write_text(one + "\nSame = Scaled\n", encoding="utf-8")
    reference = layers.resolve("one.py:Scaled", ["2"], ["4,16"]).reference
    assert reference is not None
    with pytest.raises(NotImplementedError):
        reference(numpy.ones((4, 16)), {})


def test_each_input_has_a_shape_and_may_have_a_dtype(folder: Path) -> None:
    texts = ["4,16", "4,8:float64", "4", "5,16", "4,3:int32", "7:int64:1000"]
    subject = layers.resolve(f"{folder / 'own.py'}:Scaled", ["2"], texts)
    assert subject.inputs == (
        layers.Input((16,)),
        layers.Input((8,), "float64"),
        layers.Input(()),
        layers.Input((5, 16), batched=False),
        layers.Input((3,), "int32"),
        layers.Input((7,), "int64", below=1000, batched=False),
    )
    assert [one.shape(9) for one in subject.inputs] == [(9, 16), (9, 8), (9,), (5, 16), (9, 3), (7,)]
    assert [one.whole for one in subject.inputs] == [False, False, False, False, True, True]


@pytest.mark.parametrize("name", ["", "Nope", "my_dense", "mydense", "_Subject", "Subject", "MyDense.py", "../MyDense"])
@pytest.mark.parametrize("find", [layers.load, layers.resolve])
def test_an_unknown_name_is_answered_with_the_known_ones(name: str, find: Callable[[str], layers.Subject]) -> None:
    with pytest.raises(layers.LayerError, match=r"no layer '.*' in the catalogue \(CenteredLayer, .*TensorReduction\)"):
        find(name)


BAD = {
    "catalogue-arguments": ("MyDense", ["8"], [], "MyDense has its own sizes and takes no arguments"),
    "catalogue-shape": ("MyDense", [], ["4,16"], "MyDense takes an input of shape batch,256, not 4,16"),
    "catalogue-rank": ("MyDense", [], ["256"], "takes an input of shape batch,256, not 256"),
    "empty-batch": ("MyDense", [], ["0,256"], "a shape is a list of positive whole numbers such as 4,16, not '0,256'"),
    "negative": ("own.py:Scaled", ["2"], ["4,-1"], "positive whole numbers such as 4,16, not '4,-1'"),
    "no-axis": ("own.py:Scaled", ["2"], [""], "positive whole numbers such as 4,16, not ''"),
    "no-numbers": ("own.py:Scaled", ["2"], ["4,16", "4,x"], "positive whole numbers such as 4,16, not '4,x'"),
    "dtype": ("own.py:Scaled", ["2"], ["4,16:complex"], "is one of float16, .*, int64, not 'complex'"),
    "no-dtype": ("own.py:Scaled", ["2"], ["4,16:"], "is one of float16, .*, int64, not ''"),
    "floats-below": (
        "own.py:Scaled",
        ["2"],
        ["4:float32:9"],
        "numbers below 1000, not '4:float32:9'",
    ),
    "below-nothing": ("own.py:Scaled", ["2"], ["4:int8:0"], "for numbers below 1000, not '4:int8:0'"),
    "below-full-width": ("own.py:Scaled", ["2"], ["4:int8:９"], "for numbers below 1000, not '4:int8:９'"),
    "below-what": ("own.py:Scaled", ["2"], ["4:int8:"], "for numbers below 1000, not '4:int8:'"),
    "catalogue-inputs": ("MyDense", [], ["4,256", "4,256"], "shape batch,256, not 4,256 and 4,256"),
    "catalogue-dtype": ("MyDense", [], ["4,256:int32"], "shape batch,256, not 4,256:int32"),
    "no-shape": ("own.py:Scaled", ["2"], [], "own.py:Scaled needs the shape of each of its inputs"),
    "below-too-long": ("own.py:Scaled", ["2"], ["4:int32:" + "9" * 20], "int32 holds numbers up to 2147483647, not"),
    "below-int8": ("own.py:Scaled", ["2"], ["4:int8:1000"], "int8 holds numbers up to 127, not up to one below 1000"),
    "below-uint8": ("own.py:Scaled", ["2"], ["4:uint8:257"], "uint8 holds numbers up to 255, not up to one below 257"),
    "below-int64": ("own.py:Scaled", ["2"], [f"4:int64:{2**63 + 1}"], "int64 holds numbers up to 9223372036854775807"),
    "below-5000-digits": ("own.py:Scaled", ["2"], ["4:int32:" + "9" * 5000], "numbers below 1000, not '4:int32:9+…'"),
    "40-axes": ("own.py:Scaled", ["2"], [",".join("1" * 40)], "an input has at most 32 axes, not 40"),
    "5000-digits": ("own.py:Scaled", ["2"], ["4," + "9" * 5000], "whole numbers such as 4,16, not '4,9+…'"),
    "too-large": ("own.py:Scaled", ["2"], ["65536,65536"], "shape '65536,65536' has more elements than an array can"),
    "full-width": ("own.py:Scaled", ["2"], ["４,16"], "positive whole numbers such as 4,16, not '４,16'"),
    "no-file": ("gone.py:Scaled", [], ["4,16"], "there is no file gone.py"),
    "folder": (".py:Scaled", [], ["4,16"], "there is no file .py"),
    "no-module": ("gone.away:Scaled", [], ["4,16"], "the module 'gone.away' cannot be imported: ModuleNotFoundError"),
    "no-module-name": (":Scaled", [], ["4,16"], "the module '' cannot be imported: ValueError"),
    "relative-module": (".own:Scaled", [], ["4,16"], "the module '.own' cannot be imported: TypeError"),
    "syntax": ("broken.py:Scaled", [], ["4,16"], "broken.py cannot be imported: SyntaxError"),
    "syntax-in-module": ("broken:Scaled", [], ["4,16"], "'broken' cannot be imported: SyntaxError"),
    "quits": ("quits.py:Scaled", [], ["4,16"], "quits.py cannot be imported: SystemExit: 3"),
    "no-class": ("own.py:Missing", [], ["4,16"], "own.py has no class 'Missing'; it defines Scaled, Other"),
    "no-class-name": ("own.py:", [], ["4,16"], "own.py has no class ''"),
    "no-class-at-all": ("empty.py:Missing", [], ["4,16"], "empty.py has no class 'Missing'; it defines no layer"),
    "no-block": ("own.py:NoLayer", [], ["4,16"], "NoLayer in own.py is not a class derived from mxnet.gluon.Block"),
    "function": ("own.py:reference", [], ["4,16"], "reference in own.py is not a class"),
    "built-in-module": ("math:pi", [], ["4,16"], "pi in math is not a class"),
    "missing-argument": ("own.py:Scaled", [], ["4,16"], "own.py:Scaled cannot be built .*TypeError: .*'factor'"),
    "unknown-argument": ("own.py:Scaled", ["2", "size=3"], ["4,16"], r"\(2, size=3\): TypeError: .*'size'"),
    "argument-twice": ("own.py:Scaled", ["factor=2", "factor=3"], ["4,16"], "argument 'factor' is given twice"),
    "constructor-raises-a-base-exception": ("own.py:Scaled", ["1"], ["4,16"], "GeneratorExit: one for all"),
    "constructor-raises-what-cannot-be-printed": ("own.py:Scaled", ["3"], ["4,16"], "Mute: <"),
    "import-raises-a-base-exception": ("gives_up.py:Scaled", [], ["4,16"], "gives_up.py cannot be imported: Gene"),
    "module-raises-a-base-exception": ("gives_up:Scaled", [], ["4,16"], "'gives_up' cannot be imported: Gene"),
    "constructor-fails": ("own.py:Scaled", ["0"], ["4,16"], "ValueError: a factor of 0 loses everything"),
}


@pytest.mark.parametrize(("spec", "arguments", "shapes", "message"), BAD.values(), ids=BAD)
@pytest.mark.usefixtures("folder")
def test_a_bad_layer_is_one_clear_sentence(spec: str, arguments: list[str], shapes: list[str], message: str) -> None:
    with pytest.raises(layers.LayerError, match=message) as caught:
        layers.resolve(spec, arguments, shapes)
    assert "\n" not in str(caught.value)
