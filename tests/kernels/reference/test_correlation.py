"""The reference correlation and its adjoints against loops over every product of the form."""

import numpy as np
import oracles
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autograd_cnn.kernels import reference
from autograd_cnn.kernels.reference.correlation import cropped, padded
from autograd_cnn.kernels.windows import windows

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
margins = st.tuples(st.integers(0, 3), st.integers(0, 3))


@st.composite
def forms(draw):
    """Draw operands of one trilinear form and how its windows lie."""
    stride, dilation, padding = draw(pairs), draw(pairs), draw(st.tuples(margins, margins))
    image = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    size, groups = draw(pairs), draw(st.integers(1, 3))
    x_shape = draw(st.integers(0, 2)), groups * draw(st.integers(1, 2)), *image
    w_shape = groups * draw(st.integers(1, 2)), x_shape[1] // groups, *size
    g_shape = oracles.output_shape(x_shape, w_shape, stride, padding, dilation)
    assume(min(g_shape[2:]) > 0)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    operands = [rng.standard_normal(shape) for shape in (x_shape, w_shape, g_shape)]
    geometry = {"stride": stride, "padding": padding, "dilation": dilation}
    return *operands, geometry, groups, windows("form", image, size, **geometry)


@given(forms())
def test_correlate2d(form):
    x, w, _, geometry, groups, grid = form
    expected = oracles.correlate2d(x, w, None, **geometry, groups=groups)
    np.testing.assert_allclose(reference.correlate2d(x, w, None, grid, groups), expected, rtol=1e-10, atol=1e-12)


@given(forms())
def test_correlate2d_with_bias(form):
    x, w, _, geometry, groups, grid = form
    bias = np.arange(1.0, 1 + len(w))
    expected = oracles.correlate2d(x, w, bias, **geometry, groups=groups)
    np.testing.assert_allclose(reference.correlate2d(x, w, bias, grid, groups), expected, rtol=1e-10, atol=1e-12)


@given(forms())
def test_correlate2d_wrt_input(form):
    x, w, g, geometry, groups, grid = form
    expected = oracles.correlate2d_wrt_input(g, w, x.shape, **geometry, groups=groups)
    np.testing.assert_allclose(reference.correlate2d_wrt_input(g, w, grid, groups), expected, rtol=1e-10, atol=1e-12)


@given(forms())
def test_correlate2d_wrt_weight(form):
    x, w, g, geometry, groups, grid = form
    expected = oracles.correlate2d_wrt_weight(x, g, w.shape, **geometry, groups=groups)
    np.testing.assert_allclose(reference.correlate2d_wrt_weight(x, g, grid, groups), expected, rtol=1e-10, atol=1e-12)


@given(forms())
def test_cropping_is_the_adjoint_of_padding(form):
    x, _, _, _, _, grid = form
    extent = np.arange(1.0, 1 + len(x) * x.shape[1] * grid.extent[0] * grid.extent[1])
    extent = extent.reshape(*x.shape[:2], *grid.extent)
    left, right = np.sum(padded(x, grid) * extent), np.sum(x * cropped(extent, grid))
    assert left == pytest.approx(right, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept(dtype):
    x, w, g = (np.ones(shape, dtype) for shape in ((1, 1, 3, 3), (1, 1, 2, 2), (1, 1, 2, 2)))
    grid = windows("form", (3, 3), 2)
    assert reference.correlate2d(x, w, np.ones(1, dtype), grid, 1).dtype == dtype
    assert reference.correlate2d_wrt_input(g, w, grid, 1).dtype == dtype
    assert reference.correlate2d_wrt_weight(x, g, grid, 1).dtype == dtype
