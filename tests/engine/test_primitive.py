"""Primitives: how they are registered, called and recorded."""

import copy
import functools
import inspect
import pickle

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.engine.backward import gradients
from autograd_cnn.engine.primitive import REGISTRY, Primitive
from autograd_cnn.errors import GradientError, OperandError, RegistrationError
from autograd_cnn.parameters import Count


def _leaf(values=(1.0, 2.0, 3.0), **options):
    return ag.tensor(values, requires_grad=True, **options)


@ag.primitive
def scaled(x, w, bias=None, *, factor=2.0, offset=0.0):
    """``factor · x · w + offset``, plus a bias."""
    y = factor * x * w + offset
    return y if bias is None else y + bias


@scaled.vjp("x")
def scaled_vjp_x(g, *, w, factor):
    return g * w * factor


@scaled.vjp("w")
def scaled_vjp_w(g, *, x, **rest):
    return g * x * rest["factor"]


@scaled.vjp("bias")
def scaled_vjp_bias(g, *, bias_shape, y):
    return g


@ag.primitive
def raised(x, exponent: Count = 2):
    return x**exponent


@ag.primitive(residuals=("order", "count"))
def ordered(x):
    order = np.argsort(x)
    return x[order], order, len(order)


@ordered.vjp("x")
def ordered_vjp_x(g, *, order, count):
    return ag.scatter_add(g, index=order, shape=(count,))


@ag.primitive
def total(*parts, power=1):
    return sum(p**power for p in parts)


@total.vjp("parts")
def total_vjp_parts(g, *, index, parts, power):
    return g * power * parts[index] ** (power - 1)


@ag.primitive
def joined(*parts):
    return np.concatenate(parts)


@joined.vjp("parts")
def joined_vjp_parts(g, *, index, parts_shape):
    start = sum(shape[0] for shape in parts_shape[:index])
    return g[start : start + parts_shape[index][0]]


# --- registration -----------------------------------------------------------------------------


def _registering(function, **options):
    with pytest.raises(RegistrationError) as err:
        ag.primitive(**options)(function)
    return str(err.value)


def test_an_argument_cannot_be_called_as_the_output_is():
    assert _registering(lambda x, y: x) == "<lambda>: an argument is called 'y'; y is the output"
    assert _registering(lambda x, *, y: x) == "<lambda>: an argument is called 'y'; y is the output"


@pytest.mark.parametrize(
    ("function", "residuals", "twice"),
    [
        (lambda x, x_shape: x, (), "x_shape"),
        (lambda x, *, x_shape: x, (), "x_shape"),
        (lambda *xs, index: xs, (), "index"),
        (lambda *index: index, (), "index"),
        (lambda x: x, ("x",), "x"),
        (lambda x: x, ("y",), "y"),
        (lambda x, *, mask: x, ("mask",), "mask"),
    ],
)
def test_what_a_rule_asks_for_has_one_meaning(function, residuals, twice):
    refused = f"<lambda>: its rules could not tell two {twice!r} apart; rename one of them"
    assert _registering(function, residuals=residuals) == refused


def _parameter_first(exponent: Count, x):
    return x**exponent


@pytest.mark.parametrize(
    ("function", "signature"),
    [
        (lambda x, eps=1e-3: x, "(x, eps=0.001)"),
        (lambda x, eps=[]: x, "(x, eps=[])"),  # a default that has no hash
        (lambda x, *rest: x, "(x, *rest)"),
        (lambda x, **options: x, "(x, **options)"),
        (lambda *xs, **options: xs, "(*xs, **options)"),
        (_parameter_first, "(exponent: int, x)"),
    ],
)
def test_arguments_that_the_tape_could_not_tell_apart(function, signature):
    assert _registering(function) == (
        f"{function.__name__.lstrip('_')}: its arguments are not understood: expected arrays without defaults but None, "
        f"or one *arrays; then parameters after a star, got {signature}"
    )


def _refused(primitive, operand, rule):
    with pytest.raises(RegistrationError) as err:
        primitive.vjp(operand)(rule)
    return str(err.value)


