"""The one backward traversal.

`gradients` is the whole of reverse mode: sort the nodes, walk them once, add up.
"""

import weakref
from collections.abc import Collection, Iterable, Sequence
from operator import attrgetter
from typing import Final, Protocol

import numpy as np

from autograd_cnn.engine.node import HALF, Array, Node, Shape, Traced
from autograd_cnn.engine.recording import switched
from autograd_cnn.errors import GradientError, OperandError, ShapeError, sentence

# --- the backward traversal -------------------------------------------------------------------


_cut_short: weakref.WeakSet[Node] = weakref.WeakSet()
"""Nodes whose values are gone because a backward pass freed them and then failed."""


def freed(node: Node, name: str) -> GradientError:
    """Return the error that says why what ``node`` saved is gone; ``name`` is its operation's."""
    if node in _cut_short:
        return GradientError(
            sentence(name, "the graph has been freed by a backward pass that then failed", hint="compute the output again")
        )  # fmt: skip
    return GradientError(
        sentence(name, "the graph has been freed by an earlier backward pass",
                 hint="pass retain_graph=True to that one")
    )  # fmt: skip


def toposort(root: Node, since: int = 0) -> list[Node]:
    """Return ``root`` and all that it depends on, each node before its parents.

    Serial numbers grow from parents to children, so sorting by them is a topological order. Of
    nodes recorded before the mark ``since``, the parents are left out.
    """
    return sorted(_ancestry([root], since), key=attrgetter("serial"), reverse=True)


def _ancestry(nodes: Collection[Node], since: int) -> set[Node]:
    """Return the nodes and all that they depend on; of those recorded before ``since``, the parents are left out."""
    seen, stack = set(nodes), list(nodes)
    while stack:
        node = stack.pop()
        if node.serial < since:
            continue
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return seen


class Following(Protocol):
    """What there is to know of a transform, such as `autograd_cnn.grad`, whose function is running."""

    start: int
    """The mark at which it began."""

    nodes: set[Node]
    """Of its inputs."""

    nested: bool
    """Whether another transform ran inside, which may rightly return a constant."""


following: Final[list[Following]] = []
"""The transforms that are running, in whatever thread or task: their functions may hand work to others."""


def followers(nodes: Iterable[Node | None]) -> list[Following]:
    """Return the running transforms that follow one of the nodes: it descends from one of their inputs."""
    running = tuple(following)
    if not running:
        return []
    reached = _ancestry([node for node in nodes if node is not None], min(call.start for call in running))
    return [call for call in running if not reached.isdisjoint(call.nodes)]


def _leading_to(targets: Collection[Node], order: list[Node]) -> set[Node]:
    needed = set(targets)
    for node in reversed(order):
        if not needed.isdisjoint(node.parents):
            needed.add(node)
    return needed


def fit(g: Array, node: Node, rule: str) -> Array:
    """Sum ``g`` over the axes that broadcasting added, and give it the dtype of the node's cotangents."""
    if g.dtype.kind not in "fbiu":
        raise OperandError(sentence(rule, "the cotangent is not an array of numbers", expected="floats", got=g.dtype))
    if g.shape != node.shape:
        g = _unbroadcast(g, node.shape, rule)
    dtype = np.float32 if node.dtype == HALF else node.dtype
    return g if g.dtype == dtype else g.astype(dtype)


def _handed_out(g: Array, node: Node) -> Array:
    """Return a cotangent in the node's own dtype."""
    return g if g.dtype == node.dtype else g.astype(node.dtype)


def _unbroadcast(g: Array, shape: Shape, rule: str) -> Array:
    added = len(g.shape) - len(shape)
    if added < 0 or any(n not in (1, m) for n, m in zip(shape, g.shape[added:], strict=True)):
        raise ShapeError(
            sentence(rule, "a cotangent has the wrong shape",
                     expected=f"{shape} or a shape that broadcasting makes of it", got=g.shape)
        )  # fmt: skip
    axes = tuple(i for i in range(len(g.shape)) if i < added or shape[i - added] != g.shape[i])
    total = g.sum(axis=axes)
    return total if total.shape == shape else total.reshape(shape)  # what had length 1 stays


def _run_hooks(node: Node, g: Array, family: type[Traced]) -> Array:
    g = _handed_out(g, node)
    recorded = isinstance(g, Traced)
    for hook in tuple(node.hooks or ()):  # a hook may take itself off
        replaced = hook(g if recorded else family.of(g))
        if replaced is None:
            continue
        if not isinstance(replaced, Traced):
            replaced = family.of(np.array(replaced))
        g = fit(replaced if recorded else replaced.value, node, "hook")
    return g


