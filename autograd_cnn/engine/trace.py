"""Traces: what a function computed, as a list of calls that can be replayed without it.

While a trace is active, every call of a primitive appends a `Call`. A value is identified by its object, as
long as that is alive; its origin decides what replaces it in a later run: an argument, the values of
a tensor, an attribute of a module, or the result of an earlier call. Anything else is a constant.

Python does not see later runs. So if it reads a value, the trace ends with a reason (`Trace.refuse`). Side effects,
such as an optimiser's step, are an `effect`, and random draws, such as a dropout mask, are `fresh`: both are repeated
in each run.
"""

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.anomaly import users_line
from autograd_cnn.engine.node import Array, Traced

current: ContextVar["Trace | None"] = ContextVar("trace", default=None)
"""The current trace of this thread or task."""

RUNNING: Final[list["Trace"]] = []
"""All active traces, in any thread: a cheap first check in every operation."""


class Slot(NamedTuple):
    """A numbered value of a trace."""

    number: int

    def __repr__(self) -> str:
        return f"v{self.number}"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function on slots and constants, with the slots of its results.

    Attributes
    ----------
    function : callable
        On arrays.
    name : str
    args : tuple
        Slots, and constants as they are.
    params : dict
        The same, by name; slots may be inside tuples.
    outputs : tuple of Slot
    lasting : bool
        Whether it has an effect, so it must be made even if its results are not used.
    changes : tuple or None
        The objects that it changes; None if it may change anything.
    origin : str
        The line of user code that made it.
    static : bool or callable
        Whether all that it does depends only on the shapes and dtypes of its operands, or a check of their values; see
        `primitive`.
    inner : tuple of Call
        The calls that it replaces.
    """

    function: Callable[..., Any]
    name: str
    args: tuple[Any, ...]
    params: dict[str, Any] = field(default_factory=dict)
    outputs: tuple[Slot, ...] = ()
    lasting: bool = False
    changes: tuple[Any, ...] | None = ()
    origin: str = ""
    static: bool | Callable[..., None] = False
    inner: tuple["Call", ...] = ()


class Constant(NamedTuple):
    """An array that is the same in each run, identified by its id."""

    value: Any


class Trace:
    """The calls of one run of a function.

    Parameters
    ----------
    arguments : sequence of array
        The values that differ from run to run.
    folding : bool
        Whether results that depend only on constants become constants, and their calls are left out.
    keeping : bool
        Whether floating-point values are kept in memory as long as the trace.

    Attributes
    ----------
    calls : list of Call
    refusal : str
        Why these calls can't replace the function; empty if they can.
    tensors : dict of Slot to Traced
        The tensors whose values were read, by the slot of the first read.
    differentiated : list of Node
        Where backward passes began.
    facts : list of (int, callable, bool)
        What Python found out about arguments, by position, and relied on.
    values : dict of Slot to array
        The values of the slots in this run; an `AbstractArray` if the value is not kept.
    strided : set of Slot
        The values that are not kept and were not contiguous.
    """

    def __init__(self, arguments: Sequence[Array], *, folding: bool = False, keeping: bool = True) -> None:
        self.calls: list[Call] = []
        self._folding, self._keeping = folding, keeping
        self.refusal = ""
        self.tensors: dict[Slot, Traced] = {}
        self.modules: list[Any] = []
        self.facts: list[tuple[int, Callable[[Array], Any], bool]] = []
        self._attributes: list[tuple[Any, str, Array]] = []
        self.differentiated: list[Any] = []
        self._slots: dict[int, Slot] = {}
        self._ends: dict[int, weakref.ref[Array]] = {}
        self.values: dict[Slot, Any] = {}
        self.strided: set[Slot] = set()
        self._constants: dict[int, Constant] = {}
        self._alive: list[Any] = []
        self._made: set[Slot | None] = set()
        self._count = 0
        self.arguments = tuple(map(self._new, arguments))
        self._given = tuple(arguments)
        self._sharing: list[weakref.ref[Traced]] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Record the calls inside the block."""
        token = current.set(self)
        RUNNING.append(self)
        try:
            yield
        finally:
            RUNNING.remove(self)
            current.reset(token)

    # --- values -------------------------------------------------------------------------------

    def _new(self, value: Any) -> Slot:
        slot = Slot(self._count)
        self._count += 1
        slots, key = self._slots, id(value)
        slots[key] = slot
        if self._keeping or not isinstance(value, np.ndarray) or value.dtype.kind != "f":
            self.values[slot] = value
        else:  # another array may reuse its id after it is gone
            self.values[slot] = AbstractArray(value.shape, value.dtype)
            if not value.flags.c_contiguous:
                self.strided.add(slot)
            self._ends[key] = weakref.ref(value, lambda _: slots.pop(key, None))
        return slot

    def slot_of(self, value: Any) -> Slot | None:
        """Return the slot of an array, or None if it is not known."""
        return self._slots.get(id(value))

    def knows(self, value: Any) -> bool:
        """Whether a value, or one inside a tuple, list or dict, differs from run to run."""
        if isinstance(value, (list, tuple)):
            return any(map(self.knows, value))
        if isinstance(value, Traced):
            value = value.value
        return isinstance(value, (np.ndarray, np.generic)) and id(value) in self._slots

    def finds(self, operands: Sequence[Any], params: dict[str, Any]) -> bool:
        """Whether one of a call's plain arrays differs from run to run: a known one, or a module's attribute."""
        values = [*operands, *params.values()]
        arrays = [value for value in values if isinstance(value, np.ndarray)]
        return any(map(self.knows, values)) or any(self._attribute(value) is not None for value in arrays)

    def reference(self, value: Any) -> Any:
        """Return the slot or constant for an operand or a parameter of a call."""
        if isinstance(value, Traced):
            known = self._constants.get(id(value.value)) or self.slot_of(value.value)
            if isinstance(known, Slot) and self.tensors.get(known, value) is not value:
                self._sharing.append(weakref.ref(value))
            return known or self._read(value)
        if isinstance(value, (np.ndarray, np.generic)):
            known = self._constants.get(id(value)) or self.slot_of(value)
            return known or self._attribute(value) or self._constant(value)
        if type(value) in {tuple, list}:
            return type(value)(map(self.reference, value))
        if type(value) is dict:
            return {key: self.reference(each) for key, each in value.items()}
        return value

    def _read(self, tensor: Traced) -> Slot:
        """Add a call that reads a tensor's values."""
        slot = self._new(tensor.value)
        self.tensors[slot] = tensor
        self.calls.append(Call(value_of, "value", (Held(tensor),), outputs=(slot,)))
        return slot

    def _attribute(self, value: Any) -> Slot | None:
        """If the array is a module's attribute, add a call that reads it."""
        for module in self.modules:
            for name, held in vars(module).items():
                if held is value:
                    if value.flags.writeable:
                        self.refuse(
                            f"the attribute {name!r} of a module is an array that can change; register_buffer it"
                        )
                    slot = self._new(value)
                    self.calls.append(Call(getattr, name, (Held(module), name), outputs=(slot,)))
                    return slot
        return None

    def _constant(self, value: Any) -> Constant:
        """Keep an array as it is now."""
        self._alive.append(value)
        if isinstance(value, np.ndarray) and (value.flags.writeable or value.base is not None):
            value = value.copy()
            value.flags.writeable = False
        return Constant(value)

    # --- calls --------------------------------------------------------------------------------

    def add(
        self,
        primitive: Any,
        args: Sequence[Any],
        params: dict[str, Any],
        y: Array,
        residuals: tuple[Any, ...],
        exact: bool,
    ) -> None:
        """Add the call of a primitive; an ``exact`` one used its operands exactly as passed."""
        if not exact and residuals:
            self.refuse(f"{primitive.name} converts its operands")
        args, params = tuple(map(self.reference, args)), {k: self.reference(v) for k, v in params.items()}
        if self._folding and not slots_in(args) and not slots_in(params):
            for value in (y, *residuals):
                self.fix(value)
            return
        outputs = tuple(map(self._new, (y, *residuals)))
        function = primitive.forward if exact else primitive
        static = primitive.static if exact else False
        self.calls.append(Call(function, primitive.name, args, params, outputs, origin=users_line(), static=static))

    def add_call(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        results: Sequence[Any] = (),
        changes: tuple[Any, ...] | None = None,
    ) -> None:
        """Add the call of another function, which changes only the given objects, or anything if none are given."""
        owner = getattr(function, "__self__", None)
        name = getattr(function, "__name__", type(function).__name__).lstrip("_")
        name = name if owner is None else f"{type(owner).__name__}.{name}"
        kept = isinstance(owner, Traced)
        args = tuple(map(self._apart if kept else self.reference, args))
        outputs = tuple(map(self._new, results))
        self.calls.append(
            Call(function, name, args, outputs=outputs, lasting=True, changes=changes, origin=users_line())
        )

    def add_check(self, function: Callable[..., Any], args: Sequence[Any]) -> None:
        """Add the call of a function that only checks values."""
        self.add_call(function, args, changes=())

    def assume(self, fact: Callable[[Array], Any], value: Any, found: bool, otherwise: bool) -> bool:
        """Return the answer that Python may rely on when it ``found`` a fact about a value; see `assuming`."""
        slot = self.reference(value)
        if not isinstance(slot, Slot):
            return found
        if slot not in self.arguments:
            return otherwise
        self.facts.append((self.arguments.index(slot), fact, found))
        return found

    def _apart(self, value: Any) -> Any:
        """Return the value that a tensor keeps: arguments are copied, because the caller may write to them."""
        reference = self.reference(value)
        array = value.value if isinstance(value, Traced) else value
        if not isinstance(reference, Slot):
            return reference
        if reference not in self.arguments and not any(np.may_share_memory(array, x) for x in self._given):
            return reference
        slot = Slot(self._count)
        self._count += 1
        self.calls.append(Call(_copy, "copy", (reference, array.dtype), outputs=(slot,), origin=users_line()))
        return slot

    def fix(self, value: Array) -> None:
        """Record that a read-only value is the same in each run."""
        self._alive.append(value)
        self._constants[id(value)] = Constant(value)

    def add_copy(self, data: Any, value: Array) -> None:
        """Add the copy of a known value."""
        args = (self.reference(data), value.dtype)
        slot = self._new(value)
        self._made.add(slot)
        self.calls.append(Call(_copy, "copy", args, outputs=(slot,), origin=users_line()))

    def add_gradient(self, tensor: Traced, adding: Callable[[Array], None], g: Traced) -> None:
        """Add the call that accumulates a cotangent into a tensor's ``grad``, unless the tensor was made inside."""
        if tensor.node is not None and tensor.node.primitive is not None:
            self.refuse("retain_grad() or inputs= keeps a gradient in the middle")
        if self.slot_of(tensor.value) not in self._made:
            self.add_call(adding, (g,), changes=(tensor,))

    def enter(self, module: Any) -> None:
        """Record that a module is called."""
        if not any(module is other for other in self.modules):
            self.modules.append(module)
            arrays = [(n, value) for n, value in vars(module).items() if type(value) is np.ndarray]
            self._attributes += [(module, name, value) for name, value in arrays if value.ndim]  # except counters

    def settled(self) -> list[tuple[Any, str, Array]]:
        """Return the modules' arrays that the run did not replace; unrecorded code may have made others from them."""
        return [(module, name, value) for module, name, value in self._attributes if getattr(module, name) is value]

    def check_sharing(self, results: Sequence[Any]) -> None:
        """Refuse tensors and modules that share an array with another now, but may not do so later.

        Objects that the run has made, such as ``w.detach()``, are gone by now, or are results.
        """
        for reference in self._sharing:
            tensor = reference()
            if tensor is not None and not any(tensor is result for result in results):
                self.refuse("two tensors have their values in one array; give one of them a copy")
        arrays = [id(value) for _, _, value in self._attributes if id(value) in self._slots]
        if len(set(arrays)) < len(arrays):
            self.refuse("two modules have one array as an attribute; give one of them a copy")

    def refuse(self, reason: str) -> None:
        """Record why the calls can't replace the function; the first reason counts."""
        self.refusal = self.refusal or f"{reason} ({users_line()})"


