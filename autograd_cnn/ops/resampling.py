"""Weighted sums of a few rows and columns of maps, of which interpolation and adaptive means are composed.

The adjoint is the same with the transposed matrices.
"""

import numpy as np

from autograd_cnn import kernels
from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.node import Array, Shape
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.errors import ShapeError
from autograd_cnn.kernels.taps import Taps
from autograd_cnn.ops.precision import joined, mean_dtype


@primitive(static=True)
def _resample(x: Array, *, rows: Taps, columns: Taps) -> Array:
    """``R·x·Cᵀ`` for each map, with sparse matrices R and C.

    Parameters
    ----------
    x : (..., H, W)
        Integers are converted to float64.
    rows, columns : Taps
        R (OH, H) and C (OW, W).

    Returns
    -------
    y : (..., OH, OW)

    Raises
    ------
    ShapeError
        If the maps aren't (H, W).

    Examples
    --------
    >>> import numpy as np
    >>> mean = Taps.of(np.array([[0.5, 0.5]]))
    >>> _resample(np.arange(4.0).reshape(2, 2), rows=mean, columns=mean)
    array([[1.5]])
    """
    _shape(np.shape(x), rows, columns)
    (x,) = joined("resample", mean_dtype, x=x)
    return kernels.resample(x, rows, columns)


@_resample.vjp("x")
def resample_vjp_x(g: Array, *, rows: Taps, columns: Taps) -> Array:
    return _resample(g, rows=rows.transposed, columns=columns.transposed)


@_resample.shape(dtype=mean_dtype)
def resample_shape(x: AbstractArray, *, rows: Taps, columns: Taps) -> Shape:
    return _shape(x.shape, rows, columns)


def _shape(x: Shape, rows: Taps, columns: Taps) -> Shape:
    expected = (rows.length, columns.length)
    if x[-2:] != expected:
        raise ShapeError("resample", "x has the wrong shape", expected=f"maps of {expected}", got=x)
    return (*x[:-2], rows.count, columns.count)
