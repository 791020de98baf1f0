"""Sample calls of the correlation and its adjoints."""

from typing import Any

from autograd_cnn import ops
from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.node import Shape
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw

normal = Draw("correlation").normal

_GEOMETRIES: list[tuple[Shape, Shape, dict[str, Any]]] = [
    # x, w, and the geometry of the windows
    ((5, 4), (3, 2), {}),
    ((2, 5, 5), (3, 2, 3, 3), {"padding": 1}),
    ((2, 3, 6, 5), (4, 3, 3, 3), {}),
    ((2, 2, 7, 6), (2, 2, 3, 2), {"stride": 2}),
    ((1, 1, 8, 7), (1, 1, 2, 3), {"stride": (3, 2), "padding": (1, 0)}),
    ((2, 2, 5, 6), (3, 2, 2, 3), {"padding": ((0, 2), (1, 0))}),
    ((1, 2, 5, 5), (2, 2, 2, 3), {"padding": "same"}),
    ((1, 2, 6, 5), (2, 2, 3, 3), {"padding": "same", "stride": 2}),
    ((1, 2, 4, 4), (2, 2, 3, 3), {"padding": "full"}),
    ((1, 2, 7, 8), (2, 2, 3, 2), {"dilation": (2, 3)}),
    ((1, 2, 9, 9), (2, 2, 3, 3), {"dilation": 2, "stride": 2, "padding": 1}),
    ((2, 4, 5, 5), (6, 2, 3, 3), {"groups": 2}),
    ((1, 3, 5, 5), (3, 1, 3, 3), {"groups": 3, "stride": 2, "padding": 1}),
    ((2, 3, 4, 4), (5, 3, 1, 1), {}),
    ((2, 3, 4, 4), (5, 3, 4, 4), {}),
    ((1, 1, 1, 1), (1, 1, 1, 1), {}),
    ((1, 1, 9, 9), (1, 1, 1, 2), {"stride": 20, "padding": ((5, 0), (0, 5))}),
    ((0, 2, 5, 5), (3, 2, 3, 3), {}),
    ((1, 0, 4, 4), (2, 0, 2, 2), {}),
    ((1, 2, 4, 4), (0, 2, 2, 2), {}),
    ((1, 1, 0, 2), (1, 1, 3, 3), {"padding": 2}),
]


def _y_shape(x: Shape, w: Shape, geometry: dict[str, Any]) -> Shape:
    return ops.correlate2d(AbstractArray(x), AbstractArray(w), **geometry).shape


add_samples(
    ops.correlate2d,
    *(sample(normal(*x), normal(*w), None, **geometry) for x, w, geometry in _GEOMETRIES),
    *(sample(normal(*x), normal(*w), normal(w[0]), **geometry) for x, w, geometry in _GEOMETRIES if len(w) == 4),
    linear="x w bias",
)
add_samples(
    ops.correlate2d_wrt_input,
    *(sample(normal(*_y_shape(x, w, geometry)), normal(*w), x_shape=x, **geometry) for x, w, geometry in _GEOMETRIES),
    linear="g w",
)
add_samples(
    ops.correlate2d_wrt_weight,
    *(sample(normal(*x), normal(*_y_shape(x, w, geometry)), w_shape=w, **geometry) for x, w, geometry in _GEOMETRIES),
    linear="x g",
)
