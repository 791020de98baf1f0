"""An LSTM reads handwritten digits row by row, as a sequence of eight steps."""

import numpy as np

from autograd_cnn import data, nn, optim, train


class RowReader(nn.Module):
    """Reads the rows of an image from top to bottom, and classifies it by the final hidden state."""

    def __init__(self, rng):
        self.lstm = nn.LSTM(8, 48, batch_first=True, rng=rng)
        self.head = nn.Linear(48, 10, rng=rng)

    def forward(self, images):
        """Map images (N, 1, 8, 8) to scores (N, 10)."""
        rows = images.reshape(-1, 8, 8)
        _, (memory, _) = self.lstm(rows)
        return self.head(memory[0])


model = RowReader(np.random.default_rng(0))
digits = data.digits()
loader = data.Loader(*digits.train, batch_size=32, seed=0)
optimizer = optim.AdamW(model.parameters(), lr=1e-2)
schedule = optim.CosineAnnealingLR(optimizer, T_max=20 * len(loader))
for epoch in train.Trainer(model, optimizer, schedule).fit(loader, digits.test, epochs=20)[4::5]:
    print(f"epoch {epoch.epoch}: loss {epoch.loss:.4f}, test accuracy {epoch.test_accuracy:.4f}")
