"""What a notebook shows: a picture, if one can be drawn and taken in at a glance."""

from collections.abc import Sequence
from html import escape
from typing import Final

from autograd_cnn.engine.node import Node
from autograd_cnn.errors import MissingDependencyError
from autograd_cnn.graph.capture import capture
from autograd_cnn.graph.nodes import Edge, GraphNode, ModuleCall
from autograd_cnn.tensor import Tensor
from autograd_cnn.viz.drawing.dot import draw
from autograd_cnn.viz.drawing.render import svgs

MOST_OPERATIONS: Final = 60
"""In the graph of a tensor that shows itself with its picture."""


def bundle(
    text: str, nodes: Sequence[GraphNode], edges: Sequence[Edge], calls: Sequence[ModuleCall] = ()
) -> dict[str, str]:
    """Return the representations of a graph for a notebook, by MIME type: ``text``, and a picture in SVG.

    The picture is what the page shows when it opens. If there is none, the text says why.
    """
    try:
        [picture] = svgs([draw(nodes, edges, calls, placed=True).source], placed=True)
    except MissingDependencyError as error:
        return {"text/plain": f"{text}; {error}"}
    return {"text/plain": text, "image/svg+xml": picture[picture.index("<svg") :]}


def of_tensor(tensor: Tensor) -> dict[str, str]:
    """Return the representations of a tensor: its text, and of one with a small graph also a picture, below the text."""
    shown = {"text/plain": repr(tensor)}
    if is_small(tensor.node) and (picture := capture(tensor)._repr_mimebundle_().get("image/svg+xml")):
        shown |= {"image/svg+xml": picture, "text/html": f"<pre>{escape(repr(tensor))}</pre>{picture}"}
    return shown


def is_small(node: Node | None) -> bool:
    """Whether ``node`` is an operation with few others before it; no more of these are visited than needed."""
    if node is None or node.primitive is None:
        return False
    seen = {node}
    waiting = [node]
    operations = 0
    while waiting and operations <= MOST_OPERATIONS:
        each = waiting.pop()
        operations += each.primitive is not None
        new = {parent for parent in each.parents if parent is not None} - seen
        seen |= new
        waiting += new
    return operations <= MOST_OPERATIONS
