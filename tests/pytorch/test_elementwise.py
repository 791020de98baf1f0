"""Arithmetic, powers, exponentials and logarithms as PyTorch has them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from pytorch.comparison import Call, Counterpart, check, few, generators, numbers, unary

from autograd_cnn import ops


@st.composite
def binary(draw, kind1="normal", kind2="normal"):
    """Draw two arrays that broadcast, or an array and a number."""
    rng = draw(generators)
    shape1, shape2 = draw(mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=4)).input_shapes
    second = numbers(rng, shape2, kind2)
    return Call((numbers(rng, shape1, kind1), draw(st.sampled_from([second, 1.5]))), {})


@st.composite
def whole_powers(draw):
    """Draw numbers of either sign and a whole exponent."""
    return Call((*draw(unary()).arrays, draw(st.integers(-3, 4))), {})


CASES = {
    ops.add: Counterpart(torch.add, binary()),
    ops.subtract: Counterpart(torch.sub, binary()),
    ops.multiply: Counterpart(torch.mul, binary()),
    ops.divide: Counterpart(torch.div, binary("normal", "positive")),
    ops.negative: Counterpart(torch.neg, unary()),
    ops.positive: Counterpart(torch.positive, unary()),
    ops.astype: Counterpart(
        lambda x, dtype: x.to(torch.float32 if dtype is np.float32 else torch.float64),
        unary(dtype=st.sampled_from([np.float32, np.float64])),
        order=1,
    ),
    ops.absolute: Counterpart(torch.abs, unary("grid")),
    ops.sign: Counterpart(torch.sign, unary("grid")),
    ops.power: Counterpart(torch.pow, st.one_of(binary("positive", "normal"), whole_powers())),
    ops.square: Counterpart(torch.square, unary()),
    ops.sqrt: Counterpart(torch.sqrt, unary("positive")),
    ops.exp: Counterpart(torch.exp, unary()),
    ops.expm1: Counterpart(torch.expm1, unary()),
    ops.log: Counterpart(torch.log, unary("positive")),
    ops.log1p: Counterpart(torch.log1p, unary("positive")),
    ops.sin: Counterpart(torch.sin, unary()),
    ops.cos: Counterpart(torch.cos, unary()),
}


@pytest.mark.parametrize("primitive", CASES)
@few
@given(data=st.data())
def test_values_and_gradients(primitive, data):
    check(primitive, CASES[primitive], data.draw(CASES[primitive].calls))
