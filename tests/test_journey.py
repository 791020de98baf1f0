"""How many functions and files of the package a call goes through: what a reader who follows it has to read."""

import sys
from pathlib import Path

import numpy as np

import autograd_cnn as ag
from autograd_cnn import nn

PACKAGE = str(Path(ag.__file__).parent)


def _journey(call):
    """Return the file and the name of each of the package's Python functions that a call runs, in their order."""
    steps = []

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            steps.append((frame.f_code.co_filename, frame.f_code.co_name))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
    return steps


def test_a_convolutions_journey_is_short():
    """Down to the compiled kernel and up to the node, and from there to the gradients: at most so many calls and files."""
    layer, x = nn.Conv2d(3, 8, 3, rng=0), np.ones((32, 3, 16, 16), np.float32)
    with ag.set_backend("jit"):
        g = np.ones_like(layer(x).numpy())
        layer(x).backward(g)  # compiles, and fills caches
        layer.zero_grad()
        y = layer(x)
        forward, backward = _journey(lambda: layer(x)), _journey(lambda: y.backward(g))
    for steps, calls, files in ((forward, 26, 15), (backward, 51, 18)):
        assert len(steps) <= calls, steps
        assert len({file for file, _ in steps}) <= files, steps
