"""The steps of optimisers in one pass, with the operations of the reference in its order: the same bits."""

from typing import Any, Final

import numpy as np

from autograd_cnn.kernels.compiled.lanes import Lanes, sqrt, where
from autograd_cnn.kernels.compiled.map import CHUNK, FEWEST, Line, jobs_of, over_vectors
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for, supports
from autograd_cnn.kernels.windows import Array

FEW: Final = {"sgd": 1 << 17, "sgd_with_momentum": 1 << 12}
"""Elements; NumPy is done with fewer sooner."""


def sgd(out: Array, value: Array, grad: Array, lr: float, weight_decay: float) -> Any:
    """Write value - lr·(grad + weight_decay·value)."""
    if out.size < FEW["sgd"] or not _are_alike(out, value, grad):
        return NotImplemented
    numbers = np.array([-lr, weight_decay], out.dtype)
    _sgd(*jobs_of(out), numbers, _row(value), _row(grad), out.reshape(-1), alone=out.size < FEWEST)
    return None


def sgd_with_momentum(
    out: Array, value: Array, grad: Array, last: Array | None, lr: float, weight_decay: float, momentum: float,
    dampening: float, ahead: float,
) -> Any:  # fmt: skip
    """Write the step along the momentum, or along the gradient and ``ahead`` times it, and return it."""
    if last is None or out.size < FEW["sgd_with_momentum"] or not _are_alike(out, value, grad, last):
        return NotImplemented
    buffer = np.empty(out.shape, out.dtype)
    numbers = np.array([-lr, weight_decay, momentum, 1 - dampening, ahead], out.dtype)
    arrays = _row(value), _row(grad), _row(last), out.reshape(-1), buffer.reshape(-1)
    _sgd_with_momentum(*jobs_of(out), numbers, *arrays, alone=out.size < FEWEST)
    buffer.flags.writeable = False
    return buffer


def adam(
    out: Array, value: Array, grad: Array, mean: Array | float, square: Array | float, rate: float, eps: float,
    beta1: float, beta2: float, weight_decay: float, kept: float,
) -> Any:  # fmt: skip
    """Write kept·value - rate·mean / (sqrt(square) + eps), and return both moments, in which the gradient now is."""
    if isinstance(mean, float) or isinstance(square, float) or not _are_alike(out, value, grad, mean, square):
        return NotImplemented
    moments = np.empty((2, *out.shape), out.dtype)
    numbers = np.array([-rate, eps, beta1, 1 - beta1, beta2, 1 - beta2, weight_decay, kept], out.dtype)
    next_mean, next_square = moments.reshape(2, -1)
    arrays = _row(value), _row(grad), _row(mean), _row(square), out.reshape(-1), next_mean, next_square
    _adam(*jobs_of(out), numbers, *arrays, alone=out.size < FEWEST)
    moments.flags.writeable = False
    return moments[0], moments[1]


def _are_alike(out: Array, *others: Any) -> bool:
    shape, dtype = out.shape, out.dtype
    for each in others:
        if each.shape != shape or each.dtype is not dtype:
            return False
    return supports(out) and out.flags.c_contiguous


def _row(x: Array) -> Array:
    """Return the elements as one read-only row; what is one but for its shape, as parameters are, at less cost."""
    flags = x.flags
    return flat(x) if flags.writeable or not flags.c_contiguous else x.reshape(-1)


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


_sgd_vectors: Final = over_vectors(_descend)
_momentum_vectors: Final = over_vectors(_descend_with_momentum)
_adam_vectors: Final = over_vectors(_adapt)


@parallel_for
def _sgd(first: int, last: int, s: Line, n: Any, value: Any, grad: Any, out: Any) -> None:
    _sgd_vectors(first * CHUNK, min(last * CHUNK, s.size), (n[0], n[1]), (value, grad, out))


@parallel_for
def _sgd_with_momentum(
    first: int, last: int, s: Line, n: Any, value: Any, grad: Any, buffer: Any, out: Any, next_buffer: Any
) -> None:
    _momentum_vectors(
        first * CHUNK, min(last * CHUNK, s.size), (n[0], n[1], n[2], n[3], n[4]),
        (value, grad, buffer, out, next_buffer),
    )  # fmt: skip


@parallel_for
def _adam(
    first: int, last: int, s: Line, n: Any, value: Any, grad: Any, mean: Any, square: Any, out: Any, next_mean: Any,
    next_square: Any,
) -> None:  # fmt: skip
    _adam_vectors(
        first * CHUNK, min(last * CHUNK, s.size), (n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]),
        (value, grad, mean, square, out, next_mean, next_square),
    )  # fmt: skip
