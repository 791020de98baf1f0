"""Numbers that are a stride apart, as windows take and give them: for a stride of 1 or 2 a vector at a time.

Shuffling two vectors of a row gives one of every second number, and vice versa.
"""

from typing import Any

from numba import types

from autograd_cnn.kernels.compiled.llvm import (
    INT,
    VECTOR_BYTES,
    Value,
    Vectors,
    copy_lanes,
    intrinsic,
    pointer,
    shuffle_mask,
)
from autograd_cnn.kernels.compiled.parallel import inlined


@intrinsic
def _copy_every_second(typing: Any, target: Any, target_at: Any, source: Any, source_at: Any, count: Any) -> Any:
    """Copy every second number, for up to a vector of them."""
    i = types.int64

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        target, target_at, source, source_at, count = values
        simd = Vectors(build, signature.args[0].dtype)
        here = pointer(context, build, signature.args[2], source, source_at)
        there = pointer(context, build, signature.args[0], target, target_at)

        reach = build.sub(build.mul(count, INT(2)), INT(1))
        ends = [simd.load(here, INT(n), simd.first_lanes(build.sub(reach, INT(n)))) for n in (0, simd.lanes)]
        taken = build.shuffle_vector(*ends, shuffle_mask(list(range(0, 2 * simd.lanes, 2))))
        with build.if_else(build.icmp_signed(">=", count, INT(simd.lanes))) as (whole, some):
            with whole:  # whoever reads it soon would wait for a masked one
                simd.store(taken, there, INT(0))
            with some:
                simd.store(taken, there, INT(0), simd.first_lanes(count))
        return context.get_dummy_value()

    return types.void(target, i, source, i, i), write


@intrinsic
def _interleave(typing: Any, target: Any, target_at: Any, source: Any, even_at: Any, odd_at: Any, count: Any) -> Any:
    """Write numbers from two places in turn, for up to a vector from each; ``count`` is how many are written."""
    i = types.int64

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        target, target_at, source, even_at, odd_at, count = values
        simd = Vectors(build, signature.args[0].dtype)
        there = pointer(context, build, signature.args[0], target, target_at)
        pair = [simd.load(pointer(context, build, signature.args[2], source, at), INT(0)) for at in (even_at, odd_at)]
        for n in (0, 1):
            order = [n * simd.lanes // 2 + j // 2 + j % 2 * simd.lanes for j in range(simd.lanes)]
            left = simd.first_lanes(build.sub(count, INT(n * simd.lanes)))
            simd.store(build.shuffle_vector(*pair, shuffle_mask(order)), there, INT(n * simd.lanes), left)
        return context.get_dummy_value()

    return types.void(target, i, source, i, i, i), write


@inlined
def copy_strided(target: Any, at: int, source: Any, source_at: int, stride: int, count: int) -> None:
    """Copy ``count`` numbers that are a stride apart to where they are neighbours."""
    lanes = VECTOR_BYTES // source.itemsize
    if stride == 1:
        for j in range(0, count, lanes):
            copy_lanes(target, at + j, source, source_at + j, count - j)
    elif stride == 2:
        for j in range(0, count, lanes):
            _copy_every_second(target, at + j, source, source_at + 2 * j, count - j)
    else:
        for j in range(count):
            target[at + j] = source[source_at + j * stride]


@inlined
def merge_phases(target: Any, at: int, source: Any, length: int, stride: int, count: int) -> None:
    """Write ``count`` neighbours; of ``source``, those that are a stride apart are in a row of this length each.

    What follows a row, up to a vector, may be read.
    """
    lanes = VECTOR_BYTES // source.itemsize
    if stride == 1:
        for j in range(0, count, lanes):
            copy_lanes(target, at + j, source, j, count - j)
    elif stride == 2:
        for j in range(0, count, 2 * lanes):
            _interleave(target, at + j, source, j // 2, length + j // 2, count - j)
    else:
        for j in range(count):
            target[at + j] = source[j % stride * length + j // stride]
