"""Which learning rates a training can take."""

import numpy as np
import pytest
from tables import for_each

from autograd_cnn import nn, optim
from autograd_cnn.data import Loader, digits
from autograd_cnn.errors import ArgumentError
from autograd_cnn.train import Trainer, find_lr


def _parts():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 16, rng=0), nn.ReLU(), nn.Linear(16, 10, rng=1))
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    images, labels = digits().train
    return Trainer(model, optimizer, optim.CosineAnnealingLR(optimizer, 100)), Loader(
        images[:256], labels[:256], seed=1
    )


def test_it_tries_up_to_where_the_loss_explodes_and_suggests_what_learns():
    trainer, loader = _parts()
    found = find_lr(trainer, loader, high=1e6)
    assert len(found.rates) == len(found.losses) < 100
    assert np.allclose(np.diff(np.log(found.rates)), np.log(1e12) / 99)
    assert np.isfinite(found.losses).all()
    trainer.optimizer.param_groups[0]["lr"] = found.suggestion
    history = trainer.fit(loader, digits().test, 10)
    assert history[-1].accuracy > 0.8


def test_all_is_as_it_was_before():
    trainer, loader = _parts()
    other, batches = _parts()
    trainer.model[0].eval()
    modes = [module.training for module in trainer.model.modules()]
    find_lr(trainer, loader, steps=7)
    assert [module.training for module in trainer.model.modules()] == modes
    assert trainer.history == []
    losses = [each.fit(source, digits().test, 2)[-1].loss for each, source in ((trainer, loader), (other, batches))]
    assert losses[0] == losses[1]


def test_all_is_as_it_was_before_even_if_a_step_fails(monkeypatch):
    trainer, loader = _parts()
    state = trainer.model.state_dict()
    calls = []

    def fail(*batch):
        calls.append(batch)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return Trainer.train_step(trainer, *batch)

    monkeypatch.setattr(trainer, "train_step", fail)
    with pytest.raises(KeyboardInterrupt):
        find_lr(trainer, loader)
    assert all(np.array_equal(value, state[name]) for name, value in trainer.model.state_dict().items())
    assert trainer.optimizer.param_groups[0]["lr"] == 0.05


@for_each("options, told", [
    ({"low": 0.0}, "a number is out of range: expected 0 < low < high, and at least 3 steps, got low 0.0, high 1.0, 100 steps"),
    ({"low": 2.0}, "a number is out of range: expected 0 < low < high, and at least 3 steps, got low 2.0, high 1.0, 100 steps"),
    ({"steps": 2}, "a number is out of range: expected 0 < low < high, and at least 3 steps, got low 1e-06, high 1.0, 2 steps"),
    ({"low": 1e7, "high": 1e9}, "the loss exploded after 1 steps: expected 3 at least, got low 10000000.0; begin with a lower one"),
])  # fmt: skip
def test_what_it_refuses(options, told):
    with pytest.raises(ArgumentError) as caught:
        find_lr(*_parts(), **options)
    assert str(caught.value) == f"find_lr: {told}"


def test_a_loader_without_batches():
    trainer, _ = _parts()
    images, labels = digits().train
    with pytest.raises(ArgumentError, match=r"^find_lr: the loader has no batches$"):
        find_lr(trainer, Loader(images[:0], labels[:0]))
