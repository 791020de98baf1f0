"""Sample calls of pooling and its adjoints."""

from itertools import starmap
from typing import Any

from autograd_cnn import ops
from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.node import Array, Shape
from autograd_cnn.kernels import set_backend
from autograd_cnn.testing.case import Case, add_samples, sample
from autograd_cnn.testing.draw import Draw

_draw = Draw("pooling")
normal, spaced = _draw.normal, _draw.spaced

_FORMS: list[tuple[Shape, dict[str, Any]]] = [
    # x, and how the windows lie
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
_MAX_FORMS = [*_FORMS, ((1, 1, 8, 9), {"window": (2, 3), "stride": 1, "dilation": (3, 2)})]
_RECTIFIED_FORMS: list[tuple[Shape, dict[str, Any]]] = [
    ((1, 2, 4, 6), {"window": 2, "rectified": True}),
    ((2, 5, 5), {"window": (1, 3), "stride": 2, "padding": (0, 1), "rectified": True}),
]
_MEAN_FORMS = [
    *_FORMS,
    ((1, 1, 5, 7), {"window": 3, "stride": 2, "padding": 1, "count_include_pad": False}),
    ((1, 1, 5, 7), {"window": 2, "stride": 2, "padding": ((1, 0), (0, 2)), "dilation": (2, 3), "ceil_mode": True}),
]


def _pooled(x: Shape, form: dict[str, Any]) -> tuple[Array, Array]:
    """Return the largest of each window, and where they were."""
    with set_backend("reference"):  # nothing is compiled for a sample
        y, winners = ops.max_pool.forward(spaced(*x), **form)
    return y, winners


def _gathering(x: Shape, form: dict[str, Any]) -> Case:
    return sample(spaced(*x), winners=_pooled(x, form)[1], **form)


def _scattering(x: Shape, form: dict[str, Any]) -> Case:
    y, winners = _pooled(x, form)
    return sample(normal(*y.shape), winners=winners, x_shape=x, **form)


def _averaging(x: Shape, form: dict[str, Any]) -> Case:
    return sample(normal(*ops.mean_pool(AbstractArray(x), **form).shape), x_shape=x, **form)


add_samples(ops.max_pool, *(sample(spaced(*x), **form) for x, form in _MAX_FORMS + _RECTIFIED_FORMS))
add_samples(ops.gather_winners, *starmap(_gathering, _MAX_FORMS), linear="x")
add_samples(ops.scatter_winners, *starmap(_scattering, _MAX_FORMS), linear="g")
add_samples(ops.mean_pool, *(sample(normal(*x), **form) for x, form in _MEAN_FORMS), linear="x")
add_samples(ops.mean_pool_wrt_input, *starmap(_averaging, _MEAN_FORMS), linear="g")
