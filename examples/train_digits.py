"""A convolutional network learns to read handwritten digits, with the whole training loop in one place."""

import numpy as np

import autograd_cnn as ag
from autograd_cnn import data, nn, optim

digits = data.digits()
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1, rng=0),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(16 * 4 * 4, 10, rng=1),
)
optimizer = optim.AdamW(model.parameters(), lr=5e-3)
loader = data.Loader(digits.train.images, digits.train.labels, batch_size=32, seed=0)

for epoch in range(10):
    losses = []
    for images, labels in loader:
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with ag.no_grad():
        found = ag.argmax(model(digits.test.images), axis=1).numpy()
    print(f"epoch {epoch}: loss {np.mean(losses):.4f}, test accuracy {np.mean(found == digits.test.labels):.4f}")
