"""The one backward traversal.

`backward_pass` is all of reverse mode: sort the nodes, visit each once, accumulate. `gradients` asks it for the
cotangents of some tensors.
"""

import math
import weakref
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any, Final, Protocol, TypeVar, cast

import numpy as np

from autograd_cnn import kernels
from autograd_cnn.engine.half import HALF
from autograd_cnn.engine.node import Array, Node, Shape, Traced
from autograd_cnn.engine.recording import failing, switched
from autograd_cnn.engine.trace import RUNNING, current, replays
from autograd_cnn.errors import GradientError, OperandError, ShapeError, sentence

T = TypeVar("T", bound=Traced)

# --- the order of the nodes -------------------------------------------------------------------


def toposort(root: Node, since: int = 0) -> list[Node]:
    """Return ``root`` and all that it depends on, each node before its parents.

    Serial numbers grow from parents to children, so sorting by them is a topological order. Of
    nodes recorded before the serial number ``since``, the parents are left out.
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
    """A transform, such as `autograd_cnn.grad`, whose function is running."""

    start: int
    """The serial number at which it began."""

    nodes: set[Node]
    """The nodes of its inputs."""

    nested: bool
    """Whether another transform ran inside, which may rightly return a constant."""


following: Final[list[Following]] = []
"""The transforms that are running, in any thread or task: their functions may delegate work to others."""


def followers(nodes: Iterable[Node | None]) -> list[Following]:
    """Return the running transforms that track one of the nodes: those with an input that it descends from."""
    running = tuple(following)
    if not running:
        return []
    reached = _ancestry([node for node in nodes if node is not None], min(call.start for call in running))
    return [call for call in running if not reached.isdisjoint(call.nodes)]


def _hooked_leaves_early(order: list[Node], since: int) -> list[Node]:
    """Put each leaf with hooks right after the last node that adds to its cotangent, which is then final.

    Leaves are older than what was computed from them, so by serial number they would all come at the end.
    """
    if not any(map(attrgetter("hooks"), order)):
        return order
    last: dict[Node, Node] = {}
    for node in order:
        if node.serial >= since:
            last.update((p, node) for p in node.parents if p is not None and p.primitive is None and p.hooks)
    leaves: dict[Node, list[Node]] = {}
    for leaf, node in last.items():
        leaves.setdefault(node, []).append(leaf)
    return [each for node in order if node not in last for each in (node, *leaves.get(node, ()))]


def _on_paths_to(targets: Collection[Node], order: list[Node]) -> set[Node]:
    """Return the targets and all nodes that depend on one of them."""
    nodes = set(targets)
    for node in reversed(order):
        if not nodes.isdisjoint(node.parents):
            nodes.add(node)
    return nodes


# --- cotangents and their shapes --------------------------------------------------------------


def unbroadcast_to(g: Array, node: Node, rule: str) -> Array:
    """Sum ``g`` over the axes that broadcasting added, and cast it to the dtype of the node's cotangents."""
    if g.dtype.kind not in "fbiu":
        raise OperandError(rule, "the cotangent is not an array of numbers", expected="floats", got=g.dtype)
    if g.shape != node.shape:
        g = _unbroadcast(g, node.shape, rule)
    dtype = np.float32 if node.dtype == HALF else node.dtype
    return g if g.dtype == dtype else g.astype(dtype)


def _unbroadcast(g: Array, shape: Shape, rule: str) -> Array:
    axes = _broadcast_axes(g.shape, shape)
    if axes is None:
        expected = f"{shape} or a shape that broadcasting makes of it"
        raise ShapeError(rule, "a cotangent has the wrong shape", expected=expected, got=g.shape)
    if not axes:
        return g.reshape(shape)
    total: Array = kernels.sum(g, axes, False) if type(g) is np.ndarray else g.sum(axis=axes)  # noqa: FBT003  # keepdims
    return total if total.shape == shape else total.reshape(shape)  # axes of length 1 stay


