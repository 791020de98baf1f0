"""Activation layers against formulas in plain Python and SciPy."""

import math

import numpy as np
import pytest
import scipy.special
from tables import for_each

from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError, OperandError
from autograd_cnn.testing import check_vjp

FORMULAS = [
    (nn.ReLU(), lambda v: v if v > 0 else 0.0),
    (nn.LeakyReLU(), lambda v: v if v > 0 else 0.01 * v),
    (nn.LeakyReLU(0.3), lambda v: v if v > 0 else 0.3 * v),
    (nn.ELU(), lambda v: v if v > 0 else math.exp(v) - 1),
    (nn.ELU(0.5), lambda v: v if v > 0 else 0.5 * (math.exp(v) - 1)),
    (nn.GELU(), lambda v: v * (1 + math.erf(v / math.sqrt(2))) / 2),
    (nn.SiLU(), lambda v: v / (1 + math.exp(-v))),
    (nn.Sigmoid(), lambda v: 1 / (1 + math.exp(-v))),
    (nn.Tanh(), math.tanh),
    (nn.Softplus(), lambda v: math.log(1 + math.exp(v))),
]


@for_each("layer, formula", FORMULAS)
def test_values_and_gradients(layer, formula):
    x = np.array([[-2.0, -0.5, 0.7], [0.2, 1.5, 3.0]])
    np.testing.assert_allclose(layer(x), [[formula(v) for v in row] for row in x.tolist()], rtol=1e-12)
    check_vjp(layer, [x])
    assert layer(x.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("dim", [0, -1])
def test_softmax_and_its_logarithm(rng, dim):
    x = rng.standard_normal((3, 4))
    np.testing.assert_allclose(nn.Softmax(dim)(x), scipy.special.softmax(x, dim), rtol=1e-12)
    np.testing.assert_allclose(nn.LogSoftmax(dim)(x), scipy.special.log_softmax(x, dim), rtol=1e-12)


@pytest.mark.parametrize(
    ("layer", "line"),
    [
        (nn.ReLU(), "ReLU()"),
        (nn.LeakyReLU(), "LeakyReLU(negative_slope=0.01)"),
        (nn.ELU(2.0), "ELU(alpha=2.0)"),
        (nn.Softmax(), "Softmax(dim=-1)"),
        (nn.LogSoftmax(1), "LogSoftmax(dim=1)"),
    ],
)
def test_the_lines_they_show(layer, line):
    assert repr(layer) == line


@for_each("layer", [nn.ReLU, nn.SiLU, nn.LeakyReLU, nn.ELU, nn.Dropout])
@for_each("given", [1, "no", np.ones(2)])
def test_a_flag_is_a_bool(layer, given):
    with pytest.raises(OperandError, match=f"{layer.__name__}: inplace is not a bool: expected True or False"):
        layer(inplace=given)


@for_each("layer", [nn.LeakyReLU, nn.ELU])
@for_each("given", ["a", None, np.ones(2), np.nan])
def test_a_slope_is_a_number(layer, given):
    with pytest.raises(
        ArgumentError, match=f"{layer.__name__}: .* is (not understood|not finite): expected a number, got "
    ):
        layer(given)
