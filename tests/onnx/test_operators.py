import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from tables import for_each

from autograd_cnn.errors import FormatError, ShapeError
from autograd_cnn.interop import load_onnx
from autograd_cnn.onnx.load import DTYPES


def _node(operator, inputs=("x",), **attributes):
    return helper.make_node(operator, list(inputs), ["y"], **attributes)


def _floats(*shape):
    return np.random.default_rng(7).standard_normal(shape).astype(np.float32)


def _ints(*values):
    return np.array(values, np.int64)


# Each: the node, the arrays in the file, and what x is where it is not (2, 3, 4).
CASES = {
    "Abs": [(_node("Abs"), {})],
    "Add": [(_node("Add", ["x", "a"]), {"a": _floats(3, 1)})],
    "BatchNormalization": [
        (
            _node("BatchNormalization", ["x", "s", "b", "m", "v"], epsilon=0.1),
            {"s": _floats(3), "b": _floats(3) + 1, "m": _floats(3) * 2, "v": np.abs(_floats(3))},
            _floats(2, 3, 4, 5),
        )
    ],
    "Cast": [(_node("Cast", to=TensorProto.DOUBLE), {}), (_node("Cast", to=TensorProto.FLOAT), {})],
    "Clip": [
        (_node("Clip", ["x", "lo", "hi"]), {"lo": np.float32(-0.5), "hi": np.float32(0.5)}),
        (_node("Clip", ["x", "", "hi"]), {"hi": np.float32(0.5)}),
        (_node("Clip", ["x", "lo"]), {"lo": np.float32(0)}),
        (_node("Clip"), {}),
    ],
    "Concat": [(_node("Concat", ["x", "a", "x"], axis=-2), {"a": _floats(2, 1, 4)})],
    "ConstantOfShape": [
        (_node("ConstantOfShape"), {}, _ints(2, 3)),
        (
            _node("ConstantOfShape", value=helper.make_tensor("v", TensorProto.INT64, [1], [7])),
            {},
            _ints(3),
        ),
    ],
    "Div": [
        (_node("Div", ["x", "a"]), {"a": _floats(4) + 3}),
        (_node("Div", ["x", "a"]), {"a": _ints(2, -2, 3)}, _ints(7, 7, -7)),
    ],
    "Dropout": [(_node("Dropout", ["x", "r"]), {"r": np.float32(0.5)}), (_node("Dropout"), {})],
    "Elu": [(_node("Elu", alpha=0.3), {}), (_node("Elu"), {})],
    "Erf": [(_node("Erf"), {})],
    "Exp": [(_node("Exp"), {})],
    "Flatten": [(_node("Flatten", axis=axis), {}) for axis in (0, 1, 2, 3, -1)] + [(_node("Flatten"), {})],
    "Gather": [
        (_node("Gather", ["x", "i"], axis=1), {"i": _ints(2, 0, -1)}),
        (_node("Gather", ["x", "i"]), {"i": np.array(1, np.int64)}),
    ],
    "Gelu": [(_node("Gelu"), {}), (_node("Gelu", approximate="tanh"), {})],
    "Gemm": [
        (_node("Gemm", ["x", "w", "b"], transB=1), {"w": _floats(5, 4), "b": _floats(5)}, _floats(3, 4)),
        (_node("Gemm", ["x", "w"], transB=1, beta=1.0), {"w": _floats(5, 4)}, _floats(3, 4)),
        (
            _node("Gemm", ["x", "w", "b"], transA=1, alpha=0.5, beta=2.0),
            {"w": _floats(4, 5), "b": _floats(3, 1)},
            _floats(4, 3),
        ),
        (_node("Gemm", ["x", "w", "b"]), {"w": _floats(4, 5), "b": _floats(1, 5)}, _floats(3, 4)),
        (_node("Gemm", ["x", "w"], alpha=3.0), {"w": _floats(4, 5)}, _floats(3, 4)),
    ],
    "Identity": [(_node("Identity"), {})],
    "LeakyRelu": [(_node("LeakyRelu", alpha=0.25), {}), (_node("LeakyRelu"), {})],
    "Log": [(_node("Log"), {}, np.abs(_floats(3)))],
    "LogSoftmax": [(_node("LogSoftmax", axis=1), {}), (_node("LogSoftmax"), {})],
    "MatMul": [(_node("MatMul", ["x", "a"]), {"a": _floats(4, 2)})],
    "Mul": [(_node("Mul", ["x", "a"]), {"a": _floats(3, 1)})],
    "Neg": [(_node("Neg"), {})],
    "Pad": [
        (_node("Pad", ["x", "p"]), {"p": _ints(0, 1, 2, 1, 0, 0)}),
        (_node("Pad", ["x", "p", "v"]), {"p": _ints(0, 1, 2, 1, 0, 0), "v": np.float32(3)}),
        (_node("Pad", ["x", "p", "", "a"], mode="edge"), {"p": _ints(1, 2), "a": _ints(-1)}),
        (_node("Pad", ["x", "p"], mode="reflect"), {"p": _ints(0, 1, 2, 1, 0, 0)}),
    ],
    "Pow": [
        (_node("Pow", ["x", "n"]), {"n": np.float32(2)}),
        (_node("Pow", ["x", "n"]), {"n": np.array(3, np.int64)}),
        (_node("Pow", ["x", "n"]), {"n": _ints(1, 2, 3, 0)}),
    ],
    "ReduceMax": [(_node("ReduceMax", ["x", "a"], keepdims=0), {"a": _ints(0, -1)}), (_node("ReduceMax"), {})],
    "ReduceMean": [
        (_node("ReduceMean", ["x", "a"]), {"a": _ints(1)}),
        (_node("ReduceMean", keepdims=0), {}),
        (_node("ReduceMean", noop_with_empty_axes=1), {}),
    ],
    "ReduceSum": [(_node("ReduceSum", ["x", "a"], keepdims=0), {"a": _ints(1, 2)}), (_node("ReduceSum"), {})],
    "Relu": [(_node("Relu"), {})],
    "Reshape": [
        (_node("Reshape", ["x", "n"]), {"n": _ints(0, -1)}),
        (_node("Reshape", ["x", "n"]), {"n": _ints(4, 0, 2)}),
        (_node("Reshape", ["x", "n"], allowzero=1), {"n": _ints(3, 0)}, _floats(0, 5)),
    ],
    "Slice": [
        (_node("Slice", ["x", "s", "e"]), {"s": _ints(0, 1), "e": _ints(1, 9)}),
        (_node("Slice", ["x", "s", "e", "a"]), {"s": _ints(-3), "e": _ints(-1), "a": _ints(-1)}),
        (
            _node("Slice", ["x", "s", "e", "a", "d"]),
            {"s": _ints(-1, 0), "e": _ints(-(2**63) + 1, 2**31), "a": _ints(2, 1), "d": _ints(-1, 2)},
        ),
    ],
    "Shape": [(_node("Shape"), {}), (_node("Shape", start=1), {}), (_node("Shape", end=-1), {})],
    "Sigmoid": [(_node("Sigmoid"), {})],
    "Softmax": [(_node("Softmax", axis=0), {}), (_node("Softmax"), {})],
    "Softplus": [(_node("Softplus"), {})],
    "Sqrt": [(_node("Sqrt"), {}, np.abs(_floats(3)))],
    "Squeeze": [
        (_node("Squeeze", ["x", "a"]), {"a": _ints(0, -1)}, _floats(1, 3, 1)),
        (_node("Squeeze"), {}, _floats(1, 3, 1)),
    ],
    "Sub": [(_node("Sub", ["x", "a"]), {"a": _floats(4)})],
    "Sum": [(_node("Sum", ["x", "a", "b"]), {"a": _floats(4), "b": _floats(3, 1)}), (_node("Sum"), {})],
    "Tanh": [(_node("Tanh"), {})],
    "Transpose": [(_node("Transpose", perm=[1, 2, 0]), {}), (_node("Transpose"), {})],
    "Unsqueeze": [(_node("Unsqueeze", ["x", "a"]), {"a": _ints(0, -1)})],
}


