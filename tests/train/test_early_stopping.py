"""Stopping when nothing is gained: when, with which weights, and across a restart."""

import numpy as np
import pytest
from tables import for_each

from autograd_cnn import nn, optim
from autograd_cnn.data import Loader, digits
from autograd_cnn.errors import ArgumentError, OperandError
from autograd_cnn.train import EarlyStopping, EpochMetrics, Trainer


class Model(nn.Module):
    """One weight, which tells the epochs apart."""

    def __init__(self):
        self.weight = nn.Parameter([0.0])


class Told:
    """A trainer whose epochs have been told."""

    def __init__(self):
        self.model = self.tested = Model()
        self.stopped = False

    def stop(self):
        self.stopped = True

    def run(self, stopping, values):
        """Return after how many epochs it stopped, and the weight at the end."""
        stopping.on_fit_start(self)
        count = 0
        for value in values:
            if self.stopped:
                break
            count += 1
            self.model.weight.data = [float(count)]
            figures = dict.fromkeys(("loss", "accuracy", "test_loss", "test_accuracy"), value)
            stopping.on_epoch_end(
                self, EpochMetrics(count, **figures, learning_rate=1, images_per_second=1, seconds=1, backend="jit")
            )
        stopping.on_fit_end(self)
        return count, self.model.weight.item()


@for_each("options, values, count, best", [
    ({"patience": 2}, [3, 2, 1, 2, 2, 0], 5, 3),
    ({"patience": 3}, [3, 2, 1, 2, 2, 0], 6, 6),
    ({"patience": 1}, [1, 1], 2, 1),
    ({"patience": 2, "monitor": "test_accuracy"}, [0.1, 0.5, 0.5, 0.4, 0.9], 4, 2),
    ({"patience": 2, "monitor": "accuracy", "min_delta": 0.2}, [0.1, 0.2, 0.4, 0.5, 0.55, 0.9], 5, 3),
    ({"patience": 1, "monitor": "loss"}, [3, 2, 1], 3, 3),
])  # fmt: skip
def test_when_it_stops_and_with_which_weights(options, values, count, best):
    assert Told().run(EarlyStopping(**options), values) == (count, best)


def test_it_goes_on_from_its_state():
    first, second = EarlyStopping(2), EarlyStopping(2)
    Told().run(first, [1, 2])
    second.load_state_dict(first.state_dict())
    assert Told().run(second, [2, 0]) == (1, 1)
    third = EarlyStopping(2)
    third.load_state_dict(second.state_dict())
    assert Told().run(third, [0, 0]) == (0, 1)


def test_a_trainer_that_is_restored_stops_where_the_other_does(tmp_path):
    train, test = digits()

    def trainer():
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10, rng=0))
        return Trainer(model, optim.SGD(model.parameters(), lr=2.0), callbacks=[EarlyStopping(2, "test_accuracy")])

    def loader():
        return Loader(train.images[:200], train.labels[:200], seed=1)

    whole = trainer()
    history = whole.fit(loader(), test, 60)
    assert 3 < len(history) < 60
    halved = trainer()
    batches = loader()
    halved.callbacks[0].on_fit_end = lambda _: None  # a run that is killed does not get there
    halved.fit(batches, test, len(history) - 1)
    halved.save(tmp_path / "checkpoint.npz")
    again, batches = trainer(), loader()
    again.restore(tmp_path / "checkpoint.npz", batches)
    assert [epoch.test_loss for epoch in again.fit(batches, test, 60)] == [epoch.test_loss for epoch in history]
    for name, value in whole.model.state_dict().items():
        assert np.array_equal(again.model.state_dict()[name], value)


@for_each("make, error, told", [
    (lambda: EarlyStopping(0), ArgumentError, "EarlyStopping: patience is out of range: expected an int of at least 1, got 0"),
    (lambda: EarlyStopping(1, "f1"), ArgumentError,
     "EarlyStopping: monitor is unknown: expected 'test_loss', 'test_accuracy', 'loss' or 'accuracy', got 'f1'"),
    (lambda: EarlyStopping(1, min_delta=-1), ArgumentError, "EarlyStopping: min_delta is out of range: expected a number of at least 0, got -1"),
    (lambda: EarlyStopping(1).load_state_dict({}), OperandError, "load_state_dict: it is not a state of early stopping: expected what state_dict returned, got {}"),
    (lambda: EarlyStopping(1).load_state_dict(EarlyStopping(1, "loss").state_dict()), ArgumentError,
     "load_state_dict: something else was monitored: expected test_loss, got loss"),
])  # fmt: skip
def test_what_it_refuses(make, error, told):
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value) == told
