"""The checks themselves: they find wrong rules of many kinds, and accept right ones."""

import inspect

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn, ops
from autograd_cnn.engine.node import values_of
from autograd_cnn.errors import ArgumentError, GradientError, OperandError
from autograd_cnn.testing import CheckError, check_adjoint, check_vjp, directional, gradcheck
from autograd_cnn.testing.gradcheck import is_slope


def test_is_slope():
    assert is_slope("it is not the derivative", 3.0, lambda t: (1 + t) ** 3, 1e-9) < 1e-11
    assert is_slope("it is not the derivative", 3000.003, lambda t: 1000 * (1 + t) ** 3, 2e-6) == pytest.approx(
        1e-6, rel=1e-3
    )
    for wrong in (2.9, np.nan):
        with pytest.raises(CheckError) as caught:
            is_slope("it is not the derivative", wrong, lambda t: (1 + t) ** 3, 1e-9)
        assert str(caught.value) == f"it is not the derivative: expected 3, got {wrong}; a rule may be wrong"
    with pytest.raises(CheckError) as caught:
        is_slope("it is not the derivative", 1.0, abs, 1e-9)
    assert str(caught.value) == ("it is not the derivative: expected 0, got 1; there may be a kink or a tie nearby")


def _made(forward, *rules, **options):
    """Return a primitive of ``forward`` with rules by the names of its operands, in order."""
    primitive = ag.primitive(**options)(forward)
    for operand, rule in zip(primitive.operands, rules, strict=True):
        primitive.vjp(operand)(rule)
    return primitive


def _sin(x):
    return np.sin(x)  # a function of NumPy's has no signature


def _cos(x):
    return np.cos(x)


def _exp(x):
    return np.exp(x)


def _tanh(x):
    return np.tanh(x)


def _sqrt(x):
    return np.sqrt(x)


def _abs(x):
    return np.abs(x)


def _taps(g, before, here, after):
    wide = ag.pad(g, 1)
    return before * wide[:-2] + here * wide[1:-1] + after * wide[2:]


# Each a right rule and a wrong one for the same function, the shapes of its inputs, and the first
# input whose gradient is wrong.
PLANTED = {
    "sign": (
        _cos,
        [lambda g, *, x: -g * ag.sin(x)],
        [lambda g, *, x: g * ag.sin(x)],
        [(3,)],
    ),
    "missing factor": (
        lambda x: x**3,
        [lambda g, *, x: 3 * g * x**2],
        [lambda g, *, x: g * x**2],
        [(3,)],
    ),
    "wrong operand": (
        lambda x, w: x * w,
        [lambda g, *, w: g * w, lambda g, *, x: g * x],
        [lambda g, *, x: g * x, lambda g, *, x: g * x],
        [(3,), (3,)],
    ),
    "output for input": (
        _tanh,
        [lambda g, *, y: g * (1 - y * y)],
        [lambda g, *, x: g * (1 - x * x)],
        [(3,)],
    ),
    "missing cotangent": (
        lambda x: x * x,
        [lambda g, *, x: g * 2 * x],
        [lambda g, *, x: 2 * x],
        [(3,)],
    ),
    "missing sum": (
        lambda x: x / np.sum(x, axis=-1, keepdims=True),
        [lambda g, *, x, y: (g - ops.sum(g * y, axis=-1, keepdims=True)) / ops.sum(x, axis=-1, keepdims=True)],
        [lambda g, *, x, y: g / ops.sum(x, axis=-1, keepdims=True)],
        [(2, 3)],
    ),
    "transposed": (
        lambda x, w: x @ w,
        [lambda g, *, w: g @ w.T, lambda g, *, x: x.T @ g],
        [lambda g, *, w: g @ w, lambda g, *, x: x.T @ g],
        [(3, 3), (3, 3)],
    ),
    "flipped kernel": (
        lambda x: np.convolve(x, [1.0, 2.0, 4.0], "same"),
        [lambda g: _taps(g, 1.0, 2.0, 4.0)],
        [lambda g: _taps(g, 4.0, 2.0, 1.0)],
        [(5,)],
    ),
    "wrong axis": (
        lambda x: np.cumsum(x, axis=0),
        [lambda g: ag.flip(ag.cumsum(ag.flip(g, axis=0), axis=0), axis=0)],
        [lambda g: ag.flip(ag.cumsum(ag.flip(g, axis=1), axis=1), axis=1)],
        [(3, 3)],
    ),
    "shifted": (
        lambda x: np.roll(x, 1),
        [lambda g: ag.roll(g, shift=-1)],
        [lambda g: ag.roll(g, shift=1)],
        [(5,)],
    ),
    "second operand only": (
        lambda x, w: x / w,
        [lambda g, *, w: g / w, lambda g, *, y, w: -g * y / w],
        [lambda g, *, w: g / w, lambda g, *, y, w: -g * y],
        [(3,), (3,)],
    ),
    "not spread": (
        lambda x: np.mean(x, axis=1),
        [lambda g, *, x_shape: ag.broadcast_to(g[:, None] / x_shape[1], shape=x_shape)],
        [lambda g, *, x_shape: ag.broadcast_to(g[:, None], shape=x_shape)],
        [(2, 4)],
    ),
    "not a number": (
        _sqrt,
        [lambda g, *, y: g * 0.5 / y],
        [lambda g, *, y: g * np.nan],
        [(3,)],
    ),
    "slightly off": (
        _exp,
        [lambda g, *, y: g * y],
        [lambda g, *, y: g * y * (1 + 1e-5)],
        [(3,)],
    ),
    "one element": (
        lambda x: x * 2,
        [lambda g: g * 2],
        [lambda g: ag.set_at(g * 2, 0.0, index=(0, 0))],
        [(8, 8)],
    ),
}

