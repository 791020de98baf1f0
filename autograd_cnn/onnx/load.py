"""Networks from ONNX files, computed with our primitives, so that gradients flow through them.

The library ``onnx`` reads and checks a file. No code from a file is run: its operators are names, which are looked up
in the table of `operator`. Anything unsupported is found when the file is loaded.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.engine.composite import parsed
from autograd_cnn.errors import FormatError, MissingDependencyError, ShapeError, sentence
from autograd_cnn.files import AnyPath, as_path
from autograd_cnn.onnx import operators as _operators  # noqa: F401  # which fills the table
from autograd_cnn.onnx.budget import Budget
from autograd_cnn.onnx.external import read_external
from autograd_cnn.onnx.functions import inlined
from autograd_cnn.onnx.legacy import DOMAIN, modernise
from autograd_cnn.onnx.network import OnnxInput, OnnxNetwork, OnnxOutput, Step, Subgraph, as_layers
from autograd_cnn.onnx.operator import TABLE, Input, Ints, Operator
from autograd_cnn.onnx.proto import DTYPES, Proto, first_line, graphs_of, node_name, subgraphs_of

OLDEST: Final = 6
"""The first opset whose operators can be told apart from those of opset 7 by their attributes."""

LARGEST: Final = (1 << 31) - 1
"""The largest size of a file that the format allows, in bytes."""

SMALL: Final = 1024
"""The largest number of elements of an initializer that may be a shape."""

_Pick: TypeAlias = dict[str, str]
"""Maps the names in a graph to names that are unique in the file."""


@parsed
def load(path: AnyPath) -> OnnxNetwork:
    """Read an ONNX file as a network, which can be trained further and drawn.

    Floating-point initializers become parameters under their names in the file. Those that are not weights, such as
    batch statistics, scales, exponents or thresholds, become buffers, and those that must be known, such as limits,
    become constants. In a file without such initializers, the arrays of its ``Constant`` nodes are assumed to be the
    weights. Quantised weights become float parameters; rounding passes gradients straight through.

    Parameters
    ----------
    path : path
        A file with opset 6 or later. External weights must be in its folder.

    Returns
    -------
    OnnxNetwork
        A `Module`.

    Raises
    ------
    FormatError
        If the file is damaged, or needs an unsupported operator, attribute or dtype; the message names the node.
    MissingDependencyError
        Without the library ``onnx`` (extra ``interop``).
    OSError
        If the file can't be read.

    Notes
    -----
    Results that depend on neither parameters nor inputs are computed once, when the file is loaded. During loading and
    in every run, the results may have 16,777,216 elements in total, or 64 per byte of the file, or 16,384 per input
    element, whichever is the most; each operator call counts as 256 more. An operator that would exceed this raises
    `FormatError` before its result is computed.

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
    ...     net = load(f"{folder}/tiny.onnx")
    >>> net
    OnnxNetwork(x: (N, 2); steps=1): 6 parameters
    >>> net(np.array([[1.0, 2.0]], np.float32))
    tensor([[3., 3., 3.]], dtype=float32, op=linear)
    """
    path = as_path("load_onnx", path)
    size = path.stat().st_size
    if size > LARGEST:
        raise FormatError(str(path), "the file is too large", expected=f"at most {LARGEST} bytes", got=size)
    try:
        return _Reading(path.read_bytes(), path.parent).network()
    except (FormatError, ShapeError) as error:
        raise FormatError(str(path), str(error)) from error


class _Reading:
    """A file taken apart."""

    def __init__(self, content: bytes, folder: Path) -> None:
        try:
            self.onnx = import_module("onnx")
            damage = import_module("google.protobuf.message").DecodeError
        except ImportError as error:
            raise MissingDependencyError("an .onnx file", "interop") from error
        try:
            model = self.onnx.load_model_from_string(content)
        except damage as error:
            raise FormatError("damaged, or not an .onnx file") from error
        self.size = len(content)
        self._refuse(model)
        self.size += read_external(self.onnx, model, folder, LARGEST - self.size)
        del content  # the model has the numbers, too
        self._check_model(model)
        self.opset = max((each.version for each in model.opset_import if not each.domain), default=0)
        if self.opset < OLDEST:
            expected = f"opset {OLDEST} or later"
            hint = f"convert it: onnx.version_converter.convert_version(model, {OLDEST})"
            raise FormatError("the operators are too old", expected=expected, got=self.opset, hint=hint)
        newest = self.onnx.defs.onnx_opset_version()
        if self.opset > newest:
            raise FormatError("the operators are newer than the library onnx", expected=f"opset {newest} or earlier",
                              got=self.opset, hint="update it")  # fmt: skip
        self.metadata = {each.key: each.value for each in model.metadata_props}
        if self.opset == OLDEST:
            modernise(self.onnx, model)
            model.opset_import.add(domain=DOMAIN, version=1)
            next(each for each in model.opset_import if not each.domain).version = self.opset = 7
        model = inlined(self.onnx, model, self.opset)
        self._refuse(model)
        self.graph = model.graph
        self.opsets = model.opset_import
        self.constants: dict[str, NDArray[Any]] = {}
        self.arrays: dict[str, NDArray[Any]] = {}
        """Initializers of floats."""

        self.taken: set[str] = set()
        self.repeats: Counter[str] = Counter()
        """How often each name was made unique, so that the next time need not try all numbers again."""

        self.weights: set[str] = set()
        """Integers that become float parameters."""

    def network(self) -> OnnxNetwork:
        """Return the network, without arrays that no step uses."""
        initial = {tensor.name for tensor in self.graph.initializer}
        inputs = tuple(self._input(each) for each in self.graph.input if each.name not in initial)
        self.taken.update(each.name for each in inputs)
        main = self._subgraph(self.graph, {each.name: each.name for each in inputs})
        floats = self._float_results()
        outputs = tuple(map(self._output, self.graph.output))
        uses = [use for step in _all(main.steps) for use in step.inputs]
        flows = {name for name, kind in uses if not kind.kinds} - {name for name, kind in uses if kind.kinds}
        if not any(array.ndim and name in flows for name, array in self.arrays.items()):
            many = {n: a for n, a in self.constants.items() if a.dtype.kind == "f" and a.size > 1 and n in flows}
            self.arrays |= {name: self.constants.pop(name) for name in many}
        for name in {name for name, kind in uses if kind.known} & self.arrays.keys():
            self.constants[name] = self.arrays.pop(name)
        for name in self.weights & self.constants.keys():
            self.arrays[name] = self.constants.pop(name).astype(np.float32)
        plain: dict[str, Any] = {name: array[()] for name, array in self.constants.items()}  # 0-d becomes a scalar
        steps = tuple(self._left(main.steps, plain, self.arrays.keys() & flows, floats))
        used = {name for step in _all(steps) for name in step.reads} | {each.name for each in outputs}
        known_names = {each.name for each in inputs}.union(plain, self.arrays, *(step.outputs for step in steps))
        reads = {name for step in steps for name in step.reads} | {each.name for each in outputs}
        if missing := reads - known_names:
            raise FormatError(sentence(f"nothing makes {min(missing)!r}"))
        for step in _all(steps):
            self._check(step, plain | self.arrays)
        network = OnnxNetwork(inputs, outputs, steps, {n: a for n, a in plain.items() if n in used}, self.size)
        network.metadata = self.metadata
        for name, array in self.arrays.items():
            if name in used:
                network.hold(name, array, learned=name in flows)
        return network

    # --- graphs -------------------------------------------------------------------------------

    def _subgraph(self, graph: Proto, names: _Pick) -> Subgraph:
        """Return the steps of a graph; ``names`` are the names of the enclosing values."""
        names = dict(names)
        nested = graph is not self.graph
        inputs = tuple(self._named(each.name, names) for each in graph.input) if nested else tuple(names)
        for tensor in graph.initializer:
            array = self._array(f"initializer {tensor.name!r}", tensor)
            held = self.arrays if array.dtype.kind == "f" else self.constants
            held[self._named(tensor.name, names) if nested else tensor.name] = array
            names.setdefault(tensor.name, tensor.name)
        self.taken.update(names.values())
        steps = []
        for node in graph.node:
            if node.op_type == "Constant" and not node.domain:
                self.constants[self._named(node.output[0], names)] = self._constant(node)
            else:
                steps.append(self._step(node, names))
        outputs = tuple(_known(each.name, names) for each in graph.output)
        made = {*inputs, *(name for step in steps for name in step.outputs)}
        reads = {name for step in steps for name in step.reads} | set(outputs)
        return Subgraph(inputs, outputs, as_layers(steps), frozenset(reads - made))

    def _named(self, name: str, names: _Pick) -> str:
        """Return a name, unique in the file, for a value that a graph computes."""
        unique = name
        while unique in self.taken:
            self.repeats[name] += 1
            unique = f"{name}_{self.repeats[name]}"
        self.taken.add(unique)
        names[name] = unique
        return unique

    def _left(
        self, steps: Iterable[Step], constants: dict[str, Any], learned: AbstractSet[str], floats: AbstractSet[str]
    ) -> Iterator[Step]:
        """Yield the steps that have to run each time; the results of the others become constants."""
        budget = Budget(self.size)
        learned = set(learned)
        for step in steps:
            for name, kind in step.inputs:
                if kind.known and name in learned:
                    raise FormatError(step.where, "an input that has to be known is computed from parameters")
            reads = step.reads
            if reads <= constants.keys() and not any(TABLE[each.domain, each.operator].draws for each in _all([step])):
                constants.update(step.run(constants, budget))
                continue
            if learned & reads:
                learned.update(name for name in step.outputs if name in floats)
            yield step

    def _check(self, step: Step, values: Mapping[str, Any]) -> None:
        """Raise `FormatError` if an attribute or a known input is invalid, whatever the others are."""
        operator = TABLE[step.domain, step.operator]
        given = dict(step.attributes)
        try:
            for name, kind in step.inputs:
                if kind.kinds and name in values:
                    given[kind.name] = np.asarray(kind.of(values[name]))
            if operator.check:
                operator.check(given)
        except FormatError as error:
            raise FormatError(step.where, str(error)) from error

    def _float_results(self) -> set[str]:
        """Return the names of values that are floats or of unknown type; contradictory types are refused.

        The library infers the types, without the values of large arrays.
        """
        helper = self.onnx.helper
        graph = self.graph
        small = [tensor for tensor in graph.initializer if 0 <= _count(tensor) <= SMALL]
        large = [
            helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
            for tensor in graph.initializer
            if _count(tensor) > SMALL
        ]
        listed = {each.name for each in graph.initializer}
        inputs = [each for each in graph.input if each.name not in listed]
        results = [self.onnx.ValueInfoProto(name=each.name) for each in graph.output]
        shown = helper.make_graph(graph.node, "shown", [*inputs, *large], results, small)
        try:
            # not data_prop, with which a hostile file can make it concatenate shapes endlessly
            model = self.onnx.shape_inference.infer_shapes(
                helper.make_model(shown, opset_imports=self.opsets), check_type=True
            )
        except (self.onnx.shape_inference.InferenceError, ValueError, RuntimeError) as error:
            raise FormatError("not a valid ONNX model", first_line(error)) from error
        whole = {
            each.name for each in (*model.graph.value_info, *model.graph.output)
            if each.type.tensor_type.elem_type not in {0, 1, 10, 11, 16}
        }  # fmt: skip
        return {name for node in graph.node for name in node.output if name not in whole}

    # --- refusals -----------------------------------------------------------------------------

    def _check_model(self, model: Proto) -> None:
        """Let the library check the model, except for its demand of output types and shapes, which other readers do not make."""
        said = [each.type for each in (*model.graph.input, *model.graph.output)]
        tensors = [each for each in said if each.WhichOneof("value") in {None, "tensor_type"}]
        before = [(each, each.SerializeToString()) for each in tensors if not each.tensor_type.HasField("shape")]
        for each, _ in before:
            each.tensor_type.elem_type = each.tensor_type.elem_type or self.onnx.TensorProto.FLOAT
            each.tensor_type.shape.SetInParent()
        model.ir_version = max(model.ir_version, 4)  # from this version on, an initializer need not be an input as well
        try:
            self.onnx.checker.check_model(model)
        except (self.onnx.checker.ValidationError, ValueError, RuntimeError) as error:
            raise FormatError("not a valid ONNX model", first_line(error)) from error
        for each, content in before:
            each.ParseFromString(content)

    def _refuse(self, model: Proto) -> None:
        """Refuse ambiguous parts, and text that the library would return as bytes."""
        versions = {(each.domain, each.version) for each in model.opset_import}
        if len({domain for domain, _ in versions}) < len(versions):
            raise FormatError("two versions of the same operators")
        for graph in graphs_of(self.onnx, model):
            if graph.sparse_initializer:
                raise FormatError("sparse initializers are not supported")
            self._refuse_bytes(graph)
            self._refuse_duplicates(graph)

    def _refuse_bytes(self, graph: Proto) -> None:
        """Refuse names that are not valid text; the library returns these as bytes."""
        names = [each.name for each in (*graph.node, *graph.initializer, *graph.input, *graph.output)]
        names += [name for node in graph.node for name in (node.op_type, node.domain, *node.input, *node.output)]
        if not all(isinstance(name, str) for name in names):
            raise FormatError("damaged", "a name in it is not text")

    def _refuse_duplicates(self, graph: Proto) -> None:
        """Refuse two arrays, inputs or attributes with the same name: only one of them would be used."""
        for kind, each in (
            ("initializers", graph.initializer),
            ("inputs", graph.input),
            *((f"attributes of {node_name(node)}", node.attribute) for node in graph.node),
        ):
            names = [one.name for one in each]
            if len(set(names)) < len(names):
                raise FormatError(sentence(f"two {kind} have one name"))

    # --- values -------------------------------------------------------------------------------

    def _dtype(self, where: str, number: int) -> np.dtype[Any]:
        if number not in DTYPES:
            names = self.onnx.TensorProto.DataType
            name = names.Name(number) if number in names.values() else number
            expected = "float16 to float64, int8 to int64, uint8 to uint64 or bool"
            raise FormatError(where, "the type of its numbers is not supported", expected=expected, got=name)
        return np.dtype(DTYPES[number])

    def _array(self, where: str, tensor: Proto) -> NDArray[Any]:
        self._dtype(where, tensor.data_type)
        try:
            array: NDArray[Any] = self.onnx.numpy_helper.to_array(tensor)
        except (ValueError, TypeError, OverflowError, MemoryError) as error:
            raise FormatError(where, "its numbers do not fit its shape") from error
        if array.shape != tuple(tensor.dims):  # -1 would mean all remaining elements
            raise FormatError(where, "its numbers do not fit its shape")
        return array

    def _input(self, proto: Proto) -> OnnxInput:
        where = f"input {proto.name!r}"
        if not proto.type.HasField("tensor_type"):
            kind = proto.type.WhichOneof("value")
            raise FormatError(where, "only tensors are supported", expected="tensor_type", got=kind)
        tensor = proto.type.tensor_type
        if not tensor.HasField("shape"):
            return OnnxInput(proto.name, None, self._dtype(where, tensor.elem_type))
        shape = tuple(  # some exporters write -1 for an unknown length
            each.dim_value if each.HasField("dim_value") and each.dim_value >= 0 else each.dim_param or "?"
            for each in tensor.shape.dim
        )
        return OnnxInput(proto.name, shape, self._dtype(where, tensor.elem_type))

    def _output(self, proto: Proto) -> OnnxOutput:
        number = proto.type.tensor_type.elem_type
        dtype = np.dtype(DTYPES.get(number, np.float32))
        return OnnxOutput(proto.name, dtype if dtype.kind in "iu" else None)

    def _constant(self, node: Proto) -> NDArray[Any]:
        where = node_name(node)
        for attribute in node.attribute:
            if attribute.name == "value":
                return self._array(where, attribute.t)
            if attribute.name in {"value_float", "value_floats"}:
                return np.array(self.onnx.helper.get_attribute_value(attribute), np.float32)
            if attribute.name in {"value_int", "value_ints"}:
                return np.array(self.onnx.helper.get_attribute_value(attribute), np.int64)
        raise FormatError(where, "only a constant of numbers is supported")

    # --- nodes --------------------------------------------------------------------------------

    def _step(self, node: Proto, names: _Pick) -> Step:
        """Return the step, if our operator accepts these inputs and attributes."""
        where = node_name(node)
        domain = "" if node.domain == "ai.onnx" else node.domain
        operator = TABLE.get((domain, node.op_type))
        if operator is None:
            raise FormatError(where, "the operator is not supported")
        bodies = {name: self._subgraph(each, names) for name, each in subgraphs_of(self.onnx, node)}
        attributes = {
            each.name: self._attribute(where, operator, each) for each in node.attribute if each.name not in bodies
        }
        outputs = list(node.output)
        while outputs and not outputs[-1]:
            outputs.pop()
        if operator.outputs is not None and len(outputs) > operator.outputs:
            count = operator.outputs
            raise FormatError(where, "it has too many outputs", expected=f"at most {count}", got=len(outputs))
        context = {"opset": self.opset, "outputs": len(outputs)}
        attributes |= {name: context[name] for name in operator.context}
        try:
            operator.signature.bind(*node.input, **attributes, **bodies)
        except TypeError as error:
            raise FormatError(where, str(error)) from error
        *around, own = (node.name or "".join(node.output[:1])).strip("/").split("/")
        inputs = tuple(self._operands(where, node, operator, names))
        results = tuple(self._named(name, names) if name else "" for name in outputs)
        return Step(
            where, ".".join(around), own or node.op_type, domain, node.op_type, inputs, results, attributes, bodies
        )

    def _operands(self, where: str, node: Proto, operator: Operator, names: _Pick) -> Iterator[tuple[str, Input]]:
        """Yield the name of each input, with the operator's description of it."""
        for place, name in enumerate(node.input):
            kind = operator.input(place)
            if not name and not kind.optional:
                raise FormatError(where, f"the input {kind.name} is missing")
            unique = _known(name, names) if name else ""
            if kind.weights:
                self.weights.add(unique)
            yield unique, kind

    def _attribute(self, where: str, operator: Operator, attribute: Proto) -> Any:
        """Return the value of an attribute, if the operator knows the attribute."""
        name, value = attribute.name, self._value(where, attribute)
        parameters = operator.signature.parameters
        if name not in parameters and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            raise FormatError(where, f"the attribute {name} is not supported")
        if name not in parameters:
            return value
        annotation = parameters[name].annotation
        options = (annotation, *get_args(annotation))
        if np.dtype[Any] in options:
            return self._dtype(where, value)
        if get_origin(annotation) is Literal and value not in options:
            expected = " or ".join(map(repr, get_args(annotation)))
            raise FormatError(where, f"the attribute {name}", expected=expected, got=repr(value))
        kinds = next((each.kinds for each in operator.inputs if each.name == name), "")
        if kinds:  # an input that was an attribute in older opsets
            return np.asarray(value, np.int64 if Ints in options else np.float32)
        return value

    def _value(self, where: str, attribute: Proto) -> Any:
        value = self.onnx.helper.get_attribute_value(attribute)
        if isinstance(value, self.onnx.TensorProto):
            return self._array(where, value)
        return [*map(_number, value)] if isinstance(value, list) else _number(value)


def _number(value: Any) -> Any:
    """Return an attribute's value as it was meant: 0.00999999978 in the file was 0.01."""
    if isinstance(value, float):
        return float(str(np.float32(value)))
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _known(name: str, names: _Pick) -> str:
    if name not in names:
        raise FormatError(sentence(f"nothing makes {name!r}"))
    return names[name]


def _all(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield the steps, including those of their subgraphs."""
    for step in steps:
        yield step
        for body in step.bodies.values():
            yield from _all(body.steps)


def _count(tensor: Proto) -> int:
    count = 1
    for length in tensor.dims:
        count *= length
    return count
