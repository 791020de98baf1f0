"""The tensor: its operators, its place among NumPy's functions, and assignment."""

import copy
import operator
import pickle
import weakref

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.engine.backward import gradients
from autograd_cnn.errors import GradientError, OperandError, ShapeError
from autograd_cnn.testing import check_vjp


def _leaf(values=(1.0, 2.0, 3.0), **options):
    return ag.tensor(values, requires_grad=True, **options)


def _positive(rng, *shape):
    return rng.uniform(0.5, 2.0, shape)


# --- making one -------------------------------------------------------------------------------


def test_a_tensor_copies_what_it_is_made_of():
    data = np.array([1.0, 2.0])
    x = ag.tensor(data)
    data[:] = 7
    np.testing.assert_array_equal(x.data, [1, 2])
    assert data.flags.writeable


@pytest.mark.parametrize(
    ("data", "dtype"),
    [(1.0, "float64"), ([1, 2], "int64"), (True, "bool"), (np.float32(1), "float32"), (np.ones(2, "f2"), "float16")],
)
def test_the_dtype_is_that_of_the_data(data, dtype):
    x = ag.tensor(data)
    assert x.dtype == dtype
    assert ag.tensor(data, dtype=np.float32).dtype == np.float32
    assert (x.shape, x.ndim, x.size) == (np.shape(data), np.ndim(data), np.size(data))


def test_a_tensor_of_a_tensor_has_its_values_and_no_history():
    y = ag.tensor((_leaf() * 2).detach())
    np.testing.assert_array_equal(y.data, [2, 4, 6])
    assert (y.requires_grad, y.is_leaf, y.grad, y.name) == (False, True, None, None)


def test_a_tensor_may_have_a_name():
    assert ag.tensor(1.0, name="w").name == "w"


@pytest.mark.parametrize(("data", "dtype"), [("hello", "<U5"), (None, "object"), (1j, "complex128")])
def test_only_numbers_make_tensors(data, dtype):
    with pytest.raises(OperandError) as err:
        ag.tensor(data)
    assert str(err.value) == f"tensor: data is not an array of numbers: expected ints, floats or bools, got {dtype}"


FLAG = "tensor: requires_grad is not a bool: expected True or False"
NAMED = "name the dtype, as in dtype=np.float32"
MASK = "is a masked array, which would lose its mask; fill it with .filled(value), and choose with ag.where"


@for_each(
    "make, text",
    [
        (lambda: ag.tensor([1.0], np.float32), f"{FLAG}, got <class 'numpy.float32'>; {NAMED}"),
        (lambda: ag.tensor([1.0], "float32"), f"{FLAG}, got 'float32'; {NAMED}"),
        (lambda: ag.tensor([1.0], 1), f"{FLAG}, got 1"),
        (lambda: ag.tensor([1.0]).requires_grad_(None), f"{FLAG}, got None"),
        (lambda: ag.tensor([1.0], dtype="float3"), "tensor: data type 'float3' not understood"),
        (lambda: ag.tensor(np.ma.array([1.0, 2.0], mask=[0, 1])), f"tensor: data {MASK}"),
        (lambda: ag.mean(np.ma.array([1.0, 2.0], mask=[0, 1])), f"mean: x {MASK}"),
    ],
)
def test_what_would_be_misread(make, text):
    with pytest.raises(OperandError) as err:
        make()
    assert str(err.value) == text


def test_rows_of_unequal_lengths():
    with pytest.raises(ShapeError, match=r"^tensor: setting an array element with a sequence[^\n]*shape"):
        ag.tensor([[1], [1, 2]])


@pytest.mark.parametrize(("data", "dtype"), [([1, 2], "int64"), (True, "bool")])
def test_integers_have_no_gradient(data, dtype):
    text = (
        f"requires_grad: only floats have gradients: expected float32 or float64, got {dtype}; "
        "convert with .astype(np.float32) first"
    )
    with pytest.raises(OperandError) as err:
        ag.tensor(data, requires_grad=True)
    assert str(err.value) == text
    x = ag.tensor(data)
    with pytest.raises(OperandError) as err:
        x.requires_grad = True
    assert str(err.value) == text
    assert not x.requires_grad


# --- operators --------------------------------------------------------------------------------

BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
UNARY = [operator.neg, operator.pos, operator.abs]


