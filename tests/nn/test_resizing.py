"""Layers that change the size of images: what they show and refuse; tests/pytorch holds their values."""

import numpy as np
import pytest
from tables import for_each

from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError, ShapeError

X = np.zeros((1, 2, 4, 4))


@for_each(
    "layer, line",
    [
        (nn.Conv1d(2, 4, 3, padding=1), "Conv1d(2, 4, kernel_size=(3,), padding=(1,)): 28 parameters"),
        (nn.Conv2d(2, 4, 1, padding_mode="reflect"), "Conv2d(2, 4, kernel_size=(1, 1), padding_mode='reflect'): 12 parameters"),
        (nn.Conv3d(1, 1, 2, 2, bias=False), "Conv3d(1, 1, kernel_size=(2, 2, 2), stride=(2, 2, 2), bias=False): 8 parameters"),
        (nn.MaxPool1d(2, return_indices=True), "MaxPool1d(kernel_size=(2,), return_indices=True)"),
        (nn.MaxUnpool2d(2), "MaxUnpool2d(kernel_size=(2, 2))"),
        (nn.AvgPool2d(2, divisor_override=3), "MeanPool2d(kernel_size=(2, 2), divisor_override=3)"),
        (nn.AdaptiveMaxPool2d((None, 3)), "AdaptiveMaxPool2d(output_size=(None, 3))"),
        (nn.Upsample(scale_factor=2, mode="bicubic"), "Upsample(scale_factor=2, mode='bicubic')"),
        (nn.PixelShuffle(2), "PixelShuffle(upscale_factor=2)"),
        (nn.PixelUnshuffle(2), "PixelUnshuffle(downscale_factor=2)"),
        (nn.Unfold(2, stride=2), "Unfold(kernel_size=(2, 2), stride=(2, 2))"),
        (nn.Fold(4, 2), "Fold(output_size=(4, 4), kernel_size=(2, 2))"),
        (nn.ZeroPad2d(1), "ZeroPad2d((1, 1, 1, 1))"),
        (nn.ConstantPad1d((1, 2), 0.5), "ConstantPad1d((1, 2), value=0.5)"),
        (nn.Flatten(0, 1), "Flatten(start_dim=0, end_dim=1)"),
        (nn.Unflatten(1, (2, -1)), "Unflatten(dim=1, unflattened_size=(2, -1))"),
        (nn.PReLU(3), "PReLU(num_parameters=3): 3 parameters"),
        (nn.GELU("tanh"), "GELU(approximate='tanh')"),
        (nn.Hardtanh(0, 1), "Hardtanh(min_val=0, max_val=1)"),
        (nn.Softplus(2.0), "Softplus(beta=2.0)"),
        (nn.Dropout2d(0.1), "Dropout2d(p=0.1)"),
    ],
)  # fmt: skip
def test_the_line_it_shows(layer, line):
    assert repr(layer) == line


@for_each(
    "call, kind, text",
    [
        (lambda: nn.Conv1d(2, 2, 3, padding="full"), ArgumentError,
         "Conv1d: padding is unknown: expected 'valid' or 'same', got 'full'"),
        (lambda: nn.Conv3d(2, 2, (1, 2)), ArgumentError,
         "Conv3d: kernel_size is not understood: expected an int or 3 ints, got (1, 2)"),
        (lambda: nn.Conv2d(2, 2, 3, padding_mode="mirror"), ArgumentError,
         "Conv2d: padding_mode is unknown: expected 'zeros', 'reflect', 'replicate' or 'circular', got 'mirror'"),
        (lambda: nn.ConvTranspose1d(2, 2, 3, output_padding=1), ArgumentError,
         "ConvTranspose1d: output_padding is out of range: expected less than the stride (1,) or the dilation (1,), got 1"),
        (lambda: nn.ReflectionPad2d(1)(np.zeros((4, 4))), ShapeError,
         "ReflectionPad2d: x has the wrong rank: expected (N, C, H, W) or (C, H, W), got (4, 4)"),
        (lambda: nn.ZeroPad1d((1, 2, 3)), ArgumentError,
         "ZeroPad1d: padding is not understood: expected an int or a pair of ints, got (1, 2, 3)"),
        (lambda: nn.Flatten(2, 1)(X), ShapeError,
         "Flatten: x has no such axes: expected axes 2 to 1, got shape (1, 2, 4, 4)"),
        (lambda: nn.Unflatten(3, (3, -1))(X), ShapeError,
         "Unflatten: x does not divide up so: expected axis 3 of (3, -1), got shape (1, 2, 4, 4)"),
        (lambda: nn.Hardtanh(1.0, 0.0), ArgumentError,
         "Hardtanh: the range is empty: expected min_val <= max_val, got 1.0, 0.0"),
        (lambda: nn.Upsample(2, 2), ArgumentError,
         "Upsample: how large is the result: expected size or scale_factor, got both"),
    ],
)  # fmt: skip
def test_what_is_refused(call, kind, text):
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == text


def test_indices_come_with_the_values_and_lead_back(rng):
    x = rng.permutation(32).reshape(1, 2, 4, 4) + 1.0
    y, indices = nn.MaxPool2d(2, return_indices=True)(x)
    back = nn.MaxUnpool2d(2)(y, indices)
    assert np.array_equal(back, np.where(back > 0, x, 0))
    assert np.array_equal(nn.MaxPool2d(2)(back), y)
    assert nn.MaxUnpool2d(2)(y, indices, (5, 4)).shape == (1, 2, 5, 4)
    y, indices = nn.MaxPool1d(2, return_indices=True)(x[0])
    assert np.array_equal(np.take_along_axis(x[0], indices, -1), y)
    y, indices = nn.AdaptiveMaxPool2d(3, return_indices=True)(x)
    assert np.array_equal(x.reshape(2, 16)[np.arange(2)[:, None], indices.reshape(2, 9)].reshape(y.shape), y)
    assert [node.shape for node in nn.AdaptiveMaxPool1d(3, return_indices=True)(x[0])] == [(2, 4, 3)] * 2
    assert nn.fuse(nn.Sequential(nn.ReLU(), nn.MaxPool2d(2, return_indices=True)))(x)[1].shape == (1, 2, 2, 2)


def test_whole_maps_fall_out():
    y = nn.Dropout2d(0.25, rng=0)(np.ones((50, 40, 2, 2)))
    assert {tuple(np.unique(each)) for each in y.reshape(2000, 4)} == {(0.0,), (4 / 3,)}
    assert np.mean(y == 0) == pytest.approx(0.25, abs=0.03)
    assert nn.Dropout2d().eval()(X) is X
