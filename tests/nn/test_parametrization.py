"""Weights that are computed: what they are, what is learned, and that copies, pickles and states keep them."""

import copy
import pickle

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn, optim
from autograd_cnn.errors import ArgumentError, OperandError
from autograd_cnn.nn.utils import remove_spectral_norm, remove_weight_norm, spectral_norm, weight_norm

LAYERS = {
    "Linear": (lambda: nn.Linear(6, 4, rng=0), (3, 6)),
    "Conv2d": (lambda: nn.Conv2d(2, 4, 3, rng=0), (2, 2, 5, 5)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(2, 4, 3, rng=0), (2, 2, 5, 5)),
}
NORMS = {"weight_norm": weight_norm, "spectral_norm": lambda layer: spectral_norm(layer, rng=1)}
CASES = [(norm, *LAYERS[name]) for norm in NORMS.values() for name in LAYERS]
IDS = [f"{norm} of {name}" for norm in NORMS for name in LAYERS]


@for_each("norm, make, shape", CASES, ids=IDS)
def test_it_learns_compiled_or_not_and_survives(norm, make, shape, rng):
    x = rng.standard_normal(shape, np.float32)
    layers = [norm(make()) for _ in range(2)]
    for layer, wrap in zip(layers, (ag.compile, lambda step: step), strict=True):
        optimizer = optim.SGD(layer.parameters(), lr=0.1)

        def step(x, layer=layer, optimizer=optimizer):
            loss = ag.square(layer(x)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        run = wrap(step)
        losses = [run(x).item() for _ in range(5)]
        assert losses[-1] < losses[0]
    states = [layer.state_dict() for layer in layers]
    assert all(np.array_equal(states[0][name], value) for name, value in states[1].items())
    layer = layers[0].eval()
    expected = layer(x).numpy()
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):  # noqa: S301  # our own
        assert np.array_equal(other(x).numpy(), expected)
        assert list(other.state_dict()) == list(states[0])
        next(other.parameters()).data = next(other.parameters()).numpy() * 0
        assert np.array_equal(layer(x).numpy(), expected)
    other = norm(make()).eval()
    other.load_state_dict(layer.state_dict())
    assert np.array_equal(other(x).numpy(), expected)
    remove = remove_weight_norm if norm is weight_norm else remove_spectral_norm
    plain = remove(layer)
    assert type(plain) is type(make())
    assert list(plain.state_dict()) == ["bias", "weight"]
    assert np.allclose(plain(x).numpy(), expected, atol=1e-6)


def test_gradients(rng):
    x = rng.standard_normal((3, 6))
    for norm in NORMS.values():
        layer = norm(nn.Linear(6, 4, rng=0, dtype=float)).eval()
        name = "weight_v" if norm is weight_norm else "weight_orig"
        held = getattr(layer, name)

        def loss(values, layer=layer, held=held, name=name):
            setattr(layer, name, nn.Parameter(values) if isinstance(values, np.ndarray) else held)
            return ag.square(layer(x)).sum()

        loss(None).backward()
        step = 1e-6 * rng.standard_normal(held.shape)
        values = held.numpy()
        with ag.no_grad():
            change = loss(values + step).item() - loss(values - step).item()
        assert change == pytest.approx(2 * (held.grad.numpy() * step).sum(), rel=1e-6)


def test_the_largest_singular_value_is_found(rng):
    layer = spectral_norm(nn.Conv2d(3, 5, 3, rng=0), n_power_iterations=3, rng=0)
    for _ in range(20):
        weight = layer.weight.numpy()
    assert np.linalg.svd(weight.reshape(5, -1))[1][0] == pytest.approx(1, abs=1e-4)
    before = layer.eval().weight_u
    _ = layer.weight
    assert np.array_equal(layer.weight_u, before)  # only in training
    assert repr(layer) == "Conv2d(3, 5, kernel_size=(3, 3), spectral_norm): 140 parameters"


@for_each("norm", [weight_norm, spectral_norm], ids=["weight_norm", "spectral_norm"])
def test_what_can_not_be_normalised(norm):
    name = norm.__name__
    for call, kind, text in (
        (lambda: norm(3), OperandError, f"{name}: module is not a module: expected a Module, got int"),
        (lambda: norm(nn.ReLU()), ArgumentError, f"{name}: ReLU has no parameter 'weight'; it has none"),
        (lambda: norm(nn.Linear(2, 2), "wait"), ArgumentError,
         f"{name}: Linear has no parameter 'wait'; it has weight, bias"),
        (lambda: norm(nn.Linear(2, 2), dim=2), ArgumentError, f"{name}: dim is out of range: expected -2 to 1, got 2"),
        (lambda: norm(norm(nn.Linear(2, 2))), ArgumentError, f"{name}: a weight of Linear is computed already"),
        (lambda: remove_weight_norm(nn.Linear(2, 2)), ArgumentError,
         "remove_weight_norm: 'weight' of Linear is not computed by it"),
    ):  # fmt: skip
        with pytest.raises(kind) as error:
            call()
        assert str(error.value) == text


class _Renamed(nn.ConvTranspose2d):
    """A layer of the user's own."""


def test_the_outputs_of_a_transposed_convolution_are_its_second_axis_whatever_it_is_called():
    assert nn.utils.spectral_norm(_Renamed(4, 6, 3, rng=0), rng=0).weight_u.shape == (6,)
