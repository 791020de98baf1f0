"""ONNX's operators in terms of our primitives: a small function for each.

A function takes the operator's inputs by position and its attributes by their ONNX names. An input
whose values must be known, such as a shape or an axis, is annotated as `Numbers` or `Ints`; gradients flow
through all others. If only some values of an attribute are supported, its annotation is a `Literal`.
Source: https://onnx.ai/onnx/operators
"""

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.errors import FormatError, ShapeError, sentence
from autograd_cnn.onnx import windows as sliding
from autograd_cnn.onnx.windows import Flag
from autograd_cnn.parameters import Axis

Numbers: TypeAlias = NDArray[Any]
"""An input whose values are known without computing anything: a limit, a batch's statistics."""

Ints: TypeAlias = NDArray[np.integer[Any]]
"""Such an input of integers: a shape, an axis."""

DTYPES: Final = {1: np.float32, 6: np.int32, 7: np.int64, 9: np.bool_, 11: np.float64}
"""The dtypes that are read, by their numbers in ``TensorProto.DataType``."""

# --- elementwise ------------------------------------------------------------------------------


def divide(x1: Array, x2: Array) -> Array:
    """Divide; integers are rounded towards 0."""
    if x1.dtype.kind == x2.dtype.kind == "i":
        return (x1 - np.fmod(x1, x2)) // x2
    return ops.divide(x1, x2)


def power(x: Array, exponent: Numbers) -> Array:
    """Raise to a power; the result has the base's dtype."""
    return ops.power(x, exponent.item() if exponent.ndim == 0 else exponent.astype(x.dtype))


def add_up(*arrays: Array) -> Array:
    """Add any number of arrays."""
    return reduce(ops.add, arrays)


def leaky_relu(x: Array, *, alpha: float = 0.01) -> Array:
    """Multiply negative numbers by ``alpha``."""
    return ops.leaky_relu(x, negative_slope=alpha)


def elu(x: Array, *, alpha: float = 1.0) -> Array:
    """Saturate negative numbers at ``-alpha``."""
    return ops.elu(x, alpha=alpha)


def gelu(x: Array, *, approximate: Literal["none", "tanh"] = "none") -> Array:
    """Weigh by the normal distribution function, or by its approximation (Hendrycks & Gimpel 2016)."""
    if approximate == "none":
        return ops.gelu(x)
    return x * 0.5 * (ops.tanh((x + x * x * x * 0.044715) * math.sqrt(2 / math.pi)) + 1)


def clip(x: Array, low: Numbers | None = None, high: Numbers | None = None) -> Array:
    """Limit to a range."""
    if low is None and high is None:
        return x
    return ops.clip(x, min=None if low is None else low.item(), max=None if high is None else high.item())


def cast(x: Array, *, to: np.dtype[Any], saturate: Flag = 1) -> Array:  # noqa: ARG001  # of 8-bit floats only
    """Convert to another dtype."""
    return ops.astype(x, dtype=to)


def identity(x: Array) -> Array:
    """Return the input as it is."""
    return x


def dropout(
    x: Array,
    ratio: Numbers | None = None,  # noqa: ARG001  # nothing is dropped
    training_mode: Numbers | None = None,
    *,
    seed: int = 0,  # noqa: ARG001
) -> Array:
    """Return the input as it is, as in inference."""
    if training_mode is not None:
        check_inference(training_mode)
    return x


def check_inference(training_mode: Numbers) -> None:
    """Raise `FormatError` if a layer should behave as in training."""
    if training_mode.any():
        raise FormatError(sentence("training_mode is set", hint="export the network for inference"))


# --- products and normalisation ---------------------------------------------------------------


def gemm(
    a: Array, b: Array, c: Array | None = None, *,
    alpha: float = 1.0, beta: float = 1.0, transA: Flag = 0, transB: Flag = 0,  # noqa: N803  # ONNX's names
) -> Array:  # fmt: skip
    """Return ``alpha · a @ b + beta · c``, with either factor transposed if asked for."""
    a = ops.transpose(a) if transA else a
    if transB and alpha == beta == 1 and (c is None or shape_of(c) == shape_of(b)[:1]):
        return ops.linear(a, b, c)
    y = ops.matmul(a, ops.transpose(b) if transB else b)
    y = y if alpha == 1 else y * alpha
    return y if c is None else y + (c if beta == 1 else c * beta)


