"""The reference pools and their adjoints against loops over windows."""

import numpy as np
import oracles
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autograd_cnn.kernels import reference
from autograd_cnn.kernels.windows import windows

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def pools(draw, dilated=True):
    """Draw images of few different numbers, so that many tie, and how the windows lie."""
    window, stride = draw(pairs), draw(pairs)
    geometry = {
        "window": window,
        "stride": stride,
        "padding": tuple((p, p) for p in (draw(st.integers(0, k // 2)) for k in window)),
        "ceil_mode": draw(st.booleans()),
    }
    dilation = draw(pairs) if dilated else (1, 1)
    image = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    for n, k, (before, after), d in zip(image, window, geometry["padding"], dilation, strict=True):
        assume(n + before + after >= (k - 1) * d + 1)
    all_taps = [taps for _, taps in oracles.pool_windows(image, **geometry, dilation=dilation)]
    assume(all(all_taps))  # a window far apart may meet only the border
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.integers(-2, 3, (draw(st.integers(0, 2)), draw(st.integers(1, 2)), *image)).astype(float)
    grid = windows("pool", image, window, **{k: v for k, v in geometry.items() if k != "window"}, dilation=dilation)
    return x, geometry | ({"dilation": dilation} if dilated else {}), grid, rng


@given(pools(), st.booleans())
def test_max_pool(pool, rectified):
    x, geometry, grid, _ = pool
    y, indices = reference.max_pool(x, grid, rectified)
    expected, expected_indices = oracles.max_pool(x, **geometry, rectified=rectified)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(indices, expected_indices)


@given(pools(), st.sampled_from([np.nan, np.inf, -np.inf]), st.booleans())
def test_max_pool_of_what_is_not_finite(pool, value, rectified):
    x, geometry, grid, rng = pool
    x[rng.random(x.shape) < 0.5] = value
    y, indices = reference.max_pool(x, grid, rectified)
    expected, expected_indices = oracles.max_pool(x, **geometry, rectified=rectified)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(indices, expected_indices)


@given(pools(), st.booleans())
def test_gathering_by_the_indices_is_the_forward_pass(pool, rectified):
    x, _, grid, _ = pool
    y, indices = reference.max_pool(x, grid, rectified)
    np.testing.assert_array_equal(reference.max_pool_gather(x, indices, grid), y)


@given(pools())
def test_max_unpool(pool):
    x, geometry, grid, rng = pool
    y, indices = reference.max_pool(x, grid, rectified=False)
    g = rng.standard_normal(y.shape)
    expected = oracles.max_unpool(g, indices, x.shape[2:], **geometry)
    np.testing.assert_allclose(reference.max_unpool(g, indices, grid), expected, rtol=1e-10, atol=1e-12)


def _counts(geometry, grid, count_include_pad):
    counts = np.empty(grid.out)
    of_count = {k: v for k, v in geometry.items() if k != "ceil_mode"}
    for place, taps in oracles.pool_windows(grid.image, **geometry):
        counts[place] = oracles.pool_count(place, taps, grid.image, **of_count, count_include_pad=count_include_pad)
    return counts


@given(pools(dilated=False), st.booleans())
def test_mean_pool(pool, count_include_pad):
    x, geometry, grid, _ = pool
    y = reference.mean_pool(x, grid, _counts(geometry, grid, count_include_pad))
    expected = oracles.mean_pool(x, **geometry, count_include_pad=count_include_pad)
    np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-12)


@given(pools(dilated=False), st.booleans())
def test_mean_pool_wrt_input(pool, count_include_pad):
    x, geometry, grid, rng = pool
    g = rng.standard_normal((*x.shape[:2], *grid.out))
    dx = reference.mean_pool_wrt_input(g, grid, _counts(geometry, grid, count_include_pad))
    expected = oracles.mean_pool_wrt_input(g, x.shape[2:], **geometry, count_include_pad=count_include_pad)
    np.testing.assert_allclose(dx, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.uint8])
def test_max_pool_of_every_dtype(dtype):
    x = np.array([[[[3, 1], [2, 4]]]], dtype)
    y, indices = reference.max_pool(x, windows("pool", (2, 2), 2), rectified=False)
    assert y.dtype == dtype
    assert (y.item(), indices.item()) == (4, 3)
