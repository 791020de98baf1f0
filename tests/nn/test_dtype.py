"""A layer computes in the dtype of its parameters, and gradients come back in that of the input."""

import inspect

import numpy as np
import pytest
from foreign import Foreign
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.engine.node import Traced


class _SelfAttention(nn.MultiheadAttention):
    """What attends to its only input."""

    def forward(self, x):
        return super().forward(x, x, x)


IMAGES, ROWS = (2, 2, 4, 4), (3, 2, 4)
LAYERS = {
    nn.BatchNorm1d: (lambda **o: nn.BatchNorm1d(2, **o), ROWS),
    nn.BatchNorm2d: (lambda **o: nn.BatchNorm2d(2, **o), IMAGES),
    nn.GroupNorm: (lambda **o: nn.GroupNorm(1, 2, **o), IMAGES),
    nn.InstanceNorm2d: (lambda **o: nn.InstanceNorm2d(2, affine=True, **o), IMAGES),
    nn.LayerNorm: (lambda **o: nn.LayerNorm(4, **o), ROWS),
    nn.RMSNorm: (lambda **o: nn.RMSNorm(4, **o), ROWS),
    nn.Conv2d: (lambda **o: nn.Conv2d(2, 2, 3, rng=0, **o), IMAGES),
    nn.ConvTranspose2d: (lambda **o: nn.ConvTranspose2d(2, 2, 3, rng=0, **o), IMAGES),
    nn.Conv1d: (lambda **o: nn.Conv1d(2, 2, 3, rng=0, **o), ROWS),
    nn.Conv3d: (lambda **o: nn.Conv3d(2, 2, 2, rng=0, **o), (1, 2, 3, 4, 4)),
    nn.ConvTranspose1d: (lambda **o: nn.ConvTranspose1d(2, 2, 3, rng=0, **o), ROWS),
    nn.ConvTranspose3d: (lambda **o: nn.ConvTranspose3d(2, 2, 2, rng=0, **o), (1, 2, 3, 4, 4)),
    nn.PReLU: (lambda **o: nn.PReLU(2, **o), ROWS),
    nn.GRU: (lambda **o: nn.GRU(4, 3, 2, rng=0, **o), ROWS),
    nn.GRUCell: (lambda **o: nn.GRUCell(4, 3, rng=0, **o), ROWS[1:]),
    nn.LSTM: (lambda **o: nn.LSTM(4, 3, rng=0, **o), ROWS),
    nn.LSTMCell: (lambda **o: nn.LSTMCell(4, 3, rng=0, **o), ROWS[1:]),
    nn.TransformerEncoderLayer: (lambda **o: nn.TransformerEncoderLayer(4, 2, 6, 0.0, rng=0, **o), ROWS),
    nn.MultiheadAttention: (lambda **o: _SelfAttention(4, 2, rng=0, **o), ROWS),
    nn.Linear: (lambda **o: nn.Linear(4, 3, rng=0, **o), ROWS),
    nn.PartialConv2d: (lambda **o: nn.PartialConv2d(2, [(0, 1), (1,)], 3, rng=0, **o), IMAGES),
    nn.RNN: (lambda **o: nn.RNN(4, 3, rng=0, **o), ROWS),
    nn.RNNCell: (lambda **o: nn.RNNCell(4, 3, rng=0, **o), ROWS[1:]),
    nn.Subsample2d: (lambda **o: nn.Subsample2d(2, 2, **o), IMAGES),
}


def _outputs(result):
    """Return all arrays of an output, the states' among them."""
    return [each for part in result for each in _outputs(part)] if isinstance(result, tuple) else [result]


def test_no_layer_with_parameters_is_missing():
    with_parameters = {
        layer
        for layer in vars(nn).values()
        if inspect.isclass(layer) and issubclass(layer, nn.Module) and "dtype" in inspect.signature(layer).parameters
    } - {nn.Embedding}  # whose input is integers
    assert with_parameters == set(LAYERS)


@for_each("given", ["float16", "float32", "float64", "int64", "uint8", "bool", ">f8"])
@for_each("own", ["float16", "float32", "float64"])
@pytest.mark.parametrize("layer", LAYERS)
def test_the_outputs_are_those_of_the_cast_input(rng, layer, own, given):
    make, shape = LAYERS[layer]
    x = rng.integers(0, 2, shape).astype(given)
    for mode in (True, False):
        expected = _outputs(make(dtype=own).train(mode=mode)(x.astype(own)))
        for found, right in zip(_outputs(make(dtype=own).train(mode=mode)(x)), expected, strict=True):
            assert found.dtype == own
            np.testing.assert_array_equal(found.numpy(), right.numpy())


@for_each("layer", LAYERS)
def test_arrays_of_other_libraries_are_taken(rng, layer):
    make, shape = LAYERS[layer]
    x = rng.standard_normal(shape).astype(np.float32)
    for mode in (True, False):
        found, expected = (_outputs(make().train(mode=mode)(given)) for given in (Foreign(x), x))
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one.numpy(), other.numpy())


@for_each("given", ["float16", "float32", "float64"])
@for_each("own", ["float32", "float64"])
@pytest.mark.parametrize("layer", LAYERS)
def test_every_gradient_has_the_dtype_of_its_tensor(rng, layer, own, given):
    make, shape = LAYERS[layer]
    values = rng.standard_normal(shape).astype(given)
    x, same = ag.tensor(values, requires_grad=True), ag.tensor(values.astype(own), requires_grad=True)
    net = make(dtype=own)
    for each in (x, same):
        (_outputs(net(each))[0] ** 3).sum().backward()
    assert x.grad.dtype == given
    np.testing.assert_array_equal(x.grad.numpy(), same.grad.numpy().astype(given))
    assert {p.grad.dtype for p in net.parameters()} == {np.dtype(own)}


@pytest.mark.parametrize("layer", [nn.RNN, nn.RNNCell, nn.LSTM, nn.LSTMCell, nn.GRU, nn.GRUCell])
def test_states_are_cast_too(rng, layer):
    make, shape = LAYERS[layer]
    net, x = make(), rng.standard_normal(shape, np.float32)
    states = [
        ag.tensor(rng.standard_normal(s.shape), requires_grad=True) for s in _outputs(net(x))[-net._states :]
    ]  # how many there are
    found = _outputs(net(x, tuple(states)))
    assert {each.dtype for each in found} == {np.dtype(np.float32)}
    found[0].sum().backward()
    assert {state.grad.dtype for state in states} == {np.dtype(np.float64)}


def test_nothing_is_recorded_where_the_dtypes_agree():
    x = ag.tensor(np.ones((1, 2), np.float32), requires_grad=True)
    assert nn.Linear(2, 1)(x).node.parents[0] is x.node


def test_a_network_stays_in_its_dtype_whatever_comes_between(rng):
    net = nn.Sequential(nn.Linear(4, 8, rng=0), nn.Tanh(), nn.Linear(8, 2, rng=1))
    hidden = net[1](net[0](rng.standard_normal((3, 4)))) / np.sqrt(8)
    assert (hidden.dtype, net[2](hidden).dtype) == (np.float64, np.float32)


def test_what_is_no_real_number_is_the_layers_to_refuse():
    with pytest.raises(ag.errors.OperandError, match=r"^linear: "):
        nn.Linear(2, 1)(np.ones(2) * 1j)


def test_what_has_no_float_parameters_is_left_alone():
    x = np.ones(2)
    assert nn.module.in_dtype_of(np.ones(1, int), x) is x
    assert isinstance(nn.module.in_dtype_of(np.ones(1, np.float32), ag.tensor([1, 2])), Traced)