def test_a_rule_for_an_operand_that_is_not_there():
    text = "scaled.vjp: no operand 'v'; it has x, w, bias"
    assert _refused(scaled, "v", lambda g: g) == text
    assert _refused(scaled, "factor", lambda g: g) == text.replace("'v'", "'factor'")


@ag.primitive
def weighed(x, z):
    return x * z


@weighed.vjp("x")
def weighed_vjp_x(g, *, z, y, x, x_shape):
    assert x_shape == x.shape
    return g * (y + z - x * z)


def test_a_rule_gets_what_it_names():
    x = _leaf()
    weighed(x, np.array([4.0, 5.0, 6.0])).sum().backward()
    assert x.grad.tolist() == [4.0, 5.0, 6.0]


@ag.primitive
def lengthened(g, x_shape, saved, *, rule, position=0):
    """Its arguments are called as are those of the code that calls its rules."""
    return g * x_shape * saved * rule


@lengthened.vjp("x_shape")
def lengthened_vjp_x_shape(cotangent, *, g, saved, x_shape_shape, rule, position):
    assert x_shape_shape == saved.shape
    return cotangent * g * saved * rule


def test_any_names_do_for_arguments():
    x = _leaf()
    lengthened(2.0, x, np.full(3, 3.0), rule=4.0).sum().backward()
    assert x.grad.tolist() == [24.0, 24.0, 24.0]


@ag.primitive
def twice(x):
    return 2 * x


@twice.vjp("x")
def twice_vjp_x(g):
    return 2.0


def test_a_rule_may_return_a_number_which_gets_the_dtype_of_its_operand():
    x = _leaf(1.0, dtype=np.float32)
    twice(x).backward()
    assert (x.grad.item(), x.grad.dtype) == (2.0, np.float32)
    with pytest.raises(
        ag.errors.ShapeError, match=r"^twice_vjp_x: a cotangent has the wrong shape: expected \(3,\) .*, got \(\)\n"
    ):
        twice(_leaf()).sum().backward()


def test_a_second_rule_for_an_operand():
    assert _refused(scaled, "x", lambda g: g) == "scaled.vjp: has a rule for 'x' already"
    assert scaled.rules["x"].function is scaled_vjp_x


def test_a_rule_for_a_constant():
    @ag.primitive(constant=True)
    def stepped(x):
        return np.floor(x)

    assert _refused(stepped, "x", lambda g: g) == "stepped.vjp: is declared constant"


def test_a_rule_that_asks_for_what_is_not_there():
    @ag.primitive(residuals=("winners",))
    def picked(x, w, *, axis=0):
        return x, w

    def picked_vjp_x(g, *, winner):
        return g

    savable = "it can save x, w, x_shape, w_shape, y, winners, axis"
    assert _refused(picked, "x", picked_vjp_x) == (
        f"picked_vjp_x: asks for 'winner', which picked does not have; {savable}"
    )
    assert picked.rules == {}


@pytest.mark.parametrize(
    ("rule", "signature"),
    [
        (lambda g, x: g, "(g, x)"),
        (lambda *, x: x, "(*, x)"),
        (lambda *g: g, "(*g)"),
        (lambda **rest: rest, "(**rest)"),
    ],
)
def test_a_rule_takes_the_cotangent_alone_by_position(rule, signature):
    @ag.primitive
    def kept(x):
        return x + 0

    assert _refused(kept, "x", rule) == (
        f"<lambda>: is not a rule for kept: expected the cotangent alone by position, as in (g, *, x), got {signature}"
    )


def test_registration_returns_the_rule_and_lists_the_primitive():
    assert scaled_vjp_x(2.0, w=3.0, factor=5.0) == 30.0
    assert list(scaled.rules) == ["x", "w", "bias"]
    assert REGISTRY[f"{__name__}.scaled"] is scaled


# --- what a primitive says about itself -------------------------------------------------------


def test_a_primitive_has_the_name_docstring_and_signature_of_its_function():
    assert scaled.__name__ == scaled.name == "scaled"
    assert scaled.__doc__ == "``factor · x · w + offset``, plus a bias."
    assert scaled.__module__ == __name__
    assert inspect.unwrap(scaled) is scaled.forward
    assert str(inspect.signature(scaled)) == "(x, w, bias=None, *, factor=2.0, offset=0.0)"
    assert str(inspect.signature(total)) == "(*parts, power=1)"
    assert (scaled.operands, scaled.parameters) == (("x", "w", "bias"), {"factor": 2.0, "offset": 0.0})
    assert (raised.operands, raised.parameters) == (("x",), {"exponent": 2})
    assert (total.variadic, scaled.variadic) == (True, False)


