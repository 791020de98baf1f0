"""Weighted sums of a few rows and columns of maps, for resizing: two loops over rows with a transpose in between.

Where rows are added up, a vector holds neighbours in a row. Where columns are, sixteen rows are transposed into the
lanes, so that columns become rows. The smaller work comes first: rows are added up last to enlarge an image, first to
shrink it.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numba.core import cgutils

from autograd_cnn.kernels.compiled.llvm import INT, VECTOR_BYTES, Value, Vectors, emitted, entry
from autograd_cnn.kernels.compiled.packing import SCRATCH, aligned_zeros, copy_row, padded_width
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for, supports
from autograd_cnn.kernels.compiled.transposing import transpose_block, transpose_lanes
from autograd_cnn.kernels.taps import Array, Taps

MIN_PARALLEL: Final = 1 << 15  # elements; below this, one thread is done before another has started
PANEL: Final = 2  # vectors of rows side by side, whose sums don't wait for each other


class Resampling(NamedTuple):
    """The sizes of maps, and of the bands of rows of the result, which are one job each."""

    height: int
    width: int
    out_h: int
    out_w: int
    bands: int
    rows: int  # of the result in a band
    span: int  # of rows of the maps under a band, at most
    line: int  # from row to row of the result, while its columns are added up


def resample(x: Array, rows: Taps, columns: Taps) -> Any:
    """Return the products of maps (..., H, W) with sparse matrices on both sides."""
    if not supports(x):
        return NotImplemented
    y = np.empty((*x.shape[:-2], rows.count, columns.count), x.dtype)
    sizes = _sizes(rows, columns, x.itemsize)
    tables = [each for taps in (rows, columns) for each in (taps.table[0], taps.table[1].astype(x.dtype))]
    maps = x.size // (sizes.height * sizes.width)
    _resample(maps * sizes.bands, sizes, flat(x), *tables, y.reshape(-1), serial=x.size + y.size < MIN_PARALLEL)
    return y


def _sizes(rows: Taps, columns: Taps, itemsize: int) -> Resampling:
    height, width, out_h, out_w = rows.length, columns.length, rows.count, columns.count
    together = max(1, SCRATCH // (itemsize * max(width, out_w)))
    count = max(1, min(out_h, together * out_h // max(height, out_h)))
    starts, places = np.array(rows.starts), np.array(rows.places)
    spans = [
        int(np.ptp(places[starts[i] : starts[min(i + count, out_h)]])) + 1
        for i in range(0, out_h, count)
        if starts[i] < starts[min(i + count, out_h)]
    ]
    line = padded_width(out_w, VECTOR_BYTES // itemsize)
    return Resampling(height, width, out_h, out_w, -(-out_h // count), count, max(spans, default=0), line)


@parallel_for
def _resample(
    first: int, last: int, s: Resampling, x: Any, rows: Any, row_weights: Any, columns: Any, column_weights: Any, y: Any
) -> None:
    """Write a band of rows of a map for each job: x (maps, H, W), y (maps, OH, OW)."""
    lanes = VECTOR_BYTES // x.itemsize
    panel = PANEL * lanes
    enlarged = s.height <= s.out_h
    count = -(-(s.span if enlarged else s.rows) // panel) * panel
    part, wide = aligned_zeros(s.rows * s.width, x), aligned_zeros(count * s.line, x)
    before, after = aligned_zeros((s.width + lanes) * panel, x), aligned_zeros((s.out_w + lanes) * panel, x)
    for job in range(first, last):
        each, begin = job // s.bands, job % s.bands * s.rows
        end, x_at = min(begin + s.rows, s.out_h), each * s.height * s.width
        y_at = (each * s.out_h + begin) * s.out_w
        if enlarged:
            low, high = _span(rows, rows[begin], rows[end], s)
            _across(wide, x, x_at + low * s.width, high - low, before, after, columns, column_weights, s)
            for i in range(begin, end):
                target = y_at + (i - begin) * s.out_w
                _add_rows(
                    y,
                    target,
                    wide,
                    -low * s.line,
                    s.line,
                    rows,
                    s.out_h + 1,
                    row_weights,
                    0,
                    rows[i],
                    rows[i + 1],
                    s.out_w,
                )
        else:
            for i in range(begin, end):
                target = (i - begin) * s.width
                _add_rows(
                    part, target, x, x_at, s.width, rows, s.out_h + 1, row_weights, 0, rows[i], rows[i + 1], s.width
                )
            _across(wide, part, 0, end - begin, before, after, columns, column_weights, s)
            for i in range(end - begin):
                copy_row(y, y_at + i * s.out_w, wide, i * s.line, s.out_w)


@inlined
def _span(rows: Any, first: int, last: int, s: Resampling) -> tuple[int, int]:
    """Return the first and the end of the rows of the maps under a band, given where its taps are in the table."""
    low, high = s.height, 0
    for k in range(s.out_h + 1 + first, s.out_h + 1 + last):
        low, high = min(low, rows[k]), max(high, rows[k] + 1)
    return min(low, high), high


@inlined
def _across(
    wide: Any, x: Any, at: int, count: int, before: Any, after: Any, columns: Any, weights: Any, s: Resampling
) -> None:
    """Write the sums of columns of some rows as rows of ``wide``, which has room for whole panels."""
    lanes = VECTOR_BYTES // x.itemsize
    panel = PANEL * lanes
    for row in range(0, count, panel):
        vectors = min(PANEL, (count - row + lanes - 1) // lanes)
        for m in range(0, vectors * lanes, lanes):
            for j in range(0, s.width, lanes):
                source, high = at + (row + m) * s.width + j, min(lanes, count - row - m)
                transpose_lanes(before, j * panel + m, panel, x, source, s.width, high, min(lanes, s.width - j))
        for j in range(s.out_w):
            low, high = columns[j], columns[j + 1]
            _add_rows(after, j * panel, before, 0, panel, columns, s.out_w + 1, weights, 0, low, high, vectors * lanes)
        for m in range(0, vectors * lanes, lanes):
            for j in range(0, s.out_w, lanes):
                transpose_block(wide, (row + m) * s.line + j, s.line, after, j * panel + m, panel, lanes)


@emitted
def _add_rows(
    simd: Vectors, target: Value, source: Value, step: Value, places: Value, weights: Value, first: Value, last: Value,
    count: Value,
) -> None:  # fmt: skip
    """Write ``count`` numbers: the weighted sum of the rows at ``places[first:last]``, which are a ``step`` apart."""
    build = simd.build

    def add(begin: Value, ways: int, mask: Value = None) -> None:
        offsets = [build.add(begin, INT(way * simd.lanes)) for way in range(ways)]
        totals = [cgutils.alloca_once(build, simd.vector) for _ in offsets]
        for total in totals:
            build.store(simd.zero, total)
        with cgutils.for_range(build, last, start=first) as tap:
            row = build.mul(entry(build, places, tap.index), step)
            weight = simd.load_splat(weights, tap.index)
            for offset, total in zip(offsets, totals, strict=True):
                number = simd.load(source, build.add(row, offset), mask)
                build.store(simd.multiply_add(number, weight, build.load(total)), total)
        for offset, total in zip(offsets, totals, strict=True):
            simd.store(build.load(total), target, offset, mask)

    begin = INT(0)
    for ways in (PANEL, 1):
        size = INT(ways * simd.lanes)
        end = build.add(begin, build.mul(build.sdiv(build.sub(count, begin), size), size))
        with cgutils.for_range_slice(build, begin, end, size) as (offset, _):
            add(offset, ways)
        begin = end
    with build.if_then(build.icmp_signed("<", begin, count)):
        add(begin, 1, simd.first_lanes(build.sub(count, begin)))
