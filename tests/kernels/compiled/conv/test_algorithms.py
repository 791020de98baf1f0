"""Every algorithm on every problem that it supports: within its own error bound, and the same bits on any threads."""

from functools import lru_cache
from typing import get_args

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autograd_cnn.kernels import compiled, reference
from autograd_cnn.kernels.compiled.conv import problem as problems
from autograd_cnn.kernels.compiled.conv.problem import ConvProblem, Side
from autograd_cnn.kernels.compiled.conv.select import ALGORITHMS
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.microkernel import BATCH_NR, MR
from autograd_cnn.kernels.windows import windows

LANES = VECTOR_BYTES // 4  # images of float32 in a vector
BATCH = BATCH_NR * LANES

EACH = pytest.mark.parametrize(
    ("side", "algorithm"),
    [
        pytest.param(side, algorithm, id=f"{side}-{algorithm.name}")
        for side, algorithms in ALGORITHMS.items()
        for algorithm in algorithms
    ],
)


def problem(n, c, f, image, size, groups=1, dtype=np.float32, **geometry):
    return ConvProblem.of(n, c, f, windows("conv", image, size, **geometry), groups, np.dtype(dtype))


def operands(p, side, seed=0):
    """Return what the algorithms of a side take."""
    rng = np.random.default_rng(seed)
    x, w, y = (p.n, p.c, p.h, p.w), (p.f, p.group_channels, p.kh, p.kw), (p.n, p.f, p.oh, p.ow)
    shapes = {"forward": (x, w, (p.f,)), "wrt_input": (y, w), "wrt_weight": (x, y)}[side]
    return tuple(rng.standard_normal(shape).astype(p.dtype) for shape in shapes)


def exact(p, side, arrays):
    """Return the reference's result in float64, and the sums of the terms' absolute values."""
    name = {"forward": "correlate2d", "wrt_input": "correlate2d_wrt_input", "wrt_weight": "correlate2d_wrt_weight"}
    function = getattr(reference, name[side])
    return tuple(
        function(*map(each, arrays), p.windows, p.groups)
        for each in (lambda array: array.astype(float), lambda array: np.abs(array).astype(float))
    )


@lru_cache(maxsize=256)
def known(p, side, seed):
    """Return operands and what is exact of them, which all algorithms of a side are held against."""
    arrays = operands(p, side, seed)
    return arrays, exact(p, side, arrays)


def largest(side, arrays):
    """Return the largest that a sum of absolute terms can be: the largest of x or g, times all of w or of g's maps."""
    many, sums = np.abs(arrays[0]).astype(float), np.abs(arrays[1]).astype(float)
    axes = {"forward": (1, 2, 3), "wrt_input": (0, 2, 3), "wrt_weight": (0, 2, 3)}[side]
    bias = np.abs(arrays[2]).max() if side == "forward" else 0
    return many.max() * sums.sum(axis=axes).max() + bias


def run_on_each_number_of_threads(p, algorithm, arrays):
    """Return the result, which must not depend on how many threads there are."""
    before, results = compiled.num_threads(), []
    try:
        for threads in (1, before):
            compiled.set_num_threads(threads)
            results.append(algorithm.run(p, *arrays))
    finally:
        compiled.set_num_threads(before)
    one, several = results
    assert one.tobytes() == several.tobytes()
    return one


def assert_within_bound(p, side, algorithm, seed=0):
    arrays, (expected, scale) = known(p, side, seed)
    found = run_on_each_number_of_threads(p, algorithm, arrays)
    assert (found.dtype, found.shape) == (p.dtype, expected.shape)
    if not algorithm.local:
        scale = largest(side, arrays)
    of_reference = algorithm.error_bound(p._replace(dtype=np.dtype(float)))
    assert np.all(np.abs(found - expected) <= (algorithm.error_bound(p) + of_reference) * scale)


def points(algorithm):
    """Return whether an algorithm is for 1×1 filters alone."""
    return algorithm.name == "pointwise"


def layer(algorithm, *sizes):
    """Return a usual layer that the algorithm supports."""
    return problem(*sizes, 1) if points(algorithm) else problem(*sizes, 3, padding=1)


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def drawn_problems(draw, size=None, stride=None, dilation=None, most=3):
    """Draw every kind of padding, stride, dilation and grouping, with batches that fill vectors and not."""
    image = draw(st.tuples(st.integers(1, 20), st.integers(1, 40)))
    margins = st.tuples(st.integers(0, most), st.integers(0, most))
    size = draw(pairs) if size is None else (size, size)
    geometry = {
        "stride": stride or draw(st.just((1, 1)) | pairs),
        "dilation": draw(pairs) if dilation is None else (dilation, dilation),
        "padding": draw(st.tuples(margins, margins)),
    }
    for n, k, d, pads in zip(image, size, geometry["dilation"], geometry["padding"], strict=True):
        assume(n + sum(pads) >= (k - 1) * d + 1)
    groups, n = draw(st.integers(1, 3)), draw(st.integers(1, 3) | st.integers(LANES - 1, BATCH + 1))
    c, f = (groups * draw(st.integers(1, 11)) for _ in range(2))
    return problem(n, c, f, image, size, groups, draw(st.sampled_from([np.float32, np.float64])), **geometry)