@pytest.mark.parametrize("op", BINARY)
def test_operators_agree_with_numpy_on_both_sides(op, rng):
    a, b = _positive(rng, 2, 3), _positive(rng, 3)
    for left, right in [(ag.tensor(a), ag.tensor(b)), (ag.tensor(a), b), (a, ag.tensor(b))]:
        y = op(left, right)
        assert type(y) is ag.Tensor
        np.testing.assert_array_equal(y.data, op(a, b))
    np.testing.assert_array_equal(op(ag.tensor(a), 2).data, op(a, 2))
    np.testing.assert_array_equal(op(2, ag.tensor(a)).data, op(2, a))
    np.testing.assert_array_equal(op(np.float64(2), ag.tensor(a)).data, op(2.0, a))


@pytest.mark.parametrize("op", BINARY)
def test_operators_have_gradients_on_both_sides(op, rng):
    a, b = _positive(rng, 2, 3), _positive(rng, 3)
    check_vjp(op, [a, b])
    check_vjp(lambda x: op(x, 1.5), [a])
    check_vjp(lambda x: op(1.5, x), [a])
    check_vjp(lambda x: op(b, x), [a])


def test_matrix_products_on_both_sides(rng):
    a, b = rng.standard_normal((2, 3)), rng.standard_normal((3, 4))
    for left, right in [(ag.tensor(a), ag.tensor(b)), (ag.tensor(a), b), (a, ag.tensor(b))]:
        np.testing.assert_allclose((left @ right).data, a @ b, rtol=1e-14)
    check_vjp(operator.matmul, [a, b])
    check_vjp(lambda x: a @ x, [b])


@pytest.mark.parametrize("op", UNARY)
def test_signs(op, rng):
    a = rng.standard_normal((2, 3))
    np.testing.assert_array_equal(op(ag.tensor(a)).data, op(a))
    check_vjp(op, [a])


@pytest.mark.parametrize("op", COMPARISONS)
def test_comparisons_are_elementwise_and_have_no_gradient(op):
    a, b = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0])
    for left, right in [(_leaf(a), _leaf(b)), (_leaf(a), b), (a, _leaf(b)), (_leaf(a), 2), (_leaf(a), [2, 2, 2])]:
        y = op(left, right)
        assert (type(y), y.dtype, y.requires_grad) == (ag.Tensor, bool, False)
        np.testing.assert_array_equal(y.data, op(a, b))
    np.testing.assert_array_equal(op(2.0, _leaf(a)).data, op(2.0, a))


@pytest.mark.parametrize("other", [None, "text"])
def test_a_tensor_equals_neither_none_nor_text(other):
    assert (_leaf() == other, _leaf() != other) == (False, True)


def test_tensors_are_told_apart_by_identity_in_sets_and_dicts():
    x, y = _leaf(), _leaf()
    assert len({x, y, x}) == 2
    assert {x: 1, y: 2}[y] == 2


@pytest.mark.parametrize("op", [operator.floordiv, operator.mod, operator.and_, operator.or_, operator.xor])
def test_operators_on_integers(op):
    a, b = np.array([7, 2, 1]), np.array([2, 3, 2])
    for left, right in [(ag.tensor(a), ag.tensor(b)), (ag.tensor(a), b), (ag.tensor(a), 2), (7, ag.tensor(b))]:
        y = op(left, right)
        assert (type(y), y.dtype) == (ag.Tensor, np.int64)
        np.testing.assert_array_equal(y.data, op(np.asarray(left), np.asarray(right)))
        with pytest.raises(ValueError, match="read-only"):
            y.value[0] = 7


