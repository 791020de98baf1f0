"""Reading and replacing parts of arrays, against NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, basic_indices, integer_array_indices
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError

blocks = arrays(float, array_shapes(min_dims=1, max_dims=3, max_side=4), elements=st.integers(-9, 9))


def _indices(x):
    """Draw basic indices, integer arrays with repeats, masks, and mixtures."""
    return st.one_of(
        basic_indices(x.shape, allow_ellipsis=True, allow_newaxis=True),
        integer_array_indices(x.shape, result_shape=array_shapes(min_dims=0, max_dims=2, min_side=0)),
        arrays(bool, x.shape),
        st.tuples(st.just(slice(None, None, -1)), integer_array_indices(x.shape[1:])).map(lambda t: (t[0], *t[1]))
        if x.ndim > 1
        else st.just(np.array([0, -1, 0])),
    )


@given(x=blocks, data=st.data())
def test_reading_is_numpys(x, data):
    index = data.draw(_indices(x))
    np.testing.assert_array_equal(ag.getitem(x, index), x[index])
    np.testing.assert_array_equal(ag.tensor(x)[index].data, x[index])


@given(x=blocks, data=st.data())
def test_the_gradient_counts_how_often_each_element_was_read(x, data):
    index = data.draw(_indices(x))
    t = ag.tensor(x, requires_grad=True)
    y = t[index]
    y.backward(np.ones(y.shape))
    places = np.arange(x.size).reshape(x.shape)[index]
    np.testing.assert_array_equal(t.grad.data.ravel(), np.bincount(np.ravel(places), minlength=x.size))


@given(x=blocks, data=st.data())
def test_replacing_is_numpys(x, data):
    index = data.draw(_indices(x))
    values = np.arange(float(x[index].size)).reshape(x[index].shape)
    expected = x.copy()
    expected[index] = values
    np.testing.assert_array_equal(ag.set_at(x, values, index), expected)


@given(x=blocks, data=st.data())
def test_each_element_has_the_gradient_of_where_it_came_from(x, data):
    """A weight at every place of the result goes to the element that is there: of x or of the values."""
    index = data.draw(_indices(x))
    values = np.zeros(x[index].shape)
    origin = np.arange(x.size).reshape(x.shape)
    origin[index] = x.size + np.arange(values.size).reshape(values.shape)
    weights = 1.0 + np.arange(x.size).reshape(x.shape)
    expected = np.zeros(x.size + values.size)
    np.add.at(expected, origin.ravel(), weights.ravel())

    t, v = ag.tensor(x, requires_grad=True), ag.tensor(values, requires_grad=True)
    ag.set_at(t, v, index).backward(weights)
    np.testing.assert_array_equal(np.concatenate([t.grad.data.ravel(), v.grad.data.ravel()]), expected)


@given(x=blocks, data=st.data())
def test_scattering_adds_up_what_meets(x, data):
    index = data.draw(_indices(x))
    values = 1.0 + np.arange(x[index].size).reshape(x[index].shape)
    expected = np.zeros(x.shape)
    np.add.at(expected, index, values)
    np.testing.assert_array_equal(ag.scatter_add(values, index, x.shape), expected)


@given(x=blocks, data=st.data())
def test_take_is_numpys(x, data):
    axis = data.draw(st.one_of(st.none(), st.integers(-x.ndim, x.ndim - 1)))
    length = x.size if axis is None else x.shape[axis]
    indices = data.draw(arrays(int, array_shapes(max_dims=2, max_side=3), elements=st.integers(-length, length - 1)))
    np.testing.assert_array_equal(ag.take(x, indices, axis), np.take(x, indices, axis))
    np.testing.assert_array_equal(ag.take(x, 0, axis), np.take(x, 0, axis))


@given(x=blocks, data=st.data())
def test_take_along_axis_is_numpys(x, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    indices = np.argsort(x, axis=axis)
    np.testing.assert_array_equal(ag.take_along_axis(x, indices, axis), np.take_along_axis(x, indices, axis))


def test_the_axis_is_the_last_to_take_along_and_the_first_to_split(rng):
    x = rng.standard_normal((2, 3, 4))
    indices = np.argsort(x)
    np.testing.assert_array_equal(ag.take_along_axis(x, indices), np.take_along_axis(x, indices, axis=-1))
    np.testing.assert_array_equal(ag.split(x, 2), np.split(x, 2))


def test_take_along_axis_broadcasts_as_numpys(rng):
    x = rng.standard_normal((3, 4))
    np.testing.assert_array_equal(
        ag.take_along_axis(x, [[2, 0]], axis=1), np.take_along_axis(x, np.array([[2, 0]]), axis=1)
    )


@given(x=blocks, data=st.data())
def test_split_is_numpys(x, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    cuts = data.draw(st.lists(st.integers(0, x.shape[axis]), max_size=3).map(sorted))
    for where in (cuts, x.shape[axis]):
        for ours, numpys in zip(ag.split(x, where, axis), np.split(x, where, axis), strict=True):
            np.testing.assert_array_equal(ours, numpys)


@given(x=blocks, data=st.data())
def test_repeat_is_numpys(x, data):
    axis = data.draw(st.one_of(st.none(), st.integers(-x.ndim, x.ndim - 1)))
    length = x.size if axis is None else x.shape[axis]
    counts = data.draw(st.lists(st.integers(0, 3), min_size=length, max_size=length))
    for repeats in (counts, counts[0]):
        np.testing.assert_array_equal(ag.repeat(x, repeats, axis), np.repeat(x, repeats, axis))


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap"])
@given(x=blocks, data=st.data())
def test_pad_is_numpys(mode, x, data):
    side = st.tuples(st.integers(0, 3), st.integers(0, 3))
    width = data.draw(st.one_of(st.integers(0, 3), side, st.tuples(*[side] * x.ndim)))
    np.testing.assert_array_equal(ag.pad(x, width, mode), np.pad(x, width, mode))


def test_pad_with_a_value():
    np.testing.assert_array_equal(ag.pad([1.0], (0, 2), constant_values=7), [1, 7, 7])
    np.testing.assert_array_equal(ag.pad([1.0], (1, 0), "constant", -1), [-1, 1])


def test_reflected_elements_get_the_gradient_of_all_their_images():
    x = ag.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (ag.pad(x, (2, 1), "reflect") * np.array([1.0, 10, 100, 1000, 10000, 100000])).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [100, 101010, 10001])


def test_numbers_count_as_arrays_without_axes():
    assert ag.getitem(3.0, None) == [3.0]
    np.testing.assert_array_equal(ag.scatter_add(3.0, 1, (2,)), [0, 3])
    np.testing.assert_array_equal(ag.repeat(3.0, 2), [3, 3])


# --- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (
            lambda: ag.pad(np.zeros(3), 1, mode="mirror"),
            ArgumentError,
            "pad: mode is unknown: expected 'constant', 'edge', 'reflect', 'symmetric' or 'wrap', got 'mirror'",
        ),
        (
            lambda: ag.pad(np.zeros(3), 1, mode="clamp"),
            ArgumentError,
            "pad: mode is unknown: expected 'constant', 'edge', 'reflect', 'symmetric' or 'wrap', got 'clamp'",
        ),
        (
            lambda: ag.take_along_axis(np.zeros((3, 4)), np.zeros(3, int), axis=0),
            ShapeError,
            "take_along_axis: indices and x differ in rank: expected 2 axes, got shape (3,)",
        ),
        (
            lambda: ag.take_along_axis(np.zeros(3), np.zeros((1, 3), int), axis=0),
            ShapeError,
            "take_along_axis: indices and x differ in rank: expected 1 axes, got shape (1, 3)",
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
        lambda x: ag.getitem(x, 3),
        lambda x: ag.getitem(x, (0, 0, 0)),
        lambda x: ag.getitem(x, np.array([0, 3])),
        lambda x: ag.getitem(x, np.array([True, False])),
        lambda x: ag.set_at(x, np.zeros(5), 0),
        lambda x: ag.set_at(x, 0.0, 7),
        lambda x: ag.take(x, 3, axis=0),
        lambda x: ag.take(x, 0, axis=2),
        lambda x: ag.split(x, 2, axis=0),
        lambda x: ag.split(x, 2, axis=5),
        lambda x: ag.repeat(x, -1),
        lambda x: ag.repeat(x, [1, 2], axis=0),
        lambda x: ag.pad(x, -1),
        lambda x: ag.pad(x, (1, 2, 3)),
        lambda x: ag.take_along_axis(x, np.zeros((1, 1), int), axis=2),
    ],
)
@for_each("make", [np.asarray, lambda x: ag.tensor(x, requires_grad=True)])
def test_what_numpy_refuses_is_refused(call, make):
    with pytest.raises((ValueError, IndexError)):
        call(make(np.zeros((3, 4))))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, bool, np.uint64])
def test_narrow_integers_are_padded_and_assigned(dtype):
    x = np.ones((2, 2), dtype)
    padded = ag.pad(x, np.array(1))
    assert padded.dtype == dtype
    np.testing.assert_array_equal(padded, np.pad(x, 1))
    t = ag.tensor(x)
    t[0] = 0
    assert t.tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize("value", [300, -1, np.array([2**40, 0])])
def test_integers_that_do_not_fit_are_refused(value):
    with pytest.raises(OperandError, match="set_at: x can't hold the values: expected 0 to 255"):
        ag.set_at(np.ones(2, np.uint8), value, index=slice(None))
    with pytest.raises(OperandError):
        ag.set_at(np.ones(2, bool), value, index=slice(None))


def test_a_row_where_a_number_is_meant():
    with pytest.raises(ShapeError, match="set_at: setting an array element with a sequence"):
        ag.set_at(np.ones((2, 2)), np.ones(3), index=(0, 0))
    with pytest.raises(ShapeError, match="scatter_add: setting an array element with a sequence"):
        ag.scatter_add(np.ones(3), index=(0, 0), shape=(2, 2))
