"""Running recorded calls again, one by one, in float64 and at the operands of that time.

The tape keeps what the rules ask for, and no more. A value that it kept is taken as it is. One that
it did not keep is computed again from its parents. What is left are constants that no rule asked
for, such as the 3 of ``x + 3``: they are read off the result where that is known; otherwise some
number stands in for them, since a right rule does not depend on them, and the call says so.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from inspect import Parameter
from typing import Any, Final

import numpy as np

from autograd_cnn import ops
from autograd_cnn.primitive import Primitive
from autograd_cnn.recording import switched
from autograd_cnn.tape import Array, Node, Shape, Traced, mark, toposort
from autograd_cnn.testing.call import Call, NotReplayable, computed, double, near, read_off

_MISSING: Final = object()

_UNDONE: Final[dict[Primitive, Callable[[Array], Array]]] = {ops.sqrt: np.square, ops.exp: np.log}
"""How to get the operand back from the result, for rules that ask for the result alone."""


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
        self.users = {parent: node for node in self.nodes for parent in node.parents if parent is not None}
        self.kept = _kept(self.nodes)
        self.kept[root] = value
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
            yield node, "it is no primitive, and does not tell how to run it again"
            return
        start = mark()
        with switched(enabled=True, anomaly=False, scope=node.scope):
            again = run()
        if again.node is not None:
            outer = {parent: self.value(parent) for parent in node.parents if parent is not None}
            inside = _Replay(again.node, again.value, self.rng, outer, since=start)
            yield from ((node, call) for _, call in inside.calls())
        self.values[node] = double(again.value), True

    # --- one call -----------------------------------------------------------------------------

    def value(self, node: Node) -> tuple[Array, bool]:
        """Return a node's value in float64, and whether it is that of the time of recording."""
        if node in self.kept:
            return double(self.kept[node]), True
        if node not in self.values:
            tensor = None if node.tensor is None else node.tensor()
            known = tensor is not None and tensor.node is node  # a tensor may have moved on
            self.values[node] = (double(tensor.value) if known else self._drawn(node.shape)), known  # type: ignore[union-attr]  # known
        return self.values[node]

    def _drawn(self, shape: Shape) -> Array:
        """Return what can stand in for anything: positive numbers below 1, no two alike."""
        return np.asarray(self.rng.uniform(0.25, 0.75, shape))

    def _call(self, node: Node, primitive: Primitive) -> Call:
        operands, exact = self._operands(node, primitive)
        parameters, guessed = _parameters(node, primitive)
        gaps = [position for position, operand in enumerate(operands) if operand is _MISSING]
        call = self._first_that_fits(node, primitive, operands, parameters, guessed)
        target = self.kept.get(node)
        if target is None and gaps:
            target = _implied(self.users.get(node))
        call = replace(call, exact=exact and not gaps)
        if target is None or not exact:
            return call
        if len(gaps) == 1:
            return read_off(call, gaps[0], double(target))
        if not gaps and not near(call, target):
            return _excused(call, guessed)
        return call

    def _operands(self, node: Node, primitive: Primitive) -> tuple[list[Any], bool]:
        operands, exact = [], True
        saved: dict[str, Any] = node.saved or {}
        for position, parent in enumerate(node.parents):
            name = primitive.signature.operand(position)
            if parent is not None:
                operand, known = self.value(parent)
                exact = exact and known
            elif name in saved:
                operand = double(saved[name][position] if primitive.variadic else saved[name])
            elif f"{name}_shape" in saved:
                shapes = saved[f"{name}_shape"]
                operand, exact = self._drawn(shapes[position] if primitive.variadic else shapes), False
            else:
                operand = None if primitive.signature.shown.parameters[name].default is None else _MISSING
            operands.append(operand)
        return operands, exact

    def _first_that_fits(
        self, node: Node, primitive: Primitive, operands: list[Any], parameters: dict[str, Any], guessed: list[str]
    ) -> Call:
        """Return the first way of filling in what is missing whose result is shaped as the recorded one."""
        reasons = []
        for chosen in _flipped(parameters, guessed):
            for shape in ((), node.shape):
                filled = [self._drawn(shape) if operand is _MISSING else operand for operand in operands]
                try:
                    y = computed(primitive, filled, chosen)
                except Exception as error:  # noqa: BLE001  # a user's function may raise anything
                    reasons.append(f"run again, it raised {type(error).__name__}: {error}")
                    continue
                if y.shape == node.shape and y.dtype == np.float64:
                    return Call(node, primitive, filled, chosen, y, exact=True)
                reasons.append(f"run again in float64, it gave {y.dtype} {y.shape}")
        gaps = [primitive.signature.operand(i) for i, operand in enumerate(operands) if operand is _MISSING]
        raise NotReplayable(_not_kept(gaps + guessed) if gaps or guessed else reasons[0])


# --- reading the tape -------------------------------------------------------------------------


def _kept(nodes: list[Node]) -> dict[Node, Array]:
    """Return the results that the tape holds, because a rule asked for them."""
    kept: dict[Node, Array] = {}
    for node in nodes:
        primitive, saved = node.primitive, node.saved
        if not isinstance(primitive, Primitive) or not saved:
            continue
        if "y" in saved:
            kept[node] = saved["y"]
        for position, parent in enumerate(node.parents):
            name = primitive.signature.operand(position)
            if parent is not None and name in saved:
                kept[parent] = saved[name][position] if primitive.variadic else saved[name]
    return kept


def _implied(user: Node | None) -> Array | None:
    """Return an operand that follows from the result that its user kept."""
    if user is None or not isinstance(user.primitive, Primitive) or not user.saved or "y" not in user.saved:
        return None
    undo = _UNDONE.get(user.primitive)
    return None if undo is None else undo(double(user.saved["y"]))


def _parameters(node: Node, primitive: Primitive) -> tuple[dict[str, Any], list[str]]:
    """Return the parameters, and the names of those that the tape does not have."""
    saved: dict[str, Any] = node.saved or {}
    of_result = {"shape": node.shape, "dtype": np.float64}
    parameters, guessed = {}, []
    for name, default in primitive.parameters.items():
        if name == "dtype":
            parameters[name] = of_result[name]
        elif name in saved:
            parameters[name] = saved[name]
        elif name in of_result:
            parameters[name] = of_result[name]
        elif default is not Parameter.empty:
            parameters[name] = default
            guessed.append(name)
        else:
            raise NotReplayable(_not_kept([name]))
    return parameters, guessed


def _flipped(parameters: dict[str, Any], guessed: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the parameters with their defaults, then with one flag at a time the other way."""
    yield parameters
    for name in guessed:
        if isinstance(parameters[name], bool):
            yield parameters | {name: not parameters[name]}


def _not_kept(names: list[str]) -> str:
    return f"no rule asked for {' and '.join(map(repr, names))}, so the tape did not keep it"


def _excused(call: Call, guessed: list[str]) -> Call:
    """Say why a call that lacks nothing gave another result; what counted as None may have been a constant."""
    if any(operand is None for operand in call.operands):
        return replace(call, exact=False)
    raise NotReplayable(
        _not_kept(guessed) if guessed else "run again, it did not give the recorded result; is it random?"
    )