def slots_in(value: Any) -> list[Slot]:
    """Return the slots in an operand or in parameters."""
    if isinstance(value, Slot):
        return [value]
    if type(value) in {tuple, list}:
        return [slot for each in value for slot in slots_in(each)]
    if type(value) is dict:
        return [slot for each in value.values() for slot in slots_in(each)]
    return []


def taken(call: Call) -> list[Slot]:
    """Return the slots that a call uses."""
    return [*(slot for arg in call.args for slot in slots_in(arg)), *slots_in(call.params)]


class Held(NamedTuple):
    """An object that a call reads or changes, by identity: a tensor, a module, a tuple of these."""

    value: Any


def resolved(reference: Any, known: Mapping[Slot, Any]) -> Any:
    """Return what an operand or a parameter of a call stands for, given the values of slots."""
    if isinstance(reference, Slot):
        return known[reference]
    if isinstance(reference, (Constant, Held)):
        return reference.value
    if type(reference) in {tuple, list}:
        return type(reference)(resolved(each, known) for each in reference)
    return {key: resolved(each, known) for key, each in reference.items()} if type(reference) is dict else reference


def argument(value: Any) -> Array:
    """Return a read-only copy of values, so that the tape does not make one that the trace does not know."""
    copy = np.array(value.value if isinstance(value, Traced) else value)
    copy.flags.writeable = False
    return copy if copy.dtype == bool else copy[()]


