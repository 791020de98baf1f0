"""The trilinear form as PyTorch has it, on both backends."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # as all the world has it
from hypothesis import assume, given
from hypothesis import strategies as st
from pytorch.comparison import Call, Counterpart, check, compare, few, generators, numbers, pair

from autograd_cnn import ops

small = st.integers(1, 3)
pairs = st.one_of(small, st.tuples(small, small))
margins = st.tuples(st.integers(0, 2), st.integers(0, 2))
# PyTorch copies the image then, as its warning says; nothing else changes.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
backends = pytest.mark.parametrize("backend", ["reference", "jit"])


@st.composite
def forms(draw):
    """Draw images, filters, and a bias or none; with or without a batch, borders of different widths among them."""
    groups, channels, filters = draw(small), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    x_shape = (*draw(st.sampled_from([(), (1,), (2,)])), channels * groups, *draw(st.tuples(*[st.integers(3, 8)] * 2)))
    w_shape = (filters * groups, channels, *draw(st.tuples(small, small)))
    stride, dilation = draw(pairs), draw(pairs)
    padding = draw(st.one_of(st.integers(0, 2), margins, st.tuples(margins, margins), st.just("valid")))
    if draw(st.booleans()) and stride == 1:
        padding = "same"
    pads = (0, 0) if isinstance(padding, str) else tuple(min(pair(side)) for side in pair(padding))
    for length, taps, d, pad in zip(x_shape[-2:], w_shape[-2:], pair(dilation), pads, strict=True):
        assume((taps - 1) * d < length + 2 * pad)
    rng = draw(generators)
    bias = draw(st.sampled_from([None, numbers(rng, (w_shape[0],))]))
    lie = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return Call((numbers(rng, x_shape), numbers(rng, w_shape), bias), lie)


def conv2d(x, w, bias, *, stride, padding, dilation, groups):
    """Pad by hand where the borders differ from side to side, which PyTorch's own padding can't say."""
    if isinstance(padding, tuple) and isinstance(padding[0], tuple):
        (top, bottom), (left, right) = padding
        x, padding = F.pad(x, (left, right, top, bottom)), 0
    return F.conv2d(x, w, bias, stride, padding, dilation, groups)


CASES = {ops.correlate2d: Counterpart(conv2d, forms())}


@backends
@few
@given(call=forms())
def test_values_and_gradients(backend, call):
    check(ops.correlate2d, CASES[ops.correlate2d], call, backend)


@few
@given(forms())
def test_a_convolution_turns_the_filters_around(call):
    compare(
        lambda x, w, bias: ops.convolve2d(x, w, bias, **call.params),
        lambda x, w, bias: conv2d(x, w.flip(-2, -1), bias, **call.params),
        *call.arrays,
        order=2,
    )


@few
@given(rng=generators, stride=pairs, dilation=pairs, groups=small, data=st.data())
def test_the_transpose(rng, stride, dilation, groups, data):
    size = data.draw(st.tuples(small, small))
    padding = tuple(data.draw(st.integers(0, (k - 1) * d)) for k, d in zip(size, pair(dilation), strict=True))
    limits = (max(s, d) - 1 for s, d in zip(pair(stride), pair(dilation), strict=True))
    extra = tuple(data.draw(st.integers(0, limit)) for limit in limits)
    x, w = numbers(rng, (2, 2 * groups, *rng.integers(2, 5, 2))), numbers(rng, (2 * groups, 2, *size))
    sides = zip(x.shape[2:], size, pair(stride), pair(dilation), padding, extra, strict=True)
    assume(all((n - 1) * s - 2 * p + (k - 1) * d + e + 1 > 0 for n, k, s, d, p, e in sides))
    compare(
        lambda x, w, bias: ops.correlate2d_transpose(
            x, w, bias, stride=stride, padding=padding, output_padding=extra, dilation=dilation, groups=groups
        ),
        lambda x, w, bias: torch.conv_transpose2d(x, w, bias, stride, padding, extra, groups, dilation),
        x, w, numbers(rng, (2 * groups,)),
        order=2,
    )  # fmt: skip


@few
@given(rng=generators, stride=small, sides=st.tuples(margins, margins), extra=st.integers(0, 3))
def test_the_transpose_with_a_border_of_its_own_on_each_side(rng, stride, sides, extra):
    """PyTorch cuts off by hand what all the border leaves."""
    x, w = numbers(rng, (1, 2, 3, 4)), numbers(rng, (2, 2, 3, 2))
    dilation, (top, bottom), (left, right) = 4, *sides
    compare(
        lambda x, w: ops.correlate2d_transpose(
            x, w, stride=stride, padding=sides, output_padding=extra, dilation=dilation
        ),
        lambda x, w: F.pad(
            torch.conv_transpose2d(x, w, None, stride, 0, 0, 1, dilation),
            (-left, extra - right, -top, extra - bottom),
        ),
        x, w,
        order=2,
    )  # fmt: skip
