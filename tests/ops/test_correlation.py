"""Correlation as users call it: against loops and SciPy, in every rank and way to say where windows geometry."""

import numpy as np
import oracles
import pytest
import scipy.signal
from hypothesis import assume, given
from hypothesis import strategies as st
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError
from autograd_cnn.ops.correlation import conv_shapes

generators = st.builds(np.random.default_rng, st.integers(0, 2**32 - 1))
small = st.integers(1, 3)
ints_or_pairs = st.one_of(small, st.tuples(small, small))
margins = st.tuples(st.integers(0, 3), st.integers(0, 3))
paddings = st.one_of(
    st.integers(0, 3), margins, st.tuples(margins, margins), st.sampled_from(["valid", "same", "full"])
)


def _pair(value):
    return (value, value) if isinstance(value, int) else value


def _four(padding, image, size, stride, dilation):
    """Write the padding out as ((top, bottom), (left, right)), by the definitions of its names."""
    if padding == "valid":
        padding = 0
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
    return tuple(_pair(side) for side in _pair(padding))


@st.composite
def forms(draw):
    """Draw x, w and g with the arguments as a user writes them, and as the loops take them."""
    stride, dilation, padding = draw(ints_or_pairs), draw(ints_or_pairs), draw(paddings)
    image, size = draw(st.tuples(st.integers(1, 7), st.integers(1, 7))), draw(st.tuples(small, small))
    rank, groups = draw(st.integers(2, 4)), 1
    x_shape, w_shape = image, size
    if rank > 2:
        groups = draw(small)
        x_shape = draw(st.integers(0 if rank == 4 else 1, 2)), groups * draw(st.integers(1, 2)), *image
        w_shape = groups * draw(st.integers(1, 2)), x_shape[1] // groups, *size
        x_shape = x_shape[4 - rank :]
    plain = {
        "stride": _pair(stride),
        "dilation": _pair(dilation),
        "padding": _four(padding, image, size, _pair(stride), _pair(dilation)),
    }
    x4, w4 = (1,) * (4 - len(x_shape)) + x_shape, (1,) * (4 - len(w_shape)) + w_shape
    y4 = oracles.output_shape(x4, w4, **plain)
    assume(min(y4[2:]) > 0)
    rng = draw(generators)
    x, w, g = (rng.standard_normal(shape) for shape in (x_shape, w_shape, y4[4 - rank :]))
    given_ = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return x, w, g, given_, plain | {"groups": groups}


def _lift(a):
    return a.reshape((1,) * (4 - a.ndim) + a.shape)


@given(forms())
def test_correlate2d_is_what_the_loops_give(form):
    x, w, g, given_, plain = form
    expected = oracles.correlate2d(_lift(x), _lift(w), None, **plain).reshape(g.shape)
    np.testing.assert_allclose(ag.correlate2d(x, w, **given_), expected, rtol=1e-10, atol=1e-12)


@given(forms())
def test_the_adjoints_are_what_the_loops_give(form):
    x, w, g, given_, plain = form
    dx = oracles.correlate2d_wrt_input(_lift(g), _lift(w), _lift(x).shape, **plain).reshape(x.shape)
    dw = oracles.correlate2d_wrt_weight(_lift(x), _lift(g), _lift(w).shape, **plain).reshape(w.shape)
    np.testing.assert_allclose(ag.correlate2d_wrt_input(g, w, x.shape, **given_), dx, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ag.correlate2d_wrt_weight(x, g, w.shape, **given_), dw, rtol=1e-10, atol=1e-12)