# Rules that are right and leave the tape on the way, so that their own derivatives are wrong.
LEAVING = {
    "raw NumPy on the operand": (_sin, lambda g, *, x: g * np.cos(values_of(x))),
    "raw NumPy on the output": (_exp, lambda g, *, y: g * values_of(y)),
    "raw NumPy on everything": (lambda x: x**2, lambda g, *, x: values_of(g) * 2 * values_of(x)),
    "raw NumPy on the cotangent": (lambda x: x**2, lambda g, *, x: values_of(g) * 2 * x),
}


def _inputs(shapes):
    rng = np.random.default_rng(7)
    return [rng.uniform(0.5, 1.5, shape) for shape in shapes]


@for_each("kind", PLANTED)
def test_right_rules_pass_to_second_order(kind):
    forward, right, _, shapes = PLANTED[kind]
    assert gradcheck(_made(forward, *right), _inputs(shapes), order=2) is True


@for_each("kind", PLANTED)
@for_each("seed", [0, 1, 2])
def test_wrong_rules_are_found(kind, seed):
    forward, _, wrong, shapes = PLANTED[kind]
    with pytest.raises(CheckError, match="the tape and the differences disagree"):
        check_vjp(_made(forward, *wrong), _inputs(shapes), seed=seed)
    with pytest.raises(CheckError) as err:
        gradcheck(_made(forward, *wrong), _inputs(shapes), seed=seed)
    assert err.value.__notes__ == ["in the derivative of order 1"]


@pytest.mark.parametrize("kind", LEAVING)
def test_rules_that_leave_the_tape_are_found_at_second_order(kind):
    forward, rule = LEAVING[kind]
    primitive = _made(forward, rule)
    inputs = _inputs([(3,)])
    assert gradcheck(primitive, inputs, order=1)
    with pytest.raises(CheckError) as err:
        gradcheck(primitive, inputs, order=2)
    assert err.value.__notes__ == ["in the derivative of order 2"]


def test_a_rule_that_would_leave_the_tape_unawares_is_named():
    primitive = _made(_sin, lambda g, *, x: g * np.cos(np.asarray(x)))
    assert gradcheck(primitive, _inputs([(3,)]), order=1)
    with pytest.raises(GradientError, match="as a plain array a recorded tensor would lose its gradient") as err:
        gradcheck(primitive, _inputs([(3,)]), order=2)
    assert "the rule of sin for 'x'" in err.value.__notes__[0]


