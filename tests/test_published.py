"""Numbers that others have printed, from worked examples and papers: none of them was computed here."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn, optim

# --- V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning, arXiv:1603.07285 ----------
# The sizes that the captions of chapters 2, 4 and 5 give for the pictures: i, k, s, p, and i' after it.

SIZES = [
    (4, 3, 1, 0, 2),
    (5, 4, 1, 2, 6),
    (5, 3, 1, 1, 5),
    (5, 3, 1, 2, 7),
    (5, 3, 2, 0, 2),
    (5, 3, 2, 1, 3),
    (6, 3, 2, 1, 3),
]

IMAGE = [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
KERNEL = [[0, 1, 2], [2, 2, 0], [0, 1, 2]]


@for_each("i, k, s, p, o", SIZES)
def test_the_guides_sizes(i, k, s, p, o):
    assert ag.correlate2d(np.zeros((i, i)), np.zeros((k, k)), stride=s, padding=p).shape == (o, o)


def test_the_guides_size_of_a_dilated_kernel():
    """i = 7, k = 3, d = 2."""
    assert ag.correlate2d(np.zeros((7, 7)), np.zeros((3, 3)), dilation=2).shape == (3, 3)


@for_each("i, k, s, p, o", SIZES)
def test_the_guides_transposes(rng, i, k, s, p, o):
    """Each is a convolution with unit strides over o pixels, s - 1 zeros between them and k - p - 1 around.

    Where the last stride falls short of the border, a = (i + 2p - k) mod s zeros are added at the bottom and right.
    """
    a = (i + 2 * p - k) % s
    x, w = rng.standard_normal((1, o, o)), rng.standard_normal((1, 1, k, k))
    y = ag.correlate2d_transpose(x, w, stride=s, padding=p, output_padding=a)
    stretched = np.zeros((1, s * (o - 1) + 1, s * (o - 1) + 1))
    stretched[:, ::s, ::s] = x
    border = k - p - 1
    assert y.shape == (1, i, i)
    equivalent = ag.convolve2d(stretched, w, padding=((border, border + a), (border, border + a)))
    np.testing.assert_allclose(y, equivalent, rtol=1e-12, atol=1e-13)


def test_the_guides_convolutions():
    """Figures 1.1 and 1.2."""
    image, kernel = np.array(IMAGE, float), np.array(KERNEL, float)
    assert ag.correlate2d(image, kernel).tolist() == [[12, 12, 17], [10, 17, 19], [9, 6, 14]]
    assert ag.correlate2d(image, kernel, stride=2, padding=1).tolist() == [[6, 17, 3], [8, 17, 13], [6, 4, 4]]


def test_the_guides_pooling():
    """Figures 1.5 and 1.6, the means printed to one digit."""
    image = np.array(IMAGE, float)
    assert ag.mean_pool(image, 3, stride=1).round(1).tolist() == [[1.7, 1.7, 1.7], [1.0, 1.2, 1.8], [1.1, 0.8, 1.3]]
    assert ag.max_pool(image, 3, stride=1).tolist() == [[3, 3, 3], [3, 3, 3], [3, 2, 3]]


# --- Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, Gradient-based learning applied to document recognition, --
# --- Proceedings of the IEEE, 1998, section II.B --------------------------------------------------------------

LENET = [
    # layer, trainable parameters, connections
    ("c1", 156, 122_304),
    ("s2", 12, 5_880),
    ("c3", 1_516, 151_600),
    ("s4", 32, 2_000),
    ("c5", 48_120, 48_120),
    ("f6", 10_164, 10_164),
]


def _with_ones(layer):
    """Set all parameters to 1: from an input of ones each output then is the number of its connections."""
    for parameter in layer.parameters():
        parameter.data = np.ones(parameter.shape)
    return layer


def test_lenet5s_parameters_and_connections():
    x, found = np.zeros((1, 1, 32, 32)), []
    for name, layer in nn.lenet1998(rng=0).named_children():
        parameters = sum(p.size for p in layer.parameters())
        if parameters:
            found.append((name, parameters, int(_with_ones(layer)(np.ones_like(x)).numpy().sum())))
        x = layer(x).detach()
    assert found[:-1] == LENET


def test_lenet5s_sums():
    """60,000 parameters; 340,908 connections with the 84 of each of the ten outputs, which have no parameters."""
    assert sum(parameters for _, parameters, _ in LENET) == 60_000
    assert sum(connections for _, _, connections in LENET) + 84 * 10 == 340_908
    layers = [layer for name, layer in nn.lenet1998(rng=0).named_children() if name != "output"]
    assert sum(p.size for layer in layers for p in layer.parameters()) == 60_000


# --- K. He, X. Zhang, S. Ren and J. Sun, Deep residual learning for image recognition, 2016, table 6 ----------


def test_resnet20s_size():
    assert round(sum(p.size for p in nn.resnet20(rng=0).parameters()) / 1e6, 2) == 0.27


# --- Stanford's course CS231n, notes on convolutional networks ------------------------------------------------


def test_the_courses_first_layer_of_alexnet():
    """227×227×3, 96 filters of 11×11×3, stride 4: 55×55×96 neurons, 34,848 weights and 96 biases."""
    layer = nn.Conv2d(3, 96, 11, stride=4, rng=0)
    assert layer(np.zeros((3, 227, 227), np.float32)).shape == (96, 55, 55)
    assert (layer.weight.size, layer.bias.size) == (34_848, 96)


@pytest.mark.parametrize(("image", "filters", "stride", "padding", "out"), [
    ((1, 7, 7), 1, 1, 0, (1, 5, 5)),
    ((1, 7, 7), 1, 2, 0, (1, 3, 3)),
    ((3, 5, 5), 2, 2, 1, (2, 3, 3)),  # the moving picture with its two filters
])  # fmt: skip
def test_the_courses_sizes(image, filters, stride, padding, out):
    w = np.zeros((filters, image[0], 3, 3))
    assert ag.correlate2d(np.zeros(image), w, stride=stride, padding=padding).shape == out


# --- M. Mazur, A step by step backpropagation example, 2015 ---------------------------------------------------


def test_one_step_of_backpropagation():
    """Two inputs, two hidden and two output neurons, all logistic; half the squared error; rate 0.5; biases fixed."""
    hidden = nn.Linear(2, 2, dtype=float)
    output = nn.Linear(2, 2, dtype=float)
    hidden.load_state_dict({"weight": [[0.15, 0.20], [0.25, 0.30]], "bias": [0.35, 0.35]})
    output.load_state_dict({"weight": [[0.40, 0.45], [0.50, 0.55]], "bias": [0.60, 0.60]})

    h = ag.sigmoid(hidden([0.05, 0.10]))
    out = ag.sigmoid(output(h))
    loss = nn.mse_loss(out, [0.01, 0.99], "sum") / 2
    loss.backward()
    optim.SGD([hidden.weight, output.weight], lr=0.5).step()

    for found, printed in (
        (h, [0.593269992, 0.596884378]),
        (out, [0.75136507, 0.772928465]),
        (loss, 0.298371109),
        (output.weight.grad[0, 0], 0.082167041),
        (hidden.weight.grad[0, 0], 0.000438568),
        (output.weight, [[0.35891648, 0.408666186], [0.511301270, 0.561370121]]),
        (hidden.weight, [[0.149780716, 0.19956143], [0.24975114, 0.29950229]]),
    ):
        np.testing.assert_allclose(found.numpy(), printed, rtol=0, atol=5e-9)
