"""The networks that more than one workload trains."""

from benchmarks.tasks import Conv, Flatten, Linear, MaxPool, Network, Relu

LENET = (
    Conv(1, 6, 5),
    Relu(),
    MaxPool(),
    Conv(6, 16, 5),
    Relu(),
    MaxPool(),
    Flatten(),
    Linear(256, 120),
    Relu(),
    Linear(120, 84),
    Relu(),
    Linear(84, 10),
)

VGG = (
    Conv(3, 32, 3, padding=1),
    Relu(),
    Conv(32, 32, 3, padding=1),
    Relu(),
    MaxPool(),
    Conv(32, 64, 3, padding=1),
    Relu(),
    Conv(64, 64, 3, padding=1),
    Relu(),
    MaxPool(),
    Conv(64, 128, 3, padding=1),
    Relu(),
    Conv(128, 128, 3, padding=1),
    Relu(),
    MaxPool(),
    Flatten(),
    Linear(2048, 10),
)


def lenet(batch: int) -> Network:
    """LeNet-5 (LeCun et al. 1998) with ReLUs and max-pooling, on images of 28×28 pixels."""
    return Network(LENET, (1, 28, 28), batch)


def vgg(batch: int) -> Network:
    """A small network in the manner of Simonyan & Zisserman (2015), on images of 32×32 pixels."""
    return Network(VGG, (3, 32, 32), batch)