@given(forms())
def test_the_gradients_are_what_the_loops_give(form):
    x, w, g, given_, plain = form
    tx, tw = ag.tensor(x, requires_grad=True), ag.tensor(w, requires_grad=True)
    ag.correlate2d(tx, tw, **given_).backward(g)
    dx = oracles.correlate2d_wrt_input(_lift(g), _lift(w), _lift(x).shape, **plain).reshape(x.shape)
    dw = oracles.correlate2d_wrt_weight(_lift(x), _lift(g), _lift(w).shape, **plain).reshape(w.shape)
    np.testing.assert_allclose(tx.grad.data, dx, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(tw.grad.data, dw, rtol=1e-10, atol=1e-12)


@given(forms())
def test_one_form_seen_from_three_sides(form):
    """⟨g, x ⋆ w⟩ is the same number whichever of the three the primitive leaves out."""
    x, w, g, given_, _ = form
    side_g = np.sum(g * ag.correlate2d(x, w, **given_))
    side_x = np.sum(x * ag.correlate2d_wrt_input(g, w, x_shape=x.shape, **given_))
    side_w = np.sum(w * ag.correlate2d_wrt_weight(x, g, w_shape=w.shape, **given_))
    assert side_g == pytest.approx(side_x, rel=1e-12, abs=1e-11)
    assert side_g == pytest.approx(side_w, rel=1e-12, abs=1e-11)


@pytest.mark.parametrize("mode", ["valid", "same", "full"])
@given(rng=generators, size=st.tuples(st.sampled_from([1, 3, 5]), st.sampled_from([1, 3, 5])))
def test_two_dimensions_are_scipys(mode, rng, size):
    """With odd kernels; SciPy centres its "same" otherwise for even ones."""
    x, w = rng.standard_normal(rng.integers(5, 9, 2)), rng.standard_normal(size)
    expected = scipy.signal.correlate2d(x, w, mode)
    np.testing.assert_allclose(ag.correlate2d(x, w, padding=mode), expected, rtol=1e-10, atol=1e-12)
    expected = scipy.signal.convolve2d(x, w, mode)
    np.testing.assert_allclose(ag.convolve2d(x, w, padding=mode), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", ["valid", "full"])
@given(rng=generators, size=st.tuples(st.integers(1, 5), st.integers(1, 5)))
def test_two_dimensions_are_scipys_for_kernels_of_any_size_and_either_float(mode, dtype, rng, size):
    x, w = rng.standard_normal(rng.integers(5, 9, 2)).astype(dtype), rng.standard_normal(size).astype(dtype)
    digits = {"rtol": 1e-4, "atol": 1e-5} if dtype is np.float32 else {"rtol": 1e-10, "atol": 1e-12}
    for ours, theirs in ((ag.correlate2d, scipy.signal.correlate2d), (ag.convolve2d, scipy.signal.convolve2d)):
        y = ours(x, w, padding=mode)
        assert y.dtype == dtype
        np.testing.assert_allclose(y, theirs(x, w, mode), **digits)


def test_a_convolution_of_several_channels_is_the_sum_of_scipys(rng):
    x, w = rng.standard_normal((2, 3, 6, 5)), rng.standard_normal((4, 3, 2, 3))
    expected = [[sum(map(_convolved, image, filters)) for filters in w] for image in x]
    np.testing.assert_allclose(ag.convolve2d(x=x, w=w), expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(ag.convolve2d(x=x[0], w=w), expected[0], rtol=1e-12, atol=1e-13)


def _convolved(image, kernel):
    return scipy.signal.convolve2d(image, kernel, "valid")


def test_a_stride_picks_from_the_plain_correlation(rng):
    x, w = rng.standard_normal((2, 3, 8, 9)), rng.standard_normal((4, 3, 3, 2))
    dense = ag.correlate2d(x, w)
    np.testing.assert_allclose(ag.correlate2d(x, w, stride=(2, 3)), dense[:, :, ::2, ::3], rtol=1e-12, atol=1e-13)


def test_dilation_is_a_kernel_with_gaps(rng):
    x, w = rng.standard_normal((1, 2, 9, 9)), rng.standard_normal((3, 2, 3, 2))
    gapped = np.zeros((3, 2, 5, 4))
    gapped[:, :, ::2, ::3] = w
    expected = ag.correlate2d(x, gapped)
    np.testing.assert_allclose(ag.correlate2d(x, w, dilation=(2, 3)), expected, rtol=1e-12, atol=1e-13)


def test_groups_are_separate_correlations(rng):
    x, w = rng.standard_normal((2, 4, 5, 5)), rng.standard_normal((6, 2, 3, 3))
    parts = [ag.correlate2d(x[:, 2 * i : 2 * i + 2], w[3 * i : 3 * i + 3]) for i in range(2)]
    np.testing.assert_allclose(ag.correlate2d(x, w, groups=2), np.concatenate(parts, axis=1), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("shape", [(2, 3, 5, 5), (3, 5, 5)])
def test_bias_is_added_to_each_map(shape, rng):
    x, w, bias = rng.standard_normal(shape), rng.standard_normal((4, 3, 2, 2)), rng.standard_normal(4)
    plain = ag.correlate2d(x, w)
    np.testing.assert_allclose(ag.correlate2d(x, w, bias), plain + bias[:, None, None], rtol=1e-12)
    np.testing.assert_allclose(ag.convolve2d(x, w, bias), ag.convolve2d(x, w) + bias[:, None, None], rtol=1e-12)
    t = ag.tensor(bias, requires_grad=True)
    ag.correlate2d(x, w, t).backward(plain)
    axes = (0, 2, 3) if len(shape) == 4 else (1, 2)
    np.testing.assert_allclose(t.grad.data, plain.sum(axis=axes), rtol=1e-12)


# --- dtypes and empty operands ----------------------------------------------------------------

BACKENDS = pytest.mark.parametrize("backend", ["reference", "jit"])


@BACKENDS
@pytest.mark.parametrize(("dtype", "summed"), [("u1", "u8"), ("i1", "i8"), ("?", "i8"), ("i4", "i8"), (">u2", "u8")])
def test_sums_of_integers_do_not_wrap(backend, dtype, summed):
    x, w = np.full((1, 3, 9, 9), 100).astype(dtype), np.full((2, 3, 3, 3), 100).astype(dtype)
    g = np.full((1, 2, 7, 7), 100).astype(dtype)
    wide = [a.astype(int) for a in (x, w, g)]
    with ag.set_backend(backend):
        for f in (
            lambda x, w, _: ag.correlate2d(x, w),
            lambda x, w, _: ag.convolve2d(x, w),
            lambda _, w, g: ag.correlate2d_wrt_input(g, w, x_shape=x.shape),
            lambda x, _, g: ag.correlate2d_wrt_weight(x, g, w_shape=w.shape),
            lambda _, w, g: ag.correlate2d_transpose(g, w),
        ):
            y = f(x, w, g)
            assert y.dtype == summed
            np.testing.assert_array_equal(y, f(*wide))


@BACKENDS
def test_operands_of_different_dtypes_are_joined(backend, rng):
    x, w, bias = rng.standard_normal((1, 2, 9, 9)), rng.standard_normal((3, 2, 3, 3)), np.array([1, 2, 3])
    with ag.set_backend(backend):
        expected = ag.correlate2d(x, w, bias.astype(float))
        np.testing.assert_array_equal(ag.correlate2d(x, w, bias), expected)
        np.testing.assert_array_equal(ag.correlate2d(x.astype(">f8"), w, bias), expected)
        y = ag.correlate2d(x.astype(np.float32), w, bias.astype(np.float32))
    assert y.dtype == np.float64
    np.testing.assert_allclose(y, expected, rtol=1e-5)


@BACKENDS
@pytest.mark.parametrize(
    ("x", "w", "padding"),
    [
        ((1, 1, 0, 2), (1, 1, 3, 3), 2),
        ((2, 3, 4, 0), (4, 3, 2, 2), (0, 1)),
        ((0, 3, 4, 4), (4, 3, 2, 2), 0),
        ((2, 0, 4, 4), (4, 0, 2, 2), 0),
        ((2, 3, 4, 4), (0, 3, 2, 2), 0),
    ],
)
def test_nothing_adds_up_to_nothing(backend, x, w, padding):
    with ag.set_backend(backend):
        y = ag.correlate2d(np.ones(x), np.ones(w), padding=padding)
        dx = ag.correlate2d_wrt_input(np.ones(y.shape), np.ones(w), x_shape=x, padding=padding)
        dw = ag.correlate2d_wrt_weight(np.ones(x), np.ones(y.shape), w_shape=w, padding=padding)
    assert (dx.shape, dw.shape) == (x, w)
    assert not any(each.any() for each in (y, dx, dw))


@BACKENDS
def test_no_window_reaches_the_image(backend):
    with ag.set_backend(backend):
        y = ag.correlate2d(np.ones((10, 10)), np.ones((1, 1)), stride=100, padding=5)
        dx = ag.correlate2d_wrt_input(np.ones((1, 1)), np.ones((1, 1)), x_shape=(10, 10), stride=100, padding=5)
    assert y.tolist() == [[0.0]]
    assert not dx.any()


# --- the transposed correlation ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "size", "params"),
    [
        ((3, 3), 2, {"dilation": 2, "output_padding": 1}),
        ((2, 3), 2, {"dilation": 3, "padding": 1, "output_padding": 2}),
        ((2, 1), 1, {"dilation": 9, "padding": 2, "output_padding": 8}),
        ((3, 2), 2, {"stride": 2, "dilation": 4, "padding": (0, 3), "output_padding": (3, 2)}),
    ],
)
def test_what_is_added_behind_a_transpose(rng, image, size, params):
    """Its first rows had been cut off, if any had; the rest are zeros."""
    x, w = rng.standard_normal((1, 2, *image)), rng.standard_normal((2, 3, size, size))
    whole = ag.correlate2d_transpose(x, w, **params | {"padding": 0, "output_padding": 0})
    (top, left), (below, beside) = _pair(params.get("padding", 0)), _pair(params["output_padding"])
    height, width = whole.shape[2] - 2 * top + below, whole.shape[3] - 2 * left + beside
    expected = np.pad(whole, ((0, 0), (0, 0), (0, below), (0, beside)))[:, :, top : top + height, left : left + width]
    np.testing.assert_allclose(ag.correlate2d_transpose(x, w, **params), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("sides", [((1, 0), (0, 2)), [[0, 2], [1, 1]], np.array([[1, 2], [0, 0]])])
def test_a_transpose_is_cut_off_on_each_side(rng, sides):
    x, w = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 3, 3))
    (top, bottom), (left, right) = sides
    whole = ag.correlate2d_transpose(x, w)
    expected = whole[:, top : whole.shape[1] - bottom, left : whole.shape[2] - right]
    np.testing.assert_allclose(ag.correlate2d_transpose(x, w, padding=sides), expected, rtol=1e-12, atol=1e-13)


@given(rng=generators, data=st.data())
def test_the_transpose_is_the_adjoint_of_a_correlation(rng, data):
    """Between images for which the correlation's output is exactly the transpose's input."""
    stride, dilation, groups = data.draw(small), data.draw(small), data.draw(small)
    size = data.draw(st.tuples(small, small))
    padding = data.draw(st.integers(0, min((k - 1) * dilation // 2 for k in size)))
    extra = data.draw(st.integers(0, stride - 1))  # more of it, and the correlation has more places
    geometry = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    x = rng.standard_normal((2, 2 * groups, *rng.integers(1, 5, 2)))
    w = rng.standard_normal((2 * groups, 3, *size))
    y = ag.correlate2d_transpose(x, w, output_padding=extra, **geometry)
    u = rng.standard_normal(y.shape)
    assert y.shape[1] == 3 * groups
    assert np.sum(u * y) == pytest.approx(np.sum(ag.correlate2d(u, w, **geometry) * x), rel=1e-11, abs=1e-11)


def test_the_bias_of_a_single_map_gets_the_sum_of_its_sensitivities():
    bias = ag.tensor([0.5], requires_grad=True)
    ag.correlate2d(np.zeros((4, 4)), np.ones((2, 2)), bias).sum().backward()
    np.testing.assert_array_equal(bias.grad.data, [9.0])


def test_the_plain_transpose_is_scipys_full_convolution(rng):
    x, w = rng.standard_normal((4, 5)), rng.standard_normal((2, 3))
    y = ag.correlate2d_transpose(x=x[None], w=w[None, None])
    np.testing.assert_allclose(y[0], scipy.signal.convolve2d(x, w, "full"), rtol=1e-12, atol=1e-13)


def test_the_transpose_of_one_image_and_with_bias(rng):
    x, w, bias = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 3, 3)), rng.standard_normal(5)
    batch = ag.correlate2d_transpose(x[None], w, stride=2)
    np.testing.assert_array_equal(ag.correlate2d_transpose(x, w, stride=2), batch[0])
    np.testing.assert_allclose(ag.correlate2d_transpose(x, w, bias, stride=2), batch[0] + bias[:, None, None])


# --- errors -----------------------------------------------------------------------------------


def _zeros(*shape):
    return np.zeros(shape)


X, W = _zeros(32, 3, 28, 28), _zeros(8, 3, 5, 5)
RANKS = "the ranks of x and w do not go together: expected (N, C, H, W) or (C, H, W) with (F, C, KH, KW), or (H, W) with (KH, KW)"


@for_each("call", [ag.correlate2d, ag.convolve2d])
@for_each(
    "x, w, params, kind, text",
    [
        (_zeros(5), _zeros(3), {}, ShapeError, f"{RANKS}, got x=(5,), w=(3,)"),
        (_zeros(5, 5), W, {}, ShapeError, f"{RANKS}, got x=(5, 5), w=(8, 3, 5, 5)"),
        (X, _zeros(5, 5), {}, ShapeError, f"{RANKS}, got x=(32, 3, 28, 28), w=(5, 5)"),
        (_zeros(1, 1, 1, 5, 5), W, {}, ShapeError, f"{RANKS}, got x=(1, 1, 1, 5, 5), w=(8, 3, 5, 5)"),
        (2.0, _zeros(3, 3), {}, ShapeError, f"{RANKS}, got x=(), w=(3, 3)"),
        (
            X,
            _zeros(8, 1, 5, 5),
            {},
            ShapeError,
            "w has C=1 but x has C=3; shapes x=(32, 3, 28, 28), w=(8, 1, 5, 5)",
        ),
        (
            _zeros(9, 28, 28, 3),
            W,
            {},
            ShapeError,
            "w has C=3 but x has C=28; shapes x=(9, 28, 28, 3), w=(8, 3, 5, 5); x seems to have its channels last: np.moveaxis(x, -1, -3)",
        ),
        (
            X,
            _zeros(8, 3, 5, 5),
            {"groups": 2},
            ShapeError,
            "w has C=3 in each of 2 groups but x has C=3; shapes x=(32, 3, 28, 28), w=(8, 3, 5, 5)",
        ),
        (X, W, {"groups": 3}, ArgumentError, "groups is out of range: expected a divisor of the 8 filters, got 3"),
        (X, W, {"groups": 0}, ArgumentError, "groups is out of range: expected a divisor of the 8 filters, got 0"),
        (X, W, {"groups": 1.0}, ArgumentError, "groups is not understood: expected an int, got 1.0"),
        (X, W, {"groups": True}, ArgumentError, "groups is not understood: expected an int, got True"),
        (
            X,
            _zeros(8, 3, 29, 5),
            {},
            ShapeError,
            (
                "the window does not fit into the padded image along its height: "
                "expected at most 28 pixels, got 29; pad the image or shrink the window"
            ),
        ),
        (
            X,
            W,
            {"dilation": (1, 8), "padding": (0, 2)},
            ShapeError,
            (
                "the window does not fit into the padded image along its width: "
                "expected at most 32 pixels, got 33; pad the image or shrink the window"
            ),
        ),
        (X, W, {"stride": 0}, ArgumentError, "stride is out of range: expected at least 1, got 0"),
        (X, W, {"stride": (1, -2)}, ArgumentError, "stride is out of range: expected at least 1, got (1, -2)"),
        (X, W, {"dilation": 0}, ArgumentError, "dilation is out of range: expected at least 1, got 0"),
        (X, W, {"padding": -1}, ArgumentError, "padding is out of range: expected at least 0, got -1"),
        (X, W, {"padding": (0, -1)}, ArgumentError, "padding is out of range: expected at least 0, got (0, -1)"),
        (
            X,
            W,
            {"padding": "reflect"},
            ArgumentError,
            "padding is unknown: expected 'valid', 'same', 'full' or numbers, got 'reflect'",
        ),
        (
            X,
            W,
            {"stride": 1.5},
            ArgumentError,
            "stride is not understood: expected an int or a pair of ints, got 1.5",
        ),
    ],
)
def test_bad_shapes_and_parameters(call, x, w, params, kind, text):
    with pytest.raises(kind) as err:
        call(x, w, **params)
    assert str(err.value) == f"{call.__name__}: {text}"


@pytest.mark.parametrize("make", [np.asarray, lambda a: ag.tensor(a, requires_grad=True)])
@pytest.mark.parametrize("shape", [(7,), (8, 1), ()])
def test_a_bias_of_the_wrong_shape(shape, make):
    with pytest.raises(ShapeError) as err:
        ag.correlate2d(X, W, make(_zeros(*shape)))
    expected = f"correlate2d: bias has the wrong shape: expected one number for each filter, (8,), got {shape}"
    assert str(err.value) == expected


SIGNATURE = "it takes x, w, bias, stride, padding, dilation, groups"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: ag.correlate2d("image", W), "x is not an array: expected a tensor, an array or a number, got str"),
        (lambda: ag.correlate2d(X, None), "w is not an array: expected a tensor, an array or a number, got NoneType"),
        (lambda: ag.correlate2d(X, object()), "w is not an array: expected a tensor, an array or a number, got object"),
        (
            lambda: ag.correlate2d(X, W, "bias"),
            "bias is not an array: expected a tensor, an array or a number, got str",
        ),
        (lambda: ag.correlate2d(X), f"argument 'w' is missing; {SIGNATURE}"),
        (lambda: ag.correlate2d(X, W, None, 1, 0, 1, 1, 1), f"too many arguments; {SIGNATURE}"),
        (lambda: ag.correlate2d(X, W, strides=2), f"no argument 'strides'; did you mean 'stride'?; {SIGNATURE}"),
        (
            lambda: ag.correlate2d(X, W, stride=ag.tensor(2.0, requires_grad=True)),
            "parameter 'stride' has no gradient: expected a plain value, got a Tensor; pass it detached",
        ),
        (
            lambda: ag.correlate2d(X, W, None, ag.tensor(2.0, requires_grad=True)),
            "parameter 'stride' has no gradient: expected a plain value, got a Tensor; pass it detached",
        ),
    ],
)
def test_bad_arguments(call, text):
    with pytest.raises(OperandError) as err:
        call()
    assert str(err.value) == f"correlate2d: {text}"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: ag.correlate2d_wrt_input(_zeros(1, 8, 24, 23), W, (1, 3, 28, 28)),
            "correlate2d_wrt_input: g has the wrong shape: expected (1, 8, 24, 24), got (1, 8, 24, 23)",
        ),
        (
            lambda: ag.correlate2d_wrt_input(_zeros(1, 8, 24, 25), W, (1, 3, 28, 28)),
            "correlate2d_wrt_input: g has the wrong shape: expected (1, 8, 24, 24), got (1, 8, 24, 25)",
        ),
        (
            lambda: ag.correlate2d_wrt_weight(_zeros(3, 28, 28), _zeros(7, 24, 24), W.shape),
            "correlate2d_wrt_weight: g has the wrong shape: expected (8, 24, 24), got (7, 24, 24)",
        ),
        (
            lambda: ag.correlate2d_transpose(_zeros(1, 3, 4, 4), _zeros(2, 5, 3, 3)),
            "correlate2d_transpose: w has C=2 but x has C=3; shapes x=(1, 3, 4, 4), w=(2, 5, 3, 3)",
        ),
        (
            lambda: ag.correlate2d_transpose(_zeros(1, 1, 4, 4), _zeros(2, 5, 3, 3)),
            "correlate2d_transpose: w has C=2 but x has C=1; shapes x=(1, 1, 4, 4), w=(2, 5, 3, 3)",
        ),
        (
            lambda: ag.correlate2d_transpose(_zeros(1, 2, 4, 4), _zeros(2, 5, 3, 3), _zeros(2)),
            "correlate2d_transpose: bias has the wrong shape: expected one number for each filter, (5,), got (2,)",
        ),
        (
            lambda: ag.correlate2d_transpose(_zeros(1, 2, 4, 4), _zeros(2, 5, 3, 3), padding=3),
            (
                "correlate2d_transpose: nothing is left of the maps: expected at least one row and column, got (0, 0); "
                "shapes x=(1, 2, 4, 4), w=(2, 5, 3, 3)"
            ),
        ),
        (
            lambda: ag.correlate2d_transpose(_zeros(1, 2, 0, 4), _zeros(2, 5, 3, 3)),
            (
                "correlate2d_transpose: nothing is left of the maps: expected at least one row and column, got (2, 6); "
                "shapes x=(1, 2, 0, 4), w=(2, 5, 3, 3)"
            ),
        ),
        (
            lambda: ag.convolve2d(X, W, _zeros(7)),
            "convolve2d: bias has the wrong shape: expected one number for each filter, (8,), got (7,)",
        ),
        (
            lambda: ag.correlate2d_transpose(_zeros(5, 5), _zeros(3, 3)),
            (
                "correlate2d_transpose: the ranks of x and w do not go together: "
                "expected (N, C, H, W) or (C, H, W) with (C, F, KH, KW), got x=(5, 5), w=(3, 3)"
            ),
        ),
    ],
)
def test_bad_shapes_in_the_adjoints(call, text):
    with pytest.raises(ShapeError) as err:
        call()
    assert str(err.value) == text