@for_each("operator, case", [(operator, case) for operator, cases in CASES.items() for case in cases])
def test_agrees_with_the_evaluator(agree, operator, case):
    node, arrays, *x = case
    agree([node], {"x": x[0] if x else _floats(2, 3, 4)}, arrays, opset=20)


@pytest.mark.parametrize("operator", ["ReduceMax", "ReduceMean"])
def test_axes_as_an_attribute(agree, operator):
    """Before opset 18 the axes were no input."""
    agree([_node(operator, axes=[1, 2], keepdims=0)], {"x": _floats(2, 3, 4)}, opset=13)


def test_dtypes_are_those_of_the_library():
    assert {number: helper.tensor_dtype_to_np_dtype(number) for number in DTYPES} == DTYPES


@pytest.mark.parametrize(
    ("node", "arrays", "problem"),
    [
        (
            _node("Cast", to=TensorProto.BFLOAT16),
            {},
            (
                "(Cast): the type of its numbers is not supported: "
                "expected float16 to float64, int8 to int64, uint8 to uint64 or bool, got BFLOAT16"
            ),
        ),
        (
            _node("Dropout", ["x", "r", "t"]),
            {"r": np.float32(0.5), "t": np.bool_(1)},
            "(Dropout): training_mode is set; export the network for inference",
        ),
        (
            _node("Reshape", ["x", "n"]),
            {"n": np.float32([3.5])},
            "(Reshape): an input has to be made of whole numbers: expected int32 or int64, got float32",
        ),
        (
            _node("ReduceSum", ["x", "n"]),
            {"n": np.array([True])},
            "(ReduceSum): an input has to be made of whole numbers: expected int32 or int64, got bool",
        ),
        (
            _node("ConstantOfShape", ["n"], value=numpy_helper.from_array(np.ones(2, np.float32), "v")),
            {"n": _ints(3)},
            "(ConstantOfShape): the value is not one number: expected 1, got 2",
        ),
        (
            _node("Reshape", ["n", "n"]),
            {"n": _ints(7)},
            "(Reshape): reshape: cannot reshape array of size 1 into shape (7,); shapes x=(1,)",
        ),
    ],
)
def test_refuses_while_loading(made, node, arrays, problem):
    _, path = made([node], {"x": _floats(3)}, arrays, opset=20)
    with pytest.raises(FormatError) as err:
        load_onnx(path)
    assert str(err.value) == f"{path}: node 'y' {problem}"


