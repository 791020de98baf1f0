"""Layers with PyTorch's own weights, loaded from its ``state_dict``."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pytorch.comparison import agree, compare, few, generators, numbers
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn

IMAGES, ROWS, VOLUMES, FEATURES = (2, 4, 6, 7), (2, 3, 7), (2, 2, 4, 5, 4), (3, 4)

LAYERS = [
    # the class's name, its arguments, the input's shape
    ("Linear", (4, 5), {}, FEATURES),
    ("Linear", (4, 5), {"bias": False}, (2, 3, 4)),
    ("Conv2d", (4, 6, 3), {}, IMAGES),
    ("Conv2d", (4, 6, (3, 2), 2, 1, 1, 2), {}, IMAGES),
    ("Conv2d", (4, 4, 3), {"padding": "same", "dilation": 2, "bias": False}, IMAGES),
    ("ConvTranspose2d", (4, 6, 3, 2, 1, 1, 2), {}, IMAGES),
    ("ConvTranspose2d", (4, 3, (2, 3)), {"bias": False, "dilation": 2}, IMAGES),
    ("BatchNorm2d", (4,), {}, IMAGES),
    ("BatchNorm2d", (4, 1e-3, None, False), {}, IMAGES),
    ("BatchNorm2d", (4, 1e-3, 0.1, True, False), {"bias": False}, IMAGES),
    ("BatchNorm1d", (4,), {}, FEATURES),
    ("BatchNorm1d", (4, 1e-3, 0.3), {}, (2, 4, 5)),
    ("LayerNorm", (4,), {}, (2, 3, 4)),
    ("LayerNorm", ((6, 7), 1e-3, True, False), {}, IMAGES),
    ("RMSNorm", ((3, 4),), {}, (2, 3, 4)),
    ("RMSNorm", (4, 1e-2, False), {}, FEATURES),
    ("GroupNorm", (2, 4), {}, IMAGES),
    ("GroupNorm", (1, 4, 1e-3, False), {}, (2, 4, 5)),
    ("GroupNorm", (2, 4), {"bias": False}, IMAGES),
    ("InstanceNorm2d", (4,), {}, IMAGES),
    ("InstanceNorm2d", (4, 1e-3, 0.1, True), {}, IMAGES),
    ("InstanceNorm2d", (4,), {"affine": True, "bias": False}, IMAGES[1:]),
    ("MaxPool2d", (3, 2, 1), {"ceil_mode": True}, IMAGES),
    ("MaxPool2d", ((2, 3),), {"dilation": 2}, IMAGES),
    ("AvgPool2d", (3, 2, 1, True, False), {}, IMAGES),
    ("AdaptiveAvgPool2d", ((2, 3),), {}, IMAGES),
    ("Flatten", (), {}, IMAGES),
    ("Identity", (), {}, IMAGES),
    ("ReLU", (), {}, FEATURES),
    ("LeakyReLU", (0.2,), {}, FEATURES),
    ("ELU", (0.7,), {}, FEATURES),
    ("GELU", (), {}, FEATURES),
    ("SiLU", (), {}, FEATURES),
    ("Sigmoid", (), {}, FEATURES),
    ("Softplus", (), {}, FEATURES),
    ("Softplus", (2.0, 0.5), {}, FEATURES),
    ("GELU", (), {"approximate": "tanh"}, FEATURES),
    *(
        (name, (), {}, FEATURES)
        for name in (
            "ReLU6",
            "Hardswish",
            "SELU",
            "Mish",
            "Softsign",
            "LogSigmoid",
            "PReLU",
            "CELU",
            "GLU",
        )
    ),
    ("Hardtanh", (-0.3, 0.4), {}, FEATURES),
    ("Softmin", (1,), {}, FEATURES),
    ("Tanhshrink", (), {}, FEATURES),
    ("Hardshrink", (0.3,), {}, FEATURES),
    ("Softshrink", (0.3,), {}, FEATURES),
    ("Threshold", (0.3, 2.0), {}, FEATURES),
    ("ChannelShuffle", (2,), {}, IMAGES),
    ("UpsamplingNearest2d", ((5, 9),), {}, IMAGES),
    ("UpsamplingBilinear2d", (), {"scale_factor": 2}, IMAGES),
    ("CELU", (0.5,), {}, FEATURES),
    ("PReLU", (4,), {"init": 0.1}, IMAGES),
    ("GLU", (1,), {}, IMAGES),
    ("Conv1d", (3, 6, 3), {}, ROWS),
    ("Conv1d", (3, 6, 3, 2, 1, 2, 3, False), {}, ROWS),
    ("Conv1d", (3, 2, 2), {"padding": "same", "dilation": 2}, ROWS),
    ("Conv1d", (3, 2, 3), {"padding": "same", "padding_mode": "reflect"}, ROWS),
    ("Conv2d", (4, 2, 3), {"padding": (1, 2), "padding_mode": "circular"}, IMAGES),
    ("Conv2d", (4, 2, (3, 5)), {"padding": "same", "padding_mode": "replicate"}, IMAGES),
    ("Conv3d", (2, 4, (2, 3, 2)), {}, VOLUMES),
    ("Conv3d", (2, 4, 2, (2, 1, 2), 1, (1, 2, 1), 2), {}, VOLUMES),
    ("Conv3d", (2, 1, 3), {"padding": (1, 0, 1), "padding_mode": "replicate"}, VOLUMES),
    ("ConvTranspose1d", (3, 6, 3, 2, 1, 1, 3), {}, ROWS),
    ("ConvTranspose3d", (2, 4, 3), {}, VOLUMES),
    ("ConvTranspose3d", (2, 4, (2, 3, 2), (2, 1, 3), (1, 1, 0), (1, 0, 2), 2, False, (3, 1, 2)), {}, VOLUMES),
    *((f"{kind}Pad3d", (1,), {}, VOLUMES) for kind in ("Zero", "Reflection", "Replication", "Circular")),
    ("ConstantPad3d", ((1, 0, 2, 1, -1, 2), 3.5), {}, VOLUMES),
    ("MaxPool1d", (3, 2, 1, 2), {"ceil_mode": True}, ROWS),
    ("AvgPool1d", (3, 2, 1, True, False), {}, ROWS),
    ("AvgPool2d", (2,), {"divisor_override": 3}, IMAGES),
    ("AdaptiveAvgPool1d", (3,), {}, ROWS),
    ("MaxPool3d", ((2, 3, 2), 2, 1), {"ceil_mode": True}, VOLUMES),
    ("AvgPool3d", ((2, 3, 2), (2, 1, 2), 1, True, False), {}, VOLUMES),
    ("AvgPool3d", (2,), {"divisor_override": 3}, VOLUMES),
    ("AdaptiveAvgPool3d", ((3, None, 2),), {}, VOLUMES),
    ("AdaptiveMaxPool3d", ((3, None, 2),), {}, VOLUMES),
    ("AdaptiveMaxPool1d", (3,), {}, ROWS),
    ("AdaptiveAvgPool2d", ((None, 3),), {}, IMAGES),
    ("AdaptiveMaxPool2d", ((3, None),), {}, IMAGES),
    ("Upsample", (), {"scale_factor": 2, "mode": "bilinear", "align_corners": True}, IMAGES),
    ("Upsample", (9,), {"mode": "linear"}, ROWS),
    ("Upsample", ((5, 9),), {"mode": "bicubic"}, IMAGES),
    ("PixelShuffle", (2,), {}, IMAGES),
    ("PixelUnshuffle", (3,), {}, (2, 1, 6, 3)),
    ("Unfold", ((2, 3), 1, 1, 2), {}, IMAGES),
    ("Fold", ((4, 5), 2, 1, 0, 1), {}, (2, 8, 12)),
    ("Unflatten", (1, (2, 2)), {}, IMAGES),
    ("Flatten", (1, 2), {}, IMAGES),
    *((f"{kind}Pad2d", (2,), {}, IMAGES) for kind in ("Zero", "Reflection", "Replication", "Circular")),
    *((f"{kind}Pad1d", ((2, 1),), {}, ROWS) for kind in ("Zero", "Reflection", "Replication", "Circular")),
    ("ConstantPad2d", ((1, 2, 0, -1), 0.5), {}, IMAGES),
    ("ConstantPad1d", (1, 0.5), {}, ROWS),
    ("Tanh", (), {}, FEATURES),
    ("Softmax", (), {"dim": 0}, FEATURES),
    ("LogSoftmax", (), {"dim": -1}, FEATURES),
]


def twins(name, *args, **options):
    """Return PyTorch's layer in float64, with random weights, and ours with the same."""
    theirs = getattr(torch.nn, name)(*args, **options).double()
    rng = np.random.default_rng(1)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(torch.tensor(rng.standard_normal(tuple(parameter.shape))))
    ours = getattr(nn, name)(*args, **options).astype(float)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def agree_in_state(ours, theirs):
    """Hold parameters, buffers and gradients, by name, against PyTorch's."""
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    for name, value in ours.state_dict().items():
        agree(value, state[name], name)
    for (name, parameter), known in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        agree(parameter.grad, known.grad, f"the gradient of {name}")


