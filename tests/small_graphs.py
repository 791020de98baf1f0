"""Small graphs that several folders draw, and the check of drawings against the files in ``viz/golden``."""

import os
from pathlib import Path

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.engine.recording import scope

GOLDEN = Path(__file__).parent / "viz" / "golden"
OVERWRITE = "AUTOGRAD_CNN_OVERWRITE_GOLDEN"


@pytest.fixture
def golden():
    """Return a check of a text against a file in viz/golden/; with the variable set, the file is rewritten."""

    def check(name, text):
        path = GOLDEN / name
        if os.environ.get(OVERWRITE):
            path.write_text(text, "utf-8")
        assert text == path.read_text("utf-8"), f"set {OVERWRITE}=1 to accept, and look at the difference"

    return check


def _square():
    x = ag.tensor(3.0, requires_grad=True, name="x")
    return x * x, [x]


def _diamond():
    x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    return (ag.sin(x) * ag.exp(x)).sum(), [x]


def _linear():
    x = np.arange(6.0).reshape(2, 3)
    with scope("fc"):
        w = ag.tensor(np.ones((4, 3)), requires_grad=True, name="weight")
        b = ag.tensor(np.zeros(4), requires_grad=True, name="bias")
        return (x @ w.T + b).sum(), [w, b]


def _convnet():
    images = ag.tensor(np.linspace(-1, 1, 128).reshape(2, 1, 8, 8), dtype="float32", name="images")
    ones = {"requires_grad": True, "dtype": "float32"}
    with scope("features"):
        with scope("conv"):
            v = ag.tensor(np.sin(np.arange(27.0)).reshape(3, 1, 3, 3), name="weight", **ones)
            b = ag.tensor(np.zeros(3), name="bias", **ones)
            x = ag.correlate2d(images, v, b, padding=1)
        with scope("act"):
            x = ag.relu(x)
        with scope("pool"):
            x = ag.max_pool(x, 2)
    with scope("head"):
        w = ag.tensor(np.cos(np.arange(480.0)).reshape(48, 10), name="weight", **ones)
        x = ag.matmul(x.reshape(2, -1), w)
    return -ag.log_softmax(x)[np.arange(2), np.array([3, 7])].mean(), [v, b, w]


@pytest.fixture(params=[_square, _diamond, _linear, _convnet], ids=["square", "diamond", "linear", "convnet"])
def model(request):
    """Return the name of a model and what builds it: a loss, and the leaves that have to stay alive."""
    return request.param.__name__.removeprefix("_"), request.param


@pytest.fixture
def square():
    """Return x·x with x = 3, while its leaves live."""
    loss, leaves = _square()
    yield loss
    leaves.clear()


@pytest.fixture
def diamond():
    """Return Σ sin(x)·exp(x), while its leaves live."""
    loss, leaves = _diamond()
    yield loss
    leaves.clear()


@pytest.fixture
def convnet():
    """Return the loss of a small network with modules, while its leaves live."""
    loss, leaves = _convnet()
    yield loss
    leaves.clear()


@pytest.fixture
def blocks():
    """Return what builds a chain of equal residual blocks between two other layers."""
    leaves = []

    def build(count=4):
        def conv(x, filters):
            w = ag.tensor(np.full((filters, x.shape[1], 3, 3), 0.1), requires_grad=True, name="weight")
            leaves.append(w)
            return ag.correlate2d(x, w, padding=1)

        with scope("stem"):
            x = conv(ag.tensor(np.ones((1, 1, 4, 4))), 2)
        for i in range(count):
            with scope(f"body.{i}"):
                x = ag.relu(conv(x, 2)) + x
        with scope("head"):
            return conv(x, 3).sum()

    yield build
    leaves.clear()
