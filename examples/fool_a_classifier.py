"""Change pixels slightly, in the direction of the gradient, until a trained network sees another digit.

This is projected gradient descent (Madry et al. 2018, arXiv:1706.06083): steps along the gradient's sign, with a bound
on the change of each pixel.
"""

import numpy as np

import autograd_cnn as ag
from autograd_cnn import data, nn, train

BOUND = 0.15

digits = data.digits()
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1, rng=0), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10, rng=1)
)
train.fit(model, digits, train.TrainConfig(epochs=6, batch_size=32, lr=5e-3))
images, labels = (part[:200] for part in digits.test)


def loss(pixels):
    """Return the network's loss on ``pixels``."""
    return nn.cross_entropy(model(pixels), labels)


fooling = images.copy()
for _ in range(10):
    fooling += 0.03 * np.sign(ag.grad(loss)(fooling))
    fooling = np.clip(fooling, images - BOUND, images + BOUND).clip(0, 1)

for name, pixels in (("as they are", images), ("changed", fooling)):
    print(f"{name}: {np.mean(train.predict(model, pixels).argmax(axis=1) == labels):.3f} recognised")
print(f"no pixel by more than {np.abs(fooling - images).max():.3f}")

shown = train.predict(model, fooling).argmax(axis=1)
index = int(np.flatnonzero(shown != labels)[0])
print(f"\na {labels[index]}, and what is taken for a {shown[index]}:")
for before, after in zip(images[index, 0], fooling[index, 0], strict=True):
    print("  ".join("".join(" .:-=+*#%@"[int(9 * pixel)] * 2 for pixel in row) for row in (before, after)))
