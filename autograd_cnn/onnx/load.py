"""Networks from ONNX files, computed with our primitives, so that gradients flow through them.

The library ``onnx`` reads and checks a file. No code from a file is run: its operators are names,
which are looked up in `operators`. Anything that a file needs and we lack is found when it is loaded.
"""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from importlib import import_module
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.engine.composite import parsed
from autograd_cnn.errors import FormatError, MissingDependencyError, ShapeError, sentence
from autograd_cnn.files import AnyPath, as_path
from autograd_cnn.onnx.budget import Budget
from autograd_cnn.onnx.network import OnnxInput, OnnxNetwork, Step, known
from autograd_cnn.onnx.operators import CHECKS, DTYPES, OPERATORS, Ints, Numbers
from autograd_cnn.onnx.planar import check_planar

OLDEST: Final = 13
"""The first opset whose operators take their axes and limits in the form that we read."""

LARGEST: Final = (1 << 31) - 1
"""The largest size of a file that the format allows, in bytes."""

Proto: TypeAlias = Any
"""A part of the file, as the library returns it."""


@parsed
def load_onnx(path: AnyPath) -> OnnxNetwork:
    """Read an ONNX file as a network, which can be trained further and drawn.

    Floating-point initializers become parameters under their names in the file. If the operators need
    them as plain numbers, such as a batch's statistics, they become buffers.

    Parameters
    ----------
    path : path
        A file with opset 13 or later that contains its weights.

    Returns
    -------
    OnnxNetwork
        A `Module`.

    Raises
    ------
    FormatError
        If the file is damaged, or needs an operator, an attribute or a dtype that is not
        supported; the message names the node.
    MissingDependencyError
        Without the library ``onnx`` (extra ``interop``).
    OSError
        If the file can't be read.

    Notes
    -----
    Results that depend on neither parameters nor inputs are computed once, when the file is loaded. In loading and
    in every run, the results may have 16,777,216 elements in total, or 64 for each byte of the file, or 16,384 for
    each element of the inputs, whichever is the most. An operator that needs more raises `FormatError` before its
    result is made.

    Examples
    --------
    >>> import tempfile
    >>> import onnx
    >>> from onnx import TensorProto, helper, numpy_helper
    >>> graph = helper.make_graph(
    ...     [helper.make_node("Gemm", ["x", "fc.weight"], ["y"], transB=1)],
    ...     "tiny",
    ...     [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2])],
    ...     [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
    ...     [numpy_helper.from_array(np.ones((3, 2), np.float32), "fc.weight")],
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     onnx.save(helper.make_model(graph), f"{folder}/tiny.onnx")
    ...     net = load_onnx(f"{folder}/tiny.onnx")
    >>> net
    OnnxNetwork(x: (N, 2); steps=1): 6 parameters
    >>> net(np.array([[1.0, 2.0]], np.float32))
    tensor([[3., 3., 3.]], dtype=float32, op=linear)
    """
    path = as_path("load_onnx", path)
    size = path.stat().st_size
    if size > LARGEST:
        raise FormatError(sentence(str(path), "the file is too large", expected=f"at most {LARGEST} bytes", got=size))
    try:
        return _Reading(path.read_bytes()).network()
    except (FormatError, ShapeError) as error:
        raise FormatError(sentence(str(path), str(error))) from error


