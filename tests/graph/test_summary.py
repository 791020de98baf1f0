"""Arrays in a few numbers, and as pictures."""

import json
import math
from base64 import b64decode
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autograd_cnn.graph.summary import BINS, CELLS, PLANES, SIDE, summarize


def test_numbers_agree_with_numpy(rng):
    x = rng.standard_normal((7, 9)).astype(np.float32)
    s = summarize(x)
    wide = x.astype(float)
    np.testing.assert_allclose(
        [s.min, s.max, s.mean, s.std, s.norm],
        [wide.min(), wide.max(), wide.mean(), wide.std(), np.linalg.norm(wide)],
        rtol=1e-12,
    )
    assert s.histogram == tuple(np.histogram(wide, BINS)[0])


@given(arrays(float, st.integers(0, 20), elements=st.floats(allow_nan=True, allow_infinity=True)))
def test_any_array_is_counted_in_full_and_fits_json(x):
    s = summarize(x)
    assert sum(s.histogram) + s.bad == x.size
    assert s.bad == np.count_nonzero(~np.isfinite(x))
    json.dumps(asdict(s), allow_nan=False)


@pytest.mark.parametrize("x", [[], [math.nan], [math.inf, -math.inf]])
def test_without_finite_elements_nothing_is_known(x):
    s = summarize(x)
    assert (s.min, s.max, s.mean, s.std, s.norm, s.bad, s.histogram) == (None,) * 5 + (len(x), ())


def test_ints_and_bools_are_numbers():
    assert summarize(np.array([True, False])).mean == 0.5
    assert summarize(np.int64(3)).norm == 3


# --- pictures ---------------------------------------------------------------------------------


def _cells(picture):
    """Return the cells as numbers; NaN where the array was not finite."""
    cells = np.frombuffer(b64decode(picture.cells), np.int8).reshape(picture.planes, picture.rows, picture.columns)
    return np.where(cells == -128, np.nan, cells / 127 * picture.scale)


def test_a_small_array_is_shown_as_it_is(rng):
    x = rng.standard_normal((3, 2, 5, 4))
    picture = summarize(x).picture
    assert picture.block == (1, 1)
    np.testing.assert_allclose(_cells(picture), x.reshape(6, 5, 4), atol=picture.scale / 254 + 1e-12)


@pytest.mark.parametrize("shape", [(50, 130), (1, 16, 64, 64), (1, 1, 97, 65), (40, 300, 3)])
def test_of_a_large_plane_the_means_of_blocks_are_shown(rng, shape):
    x = rng.standard_normal(shape)
    picture = summarize(x).picture
    down, right = picture.block
    for plane, cells in zip(x.reshape(-1, *shape[-2:]), _cells(picture), strict=False):
        for i, j in np.ndindex(cells.shape):
            mean = plane[i * down : (i + 1) * down, j * right : (j + 1) * right].mean()
            assert abs(cells[i, j] - mean) <= picture.scale / 254 + 1e-12


@given(st.lists(st.integers(1, 100), min_size=2, max_size=4).filter(lambda shape: math.prod(shape) < 10**5))
def test_no_picture_is_large(shape):
    picture = summarize(np.ones(shape)).picture
    if picture is None:
        assert math.prod(shape) == 1
    else:
        assert picture.planes <= PLANES
        assert max(picture.rows, picture.columns) <= SIDE
        assert picture.planes * picture.rows * picture.columns <= CELLS
        assert picture.rows == math.ceil(shape[-2] / picture.block[0])


@pytest.mark.parametrize(
    ("shape", "planes"),
    [
        ((8, 1, 28, 28), 8), ((8, 6, 24, 24), 12), ((8, 3, 32, 32), 6), ((64, 64, 3, 3), 16), ((5, 20, 4, 4), 16),
        ((9, 9), 1),
    ],
)  # fmt: skip
def test_whole_images_are_kept_where_several_fit(shape, planes):
    assert summarize(np.ones(shape)).picture.planes == planes


def test_what_is_not_finite_is_marked():
    picture = summarize(np.array([[1.0, np.nan], [np.inf, -0.5]])).picture
    np.testing.assert_allclose(_cells(picture), [[[1.0, np.nan], [np.nan, -0.5]]], atol=0.004)


@pytest.mark.parametrize("x", [3.0, [1.0, 2.0], [[4.0]], np.ones((0, 3)), [[math.nan, math.nan]]])
def test_numbers_and_vectors_have_no_picture(x):
    assert summarize(x).picture is None


def test_zeros_have_a_picture():
    assert (_cells(summarize(np.zeros((2, 2))).picture) == 0).all()
