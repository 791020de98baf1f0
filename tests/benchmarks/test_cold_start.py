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
        seen.append(labels)
        rates.append(rate)
        return np.float32(2.5)

    recipe.train(step, lambda images: np.eye(10)[recipe.digits()[1][1]])
    assert json.loads(capsys.readouterr().out) == {"first loss": 2.5, "steps": 90}
    assert sorted(set(rates)) == [recipe.RATE / 2, recipe.RATE]
    assert np.array_equal(np.bincount(np.concatenate(seen)), 2 * np.bincount(recipe.digits()[0][1]))


def test_images_move_by_a_pixel_at_most(monkeypatch):
    image = np.zeros((50, 1, 8, 8), np.float32)
    image[:, 0, 4, 4] = 1
    batches = [images for images, _ in recipe._batches(image, np.zeros(50, int), 0)]
    rows, columns = np.nonzero(np.concatenate(batches)[:, 0])[1:]
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) == {(i, j) for i in (3, 4, 5) for j in (3, 4, 5)}


def test_a_missed_target_is_an_error(monkeypatch):
    monkeypatch.setattr(recipe, "EPOCHS", 1)
    with pytest.raises(RuntimeError) as err:
        recipe.train(lambda *_: np.float32(0), lambda images: np.eye(10)[np.zeros(len(images), int)])
    assert str(err.value).startswith("only 0.")
    assert str(err.value).endswith(" after 1 epochs")