@pytest.mark.parametrize(
    ("output_padding", "limits"),
    [
        (-1, "at least 0"),
        ((0, -1), "at least 0"),
        (2, "less than the stride (2, 2) or the dilation (1, 1)"),
        ((0, 3), "less than the stride (2, 2) or the dilation (1, 1)"),
    ],
)
def test_an_output_padding_out_of_range(output_padding, limits):
    with pytest.raises(ArgumentError) as err:
        ag.correlate2d_transpose(_zeros(1, 3, 4, 4), _zeros(3, 2, 3, 3), stride=2, output_padding=output_padding)
    expected = f"correlate2d_transpose: output_padding is out of range: expected {limits}, got {output_padding}"
    assert str(err.value) == expected


@pytest.mark.parametrize(("name", "least"), [("stride", 1), ("dilation", 1), ("padding", 0)])
def test_a_parameter_of_the_transpose_that_is_too_small(name, least):
    with pytest.raises(ArgumentError) as err:
        ag.correlate2d_transpose(_zeros(1, 3, 4, 4), _zeros(3, 2, 3, 3), **{name: least - 1})
    expected = f"correlate2d_transpose: {name} is out of range: expected at least {least}, got {least - 1}"
    assert str(err.value) == expected


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"padding": "same"}, "padding is not understood: expected an int, a pair or a pair of pairs, got 'same'"),
        ({"groups": 2}, "groups is out of range: expected a divisor of the 3 channels, got 2"),
        ({"groups": 1.0}, "groups is not understood: expected an int, got 1.0"),
        ({"stride": 10**12}, f"stride is out of range: expected at most {2**31 - 1}, got {10**12}"),
    ],
)
def test_a_parameter_that_no_transpose_has(params, text):
    with pytest.raises(ArgumentError) as err:
        ag.correlate2d_transpose(_zeros(1, 3, 4, 4), _zeros(3, 2, 3, 3), **params)
    assert str(err.value) == f"correlate2d_transpose: {text}"


