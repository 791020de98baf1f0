"""The calls of a tape, run again one by one, in float64 and on their recorded operands."""

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from autograd_cnn.engine.backward import freed, toposort
from autograd_cnn.engine.node import Array, Node, Traced, next_serial
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.recording import switched
from autograd_cnn.engine.replay import Call, in_float64, kept_values


class NotReplayable(Exception):  # noqa: N818  # not a fault of anybody's: it says why there is nothing to check
    """Why a call can't be run again."""


def calls(
    output: Traced, since: int = 0, known: Mapping[Node, Array] | None = None
) -> Iterator[tuple[Node, Call | NotReplayable]]:
    """Yield every recorded operation that ``output`` depends on, oldest first: its call, or why it can't be run again.

    A checkpointed segment is run again, as in a backward pass; its calls come with its node. Operations before the
    serial number ``since`` are left out; the values of their nodes may be ``known``.

    Raises
    ------
    GradientError
        If a backward pass has freed the graph.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor([1.0, 2.0], dtype="float32", requires_grad=True)
    >>> for node, call in calls(ag.exp(x + 3).sum()):
    ...     print(node.primitive.name, call.y.dtype, call.y.round(2))
    add float64 [4. 5.]
    exp float64 [ 54.6  148.41]
    sum float64 203.01
    """
    if output.node is None:
        return
    order = toposort(output.node, since)
    nodes = [node for node in reversed(order) if node.serial >= since and node.primitive is not None]
    uses = Counter(parent for node in nodes for parent in node.parents if parent is not None)
    kept = {**(known or {}), **kept_values(order), output.node: output.value}
    values = dict(kept)
    for node in nodes:
        if node.saved is None:
            raise freed(node, node.primitive.name)  # type: ignore[union-attr]  # leaves are left out
        if isinstance(node.primitive, Primitive):
            call = _call(node, values)
            yield node, call
            if isinstance(call, Call):
                values.setdefault(node, call.y)
        elif "run" in node.saved:
            start = next_serial()
            with switched(enabled=True, anomaly=False, tracing=True, scope=node.scope):
                again = node.saved["run"]()
            yield from ((node, call) for _, call in calls(again, start, values))
            values.setdefault(node, again.value)
        else:
            yield node, NotReplayable("it is not a primitive, and does not tell how to run it again")
        for parent in node.parents:
            if parent is not None:
                uses[parent] -= 1
                if not uses[parent] and parent not in kept:
                    values.pop(parent, None)


def _call(node: Node, values: Mapping[Node, Array]) -> Call | NotReplayable:
    """Return the call in float64, if it gives the recorded result."""
    call = Call.of(node, values).in_float64()
    if call.missing:
        return NotReplayable(f"the tape did not keep {' and '.join(call.missing)}; record it under ag.tracing()")
    with np.errstate(all="ignore"):
        try:
            y = np.asarray(call.y)
        except Exception as error:  # noqa: BLE001  # a user's function may raise anything
            return NotReplayable(f"run again, it raised {type(error).__name__}: {error}")
        if y.shape != node.shape or y.dtype != np.float64:
            return NotReplayable(f"run again in float64, it gave {y.dtype} {y.shape}")
        if node in values and not near(call, values[node]):
            return NotReplayable("run again, it did not give the recorded result; is it random?")
    return call


def near(call: Call, target: Array) -> bool:
    """Tell whether a call gives the recorded result, up to rounding in the recorded dtype."""
    arrays = [np.asarray(x) for x in (call.y, *call.operands) if isinstance(x, (np.ndarray, np.float64))]
    size = sum(np.max(np.abs(x[np.isfinite(x)]), initial=0.0) for x in arrays)
    difference = np.abs(call.y - in_float64(target))
    return bool(np.max(difference[np.isfinite(difference)], initial=0.0) <= np.finfo(call.node.dtype).eps ** 0.5 * size)
