import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from autograd_cnn.errors import FormatError
from autograd_cnn.interop import load_onnx

PAIR = st.tuples(st.integers(1, 3), st.integers(1, 3)).map(list)
OPSETS = st.sampled_from([13, 18, 22])


def _images(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@st.composite
def pads_of(draw, size, strides, dilations, same=("SAME_UPPER", "SAME_LOWER")):
    """Draw how to pad; a border at least as wide as the window would leave places without a pixel."""
    same = (
        same if all(s <= k for s, k in zip(strides, size, strict=True)) else ()
    )  # the evaluator stumbles over pixels left out
    auto_pad = draw(st.sampled_from(["NOTSET", "VALID", *same]))
    if auto_pad != "NOTSET":
        return {"auto_pad": auto_pad}
    most = [min((k - 1) * d, 3) if d == 1 else 0 for k, d in zip(size, dilations, strict=True)] * 2
    return {"pads": [draw(st.integers(0, each)) for each in most]}


# --- correlation ------------------------------------------------------------------------------


@given(data=st.data(), opset=OPSETS)
def test_conv(agree, data, opset):
    size, strides = data.draw(PAIR), data.draw(PAIR)
    group = data.draw(st.sampled_from([1, 2]))
    dilations = data.draw(PAIR)
    pads = data.draw(pads_of(size, strides, (1, 1)))
    if "auto_pad" in pads:
        dilations = [1, 1]  # the evaluator forgets them then
    attributes = {"kernel_shape": size, "strides": strides, "group": group, "dilations": dilations, **pads}
    weights = {"w": _images((4, 2 // group * 1, *size), 1), "b": _images((4,), 2)}
    names = ["x", "w", "b"] if data.draw(st.booleans()) else ["x", "w"]
    node = helper.make_node("Conv", names, ["y"], **attributes)
    agree([node], {"x": _images((2, 2, 9, 8))}, {name: weights[name] for name in names[1:]}, opset=opset)


@pytest.mark.parametrize(("auto_pad", "expected"), [("SAME_UPPER", [4, 9, 2, 4]), ("SAME_LOWER", [2, 4, 9, 2])])
def test_the_border_of_a_dilated_conv(made, auto_pad, expected):
    """Three rows of border: one above and two below, or the other way round."""
    node = helper.make_node("Conv", ["x", "w"], ["y"], auto_pad=auto_pad, dilations=[3, 1])
    image = np.array([1, 2, 4, 8], np.float32).reshape(1, 1, 4, 1)
    _, path = made([node], {"x": image}, {"w": np.ones((1, 1, 2, 1), np.float32)})
    assert load_onnx(path)(image).ravel().tolist() == expected


def test_gradients_reach_the_filters(made):
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"])
    image = np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)
    _, path = made([node], {"x": image}, {"w": np.ones((1, 1, 2, 2), np.float32), "b": np.ones(1, np.float32)})
    network = load_onnx(path)
    network(image).sum().backward()
    grads = {name: parameter.grad.tolist() for name, parameter in network.named_parameters()}
    assert grads == {"w": [[[[0, 1], [2, 3]]]], "b": [1]}


# --- transposed correlation -------------------------------------------------------------------


@given(data=st.data(), opset=OPSETS)
def test_conv_transpose(agree, data, opset):
    """In one group: of several the evaluator takes other filters than the definition says."""
    size, strides, dilations = data.draw(PAIR), data.draw(PAIR), data.draw(PAIR)
    extra = [data.draw(st.integers(0, s - 1)) for s in strides]
    pads = [data.draw(st.integers(0, k)) for k in size * 2]
    attributes = {"strides": strides, "dilations": dilations, "output_padding": extra, "pads": pads}
    weights = {"w": _images((4, 3, *size), 1), "b": _images((3,), 2)}
    names = ["x", "w", "b"] if data.draw(st.booleans()) else ["x", "w"]
    node = helper.make_node("ConvTranspose", names, ["y"], **attributes)
    agree([node], {"x": _images((2, 4, 6, 5))}, {name: weights[name] for name in names[1:]}, opset=opset)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"auto_pad": "VALID", "pads": [9, 9, 9, 9]}, [1, 2, 5, 4, 6]),
        ({"auto_pad": "SAME_UPPER"}, [1, 2, 5, 4]),
        ({"auto_pad": "SAME_LOWER"}, [2, 5, 4, 6]),
        ({"output_shape": [3, 1]}, [2, 5, 4]),
        ({"output_shape": [6, 1]}, [1, 2, 5, 4, 6, 0]),
    ],
)
def test_what_is_cut_off_a_transpose(made, attributes, expected):
    """An odd row too much goes at the end in the "upper" of two ways, else in the beginning."""
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 1], **attributes)
    image = np.array([1, 2], np.float32).reshape(1, 1, 2, 1)
    _, path = made([node], {"x": image}, {"w": np.array([1, 2, 3], np.float32).reshape(1, 1, 3, 1)})
    assert load_onnx(path)(image).ravel().tolist() == expected


