import pickle

import numpy as np
import onnxruntime
import pytest
from onnx import helper

import autograd_cnn as ag
from autograd_cnn.engine.node import values_of
from autograd_cnn.errors import FormatError, ShapeError
from autograd_cnn.interop import load_onnx


def _small(rng):
    """Return the nodes and arrays of a network as PyTorch names them: a convolution, its statistics, a layer."""
    nodes = [
        helper.make_node("Conv", ["x", "conv.weight", "conv.bias"], ["a"], name="/conv/Conv", pads=[1, 1, 1, 1]),
        helper.make_node(
            "BatchNormalization", ["a", "bn.weight", "bn.bias", "bn.mean", "bn.var"], ["n"], name="/bn/Batch"
        ),
        helper.make_node("Relu", ["n"], ["r"], name="/Relu"),
        helper.make_node("MaxPool", ["r"], ["p"], name="/pool/MaxPool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["p"], ["f"], name="/Flatten"),
        helper.make_node("Gemm", ["f", "fc.weight", "fc.bias"], ["y"], name="/fc/Gemm", transB=1),
    ]
    shapes = {
        "conv.weight": (3, 1, 3, 3), "conv.bias": (3,), "bn.weight": (3,), "bn.bias": (3,), "bn.mean": (3,),
        "bn.var": (3,), "fc.weight": (4, 27), "fc.bias": (4,),
    }  # fmt: skip
    return nodes, {name: rng.uniform(0.5, 1, shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.fixture
def small(agree, rng):
    nodes, arrays = _small(rng)
    images = rng.standard_normal((2, 1, 6, 6)).astype(np.float32)
    network, _ = agree(nodes, {"x": images}, arrays, shapes={"x": ["N", 1, 6, 6]})
    return network, images, arrays


def test_parameters_buffers_and_their_names(small):
    network, _, arrays = small
    names = [name for name, _ in network.named_parameters()]
    assert names == ["conv.weight", "conv.bias", "bn.weight", "bn.bias", "fc.weight", "fc.bias"]
    assert [name for name, _ in network.named_buffers()] == ["bn.mean", "bn.var"]
    assert {name: array.tolist() for name, array in network.state_dict().items()} == {
        name: array.tolist() for name, array in arrays.items()
    }


def test_gradients_are_those_of_differences(small):
    network, images, _ = small
    network.astype(np.float64)
    images = images.astype(np.float64)
    loss = ag.nn.cross_entropy(network(images), np.array([1, 3]))
    loss.backward()
    rng, step = np.random.default_rng(1), 1e-6
    for name, parameter in network.named_parameters():
        grad, before = parameter.grad.numpy(), parameter.numpy()
        direction = rng.standard_normal(before.shape)
        ends = []
        for sign in (1, -1):
            parameter.data = before + sign * step * direction
            ends.append(ag.nn.cross_entropy(network(images), np.array([1, 3])).item())
        parameter.data = before
        slope = (ends[0] - ends[1]) / (2 * step)
        assert np.sum(grad * direction) == pytest.approx(slope, rel=1e-6, abs=1e-8), name


def test_a_graph_has_the_names_operators_and_attributes_of_the_file(small):
    network, images, arrays = small
    graph = ag.graph.of_network(network, images)
    assert [(call.scope, call.kind) for call in graph.calls] == [
        ("conv", "Conv"), ("bn", "BatchNormalization"), ("Relu", "Relu"), ("pool", "MaxPool"), ("Flatten", "Flatten"),
        ("fc", "Gemm"),
    ]  # fmt: skip
    attributes = {call.scope: {each.name: each.value for each in call.attributes} for call in graph.calls}
    assert attributes["conv"] == {"pads": "[1, 1, 1, 1]"}
    assert attributes["pool"] == {"kernel_shape": "[2, 2]", "strides": "[2, 2]"}
    scopes = {node.name: node.scope for node in graph.nodes if node.kind == "operation"}
    assert scopes.items() >= {("correlate2d", "conv"), ("relu", "Relu"), ("linear", "fc")}
    assert {node.name for node in graph.nodes if node.kind in ("parameter", "input")} == {"x", *arrays}
    assert graph.nodes[-1].name == "y"
    both = ag.graph.of_network(network, images, backward=True)
    assert {node.name for node in both.nodes if node.kind == "gradient"} == {"x", *arrays} - {"bn.mean", "bn.var"}


def test_a_graph_has_all_outputs(made):
    nodes = [
        helper.make_node("Exp", ["x"], ["e"], name="block/one/Exp"),
        helper.make_node("Neg", ["e"], ["n"], name="block/Neg"),
        helper.make_node("Neg", ["e"], ["m"], name="block/Neg"),
    ]
    _, path = made(nodes, {"x": np.float32([1, 2])}, outputs=("n", "e"))
    graph = ag.graph.of_network(load_onnx(path), [1.0, 2.0])
    assert [node.name for node in graph.nodes if node.kind == "output"] == ["n", "e"]
    assert [call.scope for call in graph.calls] == ["block.one", "block.Neg"]
    with pytest.raises(ag.errors.OperandError) as error:
        ag.graph.of_network(ag.exp, [1.0])
    assert str(error.value).startswith("graph.of_network: network is not an OnnxNetwork: expected ag.onnx.load(path)")
    _, path = made([helper.make_node("Not", ["x"], ["y"])], {"x": np.array([True])})
    with pytest.raises(ag.errors.GradientError) as error:
        ag.graph.of_network(load_onnx(path), [True])
    assert str(error.value).startswith("graph.of_network: no output depends on parameters or inputs of floats")


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int64])
def test_images_are_cast_to_the_dtype_of_the_parameters(small, dtype):
    network, images, _ = small
    x = ag.tensor(images.astype(dtype), requires_grad=dtype is not np.int64)
    y = network(x)
    assert y.dtype == np.float32
    assert np.array_equal(y.numpy(), network(images.astype(dtype).astype(np.float32)).numpy())
    if x.requires_grad:
        y.sum().backward()
        assert x.grad.dtype == dtype
    assert network.astype(np.float64)(images).dtype == np.float64


def test_how_it_shows_itself(small):
    assert repr(small[0]) == "OnnxNetwork(x: (N, 1, 6, 6); steps=6): 148 parameters"


def test_a_copy_computes_the_same(small):
    network, images, _ = small
    copy = pickle.loads(pickle.dumps(network))  # noqa: S301  # our own
    assert np.array_equal(copy(images).numpy(), network(images).numpy())


def test_several_inputs_and_outputs(made):
    node = helper.make_node("Add", ["a", "b"], ["y"])
    arrays = {"a": np.float32([1, 2]), "b": np.float32([3, 4])}
    _, path = made([node], arrays, outputs=("y", "a"))
    total, first = load_onnx(path)(*arrays.values())
    assert (total.tolist(), first.tolist()) == ([4, 6], [1, 2])


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ((), "OnnxNetwork: inputs: expected 1 (x), got 0"),
        ((np.ones((1, 3)),), "input 'x': the shape does not fit: expected (N, 2, ?), got (1, 3)"),
        ((np.ones((1, 3, 4)),), "input 'x': the shape does not fit: expected (N, 2, ?), got (1, 3, 4)"),
    ],
)
def test_inputs_that_do_not_fit(made, inputs, problem):
    node = helper.make_node("Relu", ["x"], ["y"])
    _, path = made([node], {"x": np.ones((1, 2, 3), np.float32)}, shapes={"x": ["N", 2, None]})
    with pytest.raises(ShapeError) as err:
        load_onnx(path)(*inputs)
    assert str(err.value) == problem


