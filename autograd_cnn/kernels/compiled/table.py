"""Loops of a function, recorded, and run again without it: a table that one compiled loop goes through.

What a kernel does between its loops is Python: it looks at shapes, allocates memory, finds tables of offsets. None of
that depends on the values, so it need not be done again for other values of the same shapes. `record` makes a call and
returns its loops, if they are all that it does; a `Table` runs the loops of many calls, in memory of its own.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import numba
import numpy as np

from autograd_cnn.kernels.backend import RECORDING
from autograd_cnn.kernels.compiled.caching import Cache
from autograd_cnn.kernels.compiled.llvm import address_of
from autograd_cnn.kernels.compiled.parallel import (
    Loop,
    _call,
    _spread,
    _ticks,
    address,
    copyto,
    recording,
    root,
)
from autograd_cnn.kernels.compiled.threads import team
from autograd_cnn.kernels.windows import Array

POISON: Final = 0xFF  # bytes that make NaN of a float and -1 of an integer


# --- one call ---------------------------------------------------------------------------------


class Row(NamedTuple):
    """A loop as a row of a table.

    Attributes
    ----------
    name : str
        The function's.
    unpack : int
        The address of the function that takes jobs and the address of the rest.
    address, jobs, pieces, sizes
        As a `Loop` has them.
    arrays : tuple
        Arrays, or what has their ``size``, ``itemsize``, ``shape`` and ``strides``.
    """

    name: str
    unpack: int
    address: int
    jobs: int
    pieces: int
    sizes: tuple[Any, ...]
    arrays: tuple[Any, ...]

    @classmethod
    def of(cls, loop: Loop) -> "Row":
        """Return a loop's row."""
        unpack = int(loop.run(loop.address, loop.jobs, -1, loop.sizes, loop.arrays))
        return cls(loop.name, unpack, loop.address, loop.jobs, loop.pieces, loop.sizes, loop.arrays)


class Recorded(NamedTuple):
    """A call as loops.

    Attributes
    ----------
    loops : list of Row
    results : tuple of array
        What the call returned; loops write into their memory, or it is an operand's.
    fresh : list of array
        The memory that the call has allocated, for the loops to write into.
    once : list of Row
        Those that need not run again while what lasts is the same, before the others.
    filled : list of array
        The memory that these fill.
    """

    loops: list[Row]
    results: tuple[Array, ...]
    fresh: list[Array]
    once: list[Row]
    filled: list[Array]


class _Run(NamedTuple):
    """A call that was made, and what the memory held that its loops met."""

    loops: list[Loop]
    results: tuple[Any, ...]
    roots: dict[int, Array]
    before: dict[int, Array]  # of the roots that the call has made
    writeable: dict[int, bool]


def record(call: Callable[..., Any], operands: Sequence[Array], lasting: Collection[int] = ()) -> Recorded | None:
    """Return a call's loops; None if it does anything else to values, or may do so.

    It is made twice, on other values, and its loops are then run by themselves in memory full of NaN. What they read
    has to be an operand, written by them, or the same in both calls; their results have to be those of the call.

    Parameters
    ----------
    call : callable
        A function of the operands that looks at their shapes and dtypes alone.
    operands : sequence of array
    lasting : collection of int
        The identities of roots that hold the same in most runs, such as weights.
    """
    others = {id(held): _other(held) for held in map(root, operands)}
    try:
        with np.errstate(all="ignore"):  # such numbers may be none that the call is made for
            first = _made(call, operands)
            second = _made(call, [_in_place_of(x, others[id(root(x))]) for x in operands])
    except ValueError:
        return None  # it does look at values
    if not all(type(size) is int for loop in first.loops for size in _flat_sizes(loop.sizes)):
        return None
    if not _same_loops(first, second) or not all(type(y) is np.ndarray for y in first.results):
        return None
    memory = _memory(first, second)
    if memory is None or not _agree(second, memory):
        return None
    roots = list(first.roots.values())
    for number, held in list(memory.items()):
        if _are_offsets(roots[number]) or (held is not None and held.tobytes() == roots[number].tobytes()):
            continue  # what loops have left as it was they read, if only to compare it with something
        less = memory | {number: None}
        if _agree(second, less):
            memory = less
    known = {id(root(x)) for x in operands} | {id(roots[i]) for i in memory}
    if not all(id(root(y)) in known for y in first.results):
        return None
    fills = [_fill(roots[i], held) for i, held in memory.items() if held is not None]
    loops, fresh = [*fills, *first.loops], [roots[i] for i in memory]
    once, filled, loops = (
        _split(loops, fresh, {id(root(x)) for x in operands} - {*lasting}) if lasting else ([], [], loops)
    )
    return Recorded(list(map(Row.of, loops)), first.results, fresh, list(map(Row.of, once)), filled)


