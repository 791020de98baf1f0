"""The losses of numbers: as the reference has them, whatever the size, and the same bits on any number of threads."""

import numpy as np
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.kernels import reference
from autograd_cnn.kernels.compiled import loss as compiled
from autograd_cnn.kernels.compiled.map import CHUNK, MIN_PARALLEL

SIZES = [64, CHUNK - 1, CHUNK + 1, 3 * MIN_PARALLEL + 5]


def _results(module, size, dtype, delta):
    rng = np.random.default_rng(size)
    g, x, t = rng.standard_normal((3, size)).astype(dtype)
    one = np.asarray(g[0])
    yield module.huber(x, t, delta, 0.5)
    yield module.huber_wrt_x(g, x, t, delta, 0.5)
    yield module.huber_wrt_x(one, x, t, delta, 0.5)
    yield module.total_huber(x, t, delta, 0.5)


@for_each("dtype", [np.float32, np.float64])
@for_each("delta", [0.3, 1, np.inf])
@for_each("size", SIZES)
def test_they_agree_with_the_reference(size, dtype, delta):
    for ours, theirs in zip(*(_results(module, size, dtype, delta) for module in (compiled, reference)), strict=True):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        np.testing.assert_allclose(ours, theirs, rtol=32 * np.finfo(dtype).eps)


def test_the_bits_do_not_depend_on_the_threads():
    before, found = ag.num_threads(), []
    for count in (1, before):
        ag.set_num_threads(count)
        found.append([each.tobytes() for each in _results(compiled, SIZES[-1], np.float32, 1.0)])
    ag.set_num_threads(before)
    assert found[0] == found[1]


def test_an_infinite_error_is_an_infinite_loss():
    x, t = np.full(64, np.inf), np.zeros(64)
    for module in (compiled, reference):
        assert module.total_huber(x, t, np.inf, 1) == module.total_huber(x, t, 2.0, 1) == np.inf


def test_what_they_are_not_made_for_is_declined():
    x = np.ones(64)
    for t in (np.ones(1), np.ones(64, np.float32), np.ones((64, 1))):
        assert compiled.total_huber(x, t, 1, 1) is compiled.huber_wrt_x(x, x, t, 1, 1) is NotImplemented
    assert compiled.huber_wrt_x(np.ones(1), x, x, 1, 1) is NotImplemented
