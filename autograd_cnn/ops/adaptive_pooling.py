"""Pooling over windows that divide an image into a given number of regions, composed of sums."""

from functools import lru_cache
from typing import Any

import numpy as np

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.errors import ShapeError
from autograd_cnn.kernels.taps import Taps
from autograd_cnn.ops import reduction
from autograd_cnn.ops.elementwise import astype
from autograd_cnn.ops.resampling import _resample
from autograd_cnn.parameters import several

__all__ = ["adaptive_mean_pool", "global_mean_pool"]


def global_mean_pool(x: Array) -> Array:
    """The mean of each map, as maps of one pixel (Lin et al. 2014).

    Examples
    --------
    >>> import numpy as np
    >>> global_mean_pool(np.ones((2, 3, 4, 4))).shape
    (2, 3, 1, 1)
    """
    _check_maps("global_mean_pool", shape_of(x))
    return reduction.mean(x, axis=(-2, -1), keepdims=True)


@composite
def adaptive_mean_pool(x: Array, output_size: Any) -> Array:
    """Means over windows that divide the image into ``output_size`` regions as evenly as can be.

    Region i of n spans the pixels from ``floor(i·H/n)`` to ``ceil((i+1)·H/n)``, so windows may overlap by a pixel.

    Parameters
    ----------
    x : (..., H, W)
    output_size : int or pair
        Rows and columns; in a pair, None leaves the length as it is.

    Examples
    --------
    >>> import numpy as np
    >>> adaptive_mean_pool(np.arange(5.0).reshape(1, 5), (1, 2))
    array([[1., 3.]])
    """
    shape = shape_of(x)
    _check_maps("adaptive_mean_pool", shape)
    sizes = adapted("adaptive_mean_pool", output_size, shape[-2:])
    given = getattr(x, "dtype", np.dtype(float)).newbyteorder("=")
    # The mean of integers is a float, and half precision would lose digits of shares and sums.
    exact = np.result_type(given, np.float32) if given.kind == "f" else np.dtype(float)
    if sizes == (1, 1) and given == exact:
        return global_mean_pool(x)
    rows, columns = (_averaging(n, places) for n, places in zip(shape[-2:], sizes, strict=True))
    y = _resample(x if given == exact else astype(x, dtype=exact), rows=rows, columns=columns)
    return astype(y, dtype=given) if given.kind == "f" and given != exact else y


def adapted(where: str, output_size: Any, image: Shape) -> tuple[int, ...]:
    """Return the size of an adaptive pool's result, where None stands for the length of the image.

    Examples
    --------
    >>> adapted("adaptive_mean_pool", (None, 3), (7, 9))
    (7, 3)
    """
    named = isinstance(output_size, (list, tuple)) and len(output_size) == len(image)
    filled = zip(output_size, image, strict=True) if named else ()
    sizes = tuple([n if size is None else size for size, n in filled]) if named else output_size
    return several(where, "output_size", sizes, len(image), 1)


def _check_maps(where: str, shape: Shape) -> None:
    if len(shape) < 2:
        raise ShapeError(where, "x has the wrong rank", expected="at least (H, W)", got=shape)
    if 0 in shape[-2:]:
        raise ShapeError(where, "x has no pixels", expected="at least one row and column", got=shape)


@lru_cache(maxsize=64)
def _averaging(length: int, places: int) -> Taps:
    """Return the taps that average the pixels of each region."""
    place = np.arange(places)
    first, last = place * length // places, -(-(place + 1) * length // places)
    counts, starts = last - first, np.cumsum([0, *(last - first)])
    pixels = np.arange(starts[-1]) + np.repeat(first - starts[:-1], counts)
    return Taps(length, *(tuple(each.tolist()) for each in (starts, pixels, np.repeat(1 / counts, counts))))
