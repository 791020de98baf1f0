"""The call that is played: its operands, its result, the sensitivities that arrive at it, and what its rules make of them.

All of these numbers are the engine's: operands and sensitivities from the graph at hand, the result by replaying the
call, gradients by its rules.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.engine.backward import cotangents_of, toposort
from autograd_cnn.engine.node import Array, Missing, Node, Recordable, Traced, tensor_of
from autograd_cnn.engine.recording import Scope
from autograd_cnn.engine.replay import Call, values
from autograd_cnn.errors import ArgumentError, GradientError, OperandError, sentence
from autograd_cnn.graph.calls import Calls


@dataclass(frozen=True)
class Recorded:
    """A recorded call with the sensitivities of its result.

    Attributes
    ----------
    inner : Call
    g : array
        In the result's shape.
    example : int or None
        Which of a batch is played.
    """

    inner: Call
    g: NDArray[Any]
    example: int | None = None

    @property
    def node(self) -> Node:
        """The call's node."""
        return self.inner.node

    @property
    def params(self) -> dict[str, Any]:
        """The call's parameters."""
        return self.inner.params

    @property
    def y(self) -> NDArray[Any]:
        """The result."""
        return np.asarray(self.inner.y)

    def position(self, name: str) -> int:
        """Return which operand an argument is."""
        return self.inner.primitive.signature.operands.index(name)

    def operand(self, name: str) -> Any:
        """Return an operand as an array, or None if it was not passed."""
        operands, position = self.inner.operands, self.position(name)
        value = operands[position] if position < len(operands) else None
        return None if value is None else np.asarray(value)

    def gradient(self, name: str) -> NDArray[Any]:
        """Return what the primitive's own rule gives for an operand."""
        y, leaf = self.inner.record(self.position(name))
        g = self.g.astype(np.result_type(self.g.dtype, np.float32))[()]
        found = dict(self.inner.primitive.pullback(cast("Node", y.node), g, None, None))
        return np.asarray(found[leaf])

    def text(self, name: str, role: str, more: str = "") -> str:
        """Return what an operand is, with the name of its tensor, if it has one."""
        parent = self.node.parents[self.position(name)]
        own = None if parent is None else getattr(tensor_of(parent), "name", None)
        return f"{role}{more}{f' ({own})' if own else ''}"

    def of_image(self) -> "Recorded":
        """Return the call on one image, if its result is a batch of them (N, C, H, W)."""
        if self.g.ndim < 4:
            return self.check_example(1)
        number = self.check_example(len(self.g)).example or 0
        keep = slice(number, number + 1)
        return replace(self, inner=self.inner.on({0: np.asarray(self.inner.operands[0])[keep]}), g=self.g[keep])

    def check_example(self, count: int) -> "Recorded":
        """Return the call, if there is such an example.

        Raises
        ------
        ArgumentError
            If there is not.
        """
        if self.example is not None and not 0 <= self.example < count:
            raise ArgumentError(
                sentence("viz.play", "there is no such example", expected=f"0 to {count - 1}", got=self.example)
            )
        return self

    def refuse_example(self) -> None:
        """Raise if one example is asked for of a call that is played for all.

        Raises
        ------
        ArgumentError
            If it is.
        """
        if self.example is not None:
            raise ArgumentError(sentence("viz.play", "example is for images; a layer is played for all its rows"))

    def of_call(self, node: Node, g: NDArray[Any]) -> "Recorded":
        """Return a call that this one depends on, with its own sensitivities."""
        return replace(self, inner=call_of(node), g=g.reshape(node.shape))

    def value(self, node: Node | None, kept: Any) -> NDArray[Any]:
        """Return the value of a node, or what the tape keeps of an operand that is none."""
        value = kept if node is None else values(node, [node], {}).get(node)
        if value is None or isinstance(value, Missing):
            raise GradientError(
                sentence(
                    "viz.play",
                    "the tape did not keep an operand of add",
                    hint="keep its tensor in a variable, or record it under ag.tracing()",
                )
            )
        return np.asarray(value)


