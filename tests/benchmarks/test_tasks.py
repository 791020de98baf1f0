import itertools

import numpy as np
import pytest

from benchmarks.tasks import (
    BatchNorm,
    Chain,
    Conv,
    Convolution,
    Flatten,
    GlobalMeanPool,
    Linear,
    MaxPool,
    Network,
    Relu,
    Residual,
    forward_flops,
    parameters,
)

NET = Network((Conv(2, 3, 3, padding=1), Relu(), MaxPool(), Flatten(), Linear(12, 5)), (2, 4, 4), batch=7)


def _count_by_loops(n, c, f, size, stride, padding, image):
    """Count the multiplications and additions of a convolution one window at a time."""
    starts = range(-padding, image + padding - size + 1, stride)
    return sum(2 * n * f * c * size * size for _ in itertools.product(starts, starts))


@pytest.mark.parametrize(
    ("size", "stride", "padding", "image"), [(3, 1, 1, 5), (5, 1, 0, 9), (3, 2, 1, 8), (1, 2, 0, 7)]
)
def test_flops_of_a_convolution_are_those_of_its_windows(size, stride, padding, image):
    task = Convolution(Conv(2, 3, size, stride, padding), image, 4, "forward")
    assert task.flops == _count_by_loops(4, 2, 3, size, stride, padding, image)
    assert task.shapes[2][2] == len(range(-padding, image + padding - size + 1, stride))


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
