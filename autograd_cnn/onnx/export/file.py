"""Functions as ONNX files: models, their gradients, and whole training steps."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

import numpy as np

from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.trace import Slot, slots_in
from autograd_cnn.errors import FormatError, MissingDependencyError, OperandError
from autograd_cnn.files import AnyPath, as_path, replacing
from autograd_cnn.nn import Module
from autograd_cnn.onnx.export import effects, elementwise, indexing, layers, matrices, shaping, windows
from autograd_cnn.onnx.export.dims import Counted, Dim, Filled, joint, of_size, shape_in
from autograd_cnn.onnx.export.graph import OPSET, TYPES, Graph, Ref
from autograd_cnn.onnx.export.program import Op, Program
from autograd_cnn.onnx.export.record import is_array, named_leaves, record
from autograd_cnn.onnx.export.writer import writer_of
from autograd_cnn.onnx.network import OnnxNetwork
from autograd_cnn.parameters import Bool
from autograd_cnn.tree import leaves, rebuilt

TABLES: Final = (effects, elementwise, indexing, layers, matrices, shaping, windows)
"""The modules that fill the tables."""

_IR: Final = 9
"""The version of the format that was released with the opset."""


@parsed
def export(
    function: Callable[..., Any],
    example_inputs: Any,
    path: AnyPath,
    *,
    dynamic_batch: Bool = False,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a function, such as a model, as an ONNX file.

    The function is run, and what it computes from the arrays among its arguments becomes the graph. If it uses
    `value_and_grad` or `Tensor.backward`, the graph contains the backward pass, too, as ordinary operators.

    Parameters
    ----------
    function : callable
        A model, or a function of arrays. Python decisions that depend on their values are fixed at export.
    example_inputs : array, or tuple
        Its argument, or all of them; lists, tuples and dicts of arrays among them are flattened. Anything but an array
        is a constant.
    path : path
    dynamic_batch : bool
        Whether the batch, the first axis of the first array and of all others with the same first length, may have any
        length in the graph. The function is run with batches of three sizes, to see what depends on the size.
    metadata : mapping of str to str, optional
        Additional entries of the file, which become the ``metadata`` of the network when it is loaded.

    Raises
    ------
    FormatError
        If the function does something without a counterpart in ONNX; the message says what.
    OperandError
        If it is not a function, or no argument is an array.
    MissingDependencyError
        Without the library ``onnx`` (extra ``interop``).
    OSError
        If the file can't be written.

    Notes
    -----
    Inputs have the names of the function's arguments, extended by keys and positions, such as ``params.w``; results are
    called ``y``, ``y.0`` or by their keys; for a network loaded from a file, all names are the file's. Parameters are
    initializers, and buffers constants, under their names in the model's ``state_dict``. Values that the function
    changes, such as parameters by ``optimizer.step()``, are restored afterwards. In the graph, each such value is an
    input whose default is its present value, and an output under its name with ``.next``; to train, feed these outputs
    to the next run. The same holds for an optimiser's state. Its learning rate is the input ``lr``. The opset is 20.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import nn
    >>> model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.ReLU()).eval()
    >>> x = np.ones((4, 2), np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export(model, x, f"{folder}/model.onnx", dynamic_batch=True)
    ...     again = ag.onnx.load(f"{folder}/model.onnx")
    >>> again
    OnnxNetwork(x: (N, 2); steps=2): 9 parameters
    >>> bool(np.allclose(again(x[:2]), model(x[:2])))
    True
    """
    path = as_path("export", path, [".onnx"])
    if not callable(function):
        raise OperandError("export", "not a function", expected="a function", got=repr(function))
    try:
        onnx = import_module("onnx")
    except ImportError as error:
        raise MissingDependencyError("an .onnx file", "interop") from error
    args = example_inputs if isinstance(example_inputs, tuple) else (example_inputs,)
    names, called = _argument_names(function, len(args)), _called(function)
    arrays = [leaf for arg in args for _, leaf in named_leaves(arg, "") if is_array(leaf)]
    if not arrays:
        raise OperandError("export", "no argument is an array", hint="pass example_inputs with arrays")
    if dynamic_batch:
        size = max(_first_length(arrays[0]), 2)  # one example would be broadcast
        sizes = (size, size + 1, size + 3)
        grown = [_grown(list(args), _first_length(arrays[0]), n) for n in sizes]
        programs = [record(called, each, names) for each in grown]
        program, shape = joint(programs, sizes), shape_in(programs, sizes)
    else:
        program = record(called, args, names)
        shape = program.shape
    model = _Writing(onnx, program, shape).model(getattr(function, "__name__", type(function).__name__))
    onnx.helper.set_model_props(model, metadata or {})
    onnx.checker.check_model(model, full_check=True)
    with replacing(path) as file:
        file.write(model.SerializeToString())


