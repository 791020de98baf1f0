"""Recorded calls, run again one by one, in float64 and at the operands of that time.

A value that the tape kept is taken as it is, and one that it did not keep is computed again. For what it can't tell,
an array outside of `tracing` or a leaf that is gone, some numbers stand in: a right rule does not depend on them. The
call says so.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_cnn.engine import replay
from autograd_cnn.engine.backward import toposort
from autograd_cnn.engine.node import Array, Missing, Node, Shape, Traced, next_serial
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.recording import switched
from autograd_cnn.tensor import Tensor


class NotReplayable(Exception):  # noqa: N818  # no error of anybody's: it says why there is nothing to check
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
        """Return the name of an operand; after a star, with its number."""
        name = self.primitive.signature.operand(position)
        return f"{name}[{position}]" if self.primitive.variadic else name

    def at(self, moved: Mapping[int, Array]) -> Array:
        """Return the result with some operands replaced."""
        operands = [moved.get(position, operand) for position, operand in enumerate(self.operands)]
        return computed(self.primitive, operands, self.parameters)

    def recorded(self, position: int) -> tuple[Node, Node]:
        """Record the call again, for the gradient of one operand alone; return its node and the operand's."""
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
    arrays = [x for x in (call.y, *call.operands) if isinstance(x, np.ndarray)]
    size = sum(np.max(np.abs(x[np.isfinite(x)]), initial=0.0) for x in arrays)
    apart = np.abs(call.y - target)
    return bool(np.max(apart[np.isfinite(apart)], initial=0.0) <= np.finfo(call.node.dtype).eps ** 0.5 * size)


def calls(output: Traced, rng: np.random.Generator) -> Iterator[tuple[Node, Call | str]]:
    """Yield every recorded operation that ``output`` depends on, the oldest first: its call, or why there is none.

    A checkpointed segment is run again, as a backward pass does it; its calls come with its node.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor([1.0, 2.0], dtype="float32", requires_grad=True)
    >>> for node, call in calls(ag.exp(x + 3).sum(), np.random.default_rng(0)):
    ...     print(node.primitive.name, call.y.dtype, call.y.round(2), call.exact)
    add float64 [4. 5.] True
    exp float64 [ 54.6  148.41] True
    sum float64 203.01 True
    """
    if output.node is not None:
        yield from _Replay(output.node, output.value, rng, {}).calls()


class _Replay:
    """The values of a tape's nodes, as far as they are known, while its calls run again in order."""

    def __init__(
        self, root: Node, value: Array, rng: np.random.Generator, outer: dict[Node, tuple[Array, bool]], since: int = 0
    ) -> None:
        order = toposort(root, since)
        self.nodes = [node for node in reversed(order) if node.serial >= since and node.primitive is not None]
        self.uses = Counter(parent for node in self.nodes for parent in node.parents if parent is not None)
        self.kept = replay.kept_values(order) | {root: value}
        self.values = dict(outer)
        self.rng = rng

    def calls(self) -> Iterator[tuple[Node, Call | str]]:
        for node in self.nodes:
            if node.saved is None:  # freed: the engine says so
                next(iter(node.primitive.pullback(node, np.zeros(node.shape), None, None)))  # type: ignore[union-attr]
            elif isinstance(node.primitive, Primitive):
                yield node, self._replayed(node, node.primitive)
            else:
                yield from self._segment(node, node.saved.get("run"))
            for parent in node.parents:
                if parent is not None:
                    self.uses[parent] -= 1
                    if not self.uses[parent]:
                        self.values.pop(parent, None)

    def _replayed(self, node: Node, primitive: Primitive) -> Call | str:
        try:
            with np.errstate(all="ignore"):
                call = self._call(node, primitive)
        except NotReplayable as reason:
            return str(reason)
        self.values[node] = call.y, call.exact
        return call

    def _segment(self, node: Node, run: Callable[[], Traced] | None) -> Iterator[tuple[Node, Call | str]]:
        """Yield the calls inside of a node that kept only how to run them again."""
        if run is None:
            yield node, "it is not a primitive, and does not tell how to run it again"
            return
        start = next_serial()
        with switched(enabled=True, anomaly=False, scope=node.scope):
            again = run()
        if again.node is not None:
            outer = {parent: self.value(parent) for parent in node.parents if parent is not None}
            inside = _Replay(again.node, again.value, self.rng, outer, since=start)
            yield from ((node, call) for _, call in inside.calls())
        self.values[node] = double(again.value), True

    def value(self, node: Node) -> tuple[Array, bool]:
        """Return a node's value in float64, and whether it is that of the time of recording."""
        if node in self.kept:
            return double(self.kept[node]), True
        if node not in self.values:
            self.values[node] = self._drawn(node.shape), False
        return self.values[node]

    def _drawn(self, shape: Shape) -> Array:
        """Return what can stand in for anything: positive numbers below 1, no two alike."""
        return np.asarray(self.rng.uniform(0.25, 0.75, shape))

    def _call(self, node: Node, primitive: Primitive) -> Call:
        operands, exact = [], True
        for position, parent in enumerate(node.parents):
            value = replay.operand(node, position)
            known = not isinstance(value, Missing)
            if parent is not None:
                value, known = self.value(parent)
            elif not known:
                value = self._drawn(value.shape)
            operands.append(double(value))
            exact = exact and known
        parameters = replay.parameters(node)
        if "dtype" in parameters:
            parameters["dtype"] = np.dtype(np.float64)
        try:
            y = computed(primitive, operands, parameters)
        except Exception as error:  # a user's function may raise anything
            raise NotReplayable(f"run again, it raised {type(error).__name__}: {error}") from error
        if y.shape != node.shape or y.dtype != np.float64:
            raise NotReplayable(f"run again in float64, it gave {y.dtype} {y.shape}")
        call = Call(node, primitive, operands, parameters, y, exact)
        if exact and node in self.kept and not near(call, self.kept[node]):
            raise NotReplayable("run again, it did not give the recorded result; is it random?")
        return call
