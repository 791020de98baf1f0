"""A network that reads a text letter by letter and predicts the next one (Graves 2013; Karpathy 2015)."""

from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array
from autograd_cnn.engine.recording import no_grad
from autograd_cnn.nn import init
from autograd_cnn.nn.layers.embedding import Embedding
from autograd_cnn.nn.layers.linear import Linear
from autograd_cnn.nn.layers.recurrent import LSTM
from autograd_cnn.nn.module import Module
from autograd_cnn.parameters import Count, Indices, Positive, Share, Size
from autograd_cnn.seeding import default_rng


class CharLSTM(Module):
    """An embedding of letters, an LSTM, and scores for the next letter.

    Parameters
    ----------
    vocabulary : int
        V, how many letters there are.
    embedding, hidden : int
        The sizes of a letter's vector and of the LSTM's state.
    layers : int
        The LSTM's layers.
    dropout : float
        Between these layers, in training.
    rng : Generator, int or None

    Examples
    --------
    >>> scores, state = CharLSTM(27, rng=0)([[2, 0, 19]])
    >>> scores.shape
    (1, 3, 27)
    """

    @composite
    def __init__(
        self, vocabulary: Size, embedding: Size = 32, hidden: Size = 128, layers: Size = 1, dropout: Share = 0.0, *,
        rng: init.Rng = None,
    ) -> None:  # fmt: skip
        rng = default_rng(rng)
        self.letters = Embedding(vocabulary, embedding, rng=rng)
        self.lstm = LSTM(embedding, hidden, layers, batch_first=True, dropout=dropout, rng=rng)
        self.scores = Linear(hidden, vocabulary, rng=rng)

    def forward(self, x: Array, state: Any = None) -> tuple[Array, Any]:
        """Return scores (N, T, V) for the letter after each one of ``x`` (N, T), and the final state."""
        y, state = self.lstm(self.letters(x), state)
        return self.scores(y), state

    @composite
    def write(self, start: Indices, length: Count, temperature: Positive = 1.0, *, rng: init.Rng = None) -> list[int]:
        """Return letters that continue ``start`` (T,), each drawn from the network's prediction.

        Parameters
        ----------
        start : (T,) of int
            What the network reads first, at least one letter.
        length : int
            How many letters to draw.
        temperature : float
            Divides the scores: below 1 likely letters become more frequent, above 1 less.
        rng : Generator, int or None

        Examples
        --------
        >>> len(CharLSTM(27, rng=0).write([2, 0], 5, rng=0))
        5
        """
        rng, read, state, written = default_rng(rng), start, None, []
        with no_grad():
            for _ in range(length):
                scores, state = self(np.reshape(read, (1, -1)), state)
                p = ops.softmax(scores.numpy()[0, -1].astype(float) / temperature)
                written.append(int(rng.choice(len(p), p=p)))
                read = written[-1:]
        return written


@composite
def char_lstm(
    vocabulary: Size, *, rng: init.Rng = None, embedding: Size = 32, hidden: Size = 128, layers: Size = 1,
    dropout: Share = 0.0,
) -> CharLSTM:  # fmt: skip
    """A network that predicts the next letter of a text (Graves 2013; Karpathy 2015).

    Parameters
    ----------
    vocabulary : int
        How many letters there are.
    rng : Generator, int or None
        Seeds all layers; see `autograd_cnn.nn.init`.
    embedding, hidden, layers, dropout
        As for `nn.models.char_lstm.CharLSTM`, which it returns.

    Examples
    --------
    >>> net = char_lstm(27, rng=0)
    >>> scores, state = net(np.zeros((4, 16), int))
    >>> scores.shape
    (4, 16, 27)
    """
    return CharLSTM(vocabulary, embedding, hidden, layers, dropout, rng=rng)
