"""The backward pass as recorded operations, each with its forward node."""

from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np

from autograd_cnn.engine.backward import cotangents_of, toposort
from autograd_cnn.engine.node import Array, Leaf, Node, Traced, next_serial
from autograd_cnn.errors import GradientError


@dataclass(slots=True)
class Backward:
    """A recorded backward pass.

    Attributes
    ----------
    seed : Leaf
        The initial cotangent.
    order : list of Node
        The recorded nodes, each before its parents.
    cotangents : dict of Node to Traced
        The complete gradient with respect to each forward node.
    steps : list of (int, Node)
        The serial numbers from which operations belong to a forward node.
    """

    seed: Leaf
    order: list[Node] = field(default_factory=list)
    cotangents: dict[Node, Traced] = field(default_factory=dict)
    steps: list[tuple[int, Node]] = field(default_factory=list)

    def pair(self, node: Node) -> Node:
        """Return the forward node whose rule or fan-out recorded ``node``."""
        return self.steps[bisect_right(self.steps, node.serial, key=lambda step: step[0]) - 1][1]


def record(output: Traced) -> Backward:
    """Run the backward pass of ``output`` as recorded operations.

    The seed is a leaf, so everything that depends on it is recorded, even if the forward pass is linear. Hooks do not
    run and no ``grad`` is written: nothing that the user holds changes.
    """
    if output.value.size != 1:
        got = f"shape {output.value.shape}"
        hint = "reduce it with .sum() or .mean(), or leave out backward=True"
        raise GradientError("graph.capture", "the output is not a scalar", expected="one number", got=got, hint=hint)
    seed = output.tensor_type.wrap(np.ones(output.value.shape, output.value.dtype))
    seed.node = leaf = Leaf(seed)
    backward = Backward(leaf)

    def on_step(node: Node, g: Array) -> None:
        backward.steps.append((next_serial(), node))
        backward.cotangents[node] = g if isinstance(g, Traced) else output.tensor_type.wrap(g)

    cotangents_of(output, None, seed, create_graph=True, where="graph.capture", on_step=on_step)
    ends = tuple(g.node for g in backward.cotangents.values())
    joined = Node(None, ends, None, (), seed.value.dtype)
    backward.order = [node for node in toposort(joined, since=leaf.serial)[1:] if node.serial > leaf.serial]
    return backward