# --- pooling ----------------------------------------------------------------------------------


@given(data=st.data(), opset=OPSETS)
def test_max_pool(agree, data, opset):
    size, strides, dilations = data.draw(PAIR), data.draw(PAIR), data.draw(PAIR)
    # The evaluator puts the odd pixel of SAME_LOWER below, and one place too few.
    pads = data.draw(pads_of(size, strides, dilations, ["SAME_UPPER"]))
    attributes = {"kernel_shape": size, "strides": strides, **pads}
    if "auto_pad" not in pads:
        attributes |= {"dilations": dilations, "ceil_mode": data.draw(st.sampled_from([0, 1]))}
    agree([helper.make_node("MaxPool", ["x"], ["y"], **attributes)], {"x": _images((2, 3, 9, 8))}, opset=opset)


@given(data=st.data(), opset=OPSETS)
def test_average_pool(agree, data, opset):
    size, strides = data.draw(PAIR), data.draw(PAIR)
    pads = data.draw(pads_of(size, strides, (1, 1)))
    attributes = {"kernel_shape": size, "strides": strides, "count_include_pad": data.draw(st.sampled_from([0, 1]))}
    if "auto_pad" not in pads:
        attributes["ceil_mode"] = data.draw(st.sampled_from([0, 1]))
    agree(
        [helper.make_node("AveragePool", ["x"], ["y"], **attributes, **pads)], {"x": _images((2, 3, 9, 8))}, opset=opset
    )


@pytest.mark.parametrize(("auto_pad", "expected"), [("SAME_UPPER", [2, 3]), ("SAME_LOWER", [1, 3])])
@pytest.mark.parametrize("operator", ["MaxPool", "AveragePool"])
def test_the_odd_row_of_a_pool(made, operator, auto_pad, expected):
    node = helper.make_node(operator, ["x"], ["y"], auto_pad=auto_pad, kernel_shape=[2, 1], strides=[2, 1])
    image = np.array([1, 2, 3], np.float32).reshape(1, 1, 3, 1)
    _, path = made([node], {"x": image})
    if operator == "AveragePool":
        expected = {"SAME_UPPER": [1.5, 3], "SAME_LOWER": [1, 2.5]}[auto_pad]
    assert load_onnx(path)(image).ravel().tolist() == expected


def test_filters_of_another_size_than_promised(made):
    node = helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[3, 3])
    image = np.ones((1, 1, 5, 5), np.float32)
    _, path = made([node], {"x": image}, {"w": np.ones((1, 1, 2, 2), np.float32)})
    with pytest.raises(FormatError) as err:
        load_onnx(path)(image)
    assert str(err.value) == "node 'y' (Conv): kernel_shape contradicts the filters: expected (2, 2), got (3, 3)"


@pytest.mark.parametrize("operator", ["GlobalAveragePool", "GlobalMaxPool"])
def test_global_pools(agree, operator):
    agree([helper.make_node(operator, ["x"], ["y"])], {"x": _images((2, 3, 5, 4))})