def test_quotients_and_remainders(rng):
    a, b = rng.standard_normal((2, 3)), _positive(rng, 3)
    for left, right in [(_leaf(a), _leaf(b)), (_leaf(a), b), (a, _leaf(b)), (_leaf(a), 0.7), (0.7, _leaf(b))]:
        whole, rest = divmod(left, right)
        for y, op in (
            (whole, operator.floordiv),
            (left // right, operator.floordiv),
            (rest, operator.mod),
            (left % right, operator.mod),
        ):
            np.testing.assert_array_equal(y.data, op(*(getattr(x, "value", x) for x in (left, right))))
    assert not (_leaf(a) // b).requires_grad
    check_vjp(operator.mod, [a, b])


def test_masks_are_combined_as_numpys():
    x, a = _leaf(), np.array([True, False, True])
    mask = (x > 1) & ~(x > 2)
    assert (type(mask), mask.tolist()) == (ag.Tensor, [False, True, False])
    assert (mask | a).tolist() == [True, True, True]
    assert (a & mask).tolist() == [False, False, False]
    assert (~ag.tensor([1, 2])).tolist() == [-2, -3]
    x[mask].sum().backward()
    assert x.grad.tolist() == [0, 1, 0]


def test_what_is_no_array_is_refused_by_operators():
    with pytest.raises(OperandError) as err:
        _leaf() + "text"
    assert str(err.value) == "add: x2 is not an array: expected a tensor, an array or a number, got str"
    with pytest.raises(OperandError) as err:
        None * _leaf()
    assert str(err.value) == "multiply: x1 is not an array: expected a tensor, an array or a number, got NoneType"
    with pytest.raises(OperandError) as err:
        operator.eq(_leaf(), 1j)
    assert str(err.value) == "equal: x2 is not an array of numbers: expected ints, floats or bools, got complex"


def test_what_can_be_no_array_is_not_equal():
    x = _leaf()
    for other in (None, "text", object(), {1.0}):
        assert (x == other) is False
        assert (other != x) is True


def test_an_operand_that_asks_for_it_is_left_the_operator():
    """NumPy's protocol (NEP 13), by which `pytest.approx` compares itself."""

    class Other:
        __array_ufunc__ = None

        def answer(self, other):
            return f"with {other.shape}"

        __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rdivmod__ = __rpow__ = answer
        __rmatmul__ = __rand__ = __ror__ = __rxor__ = __rlshift__ = __rrshift__ = answer
        __lt__ = __le__ = __eq__ = __ne__ = __ge__ = __gt__ = answer
        __hash__ = None

    for apply in (
        operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, divmod, pow,
        operator.matmul, operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift,
        operator.lt, operator.le, operator.eq, operator.ne, operator.ge, operator.gt,
    ):  # fmt: skip
        assert apply(_leaf(), Other()) == "with (3,)"
    assert ag.tensor([0.1 + 0.2, 1.0]) == pytest.approx([0.3, 1.0])


# --- methods ----------------------------------------------------------------------------------


@for_each(
    "method",
    [
        lambda x: x.T,
        lambda x: x.sum(),
        lambda x: x.sum(axis=0, keepdims=True),
        lambda x: x.mean(axis=(0, 1)),
        lambda x: x.var(axis=1, ddof=1),
        lambda x: x.std(keepdims=True),
        lambda x: x.max(axis=1),
        lambda x: x.min(axis=-1, keepdims=True),
        lambda x: x.prod(axis=0),
        lambda x: x.cumsum(axis=1),
        lambda x: x.clip(0.6, 1.5),
        lambda x: x.clip(min=1.0),
        lambda x: x.reshape(3, 2),
        lambda x: x.reshape((3, -1)),
        lambda x: x.reshape(-1),
        lambda x: x.ravel(),
        lambda x: x.flatten(),
        lambda x: x.transpose(),
        lambda x: x.transpose(1, 0),
        lambda x: x.transpose((1, 0)),
        lambda x: x.swapaxes(0, 1),
        lambda x: x[None].squeeze(axis=0),
        lambda x: x[None, :, None].squeeze(),
        lambda x: x.repeat(2),
        lambda x: x.repeat([1, 2], axis=0),
        lambda x: x.take([0, 5, 0]),
        lambda x: x.take([1, 1], axis=1),
        lambda x: x.astype(np.float64),
    ],
)
def test_methods_are_numpys_and_have_gradients(method, rng):
    a = _positive(rng, 2, 3)
    np.testing.assert_allclose(method(ag.tensor(a)).data, method(a), rtol=1e-14)
    check_vjp(method, [a])


@pytest.mark.parametrize("method", [lambda x: x.argmax(), lambda x: x.argmin(axis=1), lambda x: x.argmax(axis=0)])
def test_positions_of_extrema(method, rng):
    a = rng.standard_normal((2, 3))
    np.testing.assert_array_equal(method(ag.tensor(a)).data, method(a))


def test_values_leave_the_tape():
    x = _leaf([[1.0, 2.0]])
    assert x.tolist() == [[1.0, 2.0]]
    assert type(x.sum().item()) is float
    assert type(ag.tensor(3).item()) is int
    assert (float(x.sum()), int(x.sum())) == (3.0, 3)
    np.testing.assert_array_equal(x.numpy(), [[1, 2]])
    constant = x.detach()
    np.testing.assert_array_equal(np.asarray(constant), [[1, 2]])
    assert np.asarray(constant, dtype=np.float32).dtype == np.float32
    assert np.array(constant).flags.writeable


@pytest.mark.parametrize("x", [_leaf(), _leaf(1.0), ag.tensor(np.True_), _leaf() * 2, _leaf().sum()])
def test_the_values_are_read_only(x):
    for array in (x.data, x.numpy()):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_a_detached_tensor_has_no_history():
    x = _leaf()
    y = (x * 2).detach()
    assert (y.requires_grad, y.is_leaf, y.node) == (False, True, None)
    (x * y).sum().backward()
    np.testing.assert_array_equal(x.grad.data, 2 * x.data)


def test_the_length_of_a_tensor_is_that_of_its_first_axis():
    assert len(ag.tensor(np.ones((4, 2)))) == 4
    with pytest.raises(TypeError):
        len(ag.tensor(1.0))


def test_iterating_gives_recorded_parts():
    x = _leaf([[1.0, 2.0], [3.0, 4.0]])
    a, b = x
    (a * 10 + b).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [[10, 10], [1, 1]])
    with pytest.raises(TypeError):
        list(ag.tensor(1.0))


def test_truth_is_that_of_a_single_number():
    assert bool(ag.tensor(2.0))
    assert not ag.tensor([0.0])
    with pytest.raises(ValueError, match="tensor: is not a single number"):
        bool(_leaf())
    assert 2.0 in _leaf()
    assert 5.0 not in _leaf()


@for_each(
    "x, text",
    [
        (ag.tensor(1.0), "tensor(1.)"),
        (ag.tensor(np.True_), "tensor(True)"),
        (ag.tensor([1, 2]), "tensor([1, 2])"),
        (ag.tensor([1.0, 2.5], dtype=np.float32), "tensor([1. , 2.5], dtype=float32)"),
        (_leaf([1.0]), "tensor([1.], requires_grad=True)"),
        (_leaf([1.0], dtype=np.float32), "tensor([1.], dtype=float32, requires_grad=True)"),
        (_leaf([1.0]) * 2, "tensor([2.], op=multiply)"),
        (ag.tensor([[1.0, 2.0], [3.0, 4.0]]), "tensor([[1., 2.],\n        [3., 4.]])"),
        (ag.tensor(np.arange(200)), "tensor([  0,   1,   2, ..., 197, 198, 199])"),
        (ag.tensor([]), "tensor([])"),
    ],
)
def test_the_text_of_a_tensor(x, text):
    assert repr(x) == text


# --- indexing ---------------------------------------------------------------------------------

INDICES = [
    1,
    -1,
    np.int64(1),
    slice(None),
    np.s_[::-2],
    np.s_[1:, ..., 0],
    np.s_[None, 0],
    ...,
    (),
    [0, 2, 0],
    np.array([[0, 1], [2, 2]]),
    np.s_[:, [1, 1, 0]],
    np.s_[[0, 1, 0], :, [3, 3, 3]],
    (np.array([0, 1]), np.array([1, 0])),
    np.array([True, False, True]),
    np.s_[0:0],
]


@for_each("index", INDICES)
def test_reading_at_an_index(index, rng):
    a = rng.standard_normal((3, 2, 4))
    y = ag.tensor(a)[index]
    np.testing.assert_array_equal(y.data, a[index])
    check_vjp(lambda x: x[index], [a])


def test_tensors_as_indices(rng):
    a = rng.standard_normal((3, 4))
    rows, columns = np.array([0, 2, 2]), np.array([1, 1, 1])
    x = _leaf(a)
    y = x[ag.tensor(rows), ag.tensor(columns)]
    np.testing.assert_array_equal(y.data, a[rows, columns])
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data[:, 1], [1, 0, 2])
    np.testing.assert_array_equal(x[x > 0].data, a[a > 0])
    np.testing.assert_array_equal(x[ag.tensor(1)].data, a[1])
    np.testing.assert_array_equal(x[ag.argmax(x[:, 0])].data, a[np.argmax(a[:, 0])])


