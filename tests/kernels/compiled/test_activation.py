"""The one-pass functions of numbers: as the reference has them, whatever the layout, the size and the number of threads."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.kernels import compiled, reference
from autograd_cnn.kernels.compiled import map as mapping

ONE = [
    "absolute", "elu", "erf", "exp", "exp2", "gaussian", "gelu", "gelu_tanh", "sigmoid", "sigmoid_slope", "silu", "softplus", "sqrt",
]  # fmt: skip
TWO = [
    "absolute_wrt_x", "elu_wrt_x", "gelu_tanh_wrt_x", "gelu_wrt_x", "logaddexp", "sigmoid_wrt_x", "silu_wrt_x", "sqrt_wrt_x", "tanh_wrt_x",
]  # fmt: skip
ROUGH = [*TWO, "gelu_tanh"]
"""What crosses 0, or rounds an exponent."""
NUMBERS = {"elu": 0.7, "elu_wrt_x": 0.7, "gaussian": 0.5}
SIZES = [64, 65, 79, mapping.CHUNK - 1, mapping.CHUNK, mapping.CHUNK + 1, mapping.MIN_PARALLEL + 3]
ODD = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e30, -1e30, 1e-40, -1e-40, 88.0, -88.0, -95.0, 13.5, -13.5]


def _call(module, name, x, g):
    numbers = (NUMBERS[name],) if name in NUMBERS else ()
    return getattr(module, name)(*(x,) if name in ONE else (g, x), *numbers)


@pytest.fixture
def _all_threads():
    before = ag.num_threads()
    yield
    ag.set_num_threads(before)


@for_each("dtype", [np.float32, np.float64])
@for_each("name", [*ONE, *TWO])
def test_they_agree_with_the_reference(rng, name, dtype):
    for size in SIZES:
        x, g = (rng.standard_normal(size).astype(dtype) * 6, rng.standard_normal(size).astype(dtype))
        x[: len(ODD)] = ODD
        x[-1] = -0.25
        for each in (x, g):
            each.flags.writeable = False
        with np.errstate(all="ignore"):
            ours, theirs = _call(compiled, name, x, g), _call(reference, name, x, g)
        eps, info = np.finfo(dtype).eps, np.finfo(dtype)
        np.testing.assert_allclose(ours, theirs, rtol=16 * eps, atol=16 * eps * (name in ROUGH) + 4 * info.tiny)
        assert ours.dtype == dtype


@for_each("name", [*ONE, *TWO])
def test_views_of_any_layout(rng, name):
    x, g = rng.standard_normal((2, 6, 40, 30)).astype(np.float32)[:, ::2, :, ::-1], np.ones((2, 3, 40, 30), np.float32)
    expected = _call(compiled, name, np.ascontiguousarray(x), g)
    np.testing.assert_array_equal(_call(compiled, name, x, g.transpose(0, 1, 3, 2).copy().swapaxes(2, 3)), expected)


@pytest.mark.usefixtures("_all_threads")
@pytest.mark.parametrize("name", [*ONE, *TWO])
def test_the_bits_do_not_depend_on_the_threads(rng, name):
    x, g = rng.standard_normal((2, 3 * mapping.MIN_PARALLEL + 5)).astype(np.float32)
    found = []
    for count in (1, ag.num_threads()):
        ag.set_num_threads(count)
        found.append(_call(compiled, name, x, g))
    np.testing.assert_array_equal(*found)


def test_what_they_are_not_made_for_is_declined():
    x = np.ones(64)
    for small in (np.ones(63), np.float64(1), 1.0, np.ones(64, int), np.ones(64, np.float16)):
        assert compiled.gelu(small) is compiled.elu(small, 1.0) is NotImplemented
    for g in (np.ones(64, np.float32), np.ones(1), 1.0, np.ones((64, 1))):
        assert compiled.gelu_wrt_x(g, x) is compiled.elu_wrt_x(g, x, 1.0) is NotImplemented


@for_each("dtype", [np.float32, np.float64])
@for_each("name", ["gelu", "gelu_tanh", "silu"])
def test_zeros_far_out_have_the_sign_of_the_reference(name, dtype):
    x = np.tile(np.array([-1e30, -100.0, -0.0, 0.0], dtype), 20)
    ours, theirs = getattr(compiled, name)(x), getattr(reference, name)(x)
    np.testing.assert_array_equal(np.signbit(ours), np.signbit(theirs))
