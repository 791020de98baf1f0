"""Layers as functions: against loops, in float32, in compiled steps, and what they refuse."""

import inspect

import numpy as np
import pytest
from foreign import Foreign
from peak import memory
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.nn import functional as F  # noqa: N812  # as all the world has it
from autograd_cnn.testing import gradcheck

IMAGES, SEQUENCES = (2, 4, 5, 6), (2, 4, 7)

CALLS = {
    "conv1d": lambda x, w: F.conv1d(x, w[:, 0], padding="same", groups=2),
    "conv3d": lambda x, w: F.conv3d(ag.expand_dims(x, 0), ag.expand_dims(w, 2), stride=(2, 1, 1), padding=1),
    "conv_transpose1d": lambda x, w: F.conv_transpose1d(x, w[:4, 0], stride=2, output_padding=1),
    "unfold": lambda x, _: F.unfold(x, (2, 3), 1, (1, 0), (2, 1)),
    "fold": lambda x, _: F.fold(ag.reshape(x, (2, 4, 30)), (7, 6), (2, 2), 2, (0, 1)),
    "max_pool1d": lambda x, _: F.max_pool1d(x, 3, 2, 1),
    "adaptive_max_pool2d": lambda x, _: F.adaptive_max_pool2d(x, (None, 4)),
    "max_unpool2d": lambda x, _: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
    "interpolate": lambda x, _: F.interpolate(x, scale_factor=1.5, mode="bicubic"),
    "nearest": lambda x, _: F.interpolate(x, (3, 9)),
    "pixel_unshuffle": lambda x, _: F.pixel_unshuffle(x[..., :4, :], 2),
    "pad": lambda x, _: F.pad(x, (2, -1, 1, 1), "reflect"),
    "gelu": lambda x, _: F.gelu(x, "tanh"),
    "hardswish": lambda x, _: F.hardswish(x),
    "prelu": lambda x, w: F.prelu(x, w[:4, 0, 0, 0]),
    "dropout2d": lambda x, _: F.dropout2d(x, rng=0),
}


def _weight(rng, name):
    return rng.standard_normal({"conv3d": (3, 2, 2, 2), "conv_transpose1d": (4, 2, 3, 2)}.get(name, (4, 2, 2, 2)))


@for_each("name", CALLS)
def test_float32_stays_and_gradients_are_right(rng, name):
    shape = SEQUENCES if name in ("conv1d", "conv_transpose1d", "max_pool1d") else IMAGES
    x, w = rng.permutation(np.prod(shape)).reshape(shape) / 50 - 1.013, _weight(rng, name)
    assert gradcheck(CALLS[name], [x, w], order=2)
    single = ag.tensor(x.astype(np.float32), requires_grad=True)
    y = CALLS[name](single, w.astype(np.float32))
    y.sum().backward()
    assert (y.dtype, single.grad.dtype) == (np.float32, np.float32)
    exact = ag.tensor(CALLS[name](x, w)).numpy()
    np.testing.assert_allclose(y.numpy(), exact, rtol=1e-5, atol=1e-5)


@for_each("name", CALLS)
@pytest.mark.filterwarnings("ignore::autograd_cnn.errors.CompileWarning")
def test_a_compiled_step_says_the_same(rng, name):
    shape = SEQUENCES if name in ("conv1d", "conv_transpose1d", "max_pool1d") else IMAGES
    compiled = ag.compile(CALLS[name])
    for _ in range(4):
        x, w = rng.standard_normal(shape), _weight(rng, name)
        assert np.array_equal(ag.tensor(compiled(x, w)).numpy(), ag.tensor(CALLS[name](x, w)).numpy())


@for_each("name", CALLS)
def test_arrays_of_other_libraries_are_taken(rng, name):
    shape = SEQUENCES if name in ("conv1d", "conv_transpose1d", "max_pool1d") else IMAGES
    x, w = rng.standard_normal(shape), _weight(rng, name)
    if name not in ("pixel_unshuffle", "fold", "conv3d", "max_unpool2d"):  # which index or reshape it before
        np.testing.assert_array_equal(CALLS[name](Foreign(x), w), CALLS[name](x, w))


def test_where_integers_become_floats():
    image = np.arange(16).reshape(1, 1, 4, 4)
    assert F.interpolate(image, (2, 2), mode="bilinear").dtype == np.float64
    assert F.interpolate(image.astype(np.float16), (2, 2), mode="bilinear").dtype == np.float16


