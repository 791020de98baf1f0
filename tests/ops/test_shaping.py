"""Functions that change shapes, against NumPy's of the same name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError

blocks = arrays(float, array_shapes(min_dims=1, max_dims=4, max_side=4), elements=st.integers(-9, 9))


def _axis(x):
    return st.integers(-x.ndim, x.ndim - 1)


def _same(ours, numpys):
    assert ours.shape == numpys.shape
    np.testing.assert_array_equal(ours, numpys)


@given(x=blocks, data=st.data())
def test_reshape(x, data):
    shape = data.draw(st.permutations(x.shape))
    _same(ag.reshape(x, tuple(shape)), x.reshape(shape))
    _same(ag.reshape(x, -1), x.reshape(-1))
    _same(ag.reshape(x, (shape[0], -1)), x.reshape(shape[0], -1))


@given(x=blocks, data=st.data())
def test_transpose(x, data):
    axes = data.draw(st.permutations(range(x.ndim)))
    _same(ag.transpose(x), x.T)
    _same(ag.transpose(x, axes), x.transpose(axes))
    _same(ag.transpose(x, tuple(a - x.ndim for a in axes)), x.transpose(axes))


@given(x=blocks, data=st.data())
def test_swapaxes_and_moveaxis(x, data):
    first, second = data.draw(_axis(x)), data.draw(_axis(x))
    _same(ag.swapaxes(x, first, second), np.swapaxes(x, first, second))
    _same(ag.moveaxis(x, first, second), np.moveaxis(x, first, second))
    count = data.draw(st.integers(0, x.ndim))
    sources, destinations = (data.draw(st.permutations(range(x.ndim)))[:count] for _ in range(2))
    sources = [s - x.ndim for s in sources]
    _same(ag.moveaxis(x, sources, destinations), np.moveaxis(x, sources, destinations))


@given(x=blocks, data=st.data())
def test_expand_dims_and_squeeze(x, data):
    axis = data.draw(st.integers(-x.ndim - 1, x.ndim))
    wide = ag.expand_dims(x, axis)
    _same(wide, np.expand_dims(x, axis))
    _same(ag.squeeze(wide, axis), x)
    _same(ag.squeeze(wide), np.squeeze(wide))


@given(x=blocks, data=st.data())
def test_broadcast_to(x, data):
    x = x[..., :1]
    shape = (data.draw(st.integers(1, 3)), *x.shape[:-1], data.draw(st.integers(0, 3)))
    _same(ag.broadcast_to(x, shape), np.broadcast_to(x, shape))


@given(x=blocks, reps=st.lists(st.integers(0, 3), min_size=1, max_size=4))
def test_tile(x, reps):
    _same(ag.tile(x, reps), np.tile(x, reps))
    _same(ag.tile(x, reps[0]), np.tile(x, reps[0]))


@given(x=blocks, data=st.data())
def test_concatenate_and_stack(x, data):
    axis = data.draw(_axis(x))
    pieces = [x, np.take(x, [0, 0], axis), x + 1]
    _same(ag.concatenate(pieces, axis), np.concatenate(pieces, axis))
    place = data.draw(st.integers(-x.ndim - 1, x.ndim))
    _same(ag.stack([x, x + 1], place), np.stack([x, x + 1], place))


@given(x=blocks, data=st.data())
def test_flip_and_roll(x, data):
    axis = data.draw(st.one_of(st.none(), _axis(x), st.permutations(range(x.ndim)).map(tuple)))
    _same(ag.flip(x, axis), np.flip(x, axis))
    size = len(axis) if isinstance(axis, tuple) else 1
    shift = tuple(data.draw(st.lists(st.integers(-5, 5), min_size=size, max_size=size)))
    shift = shift if isinstance(axis, tuple) else shift[0]
    _same(ag.roll(x, shift, axis), np.roll(x, shift, axis))


def test_flattened_arrays_are_joined_and_an_axis_may_be_rolled_twice():
    x = np.arange(6.0).reshape(2, 3)
    _same(ag.concatenate([x, x[:1]], axis=None), np.concatenate([x, x[:1]], axis=None))
    _same(ag.roll(x, (1, 1), (1, -1)), np.roll(x, (1, 1), (1, -1)))


def test_a_repeated_number_can_not_be_written_to():
    assert not ag.broadcast_to(np.float64(3), (2, 3)).flags.writeable


@for_each(
    "function",
    [ag.squeeze, ag.expand_dims, ag.swapaxes, ag.full_like, ag.concatenate, ag.stack, ag.ptp, ag.cumulative_prod],
)
def test_a_composition_names_itself(function):
    with pytest.raises(OperandError) as err:
        function(np.zeros((2, 2)), rows=1)
    assert str(err.value).startswith(f"{function.__name__}: no argument 'rows'")


def test_joining_tensors_gives_each_its_part_of_the_gradient():
    a, b = (ag.tensor(np.ones((2, n)), requires_grad=True) for n in (1, 2))
    (ag.concatenate([a, b], axis=1) * np.arange(6.0).reshape(2, 3)).sum().backward()
    np.testing.assert_array_equal(a.grad.data, [[0], [3]])
    np.testing.assert_array_equal(b.grad.data, [[1, 2], [4, 5]])


def test_a_tensor_may_be_joined_with_itself():
    a = ag.tensor([1.0, 2.0], requires_grad=True)
    (ag.stack([a, a, [0.0, 0.0]]) * np.array([[1.0], [10.0], [100.0]])).sum().backward()
    np.testing.assert_array_equal(a.grad.data, [11, 11])


def test_a_composition_records_through_every_step(rng):
    x = ag.tensor(rng.standard_normal((1, 2, 3)), requires_grad=True)
    weights = rng.standard_normal((3, 4))
    y = ag.swapaxes(ag.tile(ag.squeeze(x, 0), (2, 1)), 0, 1)
    (ag.expand_dims(y, 0) * weights).sum().backward()
    np.testing.assert_allclose(x.grad.data, (weights[:, :2] + weights[:, 2:]).T[None])


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (
            lambda: ag.moveaxis(np.zeros((2, 3)), (0, 1), 0),
            ArgumentError,
            "moveaxis: the axes do not pair up: expected 2 destinations, got 1",
        ),
        (
            lambda: ag.moveaxis(np.zeros((2, 3)), 0, (0, 1)),
            ArgumentError,
            "moveaxis: the axes do not pair up: expected 1 destinations, got 2",
        ),
        (
            lambda: ag.stack([np.zeros(2), np.zeros(3)]),
            ShapeError,
            "stack: the arrays differ in shape: expected (2,), got (2,), (3,)",
        ),
    ],
)
def test_bad_input(call, kind, text):
    with pytest.raises(kind) as err:
        call()
    assert str(err.value) == text


@for_each(
    "call",
    [
        lambda x: ag.reshape(x, (4, 2)),
        lambda x: ag.transpose(x, (0, 0)),
        lambda x: ag.swapaxes(x, 0, 2),
        lambda x: ag.moveaxis(x, 0, 2),
        lambda x: ag.moveaxis(x, (0, 0), (0, 1)),
        lambda x: ag.squeeze(x, 0),
        lambda x: ag.expand_dims(x, 4),
        lambda x: ag.broadcast_to(x, (2, 4)),
        lambda x: ag.concatenate([x, np.zeros((2, 2))]),
        lambda x: ag.concatenate([x[0], x]),
        lambda x: ag.stack([x, x], 4),
        lambda x: ag.flip(x, 2),
        lambda x: ag.roll(x, 1, 2),
    ],
)
@for_each("make", [np.asarray, lambda x: ag.tensor(x, requires_grad=True)])
def test_what_numpy_refuses_is_refused(call, make):
    with pytest.raises((ValueError, IndexError)):
        call(make(np.zeros((2, 3))))


def test_nothing_can_not_be_stacked():
    with pytest.raises(ValueError, match="need at least one array"):
        ag.stack([])
