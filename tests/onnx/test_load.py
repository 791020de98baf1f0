import contextlib
import sys
from importlib import import_module

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from autograd_cnn.errors import FormatError, MissingDependencyError, ShapeError
from autograd_cnn.interop import load_onnx

X = {"x": np.ones((1, 2), np.float32)}


def _relu(**attributes):
    return helper.make_node("Relu", ["x"], ["y"], **attributes)


def test_constants_of_every_kind(agree):
    constants = {
        "a": {"value": numpy_helper.from_array(np.float32([1, 2]))},
        "b": {"value_float": 3.0},
        "c": {"value_floats": [4.0, 5.0]},
        "d": {"value_ints": [-1, 1, 2]},
        "e": {"value_int": 1},
    }
    nodes = [helper.make_node("Constant", [], [name], **value) for name, value in constants.items()]
    nodes += [
        helper.make_node("Sum", ["x", "a", "b", "c"], ["s"]),
        helper.make_node("Reshape", ["s", "d"], ["r"]),
        helper.make_node("Gather", ["r", "e"], ["y"], axis=2),
    ]
    network, _ = agree(nodes, X)
    assert [name for name, _ in network.named_parameters()] == ["a", "c"]  # as no initializer is a weight


def test_attributes_are_the_numbers_that_were_meant(made):
    """A file has them in single precision."""
    _, path = made([helper.make_node("LeakyRelu", ["x"], ["y"], alpha=0.1)], X)
    assert load_onnx(path).steps[0].attributes == {"alpha": 0.1}


def test_what_no_node_uses_is_left_out(made):
    _, path = made([_relu()], X, {"unused": np.ones(3, np.float32)})
    assert load_onnx(path).state_dict() == {}


def test_an_initializer_that_is_listed_among_the_inputs(made):
    """As files of the first versions have it."""
    node = helper.make_node("Add", ["x", "w"], ["y"])
    _, path = made([node], X | {"w": np.ones(2, np.float32)}, {"w": np.ones(2, np.float32)})
    network = load_onnx(path)
    assert [each.name for each in network.inputs] == ["x"]
    assert [name for name, _ in network.named_parameters()] == ["w"]


@pytest.mark.parametrize(
    ("node", "problem"),
    [
        (
            helper.make_node("OptionalHasElement", ["x"], ["y"], name="there"),
            "node 'there' (OptionalHasElement): the operator is not supported",
        ),
        (
            helper.make_node("Relu", ["x"], ["y"], domain="com.example"),
            "node 'y' (Relu): the operator is not supported",
        ),
        (
            helper.make_node("BatchNormalization", ["x", "w", "w", "w", "w"], ["y", "m", "v"], name="norm"),
            "node 'norm' (BatchNormalization): it has too many outputs: expected at most 1, got 3",
        ),
        (
            helper.make_node("LpNormalization", ["x"], ["y"], name="norm", p=3),
            "node 'norm' (LpNormalization): the attribute p: expected 1 or 2, got 3",
        ),
        (
            helper.make_node("BatchNormalization", ["x", "r", "r", "w", "w"], ["y"], training_mode=1),
            "node 'y' (BatchNormalization): training_mode is set; export the network for inference",
        ),
        (
            helper.make_node("Constant", [], ["y"], value_string="seven"),
            "node 'y' (Constant): only a constant of numbers is supported",
        ),
        (
            helper.make_node("Constant", [], ["y"], value=helper.make_tensor("h", TensorProto.BFLOAT16, [1], [1.0])),
            (
                "node 'y' (Constant): the type of its numbers is not supported: "
                "expected float16 to float64, int8 to int64, uint8 to uint64 or bool, got BFLOAT16"
            ),
        ),
        (
            helper.make_node("GridSample", ["x", "w"], ["y"], name="grid", padding_mode="mirror"),
            "node 'grid' (GridSample): the attribute padding_mode: expected 'zeros' or 'border' or 'reflection', got 'mirror'",
        ),
    ],
)
def test_refuses_what_is_not_supported(made, node, problem):
    arrays = {name: np.ones((1, 2, 1), np.float32) for name in ("w", "r")}
    model, path = made([node], X, arrays)
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    onnx.save(model, path)
    with pytest.raises(FormatError) as err:
        load_onnx(path)
    assert str(err.value) == f"{path}: {problem}"


