"""The networks by name: sizes as published, shapes, scopes, seeds, and that they learn."""

import numpy as np
import pytest

from autograd_cnn import nn, optim
from autograd_cnn.errors import ArgumentError
from autograd_cnn.nn.models.resnet import BasicBlock, PadShortcut

NETWORKS = [
    (nn.digits_net, (1, 8, 8), 38_282),
    (nn.lenet5, (1, 28, 28), 44_426),
    (nn.small_vgg, (3, 32, 32), 307_498),
    (nn.resnet20, (3, 32, 32), 269_722),
]


@pytest.mark.parametrize(("make", "shape", "size"), NETWORKS)
def test_sizes_and_gradients(rng, make, shape, size):
    net = make(rng=0)
    assert sum(p.size for p in net.parameters()) == size
    scores = net(rng.random((2, *shape), np.float32))
    assert (scores.shape, scores.dtype) == ((2, 10), np.float32)
    nn.cross_entropy(scores, [3, 7]).backward()
    assert all(p.grad.dtype == np.float32 and np.any(p.grad.numpy()) for p in net.parameters())


@pytest.mark.parametrize(("make", "shape", "size"), NETWORKS)
def test_the_seed_decides_and_no_two_layers_start_alike(make, shape, size):
    one, two, other = make(rng=0), make(rng=np.random.default_rng(0)), make(rng=1)
    for key, value in one.state_dict().items():
        assert np.array_equal(value, two.state_dict()[key])
    weights = [p for p in one.parameters() if p.ndim > 1]
    assert len({float(w.numpy().flat[0]) for w in weights}) == len(weights)
    assert not np.array_equal(weights[0].numpy(), next(other.parameters()).numpy())


def test_other_images_and_classes():
    x = np.zeros((1, 3, 32, 32), np.float32)
    assert nn.lenet5(in_channels=3, image_size=32, classes=4)(x).shape == (1, 4)
    assert nn.small_vgg(in_channels=1, image_size=28, classes=4)(x[:, :1, :28, :28]).shape == (1, 4)
    assert nn.resnet20(in_channels=1, classes=4)(x[:, :1, :8, :8]).shape == (1, 4)
    assert nn.digits_net(classes=2)(x[:, :1, :8, :8]).shape == (1, 2)


@pytest.mark.parametrize(("make", "size", "least"), [(nn.lenet5, 15, 16), (nn.small_vgg, 7, 8)])
def test_images_that_are_too_small(make, size, least):
    make(image_size=least)
    with pytest.raises(ArgumentError) as error:
        make(image_size=size)
    assert str(error.value) == f"{make.__name__}: image_size is out of range: expected at least {least}, got {size}"


def test_a_residual_block_is_its_formula(rng):
    block = BasicBlock(2, 4, 2, rng=rng).eval()
    x = rng.random((2, 2, 6, 6), np.float32)
    inner = block.bn2(block.conv2(np.maximum(block.bn1(block.conv1(x)).numpy(), 0))).numpy()
    shortcut = np.zeros((2, 4, 3, 3), np.float32)
    shortcut[:, :2] = x[:, :, ::2, ::2]
    np.testing.assert_allclose(block(x).numpy(), np.maximum(inner + shortcut, 0), rtol=1e-5, atol=1e-6)
    assert repr(PadShortcut(2)) == "PadShortcut(channels=2)"


def test_scopes_follow_the_blocks(rng):
    y = nn.resnet20(rng=0)[:4](rng.random((1, 3, 8, 8), np.float32))
    assert y.node.scope.path == "layer1.2.relu2"


def test_a_network_learns_a_batch_by_heart(rng):
    net = nn.digits_net(rng=0)
    x, labels = rng.random((32, 1, 8, 8), np.float32), rng.integers(0, 10, 32)
    optimizer = optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        loss = nn.cross_entropy(net(x), labels)
        loss.backward()
        optimizer.step()
    assert np.mean(net(x).numpy().argmax(axis=1) == labels) == 1
    assert loss.item() < 0.1
