"""How the kernels are compiled and run on all threads, and which arrays they support.

Code is compiled for the processor and the dtypes at hand when it is first needed, and cached on disk.
"""

import math
from collections.abc import Callable
from contextvars import ContextVar
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeVar

import llvmlite.binding
import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.ccallback import CFunc
from numba.core.compiler_lock import global_compiler_lock

from autograd_cnn.errors import OperandError, sentence
from autograd_cnn.kernels.backend import RECORDING
from autograd_cnn.kernels.compiled.caching import Cache
from autograd_cnn.kernels.compiled.llvm import intrinsic
from autograd_cnn.kernels.compiled.threads import start, team
from autograd_cnn.kernels.windows import Array

if numba.config.DISABLE_JIT:
    raise ImportError("NUMBA_DISABLE_JIT is set")

PIECES: Final = 32  # runs of jobs that work is split into, for however many threads

recording: ContextVar["list[Loop] | None"] = ContextVar("loops", default=None)
"""What the loops that run in this thread or task are added to, before they do."""

_FLOATS: Final = frozenset({np.dtype(np.float32), np.dtype(np.float64)})
_NUMBERS: Final = _FLOATS | set(map(np.dtype, "?bBhHiIlLqQ"))

_dtype_of: Final = attrgetter("dtype")

_INT: Final = ir.IntType(64)
_TAKES_JOBS: Final = ir.FunctionType(ir.VoidType(), [_INT, _INT, _INT])
_CALL: Final = types.void(types.int64, types.int64, types.int64, types.int64)

_Function = TypeVar("_Function", bound=Callable[..., Any])


def inlined(function: _Function) -> _Function:
    """Compile a function that only compiled code calls, into which it is inlined."""
    compiled: Any = numba.njit(error_model="numpy", inline="always")(function)
    return compiled


def _kept_on_disk(parallel: bool = False) -> Callable[[Callable[..., Any]], Any]:
    def compiled(function: Callable[..., Any]) -> Any:
        made: Any = numba.njit(parallel=parallel)(function)
        made._cache = Cache(function)  # noqa: SLF001  # Numba has no other way to a cache of one's own
        return made

    return compiled


class parallel_for:  # noqa: N801  # a decorator
    """A parallel loop over jobs: makes of a function that does some of them one that does all, on all threads.

    The function takes the first job's number, the one after the last, a named tuple of integers or of such tuples,
    and arrays. It is given the same runs of jobs however many threads there are. What it writes
    for one job must not depend on the others.

    Numba compiles a parallel loop three times over, with everything that it calls. So there is
    only one such loop, `_spread`, which knows the function and its arguments by their addresses.
    """

    def __init__(self, function: Callable[..., None]) -> None:
        self._function = function
        self.name = function.__name__.lstrip("_")
        self._compiled: dict[tuple[np.dtype[Any], ...], Compiled] = {}
        self.__doc__ = function.__doc__

    def __call__(self, jobs: int, sizes: tuple[Any, ...], *arrays: Array, alone: bool = False) -> None:
        """Do jobs 0 to ``jobs - 1``; where they are too short for another thread to wake up, ``alone`` on this one."""
        dtypes = tuple(map(_dtype_of, arrays))
        _, address, run = self._compiled.get(dtypes) or self._compile(dtypes, sizes, arrays)
        if RECORDING and (loops := recording.get()) is not None:
            loops.append(Loop(self.name, run, address, jobs, 1 if alone else min(jobs, PIECES), sizes, arrays))
        if alone or jobs <= 1:
            run(address, jobs, 1, sizes, arrays)
        elif team.join():
            share = 1.0
            try:
                share = run(address, jobs, min(jobs, PIECES), sizes, arrays)
            finally:
                team.go(share)
        else:
            run(address, jobs, 0, sizes, arrays)

    def _compile(
        self, dtypes: tuple[np.dtype[Any], ...], sizes: tuple[Any, ...], arrays: tuple[Array, ...]
    ) -> "Compiled":
        for each in dtypes:
            if not each.isnative:  # its bytes would be read the wrong way round
                raise OperandError(
                    sentence("a compiled kernel", expected="bytes in this machine's order", got=each.str)
                )
        with global_compiler_lock:  # of several threads that need the same kernel one compiles it
            if dtypes not in self._compiled:
                start()
                count = types.int64
                kinds = numba.typeof(sizes), numba.typeof(arrays)
                signature = types.void(count, count, kinds[0], *kinds[1])
                code: Any = CFunc(self._function, (signature.args, signature.return_type), {}, {"error_model": "numpy"})
                code._cache = Cache(self._function)  # noqa: SLF001  # as above
                code.compile()
                # What this returns is called without looking at the arguments' types once more.
                run = _run.compile((count, count, count, *kinds))
                self._compiled[dtypes] = Compiled(code, code.address, run)
        return self._compiled[dtypes]


