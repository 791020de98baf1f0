"""Extrema of two, limits, masks and comparisons as PyTorch has them, ties and kinks included."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from pytorch.comparison import Call, Counterpart, check, few, generators, numbers, shapes, unary

from autograd_cnn import ops


@st.composite
def binary(draw):
    rng = draw(generators)
    both = draw(mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=4)).input_shapes
    return Call(tuple(numbers(rng, shape, "grid") for shape in both), {})


@st.composite
def chosen(draw):
    rng = draw(generators)
    condition, *both = draw(mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=4)).input_shapes
    return Call((np.asarray(rng.random(condition) < 0.5), *(numbers(rng, shape) for shape in both)), {})


@st.composite
def masks(draw):
    rng, shape = draw(generators), draw(shapes)
    return Call((numbers(rng, shape),), {"mask": np.asarray(rng.random(shape) < 0.5)})


CASES = {
    ops.maximum: Counterpart(torch.maximum, binary()),
    ops.minimum: Counterpart(torch.minimum, binary()),
    ops.heaviside: Counterpart(torch.heaviside, binary()),
    ops.clip: Counterpart(torch.clip, unary("grid", min=st.sampled_from([-1.0, -0.5]), max=st.sampled_from([None, 1.0]))),
    ops.where: Counterpart(torch.where, chosen()),
    ops.selection.masked: Counterpart(lambda x, mask: x.masked_fill(torch.tensor(~mask), 0), masks()),
    ops.equal: Counterpart(torch.eq, binary()),
    ops.not_equal: Counterpart(torch.ne, binary()),
    ops.less: Counterpart(torch.lt, binary()),
    ops.less_equal: Counterpart(torch.le, binary()),
    ops.greater: Counterpart(torch.gt, binary()),
    ops.greater_equal: Counterpart(torch.ge, binary()),
}  # fmt: skip


@pytest.mark.parametrize("primitive", CASES)
@few
@given(data=st.data())
def test_values_and_gradients(primitive, data):
    check(primitive, CASES[primitive], data.draw(CASES[primitive].calls))
