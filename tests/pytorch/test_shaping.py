"""Other shapes, other orders and joined arrays as PyTorch has them."""

import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from pytorch.comparison import Call, Counterpart, axes, check, compare, every_axis, few, generators, numbers, shapes
from tables import for_each

from autograd_cnn import ops
from autograd_cnn.ops.shaping import _concatenate


@st.composite
def reshaped(draw):
    """Draw a shape of the same size: the axes in another order, some joined."""
    shape = draw(shapes)
    order = draw(st.permutations(shape))
    cut = draw(st.integers(0, len(order)))
    shown = draw(st.sampled_from([(*order[:cut], math.prod(order[cut:])), (-1, *order[cut:])]))
    return Call((numbers(draw(generators), shape),), {"shape": shown})


@st.composite
def transposed(draw):
    shape = draw(shapes)
    order = draw(st.one_of(st.none(), st.permutations(range(len(shape)))))
    return Call((numbers(draw(generators), shape),), {"axes": order})


@st.composite
def broadcast(draw):
    """Draw a shape with ones, to be made longer, and axes in front."""
    shape, lead = draw(shapes), draw(shapes)
    x = numbers(draw(generators), tuple(draw(st.sampled_from([1, n])) for n in shape))
    return Call((x,), {"shape": (*lead, *shape)})


@st.composite
def joined(draw):
    """Draw up to four arrays that differ along one axis."""
    shape = draw(shapes.filter(len))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    each = []
    for length in draw(st.lists(st.integers(0, 3), min_size=1, max_size=4)):
        own = list(shape)
        own[axis] = length
        each.append(numbers(draw(generators), tuple(own)))
    return Call(tuple(each), {"axis": axis})


@st.composite
def flipped(draw):
    shape = draw(shapes)
    return Call((numbers(draw(generators), shape),), {"axis": draw(axes(len(shape)))})


@st.composite
def rolled(draw):
    shape = draw(shapes)
    axis = draw(axes(len(shape)))
    assume(shape or axis is None)
    shift = st.integers(-5, 5)
    shifts = draw(st.tuples(*[shift] * len(axis)) if isinstance(axis, tuple) else shift)
    return Call((numbers(draw(generators), shape),), {"shift": shifts, "axis": axis})


CASES = {
    ops.reshape: Counterpart(lambda x, shape: x.reshape(shape), reshaped()),
    ops.transpose: Counterpart(
        lambda x, axes: x.permute(tuple(axes) if axes is not None else tuple(range(x.ndim))[::-1]), transposed()
    ),
    ops.broadcast_to: Counterpart(lambda x, shape: x.expand(shape), broadcast()),
    _concatenate: Counterpart(lambda *arrays, axis: torch.cat(arrays, axis), joined()),
    ops.flip: Counterpart(lambda x, axis: torch.flip(x, every_axis(x, axis)), flipped()),
    ops.roll: Counterpart(lambda x, shift, axis: x.roll(shift, axis), rolled()),
}


@pytest.mark.parametrize("primitive", CASES)
@few
@given(data=st.data())
def test_values_and_gradients(primitive, data):
    check(primitive, CASES[primitive], data.draw(CASES[primitive].calls))


@for_each(
    "ours, theirs",
    [
        (lambda x: ops.swapaxes(x, 0, -1), lambda x: x.swapaxes(0, -1)),
        (lambda x: ops.moveaxis(x, (0, 1), (-1, 0)), lambda x: x.movedim((0, 1), (-1, 0))),
        (lambda x: ops.expand_dims(x, 1), lambda x: x.unsqueeze(1)),
        (lambda x: ops.squeeze(x, 1), lambda x: x.squeeze(1)),
        (lambda x: ops.tile(x, (2, 1, 3)), lambda x: x.tile(2, 1, 3)),
        (lambda x: ops.repeat(x, 3, axis=-1), lambda x: x.repeat_interleave(3, -1)),
        (lambda x: ops.repeat(x, [2, 0, 1], axis=0), lambda x: x.repeat_interleave(torch.tensor([2, 0, 1]), 0)),
        (lambda x: ops.stack([x, x * 2], axis=1), lambda x: torch.stack([x, x * 2], 1)),
        (lambda x: ops.split(x, [1, 3], axis=2)[1], lambda x: x.tensor_split([1, 3], 2)[1]),
        (lambda x: ops.take(x, [2, 0, 2], axis=0), lambda x: x.index_select(0, torch.tensor([2, 0, 2]))),
        (lambda x: ops.outer(x, x), lambda x: torch.outer(x.flatten(), x.flatten())),
    ],
)
def test_what_is_made_of_these(rng, ours, theirs):
    compare(ours, theirs, rng.standard_normal((3, 1, 4)), order=2)
