"""Optimisers' steps: the reference's bits, whatever the size, the layout and the number of threads."""

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.kernels import reference
from autograd_cnn.kernels.compiled import descent as compiled
from autograd_cnn.kernels.compiled.map import CHUNK, MIN_PARALLEL

SIZES = [1, 15, 17, CHUNK, CHUNK + 1, MIN_PARALLEL + 3]


@pytest.fixture(autouse=True)
def _any_size(monkeypatch):
    """Let the kernels have arrays for which NumPy is faster, too."""
    monkeypatch.setattr(compiled, "MANY_ARRAYS", 1)


def _arrays(rng, size, dtype):
    value, grad, mean = rng.standard_normal((3, size)).astype(dtype)
    return value, grad, mean, rng.random(size).astype(dtype)


def _assert_same(name, value, *arguments):
    """Run a step of two parameters on both sides."""
    halves = [[x[: len(x) // 2 + 1], x[len(x) // 2 :]] if isinstance(x, np.ndarray) else x for x in arguments]
    if name == "adam":
        halves[3:5] = [[number, number / 2] for number in halves[3:5]]
    values = [value[: len(value) // 2 + 1], value[len(value) // 2 :]]
    outs = [[np.full(x.shape, 7, x.dtype) for x in values] for _ in range(2)]
    found = [
        getattr(module, name)(out, values, *halves)
        for module, out in zip((compiled, reference), outs, strict=True)
    ]  # fmt: skip
    assert found[0] is not NotImplemented
    for ours, theirs in zip(*map(_flat, ([outs[0], found[0]], [outs[1], found[1]])), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    return _flat(outs[0]), _flat(found[0])


def _flat(nested):
    return [x for each in nested for x in _flat(each)] if isinstance(nested, (list, tuple)) else [nested]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES)
def test_the_bits_are_the_references(rng, size, dtype):
    value, grad, mean, square = _arrays(rng, size, dtype)
    for decay in (0.0, 0.01):
        _assert_same("sgd", value, grad, 0.1, decay)
        _assert_same("sgd_with_momentum", value, grad, mean, 0.1, decay, 0.9, 0.0, 0.9)
        _assert_same("sgd_with_momentum", value, grad, mean, 0.1, decay, 0.9, 0.3, 0.0)
        _assert_same("adam", value, grad, mean, square, 1e-3, 1e-8, 0.9, 0.999, decay, 1.0)
        _assert_same("adam", value, grad, mean, square, 1e-3, 1e-8, 0.9, 0.999, 0.0, 1 - decay)


def test_a_gradient_of_any_layout(rng):
    value, grad = np.ones((40, 30)), rng.standard_normal((30, 80)).T[::2]
    _assert_same("sgd", value, grad, 0.1, 0.0)
    _assert_same("adam", value, grad, grad, grad**2, 1e-3, 1e-8, 0.9, 0.999, 0.0, 1.0)


def test_the_bits_do_not_depend_on_the_threads(rng):
    value, grad, mean, square = _arrays(rng, 3 * MIN_PARALLEL + 5, np.float32)
    before, found = ag.num_threads(), []
    try:
        for count in (1, before):
            ag.set_num_threads(count)
            found.append(_assert_same("adam", value, grad, mean, square, 1e-3, 1e-8, 0.9, 0.999, 0.01, 1.0))
    finally:
        ag.set_num_threads(before)
    for one, two in zip(*map(_flat, found), strict=True):
        np.testing.assert_array_equal(one, two)


def test_what_they_are_not_made_for_is_declined():
    out, value = np.empty((4, 3)), np.ones((4, 3))
    for grad in (np.ones((4, 3), np.float32), np.ones((1, 3)), np.ones(())):
        assert compiled.sgd([out], [value], [grad], 0.1, 0.0) is NotImplemented
        moments = [value], [value], [0.1], [0.1]
        assert compiled.adam([out], [value], [grad], *moments, 0.9, 0.9, 0.0, 1.0) is NotImplemented
    assert compiled.sgd_with_momentum([out], [value], [value], [None], 0.1, 0.0, 0.9, 0.0, 0.0) is NotImplemented
    assert compiled.adam([out], [value], [value], [0.0], [0.0], [0.1], [0.1], 0.9, 0.9, 0.0, 1.0) is NotImplemented
    for other, like in ((np.empty((3, 4)).T, value), (np.empty((0, 3)), np.ones((0, 3)))):
        assert compiled.sgd([other], [like], [like], 0.1, 0.0) is NotImplemented
