"""ONNX's quantised operators, dequantised: floats with integer values, so that such networks can be trained further.

Rounding passes gradients straight through, and clipping passes those within its range (Bengio et al. 2013). Quantised
weights become float parameters; training does not round them again.
"""

import math
from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.errors import FormatError
from autograd_cnn.onnx.operator import Fixed, Ints, Weights, detached, operator
from autograd_cnn.onnx.operators import windows
from autograd_cnn.onnx.operators.products import matmul_extent
from autograd_cnn.onnx.operators.recurrent import lstm


def _float(x: Array, dtype: Any = np.float32) -> Array:
    return x if x.dtype.kind == "f" else ops.astype(x, dtype=dtype)


def _aligned(numbers: Array, shape: Shape, axis: int, block_size: int = 0) -> Array:
    """Return broadcastable scales or zero points: one for all, for each slice, or for each block along an axis."""
    numbers, given = ops.astype(numbers, dtype=np.float32), shape_of(numbers)
    if block_size:
        every = ops.repeat(numbers, block_size, axis=axis)
        return every[tuple(slice(n) if place == axis % len(shape) else slice(None) for place, n in enumerate(shape))]
    if math.prod(given) == 1:
        return ops.reshape(numbers, shape=())
    if len(given) > 1:
        return numbers
    return ops.reshape(numbers, shape=tuple(-1 if place == axis % len(shape) else 1 for place in range(len(shape))))


def quantized(x: Array, scale: Array, zero_point: Array, dtype: np.dtype[Any]) -> Array:
    """Return integers in the range of ``dtype``, as floats, with straight-through gradients."""
    steps = x / scale
    whole = steps + (ops.rint(detached(steps)) - detached(steps))
    info = np.iinfo(dtype)
    return ops.clip(whole + zero_point, min=info.min, max=info.max)


@operator("QuantizeLinear")
def quantize_linear(
    x: Array, y_scale: Fixed, y_zero_point: Fixed | None = None, *,
    axis: int = 1, block_size: int = 0, output_dtype: np.dtype[Any] | None = None, precision: int = 0,
    saturate: int = 1,  # noqa: ARG001  # of 8-bit floats only
) -> Array:  # fmt: skip
    """Divide by a scale and round."""
    if precision:
        raise FormatError("a precision is not supported", expected="that of the scale")
    dtype = y_zero_point.dtype if y_zero_point is not None else output_dtype or np.dtype(np.uint8)
    scale, zero = (
        0 if each is None else ops.astype(_aligned(each, shape_of(x), axis, block_size), dtype=_float(x).dtype)
        for each in (y_scale, y_zero_point)
    )
    return quantized(_float(x), scale, zero, dtype)


@operator("DequantizeLinear")
def dequantize_linear(
    x: Weights, x_scale: Fixed, x_zero_point: Fixed | None = None, *,
    axis: int = 1, block_size: int = 0, output_dtype: np.dtype[Any] | None = None,
) -> Array:  # fmt: skip
    """Multiply by a scale."""
    dtype, steps = output_dtype or x_scale.dtype, _shifted(x, x_zero_point, axis, block_size)
    return ops.astype(steps * _aligned(x_scale, shape_of(x), axis, block_size), dtype=dtype)


@operator("DynamicQuantizeLinear", extent=lambda shapes, *_: 2 + int(np.prod(shapes[0])))
def dynamic_quantize_linear(x: Array) -> tuple[Array, Array, Array]:
    """Quantise by the range of the numbers themselves, including 0."""
    values = detached(x)
    low, high = ops.minimum(ops.min(values), 0), ops.maximum(ops.max(values), 0)
    span = (high - low) / 255
    scale = ops.where(ops.equal(span, 0), np.ones((), np.float32), span)
    zero = ops.clip(ops.rint(-low / scale), min=0, max=255)
    return quantized(x, scale, zero, np.dtype(np.uint8)), scale, ops.astype(zero, dtype=np.uint8)


def _shifted(x: Array, zero_point: Array | None, axis: int, block_size: int = 0) -> Array:
    return _float(x) if zero_point is None else _float(x) - _aligned(zero_point, shape_of(x), axis, block_size)


