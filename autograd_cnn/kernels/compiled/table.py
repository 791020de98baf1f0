"""Recorded loops of kernels, replayed without Python: a table that one compiled loop runs through.

Between its loops a kernel runs Python: it looks at shapes, allocates memory, looks up tables of offsets. None of that
depends on the values, so it need not be repeated for other values of the same shapes. `record` makes a call and returns
its loops, if the call does nothing else; a `Table` runs the loops of many calls, in its own memory.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import numba
import numpy as np

from autograd_cnn.errors import sentence
from autograd_cnn.kernels.backend import RECORDING
from autograd_cnn.kernels.compiled.caching import Cache
from autograd_cnn.kernels.compiled.llvm import address_of
from autograd_cnn.kernels.compiled.parallel import (
    Loop,
    _call,
    _raise,
    _run_parallel,
    _ticks,
    address,
    copyto,
    recording,
    root,
)
from autograd_cnn.kernels.compiled.threads import team
from autograd_cnn.kernels.windows import Array

POISON: Final = 0xFF  # a byte that is NaN in floats and -1 in integers


# --- one call ---------------------------------------------------------------------------------


class Row(NamedTuple):
    """A loop as a row of a table.

    Attributes
    ----------
    name : str
        The function's name.
    unpack : int
        The address of the function that takes jobs and the address of the other arguments.
    address, jobs, pieces, sizes
        As in a `Loop`.
    arrays : tuple
        Arrays, or objects with their ``size``, ``itemsize``, ``shape`` and ``strides``.
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
        The call's results; the loops write their memory, or it is an operand's.
    fresh : list of array
        The memory that the call allocated for the loops to write into.
    once : list of Row
        Loops that run before the others, and only again when one of the lasting operands has changed.
    filled : list of array
        The memory that these fill.
    """

    loops: list[Row]
    results: tuple[Array, ...]
    fresh: list[Array]
    once: list[Row]
    filled: list[Array]


class _Run(NamedTuple):
    """The record of a call: its loops, and the initial contents of the memory that they use."""

    loops: list[Loop]
    results: tuple[Any, ...]
    roots: dict[int, Array]
    before: dict[int, Array]  # of the roots that the call has allocated
    writeable: dict[int, bool]


def record(call: Callable[..., Any], operands: Sequence[Array], lasting: Collection[int] = ()) -> Recorded | None:
    """Return a call's loops; None if it does, or may do, anything else with values.

    The call is made twice, on different values; then only its loops are run, in memory full of NaN. Everything that
    they read must be an operand, written by them, or the same in both calls; their results must be the call's.

    Parameters
    ----------
    call : callable
        A function of the operands that, apart from its loops, looks only at their shapes and dtypes.
    operands : sequence of array
    lasting : collection of int
        The ids of roots that are the same in most runs, such as weights.
    """
    others = {id(held): _different(held) for held in map(root, operands)}
    try:
        with np.errstate(all="ignore"):  # the other values may be outside the call's domain
            first = _run_call(call, operands)
            second = _run_call(call, [_same_view(x, others[id(root(x))]) for x in operands])
    except ValueError:
        return None  # it looks at values
    if not all(type(size) is int for loop in first.loops for size in _flat_sizes(loop.sizes)):
        return None
    if not _same_loops(first, second) or not all(type(y) is np.ndarray for y in first.results):
        return None
    memory = _memory(first, second)
    first.before.clear()
    second.before.clear()
    if memory is None or not _reproduces(second, memory):
        return None
    roots = list(first.roots.values())
    for number, held in list(memory.items()):
        if _are_offsets(roots[number]) or (held is not None and _same_bits(held, roots[number])):
            continue  # memory that the loops left unchanged may be read by them
        less = memory | {number: None}
        if _reproduces(second, less):
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
    """Return the roots that two calls have allocated for writing, by number, with their contents if these were equal.

    None if the loops used anything else that differed.
    """
    memory: dict[int, Array | None] = {}
    for number, (one, other) in enumerate(zip(first.roots, second.roots, strict=True)):
        held, was, also_was = first.roots[one], first.before.get(one), second.before.get(other)
        if was is None or also_was is None:
            if was is not also_was:
                return None
            continue  # an operand
        if held is second.roots[other]:
            continue  # a cached table
        same = held.flags.c_contiguous and _same_bits(was, also_was)
        if not same and (_are_offsets(held) or not first.writeable[one]):
            return None
        if first.writeable[one]:
            memory[number] = was if same else None
    return memory


def _are_offsets(held: Array) -> bool:
    """Whether an array may hold offsets, so that running a loop with other numbers would be unsafe."""
    return held.dtype.kind in "iu" and held.itemsize > 1


def _run_call(call: Callable[..., Any], operands: Sequence[Array]) -> _Run:
    """Make a call, and return its record."""
    recorder = _Recorder({id(root(x)) for x in operands})
    with _recorded(recorder):
        results = call(*operands)
    results = results if isinstance(results, tuple) else (results,)
    for y in filter(lambda y: isinstance(y, np.ndarray), results):
        recorder.roots.setdefault(id(root(y)), root(y))
    return _Run(list(recorder), results, recorder.roots, recorder.before, recorder.writeable)


class _Recorder(list[Loop]):
    """A list of loops that copies the memory of each root before the first loop that uses it."""

    def __init__(self, operands: set[int]) -> None:
        self.roots: dict[int, Array] = {}
        self.before: dict[int, Array] = {}
        self.writeable: dict[int, bool] = {}
        self._operands = operands

    def append(self, loop: Loop) -> None:
        """Append a loop that is about to run."""
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
        del RECORDING[next(i for i, each in enumerate(RECORDING) if each is loops)]  # not another one that is equal
        recording.reset(token)


def _different(x: Array) -> Array:
    """Return an array with other values."""
    if x.dtype.kind == "f":
        return random(x.shape, x.dtype, sign=-1)
    other = np.roll(x, 1, axis=0)
    if x.ndim == 1 and (other == x).all():
        other[...] = 0 if x.any() else 1
    return other


_RANDOM: Final = np.random.default_rng(0).standard_normal(4093)  # a prime number of samples, so that rows differ


def random(shape: tuple[int, ...], dtype: Any, sign: int = 1) -> Array:
    """Return an array of arbitrary numbers."""
    return np.resize((sign * _RANDOM).astype(dtype), shape)


def _same_view(x: Array, other: Array) -> Array:
    """Return the view of another root that corresponds to an operand's view of its own root."""
    held = root(x)
    return other if x is held else np.ndarray(x.shape, x.dtype, other, address(x) - address(held), x.strides)