def _memory(first: _Run, second: _Run) -> dict[int, Array | None] | None:
    """Return which roots two calls have made to write into, by number, and what both held at first, if it was the same.

    None if loops met anything else that differed.
    """
    memory: dict[int, Array | None] = {}
    for number, (one, other) in enumerate(zip(first.roots, second.roots, strict=True)):
        held, was, also_was = first.roots[one], first.before.get(one), second.before.get(other)
        if was is None or also_was is None:
            if was is not also_was:
                return None
            continue  # an operand
        if held is second.roots[other]:
            continue  # a table that is kept
        same = was.tobytes() == also_was.tobytes() and held.flags.c_contiguous
        if not same and (_are_offsets(held) or not first.writeable[one]):
            return None
        if first.writeable[one]:
            memory[number] = was if same else None
    return memory


def _are_offsets(held: Array) -> bool:
    """Whether loops must only run with the numbers as they are."""
    return held.dtype.kind in "iu" and held.itemsize > 1


def _made(call: Callable[..., Any], operands: Sequence[Array]) -> _Run:
    """Make a call, and return its loops."""
    noted = _Noted({id(root(x)) for x in operands})
    with _recorded(noted):
        results = call(*operands)
    results = results if isinstance(results, tuple) else (results,)
    for y in filter(lambda y: isinstance(y, np.ndarray), results):
        noted.roots.setdefault(id(root(y)), root(y))
    return _Run(list(noted), results, noted.roots, noted.before, noted.writeable)


class _Noted(list[Loop]):
    """Loops, with what memory held before the first of them that met it."""

    def __init__(self, operands: set[int]) -> None:
        self.roots: dict[int, Array] = {}
        self.before: dict[int, Array] = {}
        self.writeable: dict[int, bool] = {}
        self._operands = operands

    def append(self, loop: Loop) -> None:
        """Add a loop that is about to run."""
        for array in loop.arrays:
            held = root(array)
            if id(held) not in self.roots:
                self.roots[id(held)] = held
                if id(held) not in self._operands:
                    self.before[id(held)] = held.copy()
                    self.writeable[id(held)] = array.flags.writeable
        super().append(loop)


@contextmanager
def _recorded(loops: list[Loop]) -> Iterator[None]:
    token = recording.set(loops)
    RECORDING.append(loops)
    try:
        yield
    finally:
        RECORDING.remove(loops)
        recording.reset(token)


def _other(x: Array) -> Array:
    """Return an array with other values."""
    if x.dtype.kind == "f":
        return -random(x.shape, x.dtype)
    other = np.roll(x, 1, axis=0)
    if x.ndim == 1 and (other == x).all():
        other[...] = 0 if x.any() else 1
    return other


_RANDOM: Final = np.random.default_rng(0).standard_normal(4093)  # a prime number of them, so that rows differ