def batch_normalization(
    x: Array, scale: Array, bias: Array, mean: Numbers, var: Numbers, *,
    epsilon: float = 1e-5, momentum: float = 0.9, training_mode: Literal[0] = 0,  # noqa: ARG001  # of no use in inference
) -> Array:  # fmt: skip
    """Normalise each channel by statistics gathered in training (Ioffe & Szegedy 2015)."""
    maps = shape_of(x)[1:2]
    if wrong := [shape_of(each) for each in (scale, bias, mean, var) if shape_of(each) != maps]:
        raise ShapeError(sentence("one number for each map is needed", expected=maps, got=wrong[0]))
    per_map = (-1,) + (1,) * (len(shape_of(x)) - 2)
    factor = scale * (1 / np.sqrt(var + np.array(epsilon, var.dtype)))
    return (x - mean.reshape(per_map)) * ops.reshape(factor, shape=per_map) + ops.reshape(bias, shape=per_map)


def softmax(x: Array, *, axis: int = -1) -> Array:
    """Turn scores into probabilities along ``axis``."""
    return ops.softmax(x, axis=axis)


def log_softmax(x: Array, *, axis: int = -1) -> Array:
    """Turn scores into logarithms of probabilities along ``axis``."""
    return ops.log_softmax(x, axis=axis)


# --- reductions -------------------------------------------------------------------------------


def _reducing(function: Callable[..., Array]) -> Callable[..., Array]:
    """Return the operator that reduces by ``function``."""

    def run(x: Array, axes: Ints | None = None, *, keepdims: Flag = 1, noop_with_empty_axes: Flag = 0) -> Array:
        axis = _axis(axes)
        if axis is None and noop_with_empty_axes:
            return x
        return function(x, axis=axis, keepdims=bool(keepdims))

    return run


def _axis(axes: Ints | Sequence[int] | None) -> Axis:
    """Return axes as a tuple, or None if there are none: then all axes are meant."""
    return tuple(int(axis) for axis in axes) or None if axes is not None else None


# --- shapes -----------------------------------------------------------------------------------


def flatten(x: Array, *, axis: int = 1) -> Array:
    """Make a matrix; the axes from ``axis`` on become its columns."""
    shape = shape_of(x)
    return ops.reshape(x, shape=(math.prod(shape[:axis]), math.prod(shape[axis:])))


def reshape(x: Array, shape: Ints, *, allowzero: Flag = 0) -> Array:
    """Change the shape; a 0 means the length of the same axis of x, unless ``allowzero`` is set."""
    lengths = [int(length) for length in shape]
    if not allowzero:
        if 0 in lengths[len(shape_of(x)) :]:
            raise ShapeError(
                sentence("a 0 stands for a length that x lacks", expected=f"{len(shape_of(x))} axes", got=lengths)
            )
        lengths = [length or shape_of(x)[place] for place, length in enumerate(lengths)]
    return ops.reshape(x, shape=tuple(lengths))


def transpose(x: Array, *, perm: Sequence[int] | None = None) -> Array:
    """Permute the axes."""
    return ops.transpose(x, axes=None if perm is None else tuple(perm))


def squeeze(x: Array, axes: Ints | None = None) -> Array:
    """Remove axes of length 1."""
    return ops.squeeze(x, None if axes is None else tuple(axes.tolist()))


def unsqueeze(x: Array, axes: Ints) -> Array:
    """Insert axes of length 1."""
    return ops.expand_dims(x, tuple(axes.tolist()))


def concat(*arrays: Array, axis: int) -> Array:
    """Join along an axis."""
    return ops.concatenate(arrays, axis=axis)


def pad(
    x: Array, pads: Ints, value: Numbers | None = None, axes: Ints | None = None, *,
    mode: Literal["constant", "edge", "reflect", "wrap"] = "constant",
) -> Array:  # fmt: skip
    """Add elements before and after."""
    check_pads(pads)
    rank = len(shape_of(x))
    widths = [(0, 0)] * rank
    for axis, before, after in zip(
        range(rank) if axes is None else axes.tolist(), *pads.reshape(2, -1).tolist(), strict=True
    ):
        widths[axis] = (before, after)
    return ops.pad(x, widths, mode=mode, constant_values=0 if value is None else value.item())