@EACH
@given(data=st.data())
def test_results_are_within_the_bound(side, algorithm, data):
    special = {"size": 1, "most": 0} if points(algorithm) else {} if algorithm.local else {"size": 3, "most": 2}
    p = data.draw(drawn_problems(**special, **({"stride": 1, "dilation": 1} if special else {})))
    assume(algorithm.supports(p))
    assert_within_bound(p, side, algorithm, data.draw(st.integers(0, 2**32 - 1)))


AWKWARD = {
    "LeNet's first": {"n": 3, "c": 1, "f": 6, "image": (28, 28), "size": 5},
    "LeNet's second": {"n": 7, "c": 6, "f": 16, "image": (12, 12), "size": 5},
    "a VGG's first": {"n": 2, "c": 3, "f": 32, "image": (32, 32), "size": 3, "padding": 1},
    "deeper than one run of a tile": {"n": LANES, "c": 96, "f": 40, "image": (8, 8), "size": 3, "padding": 1},
    "a large image, in several parts": {"n": 1, "c": 32, "f": 8, "image": (96, 64), "size": 3, "padding": 1},
    "patches in several panels": {"n": 2, "c": 40, "f": 64, "image": (14, 30), "size": 5, "padding": 2},
    "half a vector left over": {"n": 2, "c": 5, "f": 20, "image": (6, 24), "size": 3, "padding": 1},
    "halves, in several parts": {"n": 1, "c": 32, "f": 8, "image": (96, 56), "size": 3, "padding": 1},
    "a ResNet's first": {"n": 1, "c": 3, "f": 64, "image": (64, 64), "size": 7, "stride": 2, "padding": 3},
    "a ResNet's stride": {"n": BATCH + LANES, "c": 9, "f": 17, "image": (16, 16), "size": 3, "stride": 2, "padding": 1},
    "large strided images, in parts": {"n": 2, "c": 3, "f": 16, "image": (80, 90), "size": 3, "stride": 2, "padding": 1},
    "one pixel for each window": {"n": 2, "c": 24, "f": 20, "image": (7, 7), "size": 1},
    "every other pixel": {"n": 2, "c": 24, "f": 20, "image": (14, 14), "size": 1, "stride": 2},
    "every other row only": {"n": LANES, "c": 4, "f": 4, "image": (9, 9), "size": (1, 3), "stride": (2, 1)},
    "depthwise": {"n": 2, "c": 12, "f": 12, "image": (9, 20), "size": 3, "groups": 12, "padding": 1},
    "seven filters, rows apart": {"n": 2, "c": 3, "f": 7, "image": (11, 33), "size": 3, "stride": (2, 1), "dilation": (1, 2)},
    "taps far apart": {"n": 1, "c": 9, "f": 4, "image": (9, 35), "size": (3, 2), "dilation": (2, 3), "padding": 1},
    "more channels than are worked on": {"n": 2, "c": 300, "f": 5, "image": (5, 6), "size": 3},
    "some pixels at a time": {"n": LANES, "c": 8, "f": 4, "image": (30, 30), "size": 3, "padding": 1},
    "more windows than a run": {"n": 2, "c": 9, "f": 5, "image": (24, 24), "size": 3, "padding": 1},
    "more padding than the window": {"n": 2, "c": 3, "f": 5, "image": (4, 5), "size": 2, "padding": 4},
    "windows that meet nothing": {"n": 2, "c": 5, "f": 5, "image": (4, 5), "size": 2, "padding": ((4, 0), (1, 3)), "stride": 6},
    "windows that stay on a wide border": {"n": 2, "c": 3, "f": 5, "image": (2, 3), "size": 2, "padding": 20, "stride": 9},
    "tiles that stand out": {"n": 2, "c": 20, "f": 40, "image": (9, 13), "size": 3},
    "a wide border": {"n": 2, "c": 3, "f": 5, "image": (4, 6), "size": 3, "padding": 2},
    "odd borders, in groups": {"n": 2, "c": 8, "f": 12, "image": (5, 5), "size": 3, "padding": ((0, 1), (2, 0)), "groups": 2},
    "blocks of channels and filters": {"n": 3, "c": 70, "f": 66, "image": (14, 14), "size": 3, "padding": 1},
    "several images in a job": {"n": 9, "c": 33, "f": 65, "image": (7, 7), "size": 3, "padding": 1},
    "depthwise, every other pixel": {"n": 2, "c": 37, "f": 37, "image": (9, 15), "size": 3, "groups": 37, "padding": 1, "stride": 2},
    "small groups, far apart": {"n": 2, "c": 5, "f": 10, "image": (20, 11), "size": (3, 2), "groups": 5, "padding": 2, "stride": 3, "dilation": 2},
    "many small groups": {"n": 2, "c": 80, "f": 40, "image": (14, 14), "size": 3, "groups": 20, "padding": 1, "stride": 2},
    "patches that do not overlap": {"n": 3, "c": 20, "f": 34, "image": (16, 16), "size": 2, "stride": 2},
    "pixels between the windows": {"n": 3, "c": 20, "f": 34, "image": (16, 17), "size": 1, "stride": 3},
    "fewer pixels than the stride": {"n": 1, "c": 3, "f": 4, "image": (2, 2), "size": 2, "stride": 5, "padding": 1},
    "some small images together": {"n": 20, "c": 40, "f": 70, "image": (4, 4), "size": 3, "padding": 1, "stride": 2},
    "maps of whole vectors": {"n": 5, "c": 20, "f": 18, "image": (4, 4), "size": 1},
    "deep pixels": {"n": 3, "c": 300, "f": 33, "image": (7, 7), "size": 1},
    "pixels in groups": {"n": 2, "c": 21, "f": 15, "image": (4, 8), "size": 1, "groups": 3},
    "strips of a large image": {"n": 2, "c": 3, "f": 5, "image": (40, 41), "size": 1},
    "one window": {"n": 2, "c": 3, "f": 5, "image": (3, 3), "size": 3},
    "one pixel": {"n": 1, "c": 1, "f": 1, "image": (1, 1), "size": 1},
}  # fmt: skip


