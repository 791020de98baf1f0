"""The compiled correlation and its adjoints: what they take, and what they leave to the reference."""

import numpy as np
import pytest

from autograd_cnn.kernels import compiled, reference
from autograd_cnn.kernels.compiled.conv import problem
from autograd_cnn.kernels.compiled.conv.select import _cheapest, _route
from autograd_cnn.kernels.windows import windows


def operands(n, c, f, image, size, groups=1, dtype=np.float32, **geometry):
    """Return x, w, a bias and g of one correlation, and how its windows lie."""
    grid = windows("conv", image, size, **geometry)
    rng = np.random.default_rng(0)
    shapes = (n, c, *image), (f, c // groups, *grid.size), (f,), (n, f, *grid.out)
    return *(rng.standard_normal(shape).astype(dtype) for shape in shapes), grid, groups


def all_three(backend, x, w, bias, g, grid, groups):
    return (
        backend.correlate2d(x, w, bias, grid, groups),
        backend.correlate2d_wrt_input(g, w, grid, groups),
        backend.correlate2d_wrt_weight(x, g, grid, groups),
    )


DECLINED = (NotImplemented,) * 3


def test_inputs_may_be_views_and_read_only():
    x, w, bias, g, grid, groups = operands(2, 4, 6, (9, 12), 3, padding=1, dtype=np.float64)
    wide = np.zeros((*x.shape[:3], 2 * x.shape[3]), x.dtype)
    wide[..., ::2] = x
    view, turned = wide[..., ::2], np.asfortranarray(g)
    view.flags.writeable = w.flags.writeable = bias.flags.writeable = False
    found = all_three(compiled, view, w, bias, turned, grid, groups)
    for one, other in zip(found, all_three(reference, x, w, bias, g, grid, groups), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12 * np.abs(other).max())


def test_without_a_bias_sums_begin_with_zero():
    x, w, bias, _, grid, groups = operands(2, 4, 6, (9, 12), 3)
    without = compiled.correlate2d(x, w, None, grid, groups)
    assert without.tobytes() == compiled.correlate2d(x, w, 0 * bias, grid, groups).tobytes()


@pytest.mark.parametrize("dtype", [np.int64, np.float16, np.complex128])
def test_other_dtypes_are_declined(dtype):
    assert all_three(compiled, *operands(1, 1, 1, (4, 4), 2, dtype=dtype)) == DECLINED


def test_what_no_algorithm_supports_is_declined(monkeypatch):
    monkeypatch.setattr(problem, "MAX_SCRATCH", 0)
    _cheapest.cache_clear()
    _route.cache_clear()
    try:
        assert all_three(compiled, *operands(1, 1, 1, (8, 80), 2, stride=7, padding=40)) == DECLINED
    finally:
        _cheapest.cache_clear()
        _route.cache_clear()


def test_an_image_without_pixels_is_declined():
    x, w, _, g, grid, groups = operands(1, 1, 1, (0, 2), 3, padding=2)
    assert g.size
    assert compiled.correlate2d_wrt_input(g, w, grid, groups) is NotImplemented
    assert compiled.correlate2d_wrt_weight(x, g, grid, groups) is NotImplemented


def test_mixed_dtypes_and_empty_arrays_are_declined():
    x, w, bias, g, grid, groups = operands(1, 1, 1, (4, 4), 2)
    assert compiled.correlate2d(x, w, bias.astype(float), grid, groups) is NotImplemented
    assert compiled.correlate2d(x, w.astype(float), bias, grid, groups) is NotImplemented
    assert compiled.correlate2d_wrt_input(g, w.astype(float), grid, groups) is NotImplemented
    assert compiled.correlate2d_wrt_weight(x.astype(float), g, grid, groups) is NotImplemented
    assert all_three(compiled, x[:0], w, bias, g[:0], grid, groups) == DECLINED
