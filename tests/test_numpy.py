"""NumPy's functions called on tensors: each gives NumPy's values and right gradients of both orders, or is refused."""

import numpy as np
import pytest
import scipy.special
from numpy_calls import FILES, PAGE, SYMMETRIC, calls, functions, listing, numbers_of
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError, GradientError, OperandError
from autograd_cnn.testing import check_vjp

STEP = 1e-5
V = np.array([0.31, -0.62, 0.83, 0.14])
MASK = np.array([[True, False, True], [True, True, False]])


def _leaf(values):
    return ag.tensor(values, requires_grad=True)


def _value(x):
    return np.asarray(x.value if isinstance(x, ag.Tensor) else x)


def _check_along_a_line(function, called, rng, *, symmetric=False):
    """Compare the first and second derivative of a weighted sum of all that a call returns with differences."""
    lines = [rng.standard_normal(a.shape) * (a != 0) for a in called.arrays]
    lines = [d + np.swapaxes(d, -1, -2) for d in lines] if symmetric else lines
    plain = [_value(x) for x in numbers_of(called.on(function, np.copy))]
    weights = [
        np.where(np.isfinite(y), rng.standard_normal(y.shape), 0) if y.dtype.kind == "f" else None for y in plain
    ]

    def along(s):
        line = iter(lines)
        found = numbers_of(called.on(function, lambda a: a + s * next(line)))
        return sum(
            ag.sum(ag.where(w != 0, y, 0.0) * w) for y, w in zip(found, weights, strict=True) if w is not None
        ) + 0.0 * s  # fmt: skip

    def slope(s):
        return ag.grad(along)(s)

    for derivative, f, rtol in ((slope(0.0), along, 2e-6), (ag.grad(slope)(0.0), slope, 1e-5)):
        difference = (float(f(STEP)) - float(f(-STEP))) / (2 * STEP)
        np.testing.assert_allclose(float(derivative), difference, rtol=rtol, atol=rtol)


@pytest.mark.filterwarnings("ignore::autograd_cnn.errors.GradientWarning")
@for_each("name, function", [(name, function) for name, function in functions() if name not in FILES])
def test_values_and_gradients_are_right_or_it_is_refused(name, function, rng):
    with np.errstate(all="ignore"):
        for called in calls(name, function):
            try:
                ours = numbers_of(called.on(function, _leaf))
            except OperandError:
                continue  # the words are on the page
            theirs = numbers_of(called.on(function, np.copy))
            assert [(_value(y).shape, _value(y).dtype.kind) for y in ours] == [
                (_value(y).shape, _value(y).dtype.kind) for y in theirs
            ]
            if name == "empty_like":
                continue
            for y, expected in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(_value(y), expected, rtol=1e-11, atol=1e-13)
            _check_along_a_line(function, called, rng, symmetric=name in SYMMETRIC)


@for_each("name, function", [(name, function) for name, function in functions() if name not in FILES])
def test_float32_stays_float32(name, function):
    with np.errstate(all="ignore"):
        for called in calls(name, function):
            theirs = numbers_of(called.on(function, lambda a: a.astype(np.float32)))
            leaves = [_leaf(a.astype(np.float32)) for a in called.arrays]
            rest = iter(leaves)
            try:
                ours = numbers_of(called.on(function, lambda _, rest=rest: next(rest)))
            except OperandError:
                continue
            for y, expected in zip(ours, theirs, strict=True):
                assert _value(y).dtype in (np.float32, _value(expected).dtype) or _value(y).dtype.kind in "iu"
                if isinstance(y, ag.Tensor) and y.requires_grad:
                    ag.sum(ag.where(np.isfinite(y.value), y, 0)).backward(retain_graph=True)
            assert {x.grad.dtype for x in leaves if x.grad is not None} <= {np.dtype(np.float32)}