@for_each("name, args, options, shape", LAYERS)
@for_each("backend", ["reference", "jit"])
def test_outputs_and_gradients(rng, name, args, options, shape, backend):
    ours, theirs = twins(name, *args, **options)
    x, g = rng.standard_normal(shape), None
    tracked, peer = ag.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    with ag.set_backend(backend):
        y, z = ours(tracked), theirs(peer)
        agree(y, z)
        g = rng.standard_normal(y.shape)
        y.backward(g)
    z.backward(torch.tensor(g))
    agree(tracked.grad, peer.grad, "the gradient of the input")
    agree_in_state(ours, theirs)


@for_each("name, more", [("BatchNorm2d", (5, 4)), ("BatchNorm1d", (5,)), ("BatchNorm1d", ())])
@for_each("momentum", [0.1, 0.7, None])
def test_running_statistics_follow_the_batches_and_serve_in_use(rng, name, more, momentum):
    ours, theirs = twins(name, 3, momentum=momentum)
    for count in (4, 2, 3):
        x = rng.standard_normal((count, 3, *more)) * 2 + 1
        agree(ours(x), theirs(torch.tensor(x)))
    for parameter, known in zip(ours.parameters(), theirs.parameters(), strict=True):
        parameter.grad, known.grad = np.zeros(3), torch.zeros(3, dtype=torch.float64)
    agree_in_state(ours, theirs)
    compare(ours.eval(), theirs.eval(), rng.standard_normal((2, 3, *more)))


