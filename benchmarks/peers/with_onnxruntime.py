"""The layers as ONNX graphs, run by ONNX Runtime: forward only."""

import os
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.grid import Cell
from benchmarks.peers.systems import Given, Prepared

Arrays = Mapping[str, np.ndarray]
Node = tuple[str, Sequence[str], dict[str, object]]  # operator, inputs, attributes; its output is the next one's "_"


def _centered_layer(_: Arrays) -> tuple[list[Node], Arrays]:
    return [("ReduceMean", ["x"], {"keepdims": 1}), ("Sub", ["x", "_"], {})], {}


def _my_dense(given: Arrays) -> tuple[list[Node], Arrays]:
    return [("Gemm", ["x", "weight", "bias"], {}), ("Relu", ["_"], {})], given


def _learned_affine(given: Arrays) -> tuple[list[Node], Arrays]:
    nodes: list[Node] = [
        ("ReduceMean", ["x", "first"], {"keepdims": 1}),
        ("Sub", ["x", "_"], {}),
        ("Mul", ["_", "gamma"], {}),
        ("Add", ["_", "beta"], {}),
    ]
    return nodes, {**given, "first": np.array([0])}


def _tensor_reduction(given: Arrays) -> tuple[list[Node], Arrays]:
    i, j, k = given["weight"].shape
    nodes: list[Node] = [
        ("MatMul", ["x", "weight"], {}),
        ("Reshape", ["_", "shape"], {}),
        ("Einsum", ["x", "_"], {"equation": "nj,njk->nk"}),
    ]
    return nodes, {"weight": given["weight"].reshape(i, j * k), "shape": np.array([-1, j, k])}


def _half_fourier(given: Arrays) -> tuple[list[Node], Arrays]:
    return [("MatMul", ["x", "basis"], {})], given


LAYERS: dict[str, Callable[[Arrays], tuple[list[Node], Arrays]]] = {
    "CenteredLayer": _centered_layer,
    "MyDense": _my_dense,
    "LearnedAffine": _learned_affine,
    "TensorReduction": _tensor_reduction,
    "HalfFourier": _half_fourier,
}


def prepare(cell: Cell, given: Given, _: str) -> Prepared:
    """The session reads and writes arrays of its own, bound once."""
    steps, constants = LAYERS[cell.layer](given.parameters | given.constants)
    names = [*(f"step{place}" for place in range(1, len(steps))), "y"]
    nodes = [
        helper.make_node(
            operator, [names[place - 1] if name == "_" else name for name in inputs], [names[place]], **attributes
        )
        for place, (operator, inputs, attributes) in enumerate(steps)
    ]
    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape)
        for name, array in (("x", given.x), ("y", given.head))
    )
    initial = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, cell.layer, [x], [y], initial),
        ir_version=10,
        opset_imports=[helper.make_opsetid("", 18)],
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(given.x))
    binding.bind_output("y")

    def call() -> None:
        session.run_with_iobinding(binding)

    def results() -> dict[str, np.ndarray]:
        call()
        return {"output": binding.get_outputs()[0].numpy()}

    return Prepared(call, results)