def test_the_page_lists_what_came_of_all_calls():
    text = PAGE.read_text("utf-8")
    if f"As of NumPy {np.__version__}," not in text:
        pytest.skip("the page is of another NumPy")
    with np.errstate(all="ignore"):
        assert listing() in text, "python tests/numpy_calls.py writes it anew"


# --- what NumPy's functions take ----------------------------------------------------------------


@for_each(
    "method",
    [
        np.add.reduce,
        lambda x: np.add.reduce(x, axis=None),
        lambda x: np.add.reduce(x, 1, keepdims=True, initial=3.0, where=MASK),
        lambda x: np.multiply.reduce(x, axis=(0, 1), where=MASK),
        lambda x: np.maximum.reduce(x, axis=1, initial=0.5, where=MASK),
        lambda x: np.minimum.reduce(x, axis=1),
        lambda x: np.logaddexp.reduce(x, axis=1),
        lambda x: np.add.accumulate(x, 1, np.float64),
        np.multiply.accumulate,
        lambda x: np.multiply.outer(x, x[0]),
        lambda x: np.add.outer(2.0, x),
        lambda x: np.add.reduce(x[0, 0]),
        lambda x: np.sum(x, where=MASK),
        lambda x: np.sum(x, 0, None, None, 1, 2.0),
        lambda x: np.prod(x, axis=1, initial=3.0),
        lambda x: np.max(x, initial=0.5, where=MASK),
        lambda x: np.std(x, 0, None, None, 1),
        lambda x: np.std(x, correction=1),
        lambda x: np.mean(x, axis=0, dtype=None, out=None),
        lambda x: np.nanmedian(x, axis=0, overwrite_input=True),
        lambda x: np.clip(x, x[::-1] - 0.1, 1.0),
    ],
)
def test_methods_and_arguments_are_numpys_and_have_gradients(method):
    a = np.array([[0.31, -0.62, 0.83], [1.14, 0.45, -0.27]])
    y = method(_leaf(a))
    assert y.requires_grad
    np.testing.assert_allclose(y.data, method(a), rtol=1e-14)
    check_vjp(method, [a])


@for_each(
    "call, dtype",
    [
        (lambda x: np.sum(x, 0, np.float32), np.float32),
        (lambda x: np.add(x, 1, dtype=np.float32), np.float32),
        (lambda x: np.concatenate([x, x], dtype=np.float32), np.float32),
        (lambda x: np.var(x, dtype="f4"), np.float32),
        (lambda x: np.sum(np.isnan(x), dtype=np.uint8), np.uint8),
        (lambda x: np.linalg.trace(x[None], dtype=np.float32), np.float32),
    ],
)
def test_a_dtype_is_what_is_computed_with(call, dtype):
    assert call(_leaf([1.0, 2.0, 3.0])[None]).dtype == call(np.array([[1.0, 2.0, 3.0]])).dtype == dtype


NEW = (
    "a result of tensors is always new, and not written into another array; "
    "write a = a + t for a += t, or join parts with ag.stack"
)
LEAVE = "not defined for tensors; use .numpy() to leave the tape, or an ag function"
ASSIGN = "no argument 'out'; a result is always new: assign it, as in y = ...; it takes"


