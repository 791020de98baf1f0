"""Clipped gradients, vectors of parameters and first values as PyTorch has them."""

import numpy as np
import pytest
import torch
from pytorch.comparison import agree
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn


def _gradients(rng):
    """Return parameters with the same gradients here and there; one has none."""
    ours = [nn.Parameter(np.zeros(shape)) for shape in ((2, 3), (4,), (1,))]
    theirs = [torch.nn.Parameter(torch.tensor(p.numpy())) for p in ours]
    for own, known in zip(ours[:2], theirs[:2], strict=True):
        own.grad = rng.standard_normal(own.shape)
        known.grad = torch.tensor(own.grad.numpy())
    return ours, theirs


@for_each("most", [0.5, 100.0, 0.0])
@for_each("p", [1.0, 2.0, 3.5, float("inf")])
def test_norms_of_gradients(rng, most, p):
    ours, theirs = _gradients(rng)
    agree(nn.utils.clip_grad_norm_(iter(ours), most, p), torch.nn.utils.clip_grad_norm_(theirs, most, p))
    for own, known in zip(ours[:2], theirs[:2], strict=True):
        agree(own.grad, known.grad)
    assert ours[2].grad is None


def test_values_of_gradients(rng):
    ours, theirs = _gradients(rng)
    nn.utils.clip_grad_value_(ours, 0.3)
    torch.nn.utils.clip_grad_value_(theirs, 0.3)
    for own, known in zip(ours[:2], theirs[:2], strict=True):
        agree(own.grad, known.grad)


def test_parameters_in_a_row(rng):
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 4)).double()
    own = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 4)).double()
    own.load_state_dict(net.state_dict())
    row = nn.utils.parameters_to_vector(own.parameters())
    agree(row, torch.nn.utils.parameters_to_vector(net.parameters()))
    nn.utils.vector_to_parameters(row * 2, own.parameters())
    agree(own[1].weight, net[1].weight * 2)
    (row * np.arange(row.size)).sum().backward()
    assert own[0].weight.grad.tolist() == [[0, 1, 2], [3, 4, 5]]


@for_each(
    "name, shape, options",
    [
        ("dirac_", (5, 3, 3), {}),
        ("dirac_", (6, 2, 2, 3), {"groups": 3}),
        ("dirac_", (2, 4, 1, 2, 3), {}),
        ("eye_", (2, 3), {}),
        ("ones_", (2,), {}),
        ("zeros_", (2,), {}),
        ("constant_", (2, 2), {"val": 0.5}),
    ],
)
def test_first_values_that_are_not_drawn(name, shape, options):
    theirs = getattr(torch.nn.init, name)(torch.full(shape, 7.0, dtype=torch.float64), **options)
    agree(getattr(nn.init, name)(ag.tensor(np.full(shape, 7.0)), **options), theirs)


@for_each(
    "name, options",
    [
        ("uniform_", {"a": -2.0, "b": 3.0}),
        ("normal_", {"mean": 1.0, "std": 3.0}),
        ("trunc_normal_", {"std": 2.0, "a": -1.0, "b": 3.0}),
        ("xavier_uniform_", {"gain": 2.0}),
        ("xavier_normal_", {"gain": 2.0}),
        ("kaiming_uniform_", {"a": 0.3, "mode": "fan_out"}),
        ("kaiming_normal_", {"nonlinearity": "relu"}),
        ("kaiming_normal_", {"nonlinearity": "tanh"}),
        ("orthogonal_", {"gain": 2.0}),
    ],
)
def test_first_values_are_distributed_alike(name, options):
    """In mean and spread, to four standard errors of the spread's, and within the same bounds."""
    torch.manual_seed(0)
    theirs = getattr(torch.nn.init, name)(torch.zeros(64, 32, 3, 3), **options).numpy()
    tensor = ag.tensor(np.zeros((64, 32, 3, 3), np.float32))
    assert getattr(nn.init, name)(tensor, **options, rng=0) is tensor
    values, scale = tensor.numpy(), theirs.std()
    assert values.dtype == np.float32
    np.testing.assert_allclose(values.std(), scale, rtol=4 / np.sqrt(theirs.size))
    np.testing.assert_allclose(values.mean(), theirs.mean(), atol=6 * scale / np.sqrt(theirs.size))
    if "normal_" not in name or name == "trunc_normal_":
        np.testing.assert_allclose([values.min(), values.max()], [theirs.min(), theirs.max()], rtol=0.35)


@for_each("kind", ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
@for_each("slope", [None, 0.2])
def test_gains(kind, slope):
    assert nn.init.calculate_gain(kind, slope) == torch.nn.init.calculate_gain(kind, slope)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # torch advises others, whose states have other names
@for_each("name", ["weight_norm", "spectral_norm"])
@for_each("layer", ["Conv2d", "ConvTranspose2d"])
def test_normalised_weights_take_over_states_of_torchs(name, layer):
    theirs = getattr(torch.nn.utils, name)(getattr(torch.nn, layer)(3, 4, 2).double())
    ours = getattr(ag.nn.utils, name)(getattr(ag.nn, layer)(3, 4, 2, dtype=float))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    x = np.random.default_rng(0).standard_normal((2, 3, 5, 5))
    if name == "spectral_norm":
        theirs(torch.tensor(x))  # which computes the vectors
    ours.load_state_dict({key: value.detach().numpy() for key, value in theirs.state_dict().items()})
    for module in (theirs, ours):
        module.train()
    y, expected = ours(x), theirs(torch.tensor(x))
    np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), atol=1e-10)
    ag.square(y).sum().backward()
    (expected**2).sum().backward()
    for (key, one), (other_key, two) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert key == other_key
        np.testing.assert_allclose(one.grad.numpy(), two.grad.numpy(), atol=1e-9)
