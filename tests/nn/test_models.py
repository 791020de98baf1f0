"""The networks by name: sizes as published, shapes, scopes, seeds, and that they learn."""

from functools import partial

import numpy as np
import pytest

from autograd_cnn import nn, optim
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.nn.models.resnet import BasicBlock, PadShortcut

NETWORKS = [
    (nn.digits_net, (1, 8, 8), 38_282),
    (nn.lenet5, (1, 28, 28), 44_426),
    (nn.small_vgg, (3, 32, 32), 307_498),
    (nn.resnet20, (3, 32, 32), 269_722),
    (partial(nn.mobilenet_v2, width=0.25, classes=10), (3, 64, 64), 250_922),
    (nn.tiny_vit, (3, 32, 32), 207_946),
]

PUBLISHED = [
    # names and shapes in torchvision 0.28, and in milesial's Pytorch-UNet
    (nn.resnet18, 11_689_512, 122, {
        "conv1.weight": (64, 3, 7, 7),
        "layer1.1.bn2.num_batches_tracked": (),
        "layer2.0.downsample.0.weight": (128, 64, 1, 1),
        "layer4.1.conv2.weight": (512, 512, 3, 3),
        "fc.bias": (1000,),
    }),
    (nn.mobilenet_v2, 3_504_872, 314, {
        "features.0.1.running_mean": (32,),
        "features.1.conv.0.0.weight": (32, 1, 3, 3),
        "features.1.conv.1.weight": (16, 32, 1, 1),
        "features.2.conv.1.0.weight": (96, 1, 3, 3),
        "features.17.conv.3.running_var": (320,),
        "features.18.0.weight": (1280, 320, 1, 1),
        "classifier.1.weight": (1000, 1280),
    }),
    (nn.unet, 31_037_698, 118, {
        "inc.double_conv.0.weight": (64, 3, 3, 3),
        "down4.maxpool_conv.1.double_conv.4.weight": (1024,),
        "up1.up.weight": (1024, 512, 2, 2),
        "up4.conv.double_conv.3.weight": (64, 64, 3, 3),
        "outc.conv.bias": (2,),
    }),
]  # fmt: skip


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


@pytest.mark.parametrize(("make", "size", "entries", "some"), PUBLISHED)
def test_the_state_is_that_of_published_weights(make, size, entries, some):
    net = make(rng=0)
    state = net.state_dict()
    assert sum(p.size for p in net.parameters()) == size
    assert len(state) == entries
    assert {name: state[name].shape for name in some} == some


def test_a_unet_scores_every_pixel_and_learns_everywhere(rng):
    net = nn.unet(rng=0, in_channels=1, classes=3, width=2)
    scores = net(rng.random((2, 1, 32, 16), np.float32))
    assert scores.shape == (2, 3, 32, 16)
    nn.cross_entropy(scores, rng.integers(0, 3, (2, 32, 16))).backward()
    assert all(np.any(p.grad.numpy()) for p in net.parameters())
    with pytest.raises(ShapeError) as error:
        net(np.zeros((1, 1, 32, 24), np.float32))
    assert str(error.value) == (
        "unet: x can't be halved four times: expected (N, C, H, W), H and W multiples of 16, got (1, 1, 32, 24)"
    )


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
