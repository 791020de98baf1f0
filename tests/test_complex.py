"""Complex numbers have no gradients here, and are refused wherever they come in, with a sentence that says so."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
import autograd_cnn.testing.samples  # they add themselves
from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError, OperandError
from autograd_cnn.testing.case import SAMPLES

Z = np.array([1 + 2j])
X = ag.tensor([1.0], requires_grad=True)
NUMBERS = "not an array of numbers: expected ints, floats or bools, got"


def test_every_primitive_says_so_of_every_operand():
    for primitive, cases in SAMPLES.items():
        for place in cases[0].differentiable:
            operands = list(cases[0].arrays)
            operands[place] = operands[place] * 1j
            name = primitive.signature.operand(place)
            with pytest.raises(OperandError) as err:
                primitive(*operands, **cases[0].params)
            assert str(err.value) == f"{primitive.name}: {name} is {NUMBERS} complex128"


@for_each(
    "call, text",
    [
        (lambda: ag.tensor(1j), f"tensor: data is {NUMBERS} complex128"),
        (lambda: ag.tensor(Z, dtype=float), f"tensor: data is {NUMBERS} complex128"),
        (lambda: ag.tensor([1.0], dtype=complex), f"tensor: data is {NUMBERS} complex128"),
        (lambda: nn.Parameter(Z), f"tensor: data is {NUMBERS} complex128"),
        (lambda: ag.array_api.asarray(Z), f"a tensor: {NUMBERS} complex128"),
        (lambda: ag.array_api.from_dlpack(Z), f"a tensor: {NUMBERS} complex128"),
        (lambda: X.astype(complex), "astype: dtype is not understood: expected a dtype of floats, ints or bools, got <class 'complex'>"),
        (lambda: nn.Linear(1, 1).to(complex), "dtype is not one of floats: expected float16, float32 or float64, got complex128"),
        (lambda: X * 1j, f"multiply: x2 is {NUMBERS} complex"),
        (lambda: Z * X, f"multiply: x1 is {NUMBERS} complex128"),
        (lambda: np.add([1j], X), f"add: x1 is {NUMBERS} complex128"),
        (lambda: X ** np.complex64(1j), f"power: x2 is {NUMBERS} complex64"),
        (lambda: np.exp(1j * X), f"multiply: x1 is {NUMBERS} complex"),
        (lambda: np.where([True], X, Z), f"where: x2 is {NUMBERS} complex128"),
        (lambda: np.concatenate([X, Z]), f"concatenate: arrays is {NUMBERS} complex128"),
        (lambda: np.sum(X, dtype=complex), "dtype is not understood: expected a dtype of floats, ints or bools"),
        (lambda: np.linspace(X, 1j, 3), f"x1 is {NUMBERS} complex"),
        (lambda: (+X).__setitem__(0, 1j), f"values is {NUMBERS} complex"),
        (lambda: ag.clip(X, 1j, 2), "clip: min is not understood: expected a number, got 1j"),
        (lambda: X.sum().backward(1j), "the cotangent is not an array of numbers: expected floats, got complex128"),
        (lambda: ag.grad(ag.sum)(Z), f"data is {NUMBERS} complex128"),
        (lambda: ag.grad(lambda _: 1j)(1.0), "grad: the function's result is not understood: expected an array or a number"),
        (lambda: ag.vjp(ag.sin, 1.0)[1](1j), "vjp: the cotangent is not an array of numbers: expected floats, got complex128"),
        (lambda: ag.jvp(ag.sin, (1.0,), (1j,)), "jvp: the cotangent is not an array of numbers: expected floats"),
        (lambda: ag.vmap(ag.sin)(Z), f"is {NUMBERS} complex128"),
        (lambda: ag.compile(ag.sin)(Z), f"sin: x is {NUMBERS} complex128"),
        (lambda: nn.Conv2d(1, 1, 1)(np.ones((1, 1, 2, 2), complex)), f"x is {NUMBERS} complex128"),
        (lambda: ag.testing.gradcheck(ag.sin, [Z]), f"gradcheck: data is {NUMBERS} complex128"),
        (lambda: ag.save("never.npz", {"a": Z}), "'a' is not an array of numbers: expected bools, ints or floats, got complex128"),
    ],
)  # fmt: skip
def test_whatever_takes_numbers_says_so(call, text):
    with pytest.raises((OperandError, ArgumentError)) as err:
        call()
    assert text in str(err.value)
