"""What layers are given is checked when they are made, by what their annotations say."""

import inspect
import re
from typing import get_args

import numpy as np
import pytest
from tables import for_each

from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError, OperandError

LEAST = {
    nn.BatchNorm1d: (2,), nn.BatchNorm2d: (2,), nn.GroupNorm: (1, 2), nn.InstanceNorm2d: (2,), nn.LayerNorm: (2,),
    nn.RMSNorm: (2,), nn.Conv2d: (2, 2, 1), nn.ConvTranspose2d: (2, 2, 1), nn.AdaptiveMeanPool2d: (1,),
    nn.Linear: (2, 2), nn.MaxPool2d: (2,), nn.MeanPool2d: (2,), nn.PartialConv2d: (2, [(0,)], 1),
    nn.Subsample2d: (2, 2), nn.Embedding: (2, 2), nn.MultiheadAttention: (2, 2), nn.TransformerEncoderLayer: (2, 2), nn.TransformerEncoder: (nn.ReLU(), 1), nn.Conv1d: (2, 2, 1), nn.Conv3d: (2, 2, 1), nn.ConvTranspose1d: (2, 2, 1), nn.ConvTranspose3d: (2, 2, 1),
    **dict.fromkeys([nn.MaxPool1d, nn.AvgPool1d, nn.MaxPool3d, nn.AvgPool3d, nn.MaxUnpool1d, nn.MaxUnpool2d, nn.Unfold, nn.PixelShuffle, nn.PixelUnshuffle], (2,)),
    **dict.fromkeys([nn.AdaptiveAvgPool3d, nn.AdaptiveMaxPool3d, nn.AdaptiveAvgPool1d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d], (1,)), nn.Unflatten: (1, (2,)),
    **dict.fromkeys([nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d], (1, 0.0)), nn.Fold: (3, 2), nn.ChannelShuffle: (2,), nn.Threshold: (0.0, 0.0),
    **{getattr(nn, f"{name}Pad{n}d"): (1,) for name in ("Zero", "Reflection", "Replication", "Circular") for n in (1, 2, 3)},
    **dict.fromkeys([nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell, nn.GRUCell], (2, 2)),
}  # fmt: skip
"""What the layers that need arguments need at least."""

LAYERS = [
    layer
    for name in nn.__all__
    if isinstance(layer := getattr(nn, name), type)
    and issubclass(layer, nn.Module)
    and layer not in {nn.Module, nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict}
]
ODD = [object(), 1j, "", np.ones((2, 2)), [None]]


@for_each("layer", LAYERS)
def test_every_parameter_of_every_layer_is_checked_when_it_is_made(layer):
    least = LEAST.get(layer, ())
    if not issubclass(layer, nn.Upsample):  # which needs one of two
        layer(*least)
    names = list(inspect.signature(layer).parameters)
    for name in names:
        for value in ODD:
            options = dict(zip(names, least, strict=False)) | {name: value}
            if (
                name.endswith("weight")
                and layer in (nn.BCELoss, nn.BCEWithLogitsLoss, nn.MultiLabelSoftMarginLoss)
                and isinstance(value, np.ndarray)
            ) or (layer in (nn.AdaptiveAvgPool1d, nn.AdaptiveMaxPool1d) and isinstance(value, list)):
                continue  # as good as any
            with pytest.raises((ArgumentError, OperandError), match=rf"^{layer.__name__}: {name}\b"):
                layer(**options)
    with pytest.raises(OperandError, match=f"^{layer.__name__}: no argument 'other'; it takes"):
        layer(*least, other=1)
    with pytest.raises(OperandError, match=f"^{layer.__name__}: too many arguments; it takes"):
        layer(*[1] * 20)
    if least:
        takes = ", ".join(names)
        with pytest.raises(
            OperandError, match=re.escape(f"{layer.__name__}: argument {names[0]!r} is missing; it takes {takes}")
        ):
            layer()


@for_each("layer", LAYERS)
def test_no_number_is_nan(layer):
    least = LEAST.get(layer, ())
    parameters = inspect.signature(layer).parameters
    numbers = [name for name, each in parameters.items() if float in {each.annotation, *get_args(each.annotation)}]
    for name in numbers:
        with pytest.raises(
            ArgumentError, match=f"^{layer.__name__}: {name} is (not finite|out of range): .*, got nan$"
        ):
            layer(**dict(zip(parameters, least, strict=False)) | {name: np.nan})


