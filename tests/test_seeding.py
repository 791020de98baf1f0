"""One seed for all that is given no generator."""

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError


@pytest.fixture(autouse=True)
def _unseeded(monkeypatch):
    monkeypatch.setattr("autograd_cnn.seeding._root", None)


def _numbers():
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(), nn.LSTM(8, 3))
    kept = nn.functional.dropout(np.ones(50))
    weight = nn.init.normal_(nn.Parameter(np.zeros(5)))
    return [*model.state_dict().values(), model[1](np.ones((9, 8))), kept, weight.numpy()]


def test_the_same_seed_gives_the_same_numbers_and_each_its_own():
    results = []
    for seed in (3, 3, 4):
        ag.manual_seed(seed)
        results.append(_numbers())
    one, two, other = results
    assert all(map(np.array_equal, one, two))
    assert not any(map(np.array_equal, one, other))
    assert not any(map(np.array_equal, _numbers(), one))  # it goes on
    ag.manual_seed(3)
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    assert not np.array_equal(first.weight.numpy(), second.weight.numpy())


def test_a_generator_neither_sees_the_seed_nor_changes_what_others_draw():
    alone = nn.Linear(4, 4, rng=7).weight.numpy()
    ag.manual_seed(0)
    first = nn.Linear(4, 4).weight.numpy()
    ag.manual_seed(0)
    assert np.array_equal(nn.Linear(4, 4, rng=7).weight.numpy(), alone)
    assert np.array_equal(nn.Linear(4, 4).weight.numpy(), first)


def test_without_a_seed_numbers_are_new_and_numpys_state_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002  # that which is left alone
    assert not np.array_equal(nn.Linear(4, 4).weight.numpy(), nn.Linear(4, 4).weight.numpy())
    ag.manual_seed(0)
    nn.Linear(4, 4)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    with pytest.raises(ArgumentError) as error:
        ag.manual_seed(-1)
    assert str(error.value) == "manual_seed: seed is out of range: expected an int of at least 0, got -1"
