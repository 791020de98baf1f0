"""Convolutional layers against SciPy and against the adjoint identity."""

import numpy as np
import pytest
from scipy.signal import correlate2d
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError
from autograd_cnn.testing import check_vjp


@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_is_scipys_correlation_and_a_bias(rng, bias):
    layer = nn.Conv2d(2, 3, (3, 2), padding=1, bias=bias, rng=rng, dtype=float)
    x = rng.standard_normal((2, 2, 6, 5))
    w, b = layer.weight.numpy(), layer.bias.numpy() if bias else np.zeros(3)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    expected = [
        [sum(correlate2d(image[c], w[f, c], "valid") for c in range(2)) + b[f] for f in range(3)] for image in padded
    ]
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-12, atol=1e-12)


def test_every_parameter_reaches_the_primitive(rng):
    layer = nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 2), (1, 2), 2, rng=rng, dtype=float)
    assert layer.weight.shape == (6, 2, 3, 2)
    x = rng.standard_normal((2, 4, 9, 8))
    expected = ag.correlate2d(
        x, layer.weight, layer.bias, stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2
    ).numpy()
    assert np.array_equal(layer(x).numpy(), expected)


@pytest.mark.parametrize("make", [nn.Conv2d, nn.ConvTranspose2d])
def test_gradients_are_those_of_finite_differences(rng, make):
    layer = make(2, 4, 3, 2, 1, groups=2, rng=rng, dtype=float)
    parameters = [p.numpy() for p in layer.parameters()]
    del layer.weight, layer.bias

    def f(x, weight, bias):
        layer.weight, layer.bias = weight, bias
        return layer(x)

    check_vjp(f, [rng.standard_normal((2, 2, 5, 5)), *parameters])


def test_the_transpose_is_the_adjoint_of_the_layer_with_its_weight(rng):
    forward = nn.Conv2d(2, 3, 3, 2, 1, bias=False, rng=rng, dtype=float)
    back = nn.ConvTranspose2d(3, 2, 3, 2, 1, output_padding=1, bias=False, dtype=float)
    back.load_state_dict(forward.state_dict())
    x, g = rng.standard_normal((2, 2, 6, 6)), rng.standard_normal((2, 3, 3, 3))
    assert np.sum(forward(x).numpy() * g) == pytest.approx(np.sum(back(g).numpy() * x), rel=1e-12)


def test_the_transpose_is_cut_off_on_each_side(rng):
    layer = nn.ConvTranspose2d(2, 3, 3, 2, [[1, 0], [0, 2]], rng=rng)
    x = rng.standard_normal((1, 2, 4, 4)).astype(np.float32)
    whole = ag.correlate2d_transpose(x, layer.weight, layer.bias, stride=2).numpy()
    np.testing.assert_allclose(layer(x).numpy(), whole[:, :, 1:, :-2], rtol=1e-5, atol=1e-6)


def test_the_transpose_adds_its_bias(rng):
    layer = nn.ConvTranspose2d(2, 3, 2, dilation=2, rng=rng)
    x = np.zeros((1, 2, 4, 4), np.float32)
    assert np.array_equal(layer(x).numpy(), np.broadcast_to(layer.bias.numpy().reshape(3, 1, 1), (1, 3, 6, 6)))


def test_first_values_are_within_pytorchs_bound():
    layer = nn.Conv2d(4, 64, 5, rng=0)
    for p in layer.parameters():
        assert p.dtype == np.float32
        assert 0.09 < np.abs(p.numpy()).max() <= 0.1


def test_the_line_it_shows():
    assert repr(nn.Conv2d(1, 6, 5)) == "Conv2d(1, 6, kernel_size=(5, 5)): 156 parameters"
    assert repr(nn.Conv2d(2, 4, 3, 2, "same", 2, 2, bias=False)) == (
        "Conv2d(2, 4, kernel_size=(3, 3), stride=(2, 2), padding='same', dilation=(2, 2), groups=2, bias=False): "
        "36 parameters"
    )
    assert repr(nn.ConvTranspose2d(1, 2, 2, 2, 1, 1)) == (
        "ConvTranspose2d(1, 2, kernel_size=(2, 2), stride=(2, 2), padding=1, output_padding=(1, 1)): 10 parameters"
    )


@for_each(
    "arguments, text",
    [
        ({"in_channels": 0}, "Conv2d: in_channels is out of range: expected an int of at least 1, got 0"),
        ({"out_channels": -1}, "Conv2d: out_channels is out of range: expected an int of at least 1, got -1"),
        ({"kernel_size": 0}, "Conv2d: kernel_size is out of range: expected at least 1, got 0"),
        ({"kernel_size": (1, 2, 3)}, ("Conv2d: kernel_size is not understood: expected an int or a pair of ints, "
         "got (1, 2, 3)")),
        ({"stride": 0}, "Conv2d: stride is out of range: expected at least 1, got 0"),
        ({"dilation": 0}, "Conv2d: dilation is out of range: expected at least 1, got 0"),
        ({"groups": 0}, "Conv2d: groups is out of range: expected an int of at least 1, got 0"),
        ({"groups": 4}, ("Conv2d: groups does not divide the channels: expected a divisor of in_channels=4 and of "
         "out_channels=6, got 4")),
    ],
)  # fmt: skip
def test_what_is_refused(arguments, text):
    with pytest.raises(ArgumentError) as error:
        nn.Conv2d(**{"in_channels": 4, "out_channels": 6, "kernel_size": 3, **arguments})
    assert str(error.value) == text
