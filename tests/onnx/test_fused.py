"""onnxruntime's own operators, and those on tables of numbers, as onnxruntime runs them."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.engine.node import values_of

RNG = np.random.default_rng(3)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def bytes_(*shape, dtype=np.uint8):
    info = np.iinfo(dtype)
    return RNG.integers(info.min, info.max + 1, shape).astype(dtype)


ONE, TWO = np.float32(0.02), np.float32(0.05)
ZERO, SEVEN = np.uint8(0), np.uint8(7)


def same(path, nodes, inputs, initializers, outputs, domain):
    """Assert that a network has these outputs in onnxruntime and here; return it."""
    infos = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), [None] * array.ndim)
        for name, array in inputs.items()
    ]
    arrays = [numpy_helper.from_array(np.asarray(array), name) for name, array in initializers.items()]
    results = [onnx.ValueInfoProto(name=name) for name in outputs]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(domain, 1)]
    graph = helper.make_graph(nodes, "test", infos, results, arrays)
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    theirs = session.run(None, inputs)
    network = ag.onnx.load(path)
    ours = network(*inputs.values())
    for mine, other in zip(ours if isinstance(ours, tuple) else (ours,), theirs, strict=True):
        assert mine.shape == other.shape
        np.testing.assert_allclose(values_of(mine).astype(np.float64), other, rtol=2e-5, atol=2e-5)
    return network


X = {"x": floats(2, 5, 8)}
IMAGE = {"x": floats(2, 3, 6, 6)}
SENT = {"w": floats(8, 24), "b": floats(24)}
PIXELS = {"x": bytes_(2, 3, 4, 4)}
SCALES = {"s": ONE, "z": SEVEN, "t": TWO, "q": np.uint8(130)}
KEYS = {"k": floats(2, 7, 8), "v": floats(2, 7, 8)}


@for_each(
    "kind, inputs, arrays, attributes, outputs",
    [
        ("FusedConv", IMAGE, {"w": floats(4, 3, 3, 3), "b": floats(4)}, {"activation": "Relu", "pads": [1] * 4}, 1),
        (
            "FusedConv", IMAGE, {"w": floats(4, 3, 3, 3), "b": floats(4), "z": floats(2, 4, 4, 4)},
            {"activation": "LeakyRelu", "activation_params": [0.3]}, 1,
        ),
        ("FusedMatMul", X, {"w": floats(6, 8)}, {"alpha": 0.5, "transB": 1}, 1),
        ("FusedMatMul", {"x": floats(2, 3, 4)}, {"w": floats(2, 3, 5)}, {"transA": 1}, 1),
        ("FusedMatMul", {"x": floats(2, 3, 4)}, {"w": floats(3, 4, 5)}, {"transBatchA": 1}, 1),
        ("FusedGemm", {"x": floats(2, 4)}, {"w": floats(3, 4), "c": floats(3)}, {"transB": 1, "activation": "Tanh"}, 1),
        ("Gelu", X, {}, {}, 1),
        ("BiasGelu", X, {"b": floats(8)}, {}, 1),
        ("FastGelu", X, {"b": floats(8)}, {}, 1),
        ("QuickGelu", X, {}, {"alpha": 1.5}, 1),
        ("SkipLayerNormalization", X, {"s": floats(2, 5, 8), "g": floats(8), "b": floats(8), "a": floats(8)}, {}, 1),
        ("SkipLayerNormalization", X, {"s": floats(2, 5, 8), "g": floats(8)}, {"epsilon": 0.1}, "y,,,t"),
        ("SkipSimplifiedLayerNormalization", X, {"s": floats(2, 5, 8), "g": floats(8)}, {"epsilon": 0.1}, "y,,,t"),
        (
            "EmbedLayerNormalization", {"x": np.int32([[1, 2, 0], [3, 3, 1]])},
            {"": None, "w": floats(4, 8), "p": floats(5, 8), " ": None, "g": floats(8), "b": floats(8)}, {}, "y,l",
        ),
        (
            "EmbedLayerNormalization", {"x": np.int32([[1, 2, 0], [3, 3, 1]]), "k": np.int32([[0, 0, 1], [1, 1, 0]])},
            {
                "w": floats(4, 8), "p": floats(5, 8), "e": floats(2, 8), "g": floats(8), "b": floats(8),
                "m": np.int32([[1, 1, 0], [1, 1, 1]]),
            }, {}, "y,l,t",
        ),
        ("Attention", X, SENT, {"num_heads": 2}, 1),
        ("Attention", X, {**SENT, "m": np.int32([3, 5])}, {"num_heads": 2}, 1),
        ("Attention", X, {**SENT, "m": np.int32([[1, 1, 1, 0, 1], [0, 1, 1, 1, 1]])}, {"num_heads": 4}, 1),
        ("Attention", X, {**SENT, "": None, "p": floats(2, 2, 2, 3, 4)}, {"num_heads": 2, "unidirectional": 1}, "y,t"),
        ("MultiHeadAttention", X, KEYS, {"num_heads": 2}, 1),
        (
            "MultiHeadAttention", X, {**KEYS, "b": floats(24), "": None, "a": floats(1, 2, 5, 7)},
            {"num_heads": 2, "scale": 0.3}, 1,
        ),
        ("QAttention", {"x": bytes_(2, 5, 8)}, {
            "w": bytes_(8, 24, dtype=np.int8), "b": floats(24), "s": ONE, "t": ONE, "": None, "z": SEVEN, "q": np.int8(0),
        }, {"num_heads": 2}, 1),
        ("QLinearAdd", PIXELS, {"s": ONE, "z": SEVEN, "b": bytes_(3, 1, 1), "t": TWO, "q": ZERO, "r": np.float32(0.0837), "p": SEVEN}, {}, 1),
        ("QLinearMul", PIXELS, {"s": ONE, "z": SEVEN, "b": bytes_(3, 1, 1), "t": TWO, "q": ZERO, "r": np.float32(0.0837), "p": SEVEN}, {}, 1),
        ("QLinearSigmoid", PIXELS, SCALES, {}, 1),
        ("QLinearLeakyRelu", PIXELS, SCALES, {"alpha": 0.2}, 1),
        ("QLinearGlobalAveragePool", PIXELS, SCALES, {}, 1),
        ("QLinearAveragePool", PIXELS, SCALES, {"kernel_shape": [2, 2], "strides": [2, 2]}, 1),
        ("QLinearSoftmax", PIXELS, {"s": ONE, "z": SEVEN, "t": np.float32(1 / 256), "q": ZERO}, {"axis": -1, "opset": 13}, 1),
        ("QGemm", {"x": bytes_(2, 4)}, {
            "s": ONE, "z": SEVEN, "w": bytes_(3, 4, dtype=np.int8), "t": TWO, "q": np.int8(3), "c": np.int32([5, -90, 7]),
        }, {"transB": 1}, 1),
        ("MatMulIntegerToFloat", {"x": bytes_(2, 4)}, {"w": bytes_(4, 3), "s": ONE, "t": TWO, "z": SEVEN, "q": ZERO, "b": floats(3)}, {}, 1),
        ("DynamicQuantizeMatMul", {"x": floats(2, 4)}, {"w": bytes_(4, 3), "t": TWO, "q": SEVEN, "b": floats(3)}, {}, 1),
    ],
)  # fmt: skip
def test_an_operator_of_onnxruntime(kind, inputs, arrays, attributes, outputs, tmp_path, counting):
    names = outputs.split(",") if isinstance(outputs, str) else ["y"]
    node = helper.make_node(kind, [n.strip() for n in (*inputs, *arrays)], names, domain="com.microsoft", **attributes)
    held = {name: array for name, array in arrays.items() if array is not None}
    with counting():
        same(tmp_path / "net.onnx", [node], inputs, held, [n for n in names if n], "com.microsoft")
