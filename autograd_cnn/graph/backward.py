"""The backward pass as operations of its own, each with the forward node that it belongs to."""

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from autograd_cnn.engine.backward import toposort
from autograd_cnn.engine.node import Array, Leaf, Node, Traced, mark
from autograd_cnn.engine.recording import enable_grad
from autograd_cnn.errors import GradientError, sentence


@dataclass(frozen=True, slots=True)
class Backward:
    """A recorded backward pass.

    Attributes
    ----------
    seed : Leaf
        The cotangent that it began with.
    order : list of Node
        What it recorded, each node before its parents.
    cotangents : dict of Node to Traced
        The whole gradient with respect to each forward node.
    """

    seed: Leaf
    order: list[Node]
    cotangents: dict[Node, Traced]
    starts: list[int]
    owners: list[Node]

    def pair(self, node: Node) -> Node:
        """Return the forward node whose rule, or whose fan-out, recorded ``node``."""
        return self.owners[bisect_right(self.starts, node.serial) - 1]


def record(output: Traced, order: list[Node]) -> Backward:
    """Run the rules of the forward nodes in ``order`` as recorded operations.

    The seed is a leaf, so that all that depends on it is recorded, even where the forward pass is
    linear. Neither hooks nor ``grad`` take part: nothing that the user holds changes.
    """
    root = order[0]
    if output.value.size != 1:
        raise GradientError(
            sentence("graph.capture", "the output is not a scalar", expected="one number", got=f"shape {root.shape}",
                     hint="reduce it with .sum() or .mean(), or leave out backward=True")
        )  # fmt: skip
    start = output.family.of(np.ones(root.shape, root.dtype))
    start.node = seed = Leaf(start)
    waiting: dict[Node, Array] = {root: start}
    found: dict[Node, Traced] = {}
    starts: list[int] = []
    owners: list[Node] = []
    began = mark()
    with enable_grad():
        for node in order:
            if node not in waiting:
                continue
            found[node] = g = waiting.pop(node)
            if node.primitive is None:
                continue
            starts.append(mark())
            owners.append(node)
            for parent, share in node.primitive.pullback(node, g, None, output.family):
                if parent in waiting:
                    starts.append(mark())
                    owners.append(parent)
                    waiting[parent] = waiting[parent] + share
                    starts.append(mark())
                    owners.append(node)
                else:
                    waiting[parent] = share if isinstance(share, Traced) else output.family.of(share)
    ends = tuple(g.node for g in found.values())
    joined = Node(None, ends, None, (), root.dtype)
    recorded = [node for node in toposort(joined, since=began)[1:] if node.serial > began]
    return Backward(seed, recorded, found, starts, owners)
