"""Recorded calls as compiled loops: the part of a plan that runs without Python.

A call is lowered if its primitive is ``static`` and its kernel consists only of compiled loops: its loops are written
into a table. Intermediate results of such calls live in one arena, whose memory is reused as soon as its contents are
no longer needed. Other calls are made as before, between the tables. There are as few tables as possible, because a
call waits until nothing else can be done without it.

Without side effects, as in inference, weights are the same in most runs. Then the loops that work on weights alone,
such as packing, form a separate segment, which runs only when the weights have changed.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple, cast

import numpy as np

from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.node import Array
from autograd_cnn.engine.trace import Call, Held, Slot, Trace, resolved, slots_in, taken, value_of
from autograd_cnn.kernels import current_backend
from autograd_cnn.plans.memory import ALIGNMENT, Block, Lifetime, View, place
from autograd_cnn.plans.segment import LastingSegment, Parts, Segment

_TABLE: Final = "autograd_cnn.kernels.compiled.table"


class Program(NamedTuple):
    """The calls of a plan, merged into segments where possible.

    Attributes
    ----------
    calls : tuple of Call
        Some of them run a `Segment`.
    arena : int
        The size in bytes of the arena that the segments share.
    lifetimes : tuple of Lifetime
        What they store there.
    """

    calls: tuple[Call, ...]
    arena: int
    lifetimes: tuple[Lifetime, ...]


def lowered(calls: Sequence[Call], trace: Trace, results: Sequence[Any]) -> Program:
    """Return the calls rewritten to segments and the remaining calls.

    Parameters
    ----------
    calls : sequence of Call
    trace : Trace
        The trace that has recorded the calls.
    results : sequence
        The results that are needed.
    """
    if current_backend() != "jit":
        return Program(tuple(calls), 0, ())
    return _Lowering(calls, trace, results, import_module(_TABLE)).program()


class _Lowering:
    def __init__(self, calls: Sequence[Call], trace: Trace, results: Sequence[Any], table: Any) -> None:
        self._table = table
        self._trace = trace
        self._views: dict[Slot, View] = {}
        self._calls: list[Call] = []
        self._results = results
        self._loops: dict[int, list[Any]] = {}  # by the number of a lowered call
        self._checks: dict[Slot, int] = {}  # which call checks integers
        self._lasting: set[Block] = set()  # what is the same in most runs
        self._once: dict[int, int] = {}  # which call, before another, computes its lasting memory
        self._safe = set(trace.arguments)  # slots whose shapes follow from those of the arguments
        self._shown: dict[Block, Slot] = {}  # blocks that others than loops need, with one of the slots in it
        self._arena: Array | None = None
        self._lifetimes: tuple[Lifetime, ...] = ()
        for slot in self._safe:
            self._note(slot)
        lasting = not any(call.lasting for call in calls)
        for call in calls:
            if not self._lower(call):
                for slot in call.outputs:
                    self._note(slot)
                    if lasting and _held(call) and slot in self._views:
                        self._lasting.add(self._views[slot].block)
            self._calls.append(call)

    # --- which calls are loops ----------------------------------------------------------------

    def _note(self, slot: Slot) -> None:
        """Register an array of Python's if it is contiguous: for other inputs, NumPy may return another layout."""
        value = self._trace.values.get(slot)
        if not isinstance(value, (np.ndarray, AbstractArray)) or slot in self._trace.strided:
            return
        values = np.array(value, order="C") if isinstance(value, np.ndarray) else None
        self._views[slot] = View.of(Block(value.shape, value.dtype, values, slot=slot))

    def _lower(self, call: Call) -> bool:
        """Record a call's loops, and return whether it consists of nothing else."""
        operands = list(dict.fromkeys(taken(call)))
        if not call.static:
            follows = not _held(call) and not slots_in(call.params) and self._safe.issuperset(operands)  # from shapes
            if call.lasting or call.function in {value_of, getattr} or follows:  # a plan checks their dtypes
                self._safe.update(call.outputs)
            return False
        if not self._safe.issuperset(operands):
            return False
        self._safe.update(call.outputs)
        if not self._views.keys() >= set(operands):
            return False
        views = [self._views[slot] for slot in operands]
        unseen = [s for s, x in zip(operands, views, strict=True) if x.dtype.kind != "f" and not self._is_known(s)]
        if unseen and not callable(call.static):
            return False
        blocks: dict[int, Block] = {}
        arrays = self._filled(views, blocks)
        lasting = {
            id(self._table.root(x)) for x, view in zip(arrays, views, strict=True) if view.block in self._lasting
        }
        recorded = self._table.record(_on(call, operands), arrays, () if unseen else lasting)
        if recorded is None or len(recorded.results) != len(call.outputs):
            return False
        number = len(self._calls) + bool(unseen) + bool(recorded.once)
        for held in recorded.fresh:
            blocks[id(held)] = Block(held.shape, held.dtype, None if held.dtype.kind == "f" else held, by=number)

        def view(array: Array) -> View:
            held = self._table.root(array)
            block = blocks.setdefault(id(held), Block(held.shape, held.dtype, held))  # a table
            at = self._table.address(array) - self._table.address(held)
            return View(block, at, array.shape, array.strides, array.dtype)

        def rows(loops: Sequence[Any]) -> list[Any]:
            return [loop._replace(arrays=tuple(map(view, loop.arrays))) for loop in loops]

        if unseen:
            self._checks.update(dict.fromkeys(unseen, len(self._calls)))
            self._calls.append(_check(call, self._views))
        if recorded.once:
            self._add_once(call, operands, rows(recorded.once), list(map(view, recorded.filled)))
        self._loops[number] = rows(recorded.loops)
        self._views.update(zip(call.outputs, map(view, recorded.results), strict=True))
        return True

    def _add_once(self, call: Call, operands: Sequence[Slot], loops: list[Any], filled: Sequence[View]) -> None:
        """Add a call before another, for those of its loops that work only on lasting memory."""
        number, first = len(self._calls), 1 + max(slot.number for slot in (*self._trace.values, *self._views))
        slots = tuple(Slot(first + i) for i in range(len(filled)))
        taken = tuple(slot for slot in operands if self._views[slot].block in self._lasting)
        self._calls.append(Call(call.function, f"{call.name}, what lasts", taken, outputs=slots, origin=call.origin))
        self._loops[number] = loops
        self._once[number + 1] = number
        self._views.update(zip(slots, filled, strict=True))
        for view in filled:
            view.block.by = number
            self._lasting.add(view.block)

    def _filled(self, views: Sequence[View], blocks: dict[int, Block]) -> list[Array]:
        """Return arrays with the layouts of the views, and the block of each of their bases."""
        held: dict[Block, Array] = {}
        for block in dict.fromkeys(view.block for view in views):
            values = block.values
            values = self._table.random(block.shape, block.dtype) if values is None else values
            held[block] = values
            blocks[id(self._table.root(values))] = block
        return [
            held[v.block] if v.is_whole else np.ndarray(v.shape, v.dtype, held[v.block], v.offset, v.strides)
            for v in views
        ]

    def _is_known(self, slot: Slot) -> bool:
        """Whether integers or bools come from a lowered call, or have been checked."""
        return slot in self._checks or self._views[slot].block.by is not None

    # --- in which order -----------------------------------------------------------------------

    def _ordered(self) -> list[list[int]]:
        """Return the numbers of the calls in alternating runs of Python's calls and lowered ones."""
        maker = {slot: number for number, call in enumerate(self._calls) for slot in call.outputs}
        waits = [{maker[slot] for slot in taken(call) if slot in maker} for call in self._calls]
        for number in self._loops:
            waits[number] |= {self._checks[slot] for slot in taken(self._calls[number]) if slot in self._checks}
        for number, before in self._once.items():
            waits[number].add(before)
        outside = [
            (number, _Touched.by(call)) for number, call in enumerate(self._calls) if call.lasting or _held(call)
        ]
        for position, (number, touched) in enumerate(outside):
            waits[number] |= {before for before, other in outside[:position] if touched.needs_order(other)}
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
        """Return the calls in the form in which they run."""
        self._keep_views()
        runs, asked = self._ordered(), self._asked()
        asked.update(slot for number in self._once.values() for slot in self._calls[number].outputs)
        own = [slot for number in self._loops for slot in self._calls[number].outputs]
        shown = [slot for slot in own if slot in asked and self._views[slot].block.by is not None]
        self._shown = {self._views[slot].block: slot for slot in shown}
        self._share([loop for run in runs for number in run for loop in self._loops.get(number, ())])
        calls: list[Call] = []
        for run in runs:
            if run[0] not in self._loops:
                calls += [self._calls[number] for number in run]
                continue
            once = [number for number in run if number in self._once.values()]
            for part, kind in (once, LastingSegment), ([number for number in run if number not in once], Segment):
                if any(self._loops[number] for number in part):
                    calls.append(self._segment(kind, part, [s for s in shown if self._views[s].block.by in part]))
        return Program(tuple(calls), 0 if self._arena is None else self._arena.nbytes, self._lifetimes)

    def _asked(self) -> set[Slot]:
        """Return the slots that Python needs."""
        asked = {slot for result in self._results for slot in slots_in(result)}
        asked.update(slot for number, call in enumerate(self._calls) if number not in self._loops
                     for slot in taken(call))  # fmt: skip
        return asked

    def _keep_views(self) -> None:
        """Leave views of Python's own arrays to Python, if Python needs them."""
        while True:
            asked = self._asked()
            views = [
                number
                for number in self._loops
                if any(slot in asked and self._views[slot].block.by is None for slot in self._calls[number].outputs)
            ]
            if not views:
                return
            for number in views:
                del self._loops[number]

    def _share(self, order: Sequence[Any]) -> None:
        """Place each internal block in one arena, which all segments use."""
        lives: dict[Block, tuple[int, int]] = {}
        for time, loop in enumerate(order):
            for block in (view.block for view in loop.arrays):
                if block.by is not None and block not in self._shown:
                    lives[block] = lives.get(block, (time, time))[0], time
        size = place(lives)
        self._lifetimes = tuple(
            Lifetime(self._calls[block.by or 0].name, first, last, block.at or 0, block.nbytes)
            for block, (first, last) in lives.items()
        )
        if lives:
            self._arena = np.empty(size + ALIGNMENT, np.uint8)
            begin = -(-self._table.address(self._arena) // ALIGNMENT) * ALIGNMENT
            for block in lives:
                block.at = begin + (block.at or 0)

    def _segment(self, kind: type[Segment], run: Sequence[int], results: Sequence[Slot]) -> Call:
        """Return the call that runs the loops of some calls."""
        loops = [loop for number in run for loop in self._loops[number]]
        roots = {block: i for i, block in enumerate(dict.fromkeys(self._views[slot].block for slot in results))}
        read = [view.block for loop in loops for view in loop.arrays if view.block not in roots]
        inputs = {slot: i for i, slot in enumerate(dict.fromkeys(filter(None, map(self._slot_of, read))))}
        tables = [block.values for block in dict.fromkeys(read) if block.by is None and block.slot is None]

        def locate(view: View) -> tuple[int | None, int]:
            block, slot = view.block, self._slot_of(view.block)
            if block.at is not None:
                return None, block.at + view.offset
            if block in roots:
                return len(inputs) + roots[block], view.offset
            if slot is not None:
                return inputs[slot], view.offset - self._views[slot].offset
            return None, self._table.address(block.values) + view.offset

        table = self._table.Table(loops, locate)
        passed = [self._views[slot] for slot in inputs]
        kinds = [(view.shape, view.dtype) if view.block.by is None else None for view in passed]
        parts = Parts([(block.shape, block.dtype) for block in roots], [self._part(slot, roots) for slot in results])
        segment = kind(table, kinds, parts, self._arena, tables)
        inner = tuple(self._calls[number] for number in run)
        return Call(
            segment, f"{len(table)} compiled loops{kind.condition}", tuple(inputs), outputs=tuple(results), inner=inner
        )

    def _slot_of(self, block: Block) -> Slot | None:
        """Return the slot by which a block is passed to segments that have not made it."""
        return self._shown.get(block) or block.slot

    def _part(self, slot: Slot, roots: Mapping[Block, int]) -> tuple[int, tuple[Any, ...] | None]:
        """Return the block that holds a result, and the part of it; None for all of it."""
        y = self._views[slot]
        return roots[y.block], None if y.is_whole else (y.shape, y.dtype, y.offset, y.strides)


class _Touched(NamedTuple):
    """The objects that a Python call changes and reads, by identity; None if it may change anything."""

    changed: frozenset[int] | None
    seen: frozenset[int]

    @classmethod
    def by(cls, call: Call) -> "_Touched":
        """Return what a call changes and reads."""
        changed = None if call.changes is None else frozenset(map(id, call.changes))
        return cls(changed, frozenset(map(id, _held(call))))

    def needs_order(self, before: "_Touched") -> bool:
        """Whether the call must stay after an earlier one."""
        if self.changed is None or before.changed is None:
            return True
        return not (self.changed.isdisjoint(before.changed | before.seen) and self.seen.isdisjoint(before.changed))


def _held(call: Call) -> list[Any]:
    """Return the objects that a call reads."""
    held = [arg.value for arg in call.args if isinstance(arg, Held)]
    return [each for value in held for each in (value if isinstance(value, tuple) else (value,))]


def _check(call: Call, views: Mapping[Slot, View]) -> Call:
    """Return a call that checks another call's integers."""
    shapes = [AbstractArray(views[arg].shape, views[arg].dtype) if isinstance(arg, Slot) else arg for arg in call.args]
    names = [name for name, value in call.params.items() if isinstance(value, Slot)]

    def check(*integers: Array) -> None:
        cast("Callable[..., None]", call.static)(*shapes, **dict(zip(names, integers, strict=True)))

    taken = tuple(call.params[name] for name in names)
    return Call(check, f"check of {call.name}", taken, lasting=True, changes=(), origin=call.origin)


def _on(call: Call, operands: Sequence[Slot]) -> Callable[..., Any]:
    """Return a call as a function of its operands."""

    def function(*arrays: Array) -> Any:
        known = dict(zip(operands, arrays, strict=True))
        return call.function(*resolved(call.args, known), **resolved(call.params, known))

    return function
