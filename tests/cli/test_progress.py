import sys
from types import SimpleNamespace

import pytest

from autograd_cnn.cli.progress import Bar, Lines, progress
from autograd_cnn.train import EpochMetrics, Metrics


@pytest.fixture
def metrics():
    return Metrics(count=8, correct=6, total_loss=4.0, start=0.0)


def _trainer(epoch):
    return SimpleNamespace(epoch=epoch)


def _epoch(number):
    return EpochMetrics(number, 0.5, 0.75, 0.25, 0.9861, 1e-3, 12345.6, 2.0, "jit")


def test_lines(capsys, metrics):
    lines = progress(10, 8)
    assert isinstance(lines, Lines)
    lines.on_fit_start(_trainer(1))
    lines.on_batch_end(_trainer(1), metrics)
    lines.on_epoch_end(_trainer(1), _epoch(1))
    lines.on_fit_end(_trainer(2))
    assert capsys.readouterr().out == ("epoch  1/10  loss 0.5000  accuracy 0.7500  held out 0.9861  12,346 images/s\n")


def test_bar(capsys, metrics, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    bar = progress(2, 8)
    assert isinstance(bar, Bar)
    bar.on_fit_start(_trainer(1))
    bar.on_batch_end(_trainer(1), metrics)
    assert bar.bar.tasks[0].completed == 8
    bar.on_epoch_end(_trainer(1), _epoch(1))
    bar.on_batch_end(_trainer(2), metrics)
    bar.on_fit_end(_trainer(2))
    assert bar.bar.finished
    assert not bar.bar.live.is_started
    text = capsys.readouterr().out
    assert "epoch 2/2" in text
    assert "loss 0.5000  accuracy 0.7500" in text
    assert "images/s" in text
