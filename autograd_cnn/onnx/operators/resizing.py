"""ONNX's operators that sample images at other places: each axis by itself is a product with a matrix of weights."""

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.errors import FormatError, ShapeError
from autograd_cnn.onnx.budget import CALL
from autograd_cnn.onnx.operator import Flag, Numbers, known, operator
from autograd_cnn.tensor.numpy_functions import plain_index

Transformation: TypeAlias = Literal[
    "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn",
    "tf_crop_and_resize",
]  # fmt: skip
Rounding: TypeAlias = Literal["round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "simple"]
Policy: TypeAlias = Literal["stretch", "not_larger", "not_smaller"]

# --- whole images -----------------------------------------------------------------------------


def _resized(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:
    """Bound the elements of the results of all axes, and of the matrices."""
    x = shapes[0]
    axes = attributes.get("axes") or range(len(x))
    if len(operands) > 3 and operands[3] is not None:
        most = max((int(n) for n in operands[3]), default=0)
        same = attributes.get("keep_aspect_ratio_policy", "stretch") == "stretch"
        wanted = [int(n) for n in operands[3]] if same else [most * max(x)] * len(axes)
    else:
        scales: Any = next(
            (s for s in (*operands[1:3][::-1], attributes.get("scales")) if s is not None and len(s)), []
        )
        longest = np.nan_to_num([x[axis] * float(scale) for axis, scale in zip(axes, scales, strict=False)])
        wanted = [math.ceil(min(length, 1e15)) for length in longest]
    lengths = list(x)
    for axis, n in zip(axes, wanted, strict=False):
        lengths[axis] = max(lengths[axis], n, 1)
    return math.prod(lengths) + sum(n * m for n, m in zip(x, lengths, strict=True))


@operator("Resize", extent=_resized)
def resize(
    x: Array, roi: Numbers | None = None, scales: Numbers | None = None, sizes: Numbers | None = None, *,
    antialias: Flag = 0, axes: Sequence[int] | None = None,
    coordinate_transformation_mode: Transformation = "half_pixel", cubic_coeff_a: float = -0.75,
    exclude_outside: Flag = 0, extrapolation_value: float = 0.0, keep_aspect_ratio_policy: Policy = "stretch",
    mode: Literal["nearest", "linear", "cubic"] = "nearest", nearest_mode: Rounding = "round_prefer_floor", opset: int,
) -> Array:  # fmt: skip
    """Resize images."""
    rank = len(shape_of(x))
    places = [axis % rank for axis in axes] if axes else list(range(rank))
    if opset < 11:  # the scales were the second input, and pixels had no width
        scales, roi, coordinate_transformation_mode, nearest_mode = roi, None, "asymmetric", "floor"
    lengths = [shape_of(x)[axis] for axis in places]
    if sizes is not None and sizes.size:
        factors = [float(size / n) for size, n in zip(sizes, lengths, strict=True)]
        if keep_aspect_ratio_policy != "stretch":
            factor = (min if keep_aspect_ratio_policy == "not_larger" else max)(factors)
            factors = [factor] * len(factors)
            out = [math.floor(factor * n + 0.5) for n in lengths]
        else:
            out = [int(size) for size in sizes]
    elif scales is not None and scales.size:
        factors = [float(scale) for scale in scales]
        out = [math.floor(scale * n) for scale, n in zip(factors, lengths, strict=True)]
    else:
        raise FormatError("neither scales nor sizes are given")
    cropped = coordinate_transformation_mode == "tf_crop_and_resize"
    regions = roi.reshape(2, -1).T.tolist() if cropped and roi is not None else [(0.0, 1.0)] * len(places)
    dtype = x.dtype
    for axis, n, length, factor, region in zip(places, lengths, out, factors, regions, strict=True):
        at = _coordinates(coordinate_transformation_mode, n, length, factor, region)
        if n == length and np.array_equal(at, np.arange(n)):
            continue
        if mode == "nearest":
            x = ops.take(x, _rounded(at, nearest_mode).clip(0, n - 1), axis=axis)
        else:
            weights = _weights(at, n, factor if antialias else 1.0, mode, cubic_coeff_a, bool(exclude_outside))
            kept = weights.astype(dtype if dtype.kind == "f" else np.float32)
            x = ops.moveaxis(ops.matmul(ops.moveaxis(x, axis, -1), kept.T), -1, axis)
        if cropped:
            outside = (at < 0) | (at > n - 1)
            form = [-1 if place == axis else 1 for place in range(rank)]
            x = ops.where(outside.reshape(form), extrapolation_value, x)
    return x if x.dtype == dtype else known(x).astype(dtype)


@operator("Upsample", extent=_resized)
def upsample(x: Array, scales: Numbers, *, mode: Literal["nearest", "linear"] = "nearest") -> Array:
    """Enlarge images, as before opset 10."""
    return resize(x, scales, mode=mode, opset=10)


def _coordinates(
    transformation: Transformation, n: int, length: int, factor: float, region: Sequence[float]
) -> NDArray[np.float64]:
    """Return the positions of the result's pixels among ``n`` pixels."""
    place = np.arange(length, dtype=np.float64)
    half = (place + 0.5) / factor
    if transformation == "align_corners":
        whole = factor * n
        return place * (n - 1) / (whole - 1) if whole != 1 else place * 0
    if transformation == "asymmetric":
        return place / factor
    if transformation == "tf_crop_and_resize":
        start, end = region
        if length == 1:
            return np.array([0.5 * (start + end) * (n - 1)])
        return start * (n - 1) + place * (end - start) * (n - 1) / (length - 1)
    if transformation == "pytorch_half_pixel" and length == 1:
        half[:] = 0
    if transformation == "half_pixel_symmetric":
        half += n / 2 * (1 - length / (n * factor))
    return half if transformation == "tf_half_pixel_for_nn" else half - 0.5


def _rounded(at: NDArray[np.float64], rounding: Rounding) -> NDArray[np.int64]:
    if rounding == "round_prefer_floor":
        return np.ceil(at - 0.5).astype(np.int64)
    if rounding == "round_prefer_ceil":
        return np.floor(at + 0.5).astype(np.int64)
    return (np.ceil(at) if rounding == "ceil" else np.floor(at)).astype(np.int64)


def _weights(
    at: NDArray[np.float64], n: int, factor: float, mode: str, a: float, exclude_outside: bool
) -> NDArray[np.float64]:
    """Return the matrix (places, n) of the weights of pixels near each place; when shrinking, more pixels count."""
    scale = min(factor, 1.0)
    reach = (1 if mode == "linear" else 2) / scale
    taps = np.arange(math.floor(-reach) + 1, math.ceil(reach) + 1)
    pixel = np.floor(at)[:, None] + taps
    weights = _kernel((pixel - at[:, None]) * scale, mode, a)
    if exclude_outside:
        weights = weights * ((pixel >= 0) & (pixel < n))
    weights /= weights.sum(axis=1, keepdims=True)
    matrix = np.zeros((len(at), n))
    np.add.at(matrix, (np.arange(len(at))[:, None], pixel.clip(0, n - 1).astype(np.int64)), weights)
    return matrix


def _kernel(distance: Any, mode: str, a: float) -> Any:
    """Return the weight of a pixel at a distance: a triangle, or the cubic convolution of Keys (1981)."""
    size = abs(distance)
    if mode == "linear":
        return np.clip(1 - size, 0, 1)
    near = ((a + 2) * size - (a + 3)) * size * size + 1
    far = ((a * size - 5 * a) * size + 8 * a) * size - 4 * a
    return np.where(size <= 1, near, np.where(size < 2, far, 0.0))


# --- at given places --------------------------------------------------------------------------


def _sampled(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    """Return the elements of all taps."""
    return 4 ** len(shapes[0][2:]) * (CALL + math.prod(shapes[0][:2]) * math.prod(shapes[1][1:-1]))


@operator("GridSample", extent=_sampled)
def grid_sample(
    x: Array, grid: Array, *, align_corners: Flag = 0,
    mode: Literal["linear", "bilinear", "nearest", "cubic", "bicubic"] = "linear",
    padding_mode: Literal["zeros", "border", "reflection"] = "zeros",
) -> Array:  # fmt: skip
    """Sample images at positions from -1 to 1, x first (Jaderberg et al. 2015); gradients flow to images and positions."""
    lengths = shape_of(x)[2:]
    rank = len(lengths)
    if shape_of(grid)[-1] != rank:
        raise ShapeError("the grid does not fit", expected=f"{rank} numbers for each place", got=shape_of(grid))
    taps, weights = [], []
    for axis, n in enumerate(lengths):
        at = grid[..., rank - 1 - axis]
        at = (at + 1) * ((n - 1) / 2) if align_corners else ((at + 1) * n - 1) / 2
        if padding_mode == "border":
            at = ops.clip(at, min=0, max=n - 1)
        elif padding_mode == "reflection":
            at = _reflected(at, n, bool(align_corners))
        places, shares = near(at, mode)
        taps.append(places)
        weights.append(shares)
    total: Array = 0
    batch = np.arange(shape_of(x)[0]).reshape(-1, *(1,) * (len(shape_of(grid)) - 2))
    for choice in product(*(range(len(each)) for each in taps)):
        index, inside, share = [], np.ones((), np.bool_), 1
        for axis, (number, n) in enumerate(zip(choice, lengths, strict=True)):
            place = taps[axis][number]
            if padding_mode == "zeros":
                inside = inside & (place >= 0) & (place < n)
            elif padding_mode == "reflection":
                place = ops.astype(ops.rint(_reflected(place, n, bool(align_corners))), dtype=np.int64)
            index.append(plain_index(ops.clip(place, min=0, max=n - 1)))
            share = share * weights[axis][number]
        pixels = ops.getitem(ops.moveaxis(x, 1, -1), index=(batch, *index))  # (N, ..., C)
        share = ops.where(inside, share, 0)
        total = total + pixels * ops.reshape(share, shape=(*shape_of(share), 1))
    return ops.moveaxis(total, -1, 1)


def _reflected(at: Array, n: int, align_corners: bool) -> Array:
    """Return positions mirrored at the borders as often as needed."""
    low, span = (0.0, n - 1) if align_corners else (-0.5, n)
    if not span:
        return at * 0
    turns = ops.floor((at - low) / span)
    inside = (at - low) - turns * span
    return ops.where(ops.equal(ops.remainder(turns, 2), 1), span - inside, inside) + low


def near(at: Array, mode: str) -> tuple[list[Array], list[Array]]:
    """Return the pixels near each position, and their weights."""
    if mode == "nearest":
        return [ops.astype(ops.rint(at), dtype=np.int64)], [np.ones(shape_of(at), at.dtype)]
    first, part = ops.astype(ops.floor(at), dtype=np.int64), at - ops.floor(at)
    if mode.endswith("linear"):
        return [first, first + 1], [1 - part, part]
    a = -0.75
    near = [((a + 2) * d - (a + 3)) * d * d + 1 for d in (part, 1 - part)]
    far = [((d * a - 5 * a) * d + 8 * a) * d - 4 * a for d in (part + 1, 2 - part)]
    return [first + tap for tap in (-1, 0, 1, 2)], [far[0], near[0], near[1], far[1]]
