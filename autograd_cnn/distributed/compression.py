"""How a bucket of gradients is summed over all processes: exactly, or with fewer bytes.

What compression leaves out of a message is added to the next one (error feedback: Seide et al. 2014, Karimireddy et al.
2019). So nothing is lost for good, and training converges as usual, only slightly later. The residuals are not part of
a checkpoint.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.distributed.group import ProcessGroup, Request
from autograd_cnn.errors import ArgumentError

Values: TypeAlias = NDArray[np.floating]


class Exchange(Protocol):
    """The sums of one bucket, pass after pass."""

    def start(self, group: ProcessGroup, values: Values) -> Request:
        """Start summing ``values`` (N,), which belong to the exchange from then on."""

    def result(self) -> Values:
        """Return the sums (N,), once the request has completed; the same bits on all processes."""


Compression: TypeAlias = Callable[[], Exchange]
"""Makes an exchange for each bucket."""


class Exact:
    """Exact sums: MPI's all-reduce."""

    def start(self, group: ProcessGroup, values: Values) -> Request:
        """Start summing ``values``."""
        self._values, self._sums = values, np.empty_like(values)
        return group.start_sum(values, self._sums)

    def result(self) -> Values:
        """Return the sums."""
        return self._sums


class BFloat16:
    """Half the bytes: every message is in bfloat16, float32 without the lower half of its bits.

    Processes add in float32 and round to nearest. A sum over n processes is rounded up to log2(n) times on its way, or
    n times around a ring; only the first rounding, each process's own, is fed back.
    """

    _remainder: Values | float = 0.0

    def start(self, group: ProcessGroup, values: Values) -> Request:
        """Start summing ``values`` in bfloat16."""
        from mpi4py import MPI  # noqa: PLC0415  # optional

        values += self._remainder
        self._message = to_bfloat16(values)
        self._remainder = values - from_bfloat16(self._message)
        self._dtype = values.dtype
        self._add = MPI.Op.Create(_add_bfloat16, commute=True)
        self._sums = np.empty_like(self._message)
        request: Request = group.comm.Iallreduce(self._message, self._sums, self._add)
        return request

    def result(self) -> Values:
        """Return the sums."""
        self._add.Free()
        return from_bfloat16(self._sums).astype(self._dtype, copy=False)


class TopK:
    """Only the largest gradients of each bucket, by absolute value (Aji & Heafield 2017).

    Each process sends its own, as positions and values, to all others. That is less traffic than an all-reduce as long
    as ``share`` times the number of processes is well below 1.

    Parameters
    ----------
    share : float
        The share of the gradients to send; above 0, up to 1.

    Raises
    ------
    ArgumentError
        If ``share`` is out of range.
    """

    def __init__(self, share: float = 0.01) -> None:
        if not 0 < share <= 1:
            raise ArgumentError("TopK", "share is out of range", expected="above 0, up to 1", got=share)
        self.share = share
        self._remainder: Values | float = 0.0

    def start(self, group: ProcessGroup, values: Values) -> Request:
        """Start sending the largest of ``values`` to all processes."""
        values += self._remainder
        count = max(1, round(self.share * values.size))
        positions = np.sort(np.argpartition(np.abs(values), -count)[-count:]).astype(np.int32)
        message = np.concatenate([positions.view(np.uint8), values[positions].view(np.uint8)])
        self._messages = np.empty((group.size, message.size), np.uint8)
        self._remainder, self._sent, self._count = values, message, count
        values[positions] = 0
        request: Request = group.comm.Iallgather(message, self._messages)
        return request

    def result(self) -> Values:
        """Return the sums, rank by rank."""
        sums = np.zeros_like(self._remainder)
        for message in self._messages:
            positions, values = message[: 4 * self._count].view(np.int32), message[4 * self._count :].view(sums.dtype)
            sums[positions] += values
        return sums


def to_bfloat16(values: Values) -> NDArray[np.uint16]:
    """Return the upper halves of float32's bits, rounded to nearest, ties to even.

    Examples
    --------
    >>> from_bfloat16(to_bfloat16(np.float32([1, 1.004, -np.inf, np.nan]))).tolist()
    [1.0, 1.0078125, -inf, nan]
    """
    single = np.ascontiguousarray(values, np.float32)
    bits = single.view(np.uint32)
    rounded = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)
    return np.where(np.isnan(single), np.uint16(0x7FC0), rounded)  # whose bits might overflow


def from_bfloat16(halves: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return bfloat16 numbers from `to_bfloat16` as float32."""
    return (halves.astype(np.uint32) << 16).view(np.float32)


def _add_bfloat16(others: Any, own: Any, _: Any) -> None:
    """Add as an MPI operation: byte buffers, with the result in the second."""
    a, b = np.frombuffer(others, np.uint16), np.frombuffer(own, np.uint16)
    b[...] = to_bfloat16(from_bfloat16(a) + from_bfloat16(b))