@pytest.mark.parametrize(
    ("shape", "kind", "text"),
    [
        ("abc", ArgumentError, "x_shape is not understood: expected an int or a tuple of ints, got 'abc'"),
        ((3.0, 3), ArgumentError, "x_shape is not understood: expected an int or a tuple of ints, got (3.0, 3)"),
        ((3, -3), ArgumentError, "x_shape is out of range: expected at least 0, got (3, -3)"),
        (
            (10**20, 3),
            ArgumentError,
            f"x_shape is out of range: expected at most {2**60 - 1} elements, got ({10**20}, 3)",
        ),
        (3, ShapeError, f"{RANKS}, got x=(3,), w=(2, 2)"),
        ((3, 4), ShapeError, "g has the wrong shape: expected (2, 3), got (2, 2)"),
        ((1, 1, 3, 3), ShapeError, f"{RANKS}, got x=(1, 1, 3, 3), w=(2, 2)"),
    ],
)  # fmt: skip
def test_a_shape_that_does_not_fit(shape, kind, text):
    with pytest.raises(kind) as err:
        ag.correlate2d_wrt_input(_zeros(2, 2), _zeros(2, 2), x_shape=shape)
    assert str(err.value) == f"correlate2d_wrt_input: {text}"


@pytest.mark.parametrize("shape", [np.array([3, 3]), [3, 3], ag.tensor([3, 3])])
def test_a_shape_is_written_in_many_ways(shape):
    assert ag.correlate2d_wrt_input(_zeros(2, 2), _zeros(2, 2), x_shape=shape).shape == (3, 3)
    assert ag.correlate2d_wrt_weight(_zeros(4, 4), _zeros(2, 2), w_shape=shape).shape == (3, 3)