@lru_cache(maxsize=4096)
def _broadcast_axes(shape: Shape, origin: Shape) -> tuple[int, ...] | None:
    """Return the axes along which broadcasting from ``origin`` repeats; None if it can't give ``shape``."""
    extra = len(shape) - len(origin)
    if extra < 0 or any(n not in (1, m) for n, m in zip(origin, shape[extra:], strict=True)):
        return None
    if math.prod(shape) == math.prod(origin):
        return ()
    return tuple(i for i in range(len(shape)) if i < extra or origin[i - extra] != shape[i])


def _in_dtype_of(node: Node, g: Array) -> Array:
    """Return a cotangent in the node's own dtype, as seen outside the pass."""
    return g if g.dtype == node.dtype else g.astype(node.dtype)


def _run_hooks(
    node: Node, g: Array, tensor_type: type[Traced], hooks: tuple[Callable[[Array], Any], ...]
) -> Array | Callable[[], Array]:
    """Return the cotangent after the hooks; a function that returns it later if a leaf's hook returned a function."""
    g = _in_dtype_of(node, g)
    recorded = isinstance(g, Traced)
    for i, hook in enumerate(hooks):
        if RUNNING and not replays(hook) and (trace := current.get()) is not None:
            trace.refuse("a hook runs")
        replacement = hook(g if recorded else tensor_type.wrap(g))
        if callable(replacement):
            if node.primitive is None:
                return partial(_run_later_hooks, node, replacement, g, tensor_type, hooks[i + 1 :])
            replacement = replacement()
        g = _replaced(node, g, replacement, tensor_type)
    return g


def _run_later_hooks(
    node: Node,
    result: Callable[[], Any],
    g: Array,
    tensor_type: type[Traced],
    hooks: tuple[Callable[[Array], Any], ...],
) -> Array:
    after = _run_hooks(node, _replaced(node, g, result(), tensor_type), tensor_type, hooks)
    return after() if callable(after) else after


def _replaced(node: Node, g: Array, replacement: Any, tensor_type: type[Traced]) -> Array:
    """Return the cotangent with which a hook replaces ``g``; None, if returned, keeps it."""
    if replacement is None:
        return g
    if not isinstance(replacement, Traced):
        fixed = isinstance(replacement, np.ndarray) and not replacement.flags.writeable
        replacement = tensor_type.wrap(replacement if fixed else np.array(replacement))
    return unbroadcast_to(replacement if isinstance(g, Traced) else replacement.value, node, "hook")


# --- the traversal ----------------------------------------------------------------------------


_freed_by_failure: weakref.WeakSet[Node] = weakref.WeakSet()
"""Nodes whose values are gone because a backward pass freed them and then failed."""


def freed(node: Node, name: str) -> GradientError:
    """Return the error that says why ``node`` has no saved values any more; ``name`` is its operation's."""
    if node in _freed_by_failure:
        return GradientError(
            sentence(
                name, "the graph has been freed by a backward pass that then failed", hint="compute the output again"
            )
        )
    return GradientError(
        sentence(
            name, "the graph has been freed by an earlier backward pass", hint="pass retain_graph=True to that one"
        )
    )


