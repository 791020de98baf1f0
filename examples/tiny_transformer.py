"""A small transformer learns to sort: it sees eight numbers, and predicts at each position which one belongs there."""

import numpy as np

import autograd_cnn as ag
from autograd_cnn import nn, optim

LENGTH, NUMBERS, WIDTH = 8, 10, 32


class Sorter(nn.Module):
    """Embeddings of numbers and positions, two transformer blocks, and scores for each number at each position."""

    def __init__(self, rng):
        self.numbers = nn.Embedding(NUMBERS, WIDTH, rng=rng)
        self.positions = nn.Embedding(LENGTH, WIDTH, rng=rng)
        self.blocks = nn.Sequential(
            *(nn.TransformerEncoderLayer(WIDTH, 4, 64, 0.0, batch_first=True, rng=rng) for _ in range(2))
        )
        self.head = nn.Linear(WIDTH, NUMBERS, rng=rng)

    def forward(self, numbers):
        """Map numbers (N, L) to scores (N, L, K)."""
        return self.head(self.blocks(self.numbers(numbers) + self.positions(np.arange(LENGTH))))


rng = np.random.default_rng(0)
model = Sorter(rng)
optimizer = optim.AdamW(model.parameters(), lr=4e-3)


@ag.compile
def step(numbers, in_order):
    """Take one training step, and return the loss."""
    optimizer.zero_grad()
    loss = nn.cross_entropy(model(numbers).swapaxes(1, 2), in_order)
    loss.backward()
    optimizer.step()
    return loss


for turn in range(1, 401):
    numbers = rng.integers(0, NUMBERS, (64, LENGTH))
    loss = step(numbers, np.sort(numbers))
    if turn % 100 == 0:
        print(f"step {turn}: loss {loss.item():.4f}")

numbers = rng.integers(0, NUMBERS, (1000, LENGTH))
with ag.no_grad():
    found = model(numbers).numpy().argmax(axis=-1)
print(*numbers[0], "sorted:", *found[0])
print(f"sequences sorted without a mistake: {(found == np.sort(numbers)).all(axis=1).mean():.3f}")
