"""The compiled correlation and its adjoints against the reference."""

import numba
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autograd_cnn.kernels import compiled, reference
from autograd_cnn.kernels.compiled import packing
from autograd_cnn.kernels.compiled.conv import col2im, implicit_gemm
from autograd_cnn.kernels.windows import windows

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
margins = st.tuples(st.integers(0, 3), st.integers(0, 3))
dtypes = st.sampled_from([np.float32, np.float64])

NEAR = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}
"""How far, relative to the largest number, the two backends may be apart."""


def assert_near(actual, expected):
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(actual, expected, rtol=0, atol=NEAR[expected.dtype] * scale)


def operands(n, c, f, image, size, groups=1, dtype=np.float32, seed=0, **geometry):
    """Return x, w, a bias and g of one correlation, and how its windows lie."""
    grid = windows("form", image, size, **geometry)
    rng = np.random.default_rng(seed)
    shapes = (n, c, *image), (f, c // groups, *grid.size), (f,), (n, f, *grid.out)
    return *(rng.standard_normal(shape).astype(dtype) for shape in shapes), grid, groups


@st.composite
def forms(draw):
    """Draw small operands, with every kind of padding, stride, dilation and grouping."""
    size, groups = draw(pairs), draw(st.integers(1, 3))
    image = draw(st.tuples(st.integers(1, 20), st.integers(1, 40)))
    geometry = {"stride": draw(pairs), "dilation": draw(pairs), "padding": draw(st.tuples(margins, margins))}
    for n, k, d, pads in zip(image, size, geometry["dilation"], geometry["padding"], strict=True):
        assume(n + sum(pads) >= (k - 1) * d + 1)
    channels, filters = (groups * draw(st.integers(1, 11)) for _ in range(2))
    seed = draw(st.integers(0, 2**32 - 1))
    return operands(draw(st.integers(1, 3)), channels, filters, image, size, groups, draw(dtypes), seed, **geometry)


def assert_all_three_near(form):
    x, w, bias, g, grid, groups = form
    assert_near(compiled.correlate2d(x, w, bias, grid, groups), reference.correlate2d(x, w, bias, grid, groups))
    assert_near(compiled.correlate2d(x, w, None, grid, groups), reference.correlate2d(x, w, None, grid, groups))
    assert_near(compiled.correlate2d_wrt_input(g, w, grid, groups), reference.correlate2d_wrt_input(g, w, grid, groups))
    assert_near(
        compiled.correlate2d_wrt_weight(x, g, grid, groups), reference.correlate2d_wrt_weight(x, g, grid, groups)
    )


@given(forms())
def test_all_three_agree_with_the_reference(form):
    assert_all_three_near(form)


@given(
    image=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    size=pairs,
    stride=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    padding=st.tuples(*[st.tuples(st.integers(0, 20), st.integers(0, 20))] * 2),
    dtype=dtypes,
)
def test_windows_that_stay_on_a_wide_border(image, size, stride, padding, dtype):
    """The first of them may reach less than the border, and none the image's last pixels."""
    assume(all(k <= n + sum(pads) for n, k, pads in zip(image, size, padding, strict=True)))
    assert_all_three_near(operands(2, 3, 5, image, size, dtype=dtype, stride=stride, padding=padding))


LAYERS = {
    "LeNet's first": {"n": 3, "c": 1, "f": 6, "image": (28, 28), "size": 5},
    "LeNet's second": {"n": 3, "c": 6, "f": 16, "image": (12, 12), "size": 5},
    "a VGG's first": {"n": 2, "c": 3, "f": 32, "image": (32, 32), "size": 3, "padding": 1},
    "a VGG's last, deeper than one run of a tile": {"n": 2, "c": 96, "f": 40, "image": (8, 8), "size": 3, "padding": 1},
    "a large image, in several parts": {"n": 1, "c": 32, "f": 8, "image": (96, 64), "size": 3, "padding": 1},
    "patches in several packing": {"n": 2, "c": 40, "f": 64, "image": (14, 30), "size": 5, "padding": 2},
    "half a vector left over": {"n": 2, "c": 5, "f": 20, "image": (6, 24), "size": 3, "padding": 1},
    "halves, in several parts": {"n": 1, "c": 32, "f": 8, "image": (96, 56), "size": 3, "padding": 1},
    "a ResNet's first": {"n": 1, "c": 3, "f": 64, "image": (64, 64), "size": 7, "stride": 2, "padding": 3},
    "one pixel per window": {"n": 2, "c": 24, "f": 20, "image": (7, 7), "size": 1},
    "every other pixel": {"n": 2, "c": 24, "f": 20, "image": (14, 14), "size": 1, "stride": 2},
    "depthwise": {"n": 2, "c": 12, "f": 12, "image": (9, 20), "size": 3, "groups": 12, "padding": 1},
    "more channels than chunks of them": {"n": 2, "c": 300, "f": 5, "image": (5, 6), "size": 3},
    "more padding than the window": {"n": 2, "c": 3, "f": 5, "image": (4, 5), "size": 2, "padding": 4},
    "one window": {"n": 2, "c": 3, "f": 5, "image": (3, 3), "size": 3},
    "one pixel": {"n": 1, "c": 1, "f": 1, "image": (1, 1), "size": 1},
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_layers_agree_with_the_reference(layer, dtype):
    assert_all_three_near(operands(**layer, dtype=dtype))


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_any_number_of_threads_gives_the_same_bits(layer):
    x, w, bias, g, grid, groups = operands(**layer | {"n": 5})
    before, results = numba.get_num_threads(), []
    try:
        for threads in (1, numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(threads)
            results.append(
                (compiled.correlate2d(x, w, bias, grid, groups), compiled.correlate2d_wrt_input(g, w, grid, groups),
                 compiled.correlate2d_wrt_weight(x, g, grid, groups))
            )  # fmt: skip
    finally:
        numba.set_num_threads(before)
    for one, several in zip(*results, strict=True):
        assert one.tobytes() == several.tobytes()


def test_inputs_may_be_views_and_read_only():
    x, w, bias, g, grid, groups = operands(2, 4, 6, (9, 12), 3, padding=1)
    wide = np.zeros((*x.shape[:3], 2 * x.shape[3]), x.dtype)
    wide[..., ::2] = x
    view, turned = wide[..., ::2], np.asfortranarray(g)
    view.flags.writeable = w.flags.writeable = False
    assert_near(compiled.correlate2d(view, w, bias, grid, groups), reference.correlate2d(x, w, bias, grid, groups))
    assert_near(
        compiled.correlate2d_wrt_input(turned, w, grid, groups), reference.correlate2d_wrt_input(g, w, grid, groups)
    )
    assert_near(
        compiled.correlate2d_wrt_weight(view, turned, grid, groups),
        reference.correlate2d_wrt_weight(x, g, grid, groups),
    )


def test_what_is_not_a_number_reaches_the_windows_that_meet_it_and_no_other():
    x, w, _, _, grid, _ = operands(1, 1, 9, (6, 40), 3, padding=1)
    x[0, 0, 2, 5] = np.nan
    meets = np.zeros(grid.out, bool)
    meets[1:4, 4:7] = True
    np.testing.assert_array_equal(
        np.isnan(compiled.correlate2d(x, w, None, grid, 1)), np.broadcast_to(meets, (1, 9, 6, 40))
    )


@pytest.mark.parametrize("dtype", [np.int64, np.float16, np.complex128])
def test_other_dtypes_are_declined(dtype):
    x, w, bias, g, grid, groups = operands(1, 1, 1, (4, 4), 2, dtype=dtype)
    assert compiled.correlate2d(x, w, bias, grid, groups) is NotImplemented
    assert compiled.correlate2d_wrt_input(g, w, grid, groups) is NotImplemented
    assert compiled.correlate2d_wrt_weight(x, g, grid, groups) is NotImplemented


def test_what_needs_too_much_scratch_memory_is_declined(monkeypatch):
    x, w, bias, g, grid, groups = operands(1, 1, 1, (8, 80), 2, stride=7, padding=40)
    monkeypatch.setattr(packing, "LARGEST", 1 << 10)
    for module in (implicit_gemm, col2im):
        monkeypatch.setattr(module, "correlate_stacks", lambda *_, **__: None)  # which needs none
    assert compiled.correlate2d(x, w, bias, grid, groups) is NotImplemented
    assert compiled.correlate2d_wrt_input(g, w, grid, groups) is NotImplemented
    assert compiled.correlate2d_wrt_weight(x, g, grid, groups) is NotImplemented
    x, w, _, g, grid, groups = operands(1, 1, 1, (8, 80), 2, dilation=7)
    assert col2im._by_correlating_back(g, w, grid, groups) is NotImplemented


def test_an_image_without_pixels_is_declined():
    x, w, _, g, grid, groups = operands(1, 1, 1, (0, 2), 3, padding=2)
    assert g.size
    assert compiled.correlate2d_wrt_input(g, w, grid, groups) is NotImplemented
    assert compiled.correlate2d_wrt_weight(x, g, grid, groups) is NotImplemented


def test_mixed_dtypes_and_empty_arrays_are_declined():
    x, w, bias, g, grid, groups = operands(1, 1, 1, (4, 4), 2)
    assert compiled.correlate2d(x, w.astype(float), bias, grid, groups) is NotImplemented
    assert compiled.correlate2d(x, w, bias.astype(float), grid, groups) is NotImplemented
    assert compiled.correlate2d(x[:0], w, bias, grid, groups) is NotImplemented
    assert compiled.correlate2d_wrt_input(g[:0], w, grid, groups) is NotImplemented
    assert compiled.correlate2d_wrt_weight(x[:0], g[:0], grid, groups) is NotImplemented
