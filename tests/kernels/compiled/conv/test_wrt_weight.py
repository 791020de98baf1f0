"""The ways to the adjoint of correlation with respect to its weights, against the reference."""

import numpy as np
import pytest

from autograd_cnn.kernels import compiled, reference
from autograd_cnn.kernels.compiled.conv import wgrad_patches
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.microkernel import LOW, TALL
from autograd_cnn.kernels.windows import windows

LANES = VECTOR_BYTES // 8  # of float64

FORMS = {
    "few filters": ((3, 1, 6), (28, 28), 5, {}),
    "depthwise": ((2, 4, 4), (9, 20), 3, {"padding": 1, "groups": 4}),
    "seven filters, rows apart": ((2, 3, 7), (11, 33), 3, {"stride": (2, 1), "dilation": (1, 2)}),
    "many channels": ((5, 40, 3), (6, 17), 3, {"padding": ((0, 2), (1, 0))}),
    "small images, several at a time": ((7, 3, 16), (12, 13), 5, {"stride": 2}),
    "large images, in parts": ((2, 3, 16), (80, 90), 3, {"stride": 2, "padding": 1}),
    "one pixel": ((1, 1, 1), (1, 1), 1, {}),
}


def operands(rng, sizes, image, size, groups=1, **geometry):
    n, c, f = sizes
    grid = windows("form", image, size, **geometry)
    return rng.standard_normal((n, c, *image)), rng.standard_normal((n, f, *grid.out)), grid, groups


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("by_dots", [True, False])
def test_either_way_agrees_with_the_reference(rng, monkeypatch, form, by_dots):
    sizes, image, size, geometry = form
    arguments = operands(rng, sizes, image, size, **geometry)
    filled = iter([0, 1] if by_dots else [1, 0])
    monkeypatch.setattr(wgrad_patches, "_lanes_filled", lambda count, lanes: next(filled))
    found, expected = compiled.correlate2d_wrt_weight(*arguments), reference.correlate2d_wrt_weight(*arguments)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("channels", "filters", "width", "stride", "way"),
    [
        (LOW, 1, 4 * LANES, 1, "_in_lanes_of_pixels"),
        (LOW, 1, 4 * LANES, 2, "_in_lanes_of_filters"),
        (LOW, LANES, 1, 1, "_in_lanes_of_filters"),
        (LOW, 4 * LANES, 4 * LANES, 1, "_in_lanes_of_filters"),
        (LOW - 1, 4 * LANES, 4 * LANES, 1, "_in_lanes_of_pixels"),
        (LOW - 1, 4 * LANES, 4 * LANES, 2, "_in_lanes_of_filters"),
    ],
)
def test_which_way_is_taken(rng, monkeypatch, channels, filters, width, stride, way):
    expected, image = np.arange(filters * channels), (3, stride * (width - 1) + 1)
    monkeypatch.setattr(wgrad_patches, way, lambda *arguments: expected)
    found = compiled.correlate2d_wrt_weight(*operands(rng, (1, channels, filters), image, 1, stride=stride))
    np.testing.assert_array_equal(found.ravel(), expected)


@pytest.mark.parametrize(
    ("channels", "width", "way"),
    [
        (LOW - 1, LANES, "_add_patches"),
        (LOW - 1, LANES - 1, "add_tap_by_tap"),
        (LOW, LANES, "add_tap_by_tap"),
        (TALL + 1, LANES, "add_tap_by_tap"),
    ],
)
def test_too_few_channels_for_a_tile_are_patches_where_maps_are_wide(rng, monkeypatch, channels, width, way):
    taken = []
    for name in ("_add_patches", "add_tap_by_tap"):
        monkeypatch.setattr(wgrad_patches, name, lambda *arguments, name=name: taken.append(name))
    compiled.correlate2d_wrt_weight(*operands(rng, (1, channels, LANES), (5, 2 * width + 1), 3, stride=2))
    assert taken == [way]


def test_what_is_not_a_number_stays_with_the_taps_that_meet_it(rng):
    x, g, grid, groups = operands(rng, (1, 1, 1), (2, 3 * LANES), (1, 3))
    x[0, 0, 0, 0] = np.nan  # met by the first tap alone
    assert np.isnan(compiled.correlate2d_wrt_weight(x, g, grid, groups)).ravel().tolist() == [True, False, False]