def sweep(
    root: Node,
    g: Array,
    family: type[Traced],
    *,
    targets: Collection[Node] | None,
    since: int = 0,
    create_graph: bool,
    retain_graph: bool,
) -> dict[Node, Array]:
    """Walk the graph below ``root`` once and return the full cotangent of every target.

    Without ``targets`` these are the nodes that have a ``tensor``. A node recorded before the mark ``since`` takes its
    cotangent and passes nothing on. With ``create_graph``, saved values are wrapped as ``family``.
    """
    order = toposort(root, since)
    wanted = None if targets is None else _leading_to(targets, order)
    if wanted is not None and root not in wanted:
        return {}  # and nothing is freed of a graph that others may need
    wrap = family if create_graph else None
    cotangents: dict[Node, Array] = {root: g}
    found: dict[Node, Array] = {}
    spent: list[Node] = []
    try:
        for node in order:
            g = cotangents.pop(node, None)
            if g is None:
                continue
            if node.hooks is not None and node.serial >= since:
                g = _run_hooks(node, g, family)
            primitive = node.primitive
            if node.tensor is not None if targets is None else node in targets:
                found[node] = _handed_out(g, node)
            if primitive is None or node.serial < since:
                continue
            for parent, share in primitive.pullback(node, g, wanted, wrap):
                held = cotangents.get(parent)
                cotangents[parent] = share if held is None else held + share
            if not retain_graph:
                spent.append(node)
                node.saved = node.params = None
    except BaseException:
        _cut_short.update(spent)
        raise
    return found


# --- asking for gradients ---------------------------------------------------------------------


def _start(output: Traced, cotangent: Array | None, where: str) -> tuple[Node, Array]:
    """Check what was asked for; return the output's node and the cotangent to begin with."""
    node = output.node
    if node is None:
        raise GradientError(
            sentence(where, "nothing was recorded for this output",
                     hint="make an input with requires_grad=True, and compute outside of no_grad()")
        )  # fmt: skip
    if cotangent is None:
        if output.value.size != 1:
            raise GradientError(
                sentence(where, "the output is not a scalar", expected="one number", got=f"shape {node.shape}",
                         hint="reduce it with .sum() or .mean(), or pass a cotangent of its shape")
            )  # fmt: skip
        return node, fit(np.ones(node.shape, node.dtype)[()], node, where)
    shape = np.shape(cotangent.value if isinstance(cotangent, Traced) else cotangent)
    if shape != node.shape:
        raise ShapeError(
            sentence(where, "the cotangent has the wrong shape", expected=f"the output's {node.shape}", got=shape)
        )
    return node, fit(cotangent if isinstance(cotangent, Traced) else np.array(cotangent)[()], node, where)


def gradients(
    output: Traced,
    wrt: Sequence[Traced] | None = None,
    cotangent: Array | None = None,
    *,
    create_graph: bool = False,
    retain_graph: bool | None = None,
    where: str = "gradients",
) -> dict[Node, Array]:
    """Differentiate ``output``; apart from the memory that is freed, nothing changes.

    Parameters
    ----------
    output : Traced
        What to differentiate; a single number unless a cotangent is given.
    wrt : sequence of Traced, optional
        Leaves or intermediate results; by default every leaf that the output depends on.
    cotangent : array, optional
        The vector of the vector-Jacobian product, of the output's shape; 1 by default.
    create_graph : bool
        Record the backward pass as well, so that its results can be differentiated.
    retain_graph : bool, optional
        Keep what the nodes saved for another pass; by default as ``create_graph``.
    where : str
        Whose name an error gives.

    Returns
    -------
    dict of Node to array
        Cotangents by node: arrays, or tensors under ``create_graph``. An input on which the
        output does not depend is missing.

    Raises
    ------
    GradientError
        If nothing was recorded, the output is no scalar, or the graph has been freed.
    ShapeError
        If the cotangent's shape is not the output's.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor(3.0, requires_grad=True)
    >>> float(gradients(x * x, [x])[x.node])
    6.0
    """
    root, g = _start(output, cotangent, where)
    if create_graph and not isinstance(g, Traced):
        g = output.family.of(g)
    elif not create_graph and isinstance(g, Traced):
        g = g.value
    with switched(enabled=create_graph):
        return sweep(
            root,
            g,
            output.family,
            targets=None if wrt is None else {t.node for t in wrt if t.node is not None},
            create_graph=create_graph,
            retain_graph=create_graph if retain_graph is None else retain_graph,
        )
