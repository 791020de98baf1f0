"""Pooling as PyTorch has it, ties included, on both backends."""

import oracles
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # as all the world has it
from hypothesis import given, reject
from hypothesis import strategies as st
from pytorch.comparison import Call, Counterpart, check, compare, few, generators, numbers, pair

from autograd_cnn import ops
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.ops.pooling import _relu_max_pool

small = st.integers(1, 3)
pairs = st.one_of(small, st.tuples(small, small))
margins = st.tuples(st.integers(0, 2), st.integers(0, 2))


@st.composite
def pools(draw, kind, primitive, **params):
    """Draw images, with or without a batch, and windows that fit; borders of different widths among them."""
    window = draw(pairs)
    alike = st.tuples(*(st.integers(0, k // 2) for k in pair(window)))
    lie = {
        "window": window,
        "stride": draw(st.one_of(st.none(), pairs)),
        "padding": draw(st.one_of(alike, st.tuples(margins, margins))),
        "dilation": draw(st.one_of(st.just(1), pairs)),
        "ceil_mode": draw(st.booleans()),
        **{name: draw(values) for name, values in params.items()},
    }
    shape = (*draw(st.sampled_from([(), (1,), (2,)])), 2, *draw(st.tuples(*[st.integers(1, 8)] * 2)))
    x = numbers(draw(generators), shape, kind)
    try:
        primitive.forward(x, **lie)
    except (ArgumentError, ShapeError):
        reject()
    return Call((x,), lie)


def max_pool(x, *, window, stride, padding, dilation, ceil_mode):
    if isinstance(padding[0], int):
        y = F.max_pool2d(x, window, stride, padding, dilation, ceil_mode)
    else:
        padded, out = framed(x, window, stride, padding, dilation, ceil_mode, -torch.inf)
        y = F.max_pool2d(padded, window, stride, 0, dilation)[..., : out[0], : out[1]]
    return y


def mean_pool(x, *, window, stride, padding, dilation, ceil_mode, count_include_pad):
    """Correlate with ones where PyTorch has no such mean; a window's count is that of a picture of ones."""
    if isinstance(padding[0], int) and dilation == 1:
        return F.avg_pool2d(x, window, stride, padding, ceil_mode, count_include_pad)
    sides = tuple(pair(side) for side in padding)
    counted = torch.ones(x.shape[-2:], dtype=x.dtype)
    if count_include_pad:
        (top, bottom), (left, right) = sides
        counted = F.pad(counted, (left, right, top, bottom), value=1.0)
        counted, out = framed(counted, window, stride, ((0, 0), (0, 0)), dilation, ceil_mode, 0)
    else:
        counted, out = framed(counted, window, stride, sides, dilation, ceil_mode, 0)
    padded, out = framed(x, window, stride, sides, dilation, ceil_mode, 0)
    filters = torch.ones((1, 1, *pair(window)), dtype=x.dtype)

    def total(images):
        maps = images.reshape(-1, 1, *images.shape[-2:])
        sums = F.conv2d(maps, filters, stride=window if stride is None else stride, dilation=dilation)
        return sums[..., : out[0], : out[1]].reshape(*images.shape[:-2], *out)

    return total(padded) / total(counted)


def framed(x, window, stride, padding, dilation, ceil_mode, border):
    """Return the image with its border, and as much beyond it as a further window takes; and the windows counted."""
    steps = pair(window if stride is None else stride)
    (top, bottom), (left, right) = padding
    axes = zip(x.shape[-2:], pair(window), steps, padding, pair(dilation), strict=True)
    out = [oracles.places(*axis, ceil_mode) for axis in axes]
    below, beside = (s + (k - 1) * d for s, k, d in zip(steps, pair(window), pair(dilation), strict=True))
    return F.pad(x, (left, right + beside, top, bottom + below), value=border), out


def max_pool_indices(x, *, window, stride, padding, dilation, ceil_mode):
    return F.max_pool2d(x, window, stride, padding, dilation, ceil_mode, return_indices=True)[1]


@st.composite
def numbered(draw):
    """Draw a pool with the same border on opposite sides: PyTorch counts the pixels of any other."""
    call = draw(pools("grid", ops.max_pool))
    if not isinstance(call.params["padding"][0], int):
        call.params["padding"] = (0, 0)
        try:
            ops.max_pool.forward(*call.arrays, **call.params)
        except (ArgumentError, ShapeError):
            reject()
    return call


CASES = {
    ops.max_pool: Counterpart(max_pool, pools("grid", ops.max_pool)),
    ops.max_pool_indices: Counterpart(max_pool_indices, numbered()),
    _relu_max_pool: Counterpart(lambda x, **geometry: F.relu(max_pool(x, **geometry)), pools("grid", ops.max_pool)),
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
