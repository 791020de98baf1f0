"""A training shows itself where somebody looks."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from autograd_cnn import data, nn, optim, train
from autograd_cnn.train import EpochMetrics, Metrics, Progress, progress

METRICS = Metrics(count=8, correct=6, total_loss=4.0, start=0.0)


def _follow(shown, trainer):
    """Tell of two epochs, and of a batch in each."""
    shown.on_fit_start(trainer)
    for number in (1, 2):
        trainer.epoch = number
        shown.on_batch_end(trainer, METRICS)
        trainer.history.append(EpochMetrics(number, 0.5, 0.75, 0.25, 0.9861, 1e-3, 12345.6, 2.0, "jit"))
        trainer.epoch = number + 1
        shown.on_epoch_end(trainer, trainer.history[-1])


@pytest.fixture
def trainer():
    return SimpleNamespace(epoch=1, epochs=2, history=[], loader=SimpleNamespace(labels=range(8)))


LINES = """\
epoch 1/2  loss 0.5000  accuracy 0.7500  held out 0.9861  12,346 images/s
epoch 2/2  loss 0.5000  accuracy 0.7500  held out 0.9861  12,346 images/s
"""


def test_lines_where_nobody_watches(capsys, trainer):
    shown = Progress()
    _follow(shown, trainer)
    shown.on_fit_end(trainer)
    assert capsys.readouterr().out == LINES


def test_lines_where_they_are_asked_for(capsys, trainer, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    _follow(Progress(live=False), trainer)
    assert capsys.readouterr().out == LINES


def test_a_bar_in_a_terminal(capsys, trainer, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    shown = Progress()
    _follow(shown, trainer)
    bar = shown._view.bar
    assert bar.finished
    shown.on_fit_end(trainer)
    assert not bar.live.is_started
    text = capsys.readouterr().out
    assert "epoch 2/2" in text
    assert "loss 0.5000  accuracy 0.7500" in text
    assert "images/s" in text


def test_curves_in_a_notebook(trainer, monkeypatch):
    pages = []
    handle = SimpleNamespace(update=lambda page, raw: pages.append(page))
    notebook = ModuleType("IPython")
    notebook.get_ipython = lambda: SimpleNamespace(kernel=object())
    display = SimpleNamespace(display=lambda page, raw, display_id: pages.append(page) or handle)
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(progress, "PAUSE", -1.0)
    _follow(Progress(), trainer)
    assert [page["text/plain"][:10] for page in pages] == [
        "epoch 1/2 ",
        "epoch 1/2 ",
        "epoch 2/2 ",
        "epoch 2/2 ",
        "epoch 2/2 ",
    ]
    assert [page["text/html"].count("<svg") for page in pages] == [0, 0, 2, 2, 2]
    assert 'value="16" max="16"' in pages[3]["text/html"]
    assert "accuracy: learned from, 0.75 to 0.75" in pages[-1]["text/html"]


def test_of_a_real_training(capsys):
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10, rng=0))
    digits = data.digits()
    trainer = train.Trainer(model, optim.SGD(model.parameters(), lr=0.1), callbacks=[Progress()])
    for _ in range(2):
        trainer.fit(data.Loader(*digits.train), digits.test, epochs=1)
    assert [line[:9] for line in capsys.readouterr().out.splitlines()] == ["epoch 1/1", "epoch 2/2"]
