import numpy as np
import pytest

from autograd_cnn import nn
from autograd_cnn.cli.fit import Plan, Tally, evaluate, fit
from autograd_cnn.data import Dataset, Split, digits
from autograd_cnn.errors import DivergedError


@pytest.fixture
def few():
    return Dataset(*(Split(split.images[:96], split.labels[:96]) for split in digits()))


def _ignore(epoch, tally):
    """Watch nothing."""


def _fit(dataset, seed=0, lr=2e-3, watch=_ignore, epochs=2):
    model = nn.digits_net(seed)
    return model, list(fit(model, dataset, Plan(epochs, 32, lr, seed), watch))


def test_tally():
    tally = Tally()
    tally.add(1.0, np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    tally.add(4.0, np.array([[0.1, 0.9]]), np.array([1]))
    assert (tally.images, tally.right, tally.loss, tally.accuracy) == (3, 2, 2.0, 2 / 3)
    assert tally.seconds > 0


def test_reports_every_epoch_and_every_batch(few):
    seen = []
    _, epochs = _fit(few, watch=lambda epoch, tally: seen.append((epoch, tally.images)))
    assert seen == [(1, 32), (1, 64), (1, 96), (2, 32), (2, 64), (2, 96)]
    assert [epoch.epoch for epoch in epochs] == [1, 2]
    assert [epoch.learning_rate for epoch in epochs] == [2e-3, pytest.approx(1e-3)]
    assert epochs[1].loss < epochs[0].loss
    assert epochs[0].images_per_second == pytest.approx(96 / epochs[0].seconds)


def test_the_last_epoch_is_what_evaluate_finds(few):
    model, epochs = _fit(few)
    tested = evaluate(model, few.test, batch_size=7)
    assert epochs[-1].test_accuracy == tested.accuracy
    assert epochs[-1].test_loss == pytest.approx(tested.loss, rel=1e-6)
    scores = model(few.test.images).numpy()
    assert tested.accuracy == np.mean(scores.argmax(1) == few.test.labels)


def test_evaluate_records_nothing_and_changes_nothing(few):
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10, rng=0))
    before = model.state_dict()
    assert evaluate(model, few.test).loss == evaluate(model, few.test).loss
    assert all(np.array_equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_same_seed_same_bits(few):
    one, two, other = (_fit(few, seed)[0].state_dict() for seed in (3, 3, 4))
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert not np.array_equal(one["fc2.weight"], other["fc2.weight"])


def test_stops_where_the_loss_is_no_number(few):
    with np.errstate(all="ignore"), pytest.raises(DivergedError) as err:
        _fit(few, lr=1e30)
    assert str(err.value) == "the loss became nan in epoch 1, step 2"


def test_stops_where_only_the_last_step_of_an_epoch_went_wrong(few):
    one_batch = Dataset(Split(few.train.images[:32], few.train.labels[:32]), few.test)
    with np.errstate(all="ignore"), pytest.raises(DivergedError) as err:
        _fit(one_batch, lr=1e30)
    assert str(err.value) == "the loss became nan in epoch 1, step 1"


def test_learns_to_read():
    _, epochs = _fit(digits(), epochs=10)
    assert epochs[-1].test_accuracy >= 0.97
