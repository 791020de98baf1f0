import io
import sys

import pytest

from autograd_cnn.cli.output import is_terminal, say


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
    assert not is_terminal()