@for_each(
    "call, text",
    [
        (lambda x: np.add(x, 1, out=np.ones(3)), f"add: {NEW}"),
        (lambda x: np.add(1, 1, out=x), f"add: {NEW}"),
        (lambda x: np.sum(x, out=np.ones(())), f"sum: {ASSIGN} x, axis, keepdims"),
        (lambda x: np.clip(x, 0, 1, out=np.ones(3)), f"clip: {ASSIGN} x, min, max"),
        (lambda x: np.add(x, 1, where=x > 1), "add: no argument 'where'; choose with ag.where; it takes x1, x2"),
        (
            lambda x: np.mean(x, where=x > 1),
            "mean: no argument 'where'; choose with ag.where; it takes x, axis, keepdims",
        ),
        (lambda x: np.max(x, where=x > 1), "max: what is left out needs an initial value; say initial= beside where="),
        (lambda x: np.std(x, mean=1.0), "std: no argument 'mean'; it takes x, axis, ddof, keepdims"),
        (lambda x: np.equal(x, 1, dtype=bool), "equal: dtype can't be bool here; compare the result with 0"),
        (
            lambda x: np.add.at(np.ones(3), [0], x[0]),
            "numpy.add.at: not defined for tensors; use ag.scatter_add, or .numpy() to leave the tape",
        ),
        (np.hypot.reduce, f"numpy.hypot.reduce: {LEAVE}"),
        (np.maximum.accumulate, f"numpy.maximum.accumulate: {LEAVE}"),
        (scipy.special.spence, f"spence: {LEAVE}"),
        (
            lambda x: np.full_like(np.ones(3), x[0]),
            "numpy.copyto: not defined for tensors; it writes into an array; write t[index] = values, or choose with ag.where",
        ),
        (
            lambda x: np.quantile(x, 0.3, method="hazen"),
            "quantile: method is unknown: expected 'linear', 'lower', 'higher', 'nearest' or 'midpoint', got 'hazen'",
        ),
    ],
)
def test_what_is_not_taken_is_said(call, text):
    with pytest.raises((OperandError, ArgumentError)) as err:
        call(_leaf([1.0, 2.0, 3.0]))
    assert str(err.value) == text


def test_arrays_are_not_written_to():
    a = np.ones(3)
    with pytest.raises(OperandError, match="not written into another array"):
        a += _leaf([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(a, [1, 1, 1])


def test_numpy_arrays_on_the_left():
    x = _leaf([1.0, 2.0, 3.0])
    y = np.array([[1.0], [2.0]]) * x
    assert (type(y), y.shape) == (ag.Tensor, (2, 3))
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [3, 3, 3])


def test_scipys_elementwise_functions_are_ours_where_there_are_any():
    np.testing.assert_allclose(scipy.special.expit(_leaf(V)).data, scipy.special.expit(V))
    check_vjp(scipy.special.erf, [V])


# --- methods ------------------------------------------------------------------------------------


@for_each(
    "method",
    [
        lambda x: x.dot(x.T), lambda x: x.trace(), lambda x: x.diagonal(1), lambda x: x.copy(), lambda x: x.conj(),
        lambda x: x.cumprod(axis=1), lambda x: x.compress([False, True], axis=0), lambda x: x.take([0, 2], axis=1),
    ],
)  # fmt: skip
def test_arrays_methods(method):
    a = np.array([[0.31, -0.62, 0.83], [1.14, 0.45, -0.27]])
    np.testing.assert_allclose(method(_leaf(a)).data, method(a), rtol=1e-14)
    check_vjp(method, [a])


@for_each(
    "method",
    [
        lambda x: x.any(axis=0), lambda x: x.all(), lambda x: x.round(1), lambda x: x.argsort(axis=0),
        lambda x: x[0].searchsorted(0.3), lambda x: x.argpartition(1),
    ],
)  # fmt: skip
def test_arrays_methods_without_gradients(method):
    a = np.array([[0.31, 0.62, 0.83], [1.14, -0.45, 1.27]])
    y = method(_leaf(a))
    assert not y.requires_grad
    np.testing.assert_array_equal(y.data, method(a))


def test_sorting_in_place_goes_on_recording():
    x = _leaf([3.0, 1.0, 2.0])
    y = x * 1.0
    y.sort()
    (y * [1.0, 10.0, 100.0]).sum().backward()
    assert (y.tolist(), x.grad.tolist()) == ([1.0, 2.0, 3.0], [100.0, 1.0, 10.0])
    y = x * 1.0
    y.partition(1)
    assert y[1].item() == 2.0
    with pytest.raises(GradientError, match="assignment: a leaf that requires a gradient"):
        x.sort()
