"""The processes that train together."""

import os
import socket
import sys
from functools import cache
from types import TracebackType
from typing import Any, NoReturn, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_cnn.errors import MissingDependencyError

T = TypeVar("T")


class Request(Protocol):
    """A pending message, as in mpi4py."""

    def Test(self) -> bool:  # noqa: N802  # mpi4py's name
        """Let MPI make progress, and return whether the message has arrived."""

    def Wait(self) -> Any:  # noqa: N802
        """Wait until it has arrived."""


class ProcessGroup:
    """All processes that ``mpiexec`` has started, and their communication.

    All processes must call its methods, in the same order. The results are the same on each, to the last bit, and in
    every run with the same number of processes, as far as the MPI implementation keeps the order of its sums.

    As a context manager it ends the whole job if an error leaves its block on one process, because the others would
    wait for it forever.

    Parameters
    ----------
    comm : mpi4py.MPI.Intracomm
        The communicator.

    Attributes
    ----------
    rank : int
        The number of this process, from 0.
    size : int
        The number of processes.

    Examples
    --------
    On two processes:

    >>> group = ag.distributed.init()  # doctest: +SKIP
    >>> group.mean([1.0 + group.rank], weight=1 + group.rank)  # doctest: +SKIP
    array([1.66666667])
    """

    def __init__(self, comm: Any) -> None:
        self.comm = comm
        self.rank: int = comm.Get_rank()
        self.size: int = comm.Get_size()

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return itself: a copied module belongs to the same group."""
        return self

    @property
    def name(self) -> str:
        """The name of this process in messages."""
        return f"rank {self.rank} of {self.size} on {socket.gethostname()}, process {os.getpid()}"

    # --- what they tell each other ------------------------------------------------------------

    def sum(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the sum of the processes' arrays, all of one shape, in float64."""
        total = np.array(values, np.float64)
        self.comm.Allreduce(self._in_place, total)
        return total

    def mean(self, values: ArrayLike, weight: float) -> NDArray[np.float64]:
        """Return the weighted mean of the processes' arrays, in float64."""
        values = np.asarray(values, np.float64)
        row = self.sum([*np.ravel(values * weight), weight])
        return (row[:-1] / row[-1]).reshape(values.shape)

    def start_sum(self, values: NDArray[np.floating], sums: NDArray[np.floating]) -> Request:
        """Start to sum an array's values over all processes, into another array.

        Until the request has completed, neither array may be used, and both must be kept alive: the request does not do
        so. There are two because Open MPI sums in place over a tree, sending the whole array from rank to rank;
        otherwise each rank reduces its own part.
        """
        request: Request = self.comm.Iallreduce(values, sums)
        return request

    def broadcast(self, value: T) -> T:
        """Return the value of rank 0; it is sent as a pickle."""
        received: T = self.comm.bcast(value)
        return received

    def gather(self, value: T) -> list[T]:
        """Return the values of all processes, by rank; they are sent as pickles."""
        values: list[T] = self.comm.allgather(value)
        return values

    @property
    def _in_place(self) -> Any:
        from mpi4py import MPI  # noqa: PLC0415  # optional

        return MPI.IN_PLACE

    # --- the end ------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """End the job after an error, and say which process it comes from."""
        if kind is not None and self.size > 1 and not (isinstance(error, SystemExit) and not error.code):
            self.abort(f"{kind.__name__}: {error}")

    def abort(self, reason: str) -> NoReturn:
        """End all processes at once, with exit status 1, after a line on standard error."""
        if sys.stdout is not None:
            sys.stdout.flush()
        sys.stderr.write(f"{self.name} ends the job: {reason}\n")
        sys.stderr.flush()
        self.comm.Abort(1)
        raise SystemExit(1)


@cache
def init() -> ProcessGroup:
    """Return the group of all processes that ``mpiexec`` has started; without ``mpiexec`` only of this one.

    From then on, an uncaught error on one process ends all of them.

    Raises
    ------
    MissingDependencyError
        If mpi4py, or an MPI library for it, is not installed.

    Examples
    --------
    In a program that is started by ``mpiexec -n 2 python program.py``:

    >>> ag.distributed.init()  # doctest: +SKIP
    <rank 0 of 2 on node7, process 4711>
    """
    try:
        from mpi4py import MPI  # noqa: PLC0415  # optional
    except (ImportError, RuntimeError) as error:  # a RuntimeError if MPI is missing
        raise MissingDependencyError("training on several processes", "mpi") from error
    group = ProcessGroup(MPI.COMM_WORLD.Dup())  # keeps the user's messages apart from ours
    if group.size > 1:
        show = sys.excepthook

        def end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
            show(kind, error, trace)
            group.__exit__(kind, error, trace)

        sys.excepthook = end
    return group
