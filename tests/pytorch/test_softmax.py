"""The softmax family as PyTorch has it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pytorch.comparison import Call, Counterpart, axes, check, every_axis, few, generators, numbers, shapes

from autograd_cnn import ops


@st.composite
def scores(draw, several=False, **params):
    """Draw scores, sometimes large ones, and an axis."""
    shape = draw(shapes)
    x = np.multiply(numbers(draw(generators), shape), draw(st.sampled_from([1.0, 30.0])), out=np.empty(shape))
    drawn = {name: draw(values) for name, values in params.items()}
    return Call((x,), {"axis": draw(axes(len(shape), several)), **drawn})


def over(function):
    """Let one of PyTorch's functions of a single axis take None for all."""
    return lambda x, axis: function(x.reshape(-1), 0).reshape(x.shape) if axis is None else function(x, axis)


CASES = {
    ops.logsumexp: Counterpart(
        lambda x, axis, keepdims: torch.logsumexp(x, every_axis(x, axis), keepdim=keepdims),
        scores(several=True, keepdims=st.booleans()),
    ),
    ops.softmax: Counterpart(over(torch.softmax), scores()),
    ops.log_softmax: Counterpart(over(torch.log_softmax), scores()),
}


@pytest.mark.parametrize("primitive", CASES)
@few
@given(data=st.data())
def test_values_and_gradients(primitive, data):
    check(primitive, CASES[primitive], data.draw(CASES[primitive].calls))
