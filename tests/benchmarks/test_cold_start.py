import json

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn
from benchmarks.cold_start import recipe


def test_the_digits_are_those_of_the_package():
    for mine, theirs in zip(recipe.digits(), ag.data.digits(), strict=True):
        assert np.array_equal(mine[0], theirs.images)
        assert np.array_equal(mine[1], theirs.labels)


def test_the_weights_fit_the_network():
    assert nn.digits_net().load_state_dict(recipe.weights()) == ([], [])


def test_rates_fall_and_every_image_is_seen_once_an_epoch(monkeypatch, capsys):
    monkeypatch.setattr(recipe, "EPOCHS", 2)
    seen, rates = [], []

    def step(images, labels, rate):
        seen.append(images)
        rates.append(rate)

    def scores(images):
        return np.eye(10)[recipe.digits()[1][1]]

    recipe.train(step, scores)
    assert json.loads(capsys.readouterr().out) == {"accuracy": 1.0}
    assert sorted(set(rates)) == [recipe.RATE / 2, recipe.RATE]
    half = np.concatenate(seen[: len(seen) // 2])
    assert half.sum() == pytest.approx(recipe.digits()[0][0].sum(), rel=1e-4)


def test_a_missed_target_is_an_error(monkeypatch):
    monkeypatch.setattr(recipe, "EPOCHS", 1)
    with pytest.raises(RuntimeError) as err:
        recipe.train(lambda *_: None, lambda images: np.eye(10)[np.zeros(len(images), int)])
    assert str(err.value).startswith("only 0.")
    assert str(err.value).endswith(" after 1 epochs")