# --- assignment -------------------------------------------------------------------------------


@for_each("index", INDICES)
def test_assigning_at_an_index(index, rng):
    a = rng.standard_normal((3, 2, 4))
    v = rng.standard_normal(a[index].shape)

    def assigned(x, v):
        y = x * 1.0
        y[index] = v
        return y

    expected = a.copy()
    expected[index] = v
    np.testing.assert_array_equal(assigned(ag.tensor(a), ag.tensor(v)).data, expected)
    check_vjp(assigned, [a, v])


def test_assignment_rebinds_and_changes_nothing_that_was_recorded():
    x = _leaf()
    y = x * 2.0
    before, z = y.value, y * y
    y[0] = 10.0
    y += x
    np.testing.assert_array_equal(before, [2, 4, 6])
    np.testing.assert_array_equal(y.data, [11, 6, 9])
    (z.sum() + y.sum()).backward()
    np.testing.assert_array_equal(x.grad.data, [8 * 1 + 1, 8 * 2 + 3, 8 * 3 + 3])


def test_other_names_of_a_tensor_see_the_assignment():
    y = _leaf() * 1.0
    alias = y
    alias -= 1.0
    alias[1:] *= 2.0
    assert alias is y
    np.testing.assert_array_equal(y.data, [0, 2, 4])


