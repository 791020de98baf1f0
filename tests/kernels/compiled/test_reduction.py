"""The compiled sums over all axes but one, against the reference."""

import numpy as np
import pytest
from tables import for_each

from autograd_cnn.kernels import reference
from autograd_cnn.kernels.compiled import extrema, reduction
from autograd_cnn.kernels.compiled.map import MIN_COMPILED

AXES = (0, 2, 3)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-13)])
@pytest.mark.parametrize("shape", [(4, 3, 64, 64), (3, 5, 33, 37), (2000, 10, 1, 1), (1, 1, 5, 5003)])
def test_it_agrees_with_the_reference(rng, shape, dtype, tolerance):
    x = rng.standard_normal(shape).astype(dtype)
    found = reduction.sum(x, AXES, keepdims=False)
    assert found.dtype == dtype
    np.testing.assert_allclose(
        found, reference.sum(x, AXES, keepdims=False), rtol=0, atol=tolerance * np.sqrt(x.size / shape[1])
    )


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-13)])
@pytest.mark.parametrize("shape", [(600, 33), (5, 120, 64), (reduction.MIN_COMPILED_ROWS, 1)])
def test_sums_of_rows_do_too(rng, shape, dtype, tolerance):
    x, axes = rng.standard_normal(shape).astype(dtype), tuple(range(len(shape) - 1))
    found = reduction.sum(x, axes, keepdims=False)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, x.astype(float).sum(axis=axes), atol=tolerance * np.sqrt(x.size / shape[-1]))


def test_a_view_of_any_layout(rng):
    x = rng.integers(-9, 9, (64, 64, 3, 4)).astype(float).transpose(3, 2, 0, 1)[::-1]
    np.testing.assert_array_equal(reduction.sum(x, AXES, keepdims=False), x.sum(axis=AXES))


@for_each("shape", [(4, 8, 24, 33), (8192,), (3 * 8192,), (8, 8192), (5, 7, 1000)])
@for_each("keepdims", [False, True])
def test_sums_of_rows(rng, shape, keepdims):
    for dtype, tolerance in ((np.float32, 5e-4), (np.float64, 1e-11)):
        x = rng.standard_normal(shape).astype(dtype)
        for axis in (None, -1, len(shape) - 1, tuple(range(len(shape))), *[(-1, -2)] * (len(shape) > 1)):
            found, expected = reduction.sum(x, axis, keepdims), reference.sum(x, axis, keepdims)
            assert (type(found), np.shape(found), found.dtype) == (type(expected), np.shape(expected), dtype)
            np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@for_each("shape", [(4, 8, 24, 33), (8192,), (3 * 8192,), (8, 8192), (5, 7, 1000)])
@for_each("name", ["max", "min"])
def test_extrema_of_rows(rng, shape, name):
    for dtype in (np.float32, np.float64):
        x = rng.standard_normal(shape).astype(dtype)
        x.flat[[5, -3]] = np.nan, -np.inf
        for axis in (None, -1, tuple(range(len(shape)))):
            for keepdims in (False, True):
                found, expected = getattr(extrema, name)(x, axis, keepdims), getattr(reference, name)(x, axis, keepdims)
                assert (type(found), np.shape(found), found.dtype) == (type(expected), np.shape(expected), dtype)
                np.testing.assert_array_equal(found, expected)
    assert getattr(extrema, name)(x[..., :1], -1, keepdims=False) is NotImplemented


def test_what_is_declined():
    x = np.ones((1, 1, 1, MIN_COMPILED))
    assert reduction.sum(x, AXES, keepdims=False) == MIN_COMPILED
    assert reduction.sum(x, AXES, keepdims=True).shape == (1, 1, 1, 1)
    assert reduction.sum(x[..., 1:], AXES, keepdims=False) is NotImplemented
    assert reduction.sum(x.astype(int), AXES, keepdims=False) is NotImplemented
    x = np.ones((2, 2, 2, reduction.MIN_COMPILED_ROWS))
    for axis in ((0, 1), 0, (0, 3), 4, -5, (3, 3), (-1, 3)):
        assert reduction.sum(x, axis, keepdims=False) is NotImplemented
    assert reduction.sum(x[0, 0, 0, 1:], None, keepdims=False) is NotImplemented
