"""The compiled sums over all axes but one, against the reference."""

import numpy as np
import pytest

from autograd_cnn.kernels import reference
from autograd_cnn.kernels.compiled import reduction
from autograd_cnn.kernels.compiled.map import FEWEST

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
@pytest.mark.parametrize("shape", [(600, 33), (5, 120, 64), (FEWEST, 1)])
def test_sums_of_rows_do_too(rng, shape, dtype, tolerance):
    x, axes = rng.standard_normal(shape).astype(dtype), tuple(range(len(shape) - 1))
    found = reduction.sum(x, axes, keepdims=False)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, x.astype(float).sum(axis=axes), atol=tolerance * np.sqrt(x.size / shape[-1]))


def test_a_view_of_any_layout(rng):
    x = rng.integers(-9, 9, (64, 64, 3, 4)).astype(float).transpose(3, 2, 0, 1)[::-1]
    np.testing.assert_array_equal(reduction.sum(x, AXES, keepdims=False), x.sum(axis=AXES))


def test_only_maps_that_are_large_enough_are_taken():
    x = np.ones((1, 1, 1, FEWEST))
    assert reduction.sum(x, AXES, keepdims=False) == FEWEST
    assert reduction.sum(x[..., 1:], AXES, keepdims=False) is NotImplemented
    assert reduction.sum(x.astype(int), AXES, keepdims=False) is NotImplemented
    assert reduction.sum(x, AXES, keepdims=True) is NotImplemented
    assert reduction.sum(x, (0, 1), keepdims=False) is NotImplemented
    assert reduction.sum(x[0], (0, 2, 3), keepdims=False) is NotImplemented