@pytest.mark.parametrize("op", [operator.iadd, operator.isub, operator.imul, operator.itruediv])
def test_augmented_assignment_has_gradients(op, rng):
    def assigned(x, w):
        y = x + 0.0
        y = op(y, w)
        return op(y, 2.0)

    a, b = _positive(rng, 2, 3), _positive(rng, 3)
    expected = a.copy()
    expected = op(op(expected, b), 2.0)
    np.testing.assert_array_equal(assigned(ag.tensor(a), ag.tensor(b)).data, expected)
    check_vjp(assigned, [a, b])


def test_a_constant_becomes_recorded_when_it_is_assigned_something_recorded():
    x, buffer = _leaf(), ag.tensor(np.zeros((2, 3)))
    assert buffer.is_leaf
    buffer[1] = x
    assert not buffer.is_leaf
    (buffer * 3.0).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [3, 3, 3])
    assert buffer.grad is None


def test_a_leaf_cannot_be_assigned_to_while_it_is_recorded():
    x = _leaf()
    text = (
        "assignment: a leaf that requires a gradient can't be assigned to while it is recorded; "
        "do it under no_grad(), or on a result computed from the leaf"
    )
    with pytest.raises(GradientError) as err:
        x += 1.0
    assert str(err.value) == text
    with pytest.raises(GradientError) as err:
        x[0] = 1.0
    assert str(err.value) == text
    np.testing.assert_array_equal(x.data, [1, 2, 3])


def test_a_leaf_keeps_its_place_when_it_is_assigned_to_under_no_grad():
    x = _leaf()
    (x * x).sum().backward()
    node, grad = x.node, x.grad
    with ag.no_grad():
        x -= 0.5 * x.grad
        x[0] = 7.0
    assert x.node is node
    assert x.grad is grad
    np.testing.assert_array_equal(x.data, [7, 0, 0])
    x.grad = None
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [14, 0, 0])


def test_assignment_keeps_the_shape():
    y = ag.tensor([1.0])
    with pytest.raises(ShapeError) as err:
        y += np.ones(3)
    assert str(err.value) == "assignment: the shape would change: expected (1,), got (3,)"
    assert y.tolist() == [1.0]


def test_assignment_keeps_the_dtype():
    x = _leaf(dtype=np.float32)
    y = x * 1.0
    y += np.ones(3)
    assert y.dtype == np.float32
    y.sum().backward()
    assert x.grad.dtype == np.float32
    i = ag.tensor([1, 2])
    i += 2
    assert (i.tolist(), i.dtype) == ([3, 4], np.int64)
    with pytest.raises(OperandError) as err:
        i += 0.5
    assert str(err.value) == "assignment: the dtype would change: expected int64, got float64"
    assert i.tolist() == [3, 4]


# --- data and requires_grad -------------------------------------------------------------------


def test_new_data_leaves_the_recorded_past_alone():
    w, x = _leaf(), _leaf()
    y = (w * x).sum()
    w.data = w.data * 10
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [1, 2, 3])
    np.testing.assert_array_equal(w.grad.data, [1, 2, 3])
    np.testing.assert_array_equal(w.data, [10, 20, 30])


@pytest.mark.parametrize("values", [np.array([4.0, 5.0, 6.0]), [4.0, 5.0, 6.0], ag.tensor([4.0, 5.0, 6.0])])
def test_data_takes_what_a_tensor_is_made_of_and_copies_it(values):
    x = _leaf()
    node = x.node
    x.data = values
    if isinstance(values, np.ndarray):
        values[:] = 0
    assert x.tolist() == [4, 5, 6]
    assert x.node is node


def test_the_manual_update_of_every_course():
    p = _leaf(dtype=np.float32)
    node = p.node
    y = (p * p).sum()
    y.backward(retain_graph=True)
    p.data -= 0.5 * p.grad.data
    p.data += np.ones(3)  # float64, and float32 stays
    assert (p.tolist(), p.dtype, p.node) == ([1, 1, 1], np.float32, node)
    p.grad = None
    y.backward()
    np.testing.assert_array_equal(p.grad.data, [2, 4, 6])  # what was recorded is as it was


