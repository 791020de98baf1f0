"""A convolutional network learns to read handwritten digits, with the whole training loop in one place."""

import numpy as np

from autograd_cnn import data, nn, optim, train

rng = np.random.default_rng(0)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1, rng=rng),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(16 * 4 * 4, 10, rng=rng),
)
digits = data.digits()
loader = data.Loader(*digits.train, batch_size=32, seed=0)
optimizer = optim.AdamW(model.parameters(), lr=5e-3)

# `train.fit(model, digits)` does this, with a decaying learning rate and small random shifts of the images.
for epoch in range(10):
    metrics = train.Metrics()
    for images, labels in loader:
        scores = model(images)
        loss = nn.cross_entropy(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        metrics.update(loss.item(), scores.numpy(), labels)
    tested = train.evaluate(model, digits.test)
    print(f"epoch {epoch}: loss {metrics.loss:.4f}, test accuracy {tested.accuracy:.4f}")
