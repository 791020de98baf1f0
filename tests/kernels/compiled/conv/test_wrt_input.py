"""The three ways to the adjoint of correlation with respect to its input, against the reference."""

import numpy as np
import pytest

from autograd_cnn.kernels import compiled, reference
from autograd_cnn.kernels.compiled.conv import col2im
from autograd_cnn.kernels.windows import windows

FORMS = {
    "LeNet's second": ((3, 6, 16), (12, 12), 5, {}),
    "a VGG's": ((2, 20, 9), (8, 20), 3, {"padding": 1}),
    "more padding than the window": ((2, 3, 5), (4, 5), 2, {"padding": ((4, 0), (1, 3))}),
    "far apart": ((1, 9, 4), (9, 35), (3, 2), {"dilation": (2, 3), "padding": 1}),
    "one window": ((2, 3, 5), (3, 3), 3, {}),
    "one pixel": ((1, 1, 1), (1, 1), 1, {}),
}
WAYS = (col2im._by_correlating_back, col2im._by_adding_patches, col2im._by_summing_patches)


def operands(rng, counts, image, size, geometry, dtype=np.float64, groups=1):
    n, c, f = counts
    grid = windows("form", image, size, **geometry)
    g = rng.standard_normal((n, groups * f, *grid.out)).astype(dtype)
    return g, rng.standard_normal((groups * f, c, *grid.size)).astype(dtype), grid, groups


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("way", WAYS)
def test_every_way_agrees_with_the_reference(rng, way, form, groups):
    arguments = operands(rng, *form, groups=groups)
    expected = reference.correlate2d_wrt_input(*arguments)
    np.testing.assert_allclose(way(*arguments), expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("form", "way"),
    [
        (((1, 1, 1), (12, 12), 5, {}), "_by_summing_patches"),
        (((1, 1, 1), (12, 12), 3, {"padding": 1}), "_by_correlating_back"),
        (((1, 1, 1), (12, 12), 3, {"padding": 1, "stride": 2}), "_by_adding_patches"),
    ],
)
def test_which_way_is_taken(rng, monkeypatch, form, way):
    monkeypatch.setattr(col2im, way, lambda *arguments: way)
    assert compiled.correlate2d_wrt_input(*operands(rng, *form)) == way