@pytest.mark.parametrize(
    ("node", "arrays", "problem"),
    [
        (
            _node("Reshape", ["x", "n"]),
            {"n": _ints(3, 0)},
            "(Reshape): a 0 stands for a length that x lacks: expected 1 axes, got [3, 0]",
        ),
        *(
            (
                _node("Slice", ["x", "s", "e", "a"]),
                {"s": _ints(0), "e": ends, "a": axes},
                (
                    "(Slice): starts, ends, axes and steps do not fit: "
                    f"expected one of each for each of at most 1 axes, got axes {axes.tolist()}"
                ),
            )
            for ends, axes in ((_ints(1), _ints(1)), (_ints(1, 1), _ints(0)))
        ),
    ],
)
def test_what_does_not_fit_in_a_run(made, node, arrays, problem):
    _, path = made([node], {"x": _floats(3)}, arrays)
    with pytest.raises(ShapeError) as err:
        load_onnx(path)(_floats(3))
    assert str(err.value) == f"node 'y' {problem}"


def test_a_shape_that_only_a_run_can_know(made):
    _, path = made([_node("Reshape", ["x", "n"])], {"x": _floats(3)}, {"n": _ints(7)})
    with pytest.raises(ShapeError) as err:
        load_onnx(path)(_floats(3))
    assert str(err.value) == (
        "node 'y' (Reshape): reshape: cannot reshape array of size 3 into shape (7,); shapes x=(3,)"
    )


def test_a_flattening_that_looks_up_the_batch(agree):
    """As PyTorch exports ``x.view(x.size(0), -1)``."""
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Constant", [], ["zero"], value=numpy_helper.from_array(np.array(0, np.int64))),
        helper.make_node("Gather", ["shape", "zero"], ["n"], axis=0),
        helper.make_node("Unsqueeze", ["n", "first"], ["rows"]),
        helper.make_node("Concat", ["rows", "rest"], ["wanted"], axis=0),
        helper.make_node("Reshape", ["x", "wanted"], ["y"]),
    ]
    agree(nodes, {"x": _floats(2, 3, 4)}, {"first": _ints(0), "rest": _ints(-1)})
