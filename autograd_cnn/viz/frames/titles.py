"""The titles of modules and values in a picture."""

from collections.abc import Iterable, Sequence

from autograd_cnn.graph.nodes import Edge, GraphNode, ModuleCall


class Titles:
    """The titles of module calls in a picture: name and class, as in ``conv1: Conv2d``.

    Parameters
    ----------
    calls : iterable of ModuleCall

    Examples
    --------
    >>> titles = Titles([ModuleCall("net.cell#2", "net.cell", "GRUCell", 2)])
    >>> titles.of("net.cell#2"), titles.of("net")
    ('cell #2: GRUCell', 'net')
    """

    def __init__(self, calls: Iterable[ModuleCall]) -> None:
        self._calls = {call.scope: call for call in calls}

    def add(self, scope: str, original: str) -> None:
        """Give another scope the title of the original, if that is a call."""
        if original in self._calls:
            self._calls.setdefault(scope, self._calls[original])

    def of(self, scope: str) -> str:
        """Return the title of a call, or the last of the names if it is a block."""
        name = scope.rpartition(".")[2]
        call = self._calls.get(scope)
        if call is None:
            return name
        own = name.partition("#")[0]
        number = f" #{call.number}" if call.number > 1 else ""
        return f"{own}{number}" if own == call.kind else f"{own}{number}: {call.kind}"

    def full(self, scope: str) -> str:
        """Return the title, after the names of the enclosing calls."""
        around = scope.rpartition(".")[0]
        return f"{around}.{self.of(scope)}" if around else self.of(scope)

    def kind(self, scope: str) -> str:
        """Return the class of a call's module; empty for a block."""
        return self._calls[scope].kind if scope in self._calls else ""

    def path(self, scope: str) -> str:
        """Return the path of a call's module, or the names of a block and its enclosing ones."""
        return self._calls[scope].path if scope in self._calls else scope


def shortened(text: str, length: int) -> str:
    """Leave out the middle of a long text: the end of a name says more than its middle.

    Examples
    --------
    >>> shortened("encoder.layers.11.self_attn.in_proj_weight", 24)
    'encoder.la…n_proj_weight'
    """
    if len(text) <= length:
        return text
    tail = (length - 1) * 3 // 5
    return f"{text[: length - 1 - tail]}…{text[-tail:]}"


class Names:
    """The names of values on their chips.

    Parameters
    ----------
    nodes : sequence of GraphNode
    edges : sequence of Edge
    """

    def __init__(self, nodes: Sequence[GraphNode], edges: Iterable[Edge]) -> None:
        self._nodes = {node.id: node for node in nodes}
        self._operands: dict[str, list[GraphNode]] = {}
        for edge in edges:
            if edge.source in self._nodes:
                self._operands.setdefault(edge.target, []).append(self._nodes[edge.source])

    def value(self, node: GraphNode) -> str:
        """Return the name of a value: the last part of a leaf's name, also in ``transpose(weight)``."""
        if node.kind == "gradient":
            return f"∂ {_last(node.name)}"
        leaves = [each for each in self._operands.get(node.id, ()) if each.kind != "constant"]
        if node.kind == "operation" and len(leaves) == 1 and leaves[0].kind == "parameter":
            return f"{node.name}({_last(leaves[0].name)})"
        return node.name if node.kind == "operation" else _last(node.name)

    def gradient(self, node: GraphNode) -> str:
        """Return the name of the sum of contributions to a gradient, given one of its additions."""
        return f"∂ {self.value(self._nodes[node.pair])}" if node.pair in self._nodes else node.name


def _last(name: str) -> str:
    return name.rpartition(".")[2] or name
