import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import optim
from autograd_cnn.errors import ArgumentError

GRADIENTS = [[0.5, -1.0, 2.0], [0.25, 3.0, -0.125], [-1.5, 0.0, 1.0], [0.75, -0.5, 0.5]]

# After these four gradients from [1, -2, 3], as computed by PyTorch 2.13 in float64.
PYTORCH = [
    ({}, [1.0, -2.15, 2.6625]),
    ({"momentum": 0.9}, [0.9702999999999999, -2.4191, 2.1060749999999997]),
    ({"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.01},
     [0.8931486390813749, -2.0252898219127498, 2.191338481937875]),
    ({"momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
     [0.961895110816337, -2.501921322282674, 1.8259470057981162]),
]  # fmt: skip


def _run(options, dtype=float):
    w = ag.tensor([1.0, -2.0, 3.0], requires_grad=True, dtype=dtype)
    optimizer = optim.SGD([w], lr=0.1, **options)
    for g in GRADIENTS:
        w.grad = ag.tensor(g, dtype=dtype)
        optimizer.step()
    return w.numpy()


def _loop(lr=0.1, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
    moved = []
    for place, start in enumerate([1.0, -2.0, 3.0]):
        p, b = start, None
        for gradient in GRADIENTS:
            g = gradient[place] + weight_decay * p
            b = g if b is None else momentum * b + (1 - dampening) * g
            p -= lr * (g + momentum * b if nesterov else b if momentum else g)
        moved.append(p)
    return moved


@pytest.mark.parametrize(("options", "expected"), PYTORCH)
def test_the_numbers_are_pytorchs(options, expected):
    np.testing.assert_allclose(_run(options), expected, rtol=1e-14)
    np.testing.assert_allclose(_run(options, np.float32), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "options",
    [*(options for options, _ in PYTORCH), {"weight_decay": 0.3}, {"momentum": 0.5, "nesterov": True}],
)
def test_the_numbers_are_those_of_a_plain_loop(options):
    np.testing.assert_allclose(_run(options), _loop(**options), rtol=1e-13)


@pytest.mark.parametrize(("momentum", "dampening"), [(0, 0), (0.9, 0.1)])
def test_nesterov_without_what_it_needs(momentum, dampening):
    with pytest.raises(ArgumentError) as error:
        optim.SGD([ag.tensor(1.0, requires_grad=True)], 0.1, momentum, dampening, nesterov=True)
    assert str(error.value) == (
        "SGD: nesterov needs a momentum and no dampening: expected momentum > 0, dampening = 0, "
        f"got {momentum}, {dampening}"
    )


def test_a_negative_momentum():
    with pytest.raises(ArgumentError) as error:
        optim.SGD([ag.tensor(1.0, requires_grad=True)], 0.1, -0.5)
    assert str(error.value) == "SGD: momentum is out of range: expected a number of at least 0, got -0.5"