class _Reading:
    """A file taken apart."""

    def __init__(self, content: bytes) -> None:
        try:
            self.onnx = import_module("onnx")
            damage = import_module("google.protobuf.message").DecodeError
        except ImportError as error:
            raise MissingDependencyError("an .onnx file", "interop") from error
        try:
            model = self.onnx.load_model_from_string(content)
        except damage as error:
            raise FormatError(sentence("damaged, or not an .onnx file")) from error
        self.size = len(content)
        self.graph = model.graph
        self.opsets = model.opset_import
        self._refuse_external()
        self._refuse_bytes()
        self._refuse_duplicates()
        if len({each.domain for each in self.opsets}) < len(self.opsets):
            raise FormatError(sentence("two versions of the same operators"))
        if model.functions:
            raise FormatError(sentence("functions of a file's own are not supported", hint="export the model without"))
        del content  # the numbers are in the model as well
        try:
            self.onnx.checker.check_model(model)
        except (self.onnx.checker.ValidationError, ValueError, RuntimeError) as error:
            reason = "".join(str(error).strip().splitlines()[:1])
            raise FormatError(sentence("not a valid ONNX model", reason)) from error
        version = max((each.version for each in model.opset_import if not each.domain), default=0)
        if version < OLDEST:
            raise FormatError(
                sentence("the operators are too old", expected=f"opset {OLDEST} or later", got=version,
                         hint=f"convert it: onnx.version_converter.convert_version(model, {OLDEST})")
            )  # fmt: skip
        newest = self.onnx.defs.onnx_opset_version()
        if version > newest:
            raise FormatError(
                sentence("the operators are newer than the library onnx", expected=f"opset {newest} or earlier",
                         got=version, hint="update it")
            )  # fmt: skip

    def network(self) -> OnnxNetwork:
        """Return the network, without arrays that no step uses."""
        arrays = {tensor.name: self._array(f"initializer {tensor.name!r}", tensor) for tensor in self.graph.initializer}
        inputs = tuple(self._input(each) for each in self.graph.input if each.name not in arrays)
        steps = tuple(self._step(node) for node in self.graph.node if node.op_type != "Constant")
        constants = {node.output[0]: self._constant(node) for node in self.graph.node if node.op_type == "Constant"}
        check_planar(self.onnx, self.graph, self.opsets, dict(enumerate(map(_name, self.graph.node))))
        flows = {name for step in steps for name, kinds in step.inputs if not kinds}
        outputs = tuple(each.name for each in self.graph.output)
        constants |= {name: array for name, array in arrays.items() if array.dtype.kind != "f"}
        plain = {name: array[()] for name, array in constants.items()}  # a number without axes becomes a scalar
        held = {name: array for name, array in arrays.items() if array.dtype.kind == "f"}
        steps = tuple(self._left(steps, plain, held.keys() & flows))
        used = {name for step in steps for name, _ in step.inputs} | set(outputs)
        if missing := used.difference(
            {each.name for each in inputs}, plain, held, (step.output for step in steps), [""]
        ):
            raise FormatError(sentence(f"nothing makes {min(missing)!r}"))
        for step in steps:
            self._check(step, plain | held)
        network = OnnxNetwork(inputs, outputs, steps, plain, self.size)
        for name, array in held.items():
            if name in used:
                network.hold(name, array, learned=name in flows)
        return network

    def _left(self, steps: Iterable[Step], constants: dict[str, Any], learned: AbstractSet[str]) -> Iterator[Step]:
        """Yield the steps that have to run each time; the results of the others become constants."""
        budget = Budget(self.size)
        learned = set(learned)
        for step in steps:
            for name, kinds in step.inputs:
                if kinds and name in learned:
                    raise FormatError(sentence(step.where, "an input that has to be known is computed from parameters"))
            if all(name in constants for name, _ in step.inputs if name):
                constants[step.output] = step.run(constants, budget)
                continue
            if step.operator != "Shape" and learned.intersection(name for name, _ in step.inputs):
                whole = step.operator == "Cast" and step.attributes["to"].kind != "f"
                learned.update(() if whole else [step.output])
            yield step

    def _check(self, step: Step, values: Mapping[str, Any]) -> None:
        """Raise `FormatError` if an input is wrong, whatever the others are."""
        place, check = CHECKS.get(step.operator, (-1, None))
        try:
            for number, (name, kinds) in enumerate(step.inputs):
                if kinds and name in values:
                    array = known(values[name], kinds)
                    if check and number == place:
                        check(array)
        except FormatError as error:
            raise FormatError(sentence(step.where, str(error))) from error

    def _refuse_external(self) -> None:
        attributes = (attribute for node in self.graph.node for attribute in node.attribute)
        for tensor in (*self.graph.initializer, *(each.t for each in attributes)):
            if tensor.data_location == self.onnx.TensorProto.EXTERNAL:
                raise FormatError(
                    sentence(f"tensor {tensor.name!r}", "its numbers are in another file",
                             hint="save the model with its weights inside")
                )  # fmt: skip
        if self.graph.sparse_initializer:
            raise FormatError(sentence("sparse initializers are not supported"))

    def _refuse_bytes(self) -> None:
        """Refuse names that are not valid text; the library returns these as bytes."""
        named = (*self.graph.node, *self.graph.initializer, *self.graph.input, *self.graph.output)
        names = [each.name for each in named]
        names += [name for node in self.graph.node for name in (node.op_type, node.domain, *node.input, *node.output)]
        if not all(isinstance(name, str) for name in names):
            raise FormatError(sentence("damaged", "a name in it is not text"))

    def _refuse_duplicates(self) -> None:
        """Refuse two arrays, inputs or attributes with the same name: only one of them would be used."""
        for kind, each in (
            ("initializers", self.graph.initializer),
            ("inputs", self.graph.input),
            *((f"attributes of {_name(node)}", node.attribute) for node in self.graph.node),
        ):
            names = [one.name for one in each]
            if len(set(names)) < len(names):
                raise FormatError(sentence(f"two {kind} have one name"))

    def _dtype(self, where: str, number: int) -> np.dtype[Any]:
        if number not in DTYPES:
            names = self.onnx.TensorProto.DataType
            name = names.Name(number) if number in names.values() else number
            expected = ", ".join(np.dtype(dtype).name for dtype in DTYPES.values())
            raise FormatError(sentence(where, "the type of its numbers is not supported", expected=expected, got=name))
        return np.dtype(DTYPES[number])

    def _array(self, where: str, tensor: Proto) -> NDArray[Any]:
        self._dtype(where, tensor.data_type)
        try:
            array: NDArray[Any] = self.onnx.numpy_helper.to_array(tensor)
        except (ValueError, TypeError, OverflowError, MemoryError) as error:
            raise FormatError(sentence(where, "its numbers do not fit its shape")) from error
        if array.shape != tuple(tensor.dims):  # -1 would mean all remaining elements
            raise FormatError(sentence(where, "its numbers do not fit its shape"))
        return array

    def _input(self, proto: Proto) -> OnnxInput:
        where = f"input {proto.name!r}"
        if not proto.type.HasField("tensor_type") or not proto.type.tensor_type.HasField("shape"):
            raise FormatError(sentence(where, "a tensor with a known number of axes is needed"))
        tensor = proto.type.tensor_type
        shape = tuple(
            each.dim_value if each.HasField("dim_value") else each.dim_param or "?" for each in tensor.shape.dim
        )
        if any(isinstance(length, int) and length < 0 for length in shape):
            raise FormatError(sentence(where, "a length is negative", expected="lengths of at least 0", got=shape))
        return OnnxInput(proto.name, shape, self._dtype(where, tensor.elem_type))

    def _constant(self, node: Proto) -> NDArray[Any]:
        where = _name(node)
        for attribute in node.attribute:
            if attribute.name == "value":
                return self._array(where, attribute.t)
            if attribute.name in {"value_float", "value_floats"}:
                return np.array(self.onnx.helper.get_attribute_value(attribute), np.float32)
            if attribute.name in {"value_int", "value_ints"}:
                return np.array(self.onnx.helper.get_attribute_value(attribute), np.int64)
        raise FormatError(sentence(where, "only a constant of numbers is supported"))

    def _step(self, node: Proto) -> Step:
        """Return the step if our operator takes these inputs and attributes."""
        where = _name(node)
        if node.domain not in {"", "ai.onnx"} or node.op_type not in OPERATORS:
            raise FormatError(sentence(where, "the operator is not supported"))
        if not any(node.output[:1]) or any(node.output[1:]):
            raise FormatError(sentence(where, "the first output, and no other, is supported"))
        attributes = {each.name: self._value(where, each) for each in node.attribute}
        signature = inspect.signature(OPERATORS[node.op_type])
        for name, value in attributes.items():
            if name not in signature.parameters:
                raise FormatError(sentence(where, f"the attribute {name} is not supported"))
            choices = signature.parameters[name].annotation
            if choices == np.dtype[Any]:
                attributes[name] = self._dtype(where, value)
            if get_origin(choices) is Literal and value not in get_args(choices):
                expected = " or ".join(map(repr, get_args(choices)))
                raise FormatError(sentence(where, f"the attribute {name}", expected=expected, got=repr(value)))
        try:
            signature.bind(*node.input, **attributes)
        except TypeError as error:
            raise FormatError(sentence(where, str(error))) from error
        path = ".".join(node.name.strip("/").split("/")[:-1])
        return Step(where, path, node.op_type, tuple(_inputs(node, signature)), node.output[0], attributes)

    def _value(self, where: str, attribute: Proto) -> Any:
        value = self.onnx.helper.get_attribute_value(attribute)
        if isinstance(value, self.onnx.TensorProto):
            return self._array(where, value)
        if isinstance(value, float):
            return float(str(np.float32(value)))  # the file's 0.00999999978 was meant as 0.01
        return value.decode(errors="replace") if isinstance(value, bytes) else value


def _name(node: Proto) -> str:
    """Return the name of a node in errors; a node without a name is called by its output."""
    return f"node {node.name or ''.join(node.output[:1])!r} ({node.op_type})"


def _inputs(node: Proto, signature: inspect.Signature) -> Iterator[tuple[str, str]]:
    """Yield the name of each input, with the kinds of dtype that it may have if its values must be known."""
    kinds = iter(signature.parameters.values())
    kind = next(kinds)
    for name in node.input:
        if not name and (kind.default is kind.empty):
            raise FormatError(sentence(_name(node), f"the input {kind.name} is missing"))
        annotations = (kind.annotation, *get_args(kind.annotation))
        yield name, "iu" if Ints in annotations else "biuf" if Numbers in annotations else ""
        if kind.kind is not inspect.Parameter.VAR_POSITIONAL:
            kind = next(kinds, kind)
