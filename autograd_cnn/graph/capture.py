"""From the tape to plain data."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast

import numpy as np

from autograd_cnn.engine.backward import toposort
from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.node import Array, Missing, Node, Shape, Traced, tensor_of
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.recording import EVERYWHERE, Scope
from autograd_cnn.engine.replay import Values, argument, operand, parameters
from autograd_cnn.errors import ArgumentError, GradientError, OperandError, require
from autograd_cnn.graph.backward import Backward, record
from autograd_cnn.graph.calls import Calls, leaves
from autograd_cnn.graph.cost import flops, owner, saved_bytes
from autograd_cnn.graph.graph import Graph
from autograd_cnn.graph.nodes import Attribute, Edge, GraphNode, Kind, Phase, Summary, Units
from autograd_cnn.graph.summary import summarize
from autograd_cnn.graph.units import unit_axis, units_of

Names: TypeAlias = Mapping[str, Any] | Iterable[tuple[str, Any]]
Clock: TypeAlias = Callable[[Sequence[Node], Mapping[Node, Array]], Mapping[Node, float]]


@parsed
def capture(
    output: Traced,
    *,
    inputs: Sequence[Any] | None = None,
    names: Names | None = None,
    backward: bool = False,
    values: bool = True,
    problems: Mapping[int, str] | None = None,
) -> Graph:
    """Return the graph of what ``output`` was computed from; the tape stays as it is.

    Parameters
    ----------
    output : Tensor
        The last result, such as a loss. A graph that a backward pass has freed can't be shown: capture before it, or
        let it keep the graph.
    inputs : sequence of Tensor or array, optional
        What to show as inputs; by default the arrays that need no gradient.
    names : mapping or pairs of (name, tensor), optional
        Names for leaves, inputs and the output, such as ``model.named_parameters()``. They take precedence over a
        tensor's own ``name``.
    backward : bool
        Also run the backward pass, recorded, and show its primitives.
    values : bool
        Summarise the arrays. Where possible, values that the tape did not keep are recomputed, from the leaves as they
        are now. No array is kept.
    problems : mapping of int to str, optional
        Texts that say what is wrong with operations, by the serial numbers of their nodes on the tape: the ``problems``
        of `check_tape`'s report and of the error that `detect_anomaly` raises.

    Returns
    -------
    Graph

    Raises
    ------
    OperandError
        If ``output`` is not a tensor, or ``names`` or ``inputs`` are something else.
    GradientError
        If nothing was recorded; with ``backward``, if the output is not a scalar or the graph is freed.
    ArgumentError
        If a problem's node is not one that the output depends on.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> graph = capture((x * x).sum())
    >>> [node.name for node in graph.nodes]
    ['x', 'multiply', 'sum', 'output']
    >>> [(edge.source, edge.target, edge.argument) for edge in graph.edges]
    [('n0', 'n1', 'x1'), ('n0', 'n1', 'x2'), ('n1', 'n2', 'x'), ('n2', 'n3', '')]
    """
    return read(output, inputs, names, backward, values, problems).graph()


def read(
    output: Traced,
    inputs: Sequence[Any] | None = None,
    names: Names | None = None,
    backward: bool = False,
    values: bool = True,
    problems: Mapping[int, str] | None = None,
    clock: Clock | None = None,
) -> "Reading":
    """Read the tape of a recorded output, as `capture` does; ``clock`` returns the durations of recorded calls in seconds."""
    require(isinstance(output, Traced), "graph.capture", "output has no tape", "a tensor", output)
    if output.node is None:
        hint = "make an input with requires_grad=True, and compute outside of no_grad()"
        raise GradientError("graph.capture", "nothing was recorded for this output", hint=hint)
    root = output.node
    order = toposort(root)
    passed = record(output) if backward else None
    recorded = order if passed is None else passed.order + order
    _check_problems(problems or {}, recorded)
    given = {root: output.value}
    if passed is not None:
        given |= {g.node: g.value for g in passed.cotangents.values() if g.node is not None}
    known = Values(recorded, given) if values else None
    times = None if clock is None else clock(recorded, given)
    reading = Reading(order, known, inputs, names, passed, problems, times=times)
    reading.read_output(output)
    if passed is not None:
        reading.read_backward(passed)
    return reading


def _check_problems(problems: Mapping[int, str], recorded: Sequence[Node]) -> None:
    unknown = problems.keys() - {node.serial for node in recorded}
    if unknown:
        problem = "there is a problem with a node that is not in the graph"
        expected = "serial numbers of what the output depends on"
        raise ArgumentError("graph.capture", problem, expected=expected, got=min(unknown))


class _Names:
    """The user's names for leaves, arrays and results, and which of them are inputs."""

    def __init__(self, names: Names | None, inputs: Sequence[Any] | None) -> None:
        self.pairs = _pairs(names)
        self.declared = _declared(inputs)
        self.inputs = {key for value in self.declared for key in _keys(value)}
        own = [(value.name, value) for value in self.declared if getattr(value, "name", None)]
        self.given = {key: str(name) for name, value in own + self.pairs for key in _keys(value)}

    def of(self, key: int, tensor: Any, otherwise: str, path: str = "") -> str:
        """Return the given name, else the tensor's own after its module's path."""
        if key in self.given:
            return self.given[key]
        own = getattr(tensor, "name", None)
        if not own:
            return otherwise
        return f"{path}.{own}" if path and "." not in own else str(own)


