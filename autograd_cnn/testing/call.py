"""One recorded call, in float64, ready to be run again at its operands or beside them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograd_cnn.primitive import Primitive
from autograd_cnn.recording import switched
from autograd_cnn.tape import Array, Node
from autograd_cnn.tensor import Tensor


class NotReplayable(Exception):  # noqa: N818  # no error of anybody's: it says what the tape lacks
    """Why a call can't be run again."""


@dataclass(frozen=True)
class Call:
    """What was computed, from what, and what comes out of it now.

    Attributes
    ----------
    node : Node
        What the tape has of it.
    primitive : Primitive
        What ran.
    operands : list
        Arrays in float64; integers, bools and None as they were.
    parameters : dict
        By name.
    y : array
        What it gives now.
    exact : bool
        Whether the operands are those of that time; False if something stands in for one.
    """

    node: Node
    primitive: Primitive
    operands: list[Any]
    parameters: dict[str, Any]
    y: Array
    exact: bool

    @property
    def wanted(self) -> list[int]:
        """The positions of the operands that want a gradient."""
        return [position for position, parent in enumerate(self.node.parents) if parent is not None]

    def argument(self, position: int) -> str:
        """Return the name of an operand; behind a star, with its number."""
        name = self.primitive.signature.operand(position)
        return f"{name}[{position}]" if self.primitive.variadic else name

    def at(self, moved: Mapping[int, Array]) -> Array:
        """Return the result with some operands replaced."""
        operands = [moved.get(position, operand) for position, operand in enumerate(self.operands)]
        return computed(self.primitive, operands, self.parameters)

    def recorded(self, position: int) -> tuple[Node, Node]:
        """Record the call anew, for the gradient of one operand alone; return its node and the operand's."""
        operands = list(self.operands)
        leaf = operands[position] = Tensor(operands[position], requires_grad=True)
        with switched(enabled=True, anomaly=False):
            y = self.primitive(*operands, **self.parameters)
        if not (np.array_equal(y.value, self.y) or np.allclose(y.value, self.y, 1e-9, 1e-12, equal_nan=True)):
            raise NotReplayable("run twice, it gave two results; is it random?")
        return y.node, leaf.node  # type: ignore[return-value]  # requires_grad gives them nodes


def computed(primitive: Primitive, operands: list[Any], parameters: dict[str, Any]) -> Array:
    """Return the result on plain arrays, which a forward function sees as the engine passes them."""
    plain = [x[()] if isinstance(x, np.ndarray) else x for x in operands]
    return np.asarray(primitive(*plain, **parameters))


def double(value: Any) -> Any:
    """Return floats in float64, not to be written to, and the rest as it is."""
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f":
        wide = np.asarray(value, np.float64).view()
        wide.flags.writeable = False
        return wide
    return value


def near(call: Call, target: Array) -> bool:
    """Tell whether a call gives what was recorded, up to the rounding of that time."""
    size = sum(np.max(np.abs(x), initial=0.0) for x in (call.y, *call.operands) if isinstance(x, np.ndarray))
    apart = np.abs(call.y - target)
    return bool(np.max(apart[np.isfinite(apart)], initial=0.0) <= np.finfo(call.node.dtype).eps ** 0.5 * size)


def read_off(call: Call, gap: int, target: Array) -> Call:
    """Solve for a constant that was a summand or a factor, if that is what the call did with it."""
    stand_in, rest = call.operands[gap], target - call.y
    for constant in (stand_in + rest, stand_in - rest, stand_in * target / call.y):
        operands = [*call.operands[:gap], constant, *call.operands[gap + 1 :]]
        try:
            y = computed(call.primitive, operands, call.parameters)
        except Exception:  # noqa: BLE001  # a function may refuse the shape in any way
            return call
        solved = replace(call, operands=operands, y=y, exact=True)
        if np.isfinite(constant).all() and y.shape == target.shape and near(solved, target):
            return solved
    return call
