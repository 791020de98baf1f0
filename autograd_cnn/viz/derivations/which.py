"""Find the call to play among those that an output depends on."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from autograd_cnn.engine.backward import toposort
from autograd_cnn.engine.node import Node, Recordable, Traced
from autograd_cnn.engine.recording import Scope
from autograd_cnn.errors import ArgumentError, GradientError, OperandError
from autograd_cnn.graph.calls import Calls
from autograd_cnn.spelling import alike
from autograd_cnn.viz.derivations.kind import Kind, kind_of, primitives


def find(output: Any, call: Any) -> tuple[Node, Kind, str]:
    """Return the node of the requested call (the last one that fits), its kind, and the name of the module's call.

    If several fit, those of small kinds come last, unless ``call`` is the call's own result.

    Raises
    ------
    OperandError
        If the output is not a tensor, or the call is neither a tensor nor a name.
    GradientError
        If nothing was recorded for the output.
    ArgumentError
        If no such call can be played.
    """
    if not isinstance(output, Traced):
        raise OperandError("viz.play", "output has no tape", expected="a tensor", got=type(output).__name__)
    if output.node is None:
        hint = "make an input with requires_grad=True, and compute outside of no_grad()"
        raise GradientError("viz.play", "nothing was recorded for this output", hint=hint)
    if not isinstance(call, (Traced, str, type(None))):
        expected = "a tensor, or the name of a module or primitive"
        raise OperandError("viz.play", "the call is not understood", expected=expected, got=type(call).__name__)
    order = toposort(output.node)
    calls = Calls(node.scope for node in order)
    names = {node: calls.name(node.scope) for node in reversed(order)}  # as `capture` names them, in order
    if isinstance(call, Traced):
        if call.node not in names:
            raise ArgumentError("viz.play", "the output does not depend on this tensor")
        order = toposort(call.node)
    fitting = _named(call, order, calls) if isinstance(call, str) else order
    played = [(node, kind) for node in fitting if (kind := kind_of(node)) is not None]
    own = call.node if isinstance(call, Traced) else None
    if played:
        node, kind = min(played, key=lambda each: each[0] is not own and 1 + each[1].small)
        return node, kind, names[node]
    if isinstance(call, str):
        playable = [names[node] or _primitive(node) for node in reversed(order) if kind_of(node) is not None]
        raise ArgumentError(
            "viz.play", "there is no such call that can be played", got=repr(call), hint=alike(call, playable),
            expected=", ".join(dict.fromkeys(playable)) or "none of the output's can be"
        )  # fmt: skip
    raise ArgumentError("viz.play", "the output has no call that can be played", expected=", ".join(primitives()),
                        got=", ".join(sorted({_primitive(node) for node in fitting if node.primitive})) or "a leaf")  # fmt: skip


def _primitive(node: Node) -> str:
    return cast("Recordable", node.primitive).name


def _named(name: str, order: Sequence[Node], calls: Calls) -> list[Node]:
    """Return the nodes recorded in the module's call of this name, else in calls of the class or by the primitive."""
    around = {node: list(_scopes(node)) for node in order}
    exact = [node for node in order if name in map(calls.name, around[node])]
    return exact or [
        node
        for node in order
        if (node.primitive and node.primitive.name == name)
        or any(name in (scope.kind, scope.path) for scope in around[node])
    ]


def _scopes(node: Node) -> Iterator[Scope]:
    """Yield the scopes around a call, the innermost first."""
    scope: Scope | None = node.scope
    while scope is not None:
        yield scope
        scope = scope.outer
