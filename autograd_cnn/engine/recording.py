"""The recording switch: whether and how operations are recorded, and as part of which module.

Every thread and task has its own switch.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ContextDecorator
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Self, TypeAlias


class Scope:
    """A call of a module, or a block of `scope`, to which recorded operations belong.

    Each call has its own object, so that calls of the same module can be distinguished.

    Attributes
    ----------
    outer : Scope or None
        The enclosing scope; None for `EVERYWHERE`.
    name : str
        Its name in the enclosing scope; empty for a module that is not an attribute of another.
    kind : str
        The module's class; empty for a block.
    attributes : mapping of str to object
        What a graph shows about the call.
    """

    __slots__ = ("attributes", "kind", "name", "outer")

    def __init__(
        self, outer: "Scope | None", name: str, kind: str = "", attributes: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        self.outer = outer
        self.name = name
        self.kind = kind
        self.attributes = attributes

    def __repr__(self) -> str:
        return f"<Scope {self.path!r}{f': {self.kind}' if self.kind else ''}>"

    @property
    def path(self) -> str:
        """The dotted name from the outermost module, as in a ``state_dict``."""
        names = []
        scope: Scope | None = self
        while scope is not None:
            names.append(scope.name)
            scope = scope.outer
        return ".".join(name for name in reversed(names) if name)


EVERYWHERE: Final = Scope(None, "")
"""The scope outside of all modules."""


class Recording(NamedTuple):
    """How operations are currently recorded, in this thread or task."""

    enabled: bool = True
    anomaly: bool = False
    scope: Scope = EVERYWHERE
    tracing: bool = False

    def within(self, name: str, kind: str) -> "Recording":
        """Return the same in a new inner scope; faster than `_replace`, because every call of a module needs it."""
        enabled, anomaly, outer, tracing = self
        return tuple.__new__(Recording, (enabled, anomaly, Scope(outer, name, kind), tracing))


recording: ContextVar[Recording] = ContextVar("recording", default=Recording())

entering: ContextVar[Callable[[Any], None] | None] = ContextVar("entering", default=None)
"""Observers of every call of a module, which are called before it runs."""

Watcher: TypeAlias = Callable[[Exception, Any, Sequence[Any], Mapping[str, Any]], None]

failing: ContextVar[Watcher | None] = ContextVar("failing", default=None)
"""Observers of every call that raises an error, before the error propagates. They get the error, what failed, its operands
and its parameters. What failed is a primitive, the node of a rule, or the name of the function that asked for gradients.
"""


class switched(ContextDecorator):  # noqa: N801  # a function to its users, which `with` undoes
    """Change how operations are recorded inside; the previous state is restored even after an interrupt.

    Ctrl-C may arrive after any call, so `set` is called inside the ``try``.
    """

    def __init__(self, **changes: Any) -> None:
        self._changes = changes
        self._outer: list[Recording] = []

    def _recreate_cm(self) -> Self:
        """Give every call of a decorated function its own switch, because several threads may call it at once."""
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

    Every operation checks all its values and reads the call stack, so use this for debugging,
    not for training.

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
    """Keep every operand of what is recorded inside, so that each call can be replayed exactly.

    Otherwise the tape keeps only the shape of an array that needs no gradient and that no rule asks for, such as the
    images of a batch that is normalised first. With it, `check_tape`, ``ag.explain`` and the graph can show more.

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

    A graph shows blocks with the same name as one. With a ``kind``, which is shown as the class, each is a separate
    call; then the name may be empty, and there may be attributes.
    """

    __slots__ = ("_attributes", "_kind", "_name", "_outer")

    def __init__(self, name: str, kind: str = "", attributes: Mapping[str, Any] = MappingProxyType({})) -> None:
        self._name = name
        self._kind = kind
        self._attributes = attributes

    def __enter__(self) -> None:
        self._outer = outer = recording.get()
        try:
            recording.set(outer._replace(scope=Scope(outer.scope, self._name, self._kind, self._attributes)))
        except BaseException:
            recording.set(outer)
            raise

    def __exit__(self, *error: object) -> None:
        recording.set(self._outer)
