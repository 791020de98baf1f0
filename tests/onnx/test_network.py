import pickle

import numpy as np
import pytest
from onnx import helper

import autograd_cnn as ag
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


def test_what_is_recorded_stands_in_the_modules_that_the_names_tell(small):
    network, images, _ = small
    graph = ag.graph.capture(network(images), names=network.named_parameters())
    scopes = {node.name: node.scope for node in graph.nodes if node.kind == "operation"}
    assert scopes["correlate2d"] == "conv"
    assert scopes["relu"] == ""
    assert scopes["linear"] == "fc"
    assert "conv.weight" in {node.name for node in graph.nodes if node.kind == "parameter"}


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
    with pytest.raises(FormatError) as err:
        load_onnx(path)
    assert str(err.value) == f"{path}: initializer 'forward': the name is one that every module needs itself"
