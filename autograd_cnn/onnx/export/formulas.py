"""Primitives without an ONNX operator, in terms of primitives that have one.

A formula takes the same arguments as its primitive. It is recorded on the values of a call, and its calls replace that
call; so it is written only with primitives. Residuals that it leaves out are passed on as None: what they would save is
written again, and the graph merges duplicates.
"""

import math
from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.kernels.taps import Taps
from autograd_cnn.kernels.windows import Windows, windows
from autograd_cnn.ops import activation, loss, pooling, recurrent, reduction, resampling, selection, sorting
from autograd_cnn.ops.attention import _attention_backward, _attention_backward_in_full
from autograd_cnn.ops.reduction import axes_of
from autograd_cnn.ops.softmax import _log_softmax_backward, _softmax_backward

F = TypeVar("F", bound=Callable[..., Any])

FORMULAS: Final[dict[Primitive, Callable[..., Any]]] = {
    ops.square: lambda x: ops.multiply(x, x),
    ops.isfinite: lambda x: ops.logical_not(ops.logical_or(ops.isnan(x), ops.isinf(x))),
    ops.cbrt: lambda x: ops.sign(x) * ops.power(ops.absolute(x), 1 / 3),
    ops.exp2: lambda x: ops.power(2, x),
    ops.log2: lambda x: ops.log(x) / math.log(2),
    ops.log10: lambda x: ops.log(x) / math.log(10),
    ops.trunc: lambda x: ops.where(ops.less(x, 0), ops.ceil(x), ops.floor(x)),
    ops.masked: lambda x, *, mask: ops.where(mask, x, 0),
    selection._damped: lambda x, *, mask, factor: ops.where(mask, x, x * factor),
    activation._sigmoid_slope: lambda x: ops.sigmoid(x) * ops.sigmoid(-x),
    activation._sigmoid_backward: lambda g, x: g * (ops.sigmoid(x) * ops.sigmoid(-x)),
    ops.silu: lambda x: x * ops.sigmoid(x),
    activation._silu_backward: lambda g, x: g * (ops.sigmoid(x) * (1 + x * ops.sigmoid(-x))),
    ops.hardswish: lambda x: x * ops.hardsigmoid(x),
    activation._hardsigmoid_backward: lambda g, x: ops.where(ops.greater_equal(ops.absolute(x), 3.0), 0, g * (1 / 6)),
    activation._gaussian: lambda x, *, factor: ops.exp(x * x * -factor),
    ops.gelu: lambda x: x * _normal(x),
    activation._gelu_backward: lambda g, x: g * (_normal(x) + x * ops.exp(x * x * -0.5) * (2 * math.pi) ** -0.5),
    activation._gelu_tanh: lambda x: x * ops.sigmoid(x * (x * x * 0.044715 + 1.0) * math.sqrt(8 / math.pi)),
    _softmax_backward: lambda g, p, *, axis: p * (g - ops.sum(g * p, axis=axis, keepdims=True)),
    _log_softmax_backward: lambda g, log_p, *, axis: g - ops.exp(log_p) * ops.sum(g, axis=axis, keepdims=True),
    loss._nll_backward: lambda g, *, labels, classes: -ops.where(_one_hot(labels, classes), ops.expand_dims(g, 1), 0),
    loss._logistic_loss: lambda x, t: t * ops.softplus(-x) + (1 - t) * ops.softplus(x),
    loss._logistic_loss_backward: lambda g, x, t: g * ((1 - t) * ops.sigmoid(x) - t * ops.sigmoid(-x)),
    ops.count_nonzero: lambda x, *, axis, keepdims: ops.sum(ops.not_equal(x, 0), axis=axis, keepdims=keepdims),
    ops.any: lambda x, *, axis, keepdims: ops.greater(ops.count_nonzero(x, axis=axis, keepdims=keepdims), 0),
    recurrent._lstm_backward: lambda g, u, weight, h, c, *_: recurrent._lstm_backward_in_steps(g, u, weight, h, c),
    recurrent._gru_backward: lambda g, u, weight, bias, h, *_: recurrent._gru_backward_in_steps(g, u, weight, bias, h),
}
"""The formulas, by primitive."""