def test_the_text_of_a_primitive():
    assert repr(scaled) == "<primitive scaled(x, w, bias=None, *, factor=2.0, offset=0.0)>"
    assert repr(total) == "<primitive total(*parts, power=1)>"


# --- what is saved ----------------------------------------------------------------------------


def test_the_tape_saves_what_the_wanted_rules_name_and_nothing_else():
    x, w, b = _leaf(), _leaf(), _leaf()
    assert set(scaled(x, w.data).node.saved) == {"w", "factor"}
    assert set(scaled(x.data, w).node.saved) == {"x", "factor", "offset"}
    assert set(scaled(x.data, w.data, b).node.saved) == {"bias_shape", "y"}
    assert set(scaled(x, w, b).node.saved) == {"w", "x", "factor", "offset", "bias_shape", "y"}
    assert set(ordered(x).node.saved) == {"order", "count"}
    assert set(total(x, w).node.saved) == {"parts", "power"}
    assert (x + w).node.saved == {}


def test_saved_values_are_those_of_the_call():
    x, w, b = _leaf(), _leaf([2.0]), _leaf()
    y = scaled(x, w, b, factor=3.0)
    saved = y.node.saved
    assert saved["w"] is w.value
    assert saved["y"] is y.value
    assert (saved["factor"], saved["offset"], saved["bias_shape"]) == (3.0, 0.0, (3,))
    assert joined(x, w).node.saved == {"parts_shape": ((3,), (1,))}


def test_nothing_is_saved_where_nothing_is_recorded():
    constant = scaled(ag.tensor([1.0]), 2.0)
    assert constant.node is None
    with ag.no_grad():
        assert scaled(_leaf(), 2.0).node is None


def test_a_node_has_one_parent_for_each_operand():
    x, w = _leaf(), _leaf()
    assert scaled(x, w).node.parents == (x.node, w.node, None)
    assert scaled(2.0, w).node.parents == (None, w.node, None)
    assert total(x, 1.0, x).node.parents == (x.node, None, x.node)


# --- gradients --------------------------------------------------------------------------------


def test_rules_get_parameters_by_name_or_by_the_rest():
    x, w, b = _leaf(), _leaf([2.0, 3.0, 4.0]), _leaf()
    scaled(x, w, b, factor=5.0).sum().backward()
    np.testing.assert_array_equal(x.grad.data, 5 * w.data)
    np.testing.assert_array_equal(w.grad.data, 5 * x.data)
    np.testing.assert_array_equal(b.grad.data, [1, 1, 1])


def test_residuals_reach_the_rule_and_not_the_caller():
    x = _leaf([3.0, 1.0, 2.0])
    y = ordered(x)
    np.testing.assert_array_equal(y.data, [1, 2, 3])
    (y * np.array([10.0, 20.0, 30.0])).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [30, 10, 20])
    np.testing.assert_array_equal(ordered(np.array([3.0, 1.0])), [1, 3])


def test_a_variadic_rule_knows_which_array_it_is_for():
    x, w = _leaf(), _leaf([4.0, 5.0, 6.0])
    total(x, np.ones(3), w, x, power=3).sum().backward()
    np.testing.assert_array_equal(x.grad.data, 2 * 3 * x.data**2)
    np.testing.assert_array_equal(w.grad.data, 3 * w.data**2)
    a, b = _leaf([1.0, 2.0]), _leaf()
    (joined(a, np.ones(1), b) * np.arange(6.0)).sum().backward()
    np.testing.assert_array_equal(a.grad.data, [0, 1])
    np.testing.assert_array_equal(b.grad.data, [3, 4, 5])


