"""Recorded calls as compiled loops: what runs of a plan without Python.

A call whose primitive is ``static`` and whose kernel is compiled loops alone is lowered: its loops are written into a
table. What such calls keep among themselves lies in one arena, in which memory is used again as soon as nobody
needs it any more. Other calls are made as before, between the tables; as few of them as possible, since a call waits
until nothing else can be done without it.

Without an effect, as in inference, weights are the same in most runs. Then the loops that work on these alone, such as
packing them, are a segment of their own, which runs when they have changed.
"""

import math
import weakref
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple, cast

import numpy as np

from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.node import Array
from autograd_cnn.engine.trace import Call, Constant, Held, Slot, slots_in, taken, value_of
from autograd_cnn.errors import OperandError, sentence
from autograd_cnn.kernels import current_backend

ALIGNMENT: Final = 64  # bytes of a line of the cache

_TABLE: Final = "autograd_cnn.kernels.compiled.table"


class Program(NamedTuple):
    """The calls of a plan, with those that can be in segments.

    Attributes
    ----------
    calls : tuple of Call
        Of which some make a `Segment` run.
    arena : int
        How many bytes the segments share.
    """

    calls: tuple[Call, ...]
    arena: int


class Segment:
    """Calls that run as one table of compiled loops.

    Attributes
    ----------
    arena : array or None
        The memory that the loops have for themselves.
    """

    condition = ""
    """When they run, as a plan shows it; empty for always."""

    def __init__(self, table: Any, inputs: Sequence[Array | None], parts: "_Parts", arena: Array | None) -> None:
        self._table = table
        self.arena = arena
        self._inputs = [None if x is None else (x.shape, x.dtype) for x in inputs]
        self._parts = parts

    def __call__(self, *arrays: Array) -> Any:
        """Run the loops, and return what others ask for of their results."""
        passed = list(arrays)
        for i, kind in enumerate(self._inputs):
            if kind is None:
                continue  # a segment's own
            x = arrays[i]
            flags = x.flags
            if (x.shape, x.dtype) != kind:
                raise OperandError(
                    sentence("compile", "a value differs in kind from when it was recorded", expected=kind,
                             got=(x.shape, x.dtype))
                )  # fmt: skip
            if not (flags.c_contiguous and flags.aligned):
                passed[i] = np.array(x, order="C")
        made = [self._allocated(shape, dtype) for shape, dtype in self._parts.roots]
        self._table([*passed, *made])
        results = []
        for number, view in self._parts.views:
            y = made[number]
            if view is not None:
                shape, dtype, offset, strides = view
                y = np.ndarray(shape, dtype, y, offset, strides)
            y.flags.writeable = False
            results.append(y)
        return tuple(results) if len(results) != 1 else results[0]

    @staticmethod
    def _allocated(shape: tuple[int, ...], dtype: Any) -> Array:
        return np.empty(shape, dtype)


class LastingSegment(Segment):
    """A segment that runs only where an array is another than in the run before; its results last."""

    condition = ", if an array is another than before"

    _taken: Sequence[weakref.ref[Array]] = ()
    _results: Any = ()

    def __call__(self, *arrays: Array) -> Any:
        """Return the results of the loops."""
        if not self._taken or any(known() is not x for known, x in zip(self._taken, arrays, strict=True)):
            self._results = super().__call__(*arrays)
            self._taken = tuple(map(weakref.ref, arrays)) if not any(map(_may_change, arrays)) else ()
        return self._results

    @staticmethod
    def _allocated(shape: tuple[int, ...], dtype: Any) -> Array:
        """Return memory in which vectors don't cross lines of the cache, as packed weights are loaded again and again."""
        count = math.prod(shape) * dtype.itemsize
        slack = np.empty(count + ALIGNMENT, np.uint8)
        return np.ndarray(shape, dtype, slack, -slack.ctypes.data % ALIGNMENT)


def _may_change(x: Array) -> bool:
    """Whether somebody can write to an array."""
    return x.flags.writeable or (isinstance(x.base, np.ndarray) and x.base.flags.writeable)


class _Parts(NamedTuple):
    """What a segment allocates in each run, and which parts of it are its results."""

    roots: list[tuple[tuple[int, ...], Any]]
    views: list[tuple[int, tuple[Any, ...] | None]]


