"""Attention, some queries at a time: as the reference has it, whatever the sizes, the bias and the number of threads."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.kernels import compiled, reference
from autograd_cnn.kernels.compiled.attention import MAX_QUERIES

SIZES = [(1, 1, 1, 1), (5, 7, 3, 4), (64, 64, 32, 32), (MAX_QUERIES + 6, 33, 17, 20), (2 * MAX_QUERIES + 2, 200, 16, 8)]
"""Queries, keys, and the widths of both and of values."""
BIASES = {
    "none": None,
    "all": lambda queries, keys: (queries, keys),
    "padding": lambda _, keys: (2, 1, 1, keys),
    "heads": lambda _, keys: (3, 1, keys),
    "rows": lambda queries, _: (queries, 1),
}


def _arrays(rng, sizes, dtype):
    length, keys, width, values = sizes
    shapes = (length, width), (keys, width), (keys, values), (length, values)
    return [rng.standard_normal((2, 3, *shape)).astype(dtype) for shape in shapes]


@for_each("sizes", SIZES)
@for_each("shape_of_bias", BIASES.values(), BIASES)
@for_each("causal", [False, True])
@for_each("dtype", [np.float32, np.float64])
def test_they_agree_with_the_reference(sizes, shape_of_bias, causal, dtype):
    rng, bias = np.random.default_rng(sum(sizes)), None
    q, k, v, g = _arrays(rng, sizes, dtype)
    if shape_of_bias is not None:
        bias = rng.standard_normal(shape_of_bias(*sizes[:2])).astype(dtype)
        bias[rng.random(bias.shape) < 0.3] = -np.inf
    ours, theirs = (module.attention(q, k, v, bias, causal, 0.3) for module in (compiled, reference))
    found, known = (
        module.attention_wrt(g, q, k, v, bias, causal, 0.3, *forward)
        for module, forward in ((compiled, ours), (reference, theirs))
    )
    bound = 300 * np.finfo(dtype).eps
    for one, other in zip((*ours, found), (*theirs, known), strict=True):
        assert one.dtype == other.dtype == dtype
        np.testing.assert_allclose(one, other, rtol=bound, atol=bound)


def test_the_bits_do_not_depend_on_the_threads(rng):
    q, k, v, g = _arrays(rng, (100, 90, 20, 12), np.float32)
    before, found, causal = ag.num_threads(), [], True
    try:
        for count in (1, before):
            ag.set_num_threads(count)
            forward = compiled.attention(q, k, v, None, causal, 0.2)
            found.append((*forward, compiled.attention_wrt(g, q, k, v, None, causal, 0.2, *forward)))
    finally:
        ag.set_num_threads(before)
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_what_is_not_finite_reaches_later_queries_as_in_the_reference(rng, number):
    q, k, v, _ = _arrays(rng, (3, 3, 2, 2), float)
    v[0, 0, 2] = number
    assert compiled.attention(q, k, v, None, causal=True, scale=1.0) is NotImplemented
    np.testing.assert_array_equal(
        *(np.isfinite(module.attention(q, k, v, None, causal=False, scale=1.0)[0]) for module in (compiled, reference))
    )


def test_other_dtypes_and_nothing_are_declined():
    x = np.ones((2, 3))
    for q, k in ((x.astype(int), x), (x, x.astype(np.float32)), (x[:0], x), (x, x[:0])):
        assert compiled.attention(q, k, k, None, causal=False, scale=1.0) is NotImplemented
    assert compiled.attention(x, x, x, np.ones(3, np.float32), causal=False, scale=1.0) is NotImplemented