def test_an_error_of_third_order_alone_is_found():
    def curved(g, *, x):
        return g * ag.cos(x)

    inner = _made(_cos, lambda g, *, x: -g * np.sin(values_of(x)))
    primitive = _made(_sin, lambda g, *, x: g * inner(x))
    inputs = _inputs([(3,)])
    assert gradcheck(_made(_sin, curved), inputs, order=3)
    assert gradcheck(primitive, inputs, order=2)
    with pytest.raises(CheckError) as err:
        gradcheck(primitive, inputs, order=3)
    assert err.value.__notes__ == ["in the derivative of order 3"]


def test_a_function_that_leaves_the_tape_is_found():
    with pytest.raises(CheckError) as err:
        check_vjp(lambda x: 2.0 * x.numpy(), [1.0])
    u, v = np.random.default_rng(0).standard_normal(2)
    assert str(err.value) == (
        f"gradient of input 0: the tape and the differences disagree: expected {2 * u * np.sign(v):.12g}, got 0; "
        "a rule may be wrong"
    )


def test_the_message_names_the_input_and_both_numbers():
    double = _made(lambda x, w: x * w, lambda g, *, w: g * w, lambda g, *, x: g * x * 2)
    with pytest.raises(CheckError) as err:
        check_vjp(double, [1.0, 1.0])
    u, _, v = np.random.default_rng(0).standard_normal(3)
    slope = u * np.sign(v)
    assert str(err.value) == (
        f"gradient of input 1: the tape and the differences disagree: expected {slope:.12g}, got {2 * slope:.12g}; "
        "a rule may be wrong"
    )


def test_at_a_kink_the_message_says_so():
    one_sided = _made(_abs, lambda g, *, x: g * ag.where(ag.greater_equal(x, 0), 1.0, -1.0))
    with pytest.raises(CheckError) as err:
        check_vjp(one_sided, [0.0])
    u, v = np.random.default_rng(0).standard_normal(2)
    assert str(err.value) == (
        f"gradient of input 0: the tape and the differences disagree: expected 0, got {u * np.sign(v):.12g}; "
        "there may be a kink or a tie nearby"
    )
    check_vjp(one_sided, [[-0.5, 0.5]])


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: ag.maximum(x, 1.0), 1.0001),
        (lambda x: ag.maximum(x, x * x), 1.0001),
        (ag.max, [1.0, 1.0001]),
        (lambda x: ag.abs(x - 1.0), 0.9995),
    ],
)
def test_kinks_near_by_are_told_from_wrong_rules(f, x):
    with pytest.raises(CheckError) as err:
        check_vjp(f, [x])
    assert str(err.value).endswith("; there may be a kink or a tie nearby")


@pytest.mark.parametrize("f", [lambda x: ag.maximum(x, 0.0), ag.abs, ag.relu, ag.log, lambda x: 1 / x, ag.sqrt])
def test_steps_are_as_small_as_the_numbers(f):
    for x in (1e-12, 1e-4, [1e-4, 1.0]):
        check_vjp(f, [x])


SCALES = [1e-12, 1e-9, 1e-6, 1e-3, 1.0, 1e3, 1e6, 1e8, 1e12]
SMOOTH = {
    "linear": (lambda x: x * 3, lambda g: g * 3),
    "square": (lambda x: x * x, lambda g, *, x: g * 2 * x),
    "cube": (lambda x: x**3, lambda g, *, x: g * 3 * x**2),
    "inverse": (lambda x: 1 / x, lambda g, *, x: -g / x**2),
    "root": (lambda x: np.abs(x) ** 0.5, lambda g, *, x: g * 0.5 * ag.sign(x) * ag.abs(x) ** -0.5),
    "sum": (lambda x: np.sum(x, axis=-1), lambda g, *, x_shape: ag.broadcast_to(g, shape=x_shape)),
}
WRONG = [
    lambda share: share * 0.0,
    lambda share: share * 2.0,
    lambda share: -share,
    lambda share: share * (1 + 1e-5),
    lambda share: share * np.nan,
    lambda share: share * 1e12,
]


