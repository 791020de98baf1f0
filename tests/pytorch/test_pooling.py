"""Pooling as PyTorch has it, ties included, on both backends."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # as all the world has it
from hypothesis import given, reject
from hypothesis import strategies as st
from pytorch.comparison import Call, Counterpart, check, compare, few, generators, numbers, pair

from autograd_cnn import ops
from autograd_cnn.errors import ArgumentError, ShapeError

small = st.integers(1, 3)
pairs = st.one_of(small, st.tuples(small, small))


@st.composite
def pools(draw, kind, primitive, **params):
    """Draw images, with or without a batch, and windows that fit."""
    window = draw(pairs)
    lie = {
        "window": window,
        "stride": draw(st.one_of(st.none(), pairs)),
        "padding": tuple(draw(st.integers(0, k // 2)) for k in pair(window)),
        "ceil_mode": draw(st.booleans()),
        **{name: draw(values) for name, values in params.items()},
    }
    shape = (*draw(st.sampled_from([(), (1,), (2,)])), 2, *draw(st.tuples(*[st.integers(3, 8)] * 2)))
    x = numbers(draw(generators), shape, kind)
    try:
        primitive.forward(x, **lie)
    except (ArgumentError, ShapeError):
        reject()
    return Call((x,), lie)


def max_pool(x, window, rectified, **lie):
    y = F.max_pool2d(x, window, **lie)
    return F.relu(y) if rectified else y


def mean_pool(x, window, **lie):
    return F.avg_pool2d(x, window, **lie)


CASES = {
    ops.max_pool: Counterpart(max_pool, pools("grid", ops.max_pool, dilation=pairs, rectified=st.booleans())),
    ops.mean_pool: Counterpart(mean_pool, pools("normal", ops.mean_pool, count_include_pad=st.booleans())),
}


@pytest.mark.parametrize("backend", ["reference", "jit"])
@pytest.mark.parametrize("primitive", CASES)
@few
@given(data=st.data())
def test_values_and_gradients(primitive, backend, data):
    check(primitive, CASES[primitive], data.draw(CASES[primitive].calls), backend)


@few
@given(rng=generators, image=st.tuples(*[st.integers(1, 7)] * 2), size=pairs)
def test_adaptive_means(rng, image, size):
    x = numbers(rng, (2, 2, *image))
    compare(lambda x: ops.adaptive_mean_pool(x, size), lambda x: F.adaptive_avg_pool2d(x, size), x, order=2)


@few
@given(rng=generators)
def test_the_mean_of_every_map(rng):
    x = numbers(rng, (2, 3, 4, 5))
    compare(ops.global_mean_pool, lambda x: torch.mean(x, dim=(-2, -1), keepdim=True), x, order=2)