def formula(primitive: Primitive) -> Callable[[F], F]:
    """Register the decorated function as the formula of a primitive."""

    def enter(function: F) -> F:
        FORMULAS[primitive] = function
        return function

    return enter


# --- elementwise ------------------------------------------------------------------------------


@formula(ops.expm1)
def expm1(x: Array) -> Array:
    """With the hyperbolic tangent where ``exp(x) - 1`` would cancel."""
    near = ops.clip(x, min=-0.5, max=0.5)
    half = ops.tanh(near * 0.5)
    return ops.where(ops.equal(near, x), 2 * half / (1 - half), ops.exp(x) - 1)


@formula(ops.log1p)
def log1p(x: Array) -> Array:
    """With compensation for the rounding of ``1 + x`` (Kahan)."""
    near = ops.clip(x, min=-0.5, max=0.5)
    rounded = near + 1
    lost = ops.equal(rounded, 1)
    small = ops.log(rounded) * near / ops.where(lost, 1, rounded - 1)
    return ops.where(ops.equal(near, x), ops.where(lost, near, small), ops.log(x + 1))


@formula(ops.heaviside)
def heaviside(x1: Array, x2: Array) -> Array:
    return ops.where(ops.greater(x1, 0), 1, ops.where(ops.equal(x1, 0), x2, ops.where(ops.less(x1, 0), 0, x1)))


@formula(ops.signbit)
def signbit(x: Array) -> Array:
    """The sign of a zero is that of its reciprocal; NaN has none."""
    return ops.less(ops.where(ops.equal(x, 0), 1 / x, x), 0)


@formula(ops.copysign)
def copysign(x1: Array, x2: Array) -> Array:
    x1 = np.asarray(x1, x2.dtype) if isinstance(x1, (int, float)) else x1
    return ops.where(ops.logical_xor(ops.signbit(x1), ops.signbit(x2)), -x1, x1)


@formula(ops.ldexp)
def ldexp(x1: Array, x2: Array) -> Array:
    """In two steps, because the power alone may be out of range."""
    half = ops.floor(ops.astype(x2, dtype=x1.dtype) * 0.5)
    return x1 * ops.power(2, half) * ops.power(2, ops.astype(x2, dtype=x1.dtype) - half)


@formula(ops.logaddexp)
def logaddexp(x1: Array, x2: Array) -> Array:
    gap = ops.where(ops.equal(x1, x2), 0, ops.absolute(x1 - x2))  # also for two infinities
    return ops.maximum(x1, x2) + ops.log1p(ops.exp(-gap))


@formula(ops.arctan2)
def arctan2(x1: Array, x2: Array) -> Array:
    """Between two infinities it is NaN, and the signs of two zeros do not count."""
    upright = ops.equal(x2, 0)
    angle = ops.arctan(x1 / ops.where(upright, 1, x2))
    turned = ops.where(ops.less(x2, 0), angle + ops.copysign(math.pi, x1), angle)
    return ops.where(upright, ops.sign(x1) * (math.pi / 2), turned)


@formula(ops.hypot)
def hypot(x1: Array, x2: Array) -> Array:
    longer = ops.maximum(ops.absolute(x1), ops.absolute(x2))
    unit = ops.where(ops.logical_or(ops.equal(longer, 0), ops.isinf(longer)), 1, longer)
    a, b = x1 / unit, x2 / unit
    return unit * ops.sqrt(a * a + b * b)


# --- rounding ---------------------------------------------------------------------------------


@formula(ops.round)
def round_to(x: Array, *, decimals: int) -> Array:
    if x.dtype.kind != "f" and decimals >= 0:
        return ops.positive(x)
    factor = 10.0 ** abs(decimals)
    rounded = ops.rint(x * factor) / factor if decimals > 0 else ops.rint(x / factor) * factor
    return ops.astype(rounded, dtype=x.dtype)