@pytest.mark.slow
@EACH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_awkward_problems_are_within_the_bound(side, algorithm, dtype):
    supported = [p for p in (problem(**each, dtype=dtype) for each in AWKWARD.values()) if algorithm.supports(p)]
    assert len(supported) > 5 or (not algorithm.local and dtype == np.float64)
    for p in supported:
        assert_within_bound(p, side, algorithm)


@pytest.mark.parametrize("side", get_args(Side))
def test_every_problem_is_supported_by_some(side):
    for each in AWKWARD.values():
        assert any(algorithm.supports(problem(**each)) for algorithm in ALGORITHMS[side])


@EACH
def test_what_needs_too_much_scratch_memory_is_not_supported(side, algorithm, monkeypatch):
    p = problem(1, 1, 1, (8, 80), 1) if points(algorithm) else problem(1, 1, 1, (8, 80), 3, padding=2)
    assert algorithm.supports(p)
    monkeypatch.setattr(problems, "MAX_SCRATCH", 1 << 8)
    assert algorithm.supports(p) == (algorithm.name == "col2im_gather")  # whose scratch is that of some channels


@EACH
def test_what_is_not_a_number_reaches_what_it_meets_and_nothing_else(side, algorithm):
    p = layer(algorithm, 1, 1, MR[0] + 1, (6, 40))
    arrays = [np.ones_like(each) for each in operands(p, side)]
    arrays[0][0, 0, 2, 5] = np.nan
    expected = np.isnan(exact(p, side, arrays)[0])
    assert 0 < expected.sum() < expected.size or side == "wrt_weight"
    found = np.isnan(algorithm.run(p, *arrays))
    if algorithm.local:
        np.testing.assert_array_equal(found, expected)
    else:  # it reaches all of a tile
        assert np.all(found[expected])


@EACH
def test_an_image_does_not_depend_on_those_beside_it(side, algorithm):
    p = layer(algorithm, 2 * BATCH, 5, 6, (7, 7))
    arrays = operands(p, side)
    whole = algorithm.run(p, *arrays)
    part = algorithm.run(
        p._replace(n=BATCH), *(each[:BATCH] if each.ndim == 4 and len(each) == p.n else each for each in arrays)
    )
    if side != "wrt_weight":
        assert part.tobytes() == whole[:BATCH].tobytes()


@EACH
def test_costs_grow_with_the_work(side, algorithm):
    p = layer(algorithm, BATCH, 16, 16, (16, 16))
    for larger in ({"n": 2 * BATCH}, {"c": 32}, {"f": 32}):
        assert algorithm.cost(p) < algorithm.cost(p._replace(**larger)) < 2.3 * algorithm.cost(p)
