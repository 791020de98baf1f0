"""A program of a user's, for type checkers: what is right passes, and a line that says ``error`` is one.

It is checked, and its right half run, by `test_typing`.
"""

from typing import assert_type

import numpy as np

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.parameters import Number

image = np.zeros((1, 3, 8, 8))
x = ag.tensor(image, requires_grad=True)
w = nn.Parameter(np.zeros((4, 3, 3, 3)))


@ag.primitive
def scaled(x: np.ndarray, factor: Number = 2.0, *, offset: float = 0.0) -> np.ndarray:
    return x * factor + offset


@scaled.vjp("x")
def scaled_vjp_x(g: ag.Tensor, *, factor: float) -> ag.Tensor:
    return g * factor


def right() -> None:
    # A tensor gives a tensor, a parameter of a network too; methods and operators say so, and functions of functions.
    assert_type(ag.exp(x), ag.Tensor)
    assert_type(ag.relu(w), ag.Tensor)
    assert_type(ag.correlate2d(x, w, stride=2), ag.Tensor)
    assert_type(ag.std(x, 1), ag.Tensor)
    assert_type(ag.pad(x, 1), ag.Tensor)
    assert_type(scaled(x, 3.0, offset=1.0), ag.Tensor)
    assert_type(x + 1, ag.Tensor)
    ag.sum(ag.square(x)).backward()

    # Parameters may follow by position, or be named.
    ag.max_pool(x, 2)
    ag.max_pool(x, (2, 2), stride=1, padding="same")
    ag.sum(x, (1, 2), keepdims=True)
    ag.correlate2d(x, w, None, 2, 1)
    ag.batch_norm(x, eps=1e-3)

    # Arrays, lists and numbers are operands, too; what comes back depends on the others.
    ag.exp(image).sum()
    ag.exp([1.0, 2.0])
    ag.exp(np.float32(2))
    ag.where(image > 0, x, 0.0).backward(image)
    ag.einsum("nchw->n", x)
    ag.einsum(image, [0, 1, 2, 3], [0, 1])
    ag.concatenate([x, x], axis=1)
    ag.split(x, 2, axis=3)[0]

    # What is loaded on first use is known at once.
    ag.nn.Sequential(ag.nn.Conv2d(3, 4, 3))(x)
    ag.optim.SGD([w], lr=0.1)
    ag.graph.capture(ag.sum(x)).to_dot()
    ag.testing.gradcheck(ag.exp, [image[0, 0, :2, :2]])


def wrong() -> None:
    ag.max_pool(x, windows=2)  # error
    ag.max_pool(x)  # error
    ag.max_pool(x, "2")  # error
    ag.max_pool(x, 2, padding="some")  # error
    ag.sum(x, axis="rows")  # error
    ag.exp("x")  # error
    ag.exp()  # error
    ag.exp(x, x)  # error
    ag.add(x)  # error
    ag.std(x, axs=1)  # error
    ag.convolve2d(x, w, None, 2)  # error
    ag.concatenate(2)  # error
    ag.batch_norm(x, epsilon=1e-3)  # error
    scaled(x, 3.0, 1.0)  # error
    scaled(x, factor="3")  # error
    ag.exp(x).backwards()  # error
    ag.expp(x)  # error
    ag.exp_vjp_x(x)  # error
    ag.nn.Conv4d(3, 4, 3)  # error
    ag.optim.Tiger([w])  # error
    ag.graph.captured(x)  # error
    ag.train.Trainr(w)  # error
    ag.data.digitz()  # error
    ag.cube(x)  # error