def test_what_goes_wrong_names_the_node(made):
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="/first/Conv")
    _, path = made([node], {"x": np.ones((1, 2, 3, 3), np.float32)}, {"w": np.ones((1, 1, 2, 2), np.float32)})
    with pytest.raises(ShapeError) as err:
        load_onnx(path)(np.ones((1, 2, 3, 3), np.float32))
    assert str(err.value) == (
        "node '/first/Conv' (Conv): correlate2d: w has C=1 but x has C=2; shapes x=(1, 2, 3, 3), w=(1, 1, 2, 2)"
    )


def test_a_shape_that_is_learned_is_refused(made):
    """Else the gradient would be lost without a word."""
    nodes = [helper.make_node("Neg", ["w"], ["low"]), helper.make_node("Clip", ["x", "low"], ["y"])]
    _, path = made(nodes, {"x": np.ones(2, np.float32)}, {"w": np.array(1, np.float32)})
    with pytest.raises(FormatError) as err:
        load_onnx(path)
    assert str(err.value) == f"{path}: node 'y' (Clip): an input that has to be known is computed from parameters"


def test_a_name_that_modules_need(made):
    node = helper.make_node("Add", ["x", "forward"], ["y"])
    _, path = made([node], {"x": np.ones(2, np.float32)}, {"forward": np.ones(2, np.float32)})
    network = load_onnx(path)
    assert [name for name, _ in network.named_parameters()] == ["forward_"]
    assert network(np.ones(2, np.float32)).tolist() == [2, 2]


