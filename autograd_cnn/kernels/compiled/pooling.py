"""Pooling over windows, and the adjoints: each job is a whole map.

Shapes: x (N, C, H, W); y, g and the argmax indices (N, C, OH, OW).

2x2 windows with stride 2, which nearly every network has, use the intrinsics of `pool2x2`. All others are processed tap
by tap, over rows of pixels in which pixels that are a stride apart are neighbours.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.map import vectorized
from autograd_cnn.kernels.compiled.packing import SCRATCH, aligned_zeros, copy_row
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for, supports
from autograd_cnn.kernels.compiled.pool2x2 import (
    give_to_all_four,
    give_to_one_of_four,
    give_to_one_of_four_in_rows,
    largest_of_four,
    largest_of_four_in_rows,
    mean_of_four,
)
from autograd_cnn.kernels.compiled.pool_by_tap import largest_of_taps, sum_of_taps, sum_of_won
from autograd_cnn.kernels.compiled.strides import merge_phases, split_phases
from autograd_cnn.kernels.windows import Array, Windows


class Pool(NamedTuple):
    """The sizes of one pooling."""

    height: int
    width: int
    window_h: int
    window_w: int
    stride_h: int
    stride_w: int
    dilation_h: int
    dilation_w: int
    top: int
    left: int
    out_h: int
    out_w: int
    rectified: int  # 1 if 0 is a candidate, too


@lru_cache(maxsize=512)
def _pool(windows: Windows, rectified: bool) -> Pool:
    (top, _), (left, _) = windows.padding
    geometry = (*windows.image, *windows.size, *windows.stride, *windows.dilation, top, left, *windows.out)
    return Pool(*geometry, int(rectified))


def _run(function: parallel_for, x: Array, windows: Windows, *arrays: Array, rectified: bool = False) -> None:
    function(x.shape[0] * x.shape[1], _pool(windows, rectified), *arrays)


# --- the largest of each window ---------------------------------------------------------------


def max_pool(x: Array, windows: Windows, rectified: bool) -> Any:
    """Return each window's largest value and its tap; of equal ones the first, of NaNs the first NaN.

    If ``rectified``, 0 is another candidate, which wins unless a tap is positive.
    """
    if not supports(x):
        return NotImplemented
    y = np.empty((*x.shape[:2], *windows.out), x.dtype)
    indices = np.empty(y.shape, np.min_scalar_type(windows.size[0] * windows.size[1]))
    _run(_max_pool, x, windows, flat(x), y.reshape(-1), indices.reshape(-1), rectified=rectified)
    return y, indices


@parallel_for
def _max_pool(first: int, last: int, s: Pool, x: Any, y: Any, indices: Any) -> None:
    """Pool a map for each job: x (maps, H, W), y and indices (maps, OH, OW)."""
    lanes = VECTOR_BYTES // x.itemsize
    if not _is_two_by_two(s):
        row_block, size = _block(s, x.itemsize)
        part, taps = np.full(size, -np.inf, x.dtype), (_offsets(s, lanes), *_taps_inside(s))
        for each in range(first, last):
            for i in range(0, s.out_h, row_block):
                _largest_of_rows(x, each, i, min(i + row_block, s.out_h), y, indices, part, taps, s)
        return
    rows = _rows_in_vector(s, lanes)
    whole = s.out_h // rows * rows if rows > 1 else 0
    for each in range(first, last):
        end = (each + 1) * s.out_h * s.out_w
        for i in range(0, whole, rows):
            at = (each * s.out_h + i) * s.out_w
            largest_of_four_in_rows(y, at, indices, at, x, 4 * at, rows, s.rectified)
        for i in range(whole, s.out_h):
            at = (each * s.out_h + i) * s.out_w
            source = (each * s.height + 2 * i) * s.width
            for j in range(0, s.out_w, lanes):
                # A vector may go beyond its row, since the next row overwrites that, but not beyond the map.
                count = lanes if at + j + lanes <= end else s.out_w - j
                largest_of_four(y, at + j, indices, at + j, x, source + 2 * j, s.width, count, s.rectified)


@inlined
def _is_two_by_two(s: Pool) -> bool:
    size = s.window_h == 2 and s.window_w == 2 and s.stride_h == 2 and s.stride_w == 2
    inside = s.top == 0 and s.left == 0 and 2 * s.out_h <= s.height and 2 * s.out_w <= s.width
    return size and inside and s.dilation_h == 1 and s.dilation_w == 1


@inlined
def _rows_in_vector(s: Pool, lanes: int) -> int:
    """Return how many rows of windows fill a vector, 2 or 4, where they cover the map; else 1."""
    for rows in (2, 4):
        if _is_two_by_two(s) and s.width == 2 * s.out_w and s.height == 2 * s.out_h and rows * s.out_w == lanes:
            return rows
    return 1


@inlined
def _largest_of_rows(
    x: Any, each: int, begin: int, end: int, y: Any, indices: Any, part: Any, taps: Any, s: Pool
) -> None:
    """Compare the taps of a block of rows of windows; ``part`` has rows of `_line` pixels, all -inf at first."""
    lanes = VECTOR_BYTES // x.itemsize
    (_, line), (offsets, lows, highs) = _line(s, lanes), taps
    beyond_left = min(s.out_w, (s.left + s.stride_w - 1) // s.stride_w)
    _gather_rows(x, each, begin, end, part, s)
    for i in range(begin, end):
        at = (each * s.out_h + i) * s.out_w
        first, last = lows[i], highs[i]
        # The first candidate is 0 if rectified, else the first tap on the image, which is larger than the border.
        tap = s.window_h * s.window_w if s.rectified else min(first, (s.window_h - 1) * s.window_w)
        best, part_at = 0.0 if s.rectified else -np.inf, _row_in_block(i, begin, s) * line
        for j in range(0, s.out_w, 2 * lanes):
            largest_of_taps(
                y, at + j, indices, at + j, part, part_at + j, offsets, 0, first, last, s.out_w - j, best, tap
            )
        for j in range(0 if s.rectified else beyond_left):
            if y[at + j] == -np.inf:
                beyond = (s.left - j * s.stride_w + s.dilation_w - 1) // s.dilation_w
                indices[at + j] += min(beyond, s.window_w - 1)


# --- rows of pixels in which those a stride apart are neighbours --------------------------------


@inlined
def _line(s: Pool, lanes: int) -> tuple[int, int]:
    """Return how many pixels of a padded row are a stride apart, and the length of the row."""
    reach = (s.out_w - 1) * s.stride_w + (s.window_w - 1) * s.dilation_w + 1
    phase = (max(reach, s.left + s.width) + s.stride_w - 1) // s.stride_w + lanes
    return phase, phase * s.stride_w


@inlined
def _block(s: Pool, itemsize: int) -> tuple[int, int]:
    """Return how many rows of windows are worked on at a time, and the size of the rows of pixels under them."""
    lanes, reach = VECTOR_BYTES // itemsize, (s.window_h - 1) * s.dilation_h + 1
    _, line = _line(s, lanes)
    rows = max(1, (SCRATCH // (itemsize * line) - reach) // s.stride_h + 1)
    return rows, ((min(rows, s.out_h) - 1) * s.stride_h + reach) * line + lanes


@inlined
def _offsets(s: Pool, lanes: int) -> Any:
    """Return where the taps of a row's first window are, from its first pixel on."""
    phase, line = _line(s, lanes)
    taps = np.arange(s.window_h * s.window_w)
    column = taps % s.window_w * s.dilation_w
    return taps // s.window_w * s.dilation_h * line + column % s.stride_w * phase + column // s.stride_w