def _external(model):
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def _long(model):
    model.graph.initializer[0].raw_data = b"\0" * 12


def _half(model):
    model.graph.initializer[0].CopyFrom(helper.make_tensor("w", TensorProto.BFLOAT16, [2], [1.0, 1.0]))


def _old(model):
    model.opset_import[0].version = 5


def _unordered(model):
    model.graph.node[0].input[1] = "nowhere"


def _sequence(model):
    model.graph.input[0].type.Clear()
    model.graph.input[0].type.sequence_type.elem_type.tensor_type.elem_type = TensorProto.FLOAT


def _negative(model):
    model.graph.initializer[0].dims[:] = [-1]


def _vast(model):
    model.graph.initializer[0].dims[:] = [0, 2**62]
    model.graph.initializer[0].raw_data = b""


def _twice(model):
    model.graph.initializer.append(model.graph.initializer[0])


def _two_inputs(model):
    model.graph.input.append(model.graph.input[0])


def _two_attributes(model):
    model.graph.node[0].CopyFrom(helper.make_node("Elu", ["x"], ["y"], alpha=1.0))
    model.graph.node[0].attribute.append(model.graph.node[0].attribute[0])


def _function(model, name, *calls):
    nodes = [helper.make_node(call, ["a", "b"], [f"c{i}"], domain="own") for i, call in enumerate(calls)]
    nodes.append(helper.make_node("Add", ["a", "b"], ["c"]))
    opsets = [helper.make_opsetid("own", 1), helper.make_opsetid("", 18)]
    model.functions.append(helper.make_function("own", name, ["a", "b"], ["c"], nodes, opsets))


def _recursive(model):
    _function(model, "Add", "Add")
    model.opset_import.append(helper.make_opsetid("own", 1))
    model.graph.node[0].domain = "own"


def _explosive(model):
    """Thirty functions, each of which calls the next one twice."""
    for i in range(30):
        _function(model, f"f{i}", *([f"f{i + 1}"] * 2 if i < 29 else []))
    model.opset_import.append(helper.make_opsetid("own", 1))
    model.graph.node[0].domain, model.graph.node[0].op_type = "own", "f0"


def _deep(model):
    """Two thousand functions, each of which calls the next one."""
    for i in range(2000):
        _function(model, f"f{i}", *([f"f{i + 1}"] if i < 1999 else []))
    model.opset_import.append(helper.make_opsetid("own", 1))
    model.graph.node[0].domain, model.graph.node[0].op_type = "own", "f0"


def _no_result(model):
    model.graph.output[0].name = "nowhere"


def _no_operand(model):
    model.graph.node[0].input[1] = ""


def _complex(model):
    model.graph.initializer[0].CopyFrom(helper.make_tensor("w", TensorProto.COMPLEX64, [1], [1j]))


def _double_cast(model):
    model.graph.node[0].CopyFrom(helper.make_node("Cast", ["x"], ["y"], to=TensorProto.STRING))


def _new(model):
    model.opset_import[0].version = 10**6


def _two_versions(model):
    model.opset_import.append(helper.make_opsetid("", 17))


def _unknown_type(model):
    model.graph.input[0].type.tensor_type.elem_type = 99


