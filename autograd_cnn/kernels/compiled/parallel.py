"""Compiling the kernels, running them on all threads, and the arrays that they support.

Code is compiled for this processor and the dtypes of the arrays when it is first needed, and cached on disk.
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
from numba.core.callconv import RETCODE_USEREXC, excinfo_ptr_t
from numba.core.ccallback import CFunc
from numba.core.compiler_lock import global_compiler_lock

from autograd_cnn.errors import OperandError
from autograd_cnn.kernels.backend import RECORDING
from autograd_cnn.kernels.compiled.caching import Cache
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES, copy_lanes, copy_vector, intrinsic
from autograd_cnn.kernels.compiled.threads import start, team
from autograd_cnn.kernels.windows import Array

if numba.config.DISABLE_JIT:
    raise ImportError("NUMBA_DISABLE_JIT is set")

SLOWEST: Final = 4  # a piece takes at most so many times as long as a loop's fastest, whose memory may be in the cache
PIECES: Final = 32  # runs of jobs that work is split into, whatever the number of threads

recording: ContextVar["list[Loop] | None"] = ContextVar("loops", default=None)
"""The list to which the loops of this thread or task are added before they run."""

_FLOATS: Final = frozenset({np.dtype(np.float32), np.dtype(np.float64)})
_NUMBERS: Final = _FLOATS | set(map(np.dtype, "?bBhHiIlLqQ"))

_dtype_of: Final = attrgetter("dtype")

_INT: Final = ir.IntType(64)
_TAKES_JOBS: Final = ir.FunctionType(_INT, [_INT, _INT, _INT])
_CALL: Final = types.int64(types.int64, types.int64, types.int64, types.int64)

_Function = TypeVar("_Function", bound=Callable[..., Any])


def inlined(function: _Function) -> _Function:
    """Compile a function that is called only from compiled code, and inline it there."""
    compiled: Any = numba.njit(error_model="numpy", inline="always")(function)
    return compiled


def _cached(parallel: bool = False) -> Callable[[Callable[..., Any]], Any]:
    def decorate(function: Callable[..., Any]) -> Any:
        dispatcher: Any = numba.njit(parallel=parallel)(function)
        dispatcher._cache = Cache(function)  # noqa: SLF001  # Numba has no other way to a cache of one's own
        return dispatcher

    return decorate


class parallel_for:  # noqa: N801  # a decorator
    """A parallel loop over jobs: turns a function that does a run of jobs into one that does all, on all threads.

    The function takes the number of the first job, the number after the last, a named tuple of integers or of such
    tuples, and arrays. It gets the same runs of jobs for any number of threads. What it writes for one job must not
    depend on other jobs.

    Numba compiles a parallel loop three times, with everything that it calls. So there is only one such loop,
    `_run_parallel`, which calls the function by its address.
    """

    def __init__(self, function: Callable[..., None]) -> None:
        self._function = function
        self.name = function.__name__.lstrip("_")
        self._compiled: dict[tuple[np.dtype[Any], ...], Compiled] = {}
        self.__doc__ = function.__doc__

    def __call__(self, jobs: int, sizes: tuple[Any, ...], *arrays: Array, serial: bool = False) -> None:
        """Do jobs 0 to ``jobs - 1``; if ``serial``, on this thread, as they are too short to wake another one."""
        dtypes = tuple(map(_dtype_of, arrays))
        _, address, run = self._compiled.get(dtypes) or self._compile(dtypes, sizes, arrays)
        if RECORDING and (loops := recording.get()) is not None:
            loops.append(Loop(self.name, run, address, jobs, 1 if serial else min(jobs, PIECES), sizes, arrays))
        if serial or jobs <= 1:
            run(address, jobs, 1, sizes, arrays)
        elif team.acquire():
            share = 1.0
            try:
                share = run(address, jobs, min(jobs, PIECES), sizes, arrays)
            finally:
                team.release(share)
        else:
            run(address, jobs, 0, sizes, arrays)

    def _compile(
        self, dtypes: tuple[np.dtype[Any], ...], sizes: tuple[Any, ...], arrays: tuple[Array, ...]
    ) -> "Compiled":
        for each in dtypes:
            if not each.isnative:  # its bytes would be read in the wrong order
                raise OperandError("a compiled kernel", expected="bytes in this machine's order", got=each.str)
        with global_compiler_lock:  # if several threads need the same kernel, one compiles it
            if dtypes not in self._compiled:
                start()
                count = types.int64
                # The code does not depend on whether an array is writable, and a call does not check it.
                rows = types.BaseTuple.from_types([numba.typeof(each).copy(readonly=False) for each in arrays])
                kinds = numba.typeof(sizes), rows
                signature = types.void(count, count, kinds[0], *kinds[1])
                code: Any = CFunc(self._function, (signature.args, signature.return_type), {}, {"error_model": "numpy"})
                code._cache = Cache(self._function)  # noqa: SLF001  # as above
                code.compile()
                # The result is called without another look at the types of the arguments.
                run = _run.compile((count, count, count, *kinds))
                # Its address as a C callback won't do: a callback only prints an error and continues.
                address = code._library.get_pointer_to_function(code.native_name.removeprefix("cfunc."))  # noqa: SLF001
                self._compiled[dtypes] = Compiled(code, address, run)
        return self._compiled[dtypes]


class Loop(NamedTuple):
    """A loop with its arguments.

    Attributes
    ----------
    name : str
        The function's name.
    run : callable
        `_run`, compiled for the types of these sizes and arrays.
    address : int
        The address of the function that does a run of jobs.
    jobs, pieces : int
        The number of jobs, and of runs into which they may be split.
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
    """A function compiled for arrays of some dtypes, its address, and the `_run` for it."""

    code: Any
    address: int
    run: Callable[..., float]


