"""Histograms as in NumPy: sums of weights in bins.

A number's bin is a constant, so counts have gradients only with respect to the weights; the edges of equal bins depend
on the smallest and the largest number, and have gradients with respect to these.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, Traced, dtype_of, shape_of, values_of
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.ops import reduction
from autograd_cnn.ops.elementwise import add, astype, divide, multiply, subtract
from autograd_cnn.ops.indexing import _known, bincount, getitem
from autograd_cnn.ops.sequences import diff
from autograd_cnn.ops.shaping import reshape
from autograd_cnn.parameters import Flag

__all__ = ["histogram", "histogram2d", "histogram_bin_edges", "histogramdd"]


@composite
def histogram(
    x: Array, bins: Any = 10, range: Any = None, density: Flag = False, weights: Array | None = None
) -> tuple[Array, Array]:
    """The number of elements of ``x`` in each bin, or the sum of their weights; and the edges of the bins.

    Parameters
    ----------
    x : array
        Numbers. They get no gradient from the counts; for the edges, see `histogram_bin_edges`.
    bins : int, str, or 1-D array
        The number of bins of equal width, or NumPy's name for a way to choose it, or their edges.
    range : pair of numbers, optional
        Where equal bins begin and end; by default, at the smallest and the largest number.
    density : bool
        Whether to divide by the bin's width and by the sum over all bins.
    weights : array of the shape of ``x``, optional

    Returns
    -------
    tuple of array
        The counts or sums of the bins, and their edges, one more.

    Examples
    --------
    >>> histogram([0.0, 0.5, 2.0], 2, weights=[1.0, 3.0, 5.0])
    (array([4., 5.]), array([0., 1., 2.]))
    """
    weights, x = _flat("histogram", weights, shape_of(x)), reshape(x, shape=-1)
    edges = _edges(x, bins, range, weights)
    return _counts([x], [edges], density, weights), edges


@composite
def histogram_bin_edges(x: Array, bins: Any = 10, range: Any = None, weights: Array | None = None) -> Array:
    """The edges of the bins of `histogram`, with gradients for the smallest and the largest number.

    Examples
    --------
    >>> histogram_bin_edges([0.0, 0.5, 2.0], 2)
    array([0., 1., 2.])
    """
    return _edges(reshape(x, shape=-1), bins, range, _flat("histogram_bin_edges", weights, shape_of(x)))


@composite
def histogram2d(
    x: Array, y: Array, bins: Any = 10, range: Any = None, density: Flag = False, weights: Array | None = None
) -> tuple[Array, Array, Array]:
    """The number of points ``(x[i], y[i])`` in each cell of a grid, or the sum of their weights; and the edges of both axes.

    ``bins`` is a number, edges for both axes, or two of these. For the rest see `histogram`.

    Examples
    --------
    >>> histogram2d([0.0, 1.0, 2.0], [0.0, 0.0, 1.0], 2)[0]
    array([[1., 0.],
           [1., 1.]])
    """
    given = len(bins) if isinstance(bins, (list, tuple)) else (*shape_of(bins), 1)[0]
    bins = bins if given in (1, 2) else [bins, bins]
    counts, (first, second) = histogramdd([x, y], bins, range, density, weights)
    return counts, first, second


@composite
def histogramdd(
    x: Any, bins: Any = 10, range: Any = None, density: Flag = False, weights: Array | None = None
) -> tuple[Array, tuple[Array, ...]]:
    """The number of points in each cell of a grid, or the sum of their weights; and the edges along each axis.

    Parameters
    ----------
    x : (N, D), or sequence of D arrays (N,)
        Points.
    bins : int, or sequence of D ints or 1-D arrays
    range : sequence of D pairs of numbers or None, optional
    density, weights
        As in `histogram`; ``weights`` is (N,).

    Returns
    -------
    counts : array of D axes
    edges : tuple of D arrays

    Examples
    --------
    >>> histogramdd(([0.0, 1.0, 2.0], [0.0, 0.0, 1.0]), (2, 1))
    (array([[1.],
           [2.]]), (array([0., 1., 2.]), array([0., 1.])))
    """
    columns = _columns(x)
    rank, points = len(columns), shape_of(columns[0])
    for column in columns:
        if shape_of(column) != points:
            raise ShapeError("histogramdd", "coordinates do not fit", expected=f"shape {points}", got=shape_of(column))
    several = isinstance(bins, (list, tuple)) or bool(shape_of(bins))
    for name, given, fits in (("bins", bins, not several), ("range", range, range is None)):
        if not fits and len(given) != rank:
            expected = f"one for each of {rank} axes"
            raise ArgumentError("histogramdd", f"{name} does not fit", expected=expected, got=len(given))
    edges = tuple(
        _edges(column, bins[axis] if several else bins, None if range is None else range[axis])
        for axis, column in enumerate(columns)
    )
    counts = _counts(columns, edges, density, _flat("histogramdd", weights, points))
    return counts if dtype_of(counts).kind == "f" else astype(counts, dtype=float), edges


def _columns(x: Any) -> list[Array]:
    if isinstance(x, (list, tuple)) and len(shape_of(x[0])) == 1:
        return list(x)
    shape = shape_of(x)
    return [x] if len(shape) == 1 else [getitem(x, index=(slice(None), axis)) for axis in np.arange(shape[1])]


def _flat(where: str, weights: Array | None, shape: Shape) -> Array | None:
    if weights is None:
        return None
    if shape_of(weights) != shape:
        raise ShapeError(where, "weights do not fit x", expected=shape, got=shape_of(weights))
    return reshape(weights, shape=-1)


def _edges(x: Array, bins: Any, limits: Any, weights: Array | None = None) -> Array:
    """The bin edges of a flat ``x``: NumPy's numbers, with the gradients of the smallest and the largest one."""
    if shape_of(bins) and isinstance(bins, Traced):
        np.histogram_bin_edges([], values_of(bins))  # raises if they are not edges
        return bins
    numbers = _known("histogram", x)
    edges = np.histogram_bin_edges(numbers, bins, limits, None if weights is None else values_of(weights))
    if shape_of(bins) or limits is not None or not numbers.size or numbers.dtype.kind != "f":
        return edges
    share = np.linspace(0, 1, len(edges), dtype=edges.dtype)
    first, last = (subtract(end, values_of(end)) for end in (reduction.min(x), reduction.max(x)))  # 0, on the tape
    return add(edges, add(multiply(first, 1 - share), multiply(last, share)))


def _counts(columns: Sequence[Array], edges: Sequence[Array], density: bool, weights: Array | None) -> Array:
    """The sums of the weights of points in the cells between edges, given columns of coordinates."""
    shape = tuple(shape_of(edge)[0] - 1 for edge in edges)
    places = []
    for column, edge in zip(columns, edges, strict=True):
        numbers, between = _known("histogram", column), values_of(edge)
        place = np.searchsorted(between, numbers, side="right") - 1
        places.append(place - (numbers == between[-1]))  # the last bin includes its end
    within = np.all([(place >= 0) & (place < n) for place, n in zip(places, shape, strict=True)], axis=0)
    cells = np.ravel_multi_index(tuple(place[within] for place in places), shape)
    parts = None if weights is None else getitem(weights, index=within)
    counts: Array = reshape(bincount(cells, parts, minlength=prod(shape)), shape=shape)
    if density:
        total = reduction.sum(counts)
        for axis, edge in enumerate(edges):
            counts = divide(counts, reshape(diff(edge), shape=(-1, *(1,) * (len(shape) - axis - 1))))
        counts = divide(counts, total)
    return counts
