"""How parameters are parsed, for primitives and for functions made of them."""

from typing import Annotated

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.engine.composite import parsed
from autograd_cnn.errors import ArgumentError, OperandError
from autograd_cnn.parameters import (
    Axes,
    Axis,
    Contraction,
    Count,
    Counts,
    DType,
    Index,
    Indices,
    IntOrPair,
    Lengths,
    Mask,
    Number,
    OneAxis,
    Padding,
    PadWidth,
    parser_of,
)

A = np.arange(6.0).reshape(2, 3)


def _parse(annotation, value):
    return parser_of(annotation)("f", "p", value)


@for_each(
    "annotation, value, expected",
    [
        (Count, np.uint8(3), 3),
        (Count, np.array(3), 3),
        (OneAxis, None, None),
        (OneAxis, np.int64(-1), -1),
        (Axis, [0, np.int32(1)], (0, 1)),
        (Axis, np.array([0, 1]), (0, 1)),
        (Axes, 2, (2,)),
        (Axes, range(2), (0, 1)),
        (Axes | None, None, None),
        (Lengths, [2, -1], (2, -1)),
        (Counts, np.array([1, 0]), (1, 0)),
        (IntOrPair, [1, 2], (1, 2)),
        (Padding, "same", "same"),
        (Padding, [[1, 2], [3, 4]], ((1, 2), (3, 4))),
        (Padding, np.array([[1, 2], [3, 4]]), ((1, 2), (3, 4))),
        (PadWidth, [np.int64(1), 2], (1, 2)),
        (PadWidth, [(1, 2)], ((1, 2),)),
        (Contraction, [0, [1]], ((0,), (1,))),
        (Number, np.float64(0.5), 0.5),
        (Number, np.int8(2), 2),
        (Index, (np.int64(1), slice(np.int64(1), None), ...), (1, slice(1, None), ...)),
    ],
)
def test_what_is_meant_is_kept_in_pythons_own_types(annotation, value, expected):
    parsed = _parse(annotation, value)
    assert parsed == expected
    assert repr(parsed) == repr(expected)


INT, INTS, PAIR = "an int", "an int or a tuple of ints", "an int or a pair of ints"


@for_each(
    "annotation, value, expected",
    [
        (Count, 1.0, INT),
        (Count, True, INT),
        (Count, None, INT),
        (OneAxis, (0,), INT),
        (Axis, 0.0, INTS),
        (Axis, [0, 1.5], INTS),
        (Axis, "01", INTS),
        (Axes, np.array([[0]]), INTS),
        (Lengths, (2, None), INTS),
        (IntOrPair, [1, 2, 3], PAIR),
        (IntOrPair, np.array([1.0, 2.0]), PAIR),
        (Padding, ((1, 2), 3), PAIR),
        (Contraction, (0, 1, 2), "an int, or the axes of either operand"),
        (Number, "1", "a number"),
        (Number, None, "a number"),
    ],
)
def test_what_would_be_rounded_or_guessed_is_refused(annotation, value, expected):
    with pytest.raises(ArgumentError) as error:
        _parse(annotation, value)
    assert str(error.value) == f"f: p is not understood: expected {expected}, got {value!r}"


@pytest.mark.parametrize("value", [1.0, [0.5], "a", {1}, [[0], [1, 2]]])
def test_what_is_not_an_index(value):
    with pytest.raises((OperandError, ValueError)) as error:
        _parse(Index, value)
    assert str(error.value).startswith(("f: p is not understood: expected ints, slices", "setting an array"))


@pytest.mark.parametrize("value", [np.array([255, 0], np.uint8), [1, 0], 1.0])
def test_a_mask_is_of_bools(value):
    with pytest.raises(OperandError) as error:
        _parse(Mask, value)
    assert str(error.value) == f"f: p is not an array of bools: expected bool, got {np.asarray(value).dtype}"


def test_indices_are_integers_in_the_machines_byte_order():
    swapped = np.array([1, 2], np.dtype(np.int64).newbyteorder())
    parsed = _parse(Indices, swapped)
    assert parsed.dtype == np.int64
    assert parsed.tolist() == [1, 2]
    assert _parse(Indices, []).dtype.kind == "i"
    with pytest.raises(OperandError, match="f: p are not integers: expected an array of ints, got float64"):
        _parse(Indices, [1.0])


@pytest.mark.parametrize("value", [None, "complex64", "S3", object, "no dtype"])
def test_a_dtype_is_of_numbers(value):
    with pytest.raises(OperandError, match="f: p is not understood: expected a dtype of floats, ints or bools"):
        _parse(DType, value)
    assert _parse(DType, ">f4") == np.float32


