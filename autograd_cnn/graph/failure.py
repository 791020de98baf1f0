"""The graph of what had been computed when something failed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from types import FrameType
from typing import Any, Final, TypeAlias

import numpy as np

from autograd_cnn.engine.backward import toposort
from autograd_cnn.engine.node import Node, Traced
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.replay import Values
from autograd_cnn.graph.capture import Reading
from autograd_cnn.graph.graph import Graph

_Call: TypeAlias = tuple[str, list[tuple[str, Any]], list[tuple[str, Any]]]
"""A name, operands and parameters."""

_ARRAYS: Final = (Traced, np.ndarray, np.generic, int, float)


@dataclass(slots=True)
class Failure:
    """What `on_error` found.

    Attributes
    ----------
    graph : Graph or None
        Up to the call that failed; None while nothing has failed, or if no tensor was in sight.
    """

    graph: Graph | None = None


@contextmanager
def on_error() -> Iterator[Failure]:
    """Keep the graph of what had been computed, should the block fail; the error itself goes on.

    The call that failed is a red node with the error on it. Where that is an operation, its operands
    are what it was called on. Where something else raised the error, such as a check of yours, the
    node is the innermost function that had tensors among its variables, and these are its operands.
    In a backward pass the operation whose rule failed is red, too.

    Yields
    ------
    Failure
        Its ``graph`` is there after the block has failed.

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
    failure = Failure()
    try:
        yield failure
    except Exception as error:
        failure.graph = _graph(error)
        if failure.graph is not None:
            error.add_note("the graph up to this call is in the `graph` of what on_error() gave")
        raise


def _graph(error: Exception) -> Graph | None:
    """Return what the call depends on that the error came from, and that call; None if there were no tensors."""
    frames = list(_frames(error))
    call = _operation(frames) or _function(frames)
    if call is None:
        return None
    name, operands, parameters = call
    recorded = {
        value.node: value.value for _, value in operands if isinstance(value, Traced) and value.node is not None
    }
    joined = Node(None, tuple(recorded), None, (), np.dtype(np.float64))
    order = toposort(joined)[1:]
    text = f"{type(error).__name__}: {error}"
    rules = [frame.f_locals["node"] for frame in frames if frame.f_code is Primitive.pullback.__code__]
    reading = Reading(order, Values(order, recorded), problems={node.serial: text for node in rules})
    reading.read_failure(name, operands, parameters, _scope(frames), text)
    return reading.graph()


def _frames(error: Exception) -> Iterator[FrameType]:
    """Yield the frames that the error came through, the innermost last."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _operation(frames: list[FrameType]) -> _Call | None:
    """Return the call of the outermost operation on tensors."""
    for frame in frames:
        if frame.f_code is not Primitive.__call__.__code__:
            continue
        primitive, params = frame.f_locals["self"], frame.f_locals["params"]
        names = (f"{primitive.operands[0]}[{i}]" for i in count()) if primitive.variadic else (
            *primitive.operands, *primitive.parameters
        )  # fmt: skip
        given = [*zip(names, frame.f_locals["args"], strict=False), *params.items()]
        if any(isinstance(value, Traced) for _, value in given):
            taken = [name for name, _ in given if name in primitive.operands or name.endswith("]")]
            arrays = {name: value for name, value in given if name in taken and isinstance(value, _ARRAYS)}
            others = [(name, value) for name, value in given if name not in arrays and value is not None]
            return primitive.name, list(arrays.items()), others
    return None


def _function(frames: list[FrameType]) -> _Call | None:
    """Return the innermost function with tensors among its variables: these, and the arrays that it was given."""
    for frame in reversed(frames):
        code = frame.f_code
        arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        found: list[tuple[str, Any]] = []
        for name, value in frame.f_locals.items():
            parts = enumerate(value) if isinstance(value, (list, tuple)) else ()
            found += [(f"{name}[{i}]", part) for i, part in parts if isinstance(part, Traced)]
            if isinstance(value, Traced) or (isinstance(value, np.ndarray) and name in arguments):
                found.append((name, value))
        if any(isinstance(value, Traced) for _, value in found):
            owner = f"{type(frame.f_locals['self']).__name__}." if "self" in arguments else ""
            return owner + code.co_name.strip("<>"), found, []
    return None


def _scope(frames: list[FrameType]) -> str:
    """Return the path of the modules that were being called: each call is a frame of its module."""
    modules = (frame.f_locals.get("self") for frame in frames if frame.f_code.co_name == "__call__")
    return ".".join(name for module in modules if (name := getattr(module, "scope_name", "")))
