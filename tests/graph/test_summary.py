"""Arrays in a few numbers."""

import json
import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autograd_cnn.graph.summary import BINS, summarize


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
