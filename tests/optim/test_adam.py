import math

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import optim
from autograd_cnn.errors import ArgumentError

GRADIENTS = [[0.5, -1.0, 2.0], [0.25, 3.0, -0.125], [-1.5, 0.0, 1.0], [0.75, -0.5, 0.5]]

# After these four gradients from [1, -2, 3], as computed by PyTorch 2.13 in float64.
PYTORCH = [
    (optim.Adam, {}, [0.8425897617529079, -2.009442186209497, 2.6962868027577906]),
    (optim.Adam, {"betas": (0.8, 0.99), "eps": 1e-3, "weight_decay": 0.1},
     [0.8325494665262128, -1.9844976944958026, 2.67752897796332]),
    (optim.AdamW, {"weight_decay": 0.5}, [0.6787111452000693, -1.6459887843569572, 2.1637146503526377]),
    (optim.RMSprop, {}, [0.06265928331120485, -1.7913688914204196, 1.3919664065255382]),
    (optim.RMSprop, {"alpha": 0.9, "momentum": 0.5, "weight_decay": 0.1},
     [0.4254202013181508, -1.814230008126886, 2.030729627318633]),
]  # fmt: skip


def _run(make, options, dtype=float):
    w = ag.tensor([1.0, -2.0, 3.0], requires_grad=True, dtype=dtype)
    optimizer = make([w], lr=0.1, **options)
    for g in GRADIENTS:
        w.grad = ag.tensor(g, dtype=dtype)
        optimizer.step()
    return w.numpy()


def _adam(lr=0.1, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False):
    moved = []
    for place, start in enumerate([1.0, -2.0, 3.0]):
        p, m, v = start, 0.0, 0.0
        for t, gradient in enumerate(GRADIENTS, 1):
            g = gradient[place]
            if decoupled:
                p -= lr * weight_decay * p
            else:
                g += weight_decay * p
            m = betas[0] * m + (1 - betas[0]) * g
            v = betas[1] * v + (1 - betas[1]) * g * g
            p -= lr * (m / (1 - betas[0] ** t)) / (math.sqrt(v / (1 - betas[1] ** t)) + eps)
        moved.append(p)
    return moved


@pytest.mark.parametrize(("make", "options", "expected"), PYTORCH)
def test_the_numbers_are_pytorchs(make, options, expected):
    np.testing.assert_allclose(_run(make, options), expected, rtol=1e-14)
    np.testing.assert_allclose(_run(make, options, np.float32), expected, rtol=1e-5)


@for_each("options", [{}, {"betas": (0.5, 0.7)}, {"eps": 0.1}, {"weight_decay": 0.2}])
@for_each("make, decoupled", [(optim.Adam, False), (optim.AdamW, True)])
def test_the_numbers_are_those_of_a_plain_loop(make, decoupled, options):
    options = {"weight_decay": 0.0, **options}
    np.testing.assert_allclose(_run(make, options), _adam(decoupled=decoupled, **options), rtol=1e-13)


def test_the_decay_is_adamws_own_by_default():
    w = ag.tensor(1.0, requires_grad=True)
    assert optim.AdamW([w]).param_groups[0]["weight_decay"] == 1e-2
    assert optim.Adam([w]).param_groups[0]["weight_decay"] == 0


@pytest.mark.parametrize("make", [optim.Adam, optim.AdamW])
@pytest.mark.parametrize("betas", [(1.0, 0.9), (0.9, -0.1)])
def test_betas_out_of_range(make, betas):
    with pytest.raises(ArgumentError) as error:
        make([ag.tensor(1.0, requires_grad=True)], betas=betas)
    assert str(error.value) == f"{make.__name__}: betas are out of range: expected 0 to below 1, got {betas}"


@pytest.mark.parametrize(
    ("make", "name"), [(optim.Adam, "eps"), (optim.AdamW, "lr"), (optim.RMSprop, "eps"), (optim.RMSprop, "momentum")]
)
def test_negative_options(make, name):
    with pytest.raises(ArgumentError) as error:
        make([ag.tensor(1.0, requires_grad=True)], **{name: -1})
    assert str(error.value) == f"{make.__name__}: {name} is out of range: expected a number of at least 0, got -1"
