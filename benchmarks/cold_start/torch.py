"""The program in PyTorch."""

from typing import Any

import torch
from torch import nn

from benchmarks.cold_start import recipe
from benchmarks.cold_start.recipe import Array


def digits_net() -> nn.Sequential:
    """The network that autograd_cnn calls ``digits_net``."""
    model = nn.Sequential()
    for name, module in {
        "conv1": nn.Conv2d(1, 16, 3, padding=1),
        "relu1": nn.ReLU(),
        "conv2": nn.Conv2d(16, 32, 3, padding=1),
        "relu2": nn.ReLU(),
        "pool": nn.MaxPool2d(2),
        "flatten": nn.Flatten(),
        "fc1": nn.Linear(32 * 4 * 4, 64),
        "relu3": nn.ReLU(),
        "fc2": nn.Linear(64, 10),
    }.items():
        model.add_module(name, module)
    return model


def main() -> None:
    """Train."""
    model = digits_net()
    model.load_state_dict({name: torch.from_numpy(value) for name, value in recipe.weights().items()})
    optimizer = torch.optim.SGD(model.parameters(), lr=recipe.RATE, momentum=recipe.MOMENTUM)

    def step(images: Array, labels: Array, rate: float) -> Any:
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(torch.from_numpy(images)), torch.from_numpy(labels))
        loss.backward()
        optimizer.step()
        return loss.detach()

    def scores(images: Array) -> Array:
        with torch.no_grad():
            return model(torch.from_numpy(images)).numpy()

    recipe.train(step, scores)


if __name__ == "__main__":
    main()
