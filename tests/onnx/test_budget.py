"""Small files that ask for a lot get nothing, neither while they are loaded nor in a run."""

import numpy as np
import pytest
from onnx import TensorProto, helper
from peak import memory

from autograd_cnn.errors import FormatError
from autograd_cnn.interop import load_onnx
from autograd_cnn.onnx.budget import ROOM


def _node(operator, *inputs, output="y", **attributes):
    return helper.make_node(operator, list(inputs), [output], **attributes)


def _ints(*values):
    return np.array(values, np.int64)


IMAGE = np.ones((1, 1, 4, 4), np.float32)
ROW, COLUMN = np.ones((1, 5000), np.float32), np.ones((5000, 1), np.float32)

FROM_CONSTANTS = [
    ("ConstantOfShape", [_node("ConstantOfShape", "n")], {"n": _ints(2**20, 2**20)}),
    ("ConstantOfShape", [_node("ConstantOfShape", "n")], {"n": _ints(*[2**62] * 30)}),
    (
        "Concat",
        [
            _node("Concat", *[f"n{i}"] * 2, output=f"n{i + 1}", axis=0)
            for i in range(40)
        ] + [_node("ConstantOfShape", "n40")],
        {"n0": _ints(*[1] * 1000)},
    ),
    ("Pad", [_node("Pad", "n", "p")], {"n": _ints(1), "p": _ints(0, 2**40)}),
    ("Gather", [_node("Gather", "n", "i", output="g"), _node("Gather", "g", "i")],
     {"n": _ints(*range(9)), "i": np.zeros((3000, 3000), np.int64)}),
]  # fmt: skip

IN_A_RUN = [
    ("Add", [_node("Add", "x", "w")], ROW.T[:, :, None, None], {"w": np.ones((1, 1, 1, 5000), np.float32)}),
    ("MatMul", [_node("MatMul", "a", "b", output="m"), _node("Add", "m", "x")], np.ones((1, 1), np.float32),
     {"a": COLUMN, "b": ROW}),
    ("Gemm", [_node("Gemm", "a", "b", output="m"), _node("Add", "m", "x")], np.ones((1, 1), np.float32),
     {"a": COLUMN, "b": ROW}),
    ("Conv", [_node("Conv", "x", "w", pads=[10**6] * 4)], IMAGE, {"w": np.ones((1, 1, 3, 3), np.float32)}),
    ("Conv", [_node("Conv", "x", "w", auto_pad="SAME_UPPER", dilations=[10**9] * 2)], IMAGE,
     {"w": np.ones((1, 1, 3, 3), np.float32)}),
    ("MaxPool", [_node("MaxPool", "x", kernel_shape=[9, 9], pads=[8] * 4, dilations=[10**6] * 2, ceil_mode=1)], IMAGE,
     {}),
    ("AveragePool", [_node("AveragePool", "x", kernel_shape=[10**6] * 2, pads=[10**5] * 4)], IMAGE, {}),
    ("Concat", [_node("Concat", *["x" if i == 0 else f"x{i}"] * 2, output=f"x{i + 1}", axis=0) for i in range(40)]
     + [_node("Relu", "x40")], IMAGE, {}),
    ("Pad", [_node("Pad", "x", "p")], IMAGE, {"p": _ints(*[0] * 7, 2**40)}),
    ("TopK", [helper.make_node("TopK", ["x", "k"], ["y", "i"])], IMAGE, {"k": _ints(2**40)}),
    ("Tile", [_node("Tile", "x", "n")], IMAGE, {"n": _ints(*[2**30] * 4)}),
    ("SplitToSequence", [_node("SplitToSequence", "x", output="s"), _node("ConcatFromSequence", "s", axis=0)],
     np.ones((10**5, 1, 1, 1), np.float32), {}),
    ("ReduceSum", [_node("Reshape", "x", "n", output="r", allowzero=1), _node("ReduceSum", "r", "a")],
     np.ones((0, 1, 1, 1), np.float32), {"n": _ints(2**20, 0, 2**20), "a": _ints(1)}),
    ("RandomNormal", [_node("RandomNormal", output="r", shape=[2**40]), _node("Add", "x", "r")], IMAGE, {}),
    ("RoiAlign", [_node("RoiAlign", "x", "r", "i", output_height=2**20, output_width=2**20)], IMAGE,
     {"r": np.ones((1, 4), np.float32), "i": _ints(0)}),
    ("DFT", [_node("DFT", "x", "n", axis=2)], IMAGE, {"n": _ints(2**40)}),
    ("STFT", [_node("STFT", "x", "s", "", "n")], np.ones((1, 20000, 1), np.float32), {"s": _ints(1), "n": _ints(10000)}),
    ("GridSample", [_node("GridSample", "x", "g")], np.ones((1,) * 18, np.float32),
     {"g": np.ones((1,) * 17 + (16,), np.float32)}),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("operator", "nodes", "arrays"), FROM_CONSTANTS)
def test_what_constants_ask_for_is_refused_while_loading(made, operator, nodes, arrays):
    _, path = made(nodes, {"x": IMAGE}, arrays)
    with pytest.raises(FormatError) as err, memory(ROOM * 10):
        load_onnx(path)
    assert f"({operator}): the results are too large for a file and inputs of this size: expected at most " in str(
        err.value
    )


@pytest.mark.parametrize(("operator", "nodes", "x", "arrays"), IN_A_RUN)
def test_what_asks_for_more_than_there_is_room_for_is_refused_in_a_run(made, monkeypatch, operator, nodes, x, arrays):
    monkeypatch.setattr("autograd_cnn.onnx.budget.PER_BYTE", 1)
    monkeypatch.setattr("autograd_cnn.onnx.budget.PER_INPUT", 1)
    _, path = made(nodes, {"x": x}, arrays)
    network = load_onnx(path)
    with pytest.raises(FormatError) as err, memory(ROOM * 10):
        network(x)
    assert f"({operator}): the results are too large for a file and inputs of this size" in str(err.value)


def test_the_sentence(made):
    _, path = made([_node("ConstantOfShape", "n")], {"x": IMAGE}, {"n": _ints(2**40)})
    with pytest.raises(FormatError) as err:
        load_onnx(path)
    assert str(err.value) == (
        f"{path}: node 'y' (ConstantOfShape): the results are too large for a file and inputs of this size: "
        "expected at most 16777216 elements in all, got 1099511628032"
    )


def test_many_results_count_together(made):
    nodes = [_node("ConstantOfShape", "n", output=f"c{i}") for i in range(4)] + [_node("Relu", "x")]
    _, path = made(nodes, {"x": IMAGE}, {"n": _ints(ROOM // 3 - 1000)})
    with pytest.raises(FormatError, match=r"c3.*too large"):
        load_onnx(path)


def test_what_depends_on_constants_alone_is_computed_once(made):
    nodes = [_node("ConstantOfShape", "n", output="c", value=helper.make_tensor("v", TensorProto.FLOAT, [1], [2.0]))]
    _, path = made([*nodes, _node("Mul", "x", "c")], {"x": np.ones(3, np.float32)}, {"n": _ints(3)})
    network = load_onnx(path)
    assert [step.operator for step in network.steps] == ["Mul"]
    assert network(np.ones(3, np.float32)).tolist() == [2, 2, 2]