@for_each("mode", ["nearest", "linear", "area"])
def test_long_signals_are_interpolated_without_a_matrix(mode):
    signal = ag.tensor(np.ones((1, 1, 20_000), np.float32), requires_grad=True)
    with memory(50 << 20):
        F.interpolate(signal, 30_000, mode=mode).sum().backward()
    assert signal.grad.sum().item() == pytest.approx(30_000)
    assert F.hardsigmoid([0, 3]).tolist() == [0.5, 1.0]


def test_values_far_out_do_not_overflow():
    far = np.array([-1e300, -800.0, 800.0, 1e300])
    assert F.gelu(far, "tanh").tolist() == [0, 0, 800, 1e300]
    assert F.logsigmoid(far).tolist() == [-1e300, -800, 0, 0]
    assert F.softplus(far, beta=2.0).tolist() == [0, 0, 800, 1e300]
    assert F.softsign(far).tolist() == [-1, -800 / 801, 800 / 801, 1]


def test_dropout_of_a_seed_makes_the_same_choice_each_time():
    x = np.ones((3, 4, 2, 2))
    first = F.dropout2d(x, 0.5, rng=3)
    assert np.array_equal(first, F.dropout2d(x, 0.5, rng=3))
    assert {tuple(np.unique(each)) for each in first.reshape(12, 4)} == {(0.0,), (2.0,)}
    assert F.dropout(x, training=False) is x


X = np.zeros((1, 2, 4, 4))
W = X[0, ..., :2]


