"""Activation functions as PyTorch has them, at their kinks too."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # as all the world has it
from hypothesis import given
from hypothesis import strategies as st
from pytorch.comparison import Counterpart, check, compare, few, unary

from autograd_cnn import ops

slopes = st.floats(0.0, 2.0)

CASES = {
    ops.relu: Counterpart(torch.relu, unary("grid")),
    ops.leaky_relu: Counterpart(F.leaky_relu, unary("grid", negative_slope=slopes)),
    ops.hardswish: Counterpart(F.hardswish, unary()),
    ops.elu: Counterpart(F.elu, unary(alpha=slopes)),
    ops.tanh: Counterpart(torch.tanh, unary()),
    ops.sigmoid: Counterpart(torch.sigmoid, unary()),
    ops.softplus: Counterpart(F.softplus, unary()),
    ops.silu: Counterpart(F.silu, unary()),
    ops.erf: Counterpart(torch.erf, unary()),
    ops.gelu: Counterpart(F.gelu, unary()),
}


@pytest.mark.parametrize("primitive", CASES)
@few
@given(data=st.data())
def test_values_and_gradients(primitive, data):
    check(primitive, CASES[primitive], data.draw(CASES[primitive].calls))


@few
@given(unary("grid", alpha=slopes))
def test_elu_where_it_bends(call):
    """Its second derivative at 0 is the left one's here, and 0 in PyTorch."""
    compare(lambda x: ops.elu(x, **call.params), lambda x: F.elu(x, **call.params), *call.arrays)
