"""Correlation with an image in each lane, against the reference."""

import numba
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autograd_cnn.kernels import compiled, reference
from autograd_cnn.kernels.compiled.conv import batch_lanes
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.windows import windows

LANES = VECTOR_BYTES // 4  # images of float32 in a vector
NEAR = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}


def operands(n, c, f, image, size, groups=1, dtype=np.float32, seed=0, **geometry):
    """Return x, g, w and a start for each way, and how the windows lie."""
    grid = windows("form", image, size, **geometry)
    rng = np.random.default_rng(seed)
    shapes = (n, groups * c, *image), (n, groups * f, *grid.out), (groups * f, c, *grid.size), (groups * f,)
    x, g, w, start = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    return x, g, w, start, np.zeros(groups * c, dtype), grid, groups


def both(operands):
    x, g, w, start, nothing, grid, groups = operands
    forward = batch_lanes.correlate_stacks(x, w, start, grid, groups, adjoint=False)
    return forward, batch_lanes.correlate_stacks(g, w, nothing, grid, groups, adjoint=True)


def assert_near(actual, expected):
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    atol = NEAR[expected.dtype] * max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol)


@pytest.fixture
def always(monkeypatch):
    """Take stacks whether they pay or not."""
    monkeypatch.setattr(batch_lanes, "FEWEST", 0)
    monkeypatch.setattr(batch_lanes, "WORTH", np.inf)
    batch_lanes._layout.cache_clear()
    yield
    batch_lanes._layout.cache_clear()


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
margins = st.tuples(st.integers(0, 3), st.integers(0, 3))


@st.composite
def forms(draw):
    """Draw stacks full and not, with every kind of padding, stride, dilation and grouping."""
    size, image = (
        draw(pairs.filter(lambda size: size != (1, 1))),
        draw(st.tuples(st.integers(1, 9), st.integers(1, 9))),
    )
    geometry = {"stride": draw(pairs), "dilation": draw(pairs), "padding": draw(st.tuples(margins, margins))}
    for n, k, d, pads in zip(image, size, geometry["dilation"], geometry["padding"], strict=True):
        assume(n + sum(pads) >= (k - 1) * d + 1)
    counts = draw(st.integers(1, 5 * LANES)), draw(st.integers(1, 9)), draw(st.integers(1, 11))
    dtype, seed = draw(st.sampled_from([np.float32, np.float64])), draw(st.integers(0, 2**32 - 1))
    return operands(*counts, image, size, draw(st.integers(1, 2)), dtype, seed, **geometry)


@pytest.mark.usefixtures("always")
@given(forms())
def test_stacks_agree_with_the_reference(form):
    x, g, w, start, _, grid, groups = form
    forward, adjoint = both(form)
    assert_near(forward, reference.correlate2d(x, w, start, grid, groups))
    assert_near(adjoint, reference.correlate2d_wrt_input(g, w, grid, groups))


LAYERS = {
    "small maps": {"n": 2 * LANES, "c": 6, "f": 16, "image": (12, 12), "size": 5, "padding": 2},
    "a VGG's last, some maps at a time": {"n": LANES, "c": 96, "f": 40, "image": (8, 8), "size": 3, "padding": 1},
    "some pixels at a time": {"n": LANES, "c": 8, "f": 4, "image": (30, 30), "size": 3, "padding": 1},
    "a ResNet's stride": {"n": 3 * LANES, "c": 9, "f": 17, "image": (16, 16), "size": 3, "stride": 2, "padding": 1},
    "one channel, but far smaller maps": {"n": LANES, "c": 1, "f": 9, "image": (4, 4), "size": 3, "padding": 1},
    "every other row only": {"n": LANES, "c": 4, "f": 4, "image": (9, 9), "size": (1, 3), "stride": (2, 1)},
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_layers_for_which_stacks_are_taken(layer, dtype):
    form = operands(**layer, dtype=dtype)
    x, g, w, start, _, grid, groups = form
    forward, adjoint = both(form)
    assert compiled.correlate2d(x, w, start, grid, groups).tobytes() == forward.tobytes()
    assert compiled.correlate2d_wrt_input(g, w, grid, groups).tobytes() == adjoint.tobytes()
    assert_near(forward, reference.correlate2d(x, w, start, grid, groups))
    assert_near(adjoint, reference.correlate2d_wrt_input(g, w, grid, groups))


@pytest.mark.parametrize(
    "layer",
    [
        {"n": 2 * LANES, "c": 1, "f": 6, "image": (32, 32), "size": 5, "padding": 2},
        {"n": 2 * LANES, "c": 6, "f": 3, "image": (16, 16), "size": 3, "padding": 1},
        {"n": 2 * LANES, "c": 8, "f": 8, "image": (8, 8), "size": 1},
        {"n": 1, "c": 8, "f": 8, "image": (8, 8), "size": 3},
        {"n": LANES + 1, "c": 8, "f": 8, "image": (16, 16), "size": 3, "padding": 1},
        {"n": 2 * LANES, "c": 8, "f": 8, "image": (64, 64), "size": 3, "padding": 1},
        {"n": LANES // 2, "c": 16, "f": 16, "image": (28, 28), "size": 3, "stride": 2, "padding": 1},
        {"n": LANES // 2, "c": 128, "f": 128, "image": (7, 7), "size": 3, "padding": 1},
    ],
    ids=[
        "one channel",
        "few filters",
        "one tap",
        "one image",
        "half a stack",
        "hardly a rim",
        "half of the lanes, a stride",
        "half of the lanes, many filters",
    ],
)
def test_layers_for_which_they_do_not_pay(layer):
    assert both(operands(**layer)) == (None, None)


def test_an_image_does_not_depend_on_those_beside_it():
    x, g, w, start, nothing, grid, groups = operands(4 * LANES, 5, 6, (7, 7), 3, padding=1)
    whole = both((x, g, w, start, nothing, grid, groups))
    part = both((x[: 2 * LANES], g[: 2 * LANES], w, start, nothing, grid, groups))
    for some, every in zip(part, whole, strict=True):
        assert some.tobytes() == every[: 2 * LANES].tobytes()


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_any_number_of_threads_gives_the_same_bits(layer):
    before, results = numba.get_num_threads(), []
    try:
        for threads in (1, numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(threads)
            results.append(both(operands(**layer)))
    finally:
        numba.set_num_threads(before)
    for one, several in zip(*results, strict=True):
        assert one.tobytes() == several.tobytes()


def test_lists_of_what_meets():
    grid = windows("form", (3, 4), 2, stride=(1, 2), padding=((1, 0), (0, 0)))  # 3 x 2 windows
    starts, taps, pixels = batch_lanes._lists(grid, adjoint=False)
    assert starts.tolist() == [0, 2, 4, 8, 12, 16, 20]
    assert (taps[:4].tolist(), pixels[:4].tolist()) == ([2, 3, 2, 3], [0, 1, 2, 3])
    starts, taps, places = batch_lanes._lists(grid, adjoint=True)
    assert starts.tolist() == [0, 2, 4, 6, 8, 10, 12, 14, 16, 17, 18, 19, 20]
    assert (taps[:2].tolist(), places[:2].tolist()) == ([2, 0], [0, 2])


def test_a_pixel_that_no_window_meets_gets_nothing():
    starts, _, _ = batch_lanes._lists(windows("form", (3, 5), (1, 2), stride=(2, 3)), adjoint=True)
    assert np.diff(starts).tolist() == [1, 1, 0, 1, 1, *[0] * 5, 1, 1, 0, 1, 1]
