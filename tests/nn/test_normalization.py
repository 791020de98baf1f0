"""Normalisation: batches against the formula, a channel at a time, in both modes; what the others show and refuse."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError
from autograd_cnn.nn import functional as F  # noqa: N812  # as all the world has it
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


@for_each(
    "norm, shown",
    [
        (nn.BatchNorm2d(4), "BatchNorm2d(4, eps=1e-05, momentum=0.1): 8 parameters"),
        (nn.BatchNorm2d(4, affine=False), "BatchNorm2d(4, eps=1e-05, momentum=0.1, affine=False)"),
        (nn.BatchNorm1d(4, momentum=None), "BatchNorm1d(4, eps=1e-05, momentum=None): 8 parameters"),
        (
            nn.BatchNorm1d(4, track_running_stats=False, bias=False),
            "BatchNorm1d(4, eps=1e-05, momentum=0.1, bias=False, track_running_stats=False): 4 parameters",
        ),
        (nn.LayerNorm([2, 3]), "LayerNorm((2, 3), eps=1e-05): 12 parameters"),
        (nn.LayerNorm(3, bias=False), "LayerNorm((3,), eps=1e-05, bias=False): 3 parameters"),
        (nn.LayerNorm(3, 0.1, elementwise_affine=False), "LayerNorm((3,), eps=0.1, elementwise_affine=False)"),
        (nn.RMSNorm(3), "RMSNorm((3,), eps=None): 3 parameters"),
        (nn.GroupNorm(2, 4), "GroupNorm(2, 4, eps=1e-05): 8 parameters"),
        (nn.InstanceNorm2d(4), "InstanceNorm2d(4, eps=1e-05)"),
        (nn.InstanceNorm2d(4, affine=True), "InstanceNorm2d(4, eps=1e-05, affine=True): 8 parameters"),
    ],
)
def test_the_line_it_shows(norm, shown):
    assert repr(norm) == shown


@for_each(
    "call, text",
    [
        (lambda: nn.BatchNorm2d(0), "BatchNorm2d: num_features is out of range: expected an int of at least 1, got 0"),
        (
            lambda: nn.BatchNorm2d(3)(np.ones((2, 4, 5, 5))),
            "BatchNorm2d: x has the wrong shape: expected (N, 3, H, W), got (2, 4, 5, 5)",
        ),
        (
            lambda: nn.BatchNorm2d(3)(np.ones((1, 3, 1, 1))),
            "BatchNorm2d: one value for each channel has no variance to train with: expected at least 2, got shape (1, 3, 1, 1)",
        ),
        (
            lambda: nn.BatchNorm1d(3)(np.ones((2, 4))),
            "BatchNorm1d: x has the wrong shape: expected (N, 3) or (N, 3, L), got (2, 4)",
        ),
        (
            lambda: nn.BatchNorm1d(3)(np.ones((1, 3))),
            "BatchNorm1d: one value for each channel has no variance to train with: expected at least 2, got shape (1, 3)",
        ),
        (
            lambda: nn.LayerNorm(()),
            "LayerNorm: normalized_shape is not understood: expected an int, or a tuple of at least one, got ()",
        ),
        (
            lambda: nn.LayerNorm((2, 3))(np.ones((3, 2))),
            "LayerNorm: x has the wrong shape: expected (..., 2, 3), got (3, 2)",
        ),
        (lambda: nn.RMSNorm(3)(np.ones(4)), "RMSNorm: x has the wrong shape: expected (..., 3), got (4,)"),
        (
            lambda: nn.GroupNorm(2, 3),
            "GroupNorm: channels don't go into the groups: expected a multiple of 2, got 3",
        ),
        (
            lambda: nn.GroupNorm(1, 3)(np.ones(3)),
            "GroupNorm: x has the wrong shape: expected (N, 3, ...), got (3,)",
        ),
        (
            lambda: nn.InstanceNorm2d(3)(np.ones((2, 3, 4))),
            "InstanceNorm2d: x has the wrong shape: expected (N, 3, H, W) or (3, H, W), got (2, 3, 4)",
        ),
        (
            lambda: nn.InstanceNorm2d(3)(np.ones((2, 3, 1, 1))),
            "InstanceNorm2d: one value for each map has no variance: expected at least 2, got shape (2, 3, 1, 1)",
        ),
        (
            lambda: F.layer_norm(np.ones((3, 2)), (2, 3)),
            "layer_norm: input has the wrong shape: expected (..., 2, 3), got (3, 2)",
        ),
        (
            lambda: F.rms_norm(np.ones(3), 3, np.ones(1)),
            "rms_norm: weight has the wrong shape: expected (3,), got (1,)",
        ),
        (
            lambda: F.group_norm(np.ones((1, 3)), 2),
            "group_norm: channels don't go into the groups: expected a multiple of 2, got 3",
        ),
        (
            lambda: F.group_norm(np.ones((1, 4)), 2, np.ones(3)),
            "group_norm: weight has the wrong shape: expected one number for each channel, (4,), got (3,)",
        ),
        (
            lambda: F.instance_norm(np.ones((2, 3))),
            "instance_norm: input has the wrong shape: expected (N, C, ...) of at least 3 axes, not empty, got (2, 3)",
        ),
        (
            lambda: F.instance_norm(np.ones((2, 3, 1))),
            "instance_norm: one value has no variance: expected at least 2, got shape (2, 3, 1)",
        ),
        (
            lambda: F.batch_norm(np.ones((2, 3)), None, None),
            "batch_norm: it has no running values to evaluate with: expected running_mean and running_var, got None",
        ),
        (
            lambda: F.batch_norm(np.ones((2, 3)), np.ones(3), None, training=True),
            "batch_norm: running_var can't be written to: expected an array of NumPy's, got NoneType",
        ),
        (
            lambda: F.batch_norm(np.ones((2, 3)), nn.BatchNorm1d(3).running_mean, np.ones(3), training=True),
            "batch_norm: running_mean can't be written to: expected an array of NumPy's, got a read-only array",
        ),
    ],
)
def test_what_is_refused(call, text):
    with pytest.raises((ArgumentError, OperandError, ShapeError)) as error:
        call()
    assert str(error.value) == text


@for_each("norm", [nn.BatchNorm1d(6), nn.LayerNorm((6, 2)), nn.RMSNorm(2), nn.GroupNorm(2, 6)])
def test_the_others_keep_to_float32_and_are_compiled(rng, norm):
    x = rng.standard_normal((8, 6, 2)).astype(np.float32)

    @ag.compile
    def step(x):
        norm.zero_grad()
        y = norm(x)
        (y * y * y).sum().backward()
        return y

    found = [step(x).numpy() for _ in range(3)]
    assert step.plan is not None
    np.testing.assert_array_equal(found[0], found[2])
    assert {found[0].dtype, *(p.grad.dtype for p in norm.parameters())} == {np.dtype(np.float32)}


@for_each(
    "layer, shape",
    [
        (nn.LayerNorm(3), (0, 3)),
        (nn.GroupNorm(1, 3), (0, 3, 4)),
        (nn.InstanceNorm2d(3, affine=True), (0, 3, 4, 4)),
        (nn.BatchNorm2d(3).eval(), (0, 3, 4, 4)),
        (nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, rng=0).eval(), (0, 5, 4)),
    ],
)
def test_no_examples(layer, shape):
    """They are normalised to none, and the gradients of the parameters are 0."""
    x = ag.tensor(np.zeros(shape, np.float32), requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert (y.shape, x.grad.shape) == (shape, shape)
    assert all(np.array_equal(p.grad.data, np.zeros(p.shape)) for p in layer.parameters())
