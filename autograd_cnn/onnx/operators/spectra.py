"""ONNX's Fourier transforms, as products with matrices of waves. Complex numbers are pairs along a last axis."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.errors import FormatError
from autograd_cnn.onnx.operator import Flag, Ints, Numbers, operator


def _length(given: Any, otherwise: int) -> int:
    return otherwise if given is None else max(int(np.asarray(given).item()), 1)


def _waves(used: int, count: int, length: int, dtype: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return cosines and sines (used, count)."""
    angle = 2 * np.pi / length * (np.outer(np.arange(used), np.arange(count)) % length)
    return np.cos(angle).astype(dtype), np.sin(angle).astype(dtype)


def _transformed(x: Array, length: int, *, inverse: bool = False, onesided: bool = False) -> Array:
    """Transform the second last axis, cropped or padded to a length; for real numbers, half of the result suffices."""
    x = x[..., :length, :]
    cos, sin = _waves(shape_of(x)[-2], length // 2 + 1 if onesided else length, length, x.dtype)
    sin = -sin if inverse else sin
    real = x[..., 0]
    if shape_of(x)[-1] == 1:
        parts = [ops.matmul(real, cos), ops.matmul(real, -sin)]
    else:
        imag = x[..., 1]
        parts = [ops.matmul(real, cos) + ops.matmul(imag, sin), ops.matmul(imag, cos) - ops.matmul(real, sin)]
    y = ops.stack(parts, axis=-1)
    return y / length if inverse else y


def _restored(x: Array, length: int) -> Array:
    """Return the real numbers with a given half spectrum along the second last axis."""
    x = x[..., : length // 2 + 1, :]
    used = shape_of(x)[-2]
    twice = np.where((np.arange(used) == 0) | (2 * np.arange(used) == length), 1, 2)[:, None] / length
    cos, sin = ((wave * twice).astype(x.dtype) for wave in _waves(used, length, length, np.float64))
    return ops.expand_dims(ops.matmul(x[..., 0], cos) - ops.matmul(x[..., 1], sin), -1)


def _axis(operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:
    return (
        int(np.asarray(operands[2]).item())
        if len(operands) > 2 and operands[2] is not None
        else attributes.get("axis", -2)
    )


def _spectrum(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:
    axis = attributes["axis"].item() if isinstance(attributes.get("axis"), np.ndarray) else _axis(operands, attributes)
    given = shapes[0][axis]
    length = _length(operands[1] if len(operands) > 1 else None, 2 * given)
    return 4 * (math.prod(shapes[0]) + math.prod(shapes[0]) // max(given, 1) * length) + 4 * given * length


@operator("DFT", extent=_spectrum)
def dft(
    x: Array,
    dft_length: Ints | None = None,
    axis: Ints | None = None,
    *,
    inverse: Flag = 0,
    onesided: Flag = 0,
    opset: int,
) -> Array:
    """Transform along an axis; for real numbers, half of the result may be left out."""
    place = axis.item() if axis is not None else 1 if opset < 20 else -2
    x = ops.moveaxis(x, place, -2)
    given = shape_of(x)[-2]
    if inverse and onesided:
        y = _restored(x, _length(dft_length, 2 * given - 2))
    else:
        y = _transformed(x, _length(dft_length, given), inverse=bool(inverse), onesided=bool(onesided))
    return ops.moveaxis(y, -2, place)


def _frames(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    batch, length, parts = (*shapes[0], 1)[:3]
    size = _length(operands[3] if len(operands) > 3 else None, math.prod(shapes[2]) if len(shapes) > 2 else length)
    count = max((length - size) // max(int(operands[1].item()), 1) + 1, 0)
    return 8 * batch * count * size * parts + 4 * size * size


@operator("STFT", extent=_frames)
def stft(
    x: Array, frame_step: Ints, window: Array | None = None, frame_length: Ints | None = None, *, onesided: Flag = 1
) -> Array:
    """Transform frames of signals (N, L, 1 or 2), each times a window: (N, frames, frequencies, 2)."""
    if window is None and frame_length is None:
        raise FormatError("neither a window nor frame_length is given")
    size = _length(frame_length, math.prod(shape_of(window)))
    x = ops.expand_dims(x, -1) if len(shape_of(x)) == 2 else x
    starts = np.arange(0, shape_of(x)[1] - size + 1, int(frame_step.item()))
    frames = ops.take(x, starts[:, None] + np.arange(size), axis=1)  # (N, frames, size, 1 or 2)
    if window is not None:
        frames = frames * ops.reshape(window, shape=(-1, 1))
    return _transformed(frames, size, onesided=bool(onesided))


@operator(
    "MelWeightMatrix",
    extent=lambda _, operands, __: (int(operands[1].item()) // 2 + 1) * max(int(operands[0].item()), 0) * 4,
)
def mel_weight_matrix(
    num_mel_bins: Ints, dft_length: Ints, sample_rate: Ints, lower_edge_hertz: Numbers, upper_edge_hertz: Numbers, *,
    output_datatype: np.dtype[Any] | None = None,
) -> NDArray[Any]:  # fmt: skip
    """Return triangular filters on the mel scale (Stevens et al. 1937): (frequencies, bins)."""
    bins, length = int(num_mel_bins.item()), int(dft_length.item())
    low, high = (2595 * math.log10(1 + float(edge.item()) / 700) for edge in (lower_edge_hertz, upper_edge_hertz))
    mel = low + np.arange(bins + 2) * (high - low) / (bins + 2)
    hertz = 700 * (10 ** (mel / 2595) - 1)
    corner = ((length + 1) * hertz // int(sample_rate.item())).astype(np.int64)
    left, middle, right = corner[:-2], corner[1:-1], corner[2:]
    place = np.arange(length // 2 + 1)[:, None]
    rising = np.where(middle == left, 1.0, (place - left) / np.maximum(middle - left, 1))
    falling = (right - place) / np.maximum(right - middle, 1)
    inside = np.where(
        (place >= left) & (place <= middle), rising, np.where((place > middle) & (place < right), falling, 0)
    )
    return inside.astype(output_datatype or np.float32)


def _window(*shares: float) -> Callable[..., NDArray[Any]]:
    """Return the operator of a window that is a sum of cosines (Blackman & Tukey 1958)."""

    def run(size: Ints, *, output_datatype: np.dtype[Any] | None = None, periodic: Flag = 1) -> NDArray[Any]:
        length = int(size.item())
        angle = 2 * np.pi / max(length if periodic else length - 1, 1) * np.arange(length)
        waves = [share * np.cos(number * angle) for number, share in enumerate(shares)]
        return np.add.reduce(waves).astype(output_datatype or np.float32)

    return run


def _long(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    return 4 * max(int(operands[0].item()), 0)


operator("BlackmanWindow", extent=_long)(_window(0.42, -0.5, 0.08))
operator("HammingWindow", extent=_long)(_window(25 / 46, -21 / 46))
operator("HannWindow", extent=_long)(_window(0.5, -0.5))
