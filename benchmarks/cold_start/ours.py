"""The program in autograd_cnn."""

from typing import Any

import autograd_cnn as ag
from autograd_cnn import nn, optim
from benchmarks.cold_start import recipe
from benchmarks.cold_start.recipe import Array


def main() -> None:
    """Train."""
    model = nn.fuse(nn.digits_net())
    model.load_state_dict(recipe.weights())
    optimizer = optim.SGD(model.parameters(), lr=recipe.RATE, momentum=recipe.MOMENTUM)

    def step(images: Array, labels: Array, rate: float) -> Any:
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    def scores(images: Array) -> Array:
        with ag.no_grad():
            return model(images).numpy()

    recipe.train(step, scores)


if __name__ == "__main__":
    main()
