import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import optim


@for_each("options", [{}, {"betas": (0.5, 0.7)}, {"weight_decay": 0.2}, {"maximize": True}])
def test_the_numbers_are_those_of_a_plain_loop(options):
    """Chen et al. 2023, algorithm 2."""
    gradients = [[0.5, -1.0, 2.0], [0.25, 3.0, -0.125], [-1.5, 0.0, 1.0], [0.75, -0.5, 0.5]]
    w = ag.tensor([1.0, -2.0, 3.0], requires_grad=True)
    optimizer = optim.Lion([w], lr=0.1, **options)
    (beta1, beta2), decay = options.get("betas", (0.9, 0.99)), options.get("weight_decay", 0)
    expected, momentum = [1.0, -2.0, 3.0], [0.0] * 3
    for gradient in gradients:
        w.grad = ag.tensor(gradient)
        optimizer.step()
        for i, slope in enumerate(gradient):
            g = -slope if "maximize" in options else slope
            expected[i] -= 0.1 * (np.sign(beta1 * momentum[i] + (1 - beta1) * g) + decay * expected[i])
            momentum[i] = beta2 * momentum[i] + (1 - beta2) * g
    assert w.tolist() == pytest.approx(expected, rel=1e-14)