# --- activations ------------------------------------------------------------------------------


@formula(activation._hardswish_backward)
def hardswish_backward(g: Array, x: Array) -> Array:
    return g * ops.where(ops.less_equal(x, -3.0), 0, ops.where(ops.greater_equal(x, 3.0), 1, x / 3 + 0.5))


@formula(activation._tanh_backward)
def tanh_backward(g: Array, x: Array) -> Array:
    twice = x + x
    return g * (ops.sigmoid(twice) * ops.sigmoid(-twice) * 4)


@formula(activation._elu_backward)
def elu_backward(g: Array, x: Array, *, alpha: float) -> Array:
    return ops.where(ops.greater(x, 0), g, g * (ops.exp(ops.minimum(x, 0)) * alpha))


def _normal(x: Array) -> Array:
    return (ops.erf(x * math.sqrt(0.5)) + 1) * 0.5


@formula(activation._gelu_tanh_backward)
def gelu_tanh_backward(g: Array, x: Array) -> Array:
    right = ops.sigmoid(x * (x * x * 0.044715 + 1.0) * math.sqrt(8 / math.pi))
    slope = (x * x * (3 * 0.044715) + 1.0) * math.sqrt(8 / math.pi)
    return g * right * (x * slope * (1 - right) + 1)


# --- softmax ----------------------------------------------------------------------------------


def _one_hot(labels: Array, count: int) -> Array:
    classes = np.arange(count).reshape(-1, *(1,) * (len(shape_of(labels)) - 1))
    return ops.equal(ops.expand_dims(labels, 1), classes)


@formula(loss._nll)
def nll(scores: Array, *, labels: Array) -> Array:
    return -ops.sum(ops.where(_one_hot(labels, shape_of(scores)[1]), scores, 0), axis=1)


@formula(ops.softmax_cross_entropy)
def softmax_cross_entropy(scores: Array, *, labels: Array, label_smoothing: float) -> Array:
    logs = ops.log_softmax(scores, axis=1)
    picked = nll(logs, labels=labels)
    return picked * (1 - label_smoothing) - ops.mean(logs, axis=1) * label_smoothing if label_smoothing else picked


@formula(loss._huber)
def huber(x: Array, t: Array, *, delta: float, factor: float, reduction: str) -> Array:
    size = ops.absolute(x - t)
    bent = ops.minimum(size, delta)
    losses = bent * (size - bent * 0.5) * factor
    return losses if reduction == "none" else ops.mean(losses) if reduction == "mean" else ops.sum(losses)


@formula(loss._huber_backward)
def huber_backward(g: Array, x: Array, t: Array, *, delta: float, factor: float, reduction: str) -> Array:
    slope = ops.clip(x - t, min=-delta, max=delta)
    return g * slope * (factor / math.prod(shape_of(slope)) if reduction == "mean" else factor)


@formula(loss._softmax_error)
def softmax_error(g: Array, scores: Array, *, labels: Array, label_smoothing: float) -> Array:
    count = shape_of(scores)[1]
    hot = ops.where(_one_hot(labels, count), 1 - label_smoothing, 0.0)
    error = ops.softmax(scores, axis=1) - ops.astype(hot, dtype=scores.dtype) - label_smoothing / count
    return ops.expand_dims(g, 1) * error


# --- counting and running products ------------------------------------------------------------


@formula(reduction._extremum_backward)
def extremum_backward(g: Array, x: Array, *, axis: Any, least: bool, **_: Any) -> Array:
    extremum = (ops.min if least else ops.max)(x, axis=axis, keepdims=True)
    found = ops.astype(ops.where(ops.equal(x, x), ops.equal(x, extremum), 1), dtype=x.dtype)
    return g * (found / ops.sum(found, axis=axis, keepdims=True))


@formula(ops.all)
def all_of(x: Array, *, axis: Any, keepdims: bool) -> Array:
    return ops.equal(ops.count_nonzero(ops.equal(x, 0), axis=axis, keepdims=keepdims), 0)


