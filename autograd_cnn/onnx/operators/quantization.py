"""ONNX's quantised operators, dequantised: floats that hold whole numbers, so that such networks can be trained further.

Rounding passes gradients straight through, and clipping those within its range (Bengio et al. 2013). Quantised weights
become parameters of floats; nothing rounds them again in training.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.errors import FormatError, sentence
from autograd_cnn.onnx.operator import Numbers, Weights, known, operator
from autograd_cnn.onnx.operators import windows
from autograd_cnn.onnx.operators.products import matmul_extent
from autograd_cnn.onnx.operators.recurrent import lstm


def _float(x: Array, dtype: Any = np.float32) -> Array:
    return x if x.dtype.kind == "f" else known(x).astype(dtype)


def _aligned(numbers: Numbers, shape: Shape, axis: int, block_size: int) -> Any:
    """Return scales or zero points so that they broadcast: one for all, for each slice, or for each block along an axis."""
    if not numbers.ndim or (numbers.size == 1 and not block_size):
        return numbers.reshape(())
    if block_size:
        return np.repeat(numbers, block_size, axis=axis)[
            tuple(slice(n) if place == axis % len(shape) else slice(None) for place, n in enumerate(shape))
        ]
    if numbers.ndim > 1:
        return numbers
    return numbers.reshape([-1 if place == axis % len(shape) else 1 for place in range(len(shape))])


def quantized(x: Array, scale: Any, zero_point: Any, dtype: np.dtype[Any]) -> Array:
    """Return whole numbers in the range of ``dtype``, as floats, with straight-through gradients."""
    steps = x / scale
    whole = steps + (np.rint(known(steps)) - known(steps))
    info = np.iinfo(dtype)
    return ops.clip(whole + np.asarray(zero_point, x.dtype), min=info.min, max=info.max)


@operator("QuantizeLinear")
def quantize_linear(
    x: Array, y_scale: Numbers, y_zero_point: Numbers | None = None, *,
    axis: int = 1, block_size: int = 0, output_dtype: np.dtype[Any] | None = None, precision: int = 0,
    saturate: int = 1,  # noqa: ARG001  # of 8-bit floats only
) -> Array:  # fmt: skip
    """Divide by a scale and round."""
    if precision:
        raise FormatError(sentence("a precision is not supported", expected="that of the scale"))
    dtype = y_zero_point.dtype if y_zero_point is not None else output_dtype or np.dtype(np.uint8)
    scale = _aligned(y_scale, shape_of(x), axis, block_size)
    zero = 0 if y_zero_point is None else _aligned(y_zero_point, shape_of(x), axis, block_size)
    return quantized(_float(x), scale.astype(x.dtype if x.dtype.kind == "f" else np.float32), zero, dtype)


@operator("DequantizeLinear")
def dequantize_linear(
    x: Weights, x_scale: Numbers, x_zero_point: Numbers | None = None, *,
    axis: int = 1, block_size: int = 0, output_dtype: np.dtype[Any] | None = None,
) -> Array:  # fmt: skip
    """Multiply by a scale."""
    dtype = output_dtype or x_scale.dtype
    if x_zero_point is not None:
        x = _float(x) - _aligned(x_zero_point, shape_of(x), axis, block_size).astype(np.float32)
    return ops.astype(_float(x) * _aligned(x_scale, shape_of(x), axis, block_size).astype(np.float32), dtype=dtype)


@operator("DynamicQuantizeLinear", extent=lambda shapes, *_: 2 + int(np.prod(shapes[0])))
def dynamic_quantize_linear(x: Array) -> tuple[Array, Array, Array]:
    """Quantise by the range of the numbers themselves, 0 included."""
    values = known(x)
    low, high = min(values.min(initial=0), 0), max(values.max(initial=0), 0)
    scale = np.array((high - low) / 255 or 1, np.float32)
    zero = np.array(np.clip(np.rint(-low / scale), 0, 255), np.uint8)
    return quantized(x, scale, zero, np.dtype(np.uint8)), scale, zero


def _shifted(x: Array, zero_point: Numbers | None, axis: int) -> Array:
    if zero_point is None:
        return _float(x)
    return _float(x) - _aligned(zero_point, shape_of(x), axis, 0).astype(np.float32)


@operator("MatMulInteger", extent=matmul_extent)
def matmul_integer(
    a: Weights, b: Weights, a_zero_point: Numbers | None = None, b_zero_point: Numbers | None = None
) -> Array:
    """Multiply whole numbers."""
    return ops.matmul(_shifted(a, a_zero_point, -2), _shifted(b, b_zero_point, -1))


@operator("QLinearMatMul", extent=lambda shapes, *more: matmul_extent(shapes[:4:3], *more))
def qlinear_matmul(
    a: Array, a_scale: Numbers, a_zero_point: Numbers, b: Weights, b_scale: Numbers, b_zero_point: Numbers,
    y_scale: Numbers, y_zero_point: Numbers,
) -> Array:  # fmt: skip
    """Multiply quantised matrices, and quantise the product."""
    product = ops.matmul(_shifted(a, a_zero_point, -2), _shifted(b, b_zero_point, -1))
    factor = _aligned(a_scale, shape_of(product), -2, 0) * _aligned(b_scale, shape_of(product), -1, 0)
    return quantized(product * factor.astype(np.float32), y_scale.astype(np.float32), y_zero_point, y_zero_point.dtype)


def _conv(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:
    return windows.conv_extent([shapes[0], shapes[3]], operands, attributes)


@operator("ConvInteger", extent=windows.conv_extent)
def conv_integer(
    x: Array, w: Weights, x_zero_point: Numbers | None = None, w_zero_point: Numbers | None = None, **geometry: Any
) -> Array:
    """Correlate whole numbers; the padding is what stands for 0."""
    return windows.conv(_shifted(x, x_zero_point, 1), _shifted(w, w_zero_point, 0), **geometry)


@operator("QLinearConv", extent=_conv)
def qlinear_conv(
    x: Array, x_scale: Numbers, x_zero_point: Numbers, w: Weights, w_scale: Numbers, w_zero_point: Numbers,
    y_scale: Numbers, y_zero_point: Numbers, b: Numbers | None = None, **geometry: Any,
) -> Array:  # fmt: skip
    """Correlate quantised images, and quantise the result."""
    y = windows.conv(_shifted(x, x_zero_point, 1), _shifted(w, w_zero_point, 0), **geometry)
    if b is not None:
        y = y + b.astype(np.float32).reshape(-1, *(1,) * (len(shape_of(y)) - 2))
    factor = (x_scale * _aligned(w_scale, shape_of(y), 1, 0)).astype(np.float32)
    return quantized(y * factor, y_scale.astype(np.float32), y_zero_point, y_zero_point.dtype)


@operator("DynamicQuantizeLSTM", domain="com.microsoft", extent=lambda shapes, *_: 64 * shapes[0][0] * (256 + shapes[0][1] * shapes[1][2]))  # fmt: skip
def dynamic_quantize_lstm(
    x: Array, w: Weights, r: Weights, b: Array | None, sequence_lens: Numbers | None, initial_h: Array | None,
    initial_c: Array | None, p: Array | None, w_scale: Numbers, w_zero_point: Numbers, r_scale: Numbers,
    r_zero_point: Numbers, **options: Any,
) -> tuple[Array, ...]:  # fmt: skip
    """Run an LSTM with dequantised weights; what onnxruntime rounds on the way is not rounded here."""
    w, r = (
        (_float(each) - zero.reshape(zero.shape[0], 1, -1).astype(np.float32)) * scale.reshape(scale.shape[0], 1, -1)
        for each, scale, zero in ((w, w_scale, w_zero_point), (r, r_scale, r_zero_point))
    )
    return lstm(x, ops.swapaxes(w, 1, 2), ops.swapaxes(r, 1, 2), b, sequence_lens, initial_h, initial_c, p, **options)
