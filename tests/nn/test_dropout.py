import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError


def test_in_training_a_share_falls_out_and_the_mean_stays():
    y = nn.Dropout(0.25, rng=0)(np.ones((200, 200), np.float32))
    assert y.dtype == np.float32
    assert set(np.unique(y).tolist()) == {0.0, np.float32(4 / 3).item()}
    assert np.mean(y == 0) == pytest.approx(0.25, abs=0.01)
    assert y.mean() == pytest.approx(1, abs=0.01)


def test_the_gradient_takes_the_same_way():
    x = ag.tensor(np.full(100, 2.0), requires_grad=True)
    y = nn.Dropout(rng=0)(x)
    y.sum().backward()
    assert np.array_equal(x.grad.numpy(), y.numpy() / 2)


def test_seeds_repeat_and_each_call_differs():
    one, two = nn.Dropout(rng=5), nn.Dropout(rng=5)
    x = np.ones(50)
    first = one(x)
    assert np.array_equal(first, two(x))
    assert not np.array_equal(first, one(x))


def test_in_use_nothing_falls_out():
    x = ag.tensor([1.0, 2.0])
    assert nn.Dropout().eval()(x) is x
    assert nn.Dropout(0.0)(x) is x
    assert nn.Dropout(1.0)(x).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("dtype", [int, np.uint8, bool])
def test_integers_are_dropped_as_floats(dtype):
    y = nn.Dropout(0.1, rng=0)(np.ones(100, dtype))
    assert set(y.tolist()) == {0.0, 1 / 0.9}


def test_the_line_it_shows_and_what_it_refuses():
    assert repr(nn.Dropout(0.1)) == "Dropout(p=0.1)"
    with pytest.raises(ArgumentError) as error:
        nn.Dropout(1.5)
    assert str(error.value) == "Dropout: p is out of range: expected a number from 0 to 1, got 1.5"


def test_integers_are_scaled_in_floats():
    kept = nn.Dropout(0.3, rng=0)(np.ones(20, int))
    assert set(np.unique(kept)) == {0.0, 1 / 0.7}


@pytest.mark.parametrize("p", ["a", None, [0.5]])
def test_a_probability_that_is_no_number(p):
    with pytest.raises(ArgumentError, match="Dropout: p is "):
        nn.Dropout(p)
