import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError, ShapeError


@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradients(rng, bias):
    layer = nn.Linear(3, 2, bias, rng=rng, dtype=float)
    x = ag.tensor(rng.standard_normal((4, 3)), requires_grad=True)
    g = rng.standard_normal((4, 2))
    y = layer(x)
    y.backward(g)
    w, b = layer.weight.numpy(), layer.bias.numpy() if bias else np.zeros(2)
    expected = [[sum(x.numpy()[n, i] * w[o, i] for i in range(3)) + b[o] for o in range(2)] for n in range(4)]
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(layer.weight.grad.numpy(), np.einsum("no,ni->oi", g, x.numpy()), rtol=1e-12)
    np.testing.assert_allclose(x.grad.numpy(), np.einsum("no,oi->ni", g, w), rtol=1e-12)
    if bias:
        np.testing.assert_allclose(layer.bias.grad.numpy(), g.sum(axis=0), rtol=1e-12)
    else:
        assert layer.bias is None


def test_first_values_are_within_pytorchs_bound_and_follow_the_seed():
    one, two = nn.Linear(100, 50, rng=3), nn.Linear(100, 50, rng=3)
    for p in one.parameters():
        assert p.dtype == np.float32
        assert 0.08 < np.abs(p.numpy()).max() <= 0.1
    assert all(np.array_equal(p.numpy(), q.numpy()) for p, q in zip(one.parameters(), two.parameters(), strict=True))


def test_the_line_it_shows():
    assert repr(nn.Linear(3, 2)) == "Linear(3, 2): 8 parameters"
    assert repr(nn.Linear(3, 2, bias=False)) == "Linear(3, 2, bias=False): 6 parameters"


def test_an_input_that_does_not_fit():
    with pytest.raises(ShapeError) as error:
        nn.Linear(3, 2)(np.ones((5, 4)))
    assert str(error.value) == "Linear: x has the wrong shape: expected (..., 3), got (5, 4)"
    with pytest.raises(ArgumentError) as error:
        nn.Linear(3, 0)
    assert str(error.value) == "Linear: out_features is out of range: expected an int of at least 1, got 0"


@pytest.mark.parametrize(("start_dim", "shape"), [(0, (24,)), (1, (2, 12)), (2, (2, 3, 4)), (-2, (2, 12))])
def test_flatten(start_dim, shape):
    x = ag.tensor(np.arange(24.0).reshape(2, 3, 4), requires_grad=True)
    y = nn.Flatten(start_dim)(x)
    assert y.shape == shape
    assert y.numpy().ravel().tolist() == list(range(24))
    y.backward(y)
    assert np.array_equal(x.grad.numpy(), x.numpy())


def test_flatten_of_nothing_and_of_too_little():
    assert nn.Flatten()(np.ones((0, 3, 2))).shape == (0, 6)
    assert repr(nn.Flatten()) == "Flatten(start_dim=1)"
    with pytest.raises(ShapeError) as error:
        nn.Flatten()(np.ones(3))
    assert str(error.value) == "Flatten: x has too few axes: expected an axis 1, got shape (3,)"


def test_identity():
    x = ag.tensor([1.0])
    assert nn.Identity()(x) is x
