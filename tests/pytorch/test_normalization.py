"""Batch normalisation as PyTorch has it, on both backends."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # as all the world has it
from hypothesis import given
from hypothesis import strategies as st
from pytorch.comparison import Call, Counterpart, check, few, generators, lengths, numbers

from autograd_cnn import ops


@st.composite
def batches(draw):
    """Draw maps of two pixels at least, some of them large enough to be worth compiled code, and maybe numbers."""
    shape = draw(st.one_of(st.tuples(st.integers(2, 4), *[lengths] * 3), st.just((2, 3, 60, 50))))
    rng = draw(generators)
    weight, bias = (draw(st.one_of(st.none(), st.just(numbers(rng, shape[1:2])))) for _ in range(2))
    return Call((numbers(rng, shape), weight, bias), {"eps": draw(st.sampled_from([1e-2, 1.0]))})


def batch_norm(x, weight, bias, eps):
    if weight is None:  # without one its second order fails
        weight = torch.ones(x.shape[1], dtype=x.dtype)
    return F.batch_norm(x, None, None, weight, bias, training=True, eps=eps)


CASES = {ops.batch_norm: Counterpart(batch_norm, batches())}


@pytest.mark.parametrize("backend", ["reference", "jit"])
@few
@given(data=st.data())
def test_values_and_gradients(backend, data):
    check(ops.batch_norm, CASES[ops.batch_norm], data.draw(CASES[ops.batch_norm].calls), backend)