@for_each("at", SCALES)
@pytest.mark.parametrize("kind", SMOOTH)
def test_right_rules_pass_at_every_scale_of_the_operand(kind, at):
    forward, rule = SMOOTH[kind]
    x = np.array([1.0, -0.7, 0.3]) * at
    for seed in range(4):
        assert gradcheck(_made(forward, rule), [x], order=2, seed=seed)


@for_each("scale", SCALES)
@pytest.mark.parametrize("kind", SMOOTH)
def test_right_rules_pass_at_every_scale_of_the_result(kind, scale):
    forward, rule = SMOOTH[kind]
    primitive = _made(forward, rule)
    for seed in range(4):
        assert gradcheck(lambda x: primitive(x) * scale, [[1.0, -0.7, 0.3]], order=2, seed=seed)


@for_each("wrong", range(len(WRONG)))
@for_each("scale", SCALES)
@pytest.mark.parametrize("kind", SMOOTH)
def test_wrong_rules_are_found_at_every_scale(kind, scale, wrong):
    forward, rule = SMOOTH[kind]
    names = inspect.signature(rule).parameters

    def spoilt(g, **saved):
        return WRONG[wrong](rule(g, **saved))

    spoilt.__signature__ = inspect.Signature(names.values())
    primitive = _made(forward, spoilt)
    with pytest.raises(CheckError):
        check_vjp(primitive, [np.array([1.0, -0.7, 0.3]) * scale])
    with pytest.raises(CheckError):
        check_vjp(lambda x: primitive(x) * scale, [[1.0, -0.7, 0.3]])


def test_a_constant_does_not_hide_what_is_small_beside_it():
    small = _made(lambda x: 1 + x * 1e-9, lambda g: g * 0.0)
    with pytest.raises(CheckError):
        check_vjp(small, [[1.0, 2.0]])
    assert gradcheck(lambda x: 1 + x * 1e-9, [[1.0, 2.0]], order=2)


@pytest.mark.parametrize("power", [2, 3, 4, 5, 6, 9])
def test_stationary_points_are_told_from_small_slopes(power):
    assert gradcheck(lambda x: ag.sum(x**power), [[0.0, 0.0]])
    silent = _made(lambda x: x**power + 1e-9 * x, lambda g, *, x: g * power * x ** (power - 1))
    with pytest.raises(CheckError):
        check_vjp(silent, [[0.0, 0.0]])


def test_a_check_failure_is_an_ordinary_failed_test():
    assert issubclass(CheckError, AssertionError)


def test_checks_run_in_float64_and_change_no_input():
    dtypes = []
    x = np.array([1, 2], np.float32)
    check_vjp(lambda x: dtypes.append(x.dtype) or x * x, [x])
    assert set(dtypes) == {np.dtype(float)}
    np.testing.assert_array_equal(x, [1, 2])
    assert x.flags.writeable


@pytest.mark.parametrize("x", [3.0, [1, 2], np.ones((0, 2)), np.ones((1, 1, 2))])
def test_checks_take_whatever_is_an_array(x):
    check_vjp(lambda x: ag.sin(x) * 2, [x])
    assert gradcheck(lambda x: ag.sin(x) * 2, [x], order=2)