@formula(ops.cumprod)
def cumprod(x: Array, *, axis: int | None) -> Array:
    """By doubling strides."""
    if axis is None or not x.shape:
        x, axis = ops.reshape(x, shape=-1), 0
    running, step = ops.moveaxis(x, axis, 0), 1
    while step < x.shape[axis]:
        running = ops.concatenate([running[:step], running[step:] * running[:-step]])
        step *= 2
    return ops.moveaxis(running, 0, axis)


@formula(sorting._searchsorted)
def searchsorted(x: Array, v: Array, *, right: bool) -> Array:
    """By counting, which compares all pairs."""
    before = (ops.less_equal if right else ops.less)(x, ops.expand_dims(v, -1))
    return ops.count_nonzero(before, axis=-1)


# --- moments ----------------------------------------------------------------------------------


@formula(ops.var)
def var(x: Array, *, axis: Any, ddof: int, keepdims: bool) -> Array:
    deviation = x - ops.mean(x, axis=axis, keepdims=True)
    count = math.prod(shape_of(x)[a] for a in axes_of(shape_of(x), axis))
    return ops.sum(deviation * deviation, axis=axis, keepdims=keepdims) / (count - ddof)


_EACH = (0, 2, 3)


def _moments(x: Array, axis: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Return x without its mean, the mean, and the variance."""
    mean = ops.mean(x, axis=axis, keepdims=True)
    centered = x - mean
    return centered, mean, ops.mean(centered * centered, axis=axis, keepdims=True)


def batch_moments(x: Array) -> Array:
    """Return mean and variance of each channel, (2, C)."""
    return ops.stack([ops.reshape(each, shape=-1) for each in _moments(x, _EACH)[1:]])


def _standardized(x: Array, eps: float, axis: tuple[int, ...] = _EACH) -> tuple[Array, Array]:
    """Return x with mean 0 and variance 1 in each channel or row, and 1 over the deviation."""
    centered, _, var = _moments(x, axis)
    inverse = 1 / ops.sqrt(var + eps)
    return centered * inverse, inverse


def _standardized_wrt_input(h: Array, x: Array, eps: float, axis: tuple[int, ...] = _EACH) -> Array:
    z, inverse = _standardized(x, eps, axis)
    means = ops.mean(h, axis=axis, keepdims=True) + z * ops.mean(h * z, axis=axis, keepdims=True)
    return (h - means) * inverse


def _per_map(numbers: Array) -> Array:
    return ops.reshape(numbers, shape=(-1, 1, 1))


@formula(ops.batch_norm)
def batch_norm(x: Array, weight: Array | None, bias: Array | None, *, eps: float) -> tuple[Array, Array]:
    """With the moments, which the running ones follow."""
    y, _ = _standardized(x, eps)
    y = y if weight is None else y * _per_map(weight)
    return (y if bias is None else y + _per_map(bias)), batch_moments(x)


@formula(ops.batch_norm_wrt_input)
def batch_norm_wrt_input(g: Array, x: Array, weight: Array | None, *, eps: float, **_: Any) -> Array:
    dx = _standardized_wrt_input(g, x, eps)
    return dx if weight is None else dx * _per_map(weight)


@formula(ops.batch_norm_wrt_affine)
def batch_norm_wrt_affine(g: Array, x: Array, *, eps: float, **_: Any) -> Array:
    return ops.stack([ops.sum(g * _standardized(x, eps)[0], axis=_EACH), ops.sum(g, axis=_EACH)])


def _row(axes: int) -> tuple[int, ...]:
    return tuple(range(-axes, 0))


@formula(ops.layer_norm_wrt_input)
def layer_norm_wrt_input(g: Array, x: Array, weight: Array | None, *, eps: float, axes: int, **_: Any) -> Array:
    return _standardized_wrt_input(g if weight is None else g * weight, x, eps, _row(axes))


@formula(ops.layer_norm_wrt_affine)
def layer_norm_wrt_affine(
    g: Array, x: Array, *, eps: float, axes: int, over: int | None = None, together: bool = False, **_: Any
) -> Array:
    rows = tuple(range(len(shape_of(x)) - max(axes, over or axes)))
    z, _ = _standardized(x, eps, _row(axes))
    sums = [ops.sum(g * z, axis=rows), ops.sum(g, axis=rows)]
    return ops.stack([ops.sum(each, axis=-1, keepdims=True) for each in sums] if together else sums)


# --- attention and recurrent layers -----------------------------------------------------------


@formula(ops.attention)
def scaled_attention(
    query: Array, key: Array, value: Array, bias: Array | None, *, causal: bool, scale: float | None
) -> Array:
    return ops.matmul(ops.attention_weights(query, key, bias, causal=causal, scale=scale), value)


@formula(_attention_backward)
def attention_backward(
    g: Array, query: Array, key: Array, value: Array, bias: Array | None, _means: Any, _logsums: Any, **params: Any
) -> Array:
    return _attention_backward_in_full(g, query, key, value, bias, **params)


# --- windows ----------------------------------------------------------------------------------


@formula(ops.correlate2d_wrt_weight)
def correlate2d_wrt_weight(
    x: Array, g: Array, *, w_shape: Shape, stride: Any, padding: Any, dilation: Any, groups: int
) -> Array:
    """Correlate the input with the sensitivities: images take the place of channels, stride that of dilation."""
    f, c, *size = (1,) * (4 - len(w_shape)) + w_shape
    x, g = (ops.reshape(each, shape=(1,) * (4 - len(shape_of(each))) + shape_of(each)) for each in (x, g))
    (n, _, *image), out = shape_of(x), shape_of(g)[2:]
    geometry = windows("export", tuple(image), tuple(size), stride=stride, padding=padding, dilation=dilation)
    x = ops.transpose(ops.reshape(x, shape=(n, groups, c, *image)), axes=(2, 1, 0, 3, 4))
    g = ops.transpose(ops.reshape(g, shape=(n, groups, f // groups, *out)), axes=(1, 2, 0, 3, 4))
    dw = ops.correlate2d(
        ops.reshape(x, shape=(c, groups * n, *image)), ops.reshape(g, shape=(f, n, *out)),
        stride=geometry.dilation, dilation=geometry.stride, padding=geometry.padding, groups=groups,
    )  # (C/G, F, at least KH, at least KW)  # fmt: skip
    return ops.reshape(ops.transpose(dw[:, :, : size[0], : size[1]], axes=(1, 0, 2, 3)), shape=w_shape)


@formula(ops.mean_pool_wrt_input)
def mean_pool_wrt_input(
    g: Array, *, x_shape: Shape, window: Any, stride: Any, padding: Any, ceil_mode: bool, count_include_pad: bool,
    dilation: Any, divisor_override: int | None,
) -> Array:  # fmt: skip
    geometry = pooling._windows("export", x_shape, window, stride, padding, dilation, ceil_mode)
    shares = g / pooling._counts(geometry, count_include_pad, divisor_override).astype(g.dtype)
    maps = math.prod(x_shape[:-2])
    dx = ops.correlate2d_wrt_input(
        ops.reshape(shares, shape=(maps, 1, *geometry.out)), np.ones((1, 1, *geometry.size), g.dtype),
        x_shape=(maps, 1, *geometry.image), stride=geometry.stride, dilation=geometry.dilation, padding=sides(geometry),
    )  # fmt: skip
    return ops.reshape(dx, shape=x_shape)


@formula(resampling._resample)
def resample(x: Array, *, rows: Taps, columns: Taps) -> Array:
    return rows.matrix.astype(x.dtype) @ (x @ columns.matrix.T.astype(x.dtype))


def sides(geometry: Windows) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the padding, including what windows in ``ceil_mode`` cover beyond it."""
    (top, bottom), (left, right) = geometry.padding
    below, beside = (
        extent - before - length
        for extent, (before, _), length in zip(geometry.extent, geometry.padding, geometry.image, strict=True)
    )
    return (top, max(bottom, below)), (left, max(right, beside))