def _same_loops(first: _Run, second: _Run) -> bool:
    """Whether two calls ran the same loops on the same layout of memory."""
    numbers = [{key: i for i, key in enumerate(run.roots)} for run in (first, second)]

    def described(run: _Run, number: dict[int, int]) -> Any:
        arrays = [array for loop in run.loops for array in loop.arrays]
        arrays += [y for y in run.results if isinstance(y, np.ndarray)]
        where = [(number[id(root(a))], address(a) - address(root(a)), a.shape, a.strides, a.dtype) for a in arrays]
        return [(loop.address, loop.jobs, loop.pieces, loop.sizes) for loop in run.loops], where

    return len(first.roots) == len(second.roots) and described(first, numbers[0]) == described(second, numbers[1])


def _reproduces(run: _Run, memory: dict[int, Array | None]) -> bool:
    """Whether the loops alone give the call's results, in memory with these initial contents, or poison for None."""
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
    return all(_same_bits(moved(y), y) for y in run.results)


def _same_bits(a: Array, b: Array) -> bool:
    """Whether two arrays hold the same to the last bit; compared without copies, as they may be large."""
    return a.shape == b.shape and bool((_integers(a) == _integers(b)).all())


def _integers(x: Array) -> Array:
    return x.view(f"u{x.itemsize}") if x.itemsize <= 8 else x  # bytes of the largest integers