def _sparse(model):
    model.graph.sparse_initializer.add().values.name = "s"


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (
            _external,
            "tensor 'w': its numbers are in another file: expected one in the folder of the model, got '/etc/passwd'",
        ),
        (_sparse, "sparse initializers are not supported"),
        (_long, "initializer 'w': its numbers do not fit its shape"),
        (_vast, "initializer 'w': its numbers do not fit its shape"),
        (
            _new,
            (
                f"the operators are newer than the library onnx: expected opset {onnx.defs.onnx_opset_version()} "
                "or earlier, got 1000000; update it"
            ),
        ),
        (_two_versions, "two versions of the same operators"),
        (_twice, "two initializers have one name"),
        (_two_inputs, "two inputs have one name"),
        (_two_attributes, "two attributes of node 'y' (Elu) have one name"),
        (_explosive, "its functions make too many nodes: expected at most 262144, got 2147483646"),
        (
            _complex,
            "initializer 'w': the type of its numbers is not supported: expected float16 to float64, int8 to int64, uint8 to uint64 or bool, got COMPLEX64",
        ),
        (
            _double_cast,
            "node 'y' (Cast): the type of its numbers is not supported: expected float16 to float64, int8 to int64, uint8 to uint64 or bool, got STRING",
        ),
        (
            _half,
            (
                "initializer 'w': the type of its numbers is not supported: "
                "expected float16 to float64, int8 to int64, uint8 to uint64 or bool, got BFLOAT16"
            ),
        ),
        (
            _old,
            (
                "the operators are too old: expected opset 6 or later, got 5; "
                "convert it: onnx.version_converter.convert_version(model, 6)"
            ),
        ),
        (
            _unknown_type,
            (
                "input 'x': the type of its numbers is not supported: "
                "expected float16 to float64, int8 to int64, uint8 to uint64 or bool, got 99"
            ),
        ),
        (_sequence, "input 'x': only tensors are supported: expected tensor_type, got sequence_type"),
    ],
)
def test_refuses_a_file_that_is_not_as_it_should_be(made, spoil, problem):
    model, path = made([helper.make_node("Add", ["x", "w"], ["y"])], X, {"w": np.ones(2, np.float32)})
    spoil(model)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(FormatError) as err:
        load_onnx(path)
    assert str(err.value) == f"{path}: {problem}"


@pytest.mark.parametrize("spoil", [_unordered, _negative, _no_result, _no_operand])
def test_what_the_checker_finds_is_passed_on_in_a_line(made, spoil):
    model, path = made([helper.make_node("Add", ["x", "w"], ["y"])], X, {"w": np.ones(2, np.float32)})
    spoil(model)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(FormatError) as err:
        load_onnx(path)
    assert str(err.value).startswith(f"{path}: not a valid ONNX model: ")
    assert "\n" not in str(err.value)


def test_inputs_and_outputs_of_any_shape(made):
    model, path = made([helper.make_node("Add", ["x", "w"], ["y"])], X, {"w": np.ones(2, np.float32)})
    model.graph.input[0].type.tensor_type.ClearField("shape")
    model.graph.output[0].ClearField("type")
    model.opset_import.append(helper.make_opsetid("", model.opset_import[0].version))
    path.write_bytes(model.SerializeToString())
    network = load_onnx(path)
    assert repr(network).startswith("OnnxNetwork(x: any shape; steps=1)")
    assert network(np.zeros((3, 1), np.float32)).shape == (3, 2)


def test_what_the_checker_lets_pass_is_found_here(made, monkeypatch):
    """Its releases differ."""
    monkeypatch.setattr(onnx.checker, "check_model", lambda model: None)
    model, path = made([helper.make_node("Add", ["x", "w"], ["y"])], X, {"w": np.ones(2, np.float32)})
    for spoil, problem in (
        (_negative, "initializer 'w': its numbers do not fit its shape"),
        (_no_operand, "node 'y' (Add): the input x2 is missing"),
        (_unordered, "nothing makes 'nowhere'"),
        (_recursive, "the function 'Add' calls itself"),
        (_deep, "its functions call each other too deeply: expected at most 300 levels, got more"),
    ):
        spoil(model)
        path.write_bytes(model.SerializeToString())
        with pytest.raises(FormatError) as err:
            load_onnx(path)
        assert str(err.value) == f"{path}: {problem}"
        model.graph.initializer[0].dims[:] = [2]