def test_constants_pass_at_every_order():
    assert gradcheck(lambda x, w: x * 2, [1.0, 2.0], order=3)
    assert gradcheck(lambda x: ag.tensor(3.0), [1.0], order=2)
    check_vjp(lambda x: 3.0, [1.0])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: gradcheck(ag.sin, [1.0], order=0),
            "gradcheck: order is out of range: expected an int of at least 1, got 0",
        ),
        (lambda: gradcheck(3, [1.0]), "gradcheck: f is not a function: expected a function of tensors, got int"),
        (
            lambda: gradcheck(ag.sin, np.ones((2, 3))),
            "gradcheck: inputs are not a list of arrays: expected one for each argument, as in [x], got ndarray",
        ),
        (
            lambda: check_vjp(ag.sin, 3.0),
            "check_vjp: inputs are not a list of arrays: expected one for each argument, as in [x], got float",
        ),
        (lambda: gradcheck(ag.sin, ["a"]), "gradcheck: could not convert string to float: 'a'"),
        (
            lambda: gradcheck(ag.sin),
            "gradcheck: argument 'inputs' is missing; it takes f, inputs, order, tolerance, seed",
        ),
        (
            lambda: gradcheck(lambda x: [x], [1.0]),
            "gradcheck: the function's result is not understood: expected an array, got list",
        ),
        (
            lambda: gradcheck(ag.sin, [1.0], tolerance="a"),
            "gradcheck: tolerance is not understood: expected a number above 0, got 'a'",
        ),
        (
            lambda: check_adjoint(3, ag.sin, (2,)),
            "check_adjoint: f is not a function: expected a function of tensors, got int",
        ),
    ],
)
def test_what_is_refused(call, text):
    with pytest.raises((ArgumentError, OperandError)) as err:
        call()
    assert str(err.value) == text


def test_tensors_say_where_to_check():
    assert gradcheck(ag.sin, [ag.tensor([1.0, 2.0], requires_grad=True)])


# --- adjoints ---------------------------------------------------------------------------------


def test_adjoints_are_accepted(rng):
    w = rng.standard_normal((3, 4))
    check_adjoint(lambda x: w @ x, lambda g: w.T @ g, (4, 2))
    check_adjoint(ag.flip, ag.flip, (3, 2))
    check_adjoint(lambda x: x[:0], lambda g: np.zeros(3), (3,))
    check_adjoint(lambda x: x.sum(), lambda g: np.full(3, g), (3,))


@for_each(
    "forward, wrong",
    [
        (lambda x: np.roll(x, 1), lambda g: np.roll(g, 1)),
        (lambda x: 2 * x, lambda g: g / 2),
        (np.cumsum, np.cumsum),
        (lambda x: np.convolve(x, [1, 2, 4], "same"), lambda g: np.convolve(g, [1, 2, 4], "same")),
        (lambda x: x, lambda g: g * (1 + 1e-9)),
        (lambda x: x, lambda g: g * np.nan),
        (lambda x: x * 1e-12, lambda g: g * 0.0),
        (lambda x: x * 1e-12, lambda g: g * 2e-12),
        (lambda x: x * 1e12, lambda g: g * 2e12),
    ],
)
def test_what_is_no_adjoint_is_found(forward, wrong):
    with pytest.raises(CheckError, match="differ"):
        check_adjoint(forward, wrong, (5,))


def test_the_message_gives_both_products():
    with pytest.raises(CheckError) as err:
        check_adjoint(lambda x: x, lambda g: 2 * g, ())
    x, g = np.random.default_rng(0).standard_normal(2)
    assert str(err.value) == (
        f"check_adjoint: ⟨g, A x⟩ and ⟨Aᵀ g, x⟩ differ: expected {g * x:.15g}, got {2 * g * x:.15g}"
    )


# --- differences ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "slope"),
    [(np.sin, 1.0), (np.exp, 1.0), (lambda t: (2 + t) ** 4, 32.0), (lambda t: 1.0, 0.0), (lambda t: 1e6 * t, 1e6)],
)
def test_differences_of_fourth_order(f, slope):
    found, kinked = directional(f)
    assert found == pytest.approx(slope, rel=1e-11, abs=1e-11)
    assert not kinked


@pytest.mark.parametrize("f", [abs, lambda t: max(t, 0), lambda t: max(t, -t, 5e-4), lambda t: 10 * abs(t) + t])
def test_kinks_are_seen(f):
    assert directional(f)[1]


@pytest.mark.parametrize("last", [nn.Identity(), nn.Linear(4, 2, dtype=np.float64)])
def test_a_model_of_narrow_parameters_is_too_coarse(rng, last):
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), last)
    x = rng.standard_normal((2, 3))
    with pytest.raises(GradientError) as error:
        gradcheck(net, [x])
    assert str(error.value) == (
        "gradcheck: f computes in float32, too coarse for differences; "
        "give a model float64 parameters with model.astype(np.float64)"
    )
    assert gradcheck(net.astype(np.float64), [x])
