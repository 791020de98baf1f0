import io
import sys

import pytest

from autograd_cnn.cli.fit import Epoch, Tally
from autograd_cnn.cli.progress import Bar, Lines, progress, say


@pytest.fixture
def tally():
    tally = Tally(began=0.0)
    tally.images, tally.right, tally.total_loss = 8, 6, 4.0
    return tally


def _epoch(number):
    return Epoch(number, 0.5, 0.75, 0.25, 0.9861, 1e-3, 12345.6, 2.0)


def test_say(capsys):
    say("one line")
    assert capsys.readouterr().out == "one line\n"


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", r"\u2202 \udcff"), ("latin-1", r"\u2202 \udcff"), ("utf-8", r"∂ \udcff")]
)
def test_say_in_any_encoding(monkeypatch, encoding, shown):
    output = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", output)
    say("∂ \udcff")  # a lone surrogate stands for a byte in the name of a file
    assert output.buffer.getvalue().decode(encoding).rstrip() == shown


def test_say_without_an_output(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    say("nobody hears")
    assert isinstance(progress(1, 1), Lines)


def test_lines(capsys, tally):
    with progress(10, 8) as shown:
        assert isinstance(shown, Lines)
        shown.step(1, tally)
        shown.epoch(_epoch(1))
    assert capsys.readouterr().out == ("epoch  1/10  loss 0.5000  accuracy 0.7500  held out 0.9861  12,346 images/s\n")


def test_bar(capsys, tally, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with progress(2, 8) as shown:
        assert isinstance(shown, Bar)
        shown.step(1, tally)
        assert shown.bar.tasks[0].completed == 8
        shown.epoch(_epoch(1))
        shown.step(2, tally)
    assert shown.bar.finished
    shown = capsys.readouterr().out
    assert "epoch 2/2" in shown
    assert "loss 0.5000  accuracy 0.7500" in shown
    assert "images/s" in shown