@pytest.mark.parametrize("content", [b"no protobuf at all", b"\xff" * 40])
def test_other_bytes(tmp_path, content):
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(FormatError) as err:
        load_onnx(path)
    assert str(err.value) == f"{path}: damaged, or not an .onnx file"


def test_a_name_that_is_no_text(made):
    _, path = made([_relu(name="first")], X)
    path.write_bytes(path.read_bytes().replace(b"first", b"f\xffrst"))
    with pytest.raises(FormatError) as err:
        load_onnx(path)
    assert str(err.value) == f"{path}: damaged: a name in it is not text"


@pytest.mark.slow
def test_damage_fails_in_no_other_way(made, rng):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="/conv/Conv", pads=[1, 1, 1, 1]),
        helper.make_node("AveragePool", ["a"], ["p"], kernel_shape=[2, 2], auto_pad="SAME_UPPER"),
        helper.make_node("Clip", ["p", "low"], ["y"]),
    ]
    image = np.ones((1, 1, 4, 4), np.float32)
    _, path = made(nodes, {"x": image}, {"w": np.ones((2, 1, 3, 3), np.float32), "low": np.float32(0)})
    content = path.read_bytes()
    for _ in range(500):
        place, value = rng.integers(len(content)), rng.integers(256)
        path.write_bytes(content[:place] + bytes([value]) + content[place + 1 :])
        with contextlib.suppress(FormatError, ShapeError), np.errstate(all="ignore"):
            load_onnx(path)(image)


@pytest.mark.parametrize("name", ["strides", "pads"])
def test_attributes_that_contradict_each_other_are_found_while_loading(made, name):
    node = helper.make_node(
        "MaxPool", ["x"], ["y"], kernel_shape=[2, 2], **{name: [2] * (3 if name == "strides" else 6)}
    )
    _, path = made([node], {"x": np.ones((1, 1, 4, 4), np.float32)})
    with pytest.raises(FormatError) as err:
        load_onnx(path)
    assert str(err.value) == f"{path}: node 'y' (MaxPool): the attributes differ in their numbers of axes"


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [("strides", [1, 0], 1), ("kernel_shape", [-2, 2], 1), ("pads", [0, 0, 0, -1], 0), ("dilations", [0, 1], 1)],
)
def test_windows_out_of_range_are_found_while_loading(made, name, value, least):
    node = helper.make_node("MaxPool", ["x"], ["y"], **({"kernel_shape": [2, 2]} | {name: value}))
    _, path = made([node], {"x": np.ones((1, 1, 4, 4), np.float32)})
    with pytest.raises(FormatError) as err:
        load_onnx(path)
    assert str(err.value) == (
        f"{path}: node 'y' (MaxPool): {name} is out of range: expected at least {least}, got {value}"
    )


def test_types_that_contradict_each_other_are_found_while_loading(made):
    _, path = made([helper.make_node("Add", ["x", "w"], ["y"])], X, {"w": np.array([1, 2])})
    with pytest.raises(FormatError) as err:
        load_onnx(path)
    assert str(err.value).startswith(f"{path}: not a valid ONNX model: ")
    assert "\n" not in str(err.value)


def test_an_image_of_another_rank(made):
    node = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2])
    _, path = made([node], {"x": np.ones((1, 1, 4), np.float32)})
    with pytest.raises(ShapeError) as err:
        load_onnx(path)(np.ones((1, 1, 4), np.float32))
    assert str(err.value) == (
        "node 'y' (MaxPool): the window and x differ in their numbers of axes: "
        "expected 1, those of x without two, got 2"
    )


def test_a_length_below_zero_is_unknown(made):
    """As Paddle's exporter writes it."""
    model, path = made([_relu()], X)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = -1
    onnx.save(model, path)
    assert load_onnx(path).inputs[0].shape == ("?", 2)


