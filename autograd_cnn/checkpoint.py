"""Trading time for memory: recompute a part of the graph instead of keeping what it saved."""

from collections.abc import Callable, Collection, Iterator
from functools import wraps
from typing import Any

import numpy as np

from autograd_cnn.errors import GradientError, OperandError, sentence
from autograd_cnn.recording import enable_grad, recording
from autograd_cnn.tape import Array, Node, Traced, freed, mark, sweep, toposort
from autograd_cnn.tensor import Tensor


class Segment:
    """A part of the graph, recorded as one node; what the node saves is how to run it again."""

    name = "checkpoint"

    def pullback(
        self, node: Node, g: Array, wanted: Collection[Node] | None, family: type[Traced] | None
    ) -> Iterator[tuple[Node, Array]]:
        """Run the segment again, recorded, and walk back through it to the node's parents."""
        if node.saved is None:
            raise freed(node, self.name)
        start = mark()
        with enable_grad():
            again: Tensor = node.saved["run"]()
        borders = {parent for parent in node.parents if parent is not None}
        targets = borders if wanted is None else borders & set(wanted)
        root = again.node
        if root is None or again.shape != node.shape:
            raise GradientError(sentence(self.name, "the function did not compute the same when it ran again"))
        recorded = family is not None  # then later passes come through here, too
        yield from sweep(
            root, g, Tensor, targets=targets, since=start, create_graph=recorded, retain_graph=recorded
        ).items()


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``f`` such that only its arguments are kept, and the rest is recomputed when needed.

    The backward pass runs ``f`` once more. Splitting a chain of n layers into √n segments takes
    the memory from n to about 2·√n (Griewank & Walther 2008; Chen et al. 2016).

    Parameters
    ----------
    f : callable
        A function or module from tensors to one tensor. It must compute the same each time; one
        that draws random numbers has to draw the same ones again.

    Returns
    -------
    callable
        Of the same arguments. Parameters that ``f`` closes over get their gradients, too.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> ag.checkpoint(lambda x: ag.exp(ag.sin(x)) * x)(x).sum().backward()
    >>> x.grad.numpy().round(6)
    array([3.573158, 0.416344])
    """

    @wraps(f)
    def run(*args: Any, **options: Any) -> Any:
        start = mark()
        output = f(*args, **options)
        if not isinstance(output, Tensor):
            raise OperandError(
                sentence("checkpoint", "the function's result is not understood", expected="one tensor",
                         got=type(output).__name__)
            )  # fmt: skip
        if output.node is None or output.node.serial < start:
            return output
        kept = [_kept(arg) for arg in args]
        named = {name: _kept(arg) for name, arg in options.items()}
        saved = {"run": lambda: f(*kept, **named)}
        borders = _borders(output.node, start)
        node = Node(Segment(), borders, saved, output.shape, output.dtype, recording.get().scope)
        return Tensor.of(output.value, node)

    return run


def _borders(root: Node, start: int) -> tuple[Node, ...]:
    """Return the nodes recorded before ``start`` on which those recorded since depend."""
    return tuple(node for node in toposort(root, since=start) if node.serial < start)


def _kept(arg: Any) -> Any:
    """Hold on to what ``arg`` is now: a tensor may move on, and an array may be written to."""
    if isinstance(arg, Tensor):
        return Tensor.of(arg.value, arg.node)
    return arg.copy() if isinstance(arg, np.ndarray) and arg.flags.writeable else arg