@for_each("value", [np.int64(2), np.array(2), ag.tensor(2), (2, np.int8(2)), [2, 2], np.array([2, 2])])
@for_each("call", [ag.correlate2d, ag.convolve2d, ag.correlate2d_transpose])
def test_a_pair_is_written_in_many_ways(call, value):
    x, w = np.ones((1, 1, 5, 5)), np.ones((1, 1, 2, 2))
    for name in ("stride", "dilation", "padding"):
        np.testing.assert_array_equal(call(x, w, **{name: value}), call(x, w, **{name: 2}))


@pytest.mark.parametrize("name", ["stride", "dilation", "padding"])
@pytest.mark.parametrize("value", [(1.0, 1.0), (1, True), [1, 1.0]])
def test_a_pair_is_refused_even_after_the_one_that_it_equals(name, value):
    x, w = _zeros(1, 1, 4, 4), _zeros(1, 1, 2, 2)
    ag.correlate2d(x, w, **{name: (1, 1)})
    with pytest.raises(ArgumentError) as err:
        ag.correlate2d(x, w, **{name: value})
    assert str(err.value) == f"correlate2d: {name} is not understood: expected an int or a pair of ints, got {value}"


@pytest.mark.parametrize("name", ["stride", "dilation", "padding"])
def test_a_float_is_refused_even_after_the_int_that_it_equals(name):
    x, w = _zeros(1, 1, 4, 4), _zeros(1, 1, 2, 2)
    ag.correlate2d(x, w, **{name: 1})
    with pytest.raises(ArgumentError) as err:
        ag.correlate2d(x, w, **{name: 1.0})
    assert str(err.value) == f"correlate2d: {name} is not understood: expected an int or a pair of ints, got 1.0"


def test_the_sizes_of_a_form_are_worked_out_once():
    first, again = (conv_shapes("correlate2d", (1, 3, 8, 8), (4, 3, 2, 2), 1, (1, 2), 1, 1) for _ in range(2))
    assert again is first


def test_nothing_is_done_where_an_error_is_raised():
    x = ag.tensor(X, requires_grad=True)
    with pytest.raises(ShapeError):
        ag.correlate2d(x, _zeros(8, 1, 5, 5))
    assert x.grad is None
    assert ag.correlate2d(x, W).requires_grad


@pytest.mark.parametrize(("x", "w"), [((3, 4), (3, 2, 3, 3)), ((1, 3, 4, 4), (3, 2, 3)), ((3, 4, 4), (1, 3, 2, 3, 3))])
def test_a_rank_that_no_transpose_has(x, w):
    with pytest.raises(ShapeError) as raised:
        ag.correlate2d_transpose(_zeros(*x), _zeros(*w))
    assert str(raised.value) == (
        "correlate2d_transpose: the ranks of x and w do not go together: "
        f"expected (N, C, H, W) or (C, H, W) with (C, F, KH, KW), got x={x}, w={w}"
    )