def _declared(inputs: Any) -> list[Any]:
    """Return the inputs as a list; a single array is refused, because it would be read as its rows."""
    if inputs is None:
        return []
    if isinstance(inputs, (str, bytes, np.ndarray, Traced)) or not isinstance(inputs, Iterable):
        expected = "a sequence of tensors or arrays"
        raise OperandError("graph.capture", "inputs are not understood", expected=expected, got=type(inputs).__name__)
    return list(inputs)


def _pairs(names: Names | None) -> list[tuple[str, Any]]:
    """Return pairs of names and tensors; a module or a list of tensors is refused."""
    pairs = list(names.items()) if isinstance(names, Mapping) else names
    try:
        return [(name, value) for name, value in pairs or ()]
    except (TypeError, ValueError):
        raise OperandError(
            "graph.capture", "names are not understood", expected="a mapping of names to arrays, or pairs",
            got=type(names).__name__, hint="a model's are model.named_parameters()"
        ) from None  # fmt: skip


def _keys(value: Any) -> tuple[int, ...]:
    """Return the ids by which the tape may know a tensor or an array."""
    if not isinstance(value, Traced):
        return (id(value),)
    return (id(value.value),) if value.node is None else (id(value.node), id(value.value))


class Reading:
    """The graph read so far, at first the forward operations.

    ``ids`` maps the Python ids of the tape's nodes and arrays to those of the graph's nodes.
    """

    def __init__(
        self,
        order: Sequence[Node],
        values: Values | None,
        inputs: Sequence[Any] | None = None,
        names: Names | None = None,
        passed: Backward | None = None,
        problems: Mapping[int, str] | None = None,
        failed: Scope = EVERYWHERE,
        times: Mapping[Node, float] | None = None,
    ) -> None:
        self.names = _Names(names, inputs)
        self.order = order
        self.calls = Calls([*(node.scope for node in order), failed])
        for node in reversed(order):
            self.calls.name(node.scope)  # in order
        self.homes = leaves(reversed(order), self.calls)
        self.values = values
        self.passed = passed
        self.problems = problems or {}
        self.nodes: list[GraphNode] = []
        self.edges: list[Edge] = []
        self.ids: dict[int, str] = {}
        self.axes: dict[Node, int] = {}
        self.times = times or {}
        tensors = (tensor_of(node) for node in order if node.primitive is None)
        self.counted = {id(owner(leaf.value)) for leaf in tensors if leaf is not None}
        for node in reversed(order):  # each after its operands that are leaves or arrays
            if node.primitive is not None:
                self._add_operation(node, self.calls.name(node.scope))

    def graph(self) -> Graph:
        """Return the graph."""
        return Graph(tuple(self.nodes), tuple(self.edges), tuple(self.calls.found))

    def read_output(self, output: Traced) -> None:
        """Add a final result."""
        root = cast("Node", output.node)
        if root.primitive is None:
            self._add_leaf(root, "")
        made = self._add(
            "output", self.names.of(id(root), output, "output"), root.shape, str(root.dtype),
            value=self._summary(output.value),
        )  # fmt: skip
        self.edges.append(Edge(self.ids[id(root)], made))

    def read_failure(
        self,
        name: str,
        operands: Iterable[tuple[str, Any]],
        parameters: Iterable[tuple[str, Any]],
        scope: Scope,
        problem: str,
    ) -> None:
        """Add a call that gave no result; the shapes of its operands count as parameters."""
        sources = []
        attributes = []
        path = self.calls.name(scope)
        for key, value in operands:
            node, array = (value.node, value.value) if isinstance(value, Traced) else (None, value)
            sources.append((key, self._source(node, array, path, "forward")))
            attributes.append(Attribute(key, str(np.shape(array)), default=False))
        attributes += [Attribute(key, _text(value), default=False) for key, value in parameters]
        made = self._add("failure", name, (), "float64", scope=path, parameters=tuple(attributes), problem=problem)
        self.edges += [Edge(source, made, key) for key, source in sources if source is not None]

    def read_backward(self, passed: Backward) -> None:
        """Add the seed, the operations of the backward pass, and the gradients at its ends."""
        seed = passed.seed
        self.ids[id(seed)] = self._add(
            "input", "seed", seed.shape, str(seed.dtype), phase="backward", pair=self.nodes[-1].id,
            value=self._summary(np.ones(seed.shape, seed.dtype)),
        )  # fmt: skip
        for node in reversed(passed.order):
            if node.primitive is not None:
                owner = passed.pair(node)
                self._add_operation(node, self._of(owner).scope, phase="backward", pair=self.ids[id(owner)])
        for node in reversed(self.order):
            if node.primitive is None and node in passed.cotangents:
                self._add_gradient(node, passed.cotangents[node])

    # --- one node at a time -------------------------------------------------------------------

    def _add(self, kind: Kind, name: str, shape: Shape, dtype: str, **fields: Any) -> str:
        made = f"n{len(self.nodes)}"
        self.nodes.append(GraphNode(made, kind, name, shape, dtype, **fields))
        return made

    def _add_operation(self, node: Node, scope: str, **fields: Any) -> None:
        phase = fields.get("phase", "forward")
        sources = [
            self._source(parent, operand(node, position), scope, phase) for position, parent in enumerate(node.parents)
        ]
        value = None if self.values is None else self.values.take(node)
        made = self._add(
            "operation", _name(node), node.shape, str(node.dtype), scope=scope,
            parameters=_attributes(node), flops=flops(node), time=self.times.get(node),
            saved_bytes=saved_bytes(node, self.counted) if phase == "forward" else None,
            value=self._summary(value), grad=self._grad(node),
            units=self._units(node, value) if phase == "forward" else None, origin=node.origin,
            problem=self.problems.get(node.serial), **fields,
        )  # fmt: skip
        self.ids[id(node)] = made
        for position, source in enumerate(sources):
            if source is not None:
                self.edges.append(Edge(source, made, argument(node.primitive, position)))

    def _source(self, node: Node | None, value: Any, scope: str, phase: Phase) -> str | None:
        """Return the id of what an operation was computed from; None if the tape does not know it."""
        if node is not None:
            if id(node) not in self.ids:
                self._add_leaf(node, scope)
            return self.ids[id(node)]
        if value is None or isinstance(value, Missing):
            return None
        if isinstance(value, (int, float, np.generic)):
            return self._add("constant", f"{value:g}", (), str(np.asarray(value).dtype), scope=scope, phase=phase)
        if id(value) not in self.ids:
            self.ids[id(value)] = self._add(
                "input", self.names.of(id(value), None, "array"), value.shape, str(value.dtype), phase=phase,
                value=self._summary(value),
            )  # fmt: skip
        return self.ids[id(value)]

    def _add_leaf(self, node: Node, scope: str) -> None:
        tensor = tensor_of(node)
        declared = id(node) in self.names.inputs
        scope, path = ("", "") if declared else self.homes.get(node, (scope, scope))
        self.ids[id(node)] = self._add(
            "input" if declared else "parameter", self.names.of(id(node), tensor, "leaf", path), node.shape,
            str(node.dtype), scope=scope,
            value=None if tensor is None else self._summary(tensor.value), grad=self._grad(node),
        )  # fmt: skip

    def _add_gradient(self, node: Node, g: Traced) -> None:
        leaf = self._of(node)
        made = self._add(
            "gradient", leaf.name, leaf.shape, leaf.dtype, scope=leaf.scope, phase="backward", pair=leaf.id,
            value=self._summary(g.value),
        )  # fmt: skip
        if g.node is not None:
            self.edges.append(Edge(self.ids[id(g.node)], made))

    def _of(self, node: Node) -> GraphNode:
        return self.nodes[int(self.ids[id(node)].removeprefix("n"))]

    # --- values and their summaries -----------------------------------------------------------

    def _summary(self, array: Array) -> Summary | None:
        return None if self.values is None or array is None else summarize(array)

    def _units(self, node: Node, value: Array | None) -> Units | None:
        axis = unit_axis(node, self.axes)
        if axis is None:
            return None
        self.axes[node] = axis
        return None if value is None else units_of(value, axis)

    def _grad(self, node: Node) -> Summary | None:
        passed = self.passed
        g = getattr(tensor_of(node), "grad", None) if passed is None else passed.cotangents.get(node)
        return None if g is None else self._summary(g.value)


def _name(node: Node) -> str:
    return "" if node.primitive is None else node.primitive.name


def _attributes(node: Node) -> tuple[Attribute, ...]:
    """Return the parameters, without a shape, which is known from the result."""
    primitive = node.primitive
    if not isinstance(primitive, Primitive):
        return ()
    return tuple(
        Attribute(name, _text(value), name == "shape" or _same(value, primitive.parameters[name]))
        for name, value in parameters(node).items()
    )


def _same(value: Any, default: Any) -> bool:
    if isinstance(value, tuple) and isinstance(default, int):
        default = (default, default)
    return value is default or (isinstance(value, (int, float, str, tuple)) and value == default)


def _text(value: Any) -> str:
    """Return a parameter as text; arrays appear only as their shapes."""
    if isinstance(value, np.ndarray):
        return f"array{value.shape}"
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(_text, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, slice):
        bounds = [value.start, value.stop] + ([] if value.step is None else [value.step])
        return ":".join("" if bound is None else str(bound) for bound in bounds)
    return "..." if value is Ellipsis else str(value)