def backward_pass(  # noqa: C901, PLR0912  # all of reverse mode is this one loop
    root: Node,
    g: Array,
    tensor_type: type[Traced],
    *,
    targets: Collection[Node] | None,
    since: int = 0,
    on_tensors: bool,
    retain_graph: bool,
    on_step: Callable[[Node, Array], None] | None = None,
) -> dict[Node, Array]:
    """Walk the graph below ``root`` once and return the full cotangent of every target.

    Parameters
    ----------
    root : Node
        Where to start, with the cotangent ``g``.
    tensor_type : type
        With ``on_tensors``, saved values are wrapped as this.
    targets : collection of Node, optional
        By default the nodes that have a ``tensor``.
    since : int
        Nodes with a lower serial number receive a cotangent but pass nothing on.
    on_tensors : bool
        Call the rules on tensors.
    retain_graph : bool
        As for `gradients`.
    on_step : callable, optional
        Observes the pass: called with a node and its cotangent before that node's rules run and, at a fan-out, before
        its cotangent is added to. A pass that is observed runs no hooks.
    """
    order = toposort(root, since)
    if on_step is None:
        order = _hooked_leaves_early(order, since)
    wanted = None if targets is None else _on_paths_to(targets, order)
    if wanted is not None and root not in wanted:
        return {}  # and a graph that others may need is not freed
    wrapper = tensor_type if on_tensors else None
    cotangents: dict[Node, Array] = {root: g}
    results: dict[Node, Array] = {}
    done: list[Node] = []
    later: dict[Node, Callable[[], Array]] = {}
    try:
        for node in order:
            g = cotangents.pop(node, None)
            if g is None:
                continue
            if on_step is not None:
                on_step(node, g)
            elif node.hooks is not None and node.serial >= since:
                g = _run_hooks(node, g, tensor_type, tuple(node.hooks))  # one may remove itself
                if callable(g):
                    later[node] = g
                    continue
            primitive = node.primitive
            if node.tensor is not None if targets is None else node in targets:
                results[node] = g if g.dtype == node.dtype else _in_dtype_of(node, g)
            if primitive is None or node.serial < since:
                continue
            for parent, cotangent in primitive.pullback(node, g, wanted, wrapper):
                total = cotangents.get(parent)
                if total is None:
                    cotangents[parent] = cotangent
                elif on_step is None:
                    cotangents[parent] = total + cotangent
                else:
                    on_step(parent, total)
                    cotangents[parent] = total + cotangent
                    on_step(node, g)
            if not retain_graph:
                done.append(node)
                node.saved = node.params = None
        results |= {leaf: _in_dtype_of(leaf, result()) for leaf, result in later.items()}
    except BaseException:
        _freed_by_failure.update(done)
        raise
    return results


# --- asking for gradients ---------------------------------------------------------------------


def _seed(output: Traced, cotangent: Array | None, where: str) -> tuple[Node, Array]:
    """Check the request; return the output's node and the initial cotangent."""
    if not isinstance(output, Traced):
        raise OperandError(where, "the output is not a tensor", expected="a tensor", got=type(output).__name__)
    node = output.node
    if node is None:
        hint = "make an input with requires_grad=True, and compute outside of no_grad()"
        raise GradientError(where, "nothing was recorded for this output", hint=hint)
    if cotangent is None:
        if output.value.size != 1:
            problem = "the output is not a scalar"
            hint = "reduce it with .sum() or .mean(), or pass a cotangent of its shape"
            raise GradientError(where, problem, expected="one number", got=f"shape {node.shape}", hint=hint)
        return node, unbroadcast_to(np.ones(node.shape, node.dtype)[()], node, where)
    shape = np.shape(cotangent.value if isinstance(cotangent, Traced) else cotangent)
    if shape != node.shape:
        raise ShapeError(where, "the cotangent has the wrong shape", expected=f"the output's {node.shape}", got=shape)
    if isinstance(cotangent, Traced):
        return node, unbroadcast_to(cotangent, node, where)
    g = np.array(cotangent)
    return node, unbroadcast_to(g if g.dtype == object else g[()], node, where)