def _copy(value: Any, dtype: np.dtype[Any]) -> Array:
    copy = np.array(value, dtype)
    copy.flags.writeable = False
    return copy[()]


def value_of(tensor: Traced) -> Array:
    """Return a tensor's values at the time a plan runs."""
    return tensor.value


# --- for what Python does apart from computing ------------------------------------------------


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, (Traced, Held)) else value


def effect(function: Callable[..., Any], *args: Any, changes: tuple[Any, ...] | None = None) -> None:
    """Call a function that changes something, such as an optimiser's step; a compiled step repeats the call in each run.

    Tensors among the arguments are passed as arrays. Nothing is recorded inside. If it ``changes`` only a few objects,
    calls that use others need not wait for it.
    """
    _apart_from_computing(Trace.add_call.__name__, function, args, changes=changes)


def check(function: Callable[..., Any], *args: Any) -> None:
    """Call a function that raises an error for invalid values, like `effect`; it changes nothing."""
    _apart_from_computing(Trace.add_check.__name__, function, args)


def _apart_from_computing(adding: str, function: Callable[..., Any], args: tuple[Any, ...], **options: Any) -> None:
    trace = current.get() if RUNNING else None
    if trace is None:
        function(*map(_plain, args))
        return
    getattr(trace, adding)(function, args, **options)
    token = current.set(None)
    try:
        function(*map(_plain, args))
    finally:
        current.reset(token)


