"""The recording switch: whether, how, and in which module's name operations are noted.

Every thread and task has a switch of its own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple


class Recording(NamedTuple):
    """How operations are recorded at the moment, in this thread or task."""

    enabled: bool = True
    anomaly: bool = False
    scope: str = ""
    tracing: bool = False


recording: ContextVar[Recording] = ContextVar("recording", default=Recording())

entering: ContextVar[Callable[[Any], None] | None] = ContextVar("entering", default=None)
"""Who is to be told of every module that is called, before it runs."""


@contextmanager
def switched(**changes: Any) -> Iterator[None]:
    """Change how operations are recorded inside."""
    token = recording.set(recording.get()._replace(**changes))
    try:
        yield
    finally:
        recording.reset(token)


@contextmanager
def no_grad() -> Iterator[None]:
    """Record nothing inside; also usable as a decorator.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> with ag.no_grad():
    ...     (w * 2).requires_grad
    False
    """
    with switched(enabled=False):
        yield


@contextmanager
def enable_grad() -> Iterator[None]:
    """Record again inside a `no_grad` block; also usable as a decorator."""
    with switched(enabled=True):
        yield


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Stop at the first NaN, forward or backward, and name the line that recorded it.

    Every operation looks at all its values and at the call stack, so this is for finding a
    fault, not for training.

    Raises
    ------
    AnomalyError
        Naming the primitive and, for recorded operations, the line of user code.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor([1.0, 0.0], requires_grad=True)
    >>> with ag.detect_anomaly():
    ...     y = ag.sum(ag.sqrt(x) * 0.0)
    >>> y.item()
    0.0
    """
    with switched(anomaly=True):
        yield


@contextmanager
def tracing() -> Iterator[None]:
    """Keep every operand of what is recorded inside, so that each call can be run again as it was.

    Otherwise the tape keeps of an array that wants no gradient, and that no rule asks for, its shape alone: of the
    images of a batch, say, once they have been normalised. `check_tape`, `explain` and the graph tell more with it.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> x = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> with ag.tracing():
    ...     y = x + np.array([3.0, 4.0])
    >>> y.node.operands[1]
    array([3., 4.])
    """
    with switched(tracing=True):
        yield


class scope:  # noqa: N801  # a function to its users, which `with` undoes
    """Record the operations inside as belonging to the module ``name``.

    Every call of a module enters one, so this is a class, which costs less than a generator.
    """

    __slots__ = ("_name", "_token")

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        enabled, anomaly, outer, tracing = recording.get()
        scope = f"{outer}.{self._name}" if outer else self._name
        self._token = recording.set(Recording(enabled, anomaly, scope, tracing))

    def __exit__(self, *error: object) -> None:
        recording.reset(self._token)