def call_of(node: Node) -> Call:
    """Return a call with all its operands.

    Raises
    ------
    GradientError
        If the graph has been freed, or the tape did not keep one of them.
    """
    if node.saved is None:
        raise GradientError(
            sentence(
                "viz.play",
                "the graph has been freed by a backward pass",
                hint="play it before that, or pass retain_graph=True to it",
            )
        )
    call = Call.of(node, values(node, [parent for parent in node.parents if parent is not None], {}))
    if call.missing:
        problem = f"the tape did not keep {' and '.join(call.missing)} of {call.primitive.name}"
        raise GradientError(
            sentence("viz.play", problem, hint="keep its tensor in a variable, or record it under ag.tracing()")
        )
    return call


def check_unchanged(recorded: Recorded, value: Array) -> None:
    """Raise if the call no longer gives what it gave.

    Raises
    ------
    GradientError
        If its operands have changed.
    """
    tolerance = float(np.finfo(recorded.node.dtype).eps) ** 0.5
    scale = float(np.max(np.abs(value), initial=0.0, where=np.isfinite(value)))
    if not np.allclose(recorded.y, value, rtol=0, atol=tolerance * scale, equal_nan=True):
        problem = "the operands of the call have changed since it was computed"
        raise GradientError(sentence("viz.play", problem, hint="play it before the optimiser's next step"))


def sensitivities(output: Traced, node: Node, gradient: Array | None) -> NDArray[Any]:
    """Return the derivatives of the output, or of its product with a gradient, with respect to a node's result.

    Raises
    ------
    ShapeError
        If the gradient is not in the output's shape.
    """
    seed = np.ones(output.value.shape, output.value.dtype) if gradient is None else gradient
    found = cotangents_of(output, {node}, seed, retain_graph=True, where="viz.play")
    return np.asarray(found[node]) if node in found else np.zeros(node.shape, node.dtype)


def find(output: Any, call: Any, is_playable: Callable[[Node], bool], known: Collection[str]) -> tuple[Node, str]:
    """Return the node of the call that is asked for, the last one that fits, and the name of the module's call around it.

    Raises
    ------
    OperandError
        If the output is not a tensor, or the call neither a tensor nor a name.
    GradientError
        If nothing was recorded for the output.
    ArgumentError
        If no such call can be played.
    """
    if not isinstance(output, Traced):
        raise OperandError(sentence("viz.play", "output has no tape", expected="a tensor", got=type(output).__name__))
    if output.node is None:
        raise GradientError(
            sentence("viz.play", "nothing was recorded for this output",
                     hint="make an input with requires_grad=True, and compute outside of no_grad()")
        )  # fmt: skip
    if not isinstance(call, (Traced, str, type(None))):
        raise OperandError(
            sentence("viz.play", "the call is not understood", expected="a tensor, or the name of a module or primitive",
                     got=type(call).__name__)
        )  # fmt: skip
    order = toposort(output.node)
    calls = Calls(node.scope for node in order)
    names = {node: calls.name(node.scope) for node in reversed(order)}  # as `capture` names them, in order
    if isinstance(call, Traced):
        if call.node not in names:
            raise ArgumentError(sentence("viz.play", "the output does not depend on this tensor"))
        order = toposort(call.node)
    fitting = _named(call, order, calls) if isinstance(call, str) else order
    found = next(filter(is_playable, fitting), None)
    if found is not None:
        return found, names[found]
    if isinstance(call, str):
        playable = [names[node] or _primitive(node) for node in reversed(order) if is_playable(node)]
        raise ArgumentError(
            sentence("viz.play", "there is no such call that can be played", got=repr(call),
                     expected=", ".join(dict.fromkeys(playable)) or "none of the output's can be")
        )  # fmt: skip
    raise ArgumentError(
        sentence("viz.play", "the output has no call that can be played", expected=", ".join(sorted(known)),
                 got=", ".join(sorted({_primitive(node) for node in fitting if node.primitive})) or "a leaf")
    )  # fmt: skip


def _primitive(node: Node) -> str:
    return cast("Recordable", node.primitive).name


def _named(name: str, order: Sequence[Node], calls: Calls) -> list[Node]:
    """Return what was recorded in the module's call of this name; without one, in calls of the class, or by the primitive."""
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