def test_numbers_in_another_file_of_the_folder(made):
    w = np.array([2, 3], np.float32)
    model, path = made([helper.make_node("Mul", ["x", "w"], ["y"])], X, {"w": w})
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": f"{path.name}.data", "offset": "4", "length": "8"}.items():
        tensor.external_data.add(key=key, value=value)
    onnx.save(model, path)
    data = path.with_name(f"{path.name}.data")
    data.write_bytes(b"\0" * 4 + w.tobytes())
    assert load_onnx(path)(*X.values()).tolist() == [[2, 3]]
    data.write_bytes(w.tobytes())
    with pytest.raises(FormatError) as err:
        load_onnx(path)
    assert str(err.value) == (
        f"{path}: tensor 'w': the other file ends before its numbers do: expected 8 bytes from byte 4 on, got 8"
    )
    data.unlink()
    data.symlink_to("/etc/passwd")
    with pytest.raises(FormatError, match="expected one in the folder of the model"):
        load_onnx(path)


def test_statistics_are_one_for_each_map(made):
    """Else they would be spread over a larger result."""
    node = helper.make_node("BatchNormalization", ["x", "w", "w", "s", "s"], ["y"])
    stats = {"s": np.ones(5, np.float32)}
    x = np.ones((1, 1, 2, 2), np.float32)
    _, path = made([node], {"x": x}, {"w": np.ones(1, np.float32)} | stats)
    with pytest.raises(ShapeError) as err:
        load_onnx(path)(x)
    assert str(err.value) == (
        "node 'y' (BatchNormalization): one number for each map is needed: expected (1,), got (5,)"
    )


def test_no_bytes(tmp_path):
    path = tmp_path / "net.onnx"
    path.touch()
    with pytest.raises(FormatError) as err:
        load_onnx(path)
    assert str(err.value).startswith(f"{path}: not a valid ONNX model: ")


def test_every_cut_is_noticed_or_harmless(made):
    _, path = made([helper.make_node("Add", ["x", "w"], ["y"])], X, {"w": np.ones(2, np.float32)})
    content = path.read_bytes()
    for end in range(len(content)):
        path.write_bytes(content[:end])
        with pytest.raises(FormatError):
            load_onnx(path)


def test_without_the_library(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    path = tmp_path / "net.onnx"
    path.touch()
    with pytest.raises(MissingDependencyError) as err:
        load_onnx(path)
    assert str(err.value) == "an .onnx file needs an extra; try: python -m pip install 'autograd-cnn[interop]'"


def test_more_axes_than_can_be_broadcast(made):
    """NumPy's arrays may have 64 axes, of which it works out 32 together."""
    node = helper.make_node("Add", ["x", "w"], ["y"])
    _, path = made([node], {"x": np.ones((1,) * 40, np.float32)}, {"w": np.ones(1, np.float32)})
    with pytest.raises(FormatError, match=r"^node 'y' \(Add\): .*32 dimensions"):
        load_onnx(path)(np.ones((1,) * 40, np.float32))


class _Counting(set):
    asked = 0

    def __contains__(self, name):
        _Counting.asked += 1
        return super().__contains__(name)


def test_a_name_in_many_subgraphs_is_made_unique_at_once(made, monkeypatch):
    """Trying one number after the other, a file of 10 MB would have taken hours."""
    result = [helper.make_tensor_value_info("r", TensorProto.FLOAT, None)]
    body = helper.make_graph([helper.make_node("Relu", ["x"], ["r"])], "body", [], result)
    nodes = [
        helper.make_node("If", ["w"], [f"y{i}" if i else "y"], then_branch=body, else_branch=body) for i in range(100)
    ]
    _, path = made(nodes, X, {"w": np.ones((), bool)})
    monkeypatch.setattr(import_module("autograd_cnn.onnx.load"), "set", _Counting, raising=False)
    load_onnx(path)
    assert 200 < _Counting.asked < 2000