@for_each(
    "op, expected",
    [
        (operator.iadd, [3, 4, 5]), (operator.isub, [-1, 0, 1]), (operator.imul, [2, 4, 6]),
        (operator.itruediv, [0.5, 1, 1.5]), (operator.ifloordiv, [0, 1, 1]), (operator.imod, [1, 0, 1]),
        (operator.ipow, [1, 4, 9]),
    ],
)  # fmt: skip
def test_data_under_another_name_moves_the_tensor_on(op, expected):
    p = _leaf()
    d = p.data
    before = d.view(np.ndarray)
    d = op(d, ag.tensor(2.0))
    np.testing.assert_array_equal(p.data, expected)
    np.testing.assert_array_equal(d, expected)
    np.testing.assert_array_equal(before, [1, 2, 3])


def test_data_of_one_tensor_are_given_to_another():
    p, q = _leaf(), _leaf([4.0, 5.0, 6.0])
    before = p.data
    p.data = q.data
    q.data -= 1.0
    assert (p.tolist(), q.tolist()) == ([4, 5, 6], [3, 4, 5])
    p.data = before
    assert p.tolist() == [1, 2, 3]
    p.data = q.data[:2]
    assert p.tolist() == [3, 4]


def test_data_are_updated_as_arrays_are_or_not_at_all():
    p = _leaf()
    with pytest.raises(ValueError, match="broadcast"):
        p.data -= np.ones(4)
    i = ag.tensor([1, 2])
    with pytest.raises(TypeError, match="same_kind"):
        i.data += 0.5
    y = _leaf() * 2.0
    with pytest.raises(GradientError) as err:
        y.data *= 2.0
    assert str(err.value) == "data: the values of a recorded result are fixed; use detach() first"
    assert (p.tolist(), i.tolist(), y.tolist()) == ([1, 2, 3], [1, 2], [2, 4, 6])


@pytest.mark.parametrize(
    "write", [lambda d: operator.setitem(d, 0, 7.0), lambda d: operator.setitem(d, ..., 7.0), lambda d: d.fill(7.0)]
)
def test_writing_into_data_names_the_way(write):
    p = _leaf()
    with pytest.raises(GradientError) as err:
        write(p.data)
    assert str(err.value) == (
        "data: the array is read-only; write t[index] = values, for a leaf under no_grad(), or t.data = values"
    )
    assert p.tolist() == [1, 2, 3]


@for_each(
    "part", [lambda d: d + 0, lambda d: d[1:], lambda d: np.add(d, d), copy.deepcopy, copy.copy,
             lambda d: pickle.loads(pickle.dumps(d)), abs]  # noqa: S301  # our own
)  # fmt: skip
def test_what_is_made_of_data_is_an_ordinary_array(part):
    assert type(part(_leaf().data)) is np.ndarray


def test_data_keep_neither_their_tensor_nor_its_graph():
    y = _leaf() * 2.0
    alive, d = weakref.ref(y), y.data
    del y
    assert alive() is None
    assert repr(d) == "array([2., 4., 6.])"
    with pytest.raises(ValueError, match="read-only"):
        d += 1.0


def test_data_of_another_shape_or_dtype_makes_a_new_leaf():
    x = _leaf()
    y = (x * 2.0).sum()
    x.data = np.ones((2, 2), np.float32)
    assert (x.requires_grad, x.shape, x.dtype) == (True, (2, 2), np.float32)
    y.backward()
    assert x.grad is None  # that gradient was of what is gone
    x.sum().backward()
    np.testing.assert_array_equal(x.grad.data, np.ones((2, 2)))


def test_data_that_cannot_be_taken_changes_nothing():
    x = _leaf()
    node = x.node
    with pytest.raises(OperandError) as err:
        x.data = [1, 2, 3]
    assert str(err.value) == (
        "data: only floats have gradients: expected float32 or float64, got int64; "
        "convert with .astype(np.float32) first"
    )
    with pytest.raises(OperandError) as err:
        x.data = "hello"
    assert str(err.value) == "tensor: data is not an array of numbers: expected ints, floats or bools, got <U5"
    assert (x.tolist(), x.dtype, x.node) == ([1, 2, 3], np.float64, node)


def test_the_data_of_a_result_are_fixed():
    y = _leaf() * 2
    with pytest.raises(GradientError) as err:
        y.data = [1.0, 2.0, 3.0]
    assert str(err.value) == "data: the values of a recorded result are fixed; use detach() first"