def test_without_running_statistics_the_batchs_own_serve_in_use(rng):
    ours, theirs = twins("BatchNorm1d", 3, track_running_stats=False)
    compare(ours.eval(), theirs.eval(), rng.standard_normal((4, 3)))
    assert ours.state_dict().keys() == theirs.state_dict().keys()


@few
@given(rng=generators, channels=st.integers(1, 3), count=st.integers(2, 4))
def test_batch_normalisation_twice(rng, channels, count):
    """The second order goes through mean and variance, too."""
    ours, theirs = twins("BatchNorm2d", channels)
    compare(ours, theirs, numbers(rng, (count, channels, 3, 2)), order=2)


# --- first values -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Linear", "Conv2d", "ConvTranspose2d", "RNN", "LSTM", "GRU"])
def test_first_values_come_from_the_same_range(name):
    """Both are uniform, in ranges that depend on the layer's sizes alone."""
    args = (8, 60, 3) if name.startswith("Conv") else (7, 60)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = getattr(torch.nn, name)(*args)
    ours = getattr(nn, name)(*args, rng=0)
    for (label, mine), yours in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        bounds = np.abs(mine.numpy()).max(), float(yours.detach().abs().max())
        assert bounds[0] == pytest.approx(bounds[1], rel=0.1), label


@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 3, 2)])
def test_fans(shape):
    assert nn.init.fans(shape) == torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("kaiming_uniform", {}),
        ("kaiming_uniform", {"a": 5**0.5, "mode": "fan_out"}),
        ("kaiming_normal", {"a": 0.1}),
        ("kaiming_normal", {"mode": "fan_out"}),
        ("xavier_uniform", {"gain": 2.0}),
        ("xavier_normal", {}),
    ],
)
def test_spreads(name, options):
    """The standard deviations of 180,000 numbers."""
    theirs = torch.empty(200, 100, 3, 3)
    getattr(torch.nn.init, f"{name}_")(theirs, **options, generator=torch.Generator().manual_seed(0))
    ours = getattr(nn.init, name)(tuple(theirs.shape), 0, **options)
    assert ours.std() == pytest.approx(float(theirs.std()), rel=0.01)
    if name.endswith("uniform"):
        assert np.abs(ours).max() == pytest.approx(float(theirs.abs().max()), rel=1e-3)