def lowered(calls: Sequence[Call], values: dict[Slot, Array], results: Sequence[Any]) -> Program:
    """Return calls rewritten to segments and what is left.

    Parameters
    ----------
    calls : sequence of Call
    values : dict of Slot to array
        What the slots were when the calls were recorded. It is used up, so that they do not take memory for longer.
    results : sequence
        What is asked for.
    """
    if current_backend() != "jit":
        return Program(tuple(calls), 0)
    needed = {slot for call in calls for slot in (*taken(call), *call.outputs)}
    for slot in values.keys() - needed:
        del values[slot]
    return _Lowering(calls, values, results, import_module(_TABLE)).program()


class _Lowering:
    def __init__(self, calls: Sequence[Call], values: dict[Slot, Array], results: Sequence[Any], table: Any) -> None:
        self._table = table
        self._values = values
        self._calls: list[Call] = []
        self._results = results
        self._loops: dict[int, list[Any]] = {}  # by the number of a call that is lowered
        self._checks: dict[Slot, int] = {}  # which call looks at integers
        self._lasting: set[int] = set()  # the roots of what is the same in most runs
        self._once: dict[int, int] = {}  # which call, before another, makes what lasts of its memory
        self._made: dict[int, Array] = {}  # memory that lowered calls have made, by the identity of the root
        self._by: dict[int, int] = {}  # the number of the call that has made it
        self._safe = {slot for slot in values if not any(slot in call.outputs for call in calls)}  # the arguments
        self._outside: dict[int, list[Slot]] = {}  # slots of Python's, by their roots
        self._handed: dict[int, Slot] = {}  # roots that others than loops ask for, by one of the slots in them
        self._places: dict[int, int] = {}  # the addresses of other roots
        self._arena: Array | None = None
        for slot in self._safe:
            self._note(slot)
        lasting = not any(call.lasting for call in calls)
        for call in calls:
            if not self._lower(call):
                for slot in call.outputs:
                    self._note(slot)
                    if lasting and _is_read(call) and slot in self._values:
                        self._lasting.add(self._root(slot))
            self._calls.append(call)

    # --- which calls are loops ----------------------------------------------------------------

    def _note(self, slot: Slot) -> None:
        """Take note of a value of Python's, which segments take contiguous."""
        value = self._values.get(slot)
        if isinstance(value, np.ndarray):
            self._values[slot] = value = value if value.flags.c_contiguous else np.array(value, order="C")
            self._outside.setdefault(id(self._table.root(value)), []).append(slot)

    def _lower(self, call: Call) -> bool:
        """Record a call's loops, and say whether it is nothing else."""
        operands = list(dict.fromkeys(taken(call)))
        if not call.static:
            given = not _is_read(call) and not slots_in(call.params)
            follows = given and self._safe.issuperset(operands)  # from their shapes
            if call.lasting or call.function in {value_of, getattr} or follows:  # whose kinds a plan looks after
                self._safe.update(call.outputs)
            return False
        arrays = [x for slot in operands if type(x := self._values.get(slot)) is np.ndarray]
        if not self._safe.issuperset(operands) or len(arrays) < len(operands):
            return False
        self._safe.update(call.outputs)
        unseen = [s for s, x in zip(operands, arrays, strict=True) if x.dtype.kind != "f" and not self._is_known(s)]
        if unseen and not callable(call.static):
            return False
        recorded = self._table.record(_on(call, operands), arrays, () if unseen else self._lasting)
        if recorded is None or len(recorded.results) != len(call.outputs):
            return False
        self._made.update((id(held), held) for held in recorded.fresh)
        if not all(self._is_placed(array) for loop in (*recorded.once, *recorded.loops) for array in loop.arrays):
            return False
        self._values.update(zip(call.outputs, recorded.results, strict=True))
        if unseen:
            self._checks.update(dict.fromkeys(unseen, len(self._calls)))
            self._calls.append(_check(call, self._values))
        if recorded.once:
            self._add_once(call, operands, recorded)
        self._loops[len(self._calls)] = recorded.loops
        for held in recorded.fresh:
            self._by.setdefault(id(held), len(self._calls))
        return True

    def _add_once(self, call: Call, operands: Sequence[Slot], recorded: Any) -> None:
        """Add a call before another, for the loops of it that work on what lasts alone."""
        number, first = len(self._calls), max(slot.number for slot in self._values) + 1
        slots = tuple(Slot(first + i) for i in range(len(recorded.filled)))
        taken = tuple(slot for slot in operands if self._root(slot) in self._lasting)
        self._calls.append(Call(call.function, f"{call.name}, what lasts", taken, outputs=slots, origin=call.origin))
        self._loops[number] = recorded.once
        self._once[number + 1] = number
        self._values.update(zip(slots, recorded.filled, strict=True))
        self._lasting.update(map(id, recorded.filled))
        self._by.update(dict.fromkeys(map(id, recorded.filled), number))

    def _is_known(self, slot: Slot) -> bool:
        """Whether integers or bools are of a lowered call, or have been looked at."""
        return slot in self._checks or self._root(slot) in self._made

    def _is_placed(self, array: Array) -> bool:
        key = id(self._table.root(array))
        return key in self._made or key not in self._outside or self._slot_of(array) is not None

    def _slot_of(self, array: Array) -> Slot | None:
        """Return the slot of Python's in whose array another one lies."""
        begin = self._table.address(array)
        for slot in self._outside.get(id(self._table.root(array)), ()):
            held = self._values[slot]
            start = self._table.address(held)
            if held.flags.c_contiguous and start <= begin and begin + array.nbytes <= start + held.nbytes:
                return slot
        return None

    # --- in which order -----------------------------------------------------------------------

    def _ordered(self) -> list[list[int]]:
        """Return the numbers of the calls in runs: Python's and lowered ones in turn."""
        maker = {slot: number for number, call in enumerate(self._calls) for slot in call.outputs}
        waits = [{maker[slot] for slot in taken(call) if slot in maker} for call in self._calls]
        for number in self._loops:
            waits[number] |= {self._checks[slot] for slot in taken(self._calls[number]) if slot in self._checks}
        for number, before in self._once.items():
            waits[number].add(before)
        effects: set[int] = set()
        reads: set[int] = set()
        for number, call in enumerate(self._calls):
            if call.lasting:
                waits[number] |= effects | reads
                effects.add(number)
            elif _is_read(call):  # what an effect before it may have changed
                waits[number] |= effects
                reads.add(number)
        runs: list[list[int]] = []
        done: set[int] = set()
        left, compiled = list(range(len(self._calls))), False
        while left:
            run = []
            for number in left:
                if (number in self._loops) == compiled and waits[number] <= done:
                    run.append(number)
                    done.add(number)
            left = [number for number in left if number not in done]
            if run:
                runs.append(run)
            compiled = not compiled
        return runs

    # --- in which memory ----------------------------------------------------------------------

    def program(self) -> Program:
        """Return the calls as they are to run."""
        self._keep_views()
        runs = self._ordered()
        asked = {slot for result in self._results for slot in slots_in(result)}
        asked.update(slot for number, call in enumerate(self._calls) if number not in self._loops
                     for slot in taken(call))  # fmt: skip
        own = [slot for number in self._loops for slot in self._calls[number].outputs]
        asked.update(slot for number in self._once.values() for slot in self._calls[number].outputs)
        shown = [slot for slot in own if slot in asked and self._root(slot) in self._made]
        self._handed = {self._root(slot): slot for slot in shown}
        self._share([loop for run in runs for number in run for loop in self._loops.get(number, ())])
        calls: list[Call] = []
        for run in runs:
            if run[0] not in self._loops:
                calls += [self._calls[number] for number in run]
                continue
            once = [number for number in run if number in self._once.values()]
            for part, kind in (once, LastingSegment), ([number for number in run if number not in once], Segment):
                if any(self._loops[number] for number in part):
                    calls.append(self._segment(kind, part, [s for s in shown if self._by[self._root(s)] in part]))
        return Program(tuple(calls), 0 if self._arena is None else self._arena.nbytes)

    def _root(self, slot: Slot) -> int:
        return id(self._table.root(self._values[slot]))

    def _keep_views(self) -> None:
        """Leave to Python what only shows a part of Python's own arrays in another shape, if Python asks for it."""
        while True:
            asked = {slot for result in self._results for slot in slots_in(result)}
            asked.update(slot for number, call in enumerate(self._calls) if number not in self._loops
                         for slot in taken(call))  # fmt: skip
            views = [
                number
                for number in self._loops
                if any(slot in asked and self._root(slot) not in self._made for slot in self._calls[number].outputs)
            ]
            if not views:
                return
            for number in views:
                del self._loops[number]

    def _share(self, order: Sequence[Any]) -> None:
        """Place each root that is not handed out in one arena, so that those that are in use at once do not overlap."""
        lives: dict[int, list[int]] = {}
        sizes: dict[int, int] = {}
        for time, loop in enumerate(order):
            for held in map(self._table.root, loop.arrays):
                if id(held) in self._made and id(held) not in self._handed:
                    lives.setdefault(id(held), [time, time])[1] = time
                    sizes[id(held)] = -(-held.nbytes // ALIGNMENT) * ALIGNMENT
        offsets: dict[int, int] = {}
        for key in sorted(sizes, key=sizes.__getitem__, reverse=True):  # what is large has the choice
            begin, end = lives[key]
            beside = [other for other in offsets if lives[other][0] <= end and begin <= lives[other][1]]
            at = 0
            for other in sorted(beside, key=offsets.__getitem__):
                if at + sizes[key] <= offsets[other]:
                    break
                at = max(at, offsets[other] + sizes[other])
            offsets[key] = at
        if offsets:
            self._arena = np.empty(max(at + sizes[key] for key, at in offsets.items()) + ALIGNMENT, np.uint8)
            begin = -(-self._table.address(self._arena) // ALIGNMENT) * ALIGNMENT
            self._places = {key: begin + at for key, at in offsets.items()}

    def _segment(self, kind: type[Segment], run: Sequence[int], results: Sequence[Slot]) -> Call:
        """Return the call that runs the loops of some calls."""
        loops = [loop for number in run for loop in self._loops[number]]
        roots = list({self._root(slot): self._table.root(self._values[slot]) for slot in results}.values())
        made = {id(held): number for number, held in enumerate(roots)}
        inputs: dict[Slot, Array | None] = {}
        found: dict[int, tuple[Slot | None, int, int]] = {}
        for array in (array for loop in loops for array in loop.arrays):
            key, begin = id(self._table.root(array)), self._table.address(array)
            at = begin - self._table.address(self._table.root(array))
            if key in self._places:
                found[id(array)] = None, 0, self._places[key] + at
            elif key in made:
                found[id(array)] = None, 1 + made[key], at
            elif slot := self._handed.get(key) or self._slot_of(array):
                inputs[slot] = None if key in self._handed else self._values[slot]
                found[id(array)] = slot, 0, begin - self._table.address(self._values[slot])
            else:
                found[id(array)] = None, 0, begin  # a table
        numbers = {slot: number for number, slot in enumerate(inputs)}

        def locate(array: Array) -> tuple[int | None, int]:
            slot, own, at = found[id(array)]
            number = numbers[slot] if slot is not None else len(numbers) + own - 1 if own else None
            return number, at

        table = self._table.Table(loops, locate)
        views = [self._view(slot, made) for slot in results]
        parts = _Parts([(held.shape, held.dtype) for held in roots], views)
        segment = kind(table, list(inputs.values()), parts, self._arena)
        inner = tuple(self._calls[number] for number in run)
        return Call(
            segment, f"{len(table)} compiled loops{kind.condition}", tuple(inputs), outputs=tuple(results), inner=inner
        )

    def _view(self, slot: Slot, made: Mapping[int, int]) -> tuple[int, tuple[Any, ...] | None]:
        """Return which memory a result is in, and where; None where it is all of it."""
        y = self._values[slot]
        held = self._table.root(y)
        if (y.shape, y.dtype, y.strides) == (held.shape, held.dtype, held.strides):
            return made[id(held)], None
        return made[id(held)], (y.shape, y.dtype, self._table.address(y) - self._table.address(held), y.strides)


def _is_read(call: Call) -> bool:
    """Whether a call looks at a tensor or a module."""
    return any(isinstance(arg, Held) for arg in call.args)


def _check(call: Call, values: Mapping[Slot, Array]) -> Call:
    """Return the call that looks at another's integers."""
    shapes = [AbstractArray.of(values[arg]) if isinstance(arg, Slot) else arg for arg in call.args]
    names = [name for name, value in call.params.items() if isinstance(value, Slot)]

    def check(*integers: Array) -> None:
        cast("Callable[..., None]", call.static)(*shapes, **dict(zip(names, integers, strict=True)))

    taken = tuple(call.params[name] for name in names)
    return Call(check, f"check of {call.name}", taken, lasting=True, origin=call.origin)


def _on(call: Call, operands: Sequence[Slot]) -> Callable[..., Any]:
    """Return a call as a function of its operands."""

    def function(*arrays: Array) -> Any:
        known = dict(zip(operands, arrays, strict=True))

        def filled(value: Any) -> Any:
            if isinstance(value, Slot):
                return known[value]
            if isinstance(value, Constant):
                return value.value
            if type(value) in {tuple, list}:
                return type(value)(map(filled, value))
            return {key: filled(each) for key, each in value.items()} if type(value) is dict else value

        return call.function(*map(filled, call.args), **filled(call.params))

    return function