def test_requires_grad_can_be_set_on_a_leaf():
    x = ag.tensor([1.0, 2.0])
    x.requires_grad = True
    y = (x * x).sum()
    node = x.node
    x.requires_grad = True
    assert x.node is node
    x.requires_grad = False
    assert not (x * x).requires_grad
    y.backward()
    assert x.grad is None  # it no longer asks for one
    with pytest.raises(GradientError) as err:
        y.requires_grad = False
    assert str(err.value) == "requires_grad: only a leaf can change it; use detach() for a result without history"


# --- backward ---------------------------------------------------------------------------------


def test_gradients_add_up_over_backward_passes():
    x = _leaf()
    (x * 2.0).sum().backward()
    first = x.grad
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad.data, 2 + 2 * x.data)
    np.testing.assert_array_equal(first.data, [2, 2, 2])


def test_there_is_no_gradient_where_nothing_was_computed():
    x, unused = _leaf(), _leaf()
    unused * x  # recorded, and not part of what follows
    y = x.sum()
    assert (x.grad, unused.grad) == (None, None)
    y.backward()
    assert isinstance(x.grad, ag.Tensor)
    assert unused.grad is None
    assert y.grad is None


def test_a_gradient_is_a_read_only_constant():
    x = _leaf()
    (x * x).sum().backward()
    assert (x.grad.requires_grad, x.grad.is_leaf) == (False, True)
    with pytest.raises(ValueError, match="read-only"):
        x.grad.data[0] = 0


@pytest.mark.parametrize("gradient", [[1.0, 0.0, 2.0], np.array([1.0, 0.0, 2.0]), ag.tensor([1.0, 0.0, 2.0])])
def test_backward_takes_a_cotangent(gradient):
    x = _leaf()
    (x * x).backward(gradient)
    np.testing.assert_array_equal(x.grad.data, [2, 0, 12])


def test_backward_on_a_leaf_gives_the_cotangent():
    x = _leaf()
    x.backward([1.0, 2.0, 3.0])
    x.backward([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(x.grad.data, [2, 4, 6])


def test_backward_where_it_makes_no_sense():
    x = _leaf()
    with pytest.raises(GradientError) as err:
        (x * 2).backward()
    assert str(err.value) == (
        "backward: the output is not a scalar: expected one number, got shape (3,); "
        "reduce it with .sum() or .mean(), or pass a cotangent of its shape"
    )
    with pytest.raises(ShapeError) as err:
        (x * 2).backward(np.ones((1, 3)))
    assert str(err.value) == "backward: the cotangent has the wrong shape: expected the output's (3,), got (1, 3)"
    with pytest.raises(GradientError) as err:
        x.detach().sum().backward()
    assert str(err.value) == (
        "backward: nothing was recorded for this output; "
        "make an input with requires_grad=True, and compute outside of no_grad()"
    )
    y = (x * x).sum()
    y.backward()
    grad = x.grad
    with pytest.raises(GradientError) as err:
        y.backward()
    assert str(err.value) == (
        "sum: the graph has been freed by an earlier backward pass; pass retain_graph=True to that one"
    )
    assert x.grad is grad


@pytest.mark.parametrize("values", [np.ones(3), [1, 1, 1], ag.tensor([1.0, 1.0, 1.0])])
def test_a_gradient_can_be_set(values):
    x = _leaf(dtype=np.float32)
    x.grad = values
    assert (type(x.grad), x.grad.dtype, x.grad.tolist()) == (ag.Tensor, np.float32, [1, 1, 1])
    if isinstance(values, np.ndarray):
        values[:] = 7
    x.sum().backward()
    assert x.grad.tolist() == [2, 2, 2]
    x.grad *= 0.5
    assert x.grad.tolist() == [1, 1, 1]


@pytest.mark.parametrize(("values", "shape"), [(np.ones(2), (2,)), (0, ())])
def test_a_gradient_of_another_shape(values, shape):
    x = _leaf()
    with pytest.raises(ShapeError) as err:
        x.grad = values
    assert str(err.value) == (
        f"grad: the shape is not the tensor's: expected (3,), got {shape}; set it to None to clear it"
    )
    assert x.grad is None


def test_a_gradient_that_is_no_array():
    x = _leaf()
    with pytest.raises(OperandError) as err:
        x.grad = "zero"
    assert str(err.value) == "tensor: data is not an array of numbers: expected ints, floats or bools, got <U4"


def test_a_gradient_that_cannot_be_added_leaves_the_others_alone():
    x, w = _leaf(), _leaf()
    x.grad, w.grad = ag.tensor(np.ones(3)), ag.tensor(np.ones(3))
    before = x.grad
    w.grad.value = np.ones(2)  # by foul means
    with pytest.raises(ValueError, match="broadcast"):
        (x * w).sum().backward()
    assert x.grad is before


def test_backward_of_backward():
    x = _leaf()
    (x**3).sum().backward(create_graph=True)
    g = x.grad
    np.testing.assert_array_equal(gradients(g.sum(), [x])[0], 6 * x.data)


def test_intermediate_gradients_are_kept_on_demand():
    x = _leaf()
    a = x * 2.0
    b = a * a
    a.retain_grad()
    a.retain_grad()  # twice is once
    b.sum().backward(retain_graph=True)
    np.testing.assert_array_equal(a.grad.data, 2 * a.data)
    assert b.grad is None
    b.sum().backward()
    np.testing.assert_array_equal(a.grad.data, 4 * a.data)


def test_a_kept_gradient_is_what_flows_on_after_the_hooks():
    x = _leaf()
    a = x * 2.0
    a.retain_grad()
    a.register_hook(lambda g: g * 10)
    a.sum().backward()
    np.testing.assert_array_equal(a.grad.data, [10, 10, 10])
    with pytest.raises(ValueError, match="read-only"):
        a.grad.data[0] = 0


def test_gradients_of_a_kept_result_are_not_touched_by_the_pure_function():
    x = _leaf()
    a = x * 2.0
    a.retain_grad()
    gradients((a * a).sum(), [x])
    assert a.grad is None


def test_a_kept_gradient_moves_on_with_its_tensor():
    x = _leaf()
    a = x * 1.0
    a.retain_grad()
    a *= 2.0
    a[0] = 5.0
    (a * a).sum().backward()
    np.testing.assert_array_equal(a.grad.data, 2 * a.data)


def test_a_handle_takes_off_its_own_hook():
    class Same:
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, g):
            return g * self.factor

        def __eq__(self, other):
            return True

        __hash__ = None

    x = _leaf()
    first, second = x.register_hook(Same(2.0)), x.register_hook(Same(3.0))
    second.remove()
    second.remove()
    x.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [2, 2, 2])
    first.remove()
    x.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [3, 3, 3])


