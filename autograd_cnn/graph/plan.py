"""The plan of a compiled step as a graph: fused calls, the tables that contain them, and the Python calls between."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.trace import Call, Held, Slot, slots_in, value_of
from autograd_cnn.graph.graph import Graph
from autograd_cnn.graph.nodes import Attribute, Edge, GraphNode, Kind, ModuleCall

if TYPE_CHECKING:
    from autograd_cnn.plans.plan import Plan


def of_plan(plan: "Plan", times: Mapping[int, float] | None = None) -> Graph:
    """Return the graph of a plan, in execution order; calls that are rows of one table are in one box.

    Parameters
    ----------
    plan : Plan
        The plan of a compiled function.
    times : mapping of int to float, optional
        The durations of calls in seconds, by the calls' ids.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> double = ag.compile(lambda x: x * 2)
    >>> for _ in range(3):
    ...     y = double(np.ones(2))
    >>> [node.name for node in of_plan(double.plan).nodes]
    ['v0', 'multiply', 'result']
    """
    return _Drawing(plan, times or {}).graph()


class _Drawing:
    def __init__(self, plan: "Plan", times: Mapping[int, float]) -> None:
        self._plan = plan
        self._times = times
        self._nodes: list[GraphNode] = []
        self._edges: list[Edge] = []
        self._makers: dict[Slot, str] = {}

    def graph(self) -> Graph:
        """Return the graph."""
        for slot in self._plan.arguments:
            self._add("input", repr(slot), (slot,))
        tables: list[ModuleCall] = []
        for call in self._plan.lowered:
            if call.inner:
                name = f"table {len(tables) + 1}"
                kind = f"{call.name}, {self._plan.arena / 1e3:,.0f} kB"
                tables.append(ModuleCall(name, name, kind, 1))
            for each in call.inner or (call,):
                self._add_call(each, tables[-1].scope if call.inner else "")
        for result in self._plan.results:
            self._add("output", "result", (), taken=slots_in(result))
        return Graph(tuple(self._beside_their_table()), tuple(self._edges), tuple(tables))

    def _beside_their_table(self) -> Iterator[GraphNode]:
        """Yield the nodes, with parameters and gradients in the box of the table that alone reads or writes them."""
        near: dict[str, set[str]] = {}
        scopes = {node.id: node.scope for node in self._nodes}
        for edge in self._edges:
            near.setdefault(edge.source, set()).add(scopes[edge.target])
            near.setdefault(edge.target, set()).add(scopes[edge.source])
        for node in self._nodes:
            beside = near.get(node.id, set())
            own = node.kind in ("parameter", "gradient") and len(beside) == 1
            yield replace(node, scope=beside.pop()) if own else node

    def _add_call(self, call: Call, scope: str) -> None:
        held = [arg for arg in call.args if isinstance(arg, Held)]
        if call.function is value_of:
            self._add("parameter", self._plan.shown(held[0]), call.outputs)
        elif call.function is getattr:
            self._add("input", call.name, call.outputs)
        else:
            taken = slots_in([*call.args, *call.params.values()])
            params = {name: value for name, value in call.params.items() if not slots_in(value)}
            name, _, effect = self._plan.title(call).rpartition(".")
            kind: Kind = "gradient" if name and effect == "add_grad" else "operation"
            title = name if kind == "gradient" else self._plan.title(call)
            self._add(kind, title, call.outputs, scope, params, taken, self._times.get(id(call)))

    def _add(
        self, kind: Kind, name: str, slots: Sequence[Slot], scope: str = "",
        params: Mapping[str, Any] = MappingProxyType({}), taken: Sequence[Slot] = (), time: float | None = None,
    ) -> None:  # fmt: skip
        """Add a node that fills some slots, and edges from the slots that it reads."""
        identity, shown = f"n{len(self._nodes)}", (*slots, *taken)[:1]
        value = self._plan.kinds.get(shown[0], AbstractArray(())) if shown else AbstractArray(())
        parameters = tuple(Attribute(key, self._plan.shown(each), default=False) for key, each in params.items())
        node = GraphNode(identity, kind, name, value.shape, value.dtype.name, scope, parameters=parameters, time=time)
        self._nodes.append(node)
        self._edges += [Edge(self._makers[slot], identity) for slot in dict.fromkeys(taken)]
        self._makers.update(dict.fromkeys(slots, identity))
