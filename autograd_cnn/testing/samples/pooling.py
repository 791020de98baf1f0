"""Sample calls of pooling and its adjoints."""

from itertools import starmap
from typing import Any

from autograd_cnn import ops
from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.node import Array, Shape
from autograd_cnn.kernels import set_backend
from autograd_cnn.ops.pooling import _max_pool_gather, _max_unpool, _relu_max_pool
from autograd_cnn.testing.case import Case, add_samples, sample
from autograd_cnn.testing.draw import Draw

_draw = Draw("pooling")
normal, spaced = _draw.normal, _draw.spaced

_GEOMETRIES: list[tuple[Shape, dict[str, Any]]] = [
    # x, and the geometry of the windows
    ((4, 6), {"window": 2}),
    ((2, 5, 5), {"window": (2, 3)}),
    ((2, 2, 6, 6), {"window": 2}),
    ((1, 2, 6, 7), {"window": 3, "stride": 1}),
    ((1, 1, 7, 6), {"window": (3, 2), "stride": (2, 1), "padding": (1, 0)}),
    ((1, 2, 6, 5), {"window": 2, "stride": 3}),
    ((1, 1, 6, 7), {"window": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    ((1, 1, 1, 1), {"window": 1}),
    ((0, 2, 4, 4), {"window": 2}),
    ((1, 0, 4, 4), {"window": 2}),
    ((1, 1, 5, 4), {"window": 3, "stride": 2, "padding": ((0, 2), (1, 0))}),
    ((1, 1, 5, 4), {"window": (2, 3), "stride": 2, "padding": "same"}),
    ((2, 3, 3), {"window": 2, "stride": 1, "padding": "full"}),
    ((1, 1, 1, 2), {"window": 3, "stride": 3, "ceil_mode": True}),
]
_MAX_GEOMETRIES = [*_GEOMETRIES, ((1, 1, 8, 9), {"window": (2, 3), "stride": 1, "dilation": (3, 2)})]
_MEAN_GEOMETRIES = [
    *_GEOMETRIES,
    ((1, 1, 5, 7), {"window": 3, "stride": 2, "padding": 1, "count_include_pad": False}),
    ((1, 1, 5, 7), {"window": 2, "stride": 2, "padding": ((1, 0), (0, 2)), "dilation": (2, 3), "ceil_mode": True}),
    ((1, 1, 5, 7), {"window": 3, "stride": 2, "padding": 1, "ceil_mode": True, "divisor_override": 4}),
]


def _pooled(x: Shape, geometry: dict[str, Any]) -> tuple[Array, Array]:
    """Return the largest pixel of each window, and its position."""
    with set_backend("reference"):  # nothing is compiled for a sample
        y, indices = ops.max_pool.forward(spaced(*x), **geometry)
    return y, indices


def _gathering(x: Shape, geometry: dict[str, Any]) -> Case:
    return sample(spaced(*x), indices=_pooled(x, geometry)[1], **geometry)


def _scattering(x: Shape, geometry: dict[str, Any]) -> Case:
    y, indices = _pooled(x, geometry)
    return sample(normal(*y.shape), indices=indices, x_shape=x, **geometry)


def _averaging(x: Shape, geometry: dict[str, Any]) -> Case:
    return sample(normal(*ops.mean_pool(AbstractArray(x), **geometry).shape), x_shape=x, **geometry)


add_samples(ops.max_pool, *(sample(spaced(*x), **geometry) for x, geometry in _MAX_GEOMETRIES))
add_samples(ops.max_pool_indices, *(sample(spaced(*x), **geometry) for x, geometry in _MAX_GEOMETRIES))
add_samples(_relu_max_pool, *(sample(spaced(*x), **geometry) for x, geometry in _MAX_GEOMETRIES))
add_samples(_max_pool_gather, *starmap(_gathering, _MAX_GEOMETRIES), linear="x")
add_samples(_max_unpool, *starmap(_scattering, _MAX_GEOMETRIES), linear="g")
add_samples(ops.mean_pool, *(sample(normal(*x), **geometry) for x, geometry in _MEAN_GEOMETRIES), linear="x")
add_samples(ops.mean_pool_wrt_input, *starmap(_averaging, _MEAN_GEOMETRIES), linear="g")