def _looking(rng):
    """Return nodes that look at whole numbers, and arrays."""
    node = helper.make_node
    nodes = [
        node("Gather", ["table", "ids"], ["rows"]),
        node("LSTM", ["rows", "w", "r", "b"], ["", "last"], hidden_size=2, direction="bidirectional"),
        node("GRU", ["rows", "w3", "r3", "b3"], ["states"], hidden_size=2, linear_before_reset=1, direction="reverse"),
        node("TopK", ["x", "two"], ["most", "places"]),
        node("GatherElements", ["x", "places"], ["again"], axis=1),
        node("Greater", ["x", "zero"], ["positive"]),
        node("Where", ["positive", "x", "zero"], ["kept"]),
        node("Cast", ["kept"], ["whole"], to=7),
        node("Cast", ["whole"], ["wholes"], to=1),
        node("Pow", ["two.", "kept"], ["powers"]),
        node("OneHot", ["places", "four", "values"], ["hot"]),
        node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        node("DequantizeLinear", ["q", "s", "z"], ["near"]),
        node("Concat", ["again", "kept", "powers", "near"], ["y"], axis=1),
    ]
    shapes = {
        "table": (5, 3), "w": (2, 8, 3), "r": (2, 8, 2), "b": (2, 16), "w3": (1, 6, 3), "r3": (1, 6, 2), "b3": (1, 12),
    }  # fmt: skip
    arrays = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    constants = {"two": np.int64([2]), "four": np.int64(4), "values": np.float32([-1, 1]), "zero": np.float32(0.1)}
    return nodes, arrays | constants | {"two.": np.float32([2.0])}, ("last", "states", "wholes", "hot", "y")


def _quiet():
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return options


def test_a_network_that_looks_at_whole_numbers_is_compiled_and_exported(made, rng, tmp_path):
    nodes, arrays, outputs = _looking(rng)
    feeds = {"ids": np.int64([[1, 4], [0, 0], [2, 3]]), "x": rng.standard_normal((3, 4)).astype(np.float32)}
    _, path = made(nodes, feeds, arrays, outputs=outputs)
    network = load_onnx(path)
    assert "zero" not in dict(network.named_parameters())
    others = {"ids": feeds["ids"][::-1] % 4, "x": rng.standard_normal((3, 4)).astype(np.float32)}
    theirs = onnxruntime.InferenceSession(path, _quiet()).run(None, others)
    step = ag.compile(network)
    with ag.no_grad():
        for _ in range(3):
            step(*feeds.values())
        compiled = step(*others.values())
    assert "compiled" in repr(step)
    ag.onnx.export(network, tuple(feeds.values()), tmp_path / "again.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "again.onnx", _quiet())
    assert [each.name for each in session.get_inputs()] == ["ids", "x"]
    assert [each.name for each in session.get_outputs()] == [*outputs]
    for results in (network(*others.values()), compiled, session.run(None, others)):
        for mine, other in zip(results, theirs, strict=True):
            np.testing.assert_allclose(values_of(mine), other, rtol=1e-5, atol=1e-5)


def test_random_numbers_are_drawn_in_each_run_unless_the_file_has_a_seed(made):
    nodes = [
        helper.make_node("RandomNormal", [], ["n"], shape=[2, 3]),
        helper.make_node("RandomUniformLike", ["x"], ["u"], seed=3.0, low=2.0, high=4.0),
        helper.make_node("Bernoulli", ["half"], ["b"]),
        helper.make_node("Multinomial", ["logs"], ["m"], sample_size=1000),
        helper.make_node("Add", ["n", "u"], ["y"]),
    ]
    arrays = {"half": np.full(64, 0.5, np.float32), "logs": np.log(np.float32([[0.1, 0.9]]))}
    x = np.zeros((2, 3), np.float32)
    _, path = made(nodes, {"x": x}, arrays, outputs=("n", "u", "b", "m"))
    network = load_onnx(path)
    ag.manual_seed(0)
    first, second = network(x), network(x)
    ag.manual_seed(0)
    again = network(x)
    same = [np.array_equal(a, b) for a, b in zip(first, second, strict=True)]
    assert same == [False, True, False, False]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert 2 <= first[1].min() <= first[1].max() < 4
    assert set(first[2].tolist()) == {0, 1}
    assert first[3].dtype == np.int32
    assert 850 < first[3].sum() < 950


def test_operands_of_opset_6_begin_at_an_axis(made):
    nodes = [
        helper.make_node("Add", ["x", "bias"], ["a"], broadcast=1, axis=1),
        helper.make_node("PRelu", ["a", "slope"], ["y"]),
    ]
    arrays = {"bias": np.float32([1, -2]), "slope": np.float32([0.5, 0.25])}
    x = np.zeros((1, 2, 3), np.float32)
    _, path = made(nodes, {"x": x}, arrays, opset=6)
    assert load_onnx(path)(x).tolist() == [[[1] * 3, [-0.5] * 3]]
    _, path = made([helper.make_node("Dropout", ["x"], ["y"])], {"x": x}, opset=6)
    with pytest.raises(FormatError) as err:
        load_onnx(path)
    assert str(err.value) == f"{path}: node 'y' (Dropout): is_test is not set; export the network for inference"