def _split(
    loops: Sequence[Loop], fresh: Sequence[Array], changing: set[int]
) -> tuple[list[Loop], list[Array], list[Loop]]:
    """Return the loops that use nothing that changes, the memory that they fill for the others, and the others.

    Loops do not declare which memory they leave unchanged. So all run once more, and loops that fill memory which the
    others have changed are moved to the others.
    """
    changing_roots = set(changing)
    while True:
        once, others = _partition(loops, changing_roots)
        met = {id(root(array)) for loop in once for array in loop.arrays}
        filled = [held for held in fresh if id(held) in met]
        for held in filled:
            _bytes(held)[:] = POISON
        _rerun(once)
        before = [held.tobytes() for held in filled]
        _rerun(others)
        changed = {id(held) for held, bits in zip(filled, before, strict=True) if held.tobytes() != bits}
        if not changed:
            return once, filled, others
        changing_roots |= changed


def _partition(loops: Sequence[Loop], changing_roots: set[int]) -> tuple[list[Loop], list[Loop]]:
    """Return the loops that depend on none of these roots, directly or through earlier loops; and the others."""
    once, others, made = [], [], set(changing_roots)
    for loop in loops:
        roots = {id(root(array)) for array in loop.arrays}
        if made.isdisjoint(roots):
            once.append(loop)
        else:
            others.append(loop)
            made |= {id(root(array)) for array in loop.arrays if array.flags.writeable}
    return once, others


def _rerun(loops: Sequence[Loop]) -> None:
    for loop in loops:
        loop.run(loop.address, loop.jobs, 1, loop.sizes, loop.arrays)


def _bytes(held: Array) -> Array:
    return np.ndarray(held.nbytes, np.uint8, held)


def _fill(held: Array, before: Array) -> Loop:
    """Return the loop that restores the initial contents of memory."""
    before = before.reshape(-1)
    bits = before.view(f"u{before.itemsize}")
    loops: list[Loop] = []
    with _recorded(loops):  # into other memory, as this one holds results now
        copyto(np.empty_like(before), before[:1].copy() if (bits == bits[0]).all() else before)
    return loops[0]._replace(arrays=(loops[0].arrays[0], held.reshape(-1)))


def _flat_sizes(sizes: tuple[Any, ...]) -> list[int]:
    """Return the integers of nested tuples in the order of their memory layout."""
    return [n for each in sizes for n in (_flat_sizes(each) if isinstance(each, tuple) else [each])]


# --- many calls -------------------------------------------------------------------------------


class Table:
    """Loops with their arguments in a table, to be run one after the other.

    Parameters
    ----------
    loops : sequence of Row
    locate : (array) -> (int or None, int)
        Where an array of the loops begins in each run: the index of the passed array and the offset in bytes; or None
        and the address.
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
                # Numba's array struct: two pointers to owners, null here, then size, itemsize, data, shape and strides.
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
        """Run the loops on the arrays that ``locate`` refers to, which are contiguous or allocated for the loops."""
        ids = np.array([id(array) for array in arrays], np.int64)
        parallel = team.acquire()
        share = 1.0
        try:
            share = self._go(self._rows, self._words, self._patches, ids, parallel)
        except MemoryError as error:  # Numba's names neither the step nor a way out
            problem = "a recorded step ran out of memory"
            raise MemoryError(sentence("compile", problem, hint="take smaller batches")) from error
        finally:
            if parallel:
                team.release(share)


def _go_on(rows: Any, words: Any, patches: Any, ids: Any, parallel: bool) -> float:
    """Run a table's loops, if ``parallel`` on all threads; return one thread's time relative to the time they took."""
    for k in range(len(patches)):
        words[patches[k, 0]] = address_of(ids[patches[k, 1]]) + patches[k, 2]
    began, lost, error = _ticks(), 0.0, 0
    for k in range(len(rows)):
        function, jobs, pieces, arguments = rows[k]
        if parallel and pieces > 1:
            before = _ticks()
            share, error = _run_parallel(function, jobs, pieces, arguments)
            lost += (_ticks() - before) * (1 - share)
        else:
            error = _call(function, 0, jobs, arguments)
        _raise(error)
    took = _ticks() - began
    return 1 - lost / took if took > 0 else 1.0


_go: Final = numba.njit(nogil=True)(_go_on)
_go._cache = Cache(_go_on)  # noqa: SLF001  # as in `parallel`
