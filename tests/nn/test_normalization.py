"""Batch normalisation against the formula, a channel at a time, in both modes."""

import numpy as np
import pytest

from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.testing import gradcheck


def _normalised(x, mean, var, weight, bias, eps):
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        y[:, c] = (x[:, c] - mean[c]) / np.sqrt(var[c] + eps) * weight[c] + bias[c]
    return y


@pytest.fixture
def norm(rng):
    norm = nn.BatchNorm2d(3, eps=1e-3, dtype=float)
    norm.weight.data, norm.bias.data = rng.random(3), rng.random(3)
    return norm


def test_in_training_the_batch_s_own_moments(rng, norm):
    x = rng.standard_normal((4, 3, 5, 2)) * 3 + 7
    channels = [x[:, c].ravel() for c in range(3)]
    mean, var = [c.mean() for c in channels], [c.var() for c in channels]
    expected = _normalised(x, mean, var, norm.weight.numpy(), norm.bias.numpy(), 1e-3)
    np.testing.assert_allclose(norm(x).numpy(), expected, rtol=1e-10)
    np.testing.assert_allclose(norm.running_mean, [0.1 * m for m in mean], rtol=1e-12)
    np.testing.assert_allclose(norm.running_var, [0.9 + 0.1 * c.var(ddof=1) for c in channels], rtol=1e-12)
    assert norm.num_batches_tracked == 1


def test_in_use_the_running_moments(rng, norm):
    norm.running_mean, norm.running_var = rng.random(3), rng.random(3)
    before = norm.state_dict()
    x = rng.standard_normal((1, 3, 1, 1))
    expected = _normalised(x, norm.running_mean, norm.running_var, norm.weight.numpy(), norm.bias.numpy(), 1e-3)
    np.testing.assert_allclose(norm.eval()(x).numpy(), expected, rtol=1e-12)
    assert all(np.array_equal(value, before[key]) for key, value in norm.state_dict().items())


def test_without_momentum_all_batches_count_alike(rng):
    norm = nn.BatchNorm2d(1, momentum=None, affine=False, dtype=float)
    batches = [rng.standard_normal((2, 1, 3, 3)) for _ in range(3)]
    for batch in batches:
        norm(batch)
    np.testing.assert_allclose(norm.running_mean, [np.mean([b.mean() for b in batches])], rtol=1e-12)
    np.testing.assert_allclose(norm.running_var, [np.mean([b.var(ddof=1) for b in batches])], rtol=1e-12)
    assert list(norm.state_dict()) == ["running_mean", "running_var", "num_batches_tracked"]


@pytest.mark.parametrize("failing", ["autograd_cnn.kernels.moments", "autograd_cnn.ops.batch_norm"])
def test_a_batch_that_fails_moves_nothing(monkeypatch, rng, norm, failing):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    before = norm.state_dict()
    monkeypatch.setattr(failing, interrupted)
    with pytest.raises(KeyboardInterrupt):
        norm(rng.standard_normal((2, 3, 2, 2)))
    assert all(value is before[name] for name, value in norm.state_dict().items() if name.startswith(("run", "num")))


@pytest.mark.parametrize("training", [True, False])
def test_gradients_of_both_orders(rng, norm, training):
    norm.train(mode=training)
    del norm.weight, norm.bias

    def f(x, weight, bias):
        norm.weight, norm.bias = weight, bias
        return norm(x)

    inputs = [rng.standard_normal((2, 3, 2, 2)), rng.random(3), rng.random(3)]
    assert gradcheck(f, inputs, order=2)


def test_float32_stays(rng):
    norm = nn.BatchNorm2d(2)
    y = norm(rng.standard_normal((2, 2, 3, 3)).astype(np.float32))
    y.sum().backward()
    assert {y.dtype, norm.running_mean.dtype, norm.running_var.dtype, norm.weight.grad.dtype} == {np.dtype(np.float32)}


def test_the_line_it_shows():
    assert repr(nn.BatchNorm2d(4)) == "BatchNorm2d(4, eps=1e-05, momentum=0.1): 8 parameters"
    assert repr(nn.BatchNorm2d(4, affine=False)) == "BatchNorm2d(4, eps=1e-05, momentum=0.1, affine=False)"


def test_what_is_refused():
    with pytest.raises(ArgumentError) as error:
        nn.BatchNorm2d(0)
    assert str(error.value) == "BatchNorm2d: num_features is out of range: expected an int of at least 1, got 0"
    with pytest.raises(ShapeError) as error:
        nn.BatchNorm2d(3)(np.ones((2, 4, 5, 5)))
    assert str(error.value) == "BatchNorm2d: x has the wrong shape: expected (N, 3, H, W), got (2, 4, 5, 5)"
    with pytest.raises(ShapeError) as error:
        nn.BatchNorm2d(3)(np.ones((1, 3, 1, 1)))
    assert str(error.value) == (
        "BatchNorm2d: one value for each channel has no variance to train with: expected at least 2, "
        "got shape (1, 3, 1, 1)"
    )
