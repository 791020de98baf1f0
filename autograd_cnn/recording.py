"""The recording switch: whether, how, and in which module's name operations are noted.

Every thread and task has a switch of its own.
"""

from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar
from typing import Any, NamedTuple, Self


class Recording(NamedTuple):
    """How operations are recorded at the moment, in this thread or task."""

    enabled: bool = True
    anomaly: bool = False
    scope: str = ""
    tracing: bool = False

    def within(self, name: str) -> "Recording":
        """Return the same, in the scope ``name`` of this one; quicker than `_replace`, as every module's call asks."""
        enabled, anomaly, outer, tracing = self
        return Recording(enabled, anomaly, f"{outer}.{name}" if outer else name, tracing)


recording: ContextVar[Recording] = ContextVar("recording", default=Recording())

entering: ContextVar[Callable[[Any], None] | None] = ContextVar("entering", default=None)
"""Who is to be told of every module that is called, before it runs."""

transform: ContextVar[Any] = ContextVar("transform", default=None)
"""The call of a transform such as `autograd_cnn.grad` whose function is running at the moment.

Its ``start`` is a serial number: what has a higher one was recorded since the outermost transform began.
"""


class switched(ContextDecorator):  # noqa: N801  # a function to its users, which `with` undoes
    """Change how operations are recorded inside; what was before comes back also after an interrupt.

    Ctrl-C arrives behind any call, so that of `set` stands inside a ``try``.
    """

    def __init__(self, **changes: Any) -> None:
        self._changes = changes
        self._outer: list[Recording] = []

    def _recreate_cm(self) -> Self:
        """Give every call of a decorated function a switch of its own, as threads may call it at once."""
        return type(self)(**self._changes)

    def __enter__(self) -> None:
        outer = recording.get()
        try:
            self._outer.append(outer)
            recording.set(outer._replace(**self._changes))
        except BaseException:
            recording.set(outer)
            raise

    def __exit__(self, *error: object) -> None:
        recording.set(self._outer[-1])
        self._outer.pop()


def no_grad() -> switched:
    """Record nothing inside; also usable as a decorator.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> with ag.no_grad():
    ...     (w * 2).requires_grad
    False
    """
    return switched(enabled=False)


def enable_grad() -> switched:
    """Record again inside a `no_grad` block; also usable as a decorator."""
    return switched(enabled=True)


def detect_anomaly() -> switched:
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
    return switched(anomaly=True)


def tracing() -> switched:
    """Keep every operand of what is recorded inside, so that each call can be run again as it was.

    Otherwise the tape keeps of an array that wants no gradient, and that no rule asks for, its shape alone: of the
    images of a batch, say, once they have been normalised. `check_tape`, `graph.explain` and the graph tell more with it.

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
    return switched(tracing=True)


class scope:  # noqa: N801  # a function to its users, which `with` undoes
    """Record the operations inside as belonging to the module ``name``."""

    __slots__ = ("_name", "_outer")

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._outer = outer = recording.get()
        try:
            recording.set(outer.within(self._name))
        except BaseException:
            recording.set(outer)
            raise

    def __exit__(self, *error: object) -> None:
        recording.set(self._outer)
