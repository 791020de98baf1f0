"""Softmax, its logarithm, loss and log-sum: a row is read, summed and written while it is in the first-level cache.

Rows run along the last axis. If the largest score of a row is infinite, the reference computes the whole array.
"""

import math
from typing import Any, Final, NamedTuple, cast

import numpy as np

from autograd_cnn.kernels.compiled.lanes import Lanes, at_least, exp, log1p_of_any, where
from autograd_cnn.kernels.compiled.map import MIN_COMPILED, MIN_PARALLEL, SUM, Fold, both_summed, summed, vectorized
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for, supports
from autograd_cnn.kernels.compiled.reduction import add_vectors
from autograd_cnn.kernels.windows import Array

MIN_MAP: Final = 1 << 4  # elements of a map; with fewer, most of a vector would be empty
PIXELS: Final = 1 << 8  # of a job, whose scores of many classes stay in the first-level cache
HALF: Final = 0.5  # a probability that leaves as much to the others
WAYS: Final = 4  # partial results of a dot product, in vectors
BLOCK: Final = 1 << 10  # elements that are summed in their own dtype; the sums of blocks are added in float64


class Rows(NamedTuple):
    """The length of a row, and how many rows fit well into the first-level cache."""

    length: int
    block: int


class Maps(NamedTuple):
    """How many classes there are, the size of their maps, and how many neighbours in them are one job."""

    classes: int
    size: int
    block: int


def softmax(x: Array, axis: int | tuple[int, ...] | None) -> Any:
    """Return exp(x) / sum(exp(x)) along an axis."""
    return _unless_infinite(_softmax, _softmax_of_maps, x, axis)


def log_softmax(x: Array, axis: int | tuple[int, ...] | None) -> Any:
    """Return the logarithm of `softmax`."""
    return _unless_infinite(_log_softmax, _log_softmax_of_maps, x, axis)


def logsumexp(x: Array, axis: int | tuple[int, ...] | None) -> Any:
    """Return log(sum(exp(x))) along an axis, which stays, with length 1."""
    return _unless_infinite(_logsumexp, _logsumexp_of_maps, x, axis, reduced=True)


def softmax_wrt_x(g: Array, y: Array, axis: int | tuple[int, ...] | None) -> Any:
    """Return y · (g - sum(g·y)), where y is the softmax."""
    return _adjoint(_softmax_wrt_x, _softmax_of_maps_wrt_x, g, y, axis)


def log_softmax_wrt_x(g: Array, y: Array, axis: int | tuple[int, ...] | None) -> Any:
    """Return g - exp(y)·sum(g), where y is the logarithm of the softmax."""
    return _adjoint(_log_softmax_wrt_x, _log_softmax_of_maps_wrt_x, g, y, axis)


def softmax_cross_entropy(scores: Array, labels: Array, label_smoothing: float) -> Any:
    """Return for each row of scores (N, K, ...) the negative log of the probability of its label (N, ...)."""
    if not supports(scores):
        return NotImplemented
    y = np.empty(labels.shape, scores.dtype)
    return _by_labels(_cross_entropy, _cross_entropy_of_maps, y, scores, _indices(labels), label_smoothing)


def softmax_error(g: Array, scores: Array, labels: Array, label_smoothing: float) -> Any:
    """Return g (N, ...) times (softmax - targets); without smoothing, a label's entry is minus the sum of the others."""
    indices = _indices(labels)
    if not supports(scores, g) or indices.view(np.uint64).max() >= scores.shape[1]:
        return NotImplemented  # as an unsigned number, a negative index is large, too
    y = np.empty(scores.shape, scores.dtype)
    return _by_labels(_error, _error_of_maps, y, scores, indices, label_smoothing, flat(g))


def _by_labels(
    of_rows: parallel_for,
    of_maps: parallel_for,
    y: Array,
    scores: Array,
    labels: Array,
    smoothing: float,
    *first: Array,
) -> Any:
    """Let the loop over rows or over maps write y, and return it; maps with an infinite score are declined."""
    operands, serial = (*first, flat(scores), labels, np.array([smoothing])), scores.size < MIN_PARALLEL
    if scores.ndim == 2:
        of_rows(len(labels), _rows(scores), *operands, y.reshape(-1), serial=serial)
        return y
    infinite = np.zeros(1, bool)
    of_maps(*_maps(scores), *operands, y.reshape(-1), infinite, serial=serial)
    return NotImplemented if infinite[0] else y


