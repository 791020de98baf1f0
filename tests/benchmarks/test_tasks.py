import itertools

import numpy as np
import pytest

from benchmarks.layers import (
    Attention,
    BatchNorm,
    Beside,
    Conv,
    Flatten,
    GlobalMeanPool,
    LayerNorm,
    Linear,
    Lstm,
    MaxPool,
    Relu,
    Residual,
    Upsample,
    forward_flops,
    parameters,
)
from benchmarks.tasks import Chain, Convolution, Inference, Network, Operation

NET = Network((Conv(2, 3, 3, padding=1), Relu(), MaxPool(), Flatten(), Linear(12, 5)), (2, 4, 4), batch=7)


@pytest.mark.parametrize(
    ("size", "stride", "padding", "groups", "dilation", "image"),
    [(3, 1, 1, 1, 1, 5), (5, 1, 0, 1, 1, 9), (3, 2, 1, 1, 1, 8), (1, 2, 0, 2, 1, 7), (3, 1, 2, 2, 2, 6)],
)
def test_flops_of_a_convolution_are_those_of_its_windows(size, stride, padding, groups, dilation, image):
    task = Convolution(Conv(2, 4, size, stride, padding, groups=groups, dilation=dilation), image, 5, "forward")
    starts = range(-padding, image + padding - dilation * (size - 1), stride)
    windows = itertools.product(range(5), range(4), starts, starts)
    assert task.flops == sum(2 * (2 // groups) * size * size for _ in windows)
    assert task.shapes[2] == (5, 4, len(starts), len(starts))
    assert task.shapes[1] == (4, 2 // groups, size, size)


def test_a_step_is_three_products_per_layer_but_the_images_need_no_gradient():
    conv, linear = 2 * 7 * 3 * 16 * 2 * 9, 2 * 7 * 12 * 5
    assert NET.flops == 2 * conv + 3 * linear


def test_shapes_pass_through_branches():
    layers = (
        Residual((Conv(2, 4, 3, 2, 1), BatchNorm(4)), (Conv(2, 4, 1, 2),)),
        GlobalMeanPool(),
        Flatten(),
        Linear(4, 2),
    )
    counts, shape = forward_flops(layers, (1, 2, 8, 8))
    assert shape == (1, 2)
    assert counts == [2 * 64 * 18, 2 * 64 * 2, 2 * 8]


def test_flops_and_shapes_of_other_layers():
    """Each product (M, K) @ (K, N) counts 2·M·K·N."""
    for layers, shape, counts, result in (
        ((Upsample(4, 2),), (3, 4, 5, 5), [2 * 75 * 4 * 8], (3, 2, 10, 10)),
        ((Beside((MaxPool(), Upsample(2, 3))),), (1, 2, 6, 6), [2 * 9 * 2 * 12], (1, 5, 6, 6)),
        ((MaxPool(3, 2, 1),), (1, 2, 8, 8), [], (1, 2, 4, 4)),
        ((Lstm(4, 6),), (2, 7, 4), [2 * 14 * 4 * 24, 2 * 14 * 6 * 24], (2, 6)),
        ((LayerNorm(6), Attention(6, 2)), (2, 7, 6), [2 * 14 * 6 * 24 + 2 * 2 * 2 * 49 * 6], (2, 7, 6)),
        ((Linear(6, 5),), (2, 7, 6), [2 * 14 * 6 * 5], (2, 7, 5)),
    ):
        assert forward_flops(layers, shape) == (counts, result)
    assert Inference(NET.layers, NET.image, NET.batch).flops == 2 * 7 * 3 * 16 * 2 * 9 + 2 * 7 * 12 * 5


def test_names_and_shapes_of_weights_are_those_of_a_sequential():
    assert dict(parameters(NET.layers)) == {
        "0.weight": (3, 2, 3, 3),
        "0.bias": (3,),
        "4.weight": (5, 12),
        "4.bias": (5,),
    }
    inside = dict(parameters((Residual((Conv(1, 1, 1, bias=False), BatchNorm(1)), (Conv(1, 1, 1),)),)))
    assert list(inside) == [
        "0.body.0.weight",
        "0.body.1.weight",
        "0.body.1.bias",
        "0.shortcut.0.weight",
        "0.shortcut.0.bias",
    ]


def test_every_peer_makes_the_same_arrays():
    first, second = NET.weights(), NET.weights()
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert {array.dtype for array in first.values()} == {np.dtype(np.float32)}
    assert all(np.array_equal(a, b) for a, b in zip(NET.data(), NET.data(), strict=True))
    images, labels = NET.data()
    assert (images.shape, images.dtype, labels.shape) == ((7, 2, 4, 4), np.float32, (7,))
    assert 0 <= labels.min() <= labels.max() < 10
    operation = Operation("cross_entropy", ((6, 3),), labels=(6,), classes=3)
    assert [array.shape for array in (*operation.operands(), *operation.indices())] == [(6, 3), (6,)]
    assert Network((Conv(2, 3, 1),), (2, 4, 5), 7, classes=3, dtype="float64").data()[1].shape == (7, 4, 5)


def test_first_weights_are_bounded_and_a_normalisation_starts_with_ones():
    weights = Network((Conv(4, 8, 5), BatchNorm(8)), (4, 5, 5), 1).weights()
    assert 0.09 < np.abs(weights["0.weight"]).max() <= 0.1
    assert np.array_equal(weights["0.bias"], np.zeros(8))
    assert np.array_equal(weights["1.weight"], np.ones(8))


@pytest.mark.parametrize("nodes", [1, 2, 7, 100])
def test_a_chain_has_as_many_operations_as_it_says(nodes):
    class Counting:
        count = 0

        def __mul__(self, other):
            self.count += 1
            return self

        __add__ = __mul__

    assert Chain(nodes).record(Counting(), 0, 0).count == nodes


def test_no_number_of_the_chain_is_rounded():
    single = [np.float32(value) for value in Chain.values]
    for nodes in (1, 10, 10_001):
        assert Chain(nodes).record(*single) == Chain(nodes).record(*Chain.values)
