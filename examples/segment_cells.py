"""A U-Net segments round cells in noisy images, trained with the Dice loss."""

import numpy as np

import autograd_cnn as ag
from autograd_cnn import nn, optim

SIZE = 32
rng = np.random.default_rng(0)


def cells(count):
    """Return images (N, 1, H, W) of up to five bright discs in noise and uneven light, and masks of the discs."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    masks = np.zeros((count, 1, SIZE, SIZE), np.float32)
    for mask in masks[:, 0]:
        for _ in range(rng.integers(1, 6)):
            y, x, radius = *rng.uniform(3, SIZE - 3, 2), rng.uniform(2, 5)
            mask[np.hypot(rows - y, columns - x) < radius] = 1
    down, right = rng.uniform(-1, 1, (2, count, 1, 1, 1)) / SIZE
    light = down * rows + right * columns
    return (masks + light + 0.5 * rng.standard_normal(masks.shape)).astype(np.float32), masks


model = nn.unet(rng=0, in_channels=1, classes=1, width=4)
optimizer = optim.Adam(model.parameters(), lr=1e-2)


@ag.compile
def step(images, masks):
    """Take one training step, and return the loss."""
    optimizer.zero_grad()
    loss = nn.functional.dice_loss(ag.sigmoid(model(images)), masks)
    loss.backward()
    optimizer.step()
    return loss


for turn in range(1, 121):
    loss = step(*cells(8))
    if turn % 30 == 0:
        print(f"step {turn}: loss {loss.item():.3f}")

images, masks = cells(100)
model.eval()
with ag.no_grad():
    found = model(images).numpy() > 0
true = masks > 0
plain = images > 0.5  # for comparison: a brightness threshold
for name, regions in {"by brightness": plain, "by the network": found}.items():
    overlap = (regions & true).sum() / (regions | true).sum()
    print(f"intersection over union {name}: {overlap:.3f}")