def test_all_of_them_can_be_differentiated_twice(rng):
    x, w = rng.standard_normal(3), rng.standard_normal(3)
    assert ag.testing.gradcheck(lambda x, w: scaled(x, w, x * w), [x, w], order=2)
    assert ag.testing.gradcheck(lambda x: ordered(x) ** 3, [x], order=2)
    assert ag.testing.gradcheck(lambda x, w: total(x, w, x, power=3), [x, w], order=2)
    assert ag.testing.gradcheck(lambda x, w: joined(x, w, x) ** 3, [x, w], order=2)


def test_an_operand_without_a_rule_is_named_when_it_is_recorded():
    @ag.primitive
    def ruled(x, w):
        return x * w

    @ruled.vjp("x")
    def ruled_vjp_x(g, *, w):
        return g * w

    assert ruled(_leaf(), 2.0).requires_grad
    with pytest.raises(GradientError) as err:
        ruled(1.0, _leaf())
    assert (
        str(err.value) == "ruled: no rule for a gradient with respect to 'w'; pass it detached, or define a rule for it"
    )


def test_a_variadic_primitive_without_a_rule():
    @ag.primitive
    def unruled(*xs):
        return xs[0] + xs[1]

    with pytest.raises(GradientError) as err:
        unruled(1.0, _leaf())
    assert (
        str(err.value)
        == "unruled: no rule for a gradient with respect to 'xs'; pass it detached, or define a rule for it"
    )


def test_a_condition_has_no_gradient():
    with pytest.raises(GradientError) as err:
        ag.where(_leaf(), 1.0, 2.0)
    assert (
        str(err.value)
        == "where: no rule for a gradient with respect to 'condition'; pass it detached, or define a rule for it"
    )


# --- calling ----------------------------------------------------------------------------------


def test_parameters_may_follow_by_position():
    x = _leaf([[1.0, 2.0], [3.0, 5.0]])
    np.testing.assert_array_equal(ag.var(x, 1, 1).data, [0.5, 2.0])
    assert ag.sum(x, 1).shape == ag.sum(x, axis=1).shape == (2,)
    assert raised(x.data, 3).shape == raised(x.data, exponent=3).shape == (2, 2)


def test_parameters_after_the_star_are_named():
    with pytest.raises(OperandError) as err:
        scaled(1.0, 2.0, None, 3.0, 4.0)
    assert str(err.value) == "scaled: too many arguments; it takes x, w, bias, *, factor, offset"
    assert scaled(1.0, 2.0, factor=3.0, offset=4.0) == 10.0


def test_operands_may_be_named():
    x, w, b = _leaf(), _leaf(), _leaf()
    y = scaled(w=w, x=x, bias=b)
    assert y.node.parents == (x.node, w.node, b.node)
    assert scaled(x, bias=b, w=2.0).node.parents == (x.node, None, b.node)


def _called(*args, **params):
    with pytest.raises(OperandError) as err:
        scaled(*args, **params)
    return str(err.value)


def test_a_missing_operand():
    takes = "it takes x, w, bias, *, factor, offset"
    assert _called(1.0) == f"scaled: argument 'w' is missing; {takes}"
    assert _called(w=1.0) == f"scaled: argument 'x' is missing; {takes}"


def test_a_parameter_without_a_default_is_missing_from_a_users_primitive():
    @ag.primitive
    def shifted(x, *, by):
        return x + by

    with pytest.raises(OperandError) as err:
        shifted(ag.tensor(1.0))
    assert str(err.value) == "shifted: argument 'by' is missing; it takes x, *, by"


def test_too_many_arguments():
    text = "scaled: too many arguments; it takes x, w, bias, *, factor, offset"
    assert _called(1, 2, 3, 4, 5, 6) == text
    assert _called(1, 2, 3, 4, factor=4) == text
    assert _called(1, 2, w=4) == text
    assert _called(1, 2, x=_leaf()) == text


def test_an_unknown_argument():
    text = "scaled: no argument 'scale'; it takes x, w, bias, *, factor, offset"
    assert _called(1, 2, scale=4) == text
    with pytest.raises(OperandError) as err:
        total(1.0, scale=2)
    assert str(err.value) == "total: no argument 'scale'; it takes *parts, power"