def cotangents_of(
    output: Traced,
    targets: Collection[Node] | None,
    cotangent: Array | None = None,
    *,
    create_graph: bool = False,
    retain_graph: bool | None = None,
    where: str,
    on_step: Callable[[Node, Array], None] | None = None,
) -> dict[Node, Array]:
    """Return the cotangents of `gradients`, by node: arrays, or under ``create_graph`` tensors.

    By default ``targets`` are all leaves that the output depends on. Targets that it does not depend on are missing.
    Errors name the function ``where``.
    """
    trace = current.get() if RUNNING and not create_graph else None
    if trace is not None and cotangent is None:
        cotangent = output.tensor_type.wrap(_seed(output, None, where)[1])
        trace.fix(cotangent.value)
    on_tensors = create_graph or trace is not None  # so that a trace knows what rules compute, with the same bits
    root, g = _seed(output, cotangent, where)
    if on_tensors and not isinstance(g, Traced):
        g = output.tensor_type.wrap(g)
    elif not on_tensors and isinstance(g, Traced):
        g = g.value
    try:
        with switched(enabled=create_graph):
            cotangents = backward_pass(
                root,
                g,
                output.tensor_type,
                targets=targets,
                on_tensors=on_tensors,
                retain_graph=create_graph if retain_graph is None else retain_graph,
                on_step=on_step,
            )
    except Exception as error:
        if (watcher := failing.get()) is not None:
            watcher(error, where, (output,), {})
        raise
    if trace is None:
        return cotangents
    trace.differentiated.append(output.node)
    return {node: g.value for node, g in cotangents.items()}


def tracked_tensors(tensors: T | Sequence[T], name: str, where: str) -> list[T]:
    """Return the tensors, or the only one, as a list, if a gradient flows to each of them.

    Raises
    ------
    OperandError
        If something is not a tensor; the error calls the argument ``name``.
    GradientError
        If one requires no gradient.
    """
    items = [tensors] if isinstance(tensors, Traced) else tensors
    if not isinstance(items, Iterable):
        raise OperandError(where, f"{name} is not understood", expected="a list of tensors", got=type(tensors).__name__)
    items = list(items)
    for i, tensor in enumerate(items):
        if not isinstance(tensor, Traced):
            raise OperandError(where, f"{name}[{i}] is not a tensor", expected="a tensor", got=type(tensor).__name__)
        if tensor.node is None:
            hint = "set requires_grad=True before it is used"
            raise GradientError(where, f"{name}[{i}] requires no gradient", hint=hint)
    return items


def gradients(
    output: T,
    wrt: T | Sequence[T],
    cotangent: Array | None = None,
    *,
    create_graph: bool = False,
    retain_graph: bool | None = None,
) -> list[T | None]:
    """Return the gradients of ``output`` with respect to some tensors; no ``grad`` is touched.

    Parameters
    ----------
    output : Tensor
        What to differentiate; a single number unless a cotangent is given.
    wrt : sequence of Tensor, or Tensor
        Leaves or intermediate results.
    cotangent : array, optional
        The vector of the vector-Jacobian product, of the output's shape; 1 by default.
    create_graph : bool
        Record the backward pass as well, so that its results can be differentiated.
    retain_graph : bool, optional
        Keep what the nodes saved for another pass; by default as ``create_graph``.

    Returns
    -------
    list of Tensor or None
        In the order of ``wrt``, each with the shape and dtype of its tensor. None, rather than zeros, for a tensor that
        the output does not depend on.

    Raises
    ------
    GradientError
        If nothing was recorded, one of ``wrt`` requires no gradient, the output is not a single number, or the graph
        has been freed.
    ShapeError
        If the cotangent's shape is not the output's.
    OperandError
        If one of ``wrt`` is not a tensor.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x, w, b = (ag.tensor(value, requires_grad=True) for value in (3.0, 2.0, 1.0))
    >>> ag.gradients(x * x * w, [w, x, b])
    [tensor(9.), tensor(12.), None]
    """
    tensors = tracked_tensors(wrt, "wrt", "gradients")
    results = cotangents_of(
        output,
        {cast("Node", tensor.node) for tensor in tensors},
        cotangent,
        create_graph=create_graph,
        retain_graph=retain_graph,
        where="gradients",
    )
    found = [(results.get(cast("Node", tensor.node)), tensor) for tensor in tensors]
    return [None if g is None else as_tensor(g, tensor) for g, tensor in found]


def as_tensor(g: Array, like: T) -> T:
    """Return a cotangent as a tensor with read-only values."""
    if isinstance(g, Traced):
        return cast("T", g)
    if isinstance(g, np.ndarray):
        g.flags.writeable = False
    return cast("T", like.tensor_type.wrap(g))