@inlined
def _taps_inside(s: Pool) -> tuple[Any, Any]:
    """Return for each row of windows the first and the end of the taps that are on rows of the image."""
    row = np.arange(s.out_h) * s.stride_h - s.top
    first = np.minimum((np.maximum(0, -row) + s.dilation_h - 1) // s.dilation_h, s.window_h)
    last = np.maximum(first, np.minimum(s.window_h, (s.height - 1 - row) // s.dilation_h + 1))
    return first * s.window_w, last * s.window_w


@inlined
def _rows_under(begin: int, end: int, s: Pool) -> tuple[int, int]:
    """Return the first and the end of the image's rows under a block of rows of windows."""
    last = (end - 1) * s.stride_h - s.top + (s.window_h - 1) * s.dilation_h + 1
    return max(0, begin * s.stride_h - s.top), min(s.height, last)


@inlined
def _row_in_block(i: int, begin: int, s: Pool) -> int:
    """Return the row of a block's pixels under the first taps of a row of windows; below 0 on the padding."""
    return i * s.stride_h - s.top - max(0, begin * s.stride_h - s.top)


@inlined
def _gather_rows(x: Any, each: int, begin: int, end: int, part: Any, s: Pool) -> None:
    """Copy the rows under a block of rows of windows; what the padding has in ``part`` stays."""
    phase, line = _line(s, VECTOR_BYTES // x.itemsize)
    low, high = _rows_under(begin, end, s)
    for row in range(low, high):
        source = (each * s.height + row) * s.width
        split_phases(part, (row - low) * line, phase, s.left, x, source, s.stride_w, s.width)


# --- what windows give to the pixels under them ---------------------------------------------------


@inlined
def _lanes_of_windows(s: Pool, lanes: int) -> tuple[int, int]:
    """Return how many windows to the left of a row's first one give nothing, and the length of a row with both ends."""
    margin = (s.window_w - 1) * s.dilation_w // s.stride_w + 1
    return margin, margin + (s.left + s.stride_w - 1) // s.stride_w + _phase(s, lanes) + lanes


@inlined
def _phase(s: Pool, lanes: int) -> int:
    """Return how many pixels of a row are a stride apart, in whole vectors: a masked one would be waited for."""
    return ((s.width - 1) // s.stride_w + lanes) // lanes * lanes


@inlined
def _givers(s: Pool, lanes: int) -> tuple[Any, Any, Any]:
    """Return for each row of pixels, and those of it that are a stride apart, which windows have them as which taps.

    That is where in two tables the first one stands, and the tables: the windows' offsets for the first pixel, in rows
    of `_lanes_of_windows`, and the numbers of the taps.
    """
    margin, line = _lanes_of_windows(s, lanes)
    starts = np.empty(s.height * s.stride_w + 1, np.int64)
    size = s.out_h * s.window_h * s.window_w  # each row of taps of a row of windows has one row of pixels
    offsets, taps, k = np.empty(size, np.int64), np.empty(size, np.int64), 0
    upper, lower = _taps_by_pixel(s.window_h, s.dilation_h, s.top, s.stride_h)
    left, right = _taps_by_pixel(s.window_w, s.dilation_w, s.left, s.stride_w)
    for row in range(s.height):
        for phase in range(s.stride_w):
            starts[row * s.stride_w + phase] = k
            p = upper[row % s.stride_h]
            while p >= 0:
                i, q = (row + s.top - p * s.dilation_h) // s.stride_h, left[phase]
                while q >= 0 and 0 <= i < s.out_h:
                    offsets[k] = i * line + margin + (phase + s.left - q * s.dilation_w) // s.stride_w
                    taps[k] = p * s.window_w + q
                    k, q = k + 1, right[q]
                p = lower[p]
    starts[-1] = k
    return starts, offsets, taps


@inlined
def _taps_by_pixel(taps: int, dilation: int, padding: int, stride: int) -> tuple[Any, Any]:
    """Return for each of a stride's pixels the first tap that windows have on it and its like, and for each the next, or -1."""
    first, following = np.full(stride, -1, np.int64), np.empty(taps, np.int64)
    for tap in range(taps - 1, -1, -1):
        pixel = (tap * dilation - padding) % stride
        following[tap], first[pixel] = first[pixel], tap
    return first, following


def max_pool_gather(x: Array, indices: Array, windows: Windows) -> Any:
    """Return from each window the value at the tap that its index names."""
    if not supports(x) or indices.dtype.kind not in "iu":
        return NotImplemented
    y = np.empty(indices.shape, x.dtype)
    _run(_max_pool_gather, x, windows, flat(x), flat(indices), y.reshape(-1))
    return y


@parallel_for
def _max_pool_gather(first: int, last: int, s: Pool, x: Any, indices: Any, y: Any) -> None:
    """Gather a map for each job: x (maps, H, W), indices and y (maps, OH, OW)."""
    for each in range(first, last):
        for i in range(s.out_h):
            for j in range(s.out_w):
                at = (each * s.out_h + i) * s.out_w + j
                source = _argmax_pixel(indices[at], each, i, j, s)
                y[at] = x[source] if source >= 0 else 0


@inlined
def _argmax_pixel(index: int, each: int, i: int, j: int, s: Pool) -> int:
    """Return the offset in x of the tap with this index, or -1 if it is on the padding."""
    tap: Any = np.int64(index)
    row = i * s.stride_h + tap // s.window_w * s.dilation_h - s.top
    column = j * s.stride_w + tap % s.window_w * s.dilation_w - s.left
    inside = 0 <= tap < s.window_h * s.window_w and 0 <= row < s.height and 0 <= column < s.width
    return (each * s.height + row) * s.width + column if inside else -1


def max_unpool(g: Array, indices: Array, windows: Windows) -> Any:
    """Add each window's g to the pixel that won it: the adjoint of `max_pool_gather`."""
    if not supports(g) or indices.dtype.kind not in "iu":
        return NotImplemented
    x = np.empty((*g.shape[:2], *windows.image), g.dtype)
    _run(_max_unpool, g, windows, flat(g), flat(indices), x.reshape(-1))
    return x


@parallel_for
def _max_unpool(first: int, last: int, s: Pool, g: Any, indices: Any, x: Any) -> None:
    """Write a map for each job: g and indices (maps, OH, OW), x (maps, H, W)."""
    lanes = VECTOR_BYTES // g.itemsize
    if not _is_two_by_two(s):
        (margin, line), (starts, offsets, taps) = _lanes_of_windows(s, lanes), _givers(s, lanes)
        given, winners = np.zeros(s.out_h * line, g.dtype), np.zeros(s.out_h * line, indices.dtype)
        phase = _phase(s, lanes)
        part = aligned_zeros(phase * s.stride_w, g)
        for each in range(first, last):
            for i in range(s.out_h):
                at, to = (each * s.out_h + i) * s.out_w, i * line + margin
                copy_row(given, to, g, at, s.out_w)
                copy_row(winners, to, indices, at, s.out_w)
            for row in range(s.height):
                for k in range(s.stride_w):
                    low, high = starts[row * s.stride_w + k], starts[row * s.stride_w + k + 1]
                    for j in range(0, phase, 2 * lanes):
                        sum_of_won(part, k * phase + j, given, j, offsets, 0, low, high, phase - j, winners, j, taps, 0)
                merge_phases(x, (each * s.height + row) * s.width, part, phase, s.stride_w, s.width)
        return
    rows = _rows_in_vector(s, lanes)
    whole = s.out_h // rows * rows if rows > 1 else 0
    for each in range(first, last):
        start, end = each * s.height * s.width, (each + 1) * s.height * s.width
        x[start + 2 * s.out_h * s.width : end] = 0
        for i in range(0, whole, rows):
            at = (each * s.out_h + i) * s.out_w
            give_to_one_of_four_in_rows(x, 4 * at, g, at, indices, at, rows)
        for i in range(whole, s.out_h):
            at = (each * s.out_h + i) * s.out_w
            _scatter_pairs(g, indices, at, (each + 1) * s.out_h * s.out_w, x, start + 2 * i * s.width, s)


@inlined
def _scatter_pairs(g: Any, indices: Any, at: int, end: int, x: Any, x_at: int, s: Pool) -> None:
    """Write two rows of x, from a row of windows that begins at ``at`` in a map that ends at ``end``."""
    lanes = VECTOR_BYTES // g.itemsize
    # From right to left, so that what is written beyond the end of the upper row is overwritten.
    for j in range((s.out_w - 1) // lanes * lanes, -1, -lanes):
        count = lanes if at + j + lanes <= end else s.out_w - j
        give_to_one_of_four(x, x_at + 2 * j, s.width, g, at + j, indices, at + j, count)
    for p in range(2):
        for j in range(2 * s.out_w, s.width):
            x[x_at + p * s.width + j] = 0


# --- the mean of each window ------------------------------------------------------------------


def mean_pool(x: Array, windows: Windows, counts: Array) -> Any:
    """Return each window's sum over its count, (OH, OW) or a number."""
    counts = _count_array(counts, x, windows)
    if not supports(x, counts):
        return NotImplemented
    y = np.empty((*x.shape[:2], *windows.out), x.dtype)
    _run(_mean_pool, x, windows, flat(x), flat(counts), y.reshape(-1))
    return y


def _count_array(counts: Any, like: Array, windows: Windows) -> Array:
    """Return a count for each window; a plain number takes the dtype of the images."""
    dtype = like.dtype if isinstance(counts, (int, float)) else None
    return np.broadcast_to(np.asarray(counts, dtype), windows.out)


@parallel_for
def _mean_pool(first: int, last: int, s: Pool, x: Any, counts: Any, y: Any) -> None:
    """Pool a map for each job: x (maps, H, W), counts (OH, OW), y (maps, OH, OW)."""
    lanes = VECTOR_BYTES // x.itemsize
    if _is_two_by_two(s):
        for row in range(first * s.out_h, last * s.out_h):
            each, i = row // s.out_h, row % s.out_h
            source = (each * s.height + 2 * i) * s.width
            for j in range(0, s.out_w, lanes):
                at = row * s.out_w + j
                mean_of_four(y, at, x, source + 2 * j, s.width, counts, i * s.out_w + j, s.out_w - j)
        return
    row_block, size = _block(s, x.itemsize)
    part, offsets, (_, line) = np.zeros(size, x.dtype), _offsets(s, lanes), _line(s, lanes)
    lows, highs = _taps_inside(s)
    for each in range(first, last):
        for begin in range(0, s.out_h, row_block):
            end = min(begin + row_block, s.out_h)
            _gather_rows(x, each, begin, end, part, s)
            for i in range(begin, end):
                at, part_at = (each * s.out_h + i) * s.out_w, _row_in_block(i, begin, s) * line
                for j in range(0, s.out_w, 2 * lanes):
                    sum_of_taps(y, at + j, part, part_at + j, offsets, 0, lows[i], highs[i], s.out_w - j)
                _divide(0, s.out_w, (), (y[at:], counts[i * s.out_w :], y[at:]))


_divide: Final = vectorized(lambda total, count: total / count)


def mean_pool_wrt_input(g: Array, windows: Windows, counts: Array) -> Any:
    """Return the cotangent of x: each pixel of a window gets the same share of its g."""
    counts = _count_array(counts, g, windows)
    if not supports(g, counts):
        return NotImplemented
    x = np.empty((*g.shape[:2], *windows.image), g.dtype)
    _run(_mean_pool_wrt_input, g, windows, flat(g), flat(counts), x.reshape(-1))
    return x


@parallel_for
def _mean_pool_wrt_input(first: int, last: int, s: Pool, g: Any, counts: Any, x: Any) -> None:
    """Write a map for each job: g (maps, OH, OW), counts (OH, OW), x (maps, H, W)."""
    lanes = VECTOR_BYTES // g.itemsize
    if _is_two_by_two(s):
        for row in range(first * s.out_h, last * s.out_h):
            each, i = row // s.out_h, row % s.out_h
            target = (each * s.height + 2 * i) * s.width
            for j in range(0, s.out_w, lanes):
                at = row * s.out_w + j
                give_to_all_four(x, target + 2 * j, s.width, g, at, counts, i * s.out_w + j, s.out_w - j)
            for j in range(2 * s.out_w, s.width):
                x[target + j] = x[target + s.width + j] = 0
            if i == s.out_h - 1:
                x[target + 2 * s.width : (each + 1) * s.height * s.width] = 0
        return
    (margin, line), (starts, offsets, _) = _lanes_of_windows(s, lanes), _givers(s, lanes)
    given, phase = np.zeros(s.out_h * line, g.dtype), _phase(s, lanes)
    part = aligned_zeros(phase * s.stride_w, g)
    for each in range(first, last):
        for i in range(s.out_h):
            at = (each * s.out_h + i) * s.out_w
            _divide(0, s.out_w, (), (g[at:], counts[i * s.out_w :], given[i * line + margin :]))
        for row in range(s.height):
            for k in range(s.stride_w):
                low, high = starts[row * s.stride_w + k], starts[row * s.stride_w + k + 1]
                for j in range(0, phase, 2 * lanes):
                    sum_of_taps(part, k * phase + j, given, j, offsets, 0, low, high, phase - j)
            merge_phases(x, (each * s.height + row) * s.width, part, phase, s.stride_w, s.width)
