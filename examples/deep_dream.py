"""DeepDream: gradient ascent on a score, starting from a gray image, shows what a network looks for.

As in Mordvintsev et al. 2015, the image is shifted a little before each step and smoothed now and then; otherwise
patterns emerge that only this network recognises. A second network, trained independently, judges the result.
"""

import numpy as np

import autograd_cnn as ag
from autograd_cnn import data, nn, train

digits = data.digits()


def trained(seed):
    """Return a network that reads digits."""
    model = nn.digits_net(rng=seed)
    train.fit(model, digits, train.TrainConfig(epochs=12, batch_size=32, seed=seed))
    return model


dreamer, judge = trained(0), trained(1)
wanted = np.arange(10)
rng = np.random.default_rng(0)


def score(pixels):
    """Return the sum of the scores of the wanted classes, minus a penalty for bright pixels."""
    return ag.sum(dreamer(pixels)[wanted, wanted]) - 0.5 * ag.sum(ag.square(pixels))


def smoothed(pixels):
    """Return pixels smoothed with the kernel [1, 4, 1] / 6, vertically and horizontally."""
    for axis in (2, 3):
        pixels = (np.roll(pixels, 1, axis) + 4 * pixels + np.roll(pixels, -1, axis)) / 6
    return pixels


dream = np.full((10, 1, 8, 8), 0.3, np.float32)
for step in range(200):
    down, right = rng.integers(-1, 2, 2)
    moved = np.roll(dream, (down, right), (2, 3))
    slope = ag.grad(score)(moved)
    moved += 0.05 * slope / np.abs(slope).max(axis=(1, 2, 3), keepdims=True)
    dream = np.roll(moved, (-down, -right), (2, 3)).clip(0, 1)
    if step % 10 == 9:
        dream = smoothed(dream)

for name, model in (("the network itself", dreamer), ("another one", judge)):
    seen = train.predict(model, dream).argmax(axis=1)
    print(f"{name} recognises {np.count_nonzero(seen == wanted)} of 10")
for half in (dream[:5, 0], dream[5:, 0]):
    print()
    for rows in half.swapaxes(0, 1):
        print("  ".join("".join(" .:-=+*#%@"[int(9 * pixel)] * 2 for pixel in row) for row in rows))
