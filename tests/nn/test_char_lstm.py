"""The network that reads letters: it learns a sentence, and writes it."""

import numpy as np

import autograd_cnn as ag
from autograd_cnn import nn, optim

TEXT = "a rose is a rose is a rose. "
LETTERS = sorted(set(TEXT))


def test_it_learns_a_sentence_and_writes_it():
    numbers = np.array([LETTERS.index(letter) for letter in TEXT])
    net = nn.char_lstm(len(LETTERS), rng=0, embedding=8, hidden=32)
    optimizer = optim.Adam(net.parameters(), lr=0.02)

    @ag.compile
    def step(x, labels):
        optimizer.zero_grad()
        scores, _ = net(x)
        loss = nn.cross_entropy(ag.reshape(scores, shape=(-1, len(LETTERS))), labels)
        loss.backward()
        optimizer.step()
        return loss

    losses = [float(step(numbers[None], np.roll(numbers, -1))) for _ in range(120)]
    assert losses[0] > 1
    assert losses[-1] < 0.1
    written = net.write(numbers[:6], len(TEXT) - 6, temperature=0.1, rng=0)
    assert "".join(LETTERS[i] for i in written) == TEXT[6:]


def test_what_is_read_in_two_parts_is_read_whole(rng):
    net, x = nn.char_lstm(5, rng=0, embedding=3, hidden=4, layers=2), rng.integers(0, 5, (2, 6))
    whole, last = net(x)
    first, state = net(x[:, :4])
    rest, end = net(x[:, 4:], state)
    np.testing.assert_allclose(np.hstack([first.numpy(), rest.numpy()]), whole.numpy(), rtol=1e-5, atol=1e-6)
    for part, known in zip(end, last, strict=True):
        np.testing.assert_allclose(part.numpy(), known.numpy(), rtol=1e-5, atol=1e-6)
