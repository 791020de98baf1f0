"""Elementwise primitives against NumPy, and their conventions at kinks and ties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays, mutually_broadcastable_shapes
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import ops
from autograd_cnn.errors import ArgumentError, OperandError

BINARY = ["add", "subtract", "multiply", "divide"]
UNARY = ["negative", "positive", "absolute", "sign", "square", "exp", "expm1", "sin", "cos"]
UNARY_POSITIVE = ["sqrt", "log", "log1p"]

numbers = st.floats(-5, 5, allow_subnormal=False)
positive_numbers = st.floats(0.125, 5)
shapes = mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3, min_side=0)


def _gradient(f, x):
    t = ag.tensor(x, requires_grad=True)
    f(t).backward(np.ones(f(t).shape))
    return t.grad.data


@pytest.mark.parametrize("name", BINARY)
@given(data=st.data(), shapes=shapes)
def test_binary_functions_are_numpys(name, data, shapes):
    first, second = shapes.input_shapes
    x1 = data.draw(arrays(float, first, elements=numbers))
    x2 = data.draw(arrays(float, second, elements=positive_numbers))
    np.testing.assert_array_equal(getattr(ops, name)(x1, x2), getattr(np, name)(x1, x2))


@for_each("name", [*UNARY, *UNARY_POSITIVE])
def test_unary_functions_are_numpys(name, rng):
    x = rng.uniform(0.1, 3, (3, 4)) * (1 if name in UNARY_POSITIVE else rng.choice([-1, 1], (3, 4)))
    np.testing.assert_array_equal(getattr(ops, name)(x), getattr(np, name)(x))


@given(x=arrays(float, 5, elements=positive_numbers), exponents=arrays(float, 5, elements=numbers))
def test_power_is_numpys(x, exponents):
    np.testing.assert_array_equal(ag.power(x, exponents), np.power(x, exponents))
    np.testing.assert_array_equal(ag.power(-x, 3), (-x) ** 3)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64, bool])
def test_astype(dtype):
    y = ag.astype(np.array([0.0, 1.0, 2.5]), dtype)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, np.array([0.0, 1.0, 2.5]).astype(dtype))


def test_astype_brings_the_gradient_back_in_the_dtype_of_its_operand():
    x = ag.tensor([1.0, 2.0], dtype=np.float32, requires_grad=True)
    (ag.astype(x, np.float64) * np.array([1 / 3, 2.0])).sum().backward()
    assert x.grad.dtype == np.float32
    np.testing.assert_array_equal(x.grad.data, np.array([1 / 3, 2.0], np.float32))


def test_a_rule_gets_its_cotangent_in_the_dtype_of_its_result():
    seen = []

    @ag.primitive
    def same(x):
        return 1 * x

    @same.vjp("x")
    def same_vjp_x(g):
        seen.append(g.dtype)
        return g

    x = ag.tensor([1.0], dtype="float32", requires_grad=True)
    ag.astype(same(x), dtype=np.float64).sum().backward()
    assert seen == [np.float32]


def test_astype_to_integers_is_not_recorded():
    assert not ag.astype(ag.tensor([1.5], requires_grad=True), np.int64).requires_grad


# --- conventions ------------------------------------------------------------------------------


def test_absolute_has_derivative_0_at_0():
    np.testing.assert_array_equal(_gradient(ag.absolute, np.array([-2.0, 0.0, 3.0])), [-1, 0, 1])


def test_abs_is_absolute():
    assert ag.abs is ag.absolute


def test_power_at_0():
    zero = np.zeros(1)
    np.testing.assert_array_equal(_gradient(lambda t: t**2, zero), [0])
    np.testing.assert_array_equal(_gradient(lambda t: t**1, zero), [1])
    np.testing.assert_array_equal(_gradient(lambda t: t**0, zero), [0])
    np.testing.assert_array_equal(_gradient(lambda t: 0.0**t, np.array([2.0, 0.0])), [0, 0])


def test_power_of_a_negative_base_has_a_gradient_for_an_integer_exponent():
    np.testing.assert_array_equal(_gradient(lambda t: t**3, np.array([-2.0])), [12])
    np.testing.assert_array_equal(_gradient(lambda t: t**-1, np.array([-2.0])), [-0.25])


def test_sqrt_has_an_infinite_derivative_at_0():
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(_gradient(ag.sqrt, np.zeros(1)), [np.inf])


def test_division_by_zero_is_numpys():
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert ag.divide(1.0, np.zeros(1)) == np.inf


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@for_each(
    "function, operands",
    [
        ("divide", (1.0, 0.0)), ("divide", (1, 0)), ("divide", (0, 0)), ("power", (0.0, -1.0)),
        ("power", (-8.0, 1 / 3)), ("power", (10.0, 400.0)), ("power", (2.0, 10)), ("multiply", (2**62, 4)),
        ("add", (True, True)), ("exp", (1,)), ("exp", (1000,)), ("exp", (2**70,)), ("sqrt", (4,)),
        ("sqrt", (-1,)), ("log", (0,)), ("negative", (2,)),
    ],
)  # fmt: skip
def test_of_pythons_numbers_it_is_numpys(function, operands):
    numbers = [float(x) if x == 2**70 else x for x in operands]
    expected, found = getattr(np, function)(*numbers), getattr(ag, function)(*operands)
    np.testing.assert_array_equal(found, expected)
    assert type(found) is type(expected)


def test_a_number_that_no_float_holds():
    with pytest.raises(ArgumentError) as err:
        ag.exp(10**400)
    assert str(err.value) == "exp: int too large to convert to float"


# --- errors -----------------------------------------------------------------------------------


@for_each(
    "call, text",
    [
        (lambda: ag.add([1.0], "two"), "add: x2 is not an array: expected a tensor, an array or a number, got str"),
        (lambda: ag.add(None, 1.0), "add: x1 is not an array: expected a tensor, an array or a number, got NoneType"),
        (lambda: ag.exp(object()), "exp: x is not an array: expected a tensor, an array or a number, got object"),
        (lambda: ag.exp(["a"]), "exp: x is not an array: expected a tensor, an array or a number, got list"),
        (lambda: ag.exp({1.0}), "exp: x is not an array: expected a tensor, an array or a number, got set"),
        (lambda: ag.exp([ag.tensor(1.0)]), "exp: x is a list of tensors; join them with ag.stack first"),
        (lambda: ag.exp((ag.tensor(1.0),)), "exp: x is a tuple of tensors; join them with ag.stack first"),
        (lambda: ag.exp(1.0, 2.0), "exp: too many arguments; it takes x"),
        (lambda: ag.add(1.0, 2.0, 3.0), "add: too many arguments; it takes x1, x2"),
        (lambda: ag.clip([1.0], 0, 1, 2), "clip: too many arguments; it takes x, min, max"),
        (lambda: ag.clip([1.0], 0, min=1), "clip: too many arguments; it takes x, min, max"),
        (lambda: ag.exp([1.0], base=2), "exp: no argument 'base'; it takes x"),
        (lambda: ag.clip([1.0], low=0), "clip: no argument 'low'; it takes x, min, max"),
        (lambda: ag.add([1.0]), "add: argument 'x2' is missing; it takes x1, x2"),
        (ag.exp, "exp: argument 'x' is missing; it takes x"),
        (
            lambda: ag.clip([1.0], min=ag.tensor(0.0, requires_grad=True)),
            "clip: parameter 'min' has no gradient: expected a plain value, got a Tensor; pass it detached",
        ),
    ],
)  # fmt: skip
def test_bad_arguments(call, text):
    with pytest.raises(OperandError) as err:
        call()
    assert str(err.value) == text


def test_operands_go_by_name_as_well():
    assert ag.subtract(x2=1.0, x1=3.0) == 2.0


@pytest.mark.parametrize("mix", [lambda t: t + "a", lambda t: t * None, lambda t: object() - t, lambda t: t @ "a"])
def test_operators_refuse_what_is_no_array(mix):
    with pytest.raises(TypeError):
        mix(ag.tensor([1.0]))