def _first_length(array: Any) -> int:
    return int(np.shape(array)[0]) if np.ndim(array) else 0


def _grown(args: list[Any], batch: int, size: int) -> list[Any]:
    """Return the arguments with all batched arrays in another batch size."""

    def grown(leaf: Any) -> Any:
        return of_size(np.asarray(leaf), size) if is_array(leaf) and _first_length(leaf) == batch else leaf

    found: list[Any] = rebuilt(args, map(grown, leaves(args)))
    return found


def _argument_names(function: Any, count: int) -> list[str]:
    """Return the names of a function's positional arguments, or of a file's inputs."""
    if isinstance(function, OnnxNetwork):
        return [each.name for each in function.inputs[:count]]
    try:
        given = inspect.signature(function.forward if isinstance(function, Module) else function).parameters.values()
    except (TypeError, ValueError):
        given = ()  # type: ignore[assignment]  # a built-in function
    names = [p.name for p in given if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    rest = next((p.name for p in given if p.kind is p.VAR_POSITIONAL), "x")
    more = max(count - len(names), 0)
    return [*names[:count], *([rest] if more == 1 else [f"{rest}.{place}" for place in range(more)])]


def _called(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function; for a network from a file, one that returns its results by name."""
    if not isinstance(function, OnnxNetwork):
        return function
    names = [each.name for each in function.outputs]

    def called(*args: Any) -> dict[str, Any]:
        results = function(*args)
        return dict(zip(names, results if isinstance(results, tuple) else (results,), strict=True))

    return called


class _Writing:
    """A program being turned into a graph."""

    def __init__(self, onnx: Any, program: Program, shape: Callable[[Any], tuple[Any, ...]]) -> None:
        self.helper = onnx.helper
        self.numpy_helper = onnx.numpy_helper
        self.program = program
        self.shape = shape
        self.graph = Graph()
        self.refs: dict[Slot, Ref] = {}
        self.renamed: dict[str, str] = {}

    def model(self, title: str) -> Any:
        """Return the model."""
        program, graph = self.program, self.graph
        inputs = [self._named(name, slot) for name, slot in program.inputs]
        variables = [(self._named(each.name, each.slot), each) for each in program.variables]
        wanted = [(name, value) for name, value in program.outputs]
        wanted += [(f"{each.name}.next", each.now) for each in program.variables if each.changes]
        names = [graph.name(name) for name, _ in wanted]
        graph.batch = next((ref for ref in inputs if ref.shape and isinstance(ref.shape[0], Dim)), None)
        for op in self._needed([value for _, value in wanted]):
            self._write(op)
        graph.scope = ""
        outputs = [self._output(name, value) for name, (_, value) in zip(names, wanted, strict=True)]
        graph.nodes = [self._final(node) for node in graph.nodes]
        nodes = _live(graph.nodes, set(names))
        used = {name for node in nodes for name in node.input} | set(names)
        fed = [(ref, each) for ref, each in variables if (each.fed or each.changes) and ref.name in used]
        kept = {ref.name: each.value for ref, each in variables if each.learned or each.changes or each.fed}
        fixed = graph.constants | {ref.name: each.value for ref, each in variables if ref.name not in kept}
        constants = [  # as nodes, so that a reader sees that they are not learned
            self.helper.make_node("Constant", [], [name], name, value=self._tensor(name, value))
            for name, value in fixed.items() if name in used
        ]  # fmt: skip
        proto = self.helper.make_graph(
            constants + nodes, title, [self._info(ref) for ref in [*inputs, *(ref for ref, _ in fed)]],
            [self._info(ref) for ref in outputs],
            [self._tensor(name, value) for name, value in kept.items() if name in used],
        )  # fmt: skip
        opset = self.helper.make_opsetid("", OPSET)
        return self.helper.make_model(proto, opset_imports=[opset], ir_version=_IR, producer_name="autograd_cnn")

    def _named(self, name: str, slot: Slot) -> Ref:
        ref = Ref(self.graph.name(name), np.asarray(self.program.values[slot]).dtype, self.shape(slot))
        self.refs[slot] = ref
        return ref

    def _tensor(self, name: str, value: Any) -> Any:
        return self.numpy_helper.from_array(np.asarray(value), name)

    def _info(self, ref: Ref) -> Any:
        shape = [str(each) if isinstance(each, Dim) else each for each in ref.shape]
        return self.helper.make_tensor_value_info(ref.name, TYPES[ref.dtype.name], shape)

    def _needed(self, results: Sequence[Any]) -> list[Op]:
        """Return the calls that results depend on."""
        wanted = {each for each in results if isinstance(each, Slot)}
        ops = []
        for op in reversed(self.program.ops):
            if not wanted.isdisjoint(op.outputs):
                ops.append(op)
                wanted.update(slots_in((op.operands, op.params)))
        return ops[::-1]

    # --- calls --------------------------------------------------------------------------------

    def _write(self, op: Op) -> None:
        graph = self.graph
        graph.scope = op.scope
        write = writer_of(op.primitive)
        if write is None:
            text = f"{op.primitive.name} has no counterpart in ONNX"
            raise FormatError("export", text, hint="compute it with other operations")
        slot = op.outputs[0]
        dtype = np.asarray(self.program.values[slot]).dtype
        y = Ref("", np.dtype(np.float32) if dtype == np.float16 else dtype, self.shape(slot))
        operands = self._operands(op, y)
        results = write(graph, y, *operands, **{name: self._param(value) for name, value in op.params.items()})
        results = results if isinstance(results, tuple) else (results,)
        result = graph.cast(results[0], dtype)
        self.refs[slot] = Ref(result.name, dtype, y.shape)
        self.refs.update(zip(op.outputs[1:], results[1:], strict=False))  # the formulas of rules need no others

    def _operands(self, op: Op, y: Ref) -> list[Ref | None]:
        """Return the operands, with half precision widened, and numbers in the dtype in which they are computed."""
        found: list[Any] = []
        for each in op.operands:
            ref = self.refs[each] if isinstance(each, Slot) else each
            ref = self.graph.constant(ref) if isinstance(ref, (np.ndarray, np.generic, Filled, Counted)) else ref
            found.append(self.graph.cast(ref, np.float32) if isinstance(ref, Ref) and ref.dtype == np.float16 else ref)
        dtypes = [each.dtype for each in found if isinstance(each, Ref)]

        def settled(operand: Any) -> Ref | None:
            if operand is None or isinstance(operand, Ref):
                return operand
            weak = np.result_type(*dtypes, 0 if isinstance(operand, Dim) else operand)
            return self.graph.constant(operand, weak if y.dtype.kind == "b" else y.dtype)

        return [settled(each) for each in found]

    def _param(self, value: Any) -> Any:
        if isinstance(value, Slot):
            return self.refs[value]
        if type(value) in {tuple, list}:
            return tuple(map(self._param, value))
        return value

    # --- results ------------------------------------------------------------------------------

    def _output(self, name: str, value: Any) -> Ref:
        """Give a result its name."""
        ref = self.refs[value] if isinstance(value, Slot) else self.graph.constant(value)
        made = any(ref.name in node.output for node in self.graph.nodes)
        if made and ref.name not in self.renamed:
            self.renamed[ref.name] = name
        else:
            same = self.graph.node("Identity", ref)
            self.renamed[same.name] = name
        return Ref(name, ref.dtype, ref.shape)

    def _final(self, node: Any) -> Any:
        """Return a node with the names of the results."""
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                names[place] = self.renamed.get(name, name)
        return node


def _live(nodes: Sequence[Any], wanted: set[str]) -> list[Any]:
    """Return the nodes that results depend on, without unused outputs."""
    used, kept = set(wanted), []
    for node in reversed(nodes):
        if used.isdisjoint(node.output):
            continue
        while not used.intersection(node.output[-1:]):
            node.output.pop()
        used.update(node.input)
        kept.append(node)
    return kept[::-1]
