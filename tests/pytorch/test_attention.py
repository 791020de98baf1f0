"""Attention as PyTorch has it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytorch.comparison import Call, Counterpart, check, few, generators, lengths
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from autograd_cnn import ops


def theirs(query, key, value, bias=None, *, causal, scale):
    """PyTorch's in products and sums, which alone can be differentiated twice; queries that see nothing get zeros."""
    with sdpa_kernel(SDPBackend.MATH):
        return scaled_dot_product_attention(query, key, value, bias, is_causal=causal, scale=scale)


@st.composite
def calls(draw):
    rng, lead = draw(generators), draw(st.sampled_from([(), (2,), (2, 3)]))
    length, keys, width, values = (draw(lengths) for _ in range(4))
    shapes = [(length, width), (keys, width), (keys, values)]
    arrays = [rng.standard_normal((*lead, *shape)) for shape in shapes]
    biased = draw(st.booleans())
    if biased:
        bias = rng.standard_normal(draw(st.sampled_from([(length, keys), (*lead, 1, keys), (*lead, length, keys)])))
        hidden = rng.random(bias.shape) < 0.2
        hidden[..., 0] = False
        arrays.append(np.where(hidden, -np.inf, bias))
    return Call(
        tuple(arrays), {"causal": not biased and draw(st.booleans()), "scale": draw(st.sampled_from([None, 0.7]))}
    )


CASES = {ops.attention: Counterpart(theirs, calls())}


@pytest.mark.parametrize("backend", ["reference", "jit"])
@few
@given(data=st.data())
def test_values_and_gradients(backend, data):
    check(ops.attention, CASES[ops.attention], data.draw(CASES[ops.attention].calls), backend)
