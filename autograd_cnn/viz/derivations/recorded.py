"""The call that is played: its operands, its result, its cotangent, and the gradients that its rules return.

All these numbers are the engine's: operands and sensitivities come from the graph, the result from replaying the call,
gradients from its rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.engine.backward import cotangents_of
from autograd_cnn.engine.node import Array, Missing, Node, Shape, Traced, tensor_of
from autograd_cnn.engine.replay import Call, values
from autograd_cnn.errors import GradientError
from autograd_cnn.viz.derivations.walk import NamedArray


@dataclass(frozen=True)
class Recorded:
    """A recorded call with the sensitivities of its result.

    Attributes
    ----------
    inner : Call
    g : array
        In the result's shape.
    """

    inner: Call
    g: NDArray[Any]

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
        """Return the gradient of an operand by the primitive's own rule."""
        y, leaf = self.inner.record(self.position(name))
        g = self.g.astype(np.result_type(self.g.dtype, np.float32))[()]
        found = dict(self.inner.primitive.pullback(cast("Node", y.node), g, None, None))
        return np.asarray(found[leaf])

    def text(self, name: str, role: str, more: str = "") -> str:
        """Return the description of an operand, with the name of its tensor, if it has one."""
        parent = self.node.parents[self.position(name)]
        own = None if parent is None else getattr(tensor_of(parent), "name", None)
        return f"{role}{more}{f' ({own})' if own else ''}"

    def both(self, name: str, symbol: str, role: str, shape: Shape | None = None) -> dict[str, NamedArray]:
        """Return an operand, if it was passed, and its gradient, by their symbols, reshaped."""
        value = self.operand(name)
        if value is None:
            return {}
        shape = value.shape if shape is None else shape
        return {
            symbol: NamedArray(value.reshape(shape), self.text(name, role)),
            f"d{symbol}": NamedArray(self.gradient(name).reshape(shape), f"∂L/∂{symbol}"),
        }

    def ends(self, shape: Shape | None = None) -> dict[str, NamedArray]:
        """Return the result and the sensitivities."""
        shape = self.y.shape if shape is None else shape
        return {
            "y": NamedArray(self.y.reshape(shape), "the output"),
            "δ": NamedArray(self.g.reshape(shape), "the sensitivities ∂L/∂y"),
        }

    def only(self, number: int, operands: Mapping[int, int], result: int) -> "Recorded":
        """Return the call for one example, given the batch axis of some operands and of the result."""
        own = {i: np.take(self.inner.operands[i], [number], axis) for i, axis in operands.items()}
        params = {name: (1, *value[1:]) if name == "x_shape" else value for name, value in self.params.items()}
        return replace(self, inner=replace(self.inner.on(own), params=params), g=np.take(self.g, [number], result))

    def of_call(self, node: Node, g: NDArray[Any]) -> "Recorded":
        """Return a call that this one depends on, with its own sensitivities."""
        return replace(self, inner=call_of(node), g=g.reshape(node.shape))

    def value(self, node: Node | None, kept: Any) -> NDArray[Any]:
        """Return the value of a node, or what the tape keeps of an operand without a node."""
        value = kept if node is None else values(node, [node], {}).get(node)
        if value is None or isinstance(value, Missing):
            hint = "keep its tensor in a variable, or record it under ag.tracing()"
            raise GradientError("viz.play", "the tape did not keep an operand of add", hint=hint)
        return np.asarray(value)


def call_of(node: Node) -> Call:
    """Return a call with all its operands.

    Raises
    ------
    GradientError
        If the graph has been freed, or the tape did not keep one of them.
    """
    if node.saved is None:
        hint = "play it before that, or pass retain_graph=True to it"
        raise GradientError("viz.play", "the graph has been freed by a backward pass", hint=hint)
    call = Call.of(node, values(node, [parent for parent in node.parents if parent is not None], {}))
    if call.missing:
        problem = f"the tape did not keep {' and '.join(call.missing)} of {call.primitive.name}"
        raise GradientError("viz.play", problem, hint="keep its tensor in a variable, or record it under ag.tracing()")
    return call


def check_unchanged(recorded: Recorded, value: Array) -> None:
    """Raise if replaying the call no longer gives its recorded result.

    Raises
    ------
    GradientError
        If its operands have changed.
    """
    tolerance = float(np.finfo(recorded.node.dtype).eps) ** 0.5
    scale = float(np.max(np.abs(value), initial=0.0, where=np.isfinite(value)))
    if not np.allclose(recorded.y, value, rtol=0, atol=tolerance * scale, equal_nan=True):
        problem = "the operands of the call have changed since it was computed"
        raise GradientError("viz.play", problem, hint="play it before the optimiser's next step")


def sensitivities(output: Traced, node: Node, gradient: Array | None) -> NDArray[Any]:
    """Return the derivatives of the output, or of its product with a gradient, with respect to a node's result.

    Raises
    ------
    ShapeError
        If the gradient does not have the output's shape.
    """
    seed = np.ones(output.value.shape, output.value.dtype) if gradient is None else gradient
    found = cotangents_of(output, {node}, seed, retain_graph=True, where="viz.play")
    return np.asarray(found[node]) if node in found else np.zeros(node.shape, node.dtype)