def test_an_annotation_of_something_else_is_left_alone():
    assert parser_of(Annotated[int, "a note"]) is None
    assert parser_of(int | None) is None

    @ag.primitive
    def scaled(x, *, factor: "NotDefinedHere" = 2):  # noqa: F821
        return x * factor

    assert scaled(1.0, factor=2.5) == 2.5


# --- what users call --------------------------------------------------------------------------


def _gradient(f):
    return ag.grad(lambda x: ag.sum(f(x) ** 2))(A)


@for_each(
    "f",
    [
        lambda x: ag.sum(x, axis=np.int64(1)),
        lambda x: ag.var(x, axis=np.array([1])),
        lambda x: ag.max(x, axis=[1]),
        lambda x: ag.softmax(x, axis=np.int64(1)),
        lambda x: ag.concatenate([x, x], axis=None),
        lambda x: ag.stack([x, x], axis=np.int64(1)),
        lambda x: ag.reshape(x, np.array([3, 2])),
        lambda x: ag.transpose(x, [np.int64(1), 0]),
        lambda x: ag.transpose(x[0], 0),
        lambda x: ag.moveaxis(x, np.int64(0), [1]),
        lambda x: ag.tile(x, np.array([1, 2])),
        lambda x: ag.repeat(x, np.int64(2), axis=np.int64(1)),
        lambda x: ag.roll(x, np.int64(1), axis=np.int64(1)),
        lambda x: ag.pad(x, np.int64(1)),
        lambda x: ag.split(x, np.int64(3), axis=np.int64(1))[0],
        lambda x: ag.einsum(x, [0, 1], x, [0, 2], [1, 2]),
        lambda x: ag.einsum(x, [0, ...]),
        lambda x: ag.take_along_axis(x, np.array([0, 2]), axis=None),
        lambda x: ag.tensordot(x, x, axes=np.array([[0], [0]])),
        lambda x: ag.clip(x, np.int64(1), np.float64(4)),
    ],
)
def test_other_spellings_have_the_same_gradient(f):
    numbers = ag.testing.gradcheck(lambda x: ag.sum(f(x) ** 2), [A + 0.25])
    assert numbers
    assert _gradient(f).shape == A.shape


def test_a_number_counts_as_a_row_of_one():
    assert ag.repeat(3.0, 2, axis=0).tolist() == [3.0, 3.0]
    assert ag.grad(lambda x: ag.sum(ag.repeat(x, 2, axis=0)))(3.0) == 2.0
    for reduction in (ag.sum, ag.mean, ag.max, ag.min, ag.prod, ag.logsumexp):
        assert ag.grad(lambda x: reduction(x, axis=0))(3.0) == 1.0  # noqa: B023  # called at once
        assert ag.grad(lambda x: reduction(x, axis=-1, keepdims=True))(3.0) == 1.0  # noqa: B023


