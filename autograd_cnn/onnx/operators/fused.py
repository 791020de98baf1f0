"""onnxruntime's own operators, in the domain ``com.microsoft``, into which its optimiser fuses several of ONNX's.

Source: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.errors import FormatError, ShapeError
from autograd_cnn.onnx.operator import Fixed, Flag, Indices, Weights, operator
from autograd_cnn.onnx.operators import elementwise, normalization, products, quantization, windows
from autograd_cnn.onnx.operators.indexing import gather

_microsoft = partial(operator, domain="com.microsoft")

# --- products and activations -----------------------------------------------------------------

ACTIVATIONS: Final[dict[str, Callable[..., Array]]] = {
    "Clip": lambda x, low, high: ops.clip(x, min=low, max=high),
    "HardSigmoid": lambda x, alpha, beta: elementwise.hard_sigmoid(x, alpha=alpha, beta=beta),
    "HardSwish": elementwise.hard_swish,
    "LeakyRelu": lambda x, alpha: ops.leaky_relu(x, negative_slope=alpha),
    "Relu": ops.relu,
    "Sigmoid": ops.sigmoid,
    "Tanh": ops.tanh,
}
"""The activations that may follow a convolution or product, by name, with their parameters."""


def _activated(x: Array, name: str, numbers: Sequence[float] | None) -> Array:
    if not name:
        return x
    if name not in ACTIVATIONS:
        raise FormatError("the activation is not supported", expected=list(ACTIVATIONS), got=name)
    return ACTIVATIONS[name](x, *numbers or ())


@_microsoft("FusedConv", extent=windows.conv_extent, check=windows.check_windows)
def fused_conv(
    x: Array, w: Array, bias: Array | None = None, z: Array | None = None, *, activation: str = "",
    activation_params: Sequence[float] | None = None, **geometry: Any,
) -> Array:  # fmt: skip
    """Correlate, add, and activate."""
    y = windows.conv(x, w, bias, **geometry)
    return _activated(y if z is None else y + z, activation, activation_params)


@_microsoft("FusedGemm", extent=products.gemm_extent)
def fused_gemm(
    a: Array, b: Array, c: Array | None = None, *, activation: str = "", activation_alpha: float | None = None,
    activation_beta: float | None = None, activation_gamma: float | None = None, **options: Any,  # noqa: ARG001  # of no activation here
) -> Array:  # fmt: skip
    """Multiply, add, and activate."""
    numbers = [each for each in (activation_alpha, activation_beta) if each is not None]
    return _activated(products.gemm(a, b, c, **options), activation, numbers)


def _turned(x: Array, turned: Flag, batch: Flag) -> Array:
    """Return matrices with their axes swapped, and first the batch's last axis where the batch is turned, too."""
    if batch:
        x = ops.moveaxis(x, 0, -2)
    return ops.swapaxes(x, -1, -2) if turned else x


