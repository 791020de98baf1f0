"""Optimiser steps in one pass over all parameters, with the reference's operations in the same order.

So the results agree with the reference to the last bit. A kernel gets the arrays by ``id``, because there may be any
number of them.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numba.np.unsafe.ndarray import to_fixed_tuple

from autograd_cnn.kernels.compiled.lanes import Lanes, sqrt, where
from autograd_cnn.kernels.compiled.llvm import arrays_of
from autograd_cnn.kernels.compiled.map import CHUNK, MIN_PARALLEL, Line, vectorized
from autograd_cnn.kernels.compiled.parallel import parallel_for, supports
from autograd_cnn.kernels.windows import Array

MIN_COMPILED: Final = {"sgd": 1 << 13, "sgd_with_momentum": 1 << 11}
"""The number of elements per array below which NumPy is faster, if there are few arrays."""
MANY_ARRAYS: Final = 4


def sgd(outs: Sequence[Array], values: Sequence[Array], grads: Sequence[Array], lr: float, weight_decay: float) -> Any:
    """Write values - lr·(grads + weight_decay·values)."""
    if not _is_worthwhile("sgd", outs) or not _are_alike(outs, values, grads):
        return NotImplemented
    _descend_all(_sgd, [(-lr, weight_decay)] * len(outs), values, grads, outs)
    return None


def sgd_with_momentum(
    outs: Sequence[Array], values: Sequence[Array], grads: Sequence[Array], lasts: Sequence[Array | None], lr: float,
    weight_decay: float, momentum: float, dampening: float, ahead: float,
) -> Any:  # fmt: skip
    """Write the steps along the momentum, or along the gradients plus ``ahead`` times it; return the momentum."""
    if not _is_worthwhile("sgd_with_momentum", outs) or not _are_alike(outs, values, grads, lasts):
        return NotImplemented
    buffers = [np.empty(out.shape, out.dtype) for out in outs]
    numbers = [(-lr, weight_decay, momentum, 1 - dampening, ahead)] * len(outs)
    _descend_all(_sgd_with_momentum, numbers, values, grads, lasts, outs, buffers)
    return buffers


def adam(
    outs: Sequence[Array], values: Sequence[Array], grads: Sequence[Array], means: Sequence[Array | float],
    squares: Sequence[Array | float], rates: Sequence[float], eps: Sequence[float], beta1: float, beta2: float,
    weight_decay: float, kept: float,
) -> Any:  # fmt: skip
    """Write kept·values - rates·means / (sqrt(squares) + eps), and return the updated moments."""
    if not _are_alike(outs, values, grads, means, squares):
        return NotImplemented
    next_means, next_squares = ([np.empty(out.shape, out.dtype) for out in outs] for _ in range(2))
    numbers = [
        (-rate, small, beta1, 1 - beta1, beta2, 1 - beta2, weight_decay, kept)
        for rate, small in zip(rates, eps, strict=True)
    ]
    _descend_all(_adam, numbers, values, grads, means, squares, outs, next_means, next_squares)
    return next_means, next_squares


def _is_worthwhile(name: str, outs: Sequence[Array]) -> bool:
    return len(outs) >= MANY_ARRAYS or any(out.size >= MIN_COMPILED[name] for out in outs)


def _are_alike(outs: Sequence[Array], *others: Sequence[Any]) -> bool:
    """Whether each parameter's arrays have the same shape, and all arrays the same dtype, which the kernels support."""
    dtype = outs[0].dtype
    for out, *arrays in zip(outs, *others, strict=True):
        shape = out.shape
        if out.dtype is not dtype or not out.flags.c_contiguous or not out.size:
            return False
        for each in arrays:
            if type(each) is not np.ndarray or each.shape != shape or each.dtype is not dtype:
                return False
    return supports(outs[0])


def _descend_all(loop: parallel_for, numbers: Sequence[tuple[float, ...]], *arrays: Sequence[Any]) -> None:
    """Run a loop over all elements of the arrays of each parameter, with its numbers."""
    outs = arrays[-1]
    rows = [[_contiguous(each) for each in some] for some in arrays]
    ids = np.array([list(map(id, some)) for some in rows])  # (arrays, parameters)
    jobs = _jobs(tuple([out.size for out in outs]))
    size = jobs[-1, 2] if len(outs) == 1 else CHUNK * len(jobs)
    loop(len(jobs), Line(len(jobs)), np.array(numbers, outs[0].dtype), jobs, ids, serial=size < MIN_PARALLEL)


def _contiguous(x: Array) -> Array:
    flags = x.flags
    return x if flags.c_contiguous and flags.aligned else np.array(x, order="C")


@lru_cache(maxsize=64)
def _jobs(sizes: tuple[int, ...]) -> Array:
    """Return for each job its parameter, its first element and the one after the last, (jobs, 3)."""
    jobs = [(i, at, min(at + CHUNK, size)) for i, size in enumerate(sizes) for at in range(0, size, CHUNK)]
    return np.array(jobs, np.int64)


# --- formulas ---------------------------------------------------------------------------------


def _decayed(decay: Lanes, value: Lanes, grad: Lanes) -> Lanes:
    return where(decay > 0.0, grad + value * decay, grad)


def _descend(rate: Lanes, decay: Lanes, value: Lanes, grad: Lanes) -> Lanes:
    return _decayed(decay, value, grad) * rate + value


def _descend_with_momentum(
    rate: Lanes, decay: Lanes, momentum: Lanes, undamped: Lanes, ahead: Lanes, value: Lanes, grad: Lanes, last: Lanes
) -> tuple[Lanes, Lanes]:
    grad = _decayed(decay, value, grad)
    buffer = last * momentum + grad * undamped
    return where(ahead > 0.0, grad + buffer * ahead, buffer) * rate + value, buffer


def _adapt(
    rate: Lanes, eps: Lanes, beta1: Lanes, fresh1: Lanes, beta2: Lanes, fresh2: Lanes, decay: Lanes, kept: Lanes,
    value: Lanes, grad: Lanes, mean: Lanes, square: Lanes,
) -> tuple[Lanes, Lanes, Lanes]:  # fmt: skip
    grad = _decayed(decay, value, grad)
    mean = mean * beta1 + grad * fresh1
    square = square * beta2 + grad * grad * fresh2
    return mean / (sqrt(square) + eps) * rate + value * kept, mean, square


def _descent(name: str, formula: Callable[..., Any], numbers: int, arrays: int) -> parallel_for:
    """Return a loop that applies a formula of so many numbers to so many arrays of each parameter."""
    apply = vectorized(formula)

    def kernel(first: int, last: int, s: Line, n: Any, jobs: Any, ids: Any) -> None:
        for job in range(first, last):
            p, begin, end = jobs[job]
            apply(begin, end, to_fixed_tuple(n[p], numbers), arrays_of(to_fixed_tuple(ids[:, p], arrays), n))

    kernel.__name__, kernel.__qualname__ = name, f"descent.{name}"  # by which its code is kept
    return parallel_for(kernel)


_sgd: Final = _descent("sgd", _descend, 2, 3)
_sgd_with_momentum: Final = _descent("sgd_with_momentum", _descend_with_momentum, 5, 5)
_adam: Final = _descent("adam", _adapt, 8, 7)