def test_a_tensor_as_a_parameter():
    text = "scaled: parameter 'factor' has no gradient: expected a plain value, got a Tensor; pass it detached"
    assert _called(1, 2, factor=_leaf()) == text
    with pytest.raises(OperandError) as err:
        raised(1.0, _leaf())
    assert str(err.value) == text.replace("scaled", "raised").replace("factor", "exponent")
    assert scaled(1.0, 2.0, factor=ag.tensor(3.0)) == 6.0


@pytest.mark.parametrize(
    ("operand", "kind"), [(None, "NoneType"), ("3", "str"), (object(), "object"), ({1: 2}, "dict")]
)
def test_what_is_no_array(operand, kind):
    text = f"expected a tensor, an array or a number, got {kind}"
    assert _called(operand, 2.0) == f"scaled: x is not an array: {text}"
    assert _called(_leaf(), operand) == f"scaled: w is not an array: {text}"
    with pytest.raises(OperandError) as err:
        total(1.0, operand)
    assert str(err.value) == f"total: parts is not an array: {text}"


@pytest.mark.parametrize("strings", [["a", "b"], [None]])
def test_a_list_without_numbers(strings):
    assert _called(strings, 1.0) == "scaled: x is not an array: expected a tensor, an array or a number, got list"


@pytest.mark.parametrize("dtype", ["complex128", "object"])
def test_an_array_of_other_things_than_real_numbers(dtype):
    expected = f"scaled: w is not an array of numbers: expected ints, floats or bools, got {dtype}"
    assert _called(_leaf(), np.ones(3, dtype)) == expected


def test_a_list_of_tensors_would_lose_its_gradients():
    text = "scaled: x is a {} of tensors; join them with ag.stack first"
    assert _called([_leaf(), _leaf()], 1.0) == text.format("list")
    assert _called((_leaf(), 1.0), 1.0) == text.format("tuple")
    assert _called([[1.0], [_leaf(1.0)]], 1.0) == text.format("list")


@for_each("operand", [2, 2.0, True, np.float32(2), np.int16(2), [2.0, 3.0], (2, 3), np.array([True])])
def test_what_counts_as_an_array(operand):
    x = _leaf([1.0, 2.0])
    y = x * operand
    np.testing.assert_array_equal(y.data, x.data * np.asarray(operand))
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, np.broadcast_to(operand, 2))


def test_python_numbers_do_not_widen_float32():
    x = _leaf(dtype=np.float32)
    assert (x * 2.5).dtype == (x + 1).dtype == np.float32
    assert (x * np.float64(2.5)).dtype == np.float64  # as in NumPy 2


def test_arrays_in_arrays_out(rng):
    x = rng.standard_normal(3)
    y = scaled(x, x)
    assert type(y) is np.ndarray
    assert y.flags.writeable
    assert type(scaled(2.0, 3.0)) is float
    np.testing.assert_array_equal(scaled([1, 2], [3, 4]), [6, 16])


def test_one_tensor_is_enough_for_tensors_out():
    assert type(scaled(np.ones(3), ag.tensor(1.0))) is ag.Tensor


# --- arrays of the caller ---------------------------------------------------------------------


def test_arrays_of_the_caller_stay_writable_and_are_copied_when_saved():
    x, c = _leaf(), np.array([1.0, 2.0, 3.0])
    y = (scaled(x, c) + total(x, c, power=2)).sum()
    assert c.flags.writeable
    c[:] = 100
    y.backward()
    np.testing.assert_array_equal(x.grad.data, 2 * np.array([1.0, 2.0, 3.0]) + 2 * x.data)


@pytest.mark.parametrize("view", [lambda a: np.broadcast_to(a, (3,)), lambda a: _read_only(a[:])])
def test_a_read_only_view_of_a_writable_array_is_copied_too(view):
    x, c = _leaf(), np.array([2.0])
    y = (x * view(c)).sum()
    c[:] = 100
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [2, 2, 2])


def _read_only(array):
    array.flags.writeable = False
    return array


def test_an_array_that_nobody_can_write_to_is_saved_as_it_is():
    x, c = _leaf(), _read_only(np.ones(3))
    assert (x * c).node.saved["x2"] is c


@pytest.mark.parametrize("index", [np.array([0, 1]), [0, 1], (np.array([0, 1]),), ([0, 1],)])
def test_parameters_are_copied_as_well(index):
    x = _leaf()
    y = ag.getitem(x, index=index).sum()
    array = index[0] if isinstance(index, tuple) else index
    array[0] = 2
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [1, 1, 0])