@for_each(
    "call, text",
    [
        (lambda: ag.pad(A, (-1, 0)), "pad: pad_width is out of range: expected an int of at least 0, got -1"),
        (lambda: ag.pad(A, 1.5), "pad: pad_width is not understood: expected an int of at least 0, got 1.5"),
        (
            lambda: ag.pad(np.arange(3), 1, constant_values=0.5),
            (
                "pad: x can't hold the values: expected values of the kind of int64, got float64; "
                "convert x with .astype first"
            ),
        ),
        (
            lambda: ag.einsum(A, A),
            (
                "einsum: subscripts are not understood: expected a string such as 'ij,jk->ik', or a list of ints "
                f"from 0 to 51 after each operand, got {' '.join(repr(A).split())}"
            ),
        ),
        (lambda: ag.split(A, 2, axis=1), "split: array split does not result in an equal division"),
        (lambda: ag.sum(A, int), "sum: axis is not understood: expected an int or a tuple of ints, got <class 'int'>"),
        (lambda: ag.repeat(A, 1.5), "repeat: repeats is not understood: expected an int or a tuple of ints, got 1.5"),
        (lambda: ag.tile(A, -1), "tile: reps is out of range: expected an int of at least 0, got -1"),
        (lambda: ag.sum(A, axis=2), "sum: axis 2 is out of bounds for array of dimension 2; shapes x=(2, 3)"),
        (lambda: ag.swapaxes(A, 0, 2), "swapaxes: axis 2 is out of bounds for array of dimension 2"),
        (
            lambda: ag.tensordot(A, A, axes=3),
            (
                "tensordot: axes is out of range: expected at most as many as either operand has, got 3; "
                "shapes x1=(2, 3), x2=(2, 3)"
            ),
        ),
        (lambda: ag.stack([]), "stack: need at least one array to concatenate"),
        (lambda: ag.stack(A, axis=4), "stack: axis 4 is out of bounds for array of dimension 2"),
        (lambda: ag.std(A, axis=2), "std: axis 2 is out of bounds for array of dimension 2; shapes x=(2, 3)"),
        (lambda: ag.std("a"), "std: x is not an array: expected a tensor, an array or a number, got str"),
        (lambda: ag.take(A, [7]), "take: index 7 is out of bounds for axis 0 with size 6; shapes x=(6,)"),
        (lambda: ag.tensor([1.0]).take([7]), "take: index 7 is out of bounds for axis 0 with size 1; shapes x=(1,)"),
        (lambda: ag.repeat(A, [1], axis=2), "repeat: axis 2 is out of bounds for array of dimension 2"),
        (
            lambda: ag.concatenate(3),
            "concatenate: arrays is not iterable: expected arrays, such as a list of them, got int",
        ),
        (lambda: ag.stack(3.0), "stack: arrays is not iterable: expected arrays, such as a list of them, got float"),
        (
            lambda: ag.tensor([1.0]).register_hook(3),
            "register_hook: hook is not a function: expected a function of the gradient, got int",
        ),
        (lambda: ag.tensor([1.0]).item(5), "item: index 5 is out of bounds for axis 0 with size 1; shape (1,)"),
        (
            ag.graph.capture,
            "capture: argument 'output' is missing; it takes output, inputs, names, backward, values, problems",
        ),
        (ag.sum, "sum: argument 'x' is missing; it takes x, axis, keepdims"),
        (lambda: ag.reshape(A), "reshape: argument 'shape' is missing; it takes x, shape"),
        (lambda: ag.take(A), "take: argument 'indices' is missing; it takes x, indices, axis"),
        (lambda: ag.tensor(A).take(), "take: argument 'indices' is missing; it takes x, indices, axis"),
        (ag.einsum, "einsum: argument 'subscripts' is missing; it takes subscripts, *operands"),
        (lambda: ag.take(A, 0, 0, 0), "take: too many arguments; it takes x, indices, axis"),
        (lambda: ag.take(A, 0, indices=0), "take: too many arguments; it takes x, indices, axis"),
        (ag.grad, "grad: argument 'f' is missing; it takes f, argnums, has_aux"),
        (lambda: ag.hvp(ag.sin, 1.0), "hvp: argument 'v' is missing; it takes f, x, v"),
        (ag.vjp, "vjp: argument 'f' is missing; it takes f, *args, has_aux"),
        (
            lambda: ag.jacobian(ag.sin, argnum=0),
            "jacobian: no argument 'argnum'; did you mean 'argnums'?; it takes f, argnums, has_aux",
        ),
        (ag.tensor, "tensor: argument 'data' is missing; it takes data, requires_grad, dtype, name"),
        (lambda: ag.checkpoint(3), "checkpoint: f is not a function: expected a function of tensors, got int"),
    ],
)
def test_what_does_not_fit_is_one_sentence(call, text):
    with pytest.raises((ValueError, TypeError, IndexError)) as error:
        call()
    assert str(error.value) == text


def test_an_annotation_that_cannot_be_read_hides_no_other():
    @parsed
    def total(x: "nowhere.Array", axis: Axis = None) -> "nowhere.Array":  # noqa: F821  # that is the point
        return ag.sum(x, axis=axis)

    with pytest.raises(ArgumentError) as error:
        total(A, axis=1.0)
    assert str(error.value) == "total: axis is not understood: expected an int or a tuple of ints, got 1.0"


def test_an_error_of_the_users_function_keeps_its_words():
    def f(x):
        raise ValueError("sin: mine")

    with pytest.raises(ValueError, match=r"^sin: mine$"):
        ag.grad(f)(1.0)
    with pytest.raises(ValueError, match=r"^sin: mine$"):
        ag.vjp(f, 1.0)


@pytest.mark.parametrize(("v", "index"), [(np.ones((1, 3)), 0), (np.ones((1, 1, 3)), (slice(None),))])
def test_assigned_values_may_have_leading_axes_of_length_1(v, index):
    def f(v):
        t = ag.tensor(np.zeros((2, 3)))
        t[index] = v
        return ag.sum(t * A)

    assert ag.testing.gradcheck(f, [v])


def test_assigning_floats_to_integers_would_cut_them():
    t = ag.tensor([1, 2])
    with pytest.raises(OperandError) as error:
        t[0] = 2.5
    assert str(error.value) == (
        "set_at: x can't hold the values: expected values of the kind of int64, got float64; "
        "convert x with .astype first"
    )


def test_numpys_numbers_leave_float32_alone():
    x = np.ones(2, np.float32)
    assert ag.clip(x, np.float64(0.5), np.int64(2)).dtype == np.float32
    assert ag.pad(x, 1, constant_values=np.float64(2)).dtype == np.float32
