"""Draw the pictures of the documentation: ``python docs/pictures/draw.py``."""

import runpy
from pathlib import Path

import numpy as np
from PIL import Image

import autograd_cnn as ag
from autograd_cnn import nn, optim
from autograd_cnn.plans.plan import Plan

HERE = Path(__file__).parent
RNG = np.random.default_rng(0)


def loss_of(model: nn.Module, shape: tuple[int, ...]) -> ag.Tensor:
    """Return the loss of a model on random images, with its graph."""
    images = np.random.default_rng(0).random((8, *shape), np.float32)
    return nn.cross_entropy(model(images), np.arange(8))


lenet, resnet = nn.lenet5(rng=0), nn.resnet20(rng=0)

loss = loss_of(lenet, (1, 28, 28))
forward = ag.graph.capture(loss, names=lenet.named_parameters())
forward.render(HERE / "lenet.svg")
ag.graph.capture(loss, names=lenet.named_parameters(), backward=True).render(HERE / "lenet-backward.svg")

loss = loss_of(resnet, (3, 32, 32))
ag.graph.capture(loss, names=resnet.named_parameters()).render(HERE / "resnet20.svg", depth=2)

dream = runpy.run_path(str(HERE.parent.parent / "examples" / "deep_dream.py"))["dream"]  # (10, 1, 8, 8)
row = np.concatenate([np.pad(np.kron(image[0], np.ones((10, 10))), 4) for image in dream], axis=1)
Image.fromarray(np.rint(row * 255).astype(np.uint8)).save(HERE / "dream.png")


def planned(model: nn.Module, images: np.ndarray) -> Plan:
    """Return what runs of a training step that is compiled."""
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    @ag.compile
    def step(images: np.ndarray, labels: np.ndarray) -> ag.Tensor:
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    for _ in range(3):
        step(images, np.arange(len(images)) % 10)
    if step.plan is None:
        raise RuntimeError(step.reason)
    return step.plan


planned(nn.digits_net(rng=0), RNG.random((16, 1, 8, 8), np.float32)).render(HERE / "plan.svg")
planned(nn.resnet20(rng=0), RNG.random((32, 3, 32, 32), np.float32)).render_memory(HERE / "memory.svg")
