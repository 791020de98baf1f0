"""The recording switch: whether, how, and in which module's name operations are noted.

Every thread and task has a switch of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ContextDecorator
from contextvars import ContextVar
from typing import Any, Final, NamedTuple, Self, TypeAlias


class Scope:
    """A call of a module, or a block of `scope`: in whose name operations are recorded.

    Each call is an object of its own, which tells the calls of one module apart.

    Attributes
    ----------
    outer : Scope or None
        The one around; None for `EVERYWHERE`.
    name : str
        What the one around calls it; empty for a module that nothing holds.
    kind : str
        The module's class; empty for a block.
    """

    __slots__ = ("kind", "name", "outer")

    def __init__(self, outer: "Scope | None", name: str, kind: str = "") -> None:
        self.outer = outer
        self.name = name
        self.kind = kind

    def __repr__(self) -> str:
        return f"<Scope {self.path!r}{f': {self.kind}' if self.kind else ''}>"

    @property
    def path(self) -> str:
        """The dotted names from the outside in, as in a ``state_dict``."""
        names = []
        scope: Scope | None = self
        while scope is not None:
            names.append(scope.name)
            scope = scope.outer
        return ".".join(name for name in reversed(names) if name)


EVERYWHERE: Final = Scope(None, "")
"""The scope outside of all modules."""


class Recording(NamedTuple):
    """How operations are recorded at the moment, in this thread or task."""

    enabled: bool = True
    anomaly: bool = False
    scope: Scope = EVERYWHERE
    tracing: bool = False

    def within(self, name: str, kind: str) -> "Recording":
        """Return the same in a new scope inside of this one; quicker than `_replace`, as every module's call asks."""
        enabled, anomaly, outer, tracing = self
        return tuple.__new__(Recording, (enabled, anomaly, Scope(outer, name, kind), tracing))


recording: ContextVar[Recording] = ContextVar("recording", default=Recording())

entering: ContextVar[Callable[[Any], None] | None] = ContextVar("entering", default=None)
"""Who is to be told of every module that is called, before it runs."""

Watcher: TypeAlias = Callable[[Exception, Any, Sequence[Any], Mapping[str, Any]], None]

failing: ContextVar[Watcher | None] = ContextVar("failing", default=None)
"""Who is to be told of every call that raises an error, before the error goes on: the error, what failed, its operands
and its parameters. What failed is a primitive, the node whose rule it was, or the name of who asked for gradients.
"""


class switched(ContextDecorator):  # noqa: N801  # a function to its users, which `with` undoes
    """Change how operations are recorded inside; what was before comes back also after an interrupt.

    Ctrl-C may arrive after any call, so `set` is called inside the ``try``.
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
    images of a batch, say, once they have been normalised. `check_tape`, `ag.explain` and the graph tell more with it.

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
    """Record the operations inside as belonging to ``name``, as if that were a module.

    A graph shows blocks of the same name as one. With a ``kind``, which stands for the class, each is a call of its
    own; it may do without a name.
    """

    __slots__ = ("_kind", "_name", "_outer")

    def __init__(self, name: str, kind: str = "") -> None:
        self._name = name
        self._kind = kind

    def __enter__(self) -> None:
        self._outer = outer = recording.get()
        try:
            recording.set(outer.within(self._name, self._kind))
        except BaseException:
            recording.set(outer)
            raise

    def __exit__(self, *error: object) -> None:
        recording.set(self._outer)
