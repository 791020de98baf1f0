"""The published network: connections, numbers of parameters, and that it learns."""

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn, optim
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.nn.models.lenet import C3_SEES

SEES = ((0, 2), (1,), (2, 1, 0))


def _layer(rng):
    layer = nn.PartialConv2d(3, SEES, (2, 3), rng=rng, dtype=float)
    layer.bias.data = rng.standard_normal(3)
    return layer


# --- maps that see some of the maps -----------------------------------------------------------


def test_each_filter_is_a_convolution_of_what_it_sees(rng):
    layer = _layer(rng)
    x = ag.tensor(rng.standard_normal((2, 3, 5, 6)), requires_grad=True)
    y = layer(x)
    g = rng.standard_normal(y.shape)
    y.backward(g)
    first, dx = 0, np.zeros(x.shape)
    for f, channels in enumerate(SEES):
        kernels = slice(first, first + len(channels))
        first += len(channels)
        leaf = ag.tensor(x.numpy()[:, list(channels)], requires_grad=True)
        w = ag.tensor(layer.weight.numpy()[None, kernels], requires_grad=True)
        alone = ag.correlate2d(leaf, w, layer.bias.numpy()[f : f + 1])
        alone.backward(g[:, f : f + 1])
        np.testing.assert_allclose(y.numpy()[:, f], alone.numpy()[:, 0], rtol=1e-12)
        np.testing.assert_allclose(layer.weight.grad.numpy()[kernels], w.grad.numpy()[0], rtol=1e-12)
        dx[:, list(channels)] += leaf.grad.numpy()
    np.testing.assert_allclose(x.grad.numpy(), dx, rtol=1e-12)
    np.testing.assert_allclose(layer.bias.grad.numpy(), g.sum(axis=(0, 2, 3)), rtol=1e-12)


def test_a_channel_that_is_not_seen_changes_nothing(rng):
    layer, x = _layer(rng), rng.standard_normal((1, 3, 4, 4))
    other = x.copy()
    other[:, 1] += 1
    assert np.array_equal(layer(x).numpy()[:, 0], layer(other).numpy()[:, 0])
    assert not np.allclose(layer(x).numpy()[:, 1:], layer(other).numpy()[:, 1:])


def test_with_all_connections_it_is_a_convolution(rng):
    layer, x = nn.PartialConv2d(2, [(0, 1)] * 3, 3, rng=rng), rng.standard_normal((2, 2, 5, 5)).astype(np.float32)
    plain = ag.correlate2d(x, layer.weight.numpy().reshape(3, 2, 3, 3), layer.bias.numpy())
    assert np.array_equal(layer(x).numpy(), plain)
    assert np.array_equal(layer(x[0]).numpy(), layer(x).numpy()[0])
    assert layer(x).dtype == np.float32


def test_first_values_are_within_each_filters_bound_and_follow_the_seed():
    layer = nn.PartialConv2d(6, [(0,), range(6)], 9, rng=0)
    for kernels, fan_in in ((layer.weight.numpy()[:1], 81), (layer.weight.numpy()[1:], 486)):
        assert 0.9 / fan_in**0.5 < np.abs(kernels).max() <= 1 / fan_in**0.5
    assert np.array_equal(layer.weight.numpy(), nn.PartialConv2d(6, [(0,), range(6)], 9, rng=0).weight.numpy())


def test_the_line_it_shows():
    shown = "PartialConv2d(3, 3, kernel_size=(2, 3), 6 of 9 pairs): 39 parameters"
    assert repr(nn.PartialConv2d(3, SEES, (2, 3))) == shown


@pytest.mark.parametrize("channels", [(), (0, 0), (3,), (-1,)])
def test_what_a_filter_cant_see(channels):
    with pytest.raises(ArgumentError) as error:
        nn.PartialConv2d(3, [(0,), channels], 2)
    expected = f"filter 1 can't see these channels: expected one or more of 0 to 2, each once, got {channels}"
    assert str(error.value) == f"PartialConv2d: {expected}"


def test_sizes_out_of_range():
    for arguments, problem in (
        ((0, SEES, 2), "in_channels is out of range: expected an int of at least 1, got 0"),
        ((3, [], 2), "filters is out of range: expected an int of at least 1, got 0"),
        ((3, SEES, 0), "kernel_size is out of range: expected at least 1, got 0"),
    ):
        with pytest.raises(ArgumentError) as error:
            nn.PartialConv2d(*arguments)
        assert str(error.value) == f"PartialConv2d: {problem}"
    with pytest.raises(ShapeError) as error:
        nn.PartialConv2d(3, SEES, 2)(np.ones((2, 4, 4)))
    expected = "x has the wrong shape: expected (N, 3, H, W) or (3, H, W), got (2, 4, 4)"
    assert str(error.value) == f"PartialConv2d: {expected}"


# --- the network ------------------------------------------------------------------------------


def test_the_table_is_as_the_paper_describes_it():
    """Three in a row, four in a row, both around the end, some four that are not in a row, and all (section II.B)."""
    threes = [{(first + i) % 6 for i in range(3)} for first in range(6)]
    fours = [{(first + i) % 6 for i in range(4)} for first in range(6)]
    seen = list(map(set, C3_SEES))
    assert all(three in seen[:6] for three in threes)
    assert all(four in seen[6:12] for four in fours)
    assert [len(maps) for maps in seen[12:]] == [4, 4, 4, 6]
    assert not any(maps in fours for maps in seen[12:])
    assert [sum(c in maps for maps in seen) for c in range(6)] == [10] * 6


def test_the_squashing_function():
    """f(1) = 1 and f(-1) = -1, and its second derivative is largest there (appendix A)."""
    x = ag.tensor(np.linspace(0.5, 1.5, 101), requires_grad=True)
    y = nn.ScaledTanh()(x)
    assert y.numpy()[50] == pytest.approx(1, abs=1e-4)
    first = ag.grad(lambda x: nn.ScaledTanh()(x).sum())
    second = ag.grad(lambda x: first(x).sum())(x).numpy()
    assert abs(x.numpy()[np.abs(second).argmax()] - 1) < 0.02


def test_every_layer_gets_a_gradient(rng):
    net = nn.lenet1998(rng=0)
    scores = net(rng.random((2, 1, 32, 32), np.float32))
    assert (scores.shape, scores.dtype) == ((2, 10), np.float32)
    nn.cross_entropy(scores, [3, 7]).backward()
    assert all(p.grad.dtype == np.float32 and np.any(p.grad.numpy()) for p in net.parameters())


def test_it_learns_the_digits():
    """Of 8×8 pixels, each made 4×4; background -0.1 and ink 1.175, as in the paper."""
    train, _ = ag.data.digits()
    images = train.images[:256].repeat(4, axis=2).repeat(4, axis=3) * np.float32(1.275) - np.float32(0.1)
    labels = train.labels[:256]
    net = nn.lenet1998(rng=0)
    optimizer = optim.Adam(net.parameters(), lr=2e-3)
    for step in range(24):
        batch = slice(step * 64 % 256, step * 64 % 256 + 64)
        optimizer.zero_grad()
        nn.cross_entropy(net(images[batch]), labels[batch]).backward()
        optimizer.step()
    assert np.mean(net(images).numpy().argmax(axis=1) == labels) > 0.9