def dequantized(x: Array, scale: Array, zero_point: Array | None, axis: int = 1) -> Array:
    """Return the numbers that integers stand for, in float32."""
    return _shifted(x, zero_point, axis) * _aligned(scale, shape_of(x), axis)


def requantized(y: Array, scale: Array, zero_point: Array | None) -> Array:
    """Return integers that stand for floats; there is one scale and zero point for all or for each row."""
    if zero_point is None:
        zero_point = np.zeros((), np.uint8)
    return quantized(y, _aligned(scale, shape_of(y), -2), _aligned(zero_point, shape_of(y), -2), zero_point.dtype)


@operator("MatMulInteger", extent=matmul_extent)
def matmul_integer(
    a: Weights, b: Weights, a_zero_point: Fixed | None = None, b_zero_point: Fixed | None = None
) -> Array:
    """Multiply integer matrices."""
    return ops.matmul(_shifted(a, a_zero_point, -2), _shifted(b, b_zero_point, -1))


@operator("QLinearMatMul", extent=lambda shapes, *more: matmul_extent(shapes[:4:3], *more))
def qlinear_matmul(
    a: Array, a_scale: Fixed, a_zero_point: Fixed, b: Weights, b_scale: Fixed, b_zero_point: Fixed,
    y_scale: Fixed, y_zero_point: Fixed,
) -> Array:  # fmt: skip
    """Multiply quantised matrices, and quantise the product."""
    product = ops.matmul(_shifted(a, a_zero_point, -2), _shifted(b, b_zero_point, -1))
    factor = _aligned(a_scale, shape_of(product), -2) * _aligned(b_scale, shape_of(product), -1)
    return requantized(product * factor, y_scale, y_zero_point)


@operator("ConvInteger", extent=windows.conv_extent)
def conv_integer(
    x: Array, w: Weights, x_zero_point: Fixed | None = None, w_zero_point: Fixed | None = None, **geometry: Any
) -> Array:
    """Correlate integers; the padding is the number that stands for 0."""
    return windows.conv(_shifted(x, x_zero_point, 1), _shifted(w, w_zero_point, 0), **geometry)


@operator("QLinearConv", extent=lambda shapes, *more: windows.conv_extent([shapes[0], shapes[3]], *more))
def qlinear_conv(
    x: Array, x_scale: Fixed, x_zero_point: Fixed, w: Weights, w_scale: Fixed, w_zero_point: Fixed,
    y_scale: Fixed, y_zero_point: Fixed, b: Fixed | None = None, **geometry: Any,
) -> Array:  # fmt: skip
    """Correlate quantised images, and quantise the result."""
    y = windows.conv(_shifted(x, x_zero_point, 1), _shifted(w, w_zero_point, 0), **geometry)
    if b is not None:
        y = y + _aligned(b, shape_of(y), 1)
    factor = _aligned(x_scale, (), 0) * _aligned(w_scale, shape_of(y), 1)
    return requantized(y * factor, y_scale, y_zero_point)


@operator("DynamicQuantizeLSTM", domain="com.microsoft", extent=lambda shapes, *_: 64 * shapes[0][0] * (256 + shapes[0][1] * shapes[1][2]))  # fmt: skip
def dynamic_quantize_lstm(
    x: Array, w: Weights, r: Weights, b: Array | None, sequence_lens: Ints | None, initial_h: Array | None,
    initial_c: Array | None, p: Array | None, w_scale: Fixed, w_zero_point: Fixed, r_scale: Fixed,
    r_zero_point: Fixed, **options: Any,
) -> tuple[Array, ...]:  # fmt: skip
    """Run an LSTM with dequantised weights; unlike in onnxruntime, intermediate results are not rounded."""
    w, r = (
        (_float(each) - _float(ops.reshape(zero, shape=(shape_of(zero)[0], 1, -1))))
        * ops.reshape(scale, shape=(shape_of(scale)[0], 1, -1))
        for each, scale, zero in ((w, w_scale, w_zero_point), (r, r_scale, r_zero_point))
    )
    return lstm(x, ops.swapaxes(w, 1, 2), ops.swapaxes(r, 1, 2), b, sequence_lens, initial_h, initial_c, p, **options)