def fresh(function: Callable[..., Array], *args: Any, changes: tuple[Any, ...] | None = None) -> Array:
    """Return the array that a function draws, such as a dropout mask; a compiled step draws again in each run.

    For what it ``changes``, such as a generator, see `effect`.
    """
    trace = current.get() if RUNNING else None
    if trace is None:
        return function(*map(_plain, args))
    token = current.set(None)
    try:
        result = function(*map(_plain, args))
    finally:
        current.reset(token)
    if isinstance(result, np.ndarray):
        result.flags.writeable = False  # otherwise the tape would keep a copy that the trace does not know
    trace.add_call(function, args, (result,), changes)
    return result


def replays(hook: Any) -> bool:
    """Whether a hook's attribute ``replays`` declares that it acts only through `effect` and `fresh`.

    A compiled step then repeats the hook in each run; any other hook would be skipped, so it ends the trace.
    """
    return bool(getattr(getattr(hook, "hook", hook), "replays", False))  # a handle holds the hook


def assuming(fact: Callable[[Array], Any], value: Any, *, otherwise: bool) -> bool:
    """Return whether a fact holds for a value that Python reads; a compiled step checks it on arguments in each run.

    If the answer has changed, the recording is not used. Nothing can be known in advance about computed values: for
    these, ``otherwise`` is the answer that is safe in any case.
    """
    found = bool(fact(_plain(value)))
    trace = current.get() if RUNNING else None
    return found if trace is None else trace.assume(fact, value, found, otherwise)


def reading(where: str, value: Any) -> None:
    """Declare that Python reads a value, such as ``float(loss)``: a trace in which it may differ can't continue."""
    if RUNNING and (trace := current.get()) is not None and trace.knows(value):
        trace.refuse(f"{where} reads a value in the middle")
