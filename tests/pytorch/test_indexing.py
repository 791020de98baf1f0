"""Reading, writing and adding at indices, and borders, as PyTorch has them."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # as all the world has it
from hypothesis import given
from hypothesis import strategies as st
from pytorch.comparison import Call, Counterpart, check, compare, few, generators, numbers, shapes

from autograd_cnn import ops
from autograd_cnn.ops.indexing import _pad


def slices(length):
    """Draw a slice forward: PyTorch has no others."""
    return st.builds(slice, st.integers(0, length - 1), st.just(length), st.integers(1, 2))


def places(length, unique):
    """Draw a number or an array of numbers, negative ones among them where they may repeat."""
    number = st.integers(-length, length - 1)
    each = st.integers(0, length - 1) if unique else number
    return number | st.lists(each, min_size=1, max_size=4, unique=unique).map(np.array)


@st.composite
def indexed(draw, unique=False):
    """Draw an array and an index with at most one array in it, or a mask of its shape."""
    shape, rng = draw(shapes.filter(len)), draw(generators)
    x = numbers(rng, shape)
    if draw(st.booleans()):
        return x, rng.random(shape) < 0.5
    used = shape[: draw(st.integers(1, len(shape)))]
    picking = draw(st.integers(0, len(used) - 1))
    return x, tuple(draw(places(n, unique) if axis == picking else slices(n)) for axis, n in enumerate(used))


@st.composite
def read(draw):
    x, index = draw(indexed())
    return Call((x,), {"index": index})


@st.composite
def added(draw):
    x, index = draw(indexed())
    return Call((numbers(draw(generators), x[index].shape),), {"index": index, "shape": x.shape})


@st.composite
def written(draw):
    """Draw an index without repetition: which of two writes stays PyTorch leaves open."""
    x, index = draw(indexed(unique=True))
    return Call((x, numbers(draw(generators), x[index].shape)), {"index": index})


@st.composite
def padded(draw):
    shape = draw(shapes.filter(len))
    width = st.tuples(st.integers(0, 2), st.integers(0, 2))
    widths = draw(st.tuples(*[width] * len(shape)))
    return Call(
        (numbers(draw(generators), shape),), {"pad_width": widths, "constant_values": draw(st.sampled_from([0, 1.5]))}
    )


def theirs(index):
    """Put PyTorch's arrays into an index."""
    if isinstance(index, tuple):
        return tuple(map(theirs, index))
    return torch.tensor(index) if isinstance(index, np.ndarray) else index


def scatter_add(x, index, shape):
    places = torch.arange(int(np.prod(shape))).reshape(shape)[theirs(index)]
    return x.new_zeros(shape).reshape(-1).index_add(0, places.reshape(-1), x.reshape(-1)).reshape(shape)


def set_at(x, values, index):
    x = x.clone()
    x[theirs(index)] = values
    return x


CASES = {
    ops.getitem: Counterpart(lambda x, index: x[theirs(index)], read()),
    ops.scatter_add: Counterpart(scatter_add, added()),
    ops.set_at: Counterpart(set_at, written()),
    _pad: Counterpart(
        lambda x, pad_width, constant_values: F.pad(
            x, [n for pair in reversed(pad_width) for n in pair], value=constant_values
        ),
        padded(),
    ),
}


@pytest.mark.parametrize("primitive", CASES)
@few
@given(data=st.data())
def test_values_and_gradients(primitive, data):
    check(primitive, CASES[primitive], data.draw(CASES[primitive].calls))


@pytest.mark.parametrize(("mode", "name"), [("edge", "replicate"), ("reflect", "reflect"), ("wrap", "circular")])
@few
@given(rng=generators, widths=st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * 2))
def test_borders_that_repeat_the_image(mode, name, rng, widths):
    (top, bottom), (left, right) = widths
    compare(
        lambda x: ops.pad(x, ((0, 0), (0, 0), *widths), mode=mode),
        lambda x: F.pad(x, (left, right, top, bottom), mode=name),
        numbers(rng, (2, 2, 3, 4)),
        order=2,
    )


@few
@given(rng=generators, axis=st.integers(-3, 2))
def test_taking_along_an_axis(rng, axis):
    x = numbers(rng, (3, 3, 3))
    places = rng.integers(0, 3, (3, 3, 3))
    compare(
        lambda x: ops.take_along_axis(x, places, axis),
        lambda x: torch.gather(x, axis, torch.tensor(places)),
        x,
        order=2,
    )
