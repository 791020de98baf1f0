"""A step of four networks on both backends, for processors that pytest does not run on: emulated, or held back.

``nox -s processors`` runs it with the vectors of other processors; see there for one that is emulated.
"""

import platform
import sys

import numpy as np

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.kernels.compiled.llvm import REGISTERS, VECTOR_BYTES

NETWORKS = {
    "lenet5": (lambda: nn.lenet5(rng=0), (4, 1, 28, 28)),
    "resnet20": (lambda: nn.resnet20(rng=0), (2, 3, 16, 16)),
    "mobilenet_v2": (lambda: nn.mobilenet_v2(rng=0, classes=10, width=0.35), (2, 3, 64, 64)),
    "tiny_vit": (lambda: nn.tiny_vit(rng=0, image_size=16), (2, 3, 16, 16)),
}
MOST = 1e-4
"""By how much a gradient may differ, as a share of the network's largest."""


def gradients(name, backend):
    """Return the loss's gradients, the loss first."""
    make, shape = NETWORKS[name]
    rng = np.random.default_rng(0)
    images, labels = rng.random(shape, dtype=np.float32), rng.integers(0, 10, shape[0])
    with ag.set_backend(backend):
        model = make()
        loss = nn.cross_entropy(model(images), labels)
        loss.backward()
        return [loss.numpy(), *(parameter.grad.numpy() for parameter in model.parameters())]


def main(names):
    """Compare the networks of these names, or all."""
    print(f"{platform.machine()}: {REGISTERS} registers of {VECTOR_BYTES} bytes", flush=True)  # noqa: T201
    for name in names or NETWORKS:
        expected, got = (gradients(name, backend) for backend in ("reference", "jit"))
        error = max(np.abs(x - y).max() for x, y in zip(expected, got, strict=True))
        share = error / max(np.abs(x).max() for x in expected)
        print(f"{name}: the backends differ by {share:.1e} of the largest gradient", flush=True)  # noqa: T201
        assert share < MOST


if __name__ == "__main__":
    main(sys.argv[1:])