RNG = "a generator such as np.random.default_rng(0), an int of at least 0, or None"
CALLED = "a layer is made first and then called:"


@for_each(
    "make, text",
    [
        (lambda: nn.Softmax("a"), "Softmax: dim is not understood: expected an int, got 'a'"),
        (
            lambda: nn.Softmax(np.ones(2)),
            f"Softmax: dim is not understood: expected an int, got array([1., 1.]); {CALLED} Softmax(...)(x)",
        ),
        (
            lambda: nn.GELU(np.ones(2)),
            f"GELU: approximate is unknown: expected 'none' or 'tanh', got array([1., 1.]); {CALLED} GELU(...)(x)",
        ),
        (lambda: nn.Linear(2, 2, rng="a"), f"Linear: rng is not understood: expected {RNG}, got 'a'"),
        (lambda: nn.Dropout(rng=-1), f"Dropout: rng is not understood: expected {RNG}, got -1"),
        (lambda: nn.Linear(2, 2, 1), "Linear: bias is not a bool: expected True or False, got 1"),
        (
            lambda: nn.LSTM(2, 2, dtype=int),
            "LSTM: dtype is not one of floats: expected float16, float32 or float64, got int64",
        ),
        (
            lambda: nn.BatchNorm2d(2, eps=-1.0),
            "BatchNorm2d: eps is out of range: expected a number of at least 0, got -1.0",
        ),
        (
            lambda: nn.BatchNorm2d(2, momentum=np.nan),
            "BatchNorm2d: momentum is out of range: expected a number from 0 to 1, got nan",
        ),
        (
            lambda: nn.ConvTranspose2d(2, 2, 1, padding="same"),
            "ConvTranspose2d: padding is not understood: expected an int, a pair or a pair of pairs, got 'same'",
        ),
        (
            lambda: nn.ConvTranspose2d(2, 2, 1, 2, output_padding=2),
            (
                "ConvTranspose2d: output_padding is out of range: expected less than the stride (2, 2) or the dilation "
                "(1, 1), got 2"
            ),
        ),
        (lambda: nn.Conv2d(2, 2, 1, padding=-1), "Conv2d: padding is out of range: expected at least 0, got -1"),
        (lambda: nn.MaxPool2d(2, dilation=0), "MaxPool2d: dilation is out of range: expected at least 1, got 0"),
        (
            lambda: nn.CrossEntropyLoss(np.ones((2, 2))),
            (
                "CrossEntropyLoss: weight is not understood: expected one number for each class, "
                f"got array([[1., 1.], [1., 1.]]); {CALLED} CrossEntropyLoss(...)(x)"
            ),
        ),
        (
            lambda: nn.Linear(2**40, 2**40),
            (
                "Linear: shape is out of range: expected at most 1152921504606846975 elements, "
                "got (1099511627776, 1099511627776)"
            ),
        ),
        (lambda: nn.resnet20(rng="a"), f"resnet20: rng is not understood: expected {RNG}, got 'a'"),
        (lambda: nn.lenet5(classes=0), "lenet5: classes is out of range: expected an int of at least 1, got 0"),
        (lambda: nn.init.uniform("a"), "uniform: shape is not understood: expected an int or a tuple of ints, got 'a'"),
        (lambda: nn.init.normal((2,), std="a"), "normal: std is not understood: expected a number, got 'a'"),
        (nn.Parameter, "Parameter: argument 'data' is missing; it takes data, requires_grad, dtype, name"),
    ],
)
def test_what_is_refused(make, text):
    with pytest.raises((ArgumentError, OperandError)) as error:
        make()
    assert str(error.value) == text


def test_a_layer_that_memory_cannot_hold():
    with pytest.raises(
        MemoryError, match=r"^LSTM: unable to allocate .* for an array with shape \(4503599627370496, 3\)"
    ):
        nn.LSTM(3, 2**50)


def test_the_axis_of_a_softmax_has_two_names():
    assert nn.Softmax(axis=1).dim == nn.Softmax(dim=1).dim == 1
