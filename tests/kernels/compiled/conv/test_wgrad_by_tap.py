"""The gradient of the weights, tap by tap, against the reference."""

import numpy as np
import pytest

from autograd_cnn.kernels import reference
from autograd_cnn.kernels.compiled.conv import wgrad_by_tap
from autograd_cnn.kernels.windows import windows

FORMS = {
    "LeNet's second, several images at a time": ((7, 6, 16), (12, 12), 5, {}),
    "a VGG's, rims": ((3, 20, 37), (8, 8), 3, {"padding": 1}),
    "more places than are worked on at a time": ((2, 9, 5), (24, 24), 3, {"padding": 1}),
    "a stride": ((3, 8, 24), (14, 15), 3, {"stride": (2, 3), "padding": 1}),
    "far apart": ((1, 9, 4), (9, 35), (3, 2), {"dilation": (2, 3), "padding": 1}),
    "taps that meet nothing": ((2, 5, 5), (4, 5), 2, {"padding": ((4, 0), (1, 3)), "stride": 6}),
    "one pixel": ((1, 1, 1), (1, 1), 1, {}),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("pieces", [1, 2])
@pytest.mark.parametrize("at_a_time", [3, 100])
def test_sums_agree_with_the_reference(rng, form, groups, pieces, at_a_time):
    (n, c, f), image, size, geometry = form
    grid = windows("form", image, size, **geometry)
    x, g = rng.standard_normal((n, groups * c, *image)), rng.standard_normal((n, groups * f, *grid.out))
    lanes = wgrad_by_tap.VECTOR_BYTES // x.itemsize
    window = grid.size[0] * grid.size[1]
    sums = np.zeros((pieces, groups * c * window, -(-f // lanes) * lanes))
    wgrad_by_tap.add_tap_by_tap(x, g, sums, min(at_a_time, c), grid, groups)
    found = sums.sum(axis=0)[:, :f].reshape(groups, c, window, f)  # (G, C/G, KH·KW, F/G)
    expected = reference.correlate2d_wrt_weight(x, g, grid, groups).reshape(groups, f, c, window)
    np.testing.assert_allclose(
        found, expected.transpose(0, 2, 3, 1), rtol=0, atol=1e-12 * max(1, np.abs(expected).max())
    )