def _rows(x: Array) -> Rows:
    length = x.shape[-1]
    return Rows(length, max(1, BLOCK // length))


def _maps(x: Array, axis: int = 1) -> tuple[int, Maps]:
    """Return how many jobs scores (N, K, ...) are, and their sizes, for classes along the axis."""
    size = math.prod(x.shape[axis + 1 :])
    together = min(size, PIXELS)
    return math.prod(x.shape[:axis]) * -(-size // together), Maps(x.shape[axis], size, together)


def _layout(axis: int | tuple[int, ...] | None, x: Array) -> tuple[int, Rows | Maps] | None:
    """Return how many jobs the rows along the axis or the maps across it are, and their sizes; None if neither pays."""
    if x.size < MIN_COMPILED or type(axis) is not int or not -x.ndim <= axis < x.ndim:
        return None
    if axis in {-1, x.ndim - 1}:
        return x.size // x.shape[-1], _rows(x)
    jobs, maps = _maps(x, axis % x.ndim)
    return (jobs, maps) if maps.size >= MIN_MAP else None


def _indices(labels: Array) -> Array:
    return flat(labels.astype(np.int64, copy=False))


def _unless_infinite(
    of_rows: parallel_for, of_maps: parallel_for, x: Array, axis: int | tuple[int, ...] | None, *, reduced: bool = False
) -> Any:
    layout = _layout(axis, x) if supports(x) else None
    if layout is None:
        return NotImplemented
    jobs, sizes = layout
    one = (*(slice(None),) * (cast("int", axis) % x.ndim), slice(1))
    y = np.empty(x[one].shape if reduced else x.shape, x.dtype)
    infinite, loop = np.zeros(1, bool), of_rows if type(sizes) is Rows else of_maps
    loop(jobs, sizes, flat(x), y.reshape(-1), infinite, serial=x.size < MIN_PARALLEL)
    return NotImplemented if infinite[0] else y


def _adjoint(
    of_rows: parallel_for, of_maps: parallel_for, g: Array, y: Array, axis: int | tuple[int, ...] | None
) -> Any:
    layout = _layout(axis, y) if g.shape == y.shape and supports(y, g) else None
    if layout is None:
        return NotImplemented
    jobs, sizes = layout
    out, loop = np.empty(y.shape, y.dtype), of_rows if type(sizes) is Rows else of_maps
    loop(jobs, sizes, flat(g), flat(y), out.reshape(-1), serial=y.size < MIN_PARALLEL)
    return out


# --- formulas on rows -------------------------------------------------------------------------


_MAX: Final = Fold(at_least, -np.inf)


def _power(x: Lanes) -> Lanes:
    """Return exp(x) for x up to 0."""
    return exp(at_least(x, x.format.least)).value


def _powers(top: Lanes, x: Lanes) -> tuple[Lanes, Lanes]:
    power = _power(x - top)
    return power, power


def _others(top: Lanes, x: Lanes) -> tuple[Lanes, Lanes]:
    """Return the exponentials of all but the largest, and ones for the largest."""
    distance = x - top
    ties = distance >= 0.0
    return where(ties, 0.0, _power(distance)), where(ties, 1.0, 0.0)


def _of_largest(top: Lanes, g: Lanes, y: Lanes) -> tuple[Lanes, Lanes]:
    ties = y >= top
    return where(ties, g, 0.0), where(ties, 1.0, 0.0)


largest: Final = vectorized(lambda x: x, _MAX, ways=4)
sum_of_powers: Final = summed(_powers, BLOCK)  # which it writes, too
_sum_others: Final = both_summed(_others, BLOCK)
_sum_distances: Final = summed(lambda top, x: x - top, BLOCK, ways=4)
_sum_of_largest: Final = vectorized(_of_largest, SUM, SUM, ways=4)
sum_of_products: Final = summed(lambda a, b: a * b, BLOCK, ways=WAYS)
_dot_and_largest: Final = vectorized(lambda g, y: (g * y, y), SUM, _MAX, ways=2)
_dot: Final = summed(lambda shift, g, y: (g - shift) * y, BLOCK, ways=4)
_sum: Final = summed(lambda g: g, BLOCK, ways=4)
scaled: Final = vectorized(lambda factor, x: x * factor)
_scale_errors: Final = vectorized(lambda factor, share, g, x: (x * factor - share) * g)
_lower: Final = vectorized(lambda top, log, x: x - top - log)
_write_logs: Final = vectorized(log1p_of_any)
_project: Final = vectorized(lambda shift, dot, g, y: y * (g - shift - dot))
_spread: Final = vectorized(lambda total, g, y: g - _power(y) * total)

# --- rows -------------------------------------------------------------------------------------


@inlined
def _top(first: int, last: int, x: Any, infinite: Any) -> Any:
    """Return the largest, and set ``infinite`` if it is not finite."""
    (top,) = largest(first, last, (), (x,))
    if not -np.inf < top < np.inf:
        infinite[0] = True
    return top


@inlined
def _has_nan(first: int, last: int, x: Any) -> bool:
    for i in range(first, last):  # noqa: SIM110  # Numba compiles no any()
        if np.isnan(x[i]):
            return True
    return False


@inlined
def _sum_of_others(first: int, last: int, x: Any, top: Any) -> Any:
    """Return the sum of exp(x - top) without one of the largest."""
    total, count = _sum_others(first, last, (top,), (x,))
    return total + (count - 1)


@parallel_for
def _softmax(first: int, last: int, s: Rows, x: Any, y: Any, infinite: Any) -> None:
    tops, factors = np.empty(s.block, x.dtype), np.empty(s.block, x.dtype)
    for begin in range(first, last, s.block):  # rows of a block hide each other's latencies
        count = min(s.block, last - begin)
        for i in range(count):
            at = (begin + i) * s.length
            tops[i] = _top(at, at + s.length, x, infinite)
        for i in range(count):
            at = (begin + i) * s.length
            factors[i] = 1 / sum_of_powers(at, at + s.length, (tops[i],), (x, y))
        for i in range(count):
            at = (begin + i) * s.length
            scaled(at, at + s.length, (factors[i],), (y, y))


@parallel_for
def _log_softmax(first: int, last: int, s: Rows, x: Any, y: Any, infinite: Any) -> None:
    tops, logs = np.empty(s.block, x.dtype), np.empty(s.block, x.dtype)
    for begin in range(first, last, s.block):
        count = min(s.block, last - begin)
        for i in range(count):
            at = (begin + i) * s.length
            tops[i] = _top(at, at + s.length, x, infinite)
            logs[i] = _sum_of_others(at, at + s.length, x, tops[i])
        _write_logs(0, count, (), (logs, logs))
        for i in range(count):
            at = (begin + i) * s.length
            _lower(at, at + s.length, (tops[i], logs[i]), (x, y))


@parallel_for
def _logsumexp(first: int, last: int, s: Rows, x: Any, y: Any, infinite: Any) -> None:
    tops = np.empty(s.block, x.dtype)
    for begin in range(first, last, s.block):
        count = min(s.block, last - begin)
        for i in range(count):
            at = (begin + i) * s.length
            tops[i] = _top(at, at + s.length, x, infinite)
            y[begin + i] = _sum_of_others(at, at + s.length, x, tops[i])
        _write_logs(begin, begin + count, (), (y, y))
        for i in range(count):
            y[begin + i] += tops[i]


@parallel_for
def _softmax_wrt_x(first: int, last: int, s: Rows, g: Any, y: Any, out: Any) -> None:
    for row in range(first, last):
        at, end = row * s.length, (row + 1) * s.length
        top, dot, shift = y.dtype.type(-np.inf), 0.0, y.dtype.type(0)
        for begin in range(at, end, BLOCK):
            part, part_top = _dot_and_largest(begin, min(begin + BLOCK, end), (), (g, y))
            top, dot = max(top, part_top), dot + part
        if not top < HALF:
            # The rows of the Jacobian add up to 0, so a constant may be subtracted from g: subtracting the largest
            # one's cotangent removes its y, which may be 1 up to rounding, from the sum.
            total, count = _sum_of_largest(at, end, (top,), (g, y))
            shift = total / max(count, y.dtype.type(1))
            dot = _dot(at, end, (shift,), (g, y))
        _project(at, end, (shift, y.dtype.type(dot)), (g, y, out))


@parallel_for
def _log_softmax_wrt_x(first: int, last: int, s: Rows, g: Any, y: Any, out: Any) -> None:
    for row in range(first, last):
        at, end = row * s.length, (row + 1) * s.length
        _spread(at, end, (y.dtype.type(_sum(at, end, (), (g,))),), (g, y, out))


@parallel_for
def _cross_entropy(first: int, last: int, s: Rows, x: Any, labels: Any, smoothing: Any, y: Any) -> None:
    logs, right = np.empty(s.block, x.dtype), np.empty(s.block)
    for begin in range(first, last, s.block):
        count = min(s.block, last - begin)
        for i in range(count):
            at, end = (begin + i) * s.length, (begin + i + 1) * s.length
            (top,) = largest(at, end, (), (x,))
            if -np.inf < top < np.inf:
                logs[i], right[i] = _sum_of_others(at, end, x, top), x[at + labels[begin + i]] - top
                if smoothing[0] != 0:
                    right[i] = (
                        right[i] * (1 - smoothing[0]) + _sum_distances(at, end, (top,), (x,)) / s.length * smoothing[0]
                    )
            else:
                nothing = top < 0 and smoothing[0] != 1 and not _has_nan(at, end, x)
                logs[i], right[i] = 0, -np.inf if nothing else np.nan
        _write_logs(0, count, (), (logs, logs))
        for i in range(count):
            y[begin + i] = logs[i] - right[i]


@parallel_for
def _error(first: int, last: int, s: Rows, g: Any, x: Any, labels: Any, smoothing: Any, y: Any) -> None:
    for row in range(first, last):
        at, end = row * s.length, (row + 1) * s.length
        label = at + labels[row]
        (top,) = largest(at, end, (), (x,))
        if -np.inf < top < np.inf:
            others = sum_of_powers(at, label, (top,), (x, y)) + sum_of_powers(label + 1, end, (top,), (x, y))
            factor = 1 / (others + sum_of_powers(label, label + 1, (top,), (x, y)))
        else:  # an infinite score gets NaN, and leaves the others a probability of 0
            lost, others, factor = top < 0 or _has_nan(at, end, x), 0.0, 1.0
            for i in range(at, end):
                y[i] = np.nan if lost or np.exp(x[i]) == np.inf else 0
                others += y[i]
        if smoothing[0] != 0:
            share = smoothing[0] / s.length
            own = (y[label] * factor - share - (1 - smoothing[0])) * g[row]
            _scale_errors(at, end, (x.dtype.type(factor), x.dtype.type(share), g[row]), (y, y))
            y[label] = own
        else:  # minus the sum of the others, which p - 1 would lose
            scaled(at, end, (x.dtype.type(g[row] * factor),), (y, y))
            y[label] = -others * factor * g[row]


# --- maps of classes: as many neighbours at a time as stay in the cache ---------------------------


def _power_and_sum(x: Lanes, top: Lanes, total: Lanes) -> tuple[Lanes, Lanes]:
    power = _power(x - top)
    return power, total + power


def _others_and_sums(x: Lanes, top: Lanes, total: Lanes, count: Lanes) -> tuple[Lanes, Lanes]:
    others, ties = _others(top, x)
    return total + others, count + ties


def _scaled_and_sum(x: Lanes, factor: Lanes, total: Lanes) -> tuple[Lanes, Lanes]:
    return x * factor, total + x


def _larger_with_cotangent(g: Lanes, y: Lanes, top: Lanes, shift: Lanes) -> tuple[Lanes, Lanes]:
    larger = y > top
    return where(larger, y, top), where(larger, g, shift)


_keep_larger: Final = vectorized(lambda x, top: at_least(top, x))
_add_others: Final = vectorized(_others_and_sums)
_add_distances: Final = vectorized(lambda x, top, total: total + (x - top))
_write_logs_of_sums: Final = vectorized(lambda total, count: log1p_of_any(total + count))
_add_powers: Final = vectorized(_power_and_sum)
_scale_and_add: Final = vectorized(_scaled_and_sum)
_scale_by: Final = vectorized(lambda x, factor: x * factor)
_lower_by: Final = vectorized(lambda x, top, log: x - top - log)
_find_shifts: Final = vectorized(_larger_with_cotangent)
_add_products: Final = vectorized(lambda g, y, shift, dot: dot + (g - shift) * y)
_project_maps: Final = vectorized(lambda g, y, shift, dot: y * (g - shift - dot))
_spread_maps: Final = vectorized(lambda g, y, total: g - _power(y) * total)
_weigh: Final = vectorized(lambda share, x, factor, g: (x * factor - share) * g)


@inlined
def _tops(x: Any, at: int, s: Maps, tops: Any, infinite: Any) -> None:
    """Find the largest score of each, and note if one is infinite."""
    tops[:] = -np.inf
    for k in range(s.classes):
        _keep_larger(0, tops.size, (), (x[at + k * s.size :], tops))
    for i in range(tops.size):
        if not -np.inf < tops[i] < np.inf:
            infinite[0] = True


@inlined
def _neighbours(job: int, s: Maps) -> tuple[int, int, int]:
    """Return where the scores of a job's neighbours begin, where in a map of one number each, and how many there are."""
    blocks = (s.size + s.block - 1) // s.block
    image, begin = job // blocks, job % blocks * s.block
    return image * s.classes * s.size + begin, image * s.size + begin, min(s.block, s.size - begin)


@inlined
def _logs(x: Any, at: int, s: Maps, tops: Any, logs: Any, counts: Any, infinite: Any) -> None:
    """Write the largest score of each, and the logarithm of the sum of exp(x - top)."""
    _tops(x, at, s, tops, infinite)
    logs[:], counts[:] = 0, -1
    for k in range(s.classes):
        _add_others(0, logs.size, (), (x[at + k * s.size :], tops, logs, counts))
    _write_logs_of_sums(0, logs.size, (), (logs, counts, logs))


@parallel_for
def _softmax_of_maps(first: int, last: int, s: Maps, x: Any, y: Any, infinite: Any) -> None:
    buffer = np.empty((2, s.block), x.dtype)
    for job in range(first, last):
        at, _, n = _neighbours(job, s)
        tops, totals = buffer[0, :n], buffer[1, :n]
        _tops(x, at, s, tops, infinite)
        totals[:] = 0
        for k in range(s.classes):
            _add_powers(0, n, (), (x[at + k * s.size :], tops, totals, y[at + k * s.size :], totals))
        totals[:] = 1 / totals
        for k in range(s.classes):
            _scale_by(0, n, (), (y[at + k * s.size :], totals, y[at + k * s.size :]))


@parallel_for
def _log_softmax_of_maps(first: int, last: int, s: Maps, x: Any, y: Any, infinite: Any) -> None:
    buffer = np.empty((3, s.block), x.dtype)
    for job in range(first, last):
        at, _, n = _neighbours(job, s)
        tops, logs = buffer[0, :n], buffer[1, :n]
        _logs(x, at, s, tops, logs, buffer[2, :n], infinite)
        for k in range(s.classes):
            _lower_by(0, n, (), (x[at + k * s.size :], tops, logs, y[at + k * s.size :]))


@parallel_for
def _logsumexp_of_maps(first: int, last: int, s: Maps, x: Any, y: Any, infinite: Any) -> None:
    buffer = np.empty((3, s.block), x.dtype)
    for job in range(first, last):
        at, begin, n = _neighbours(job, s)
        tops, logs = buffer[0, :n], buffer[1, :n]
        _logs(x, at, s, tops, logs, buffer[2, :n], infinite)
        y[begin : begin + n] = logs + tops


@parallel_for
def _softmax_of_maps_wrt_x(first: int, last: int, s: Maps, g: Any, y: Any, out: Any) -> None:
    buffer = np.empty((3, s.block), y.dtype)
    for job in range(first, last):
        at, _, n = _neighbours(job, s)
        tops, shifts, dots = buffer[0, :n], buffer[1, :n], buffer[2, :n]
        tops[:], shifts[:], dots[:] = -np.inf, 0, 0
        for k in range(s.classes):
            _find_shifts(0, n, (), (g[at + k * s.size :], y[at + k * s.size :], tops, shifts, tops, shifts))
        for k in range(s.classes):
            _add_products(0, n, (), (g[at + k * s.size :], y[at + k * s.size :], shifts, dots, dots))
        for k in range(s.classes):
            here = at + k * s.size
            _project_maps(0, n, (), (g[here:], y[here:], shifts, dots, out[here:]))


@parallel_for
def _log_softmax_of_maps_wrt_x(first: int, last: int, s: Maps, g: Any, y: Any, out: Any) -> None:
    buffer = np.empty(s.block, y.dtype)
    for job in range(first, last):
        at, _, n = _neighbours(job, s)
        totals = buffer[:n]
        totals[:] = 0
        for k in range(s.classes):
            add_vectors(0, n, (), (g[at + k * s.size :], totals))
        for k in range(s.classes):
            here = at + k * s.size
            _spread_maps(0, n, (), (g[here:], y[here:], totals, out[here:]))


@parallel_for
def _cross_entropy_of_maps(
    first: int, last: int, s: Maps, x: Any, labels: Any, smoothing: Any, y: Any, infinite: Any
) -> None:
    """Write the losses of neighbours in the maps x (N, classes, size), for each job."""
    buffer = np.empty((4, s.block), x.dtype)
    for job in range(first, last):
        at, begin, n = _neighbours(job, s)
        tops, logs, sums = buffer[0, :n], buffer[1, :n], buffer[3, :n]
        _logs(x, at, s, tops, logs, buffer[2, :n], infinite)
        if smoothing[0] != 0:
            sums[:] = 0
            for k in range(s.classes):
                _add_distances(0, n, (), (x[at + k * s.size :], tops, sums))
        for i in range(n):
            right = np.float64(x[at + labels[begin + i] * s.size + i] - tops[i])
            if smoothing[0] != 0:
                right = right * (1 - smoothing[0]) + sums[i] / s.classes * smoothing[0]
            y[begin + i] = logs[i] - right


@parallel_for
def _error_of_maps(
    first: int, last: int, s: Maps, g: Any, x: Any, labels: Any, smoothing: Any, y: Any, infinite: Any
) -> None:
    """Write the errors of neighbours in the maps x (N, classes, size), for each job."""
    buffer = np.empty((3, s.block), x.dtype)
    for job in range(first, last):
        at, begin, n = _neighbours(job, s)
        tops, totals, others = buffer[0, :n], buffer[1, :n], buffer[2, :n]
        _tops(x, at, s, tops, infinite)
        totals[:], others[:] = 0, 0
        for k in range(s.classes):
            own = y[at + k * s.size :]
            _add_powers(0, n, (), (x[at + k * s.size :], tops, totals, own, totals))
        own_g = g[begin:]
        if smoothing[0] != 0:
            share = smoothing[0] / s.classes
            for i in range(n):
                right = y[at + labels[begin + i] * s.size + i] / totals[i]
                others[i] = (right - share - (1 - smoothing[0])) * own_g[i]
            totals[:] = 1 / totals
            for k in range(s.classes):
                own = y[at + k * s.size :]
                _weigh(0, n, (x.dtype.type(share),), (own, totals, own_g, own))
            for i in range(n):
                y[at + labels[begin + i] * s.size + i] = others[i]
            continue
        totals[:] = own_g[:n] / totals
        for i in range(n):
            y[at + labels[begin + i] * s.size + i] *= 0  # a NaN stays
        for k in range(s.classes):
            own = y[at + k * s.size :]
            _scale_and_add(0, n, (), (own, totals, others, own, others))
        for i in range(n):  # the sum of the others, which 1 - 1 would lose
            y[at + labels[begin + i] * s.size + i] = -others[i] * totals[i]