def test_retaining_on_a_leaf_or_a_constant_changes_nothing():
    x, c = _leaf(), ag.tensor(1.0)
    x.retain_grad()
    c.retain_grad()
    (x * c).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [1, 1, 1])
    assert c.grad is None


@for_each("leave", [float, int, round, "{:.2f}".format, ag.Tensor.item])
@for_each("length", [0, 3])
def test_many_numbers_are_no_number(leave, length):
    with pytest.raises(
        ShapeError, match=rf"tensor: is not a single number: expected one element, got shape \({length},"
    ):
        leave(ag.tensor(np.ones(length)))


@pytest.mark.parametrize("shape", [(2, 3), (2,)])
def test_data_keeps_its_shape_in_place(shape):
    t = ag.tensor([1, 2, 3])
    with pytest.raises(ShapeError, match=r"data: .*; data is int64 of shape \(3,\)"):
        t.data += np.ones(shape, int)


@pytest.mark.parametrize("update", [lambda d: d.__itruediv__(2), lambda d: d.__iadd__(1.5)])
def test_data_keeps_its_dtype_in_place(update):
    t = ag.tensor([1, 2, 3])
    with pytest.raises(OperandError, match="data: cannot cast ufunc"):
        update(t.data)
    assert t.tolist() == [1, 2, 3]


def test_data_of_integers_takes_their_operators_in_place():
    t = ag.tensor([1, 2, 3])
    t.data <<= 1
    t.data |= 1
    t.data &= 7
    t.data ^= 2
    t.data >>= 1
    assert t.tolist() == [0, 3, 2]


@pytest.mark.parametrize("shape", [(3,), (2,), ()])
def test_a_shape_to_expand_to_has_all_axes(shape):
    with pytest.raises(ShapeError, match="expand: the shape has too few axes: expected at least 2, got"):
        ag.tensor(np.ones((1, 2))).expand(shape)


def test_shapes_as_arrays_and_lists_give_them():
    t = ag.tensor(np.ones((1, 2)))
    assert t.expand(np.array([3, -1])).shape == (3, 2)
    assert t.view_as([1, 2]).shape == (2,)
    assert t.expand_as([[1, 2], [3, 4]]).shape == (2, 2)


def test_bits_of_floats_are_refused():
    with pytest.raises(OperandError, match="bitwise_and: ufunc 'bitwise_and' not supported"):
        ag.tensor([5.0]) & ag.tensor([3])
