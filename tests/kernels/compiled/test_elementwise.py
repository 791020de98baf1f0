import numpy as np
import pytest
from tables import for_each

from autograd_cnn.kernels import reference
from autograd_cnn.kernels.compiled import elementwise as compiled
from autograd_cnn.kernels.compiled.broadcasting import MIN_BROADCAST
from autograd_cnn.kernels.compiled.map import CHUNK, MIN_LIGHT, MIN_PARALLEL

NUMBERS = [1.5, -2, np.float32(0.5), np.float64(0.25)]
SIZES = [compiled.MIN_COMPILED, compiled.MIN_COMPILED + 1, MIN_PARALLEL + 15, 3 * CHUNK + 17 + MIN_LIGHT]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES)
def test_they_agree_with_the_reference(rng, size, dtype):
    x = rng.standard_normal(size).astype(dtype)
    x[:4] = 0, -0.0, np.inf, -np.inf
    for ours, theirs in zip(compiled.relu(x), reference.relu(x), strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
    for ours, theirs in zip(compiled.leaky_relu(x, 0.3), reference.leaky_relu(x, 0.3), strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
    mask = rng.random(size) < 0.5
    np.testing.assert_array_equal(compiled.masked(x, mask), reference.masked(x, mask))
    np.testing.assert_array_equal(compiled.damped(x, mask, 0.3), reference.damped(x, mask, 0.3))
    np.testing.assert_array_equal(np.signbit(compiled.sign(x)), np.signbit(reference.sign(x)))


def test_a_nan_passes():
    x = np.full(MIN_PARALLEL, -1.0)
    x[5] = np.nan
    y, mask = compiled.relu(x)
    assert np.isnan(y[5])
    assert np.flatnonzero(mask).tolist() == [5]
    y, mask = compiled.leaky_relu(x, 0.5)
    assert np.isnan(y[5])
    assert not mask.any()


def test_a_mask_hides_what_is_infinite():
    x = np.full(MIN_PARALLEL, np.inf)
    assert not compiled.masked(x, np.zeros(x.shape, bool)).any()


def test_views_of_any_layout(rng):
    x = rng.standard_normal((2, 3, 400, 40))[:, :, ::2, ::-1]
    y, mask = compiled.relu(x)
    np.testing.assert_array_equal(y, np.maximum(x, 0))
    np.testing.assert_array_equal(compiled.masked(x, mask), y)


def test_small_arrays_and_ints_are_declined():
    assert compiled.relu(np.ones(compiled.MIN_COMPILED - 1)) is NotImplemented
    assert compiled.masked(np.ones(8), np.ones(8, bool)) is NotImplemented
    assert compiled.relu(np.ones(MIN_PARALLEL, int)) is NotImplemented


@for_each("name", ["add", "subtract", "multiply", "divide", "maximum", "minimum"])
@for_each("dtype", [np.float32, np.float64])
def test_arithmetic_with_what_is_broadcast(rng, name, dtype):
    long, short = rng.standard_normal((4, 8, 24, 33)).astype(dtype), rng.standard_normal((700, 4, 3, 2)).astype(dtype)
    for x, others in (
        (long, [(8, 1, 1), (1, 8, 1, 1), (4, 8, 1, 1), (4, 1, 1, 1), (24, 1), (33,), (24, 33), (1, 1, 33)]),
        (short, [(4, 1, 1), (700, 4, 1, 1), (700, 1, 1, 1), (3, 1), (4, 3, 1), (2,), (3, 2), (4, 3, 2)]),
    ):
        for other in others:
            w = rng.standard_normal(other).astype(dtype)
            found = getattr(compiled, name)(x, w)
            np.testing.assert_array_equal(found, getattr(reference, name)(x, w), err_msg=str(other))
            assert found.dtype == dtype
            np.testing.assert_array_equal(getattr(compiled, name)(x[::-1], w), getattr(reference, name)(x[::-1], w))


@for_each("number", NUMBERS)
@for_each("dtype", [np.float32, np.float64])
def test_arithmetic_with_a_number(rng, number, dtype):
    x = rng.standard_normal(MIN_BROADCAST + 5).astype(dtype)
    for name in ("add", "maximum"):
        found, expected = getattr(compiled, name)(x, number), getattr(reference, name)(x, number)
        if isinstance(number, np.generic) and number.dtype != dtype:
            assert found is NotImplemented
        else:
            np.testing.assert_array_equal(found, expected)
            assert found.dtype == expected.dtype


def test_arithmetic_that_is_declined():
    x = np.ones((64, 4, 16, 8))
    for other in ((64, 1, 16, 1), (1, 64, 4, 16, 8), (2, 1, 1, 1, 1), (64, 1, 1, 8)):
        assert compiled.multiply(x, np.ones(other)) is NotImplemented
    assert compiled.multiply(x, np.ones((4, 1, 1), np.float32)) is NotImplemented
    assert compiled.multiply(x[0], np.ones((4, 1, 1))) is NotImplemented
    for other in (x, None, "1", True, 1j):  # NumPy's to compute, or to refuse
        assert compiled.multiply(x, other) is NotImplemented


@for_each("name", ["maximum", "minimum"])
def test_nan_is_neither_larger_nor_smaller(name):
    x1, x2 = np.ones((2, MIN_LIGHT))
    x1[:3], x2[1:5] = (np.nan, np.nan, np.inf), (np.nan, 2, -np.inf, np.nan)
    np.testing.assert_array_equal(getattr(compiled, name)(x1, x2), getattr(np, name)(x1, x2))


@for_each("dtype", [np.float32, np.float64])
def test_choices(rng, dtype):
    for size in SIZES:
        (x1, x2), mask = rng.standard_normal((2, size)).astype(dtype), rng.random(size) < 0.5
        x1[:4] = x2[-4:] = np.nan, np.inf, -0.0, 0.0
        for operands in ((x1, x2), (x1, 0), (0.5, x2), (x1[::-1], x1)):
            found = compiled.where(mask, *operands)
            np.testing.assert_array_equal(found, np.where(mask, *operands))
            assert found.dtype == dtype


def test_choices_that_are_declined():
    x = np.ones((2, compiled.MIN_COMPILED))
    mask = x > 0
    for operands in ((mask, x, x[:1]), (mask, 1, 2), (mask[:1], x, x), (x, x, x), (mask, x, x.astype(np.float32)),
                     (mask, x, np.float64(1)), (mask[:, 1:], x[:, 1:], 1j), (mask[0, 1:], x[0, 1:], 1)):  # fmt: skip
        assert compiled.where(*operands) is NotImplemented