@for_each(
    "call, kind, text",
    [
        (lambda: F.conv1d(X, X), ShapeError,
         ("conv1d: the ranks of x and weight do not go together: expected (N, C, L) or (C, L) with (F, C, K), "
         "got x=(1, 2, 4, 4), weight=(1, 2, 4, 4)")),
        (lambda: F.conv1d(X[0], W, stride=(1, 2)), ArgumentError,
         "conv1d: stride is not understood: expected an int, got (1, 2)"),
        (lambda: F.conv1d(X[0], W[:, :2]), ShapeError, "conv1d: weight has C=2 but x has C=4"),
        (lambda: F.conv1d(X[0], W, groups=3), ArgumentError,
         "conv1d: groups is out of range: expected a divisor of the 2 filters, got 3"),
        (lambda: F.conv1d(X[0], W, padding="full"), ArgumentError,
         "conv1d: padding is unknown: expected 'valid' or 'same', got 'full'"),
        (lambda: F.conv1d(X[0], W, 2, padding="same"), ShapeError,
         "conv1d: bias has the wrong shape: expected one number for each filter, (2,), got ()"),
        (lambda: F.conv1d(X[0], W, stride=2, padding="same"), ArgumentError,
         "conv1d: padding='same' needs a stride of 1: expected 1, got (2,)"),
        (lambda: F.conv_transpose1d(X[0], np.zeros((3, 2, 2))), ShapeError,
         "conv_transpose1d: weight has C=3 but x has C=4"),
        (lambda: F.conv3d(np.zeros((1, 2, 4, 4)), np.zeros((1, 1, 3, 1, 1))), ShapeError,
         "conv3d: the filters do not fit into the padded volume along its depth: expected at most 2 slices, got 3"),
        (lambda: F.unfold(X[0, 0], 2), ShapeError,
         "unfold: x has the wrong rank: expected (N, C, H, W) or (C, H, W), got (4, 4)"),
        (lambda: F.fold(X[0], 5, 2), ShapeError,
         "fold: x has the wrong shape: expected (N, C·4, 16) or (C·4, 16), got (2, 4, 4)"),
        (lambda: F.max_pool1d(X, 2), ShapeError,
         "max_pool1d: x has the wrong rank: expected (N, C, L) or (C, L), got (1, 2, 4, 4)"),
        (lambda: F.adaptive_max_pool2d(X, (2, 0)), ArgumentError,
         "adaptive_max_pool2d: output_size is out of range: expected at least 1, got (2, 0)"),
        (lambda: F.max_unpool2d(X, np.zeros((1, 2, 4, 3), int), 2), ShapeError,
         ("max_unpool2d: input and indices do not go together: expected two of (N, C, H, W) or (C, H, W), "
         "got (1, 2, 4, 4) and (1, 2, 4, 3)")),
        (lambda: F.max_unpool2d(X, np.full(X.shape, 64), 2), ArgumentError,
         "max_unpool2d: indices is out of range: expected 0 to 63, of an image of (8, 8), got from 64 to 64"),
        (lambda: F.interpolate(X), ArgumentError,
         "interpolate: how large is the result: expected size or scale_factor, got neither"),
        (lambda: F.interpolate(X, 2, mode="cubic"), ArgumentError,
         ("interpolate: mode is unknown: expected 'nearest', 'nearest-exact', 'linear', 'bilinear', 'bicubic' or "
         "'area', got 'cubic'")),
        (lambda: F.interpolate(X, 2, mode="linear"), ShapeError,
         "interpolate: x has the wrong rank for mode='linear': expected (N, C, L), got (1, 2, 4, 4)"),
        (lambda: F.interpolate(X[0, 0], 2), ShapeError,
         "interpolate: x has the wrong shape: expected (N, C, L) or (N, C, H, W), got (4, 4)"),
        (lambda: F.interpolate(X, 2, align_corners=True), ArgumentError,
         "interpolate: align_corners does not go with mode='nearest'"),
        (lambda: F.interpolate(X, 2, recompute_scale_factor=True), ArgumentError,
         "interpolate: recompute_scale_factor does not go with size"),
        (lambda: F.interpolate(X, scale_factor=(1, 2, 3)), ArgumentError,
         "interpolate: scale_factor has the wrong length: expected 2, one for each axis, got 3"),
        (lambda: F.interpolate(X, scale_factor=-1), ArgumentError,
         "interpolate: scale_factor is out of range: expected a number above 0, got -1"),
        (lambda: F.interpolate(X, scale_factor=0.1), ArgumentError,
         "interpolate: nothing is left of the image: expected a larger scale_factor, got 0.1"),
        (lambda: F.pixel_shuffle(X, 2), ShapeError,
         ("pixel_shuffle: the channels do not make up squares: expected (..., C, H, W), with C a multiple of 4, "
         "got (1, 2, 4, 4)")),
        (lambda: F.pixel_unshuffle(X, 3), ShapeError,
         ("pixel_unshuffle: the pixels do not make up squares: expected (..., C, H, W), with H and W multiples of 3, "
         "got (1, 2, 4, 4)")),
        (lambda: F.pad(X, (1, 2, 3)), ArgumentError,
         "pad: pad is not understood: expected up to 4 pairs, for x of shape (1, 2, 4, 4), got (1, 2, 3)"),
        (lambda: F.pad(X, (4, 0), "reflect"), ShapeError,
         "pad: x is too small for mode='reflect': expected at most 3 along an axis of 4, got (4, 0)"),
        (lambda: F.pad(X, (1, 0), "reflect", 1.0), ArgumentError, "pad: value does not go with mode='reflect'"),
        (lambda: F.pad(X, (-5, 0)), ShapeError,
         "pad: more is cut off than there is: expected less than (1, 2, 4, 4), got (-5, 0)"),
        (lambda: F.hardtanh(X, 1.0, -1.0), ArgumentError,
         "hardtanh: the range is empty: expected min_val <= max_val, got 1.0, -1.0"),
        (lambda: F.glu(X[..., :3]), ShapeError,
         "glu: x has no two halves: expected an even length along -1, got (1, 2, 4, 3)"),
        (lambda: F.prelu(X, np.ones(3)), ShapeError,
         "prelu: weight has the wrong shape: expected (1,) or (2,), got (3,)"),
        (lambda: F.gelu(X, "erf"), ArgumentError, "gelu: approximate is unknown: expected 'none' or 'tanh', got 'erf'"),
        (lambda: F.dropout2d(X[0, 0]), ShapeError,
         "dropout2d: x has the wrong rank: expected (N, C, H, W) or (C, H, W), got (4, 4)"),
        (lambda: F.dropout(X, rng="no"), ArgumentError,
         ("dropout: rng is not understood: expected a generator such as np.random.default_rng(0), an int of at least "
         "0, or None, got 'no'")),
    ],
)  # fmt: skip
def test_what_is_refused(call, kind, text):
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == text


def test_what_is_the_packages_own_is_the_same_function():
    assert F.relu is ag.relu
    assert F.cross_entropy is ag.nn.cross_entropy
    assert all(inspect.getdoc(getattr(F, name)) for name in F.__all__)
