"""Two hundred steps of training, with PyTorch's modules and optimisers and with ours: the same losses.

Each network is written once, for either library's ``nn``, and begins with the same weights.
"""

import numpy as np
import pytest
import torch

import autograd_cnn as ag
from autograd_cnn import nn, optim

pytestmark = pytest.mark.slow

STEPS, BATCH = 200, 8


def lenet(nn):
    """LeNet-5 with ReLUs, for images of 12×12."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10),
    )  # fmt: skip


def residual(nn):
    """A residual network with batch normalisation and two kinds of shortcut."""

    class Block(nn.Module):
        def __init__(self, before, after, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(after)
            self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(after)
            self.shortcut = nn.Conv2d(before, after, 1, stride) if stride > 1 else nn.Identity()
            self.relu = nn.ReLU()

        def forward(self, x):
            return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))) + self.shortcut(x))

    return nn.Sequential(
        nn.Conv2d(1, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), Block(8, 8, 1), Block(8, 16, 2),
        Block(16, 16, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
    )  # fmt: skip


def recurrent(nn):
    """An LSTM over the rows of an image."""

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(12, 16, batch_first=True)
            self.head = nn.Linear(16, 10)

        def forward(self, images):
            _, (memory, _) = self.lstm(images.reshape(-1, 12, 12))
            return self.head(memory[0])

    return Reader()


def transformer(nn):
    """A block of a transformer over the rows of an image."""

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Linear(12, 16)
            self.block = nn.TransformerEncoderLayer(16, 4, 32, 0.0, "gelu", batch_first=True)
            self.head = nn.Linear(16, 10)

        def forward(self, images):
            return self.head(self.block(self.embed(images.reshape(-1, 12, 12))).mean(1))

    return Reader()


def unet(nn):
    """A U-Net of one halving: scores of every pixel."""
    joined = torch.cat if nn is torch.nn else ag.concatenate

    def convolved(before, after):
        return nn.Sequential(nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU())

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.above, self.below = convolved(1, 6), nn.Sequential(nn.MaxPool2d(2), convolved(6, 12))
            self.up, self.across = nn.ConvTranspose2d(12, 6, 2, 2), convolved(12, 6)
            self.head = nn.Conv2d(6, 2, 1)

        def forward(self, images):
            above = self.above(images)
            return self.head(self.across(joined([above, self.up(self.below(above))], 1)))

    return UNet()


def batches(dtype, by_pixel):
    """Yield images 12×12 that show something of their class, and labels, or which of their pixels are bright."""
    rng = np.random.default_rng(0)
    shown = rng.standard_normal((10, 1, 12, 12))
    for _ in range(STEPS):
        labels = rng.integers(0, 10, BATCH)
        images = (shown[labels] + 0.8 * rng.standard_normal((BATCH, 1, 12, 12))).astype(dtype)
        yield images, (images[:, 0] > 0).astype(int) if by_pixel else labels


OPTIMIZERS = {
    "SGD": {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3},
    "AdamW": {"lr": 2e-3},
}


@pytest.mark.parametrize(
    ("network", "optimizer", "dtype"),
    [
        (lenet, "SGD", "float64"),
        (lenet, "SGD", "float32"),
        (residual, "AdamW", "float64"),  # in float32, moments of so few images let rounding grow to 0.02
        (recurrent, "AdamW", "float64"),
        (recurrent, "AdamW", "float32"),
        (transformer, "AdamW", "float64"),
        (transformer, "AdamW", "float32"),
        (unet, "AdamW", "float64"),
        (unet, "AdamW", "float32"),
    ],
)
def test_the_curve_is_pytorchs(network, optimizer, dtype):
    torch.manual_seed(0)
    theirs, ours = network(torch.nn).to(getattr(torch, dtype)), network(nn).astype(dtype)
    ours.load_state_dict(theirs.state_dict())
    their_steps = getattr(torch.optim, optimizer)(theirs.parameters(), **OPTIMIZERS[optimizer])
    our_steps = getattr(optim, optimizer)(ours.parameters(), **OPTIMIZERS[optimizer])

    @ag.compile
    def step(images, labels):
        our_steps.zero_grad()
        loss = nn.cross_entropy(ours(images), labels)
        loss.backward()
        our_steps.step()
        return loss

    curves = []
    for images, labels in batches(dtype, by_pixel=network is unet):
        loss = torch.nn.functional.cross_entropy(theirs(torch.tensor(images)), torch.tensor(labels))
        their_steps.zero_grad()
        loss.backward()
        their_steps.step()
        curves.append((loss.item(), step(images, labels).item()))
    right, found = np.array(curves).T
    assert right[-20:].mean() < 0.5 * right[:20].mean()  # it has learned
    assert np.abs(found - right).max() < (1e-8 if dtype == "float64" else 1e-4)
