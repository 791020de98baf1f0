"""onnxruntime's own operators, and those on tables of numbers, as onnxruntime runs them."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.engine.node import values_of
from autograd_cnn.errors import FormatError

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
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(domain, 3 if domain == "ai.onnx.ml" else 1)]
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


def _trees(kind, ids, weights, **more):
    """Return two trees of depth 2 and 1, whose leaves add weights to targets or classes."""
    return {
        "nodes_treeids": [0, 0, 0, 0, 0, 1, 1, 1], "nodes_nodeids": [0, 1, 2, 3, 4, 0, 1, 2],
        "nodes_featureids": [0, 0, 2, 0, 0, 1, 0, 0], "nodes_values": [0.1, 0, -0.3, 0, 0, 0.5, 0, 0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_truenodeids": [1, 0, 3, 0, 0, 1, 0, 0], "nodes_falsenodeids": [2, 0, 4, 0, 0, 2, 0, 0],
        f"{kind}_treeids": [0, 0, 0, 1, 1], f"{kind}_nodeids": [1, 3, 4, 1, 2], f"{kind}_ids": ids,
        f"{kind}_weights": weights, **more,
    }  # fmt: skip


ROWS = {"x": floats(20, 3)}
WEIGHTS = [0.5, -1.0, 2.0, 0.25, 0.75]
SHARES = [0.1, 0.3, 0.5, 0.25, 0.4]
LABELS = {"classlabels_int64s": [5, 9, 7]}
TWO_CLASSES = {"classlabels_int64s": [5, 9]}


@for_each(
    "kind, inputs, attributes, outputs",
    [
        ("Scaler", ROWS, {"offset": [0.5, 1, 2], "scale": [2.0, 3, 0.1]}, 1),
        ("Scaler", {"x": np.int64([[1, 2], [3, 4]])}, {"offset": [0.5], "scale": [2.0]}, 1),
        *(("Normalizer", ROWS, {"norm": norm}, 1) for norm in ("MAX", "L1", "L2")),
        ("Binarizer", ROWS, {"threshold": 0.3}, 1),
        ("Imputer", {"x": np.float32([[1, np.nan], [np.nan, 4]])}, {"imputed_value_floats": [7.0, 8.0], "replaced_value_float": np.nan}, 1),
        ("Imputer", {"x": np.float32([[1, 0], [0, 4]])}, {"imputed_value_floats": [7.0]}, 1),
        ("ArrayFeatureExtractor", {**ROWS, "i": np.int64([2, 0])}, {}, 1),
        ("FeatureVectorizer", {**ROWS, "z": floats(20, 2)}, {"inputdimensions": [3, 2]}, 1),
        ("OneHotEncoder", {"x": np.int64([[3], [9], [4]])}, {"cats_int64s": [4, 3]}, 1),
        ("LabelEncoder", {"x": np.int64([3, 8, 1])}, {"keys_int64s": [8, 3], "values_floats": [0.5, 1.5], "default_float": 9.0}, 1),
        ("LinearRegressor", ROWS, {"coefficients": [1.0, 2, 3, 4, 5, 6], "intercepts": [0.5, -1], "targets": 2}, 1),
        ("LinearClassifier", ROWS, {"coefficients": [1.0, 2, 3, 4, -5, 6], "intercepts": [0.5, -1], "classlabels_ints": [3, 8], "post_transform": "SOFTMAX"}, 2),
        ("LinearClassifier", ROWS, {"coefficients": [1.0, 2, 3], "intercepts": [0.5], "classlabels_ints": [3, 8], "post_transform": "LOGISTIC"}, 2),
        ("TreeEnsembleRegressor", ROWS, _trees("target", [0, 1, 0, 0, 1], WEIGHTS, n_targets=2), 1),
        ("TreeEnsembleRegressor", ROWS, _trees("target", [0] * 5, WEIGHTS, n_targets=1, aggregate_function="AVERAGE", base_values=[0.5]), 1),
        ("TreeEnsembleRegressor", ROWS, _trees("target", [0] * 5, WEIGHTS, n_targets=1, aggregate_function="MAX"), 1),
        ("TreeEnsembleRegressor", {"x": np.where(floats(20, 3) > 1, np.nan, ROWS["x"])}, _trees("target", [0] * 5, WEIGHTS, n_targets=1, nodes_missing_value_tracks_true=[1] * 8), 1),
        ("TreeEnsembleClassifier", ROWS, _trees("class", [0, 1, 2, 1, 2], SHARES, **LABELS), 2),
        ("TreeEnsembleClassifier", ROWS, _trees("class", [0, 1, 2, 1, 2], WEIGHTS, post_transform="SOFTMAX", base_values=[0.1, 0.2, 0.3], **LABELS), 2),
        ("TreeEnsembleClassifier", ROWS, _trees("class", [0] * 5, SHARES, **TWO_CLASSES), 2),
        ("TreeEnsembleClassifier", ROWS, _trees("class", [0] * 5, WEIGHTS, **TWO_CLASSES), 2),
        ("TreeEnsembleClassifier", ROWS, _trees("class", [0] * 5, WEIGHTS, post_transform="LOGISTIC", **TWO_CLASSES), 2),
    ],
)  # fmt: skip
def test_an_operator_of_classic_machine_learning(kind, inputs, attributes, outputs, tmp_path, counting):
    names = ["y", "z"][:outputs] if kind != "FeatureVectorizer" else ["y"]
    node = helper.make_node(kind, [*inputs], names, domain="ai.onnx.ml", **attributes)
    with counting():
        same(tmp_path / "net.onnx", [node], inputs, {}, names, "ai.onnx.ml")


@for_each(
    "kind, attributes, problem",
    [
        (
            "TreeEnsembleRegressor", {"nodes_truenodeids": [1, 0, 2, 0, 0, 1, 0, 0]},
            "the nodes are not trees: expected one way from one root to each",
        ),
        ("TreeEnsembleRegressor", {"nodes_falsenodeids": [2, 0, 9, 0, 0, 2, 0, 0]}, "node 9 of tree 0 is not there"),
        (
            "TreeEnsembleRegressor", {"target_ids": [0, 1, 2**40, 0, 1]},
            "the results are too large for a file and inputs of this size: expected at most 16777216 elements in all, got",
        ),
    ],
)  # fmt: skip
def test_trees_that_are_none(kind, attributes, problem, tmp_path):
    node = helper.make_node(
        kind, ["x"], ["y"], domain="ai.onnx.ml", **(_trees("target", [0] * 5, WEIGHTS) | attributes)
    )
    infos = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, None]) for name in "xy"]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    path = tmp_path / "net.onnx"
    onnx.save(helper.make_model(helper.make_graph([node], "test", infos[:1], infos[1:]), opset_imports=opsets), path)
    with pytest.raises(FormatError) as err:
        ag.onnx.load(path)(ROWS["x"])
    assert str(err.value).startswith(f"node 'y' ({kind}): {problem}")
