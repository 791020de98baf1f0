"""Pooling layers against plain loops over windows."""

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError


def _pooled(x, size, stride, reduce):
    rows, columns = ((n - size) // stride + 1 for n in x.shape[2:])
    tiles = [
        [reduce(x[:, :, i * stride : i * stride + size, j * stride : j * stride + size], axis=(2, 3))
         for j in range(columns)] for i in range(rows)
    ]  # fmt: skip
    return np.moveaxis(np.array(tiles), (0, 1), (2, 3))


@pytest.mark.parametrize(("stride", "step"), [(None, 3), (2, 2)])
def test_windows_of_either_kind(rng, stride, step):
    x = rng.standard_normal((2, 3, 8, 7))
    assert np.array_equal(nn.MaxPool2d(3, stride)(x), _pooled(x, 3, step, np.max))
    np.testing.assert_allclose(nn.MeanPool2d(3, stride)(x), _pooled(x, 3, step, np.mean), rtol=1e-12)


def test_every_parameter_reaches_the_primitive(rng):
    x = rng.standard_normal((2, 3, 8, 9))
    assert np.array_equal(
        nn.MaxPool2d(3, 2, 1, 2, ceil_mode=True)(x),
        ag.max_pool(x, window=3, stride=2, padding=1, dilation=(2, 2), ceil_mode=True),
    )
    assert np.array_equal(
        nn.MeanPool2d((3, 2), 2, 1, ceil_mode=True, count_include_pad=False)(x),
        ag.mean_pool(x, window=(3, 2), stride=2, padding=1, ceil_mode=True, count_include_pad=False),
    )


@pytest.mark.parametrize("padding", [1, (1, 0), [[0, 1], [1, 0]], "same", "full", "valid"])
def test_every_way_to_pad(padding, rng):
    x = rng.standard_normal((1, 2, 5, 6))
    for layer, pool in ((nn.MaxPool2d, ag.max_pool), (nn.MeanPool2d, ag.mean_pool)):
        assert np.array_equal(layer(3, 2, padding)(x), pool(x, 3, 2, padding))
    with pytest.raises(ArgumentError) as err:
        nn.MaxPool2d(2, padding="wide")
    assert str(err.value) == "MaxPool2d: padding is unknown: expected 'valid', 'same', 'full' or numbers, got 'wide'"


def test_gradients_go_to_the_winner_and_to_all():
    x = ag.tensor([[[[1.0, 4.0], [2.0, 3.0]]]], requires_grad=True)
    (nn.MaxPool2d(2)(x) * 8).sum().backward()
    assert x.grad.tolist() == [[[[0.0, 8.0], [0.0, 0.0]]]]
    x.grad = None
    (nn.MeanPool2d(2)(x) * 8).sum().backward()
    assert x.grad.tolist() == [[[[2.0, 2.0], [2.0, 2.0]]]]


def test_global_and_adaptive_means(rng):
    x = rng.standard_normal((2, 3, 6, 4))
    np.testing.assert_allclose(nn.GlobalMeanPool2d()(x), x.mean(axis=(2, 3), keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(nn.AdaptiveMeanPool2d((3, 2))(x), _pooled(x, 2, 2, np.mean), rtol=1e-12)
    np.testing.assert_allclose(nn.AdaptiveMeanPool2d(1)(x), x.mean(axis=(2, 3), keepdims=True), rtol=1e-12)


def test_pytorchs_names():
    assert nn.AvgPool2d is nn.MeanPool2d
    assert nn.AdaptiveAvgPool2d is nn.AdaptiveMeanPool2d


def test_the_lines_they_show():
    assert repr(nn.MaxPool2d(2)) == "MaxPool2d(kernel_size=(2, 2))"
    assert repr(nn.MaxPool2d(3, 2, 1, 2, ceil_mode=True)) == (
        "MaxPool2d(kernel_size=(3, 3), stride=(2, 2), padding=1, dilation=(2, 2), ceil_mode=True)"
    )
    assert repr(nn.MeanPool2d(2, count_include_pad=False)) == (
        "MeanPool2d(kernel_size=(2, 2), count_include_pad=False)"
    )
    assert repr(nn.AdaptiveMeanPool2d(1)) == "AdaptiveMeanPool2d(output_size=(1, 1))"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: nn.MaxPool2d(0), "MaxPool2d: kernel_size is out of range: expected at least 1, got 0"),
        (lambda: nn.MaxPool2d(2, padding=()),
         "MaxPool2d: padding is not understood: expected an int or a pair of ints, got ()"),
        (lambda: nn.MeanPool2d(2, 0), "MeanPool2d: stride is out of range: expected at least 1, got 0"),
        (lambda: nn.AdaptiveMeanPool2d(0),
         "AdaptiveMeanPool2d: output_size is out of range: expected at least 1, got 0"),
    ],
)  # fmt: skip
def test_what_is_refused(make, text):
    with pytest.raises(ArgumentError) as error:
        make()
    assert str(error.value) == text


def test_pools_of_no_images():
    x = np.ones((0, 3, 5, 7))
    assert nn.AdaptiveMaxPool2d((2, 4))(x).shape == (0, 3, 2, 4)
    assert nn.AdaptiveMaxPool1d(2)(x[:, 0]).shape == (0, 5, 2)
    y, indices = nn.MaxPool2d(2, return_indices=True)(x)
    assert nn.MaxUnpool2d(2)(y, indices).shape == (0, 3, 4, 6)
