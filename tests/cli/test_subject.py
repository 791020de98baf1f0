import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from autograd_cnn.cli.graph import make_subject
from autograd_cnn.errors import ArgumentError, FormatError
from autograd_cnn.graph import capture

SOURCE = """\
import autograd_cnn as ag
from autograd_cnn import nn


def scores():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))


def maps():
    return nn.Conv2d(1, 2, 3)


class Total(nn.Module):
    def __init__(self):
        self.factor = nn.Parameter(2.0)

    def forward(self, x):
        return x.sum() * self.factor


def loss():
    return ag.square(ag.tensor([1.0, 2.0], requires_grad=True)).sum()


def text():
    return "a network"


class Pair(nn.Module):
    def forward(self, x):
        return x, x
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    path = tmp_path / "net.py"
    path.write_text(SOURCE, "utf-8")
    yield path
    sys.modules.pop("file net", None)


def _onnx(path, *shapes, dtype=TensorProto.FLOAT):
    """Write a network that multiplies its input by a parameter, or adds it to several."""
    inputs = [helper.make_tensor_value_info(f"x{i}", dtype, shape) for i, shape in enumerate(shapes)]
    node = helper.make_node("Mul" if len(shapes) == 1 else "Sum", [*(each.name for each in inputs), "w"], ["y"])
    output = helper.make_tensor_value_info("y", dtype, shapes[0])
    weights = numpy_helper.from_array(np.ones(1, helper.tensor_dtype_to_np_dtype(dtype)), "w")
    graph = helper.make_graph([node], "test", inputs, [output], [weights])
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return str(path)


def _last_operations(subject):
    return [node.name for node in capture(subject.loss).nodes if node.kind == "operation"][-2:]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("scores", ["softmax_cross_entropy", "mean"]),
        ("maps", ["correlate2d", "sum"]),
        ("Total", ["multiply"]),
        ("loss", ["square", "sum"]),
    ],
)
def test_the_loss_of_a_function(script, name, expected):
    subject = make_subject(f"{script}:{name}", None)
    assert _last_operations(subject) == expected
    assert subject.loss.size == 1


def test_the_image_and_the_parameters_have_names(script):
    subject = make_subject(f"{script}:maps", (1, 5, 4))
    leaves = {node.name: node.shape for node in capture(subject.loss, names=subject.names).nodes[:3]}
    assert leaves == {"image": (1, 1, 5, 4), "weight": (2, 1, 3, 3), "bias": (2,)}


@pytest.mark.parametrize(
    ("name", "shape", "problem"),
    [
        ("text", None, "--model: {where} returns something else: expected an nn.Module or a tensor, got str"),
        ("loss", (1, 2, 3), "--shape: {where} returns a tensor, which is drawn as it is"),
        (
            "Pair",
            None,
            ("--model: the output of {where} can't be drawn: expected a tensor that depends on parameters, got tuple"),
        ),
        (
            "scores",
            (1, 8, 8),
            (
                "--model: {path}: ShapeError: Linear: x has the wrong shape: expected (..., 784), got (1, 64); "
                "it was given an image of the shape (1, 8, 8); --shape sets another"
            ),
        ),
    ],
)
def test_refuses_what_a_function_returns(script, name, shape, problem):
    with pytest.raises(ArgumentError) as err:
        make_subject(f"{script}:{name}", shape)
    assert str(err.value) == problem.format(where=f"{script}:{name}", path=script)


# --- ONNX -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "asked", "expected"),
    [
        (["N", 1, 6, 5], None, (1, 1, 6, 5)),
        ([3, 1, 6, 5], None, (3, 1, 6, 5)),
        (["N", "C", "H", "W"], (2, 4, 4), (1, 2, 4, 4)),
        ([None, 7], None, (1, 7)),
        ([], None, ()),
    ],
)
def test_an_onnx_file_says_its_shape(tmp_path, own, asked, expected):
    subject = make_subject(_onnx(tmp_path / "net.onnx", own), asked)
    shapes = {node.name: node.shape for node in capture(subject.loss, names=subject.names).nodes}
    assert shapes["image"] == expected
    assert shapes["w"] == (1,)


@pytest.mark.parametrize(
    ("shapes", "dtype", "problem"),
    [
        ([["N", 1, "H", 5]], TensorProto.FLOAT, "leaves the shape of its input open: (N, 1, H, 5); give --shape"),
        ([[1], [1]], TensorProto.FLOAT, "has other inputs: expected one of floats, got x0: float32, x1: float32"),
        ([[1]], TensorProto.INT64, "has other inputs: expected one of floats, got x0: int64"),
    ],
)
def test_refuses_an_onnx_file(tmp_path, shapes, dtype, problem):
    path = _onnx(tmp_path / "net.onnx", *shapes, dtype=dtype)
    with pytest.raises(ArgumentError) as err:
        make_subject(path, None)
    assert str(err.value) == f"--model: {path} {problem}"


def test_no_onnx_file(tmp_path):
    path = tmp_path / "net.onnx"
    with pytest.raises(ArgumentError) as err:
        make_subject(str(path), None)
    assert str(err.value) == f"--model: can't read {path}: No such file or directory"
    path.write_bytes(b"\xff" * 9)
    with pytest.raises(FormatError) as damage:
        make_subject(str(path), None)
    assert str(damage.value) == f"{path}: damaged, or not an .onnx file"


def test_a_name_and_a_pattern():
    assert capture(make_subject("digits_net", None).loss).nodes[0].shape == (1, 1, 8, 8)
    assert capture(make_subject("CONV -> FC", (3, 6, 5)).loss).nodes[0].shape == (1, 3, 6, 5)
