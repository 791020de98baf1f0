"""The graph of the computation up to a failure."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from autograd_cnn.engine.backward import toposort
from autograd_cnn.engine.node import Node, Traced
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.recording import EVERYWHERE, Recording, Scope, Watcher, failing, recording
from autograd_cnn.engine.replay import Values, argument
from autograd_cnn.graph.capture import Reading
from autograd_cnn.graph.graph import Graph


@dataclass(slots=True)
class Failure:
    """What `on_error` found.

    Attributes
    ----------
    graph : Graph or None
        Up to the failed call; None if nothing has failed, or if there was no tensor.
    """

    graph: Graph | None = None


@contextmanager
def on_error() -> Iterator[Failure]:
    """Keep the graph of the computation if the block fails; the error still propagates.

    The failed call is a red node labelled with the error. If it is an operation, its operands are the arguments of the
    call. If something else raised the error, such as a check of yours, the node is the innermost function with tensors
    among its variables, and these are its operands. In a backward pass, the operation whose rule failed is red, too.

    Yields
    ------
    Failure
        Its ``graph`` is set once the block has failed.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor([[1.0, 2.0]], requires_grad=True, name="x")
    >>> try:
    ...     with on_error() as failure:
    ...         ag.matmul(ag.exp(x), x)
    ... except ValueError as error:
    ...     print(*error.__notes__)
    the graph up to this call is in the `graph` of what on_error() gave
    >>> [(node.kind, node.name) for node in failure.graph.nodes]
    [('parameter', 'x'), ('operation', 'exp'), ('failure', 'matmul')]
    >>> failure.graph.nodes[-1].problem
    'ShapeError: matmul: x1 has 2 columns but x2 has 1 rows; shapes x1=(1, 2), x2=(1, 2)'
    """
    failure, journal = Failure(), _Journal(failing.get())
    token = failing.set(journal)
    try:
        yield failure
    except Exception as error:
        failure.graph = _graph(error, journal)
        if failure.graph is not None:
            error.add_note("the graph up to this call is in the `graph` of what on_error() gave")
        raise
    finally:
        failing.reset(token)
        journal.clear()  # breaks a cycle: the error's traceback leads here, and the journal to the error


class _Call(NamedTuple):
    """What failed: a name, operands and parameters by name, and the module call that it belongs to."""

    name: str
    operands: list[tuple[str, Any]]
    parameters: list[tuple[str, Any]]
    scope: Scope


class _Journal:
    """What an error passed through: the outermost operation on tensors, and the nodes whose rules were running."""

    def __init__(self, outer: Watcher | None) -> None:
        self._outer = outer
        self.clear()

    def clear(self) -> None:
        """Forget what failed."""
        self._error: Exception | None = None
        self._call: _Call | None = None
        self._nodes: list[Node] = []

    def __call__(self, error: Exception, failed: Any, args: Sequence[Any], params: Mapping[str, Any]) -> None:
        """Note what failed."""
        if self._error is not error:
            self.clear()
            self._error = error
        if isinstance(failed, Node):
            self._nodes.append(failed)
        elif isinstance(failed, Primitive):
            self._call = _operation(failed, args, params) or self._call
        elif self._call is None:
            self._call = _Call(failed, [("output", args[0])], [], EVERYWHERE)
        if self._outer is not None:
            self._outer(error, failed, args, params)

    def of(self, error: Exception) -> tuple[_Call | None, list[Node]]:
        """Return the call that raised an error, and the nodes whose rules did, if any."""
        return (self._call, self._nodes) if self._error is error else (None, [])


def _graph(error: Exception, journal: _Journal) -> Graph | None:
    """Return the graph before the call that raised the error, and that call; None if there were no tensors."""
    call, nodes = journal.of(error)
    call = call or _function(list(_frames(error)))
    if call is None:
        return None
    leading = {value.node: value.value for _, value in call.operands if isinstance(value, Traced) and value.node}
    joined = Node(None, tuple(leading), None, (), np.dtype(np.float64))
    order = toposort(joined)[1:]
    text = f"{type(error).__name__}: {error}"
    problems = {node.serial: text for node in nodes}
    reading = Reading(order, Values(order, leading), problems=problems, failed=call.scope)
    reading.read_failure(*call, text)
    return reading.graph()


def _operation(primitive: Primitive, args: Sequence[Any], params: Mapping[str, Any]) -> _Call | None:
    """Return the call of a primitive, if it is on tensors; arguments other than arrays count as parameters."""
    count = len(args) if primitive.variadic else len(primitive.operands)
    names = [argument(primitive, position) for position in range(count)]
    arguments = [*zip([*names, *primitive.parameters], args, strict=False), *params.items()]
    if not any(isinstance(value, Traced) for _, value in arguments):
        return None
    operands: list[tuple[str, Any]] = []
    others: list[tuple[str, Any]] = []
    for name, value in arguments:
        if name in (*names, *primitive.operands) and isinstance(value, (Traced, np.ndarray, np.generic, int, float)):
            operands.append((name, value))
        elif value is not None:
            others.append((name, value))
    return _Call(primitive.name, operands, others, recording.get().scope)


# --- errors that no operation raised ----------------------------------------------------------


def _frames(error: Exception) -> Iterator[FrameType]:
    """Yield the frames that the error came through, the innermost last."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _function(frames: list[FrameType]) -> _Call | None:
    """Return the innermost function with tensors among its variables, and its tensors and arrays, as in a debugger."""
    for frame in reversed(frames):
        code = frame.f_code
        arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        operands: list[tuple[str, Any]] = []
        for name, value in frame.f_locals.items():
            parts = enumerate(value) if isinstance(value, (list, tuple)) else ()
            operands += [(f"{name}[{i}]", part) for i, part in parts if isinstance(part, Traced)]
            if isinstance(value, Traced) or (isinstance(value, np.ndarray) and name in arguments):
                operands.append((name, value))
        if any(isinstance(value, Traced) for _, value in operands):
            owner = f"{type(frame.f_locals['self']).__name__}." if "self" in arguments else ""
            return _Call(owner + code.co_name.strip("<>"), operands, [], _scope(frames))
    return None


def _scope(frames: list[FrameType]) -> Scope:
    """Return the scope of the innermost module call, from the frame of that call."""
    inner = (frame.f_locals.get("inner") for frame in reversed(frames) if frame.f_code.co_name == "__call__")
    return next((each.scope for each in inner if isinstance(each, Recording)), EVERYWHERE)
