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
    lie = {
        "window": window,
        "stride": stride,
        "padding": tuple((p, p) for p in (draw(st.integers(0, k // 2)) for k in window)),
        "ceil_mode": draw(st.booleans()),
    }
    dilation = draw(pairs) if dilated else (1, 1)
    image = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    for n, k, (before, after), d in zip(image, window, lie["padding"], dilation, strict=True):
        assume(n + before + after >= (k - 1) * d + 1)
    all_taps = [taps for _, taps in oracles.pool_windows(image, **lie, dilation=dilation)]
    assume(all(all_taps))  # a window far apart may meet only the border
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.integers(-2, 3, (draw(st.integers(0, 2)), draw(st.integers(1, 2)), *image)).astype(float)
    slid = windows("pool", image, window, **{k: v for k, v in lie.items() if k != "window"}, dilation=dilation)
    return x, lie | ({"dilation": dilation} if dilated else {}), slid, rng


@given(pools(), st.booleans())
def test_max_pool(pool, rectified):
    x, lie, slid, _ = pool
    y, winners = reference.max_pool(x, slid, rectified)
    expected, expected_winners = oracles.max_pool(x, **lie, rectified=rectified)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(winners, expected_winners)


@given(pools(), st.sampled_from([np.nan, np.inf, -np.inf]), st.booleans())
def test_max_pool_of_what_is_not_finite(pool, value, rectified):
    x, lie, slid, rng = pool
    x[rng.random(x.shape) < 0.5] = value
    y, winners = reference.max_pool(x, slid, rectified)
    expected, expected_winners = oracles.max_pool(x, **lie, rectified=rectified)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(winners, expected_winners)


@given(pools(), st.booleans())
def test_gathering_the_winners_is_the_forward_pass(pool, rectified):
    x, _, slid, _ = pool
    y, winners = reference.max_pool(x, slid, rectified)
    np.testing.assert_array_equal(reference.gather_winners(x, winners, slid), y)


@given(pools())
def test_scatter_winners(pool):
    x, lie, slid, rng = pool
    y, winners = reference.max_pool(x, slid, rectified=False)
    g = rng.standard_normal(y.shape)
    expected = oracles.scatter_winners(g, winners, x.shape[2:], **lie)
    np.testing.assert_allclose(reference.scatter_winners(g, winners, slid), expected, rtol=1e-10, atol=1e-12)


def _counts(lie, slid, count_include_pad):
    counts = np.empty(slid.out)
    geometry = {k: v for k, v in lie.items() if k != "ceil_mode"}
    for place, taps in oracles.pool_windows(slid.image, **lie):
        counts[place] = oracles.pool_count(place, taps, slid.image, **geometry, count_include_pad=count_include_pad)
    return counts


@given(pools(dilated=False), st.booleans())
def test_mean_pool(pool, count_include_pad):
    x, lie, slid, _ = pool
    y = reference.mean_pool(x, slid, _counts(lie, slid, count_include_pad))
    expected = oracles.mean_pool(x, **lie, count_include_pad=count_include_pad)
    np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-12)


@given(pools(dilated=False), st.booleans())
def test_mean_pool_wrt_input(pool, count_include_pad):
    x, lie, slid, rng = pool
    g = rng.standard_normal((*x.shape[:2], *slid.out))
    dx = reference.mean_pool_wrt_input(g, slid, _counts(lie, slid, count_include_pad))
    expected = oracles.mean_pool_wrt_input(g, x.shape[2:], **lie, count_include_pad=count_include_pad)
    np.testing.assert_allclose(dx, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.uint8])
def test_max_pool_of_every_dtype(dtype):
    x = np.array([[[[3, 1], [2, 4]]]], dtype)
    y, winners = reference.max_pool(x, windows("pool", (2, 2), 2), rectified=False)
    assert y.dtype == dtype
    assert (y.item(), winners.item()) == (4, 3)