@_cached()
def _run(address: int, jobs: int, pieces: int, sizes: tuple[int, ...], arrays: tuple[Array, ...]) -> float:
    """Do all jobs: in 1 piece; in several pieces on all threads; or for 0, in one piece without Python's lock.

    For -1, do none and return the address of the function that takes jobs and the address of the other arguments: its
    48 bits fit into a float.
    """
    function, arguments = _bound(address, sizes, arrays)
    share, error = 1.0, 0
    if pieces > 1:
        share, error = _run_parallel(function, jobs, pieces, arguments)
    elif pieces == 1:
        error = _call(function, 0, jobs, arguments)
    elif pieces == 0:
        error = _call_without_lock(function, 0, jobs, arguments)
    _raise(error)
    return share if pieces >= 0 else float(function)


@_cached(parallel=True)
def _run_parallel(function: int, jobs: int, pieces: int, arguments: int) -> tuple[float, int]:
    """Run the pieces on all threads; return how long one thread would have taken, relative to the time it took.

    That is the sum over the pieces, or `SLOWEST` times as many of the fastest one: more means that some were interrupted.
    The second result is the error of one of the pieces, 0 if all went well.
    """
    total, fastest, error = 0.0, np.inf, 0
    began = _ticks()
    for piece in numba.prange(pieces):
        number = np.int64(piece)
        first, last = number * jobs // pieces, (number + 1) * jobs // pieces
        before = _ticks()
        error = max(error, _call(function, first, last, arguments))
        each = _ticks() - before
        total += each
        fastest = min(fastest, each / (last - first))
    took = _ticks() - began
    return min(total, SLOWEST * fastest * jobs) / took if took > 0 else 1.0, error


@intrinsic
def _bound(typing: Any, address: Any, sizes: Any, arrays: Any) -> Any:
    """Store the arguments in a struct; return the addresses of a function that takes jobs and the struct, and of it."""

    def write(context: Any, build: Any, signature: Any, values: Any) -> Any:
        address, sizes, arrays = values
        arguments = [sizes, *(_unowned(build, build.extract_value(arrays, i)) for i in range(len(signature.args[2])))]
        kinds = [context.get_value_type(kind) for kind in (signature.args[1], *signature.args[2])]
        struct_type = cgutils.alloca_once(build, ir.LiteralStructType([_INT, *kinds]))
        for i, value in enumerate([address, *arguments]):
            build.store(value, cgutils.gep_inbounds(build, struct_type, 0, i))
        function = ir.Function(build.module, _TAKES_JOBS, build.module.get_unique_name("unpack"))
        function.linkage = "internal"
        _write_unpacking(context, function, struct_type.type, (signature.args[1], *signature.args[2]))
        addresses = [build.ptrtoint(function, _INT), build.ptrtoint(struct_type, _INT)]
        return context.make_tuple(build, signature.return_type, addresses)

    return types.UniTuple(types.int64, 2)(address, sizes, arrays), write


def _unowned(build: Any, array: Any) -> Any:
    """Return an array's struct without its owner, which outlives the loop: threads would wait for its reference count."""
    meminfo = array.type.elements[0]
    return build.insert_value(array, ir.Constant(meminfo, None), 0)


def _write_unpacking(context: Any, function: Any, struct_type: Any, kinds: tuple[Any, ...]) -> None:
    """Emit the call of the function whose address is in the struct, with the arguments that follow it there.

    It returns 0, or the address of Numba's description of the error that was raised.
    """
    first, last, where = function.args
    build = ir.IRBuilder(function.append_basic_block())
    struct = build.inttoptr(where, struct_type)
    address, *arguments = (build.load(cgutils.gep_inbounds(build, struct, 0, i)) for i in range(1 + len(kinds)))
    convention, takes = context.call_conv, (types.int64, types.int64, *kinds)
    callee = build.inttoptr(address, convention.get_function_type(types.void, takes).as_pointer())
    status, _ = convention.call_function(build, callee, types.void, takes, [first, last, *arguments])
    build.ret(build.select(status.is_error, build.ptrtoint(status.excinfoptr, _INT), _INT(0)))