class Loop(NamedTuple):
    """A loop with what it works on.

    Attributes
    ----------
    name : str
        The function's.
    run : callable
        What runs it: `_run`, compiled for such sizes and arrays.
    address : int
        Of the function that does some of its jobs.
    jobs, pieces : int
        How many jobs there are, and in how many runs of them they may be done.
    sizes : tuple of int
    arrays : tuple of array
    """

    name: str
    run: Callable[..., float]
    address: int
    jobs: int
    pieces: int
    sizes: tuple[int, ...]
    arrays: tuple[Array, ...]


class Compiled(NamedTuple):
    """A function for arrays of some dtypes, its address, and what runs it."""

    code: Any
    address: int
    run: Callable[..., float]


@_kept_on_disk()
def _run(address: int, jobs: int, pieces: int, sizes: tuple[int, ...], arrays: tuple[Array, ...]) -> float:
    """Do jobs in 1 piece, in more on all threads, or in 0: in one piece while Python's other threads go on.

    In -1 do none, and return the address of the function that takes jobs and the address of the rest: a float holds
    its 48 bits.
    """
    function, arguments = _bound(address, sizes, arrays)
    if pieces > 1:
        return _spread(function, jobs, pieces, arguments)
    if pieces == 1:
        _call(function, 0, jobs, arguments)
    elif pieces == 0:
        _call_without_lock(function, 0, jobs, arguments)
    return 1.0 if pieces >= 0 else float(function)


@_kept_on_disk(parallel=True)
def _spread(function: int, jobs: int, pieces: int, arguments: int) -> float:
    """Return for which share of the time one thread would have been busy, if all jobs went like the fastest."""
    fastest = np.inf
    began = _ticks()
    for piece in numba.prange(pieces):
        number = np.int64(piece)
        first, last = number * jobs // pieces, (number + 1) * jobs // pieces
        before = _ticks()
        _call(function, first, last, arguments)
        fastest = min(fastest, (_ticks() - before) / (last - first))
    took = _ticks() - began
    return fastest * jobs / took if took > 0 else 1.0


@intrinsic
def _bound(typing: Any, address: Any, sizes: Any, arrays: Any) -> Any:
    """Return the addresses of a function that takes jobs and an address, and of its other arguments."""

    def write(context: Any, build: Any, signature: Any, values: Any) -> Any:
        address, sizes, arrays = values
        arguments = [sizes, *(build.extract_value(arrays, i) for i in range(len(signature.args[2])))]
        kinds = [context.get_value_type(kind) for kind in (signature.args[1], *signature.args[2])]
        kept = cgutils.alloca_once(build, ir.LiteralStructType([_INT, *kinds]))
        for i, value in enumerate([address, *arguments]):
            build.store(value, cgutils.gep_inbounds(build, kept, 0, i))
        function = ir.Function(build.module, _TAKES_JOBS, build.module.get_unique_name("unpack"))
        function.linkage = "internal"
        _write_unpacking(function, kept.type, kinds)
        addresses = [build.ptrtoint(function, _INT), build.ptrtoint(kept, _INT)]
        return context.make_tuple(build, signature.return_type, addresses)

    return types.UniTuple(types.int64, 2)(address, sizes, arrays), write


def _write_unpacking(function: Any, kept: Any, kinds: list[Any]) -> None:
    """Write the call of the function whose address is kept, with the arguments that are kept after it."""
    first, last, where = function.args
    build = ir.IRBuilder(function.append_basic_block())
    place = build.inttoptr(where, kept)
    address, *arguments = (build.load(cgutils.gep_inbounds(build, place, 0, i)) for i in range(1 + len(kinds)))
    kind = ir.FunctionType(ir.VoidType(), [_INT, _INT, *kinds])
    build.call(build.inttoptr(address, kind.as_pointer()), [first, last, *arguments])
    build.ret_void()


@intrinsic
def _call(typing: Any, function: Any, first: Any, last: Any, arguments: Any) -> Any:
    """Call the function at an address with jobs and the address of the rest."""

    def write(context: Any, build: Any, signature: Any, values: Any) -> Any:
        build.call(build.inttoptr(values[0], _TAKES_JOBS.as_pointer()), values[1:])
        return context.get_dummy_value()

    return _CALL, write


@intrinsic
def _call_without_lock(typing: Any, function: Any, first: Any, last: Any, arguments: Any) -> Any:
    """Do the same without holding Python's lock, as a parallel loop does."""

    def write(context: Any, build: Any, signature: Any, values: Any) -> Any:
        python = context.get_python_api(build)
        state = python.save_thread()
        build.call(build.inttoptr(values[0], _TAKES_JOBS.as_pointer()), values[1:])
        python.restore_thread(state)
        return context.get_dummy_value()

    return _CALL, write