def check_pads(pads: Ints) -> None:
    """Raise `FormatError` for negative pads, which would crop."""
    if pads.min(initial=0) < 0:
        raise FormatError(sentence("pads are out of range", expected="at least 0", got=pads.tolist()))


def shape(x: Array, *, start: int = 0, end: int | None = None) -> NDArray[np.int64]:
    """Return the lengths of the axes."""
    return np.array(shape_of(x)[start:end], np.int64)


def constant_of_shape(shape: Ints, *, value: NDArray[Any] | None = None) -> NDArray[Any]:
    """Return an array of one number, by default 0."""
    if value is not None and value.size != 1:
        raise FormatError(sentence("the value is not one number", expected=1, got=value.size))
    return np.full(tuple(shape.tolist()), np.float32(0) if value is None else value)


def cut(
    x: Array, starts: Ints, ends: Ints, axes: Ints | None = None, steps: Ints | None = None
) -> Array:  # fmt: skip
    """Take a range along some of the axes."""
    rank = len(shape_of(x))
    index = [slice(None)] * rank
    places = range(len(starts)) if axes is None else axes.tolist()
    lengths = {len(each) for each in (starts, ends, axes, steps) if each is not None}
    if len(lengths) > 1 or not all(-rank <= place < rank for place in places):
        raise ShapeError(sentence("starts, ends, axes and steps do not fit", expected=f"one of each for each of at most {rank} axes", got=f"axes {list(places)}"))  # fmt: skip
    strides = [1] * len(starts) if steps is None else steps.tolist()
    for axis, start, end, step in zip(places, starts.tolist(), ends.tolist(), strides, strict=True):
        index[axis] = slice(start, end, step)
    return ops.getitem(x, index=tuple(index))


def gather(x: Array, indices: Ints, *, axis: int = 0) -> Array:
    """Take slices along an axis."""
    return ops.take(x, indices, axis=axis)


OPERATORS: Final[dict[str, Callable[..., Array]]] = {
    "Abs": ops.absolute,
    "Add": ops.add,
    "AveragePool": sliding.average_pool,
    "BatchNormalization": batch_normalization,
    "Cast": cast,
    "Clip": clip,
    "Concat": concat,
    "ConstantOfShape": constant_of_shape,
    "Conv": sliding.conv,
    "ConvTranspose": sliding.conv_transpose,
    "Div": divide,
    "Dropout": dropout,
    "Elu": elu,
    "Erf": ops.erf,
    "Exp": ops.exp,
    "Flatten": flatten,
    "Gather": gather,
    "Gelu": gelu,
    "Gemm": gemm,
    "GlobalAveragePool": sliding.global_average_pool,
    "GlobalMaxPool": sliding.global_max_pool,
    "Identity": identity,
    "LeakyRelu": leaky_relu,
    "Log": ops.log,
    "LogSoftmax": log_softmax,
    "MatMul": ops.matmul,
    "MaxPool": sliding.max_pool,
    "Mul": ops.multiply,
    "Neg": ops.negative,
    "Pad": pad,
    "Pow": power,
    "ReduceMax": _reducing(ops.max),
    "ReduceMean": _reducing(ops.mean),
    "ReduceSum": _reducing(ops.sum),
    "Relu": ops.relu,
    "Reshape": reshape,
    "Shape": shape,
    "Sigmoid": ops.sigmoid,
    "Slice": cut,
    "Softmax": softmax,
    "Softplus": ops.softplus,
    "Sqrt": ops.sqrt,
    "Squeeze": squeeze,
    "Sub": ops.subtract,
    "Sum": add_up,
    "Tanh": ops.tanh,
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
}
"""Operators by their names in the file; ``Constant`` is read with the file."""

CHECKS: Final[dict[str, tuple[int, Callable[[Numbers], None]]]] = {
    "Dropout": (2, check_inference),
    "Pad": (1, check_pads),
}
"""Checks of single inputs, by their positions; they are made when a file is loaded."""
