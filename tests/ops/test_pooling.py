"""Pools as users call them: against loops, the conventions at ties and NaNs, and what is refused."""

import numpy as np
import oracles
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError
from autograd_cnn.ops.pooling import _relu_max_pool

generators = st.builds(np.random.default_rng, st.integers(0, 2**32 - 1))
small = st.integers(1, 3)
ints_or_pairs = st.one_of(small, st.tuples(small, small))


def _pair(value):
    return (value, value) if isinstance(value, int) else value


def _four(padding, image, size, stride, dilation):
    """Write the padding out as ((top, bottom), (left, right)), by the definitions of its names."""
    if padding == "full":
        padding = tuple((k - 1) * d for k, d in zip(size, dilation, strict=True))
    if padding == "same":
        totals = []
        for n, k, s, d in zip(image, size, stride, dilation, strict=True):
            total = 0
            while oracles.places(n, k, s, (0, total), d) < -(-n // s):
                total += 1
            totals.append((total // 2, total - total // 2))
        padding = tuple(totals)
    return tuple(_pair(side) for side in _pair(0 if padding == "valid" else padding))


@st.composite
def pools(draw):
    """Draw images of which many pixels tie, the arguments as a user writes them, and as the loops take them."""
    window, stride, dilation = draw(ints_or_pairs), draw(st.one_of(st.none(), ints_or_pairs)), draw(ints_or_pairs)
    margins = st.tuples(st.integers(0, 2), st.integers(0, 2))
    padding = draw(
        st.one_of(st.integers(0, 1), margins, st.tuples(margins, margins), st.sampled_from(["valid", "same", "full"]))
    )
    image = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    given_ = {
        "window": window, "stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": draw(st.booleans())
    }  # fmt: skip
    steps = _pair(window if stride is None else stride)
    plain = {
        "window": _pair(window),
        "stride": steps,
        "padding": _four(padding, image, _pair(window), steps, _pair(dilation)),
        "dilation": _pair(dilation),
        "ceil_mode": given_["ceil_mode"],
    }
    taps = [taps for _, taps in oracles.pool_windows(image, **plain)]
    assume(taps and all(taps))
    rng = draw(generators)
    x = rng.integers(-2, 3, (*draw(st.sampled_from([(), (2,), (2, 3), (0, 2)])), *image)).astype(float)
    return x, given_, plain, rng


def _lift(a):
    return a.reshape((1,) * (4 - a.ndim) + a.shape)


def _lower(a, x):
    return a.reshape(*x.shape[:-2], *a.shape[-2:])


@given(pools(), st.booleans())
def test_max_pool_and_its_gradient(pool, rectified):
    x, given_, plain, rng = pool
    expected, indices = oracles.max_pool(_lift(x), **plain, rectified=rectified)
    t = ag.tensor(x, requires_grad=True)
    y = (_relu_max_pool if rectified else ag.max_pool)(t, **given_)
    np.testing.assert_array_equal(y.data, _lower(expected, x))
    g = rng.standard_normal(expected.shape)
    y.backward(_lower(g, x))
    dx = oracles.max_unpool(g, indices, x.shape[-2:], **plain)
    np.testing.assert_allclose(t.grad.data, _lower(dx, x), rtol=1e-10, atol=1e-12)


@given(pools(), st.booleans(), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_max_pool_of_what_is_not_finite(pool, rectified, value):
    x, given_, plain, rng = pool
    x[rng.random(x.shape) < 0.5] = value
    expected, indices = oracles.max_pool(_lift(x), **plain, rectified=rectified)
    t = ag.tensor(x, requires_grad=True)
    y = (_relu_max_pool if rectified else ag.max_pool)(t, **given_)
    np.testing.assert_array_equal(y.data, _lower(expected, x))
    y.backward(np.ones(y.shape))
    dx = oracles.max_unpool(np.ones(indices.shape), indices, x.shape[-2:], **plain)
    np.testing.assert_array_equal(t.grad.data, _lower(dx, x))


@given(pools(), st.booleans())
def test_mean_pool_and_its_adjoint(pool, count_include_pad):
    x, given_, plain, rng = pool
    expected = oracles.mean_pool(_lift(x), **plain, count_include_pad=count_include_pad)
    y = ag.mean_pool(x, **given_, count_include_pad=count_include_pad)
    np.testing.assert_allclose(y, _lower(expected, x), rtol=1e-10, atol=1e-12)
    g = rng.standard_normal(y.shape)
    dx = oracles.mean_pool_wrt_input(_lift(g), x.shape[-2:], **plain, count_include_pad=count_include_pad)
    ours = ag.mean_pool_wrt_input(g, x_shape=x.shape, **given_, count_include_pad=count_include_pad)
    np.testing.assert_allclose(ours, _lower(dx, x), rtol=1e-10, atol=1e-12)


# --- conventions ------------------------------------------------------------------------------


def _max_pool_gradient(x, *args, **params):
    t = ag.tensor(x, requires_grad=True)
    ag.max_pool(t, *args, **params).sum().backward()
    return t.grad.data


def test_of_equal_pixels_the_first_row_by_row_wins():
    np.testing.assert_array_equal(_max_pool_gradient(np.zeros((2, 2)), 2), [[1, 0], [0, 0]])
    np.testing.assert_array_equal(_max_pool_gradient(np.array([[0.0, 1.0], [1.0, 0.0]]), 2), [[0, 1], [0, 0]])


def test_a_pixel_that_wins_in_several_windows_gets_the_sum():
    x = np.zeros((3, 3))
    x[1, 1] = 1
    np.testing.assert_array_equal(_max_pool_gradient(x, 2, stride=1), 4 * x)


def test_a_nan_wins_and_the_first_of_several():
    x = np.array([[5.0, np.nan], [np.nan, 9.0]])
    assert np.isnan(ag.max_pool(x, 2)).all()
    np.testing.assert_array_equal(_max_pool_gradient(x, 2), [[0, 1], [0, 0]])


def test_the_border_never_wins():
    x = np.full((2, 2), -np.inf)
    np.testing.assert_array_equal(_max_pool_gradient(x, 2, padding=1), np.ones((2, 2)))
    lowest = np.full((2, 2), np.finfo(float).min)
    np.testing.assert_array_equal(ag.max_pool(lowest, 2, padding=1), lowest)


def test_a_mean_counts_the_zeros_of_the_border_unless_told_not_to():
    ones = np.ones((2, 2))
    np.testing.assert_array_equal(ag.mean_pool(ones, 2, padding=1), ones / 4)
    np.testing.assert_array_equal(ag.mean_pool_wrt_input(ones, x_shape=(2, 2), window=2, padding=1), ones / 4)


BACKENDS = pytest.mark.parametrize("backend", ["reference", "jit"])


@BACKENDS
@pytest.mark.parametrize("dtype", ["u1", "i1", "?", "i8", ">i4"])
def test_the_mean_of_integers_is_a_float(backend, dtype):
    x = np.full((2, 4, 4), 100).astype(dtype)
    with ag.set_backend(backend):
        for y in (ag.mean_pool(x, 2), ag.adaptive_mean_pool(x, 2), ag.global_mean_pool(x)):
            assert y.dtype == np.float64
            np.testing.assert_array_equal(y, np.full(y.shape, float(x[0, 0, 0])))
        spread = ag.mean_pool_wrt_input(x, x_shape=(2, 8, 8), window=2)
        np.testing.assert_array_equal(spread, np.full((2, 8, 8), x[0, 0, 0] / 4))


@BACKENDS
@pytest.mark.parametrize(("dtype", "summed"), [("u1", "u8"), ("?", "i8"), ("i1", "i8")])
def test_what_integers_add_up_to_at_a_winner(backend, dtype, summed):
    g, indices = np.full((2, 2), 100).astype(dtype), np.array([[3, 2], [1, 0]])
    with ag.set_backend(backend):
        x = ag.max_unpool(g, indices=indices, x_shape=(3, 3), window=2, stride=1)
    assert x.dtype == summed
    assert x[1, 1] == g.sum()


@BACKENDS
def test_max_pool_of_bools(backend):
    x = np.array([[True, False, False, False], [False, False, False, False]])
    with ag.set_backend(backend):
        y = ag.max_pool(x, 2)
        assert y.dtype == bool
        np.testing.assert_array_equal(y, [[True, False]])
        np.testing.assert_array_equal(ag.max_pool(x, 2, padding=1), [[True, False, False], [False, False, False]])
        np.testing.assert_array_equal(ag.max_pool_gather(x, indices=np.zeros((1, 2), int), window=2), [[True, False]])


@pytest.mark.parametrize("pool", [ag.max_pool, ag.mean_pool])
def test_a_border_is_written_in_many_ways(pool, rng):
    x = rng.standard_normal((2, 5, 6))
    for one, other in (
        (1, ((1, 1), (1, 1))),
        (np.int64(1), (1, 1)),
        ([[0, 1], [1, 0]], ((0, 1), (1, 0))),
        ("valid", 0),
        ("same", ((1, 1), (0, 1))),
        ("full", ((2, 2), (1, 1))),
    ):
        ours, theirs = (pool(x, (3, 2), stride=1, padding=padding) for padding in (one, other))
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("pool", [ag.max_pool, ag.mean_pool])
def test_a_window_larger_than_the_image_is_one_window_in_ceil_mode(pool):
    x = np.array([[2.0, 6.0]])
    np.testing.assert_array_equal(pool(x, 3, ceil_mode=True), [[6.0 if pool is ag.max_pool else 4.0]])


def test_max_pool_of_integers():
    np.testing.assert_array_equal(ag.max_pool(np.array([[1, -2], [3, -4]]), (2, 1)), [[3, -2]])
    assert ag.max_pool(ag.tensor([[1, 2]]), 1).dtype == np.int64


def test_the_arguments_go_by_position_too(rng):
    x = rng.standard_normal((1, 1, 6, 6))
    np.testing.assert_array_equal(ag.max_pool(x, 2, 1), ag.max_pool(x, window=2, stride=1))
    np.testing.assert_array_equal(ag.mean_pool(x, 3, 2, 1), ag.mean_pool(x, window=3, stride=2, padding=1))


def test_scattering_undoes_a_pool_without_overlap(rng):
    x = rng.standard_normal((2, 3, 4, 4))
    t = ag.tensor(x, requires_grad=True)
    y = ag.max_pool(t, 2)
    indices = y.node.saved["indices"]
    spread = ag.max_unpool(y.data, indices=indices, x_shape=x.shape, window=2)
    np.testing.assert_array_equal(ag.max_pool(np.where(spread == 0, -np.inf, spread), 2), y.data)
    np.testing.assert_array_equal(ag.max_pool_gather(x, indices=indices, window=2), y.data)


# --- global and adaptive ----------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (3, 4, 5), (4, 5)])
def test_global_mean_pool(shape, rng):
    x = rng.standard_normal(shape)
    np.testing.assert_allclose(ag.global_mean_pool(x), x.mean(axis=(-2, -1), keepdims=True), rtol=1e-14)


@given(rng=generators, image=st.tuples(st.integers(1, 9), st.integers(1, 9)), size=ints_or_pairs)
def test_adaptive_mean_pool(rng, image, size):
    x = rng.standard_normal((2, *image))
    rows, columns = _pair(size)
    expected = np.empty((2, rows, columns))
    for i in range(rows):
        for j in range(columns):
            top, bottom = i * image[0] // rows, -(-(i + 1) * image[0] // rows)
            left, right = j * image[1] // columns, -(-(j + 1) * image[1] // columns)
            expected[:, i, j] = x[:, top:bottom, left:right].mean(axis=(1, 2))
    np.testing.assert_allclose(ag.adaptive_mean_pool(x, size), expected, rtol=1e-12, atol=1e-14)


def test_adaptive_mean_pool_keeps_float32():
    assert ag.adaptive_mean_pool(np.ones((3, 5), np.float32), 2).dtype == np.float32


# --- errors -----------------------------------------------------------------------------------

X = np.zeros((1, 2, 6, 6))
RANK = "x has the wrong rank: expected (N, C, H, W), (C, H, W) or (H, W)"


@for_each("pool", [ag.max_pool, ag.mean_pool])
@for_each(
    "x, params, kind, text",
    [
        (np.zeros(6), {"window": 2}, ShapeError, f"{RANK}, got (6,)"),
        (np.zeros((1, 1, 1, 6, 6)), {"window": 2}, ShapeError, f"{RANK}, got (1, 1, 1, 6, 6)"),
        (1.0, {"window": 2}, ShapeError, f"{RANK}, got ()"),
        (X, {"window": 0}, ArgumentError, "window is out of range: expected at least 1, got 0"),
        (X, {"window": (2, 0)}, ArgumentError, "window is out of range: expected at least 1, got (2, 0)"),
        (X, {"window": "2"}, ArgumentError, "window is not understood: expected an int or a pair of ints, got '2'"),
        (X, {"window": 2, "stride": 0}, ArgumentError, "stride is out of range: expected at least 1, got 0"),
        (X, {"window": 2, "padding": -1}, ArgumentError, "padding is out of range: expected at least 0, got -1"),
        (
            X,
            {"window": (3, 2), "padding": 2},
            ArgumentError,
            "every tap of some window falls on the border; use less padding or less dilation",
        ),
        (
            X,
            {"window": 2, "padding": "reflect"},
            ArgumentError,
            "padding is unknown: expected 'valid', 'same', 'full' or numbers, got 'reflect'",
        ),
        (
            X,
            {"window": 2, "ceil_mode": "no"},
            ArgumentError,
            "ceil_mode is not understood: expected True or False, got 'no'",
        ),
        (
            X,
            {"window": 2, "ceil_mode": 2},
            ArgumentError,
            "ceil_mode is not understood: expected True or False, got 2",
        ),
        (
            X,
            {"window": 7},
            ShapeError,
            (
                "the window does not fit into the padded image along its height: "
                "expected at most 6 pixels, got 7; pad the image or shrink the window"
            ),
        ),
    ],
)
def test_bad_input(pool, x, params, kind, text):
    with pytest.raises(kind) as err:
        pool(x, **params)
    assert str(err.value) == f"{pool.__name__}: {text}"


@for_each(
    "indices, kind, text",
    [
        ([[5, 0]], ArgumentError, "indices is out of range: expected from 0 to 4, got from 0 to 5"),
        ([[0, -1]], ArgumentError, "indices is out of range: expected from 0 to 4, got from -1 to 0"),
        ([[2**40, 1]], ArgumentError, f"indices is out of range: expected from 0 to 4, got from 1 to {2**40}"),
        ([[0, 1], [2, 3]], ShapeError, "indices has the wrong shape: expected (1, 2), got (2, 2)"),
        ([0, 1], ShapeError, "indices has the wrong shape: expected (1, 2), got (2,)"),
        (1, ShapeError, "indices has the wrong shape: expected (1, 2), got ()"),
        ([[0.0, 1.0]], OperandError, "indices are not integers: expected an array of ints, got float64"),
    ],
)
@BACKENDS
def test_indices_that_no_pool_gives(backend, indices, kind, text):
    with ag.set_backend(backend):
        with pytest.raises(kind) as err:
            ag.max_pool_gather(np.ones((2, 4)), indices=indices, window=2)
        assert str(err.value) == f"max_pool_gather: {text}"
        with pytest.raises(kind) as err:
            ag.max_unpool(np.ones((1, 2)), indices=indices, x_shape=(2, 4), window=2)
        assert str(err.value) == f"max_unpool: {text}"


def test_a_winner_on_the_border():
    x, geometry = np.ones((3, 3)), {"window": 2, "padding": ((1, 0), (0, 1))}
    _, indices = ag.max_pool.forward(x, **geometry)
    ag.max_pool_gather(x, indices=indices, **geometry)
    for place, tap in (((0, 0), 1), ((0, 1), 0), ((1, 1), 3), ((0, 1), 3)):
        wrong = indices.copy()
        wrong[place] = tap
        with pytest.raises(ArgumentError) as err:
            ag.max_pool_gather(x, indices=wrong, **geometry)
        assert str(err.value) == "max_pool_gather: indices is out of range; some name a tap that falls on the border"


def test_none_wins_where_all_taps_are_passed_by():
    """As where 0 is chosen."""
    assert ag.max_pool_gather(np.ones((2, 2)), indices=[[4]], window=2).tolist() == [[0.0]]
    spread = ag.max_unpool(np.ones((1, 1)), indices=[[4]], x_shape=(2, 2), window=2)
    assert not spread.any()


@BACKENDS
@for_each("shape", [(1, 1), (2, 1), (1, 3), (1, 1, 2), (2,), ()])
def test_sensitivities_of_another_shape(backend, shape):
    with ag.set_backend(backend):
        for call, params in ((ag.mean_pool_wrt_input, {}), (ag.max_unpool, {"indices": [[0, 1]]})):
            with pytest.raises(ShapeError) as err:
                call(np.ones(shape), x_shape=(2, 4), window=2, **params)
            assert str(err.value) == f"{call.__name__}: g has the wrong shape: expected (1, 2), got {shape}"


@pytest.mark.parametrize(
    ("image", "window", "padding", "dilation"),
    [((4, 4), 2, 1, 5), ((1, 4), (2, 1), (1, 0), (2, 1)), ((4, 1), (1, 2), (0, 1), (1, 2))],
)
def test_a_window_that_passes_by_the_image(image, window, padding, dilation):
    with pytest.raises(ArgumentError) as err:
        ag.max_pool(np.zeros(image), window, 1, padding=padding, dilation=dilation)
    text = "max_pool: every tap of some window falls on the border; use less padding or less dilation"
    assert str(err.value) == text


@pytest.mark.parametrize(("image", "padding"), [((2, 4), (1, 0)), ((4, 2), (0, 1)), ((2, 2), 1)])
def test_taps_as_far_apart_as_the_image_is_long_do_not_pass_by_it(image, padding):
    x = np.arange(1.0, 1 + np.prod(image)).reshape(image)
    pads = _pair(padding)
    expected, _ = oracles.max_pool(
        _lift(x), window=(2, 2), stride=(1, 1), padding=tuple((p, p) for p in pads), dilation=(2, 2), ceil_mode=False
    )
    np.testing.assert_array_equal(ag.max_pool(x, 2, 1, padding=padding, dilation=2), expected[0, 0])


def test_the_single_tap_of_a_window_meets_the_image_whatever_the_dilation():
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(ag.max_pool(x, 1, dilation=9), x)


@pytest.mark.parametrize("name", ["window", "stride", "dilation"])
def test_a_float_is_refused_even_after_the_int_that_it_equals(name):
    ag.max_pool(X, **{"window": 2, name: 2})
    with pytest.raises(ArgumentError) as err:
        ag.max_pool(X, **{"window": 2, name: 2.0})
    assert str(err.value) == f"max_pool: {name} is not understood: expected an int or a pair of ints, got 2.0"


def test_a_dilation_below_1():
    with pytest.raises(ArgumentError) as err:
        ag.max_pool(X, 2, dilation=0)
    assert str(err.value) == "max_pool: dilation is out of range: expected at least 1, got 0"


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (
            lambda: ag.adaptive_mean_pool(X, 0),
            ArgumentError,
            "adaptive_mean_pool: output_size is out of range: expected at least 1, got 0",
        ),
        (
            lambda: ag.adaptive_mean_pool(np.zeros(3), 1),
            ShapeError,
            "adaptive_mean_pool: x has the wrong rank: expected at least (H, W), got (3,)",
        ),
        (
            lambda: ag.adaptive_mean_pool(np.zeros((2, 0)), 1),
            ShapeError,
            "adaptive_mean_pool: x has no pixels: expected at least one row and column, got (2, 0)",
        ),
        (
            lambda: ag.adaptive_mean_pool(X, 2.0),
            ArgumentError,
            "adaptive_mean_pool: output_size is not understood: expected an int or a pair of ints, got 2.0",
        ),
        (
            lambda: ag.global_mean_pool(np.zeros(3)),
            ShapeError,
            "global_mean_pool: x has the wrong rank: expected at least (H, W), got (3,)",
        ),
        (
            lambda: ag.max_pool("image", 2),
            OperandError,
            "max_pool: x is not an array: expected a tensor, an array or a number, got str",
        ),
        (
            lambda: ag.mean_pool(None, 2),
            OperandError,
            "mean_pool: x is not an array: expected a tensor, an array or a number, got NoneType",
        ),
        (
            lambda: ag.max_pool(X, 2, 2, 0, 1, 0, 0),
            OperandError,
            "max_pool: too many arguments; it takes x, window, stride, padding, dilation, ceil_mode",
        ),
        (
            lambda: ag.mean_pool(X, 2, fast=True),
            OperandError,
            (
                "mean_pool: no argument 'fast'; "
                "it takes x, window, stride, padding, ceil_mode, count_include_pad, dilation, divisor_override"
            ),
        ),
        (
            lambda: ag.max_pool(X, ag.tensor(2.0, requires_grad=True)),
            OperandError,
            "max_pool: parameter 'window' has no gradient: expected a plain value, got a Tensor; pass it detached",
        ),
    ],
)
def test_bad_arguments(call, kind, text):
    with pytest.raises(kind) as err:
        call()
    assert str(err.value) == text