def test_results_are_read_only():
    x = _leaf()
    for y in (scaled(x, 2.0), x.sum(), x[0], x.reshape(3, 1), ag.tensor([1.0]) * 2):
        with pytest.raises(ValueError, match="read-only"):
            y.data[...] = 1


@pytest.mark.parametrize("part", [np.s_[:], np.s_[1:], np.s_[::-1], ...])
def test_a_result_shares_nothing_with_an_array_of_the_caller(part):
    @ag.primitive
    def viewed(x, w):
        return x if part is ... else x[part]

    c = np.array([1.0, 2.0, 3.0])
    y = viewed(c, ag.tensor(1.0))
    before = y.data.copy()
    c[:] = 100
    np.testing.assert_array_equal(y.data, before)
    assert c.flags.writeable


def test_a_forward_may_return_a_python_number():
    @ag.primitive
    def counted(x):
        return float(x.size)

    y = counted(ag.tensor([1.0, 2.0, 3.0]))
    assert (type(y.value), y.shape, y.dtype) == (np.float64, (), np.float64)


def test_integers_and_comparisons_are_not_recorded():
    x = _leaf()
    assert not (x > 2).requires_grad
    assert not x.astype(int).requires_grad
    assert not ag.argmax(x).requires_grad


# --- rules that fail --------------------------------------------------------------------------


@pytest.mark.parametrize("result", [None, (np.ones(3),), [1.0, 2.0, 3.0], "g"])
def test_a_rule_that_returns_no_array_is_named(result):
    @ag.primitive
    def forgotten(x, w):
        return x * w

    @forgotten.vjp("w")
    def forgotten_vjp_w(g):
        return result

    with pytest.raises(OperandError) as err:
        forgotten(np.ones((4, 3)), _leaf()).sum().backward()
    assert str(err.value) == (
        "forgotten_vjp_w: its result is not a cotangent: expected a tensor, an array or a number, got "
        f"{type(result).__name__}; a rule returns what it computes from g"
    )
    assert err.value.__notes__ == ["in forgotten_vjp_w, the rule of forgotten for 'w'; forward shapes w=(3,), y=(4, 3)"]


@pytest.mark.parametrize("result", [3, 3.0])
def test_a_rule_of_a_number_may_return_pythons(result):
    @ag.primitive
    def tripled(x):
        return 3 * x

    @tripled.vjp("x")
    def tripled_vjp_x(g):
        return result

    assert ag.grad(tripled)(2.0) == 3.0


@for_each("x", [1.0, np.float16(1.0)])
@for_each("result", [None, [1.0, 2.0], (np.ones(3), np.ones(3)), {"y": 1.0}])
def test_a_primitive_that_returns_no_array_is_named(result, x):
    @ag.primitive
    def forgetful(x):
        return result

    with pytest.raises(OperandError) as err:
        forgetful(ag.tensor(x))
    assert str(err.value) == (
        f"forgetful: its result is not an array: expected an array or a number, got {type(result).__name__}"
    )


def test_a_function_of_no_module_may_fail():
    def failing(x):
        raise ValueError("mine")

    failing.__module__ = None
    with pytest.raises(ValueError, match="mine"):
        ag.primitive(failing)(1.0)


def test_only_functions_become_primitives():
    with pytest.raises(RegistrationError) as err:
        ag.primitive(3)
    assert str(err.value) == "primitive: not a function: expected a function of arrays, got 3"
    with pytest.raises(RegistrationError) as err:
        ag.primitive(functools.partial(np.add, 1.0))
    assert str(err.value) == (
        "primitive: the function has no name: expected one made by def, got functools.partial(<ufunc 'add'>, 1.0); "
        "call it from a function of your own"
    )


def test_a_variadic_rule_that_fails_is_named_with_all_shapes():
    @ag.primitive
    def broken(*xs):
        return sum(xs)

    @broken.vjp("xs")
    def broken_vjp_x(g, *, index):
        raise KeyError(index)

    with pytest.raises(KeyError) as err:
        broken(1.0, _leaf(), _leaf(2.0)).sum().backward()
    assert err.value.__notes__ == [
        "in broken_vjp_x, the rule of broken for 'xs'; forward shapes xs=(3,), xs=(), y=(3,)"
    ]


