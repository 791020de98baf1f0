"""The compiled pools and their adjoints against the reference."""

import numba
import numpy as np
import oracles
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autograd_cnn.kernels import compiled, reference
from autograd_cnn.kernels.windows import windows

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
dtypes = st.sampled_from([np.float32, np.float64])


def images(rng, shape, dtype):
    """Return images of few different numbers, so that many tie, and of some that are not finite."""
    x = rng.integers(-2, 3, shape).astype(dtype)
    for value in (np.nan, np.inf, -np.inf):
        x[rng.random(shape) < 0.1] = value
    return x


@st.composite
def pools(draw):
    """Draw images and any windows, half of the time pairs side by side."""
    image = draw(st.tuples(st.integers(1, 12), st.integers(1, 70)))
    if draw(st.booleans()):
        window, geometry = (2, 2), {"stride": (2, 2), "ceil_mode": draw(st.booleans())}
    else:
        window = draw(pairs)
        padding = tuple((draw(st.integers(0, k // 2)),) * 2 for k in window)
        geometry = {
            "stride": draw(pairs),
            "padding": padding,
            "dilation": draw(pairs),
            "ceil_mode": draw(st.booleans()),
        }
    dilation, padding = geometry.setdefault("dilation", (1, 1)), geometry.setdefault("padding", ((0, 0), (0, 0)))
    assume(
        all(n + sum(pads) >= (k - 1) * d + 1 for n, k, d, pads in zip(image, window, dilation, padding, strict=True))
    )
    # A window far apart may meet only the border, which nothing says who wins.
    assume(all(taps for _, taps in oracles.pool_windows(image, window=window, **geometry)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.integers(1, 2)), draw(st.integers(1, 3)), *image
    return images(rng, shape, draw(dtypes)), windows("pool", image, window, **geometry), rng


def assert_same(actual, expected):
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual, expected)


def assert_near(actual, expected):
    assert actual.dtype == expected.dtype
    np.testing.assert_allclose(
        actual, expected, rtol=0, atol=20 * np.finfo(expected.dtype).eps * np.abs(expected).max()
    )


@given(pools(), st.booleans())
def test_max_pool_agrees_to_the_bit(pool, rectified):
    x, grid, _ = pool
    y, indices = compiled.max_pool(x, grid, rectified)
    expected, expected_indices = reference.max_pool(x, grid, rectified)
    assert_same(y, expected)
    assert_same(indices, expected_indices)


@given(pools())
def test_max_pool_gather_agrees_to_the_bit(pool):
    x, grid, rng = pool
    indices = rng.integers(0, np.prod(grid.size), (*x.shape[:2], *grid.out))
    assert_same(compiled.max_pool_gather(x, indices, grid), reference.max_pool_gather(x, indices, grid))


@given(pools())
def test_max_unpool_agrees(pool):
    x, grid, rng = pool
    indices = reference.max_pool(x, grid, rectified=False)[1]
    g = rng.standard_normal(indices.shape).astype(x.dtype)
    assert_near(compiled.max_unpool(g, indices, grid), reference.max_unpool(g, indices, grid))


@given(pools())
def test_mean_pool_agrees_to_the_bit(pool):
    x, grid, rng = pool
    counts = rng.integers(1, 9, grid.out).astype(x.dtype)
    with np.errstate(invalid="ignore"):
        assert_same(compiled.mean_pool(x, grid, counts), reference.mean_pool(x, grid, counts))


@given(pools())
def test_mean_pool_wrt_input_agrees(pool):
    x, grid, rng = pool
    counts = rng.integers(1, 9, grid.out).astype(x.dtype)
    g = rng.standard_normal((*x.shape[:2], *grid.out)).astype(x.dtype)
    assert_near(compiled.mean_pool_wrt_input(g, grid, counts), reference.mean_pool_wrt_input(g, grid, counts))


def test_counts_may_be_a_number(rng):
    grid = windows("pool", (4, 6), 2, stride=2)
    x, g = (rng.standard_normal(shape).astype(np.float32) for shape in ((1, 2, 4, 6), (1, 2, 2, 3)))
    assert_same(compiled.mean_pool(x, grid, 4), reference.mean_pool(x, grid, 4))
    assert_same(compiled.mean_pool_wrt_input(g, grid, 4.0), reference.mean_pool_wrt_input(g, grid, 4.0))


@pytest.mark.parametrize("image", [(8, 8), (6, 8), (7, 8), (16, 16), (6, 16), (8, 9), (4, 4), (2, 8)])
def test_small_maps_of_which_several_rows_fill_a_vector(rng, image):
    grid, x = windows("pool", image, 2, stride=2), images(rng, (3, 5, *image), np.float32)
    (y, indices), expected = compiled.max_pool(x, grid, rectified=True), reference.max_pool(x, grid, rectified=True)
    assert_same(y, expected[0])
    assert_same(indices, expected[1])
    assert_same(compiled.max_unpool(y, indices, grid), reference.max_unpool(y, indices, grid))


def test_indices_of_large_windows_take_more_than_a_byte(rng):
    grid = windows("pool", (20, 20), 17)
    x = images(rng, (1, 2, 20, 20), np.float32)
    y, indices = compiled.max_pool(x, grid, rectified=False)
    assert indices.dtype == np.uint16
    assert_same(indices, reference.max_pool(x, grid, rectified=False)[1])
    assert_same(compiled.max_pool_gather(x, indices, grid), y)


def test_a_window_as_large_as_the_image_takes_no_more_memory_or_time_than_that():
    image = windows("pool", (400, 400), 400, stride=400)
    shares = compiled.mean_pool_wrt_input(np.ones((1, 1, 1, 1)), image, 4.0)
    np.testing.assert_array_equal(shares, np.full((1, 1, 400, 400), 0.25))
    won = compiled.max_unpool(np.ones((1, 1, 1, 1)), np.full((1, 1, 1, 1), 401, np.uint32), image)
    assert np.argwhere(won).tolist() == [[0, 0, 1, 1]]
    signal = windows("pool", (1, 60_000), (1, 60_000), stride=60_000)  # nor more time
    assert compiled.mean_pool_wrt_input(np.ones((1, 1, 1, 1)), signal, 1.0).all()


def test_indices_beyond_the_window_give_and_get_nothing(rng):
    grid = windows("pool", (4, 4), 2, stride=2)
    x, indices = rng.standard_normal((1, 1, 4, 4)), np.array([[[[-1, 4], [0, 300]]]])
    assert_same(compiled.max_pool_gather(x, indices, grid), reference.max_pool_gather(x, indices, grid))
    g = np.ones((1, 1, 2, 2))
    assert_same(compiled.max_unpool(g, indices, grid), reference.max_unpool(g, indices, grid))


@pytest.mark.parametrize("padding", [0, 1])
def test_any_number_of_threads_gives_the_same_bits(rng, padding):
    grid = windows("pool", (24, 24), 2 + padding, stride=2, padding=padding)
    x = rng.standard_normal((5, 6, 24, 24)).astype(np.float32)
    g, counts = rng.standard_normal((5, 6, *grid.out)).astype(np.float32), np.full(grid.out, 4, np.float32)
    before, results = numba.get_num_threads(), []
    try:
        for threads in (1, numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(threads)
            y, indices = compiled.max_pool(x, grid, rectified=False)
            results.append(
                [y, indices, compiled.max_pool_gather(x, indices, grid), compiled.max_unpool(g, indices, grid),
                 compiled.mean_pool(x, grid, counts), compiled.mean_pool_wrt_input(g, grid, counts)]
            )  # fmt: skip
    finally:
        numba.set_num_threads(before)
    for one, several in zip(*results, strict=True):
        assert one.tobytes() == several.tobytes()


def test_inputs_may_be_views_and_read_only(rng):
    grid = windows("pool", (8, 8), 2, stride=2)
    x = rng.standard_normal((2, 3, 8, 8)).astype(np.float32)
    view = np.asfortranarray(x)
    view.flags.writeable = False
    y, indices = compiled.max_pool(view, grid, rectified=False)
    assert_same(y, reference.max_pool(x, grid, rectified=False)[0])
    assert_same(
        compiled.max_unpool(np.asfortranarray(y), np.asfortranarray(indices), grid),
        reference.max_unpool(y, indices, grid),
    )


@pytest.mark.parametrize("dtype", [np.int64, np.float16])
def test_other_dtypes_are_declined(dtype):
    grid, x, y = windows("pool", (4, 4), 2, stride=2), np.ones((1, 1, 4, 4), dtype), np.ones((1, 1, 2, 2), dtype)
    counts, indices = np.ones((2, 2), dtype), np.zeros(y.shape, np.uint8)
    assert compiled.max_pool(x, grid, rectified=False) is NotImplemented
    assert compiled.max_pool_gather(x, indices, grid) is NotImplemented
    assert compiled.max_unpool(y, indices, grid) is NotImplemented
    assert compiled.mean_pool(x, grid, counts) is NotImplemented
    assert compiled.mean_pool_wrt_input(y, grid, counts) is NotImplemented


def test_indices_that_are_no_integers_and_empty_images_are_declined():
    grid, x = windows("pool", (4, 4), 2, stride=2), np.ones((1, 1, 4, 4))
    y = np.ones((1, 1, 2, 2))
    assert compiled.max_pool_gather(x, y, grid) is NotImplemented
    assert compiled.max_unpool(y, y, grid) is NotImplemented
    assert compiled.max_pool(x[:0], grid, rectified=False) is NotImplemented


def test_large_maps_are_pooled_a_band_at_a_time(rng):
    x, slid = images(rng, (1, 2, 1001, 70), np.float32), windows("pool", (1001, 70), (3, 3), stride=2, padding=1)
    found, expected = (kernels.max_pool(x, slid, rectified=False) for kernels in (compiled, reference))
    for actual, right in zip(found, expected, strict=True):
        assert_same(actual, right)