@intrinsic
def _call(typing: Any, function: Any, first: Any, last: Any, arguments: Any) -> Any:
    """Call the function at an address with a run of jobs and the address of the other arguments; return its error."""

    def write(context: Any, build: Any, signature: Any, values: Any) -> Any:
        return build.call(build.inttoptr(values[0], _TAKES_JOBS.as_pointer()), values[1:])

    return _CALL, write


@intrinsic
def _call_without_lock(typing: Any, function: Any, first: Any, last: Any, arguments: Any) -> Any:
    """Do the same without Python's lock, as in a parallel loop."""

    def write(context: Any, build: Any, signature: Any, values: Any) -> Any:
        python = context.get_python_api(build)
        state = python.save_thread()
        error = build.call(build.inttoptr(values[0], _TAKES_JOBS.as_pointer()), values[1:])
        python.restore_thread(state)
        return error

    return _CALL, write


@intrinsic
def _raise(typing: Any, error: Any) -> Any:
    """Raise the error that a call has returned, if any; it may come from another thread."""

    def write(context: Any, build: Any, signature: Any, values: Any) -> Any:
        convention = context.call_conv
        with cgutils.if_unlikely(build, build.icmp_unsigned("!=", values[0], _INT(0))):
            info = build.inttoptr(values[0], excinfo_ptr_t)
            status = convention._get_return_status(build, RETCODE_USEREXC, info)  # noqa: SLF001  # as Numba does
            convention.return_status_propagate(build, status)
        return context.get_dummy_value()

    return types.void(types.int64), write


@intrinsic
def _ticks(typing: Any) -> Any:
    """Return the processor's cycle counter; 0 on processors whose counter isn't known here."""

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
    """Return whether compiled code from an earlier run is on disk."""
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


# --- flat arrays ------------------------------------------------------------------------------


def root(array: Array) -> Array:
    """Return the array that owns an array's memory."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def address(array: Array) -> int:
    """Return the address of an array's first element."""
    return int(array.ctypes.data)


def flat(x: Array) -> Array:
    """Return the elements as a 1-D array for a loop to read; while loops are recorded it is read-only, which tells so.

    Examples
    --------
    >>> import numpy as np
    >>> flat(np.eye(2)).shape
    (4,)
    """
    if not RECORDING:
        return x.ravel()
    if not x.flags.c_contiguous:
        copy = np.empty(x.shape, x.dtype)
        if copyto(copy, x) is not NotImplemented:
            x = copy
    row = x.ravel()
    row.setflags(write=False)
    return row


AXES: Final = 4  # of a copy, after contiguous axes are merged
MIN_PARALLEL: Final = 1 << 17  # elements; below this, one thread is done before another has started


class Layout(NamedTuple):
    """The shape of a copy, and the strides of its target and source in elements."""

    shape: tuple[int, int, int, int]
    target: tuple[int, int, int, int]
    source: tuple[int, int, int, int]


def copyto(target: Array, source: Array) -> Any:
    """Copy the source into the target, on all threads; where one does it, NumPy is as fast unless loops are recorded."""
    if not RECORDING and (target.size < MIN_PARALLEL or team.single):
        return NotImplemented
    if target.dtype != source.dtype or target.dtype not in _NUMBERS or not target.size:
        return NotImplemented
    if source.shape != target.shape:
        source = np.broadcast_to(source, target.shape)
    if target.dtype == bool:
        source, target = source.view(np.uint8), target.view(np.uint8)
    layout = _layout(target, source)
    if layout is None:
        return NotImplemented
    row = _span(source)
    row.setflags(write=False)
    _copy(math.prod(layout.shape[:-1]), layout, row, _span(target), serial=target.size < MIN_PARALLEL)
    return None


def _layout(target: Array, source: Array) -> Layout | None:
    """Return the layouts of two arrays of one shape, with the fewest axes; None for too many or negative strides."""
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
    """Return the memory from an array's first element to its last as a 1-D array, with whatever is in between."""
    base = root(x)
    size = 1 + sum((n - 1) * stride // x.itemsize for n, stride in zip(x.shape, x.strides, strict=True))
    return np.ndarray(size, x.dtype, base, address(x) - address(base))


@parallel_for
def _copy(first: int, last: int, s: Layout, source: Any, target: Any) -> None:
    """Copy a row along the last axis, for each job."""
    _, n, m, length = s.shape
    c, b, a = first % m, first // m % n, first // (n * m)
    lanes = VECTOR_BYTES // source.itemsize
    for _ in range(first, last):
        x_at = a * s.source[0] + b * s.source[1] + c * s.source[2]
        y_at = a * s.target[0] + b * s.target[1] + c * s.target[2]
        if s.source[3] == 1 and s.target[3] == 1:
            whole = length // lanes * lanes
            for i in range(0, whole, lanes):
                copy_vector(target, y_at + i, source, x_at + i)
            if whole < length:
                copy_lanes(target, y_at + whole, source, x_at + whole, length - whole)
        else:
            for i in range(length):
                target[y_at + i * s.target[3]] = source[x_at + i * s.source[3]]
        c += 1
        if c == m:
            c, b = 0, b + 1
            if b == n:
                b, a = 0, a + 1