def test_a_primitive_serves_arrays_and_tensors_in_its_rules():
    kinds = []

    @ag.primitive
    def spied(x):
        return x * 2

    @spied.vjp("x")
    def spied_vjp_x(g, *, x, y):
        kinds.append((type(g), type(x), type(y)))
        return g * 2

    x = _leaf()
    y = spied(x).sum()
    gradients(y, [x], create_graph=True)
    gradients(y, [x])
    assert kinds == [(ag.Tensor,) * 3, (np.ndarray,) * 3]


def test_every_primitive_of_the_package_has_a_rule_or_is_constant():
    own = [p for key, p in REGISTRY.items() if key.startswith("autograd_cnn.")]
    assert len(own) > 40
    assert all(isinstance(p, Primitive) and bool(p.rules) != p.constant for p in own)


@pytest.mark.parametrize("wrap", [np.asarray, ag.tensor])
@pytest.mark.parametrize(
    ("result", "got"), [(lambda x: x * 2, "ndarray"), (lambda x: (x, x, 3), "a tuple of 3"), (lambda x: (x,), "of 1")]
)
def test_residuals_that_are_not_returned(result, got, wrap):
    @ag.primitive(residuals=("mask",))
    def careless(x):
        return result(x)

    with pytest.raises(OperandError, match=f"careless: its result lacks residuals.*a tuple of y, mask, got.*{got}"):
        careless(wrap([1.0, 2.0]))


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_a_result_that_is_a_number_of_pythons(dtype):
    @ag.primitive
    def seven(x):
        return 7.0

    assert seven(np.ones(2, dtype)) == 7
    assert seven(ag.tensor([1.0, 2.0], dtype=dtype)).item() == 7


@pytest.mark.parametrize("result", [None, (1.0, 2.0), object()])
def test_a_result_that_is_no_array(result):
    @ag.primitive
    def odd(x):
        return result

    with pytest.raises(OperandError, match="odd: its result is not an array: expected an array or a number"):
        odd(ag.tensor([1.0, 2.0]))


@pytest.mark.parametrize("share", ["x", 1j, [1j, 1j, 1j], np.full(3, None)])
def test_a_rule_that_returns_no_numbers_is_named(share):
    @ag.primitive
    def doubled(x):
        return x * 2

    @doubled.vjp("x")
    def doubled_vjp_x(g):
        return share

    with pytest.raises(OperandError, match=r"doubled_vjp_x: (its result|the cotangent) is not "):
        doubled(_leaf()).sum().backward()


def test_a_dict_of_parameters_may_change_after_the_call():
    @ag.primitive
    def times(x, *, by):
        return x * by["factors"][0]

    @times.vjp("x")
    def times_vjp_x(g, *, by):
        return g * by["factors"][0]

    x, by = _leaf(), {"factors": [2.0]}
    y = times(x, by=by)
    by["factors"][0] = 100.0
    y.sum().backward()
    assert x.grad.tolist() == [2, 2, 2]


# --- copies -----------------------------------------------------------------------------------


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])  # noqa: S301
def test_there_is_one_of_each_primitive(duplicate):
    own = [p for key, p in REGISTRY.items() if key.startswith("autograd_cnn.")]
    assert all(duplicate(p) is p for p in (scaled, *own))


def test_a_primitive_that_has_no_importable_name_is_not_pickled():
    @ag.primitive
    def local(x):
        return x * 1.0

    assert copy.deepcopy(local) is local
    with pytest.raises((AttributeError, pickle.PicklingError), match=r"local object '.*<locals>\.local'"):
        pickle.dumps(local)


def test_a_primitive_without_memory_for_its_result_names_itself_and_the_shapes():
    row = np.broadcast_to(1.0, (1, 1 << 24))
    with pytest.raises(
        MemoryError, match=r"^matmul: unable to allocate .*; shapes x1=\(16777216, 1\), x2=\(1, 16777216\)$"
    ):
        ag.matmul(row.T, row)