def random(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an array of any numbers."""
    return np.resize(_RANDOM.astype(dtype), shape)


def _in_place_of(x: Array, other: Array) -> Array:
    """Return the part of another root that an operand is of its own."""
    held = root(x)
    return other if x is held else np.ndarray(x.shape, x.dtype, other, address(x) - address(held), x.strides)


def _same_loops(first: _Run, second: _Run) -> bool:
    """Whether two calls ran the same loops, on memory that they have shared out in the same way."""
    numbers = [{key: i for i, key in enumerate(run.roots)} for run in (first, second)]

    def described(run: _Run, number: dict[int, int]) -> Any:
        arrays = [array for loop in run.loops for array in loop.arrays]
        arrays += [y for y in run.results if isinstance(y, np.ndarray)]
        where = [(number[id(root(a))], address(a) - address(root(a)), a.shape, a.strides, a.dtype) for a in arrays]
        return [(loop.address, loop.jobs, loop.pieces, loop.sizes) for loop in run.loops], where

    return len(first.roots) == len(second.roots) and described(first, numbers[0]) == described(second, numbers[1])


def _agree(run: _Run, memory: dict[int, Array | None]) -> bool:
    """Whether the loops alone, in memory that holds what is said at first, or poison, give the results of the call."""
    roots = list(run.roots.values())
    fresh = {id(roots[i]): np.full(roots[i].nbytes, POISON, np.uint8) for i in memory}
    for i, held in memory.items():
        if held is not None:
            fresh[id(roots[i])][:] = _bytes(held)

    def moved(array: Array) -> Array:
        held = root(array)
        memory = fresh.get(id(held))
        if memory is None:
            return array
        view: Array = np.ndarray(array.shape, array.dtype, memory, address(array) - address(held), array.strides)
        view.flags.writeable = array.flags.writeable
        return view

    for loop in run.loops:
        loop.run(loop.address, loop.jobs, 1, loop.sizes, tuple(map(moved, loop.arrays)))
    return all(moved(y).tobytes() == y.tobytes() for y in run.results)


def _split(
    loops: Sequence[Loop], fresh: Sequence[Array], changing: set[int]
) -> tuple[list[Loop], list[Array], list[Loop]]:
    """Return the loops that meet nothing that changes, the memory that they fill for the others, and the others.

    Which memory the others leave as it is, they don't say. So all run once more, and what the others have changed is
    not left to those that run once.
    """
    theirs = set(changing)
    while True:
        once, others = _apart(loops, theirs)
        met = {id(root(array)) for loop in once for array in loop.arrays}
        filled = [held for held in fresh if id(held) in met]
        for held in filled:
            _bytes(held)[:] = POISON
        _again(once)
        before = [held.tobytes() for held in filled]
        _again(others)
        changed = {id(held) for held, bits in zip(filled, before, strict=True) if held.tobytes() != bits}
        if not changed:
            return once, filled, others
        theirs |= changed


def _apart(loops: Sequence[Loop], theirs: set[int]) -> tuple[list[Loop], list[Loop]]:
    """Return the loops that meet none of some roots, nor what a loop before them may have made of these; and the others."""
    once, others, made = [], [], set(theirs)
    for loop in loops:
        roots = {id(root(array)) for array in loop.arrays}
        if made.isdisjoint(roots):
            once.append(loop)
        else:
            others.append(loop)
            made |= {id(root(array)) for array in loop.arrays if array.flags.writeable}
    return once, others


def _again(loops: Sequence[Loop]) -> None:
    for loop in loops:
        loop.run(loop.address, loop.jobs, 1, loop.sizes, loop.arrays)


def _bytes(held: Array) -> Array:
    return np.ndarray(held.nbytes, np.uint8, held)


def _fill(held: Array, before: Array) -> Loop:
    """Return the loop that lets memory hold what it held before."""
    before = before.reshape(-1)
    bits = before.view(f"u{before.itemsize}")
    loops: list[Loop] = []
    with _recorded(loops):  # into other memory, as this one holds results by now
        copyto(np.empty_like(before), before[:1].copy() if (bits == bits[0]).all() else before)
    return loops[0]._replace(arrays=(loops[0].arrays[0], held.reshape(-1)))


def _flat_sizes(sizes: tuple[Any, ...]) -> list[int]:
    """Return integers, and those of tuples among them, in the order in which they lie in memory."""
    return [n for each in sizes for n in (_flat_sizes(each) if isinstance(each, tuple) else [each])]


# --- many calls -------------------------------------------------------------------------------


class Table:
    """Loops with their arguments written down, to be run one after the other.

    Parameters
    ----------
    loops : sequence of Row
    locate : (array) -> (int or None, int)
        Where an array of the loops begins in each run: in which of the arrays that are passed then, and at which byte
        of it; or at which address.
    """

    def __init__(self, loops: Sequence[Row], locate: Callable[[Any], tuple[int | None, int]]) -> None:
        words: list[int] = []
        rows, patches = [], []
        for loop in loops:
            begin = len(words)
            words += [loop.address, *_flat_sizes(loop.sizes)]
            for array in loop.arrays:
                number, at = locate(array)
                if number is not None:
                    patches.append((len(words) + 4, number, at))
                # As Numba has it: two owners, which here are others than Numba's, and then what it knows of an array.
                words += [0, 0, array.size, array.itemsize, at, *array.shape, *array.strides]
            rows.append((loop.unpack, loop.jobs, loop.pieces, begin))
        self._words = np.array(words, np.int64)
        self._rows = np.array(rows, np.int64).reshape(-1, 4)
        self._rows[:, 3] = address(self._words) + 8 * self._rows[:, 3]
        self._patches = np.array(patches, np.int64).reshape(-1, 3)
        self._go = _go.compile(tuple(map(numba.typeof, (self._rows, self._words, self._patches, self._rows[0], True))))

    def __len__(self) -> int:
        return len(self._rows)

    def __call__(self, arrays: Sequence[Array]) -> None:
        """Run the loops; the arrays are as `locate` has them, contiguous or of the loops' making."""
        ids = np.array([id(array) for array in arrays], np.int64)
        together = team.join()
        share = 1.0
        try:
            share = self._go(self._rows, self._words, self._patches, ids, together)
        finally:
            if together:
                team.go(share)


def _go_on(rows: Any, words: Any, patches: Any, ids: Any, together: bool) -> float:
    """Run a table's loops, on all threads if ``together``; return the share of the time that one would have taken."""
    for k in range(len(patches)):
        words[patches[k, 0]] = address_of(ids[patches[k, 1]]) + patches[k, 2]
    began, lost = _ticks(), 0.0
    for k in range(len(rows)):
        function, jobs, pieces, arguments = rows[k]
        if together and pieces > 1:
            before = _ticks()
            share = _spread(function, jobs, pieces, arguments)
            lost += (_ticks() - before) * (1 - share)
        else:
            _call(function, 0, jobs, arguments)
    took = _ticks() - began
    return 1 - lost / took if took > 0 else 1.0


_go: Final = numba.njit(nogil=True)(_go_on)
_go._cache = Cache(_go_on)  # noqa: SLF001  # as in `parallel`