@intrinsic
def _ticks(typing: Any) -> Any:
    """Return the time in the processor's own unit; 0 on one whose clock isn't known here."""

    def write(context: Any, build: Any, signature: Any, values: Any) -> Any:
        kind = ir.FunctionType(_INT, [])
        match llvmlite.binding.get_default_triple().partition("-")[0]:
            case "x86_64":
                return build.call(build.module.declare_intrinsic("llvm.readcyclecounter", (), kind), [])
            case "aarch64" | "arm64":
                llvmlite.binding.initialize_native_asmparser()  # Numba doesn't, and LLVM would end the process
                return build.asm(kind, "mrs $0, cntvct_el0", "=r", [], side_effect=True)
            case _:
                return _INT(0)

    return types.int64(), write


def is_cached() -> bool:
    """Return whether compiled code of an earlier run is on disk."""
    return bool(_run._cache.is_filled())  # noqa: SLF001  # Numba has no public name for it


def supports(*arrays: Any) -> bool:
    """Return whether the kernels can work on the arrays: one dtype, float32 or float64, and none of them empty.

    Examples
    --------
    >>> import numpy as np
    >>> supports(np.ones(2)), supports(np.ones(2, int)), supports(np.ones(2), np.ones(2, np.float32))
    (True, False, False)
    """
    dtype = arrays[0].dtype
    if dtype not in _FLOATS:
        return False
    for each in arrays:  # noqa: SIM110  # every kernel asks, and all() takes twice as long
        if each.dtype != dtype or not each.size:
            return False
    return True


# --- arrays as rows ---------------------------------------------------------------------------


def root(array: Array) -> Array:
    """Return the array whose memory an array shows."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def address(array: Array) -> int:
    """Return where an array begins."""
    return int(array.ctypes.data)


def flat(x: Array) -> Array:
    """Return the elements as one read-only row, so that Numba sees a single type of input and compiles once.

    Examples
    --------
    >>> import numpy as np
    >>> flat(np.eye(2)).shape
    (4,)
    """
    if not x.flags.c_contiguous and RECORDING:
        copy = np.empty(x.shape, x.dtype)
        if copyto(copy, x) is not NotImplemented:
            x = copy
    row: Array = np.ascontiguousarray(x).reshape(-1)  # (size,)
    row.setflags(write=False)
    return row


AXES: Final = 4  # along which what is copied may lie apart, once neighbours have been put together
COPIED: Final = 1 << 17  # elements that one thread has copied before another is awake


class Layout(NamedTuple):
    """The shape of what is copied, and how many elements apart it lies along each axis, here and there."""

    shape: tuple[int, int, int, int]
    target: tuple[int, int, int, int]
    source: tuple[int, int, int, int]


def copyto(target: Array, source: Array) -> Any:
    """Write the source's elements into the target: a loop, where loops are written down; else NumPy is as fast."""
    if not RECORDING or target.dtype != source.dtype or target.dtype not in _NUMBERS or not target.size:
        return NotImplemented
    source = np.broadcast_to(source, target.shape)
    layout = _layout(target, source)
    if layout is None:
        return NotImplemented
    row = _span(source)
    row.setflags(write=False)
    _copy(math.prod(layout.shape[:-1]), layout, row, _span(target), alone=target.size < COPIED)
    return None


def _layout(target: Array, source: Array) -> Layout | None:
    """Return how two arrays of one shape lie, with as few axes as there can be; None for too many, or backwards."""
    if not (root(target).flags.c_contiguous and root(source).flags.c_contiguous):
        return None
    axes: list[tuple[int, int, int]] = []
    for n, *strides in zip(target.shape, target.strides, source.strides, strict=True):
        there, here = (stride // target.itemsize for stride in strides)
        if min(there, here) < 0:
            return None
        if n > 1 and axes and axes[-1][1:] == (n * there, n * here):
            axes[-1] = axes[-1][0] * n, there, here
        elif n > 1:
            axes.append((n, there, here))
    if len(axes) > AXES:
        return None
    return Layout(*zip(*([(1, 0, 0)] * (AXES - len(axes)) + axes), strict=True))


def _span(x: Array) -> Array:
    """Return all from an array's first element to its last as a row, whatever else is in between."""
    held = root(x)
    size = 1 + sum((n - 1) * stride // x.itemsize for n, stride in zip(x.shape, x.strides, strict=True))
    return np.ndarray(size, x.dtype, held, address(x) - address(held))


@parallel_for
def _copy(first: int, last: int, s: Layout, source: Any, target: Any) -> None:
    """Copy along the last axis, for each job."""
    _, n, m, length = s.shape
    for job in range(first, last):
        a, b, c = job // (n * m), job // m % n, job % m
        x = source[a * s.source[0] + b * s.source[1] + c * s.source[2] :]
        y = target[a * s.target[0] + b * s.target[1] + c * s.target[2] :]
        if s.source[3] == 1 and s.target[3] == 1:
            for i in range(length):
                y[i] = x[i]
        else:
            for i in range(length):
                y[i * s.target[3]] = x[i * s.source[3]]
