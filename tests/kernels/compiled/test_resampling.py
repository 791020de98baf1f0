"""The compiled sums of rows and columns, against products with the whole matrices."""

import numpy as np
from tables import for_each

from autograd_cnn.kernels import compiled, reference
from autograd_cnn.kernels.taps import Taps, identity

SHAPES = [
    (5, 7, 3, 2), (2, 3, 40, 70), (33, 16, 17, 64), (1, 1, 1, 1), (64, 9, 9, 64), (200, 700, 300, 350), (350, 300, 700, 90)
]  # fmt: skip
"""Heights and widths, before and after; bands of the last ones are jobs of their own."""


def _taps(rng, length, count):
    """Return some neighbours for each place, and none for a few."""
    first = np.arange(count)[:, None] * length // count
    near = abs(np.arange(length) - first) < rng.integers(0, 4, (count, 1))
    return Taps.of(near * rng.standard_normal(near.shape))


@for_each("height, width, out_h, out_w", SHAPES)
@for_each("dtype, tolerance", [(np.float32, 2e-6), (np.float64, 1e-14)])
def test_they_agree(rng, height, width, out_h, out_w, dtype, tolerance):
    x = rng.standard_normal((2, 3, height, width)).astype(dtype)
    columns = _taps(rng, width, out_w)
    for rows in (_taps(rng, height, out_h), identity(height)):
        y = compiled.resample(x, rows, columns)
        exact = rows.matrix @ x.astype(float) @ columns.matrix.T
        assert y.dtype == dtype
        np.testing.assert_allclose(y, exact, rtol=0, atol=tolerance * (1 + abs(exact).max()))


@for_each("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_where_it_is_needed(rng, value):
    x, rows, columns = rng.standard_normal((3, 20, 21)), _taps(rng, 20, 9), _taps(rng, 21, 30)
    x[1, ::5, ::6] = value
    found = compiled.resample(x, rows, columns)
    np.testing.assert_allclose(found, reference.resample(x, rows, columns), atol=1e-14)
    assert not np.isfinite(found).all()
    assert np.isfinite(found[::2]).all()
