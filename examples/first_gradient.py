"""Compute a gradient, and check it against a difference quotient."""

import numpy as np

import autograd_cnn as ag


def loss(x, w):
    """Return the mean square of the tanh of the edges that ``w`` finds in ``x``."""
    return ag.mean(ag.tanh(ag.correlate2d(x, w)) ** 2)


x = np.outer(np.arange(6.0), np.ones(6))
w = np.array([[1.0, 1.0], [-1.0, -1.0]]) / 8

value, gradient = ag.value_and_grad(loss, argnums=1)(x, w)
print(f"loss {value:.6f}")
print("gradient\n", gradient)

nudge = np.zeros_like(w)
nudge[0, 1] = 1e-6
slope = (loss(x, w + nudge) - loss(x, w - nudge)) / 2e-6
print(f"by differences, w[0, 1]: {slope:.6f}, by the tape: {gradient[0, 1]:.6f}")
