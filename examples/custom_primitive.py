"""Define your own primitive: the softshrink function of wavelet denoising, with its gradient rule."""

import numpy as np

import autograd_cnn as ag


@ag.primitive
def softshrink(x, *, threshold=0.5):
    """Move ``x`` towards 0 by the threshold, but not past 0."""
    return np.sign(x) * np.maximum(np.abs(x) - threshold, 0)


@softshrink.vjp("x")
def softshrink_vjp_x(g, *, x, threshold):
    """The slope is 1 where ``x`` is beyond the threshold, and 0 elsewhere."""
    return g * (abs(x) > threshold)


ag.testing.gradcheck(softshrink, [np.array([-2.0, -0.3, 0.1, 0.9])], order=2)
print("the rule is correct, to second order")

x = ag.tensor([-2.0, 0.1, 0.9], requires_grad=True)
softshrink(x, threshold=0.25).sum().backward()
print(x.grad)