def _fused(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:
    turned = [
        shape_of(_turned(np.broadcast_to(np.int8(0), shape), *(attributes.get(f"{kind}{name}", 0) for kind in ("trans", "transBatch"))))
        for name, shape in zip("AB", shapes, strict=True)
    ]  # fmt: skip
    return 2 * products.matmul_extent(turned, operands, attributes)


@_microsoft("FusedMatMul", extent=_fused)
def fused_matmul(
    a: Array, b: Array, *, alpha: float = 1.0, transA: Flag = 0, transB: Flag = 0, transBatchA: Flag = 0, transBatchB: Flag = 0  # noqa: N803  # its names
) -> Array:  # fmt: skip
    """Return ``alpha · a @ b``, with either factor transposed if asked for."""
    y = ops.matmul(_turned(a, transA, transBatchA), _turned(b, transB, transBatchB))
    return y if alpha == 1 else y * alpha


@_microsoft("Gelu")
def gelu(x: Array) -> Array:
    """Multiply by the normal distribution function: GELU."""
    return ops.gelu(x)


@_microsoft("BiasGelu")
def bias_gelu(x: Array, bias: Array) -> Array:
    """Add, then apply GELU."""
    return ops.gelu(x + bias)


@_microsoft("FastGelu")
def fast_gelu(x: Array, bias: Array | None = None) -> Array:
    """Add, then apply an approximation of GELU."""
    return elementwise.gelu(x if bias is None else x + bias, approximate="tanh")


@_microsoft("QuickGelu")
def quick_gelu(x: Array, *, alpha: float = 1.702) -> Array:
    """Multiply by a sigmoid."""
    return elementwise.swish(x, alpha=alpha)


# --- normalisation ----------------------------------------------------------------------------


def _four(shapes: Sequence[Shape], *_: Any) -> int:
    return 4 * math.prod(shapes[0])


@_microsoft("SkipLayerNormalization", extent=_four)
def skip_layer_normalization(
    x: Array, skip: Array, gamma: Array, beta: Array | None = None, bias: Array | None = None, *,
    epsilon: float = 1e-12, outputs: int,
) -> tuple[Array | None, ...]:  # fmt: skip
    """Add, and normalise each row; the fourth result is the sum."""
    total = x + skip if bias is None else x + skip + bias
    y = normalization.layer_normalization(total, gamma, beta, epsilon=epsilon, outputs=min(outputs, 3))
    return (*y, *(None,) * (3 - len(y)), total)


@_microsoft("SkipSimplifiedLayerNormalization", extent=_four)
def skip_simplified_layer_normalization(
    x: Array, skip: Array, gamma: Array, bias: Array | None = None, *, epsilon: float = 1e-12
) -> tuple[Array | None, Array | None, Array | None, Array]:
    """Add, and divide each row by the root of its mean square; the fourth result is the sum."""
    total = x + skip if bias is None else x + skip + bias
    return normalization.rms_normalization(total, gamma, epsilon=epsilon), None, None, total


@_microsoft("EmbedLayerNormalization", extent=lambda shapes, *_: math.prod(shapes[0]) * 3 * (1 + shapes[2][-1]))
def embed_layer_normalization(
    ids: Indices, segments: Indices | None, words: Array, positions: Array, kinds: Array | None, gamma: Array,
    beta: Array, mask: Fixed | None = None, position_ids: Indices | None = None, *,
    epsilon: float = 1e-12, mask_index_type: int = 0,  # noqa: ARG001  # what follows from the inputs
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Add up embeddings of words, positions and segments, and normalise; also return the mask's lengths, and the sum."""
    batch, length = shape_of(ids)
    places = np.arange(length) if position_ids is None else position_ids
    total = gather(words, ids) + gather(positions, places)
    if segments is not None and kinds is not None:
        total = total + gather(kinds, segments)
    lengths = np.zeros(batch, np.int32) if mask is None else ops.astype(ops.sum(mask, axis=1), dtype=np.int32)
    (y,) = normalization.layer_normalization(total, gamma, beta, epsilon=epsilon, outputs=1)
    return y, lengths, total


# --- attention --------------------------------------------------------------------------------


def _heads(x: Array, count: int) -> Array:
    """Return (B, S, N·D) as (B, N, S, D)."""
    batch, length, width = shape_of(x)
    return ops.transpose(ops.reshape(x, shape=(batch, length, count, width // count)), axes=(0, 2, 1, 3))


def _attended(
    query: Array, key: Array, value: Array, hidden: Array | None, bias: Array | None, *,
    scale: float | None, causal: Flag, filler: float,
) -> Array:  # fmt: skip
    """Return attention of heads (B, N, S, D) as (B, S, N·D); keys are hidden by adding a large negative number."""
    length, keys = shape_of(query)[2], shape_of(key)[2]
    if causal:
        later = ~np.tri(length, keys, keys - length, dtype=np.bool_)
        hidden = later if hidden is None else ops.logical_or(hidden, later)
    if hidden is not None:
        added = ops.where(hidden, query.dtype.type(filler), query.dtype.type(0))
        bias = added if bias is None else bias + added
    y = ops.attention(query, key, value, bias, scale=scale or None)
    return ops.reshape(ops.transpose(y, axes=(0, 2, 1, 3)), shape=(shape_of(y)[0], length, -1))


def _hidden(mask: Array | None, batch: int, keys: int) -> Array | None:
    """Return the keys that a mask (of lengths, or with a 0 for each hidden key) hides, broadcastable to (B, N, S, T)."""
    if mask is None:
        return None
    shape = shape_of(mask)
    if shape == (batch,) and batch != keys:
        return ops.reshape(ops.less_equal(ops.reshape(mask, shape=(-1, 1)), np.arange(keys)), shape=(batch, 1, 1, keys))
    if len(shape) not in (2, 3) or shape[-1] != keys:
        raise ShapeError(
            "the mask has a form that is not supported", expected=f"({batch},) or (..., {keys})", got=shape
        )  # fmt: skip
    return ops.reshape(ops.equal(mask, 0), shape=(shape[0], 1, shape[1] if len(shape) == 3 else 1, keys))


def _scores(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    """For each head, a score for each pair of positions, and the projections."""
    batch, length, *_ = shapes[0]
    keys = length + max((shape[-2] for shape in shapes[1:] if len(shape) > 2), default=0)
    widest = sum(shape[-1] for shape in shapes if shape)
    return 4 * batch * keys * (attributes["num_heads"] * keys + widest)


@_microsoft("Attention", extent=_scores)
def attention(
    x: Array, weights: Array, bias: Array | None = None, mask: Fixed | None = None, past: Array | None = None,
    attention_bias: Array | None = None, *, num_heads: int, mask_filter_value: float = -10000.0, scale: float = 0.0,
    unidirectional: Flag = 0, qkv_hidden_sizes: Sequence[int] | None = None,
) -> tuple[Array, Array]:  # fmt: skip
    """Project rows to queries, keys and values, and attend; keys and values of the ``past`` come before these."""
    sent = ops.matmul(x, weights) if bias is None else ops.matmul(x, weights) + bias
    widths = qkv_hidden_sizes or [shape_of(sent)[-1] // 3] * 3
    ends = np.cumsum([0, *widths])
    query, key, value = (_heads(sent[:, :, a:b], num_heads) for a, b in pairwise(ends))
    if past is not None:
        key, value = (ops.concatenate([past[n], each], axis=2) for n, each in enumerate((key, value)))
    hidden = _hidden(mask, shape_of(x)[0], shape_of(key)[2])
    y = _attended(
        query, key, value, hidden, attention_bias, scale=scale, causal=unidirectional, filler=mask_filter_value
    )
    return y, ops.stack([key, value]) if shape_of(key) == shape_of(value) else None


@_microsoft("MultiHeadAttention", extent=_scores)
def multi_head_attention(
    query: Array, key: Array, value: Array, bias: Array | None = None, key_padding_mask: Fixed | None = None,
    attention_bias: Array | None = None, past_key: Array | None = None, past_value: Array | None = None, *,
    num_heads: int, mask_filter_value: float = -10000.0, scale: float = 0.0, unidirectional: Flag = 0,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Attend; keys and values of the past come before the given ones."""
    parts = [query, key, value]
    if bias is not None:
        ends = np.cumsum([0, *(shape_of(each)[-1] if len(shape_of(each)) == 3 else 0 for each in parts)])
        parts = [each + bias[a:b] if b > a else each for each, a, b in zip(parts, ends[:-1], ends[1:], strict=True)]
    query, key, value = (each if len(shape_of(each)) == 4 else _heads(each, num_heads) for each in parts)
    if past_key is not None and past_value is not None:
        key, value = ops.concatenate([past_key, key], axis=2), ops.concatenate([past_value, value], axis=2)
    hidden = _hidden(key_padding_mask, shape_of(query)[0], shape_of(key)[2])
    y = _attended(
        query, key, value, hidden, attention_bias, scale=scale, causal=unidirectional, filler=mask_filter_value
    )
    return y, key, value


# --- quantised --------------------------------------------------------------------------------

_dequantized, _requantized = quantization.dequantized, quantization.requantized


@_microsoft("QAttention", extent=_scores)
def quantized_attention(
    x: Array, weights: Weights, bias: Array, input_scale: Fixed, weight_scale: Fixed, mask: Fixed | None = None,
    input_zero_point: Fixed | None = None, weight_zero_point: Fixed | None = None, past: Array | None = None, **options: Any,
) -> tuple[Array, Array]:  # fmt: skip
    """Like `attention`, with quantised rows and weights."""
    x = _dequantized(x, input_scale, input_zero_point)
    return attention(x, _dequantized(weights, weight_scale, weight_zero_point, axis=-1), bias, mask, past, **options)


def _of_two(function: Callable[[Array, Array], Array]) -> Callable[..., Array]:
    """Return a function of two quantised arrays."""

    def run(
        a: Weights, a_scale: Fixed, a_zero_point: Fixed | None, b: Weights, b_scale: Fixed, b_zero_point: Fixed | None,
        y_scale: Fixed, y_zero_point: Fixed | None = None,
    ) -> Array:  # fmt: skip
        y = function(_dequantized(a, a_scale, a_zero_point), _dequantized(b, b_scale, b_zero_point))
        return _requantized(y, y_scale, y_zero_point)

    return run


def _of_one(function: Callable[..., Array]) -> Callable[..., Array]:
    """Return a function of a quantised array."""

    def run(
        x: Array, x_scale: Fixed, x_zero_point: Fixed | None, y_scale: Fixed, y_zero_point: Fixed | None = None, *,
        channels_last: Literal[0] = 0, **options: Any,  # noqa: ARG001
    ) -> Array:  # fmt: skip
        return _requantized(function(_dequantized(x, x_scale, x_zero_point), **options), y_scale, y_zero_point)

    return run


_microsoft("QLinearAdd")(_of_two(ops.add))
_microsoft("QLinearMul")(_of_two(ops.multiply))
_microsoft("QLinearSigmoid")(_of_one(ops.sigmoid))
_microsoft("QLinearLeakyRelu")(_of_one(elementwise.leaky_relu))
_microsoft("QLinearGlobalAveragePool")(_of_one(windows.global_average_pool))
_microsoft("QLinearAveragePool", extent=windows.conv_extent)(_of_one(windows.average_pool))
_microsoft("QLinearSoftmax")(_of_one(lambda x, *, axis=-1, opset=13: ops.softmax(x, axis=axis)))  # noqa: ARG005
_microsoft("QuantizeLinear")(quantization.quantize_linear)
_microsoft("DequantizeLinear")(quantization.dequantize_linear)


@_microsoft("QLinearConcat")
def quantized_concat(y_scale: Fixed, y_zero_point: Fixed, *parts: Fixed, axis: int) -> Array:
    """Join quantised arrays, each with its scale and zero point."""
    arrays = [_dequantized(*parts[n : n + 3]) for n in range(0, len(parts), 3)]
    return _requantized(ops.concatenate(arrays, axis=axis), y_scale, y_zero_point)


@_microsoft("QGemm", extent=lambda shapes, *more: products.gemm_extent([shapes[0], shapes[3], *shapes[6:7]], *more))
def quantized_gemm(
    a: Array, a_scale: Fixed, a_zero_point: Fixed, b: Weights, b_scale: Fixed, b_zero_point: Fixed,
    c: Fixed | None = None, y_scale: Fixed | None = None, y_zero_point: Fixed | None = None, *,
    alpha: float = 1.0, transA: Flag = 0, transB: Flag = 0,  # noqa: N803  # its names
) -> Array:  # fmt: skip
    """Multiply quantised matrices, and quantise the product if a scale is given."""
    a = _dequantized(a, a_scale, a_zero_point)
    b = _dequantized(b, b_scale, b_zero_point, axis=0 if transB else 1)
    y = products.gemm(a, b, None, alpha=alpha, transA=transA, transB=transB)
    if c is not None:
        y = y + ops.astype(c, dtype=np.float32) * (a_scale * b_scale * alpha)
    return y if y_scale is None else _requantized(y, y_scale, y_zero_point)


@_microsoft("MatMulIntegerToFloat", extent=products.matmul_extent)
def matmul_integer_to_float(
    a: Array, b: Weights, a_scale: Fixed, b_scale: Fixed, a_zero_point: Fixed | None = None,
    b_zero_point: Fixed | None = None, bias: Array | None = None,
) -> Array:  # fmt: skip
    """Multiply quantised matrices."""
    y = ops.matmul(_dequantized(a, a_scale, a_zero_point), _dequantized(b, b_scale, b_zero_point, axis=-1))
    return y if bias is None else y + bias


@_microsoft(
    "DynamicQuantizeMatMul", extent=lambda shapes, *more: math.prod(shapes[0]) + products.matmul_extent(shapes, *more)
)
def dynamic_quantize_matmul(
    a: Array, b: Weights, b_scale: Fixed, b_zero_point: Fixed | None = None, bias: Array | None = None
) -> Array:
    """Quantise ``a`` by its own range, and multiply."""
    a, a_scale, a_zero_point = quantization.dynamic_quantize_linear(a)
    return matmul_integer_to_float(a, b, a_scale, b_scale, a_zero_point, b_zero_point, bias)
