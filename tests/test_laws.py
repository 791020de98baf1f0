"""The laws that hold for every primitive, run over the whole registry and the samples of `cases`."""

import inspect

import numpy as np
import pytest
from cases import PRIMITIVES, SAMPLES

import autograd_cnn as ag
from autograd_cnn import kernels
from autograd_cnn.tape import gradients

STEP = 1e-3
"""Of the fourth-order difference below: h⁴/30 is 3e-14 and rounding over h 3e-13, for values and
fifth derivatives near 1, so that `TOLERANCE` leaves room for both to be a thousand times larger."""

TOLERANCE = 1e-9


def _calls(condition):
    """Return every call of the primitives that meet the condition, each a pytest parameter."""
    return [
        pytest.param(primitive, case, id=f"{primitive.name}({case})")
        for primitive in PRIMITIVES.values()
        if primitive in SAMPLES and condition(primitive)
        for case in SAMPLES[primitive].cases
    ]


every_call = pytest.mark.parametrize(("primitive", "case"), _calls(callable))
every_recorded_call = pytest.mark.parametrize(("primitive", "case"), _calls(lambda p: not p.constant))


@pytest.fixture(autouse=True)
def _reference():
    """Hold the laws against the reference; the last one holds the other backend against that."""
    with ag.set_backend("reference"):
        yield


# --- helpers ----------------------------------------------------------------------------------


def _tracked(case, arrays=None, positions=None):
    """Return the operands as the primitive takes them, those at the positions as leaves."""
    arrays = case.arrays if arrays is None else arrays
    positions = case.differentiable if positions is None else positions
    return [_leaf(a) if i in positions else a for i, a in enumerate(arrays)]


def _leaf(array):
    """Return a leaf of the array itself, with its layout, and not of a copy."""
    leaf = ag.Tensor.of(array)
    leaf.requires_grad = True
    return leaf


def _pullback(primitive, case, g, arrays=None):
    """Return the output and the gradient of ⟨g, output⟩ in each differentiable operand."""
    operands = _tracked(case, arrays)
    y = primitive(*operands, **case.params)
    leaves = [operands[i] for i in case.differentiable]
    found = gradients(y, leaves, g)
    return y.data, [found[leaf.node] for leaf in leaves]


def _replaced(arrays, changes):
    return [changes.get(i, a) for i, a in enumerate(arrays)]


def _moved(case, directions, t):
    return _replaced(case.arrays, {i: case.arrays[i] + t * d for i, d in directions.items()})


def _dot(a, b):
    return float(np.sum(np.multiply(a, b)))


def _unit(rng, *shapes):
    """Draw one direction of length 1 in the space of all the shapes together."""
    parts = [rng.standard_normal(shape) for shape in shapes]
    length = np.sqrt(sum(_dot(p, p) for p in parts)) or 1.0
    return [p / length for p in parts]


def _slope(f):
    """Return the derivative of ``f`` at 0 by the central difference of fourth order."""
    return (8 * (f(STEP) - f(-STEP)) - (f(2 * STEP) - f(-2 * STEP))) / (12 * STEP)


def _operand(primitive, position):
    return primitive.operands[0 if primitive.variadic else position]


def _shape(primitive, case):
    return np.shape(primitive(*case.arrays, **case.params))


# --- the registry -----------------------------------------------------------------------------


def test_every_primitive_has_samples():
    assert [name for name, primitive in PRIMITIVES.items() if primitive not in SAMPLES] == []


def test_every_linear_operand_exists():
    named = {(p, operand) for p, samples in SAMPLES.items() for operand in samples.linear}
    assert [(p, operand) for p, operand in named if operand not in p.rules] == []


@every_recorded_call
def test_every_float_operand_has_a_rule(primitive, case):
    assert {_operand(primitive, i) for i in case.differentiable} <= primitive.rules.keys()


def test_every_rule_is_met_by_some_sample():
    met = {(p, _operand(p, i)) for p, samples in SAMPLES.items() for case in samples.cases for i in case.differentiable}
    assert [(p, operand) for p in PRIMITIVES.values() for operand in p.rules if (p, operand) not in met] == []


# --- first order ------------------------------------------------------------------------------


def _check_first_order(primitive, case, rng):
    g = rng.standard_normal(_shape(primitive, case))
    _, found = _pullback(primitive, case, g)
    for i, gradient in zip(case.differentiable, found, strict=True):
        (v,) = _unit(rng, case.arrays[i].shape)
        expected = _slope(lambda t, i=i, v=v: _dot(g, primitive(*_moved(case, {i: v}, t), **case.params)))
        assert _dot(gradient, v) == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE)


@every_recorded_call
def test_a_gradient_is_the_derivative(primitive, case, rng):
    _check_first_order(primitive, case, rng)


@pytest.mark.parametrize("factor", [0.0, 1 - 1e-6, -1.0])
def test_a_wrong_rule_is_caught(factor, rng):
    @ag.primitive
    def cube(x):
        return x**3

    @cube.vjp("x")
    def cube_wrt_x(g, *, x):
        return g * 3 * x**2 * factor

    (case,) = SAMPLES[ag.exp].cases[:1]
    with pytest.raises(AssertionError):
        _check_first_order(cube, case, rng)


@every_recorded_call
def test_a_gradient_has_the_shape_and_dtype_of_its_operand(primitive, case, rng):
    _, found = _pullback(primitive, case, rng.standard_normal(_shape(primitive, case)))
    operands = [case.arrays[i] for i in case.differentiable]
    assert [(g.shape, g.dtype) for g in found] == [(a.shape, a.dtype) for a in operands]


@pytest.mark.parametrize(("primitive", "case"), _calls(lambda p: SAMPLES[p].linear))
def test_a_linear_primitive_and_its_rule_are_adjoint(primitive, case, rng):
    """⟨g, A x⟩ = ⟨Aᵀ g, x⟩, where A is the primitive in one operand, less what it gives for 0."""
    g = rng.standard_normal(_shape(primitive, case))
    _, found = _pullback(primitive, case, g)
    for i, gradient in zip(case.differentiable, found, strict=True):
        if _operand(primitive, i) in SAMPLES[primitive].linear:
            x = rng.standard_normal(case.arrays[i].shape)
            y, constant = (primitive(*_replaced(case.arrays, {i: at}), **case.params) for at in (x, 0 * x))
            scale = np.linalg.norm(g) * np.linalg.norm(y) + 1
            assert abs(_dot(g, y) - _dot(g, constant) - _dot(gradient, x)) <= 1e-12 * scale


# --- second order -----------------------------------------------------------------------------


@every_recorded_call
def test_the_gradient_of_a_gradient_is_its_derivative(primitive, case, rng):
    """Differentiate s = Σ ⟨u, gradient⟩ in the operands and in the cotangent, all in one direction."""
    g = rng.standard_normal(_shape(primitive, case))
    shapes = [case.arrays[i].shape for i in case.differentiable]
    us = [rng.standard_normal(shape) for shape in shapes]
    *directions, along_g = _unit(rng, *shapes, g.shape)

    operands, cotangent = _tracked(case), ag.tensor(g, requires_grad=True)
    leaves = [operands[i] for i in case.differentiable]
    first = gradients(primitive(*operands, **case.params), leaves, cotangent, create_graph=True)
    s = sum(ag.sum(first[leaf.node] * u) for leaf, u in zip(leaves, us, strict=True))
    second = gradients(s, [*leaves, cotangent])
    met = zip([*leaves, cotangent], [*directions, along_g], strict=True)
    by_tape = sum(_dot(second[t.node], v) for t, v in met if t.node in second)

    def first_order(t):
        arrays = _moved(case, dict(zip(case.differentiable, directions, strict=True)), t)
        return sum(map(_dot, us, _pullback(primitive, case, g + t * along_g, arrays)[1]))

    assert by_tape == pytest.approx(_slope(first_order), rel=TOLERANCE, abs=TOLERANCE)


# --- memory layout and dtype ------------------------------------------------------------------


def _with_gaps(a):
    """Return the same numbers, read backwards from every other element of a larger read-only array."""
    if a.ndim == 0:
        return a
    buffer = np.full([2 * n + 1 for n in a.shape], np.nan, a.dtype)
    backwards = (slice(None, None, -1),) * a.ndim
    view = buffer[(slice(1, None, 2),) * a.ndim][backwards]
    view[...] = a
    view.flags.writeable = False
    return view


def _in_fortran_order(a):
    return np.array(a, order="F")


@pytest.mark.parametrize("layout", [_with_gaps, _in_fortran_order])
@every_recorded_call
def test_layout_does_not_matter(primitive, case, layout, rng):
    g = rng.standard_normal(_shape(primitive, case))
    y, found = _pullback(primitive, case, g)
    arrays = [layout(a) if i in case.differentiable else a for i, a in enumerate(case.arrays)]
    laid_y, laid_found = _pullback(primitive, case, layout(g), arrays)
    for laid, plain in zip([laid_y, *laid_found], [y, *found], strict=True):
        np.testing.assert_allclose(laid, plain, rtol=1e-12, atol=1e-13)


@every_recorded_call
def test_inputs_are_left_as_they_were(primitive, case, rng):
    arrays = [np.array(a) if isinstance(a, np.ndarray) else a for a in case.arrays]
    g = rng.standard_normal(_shape(primitive, case))
    kept = g.copy()
    primitive(*_tracked(case, arrays), **case.params).backward(g)
    np.testing.assert_array_equal(g, kept)
    for a, before in zip(arrays, case.arrays, strict=True):
        np.testing.assert_array_equal(a, before)
        assert not isinstance(a, np.ndarray) or a.flags.writeable


@every_recorded_call
def test_a_later_write_to_an_input_does_not_reach_the_tape(primitive, case, rng):
    g = rng.standard_normal(_shape(primitive, case))
    _, found = _pullback(primitive, case, g)
    for i, gradient in zip(case.differentiable, found, strict=True):
        arrays = [np.array(a) if isinstance(a, np.ndarray) else a for a in case.arrays]
        leaf = arrays[i] = ag.tensor(arrays[i], requires_grad=True)
        y = primitive(*arrays, **case.params)
        for a in arrays:
            if isinstance(a, np.ndarray):
                a[...] = 1 - a if a.dtype.kind != "b" else ~a
        np.testing.assert_array_equal(gradients(y, [leaf], g)[leaf.node], gradient)


@every_recorded_call
def test_float32_stays_float32(primitive, case, rng):
    g = rng.standard_normal(_shape(primitive, case))
    y, found = _pullback(primitive, case, g)
    halves = [a.astype(np.float32) if i in case.differentiable else a for i, a in enumerate(case.arrays)]
    y32, found32 = _pullback(primitive, case, g.astype(np.float32), halves)
    assert y32.dtype == case.params.get("dtype", np.float32)
    assert [x.dtype for x in found32] == [np.float32] * len(found)
    for single, double in zip([y32, *found32], [y, *found], strict=True):
        scale = 1 + np.max(np.abs(double), initial=0)
        np.testing.assert_allclose(single, double, rtol=2e-5, atol=2e-6 * scale)


# --- what is recorded -------------------------------------------------------------------------


def _declared(primitive, rule):
    """Return the names that a rule asks for, read off its signature."""
    asked = inspect.signature(rule.function).parameters.values()
    names = {p.name for p in asked if p.kind is p.KEYWORD_ONLY}
    rest = primitive.parameters.keys() if any(p.kind is p.VAR_KEYWORD for p in asked) else ()
    return (names | set(rest)) - ({"index"} if primitive.variadic else set())


@every_recorded_call
def test_what_is_saved_is_what_the_rules_ask_for(primitive, case):
    for tracked in [case.differentiable, *([i] for i in case.differentiable)]:
        y = primitive(*_tracked(case, positions=tracked), **case.params)
        declared = set().union(*(_declared(primitive, primitive.rules[_operand(primitive, i)]) for i in tracked))
        assert y.node.saved.keys() == declared
        assert [parent is not None for parent in y.node.parents] == [i in tracked for i in range(len(case.arrays))]


@every_call
def test_on_arrays_it_returns_an_array(primitive, case):
    y = primitive(*case.arrays, **case.params)
    assert isinstance(y, (np.ndarray, np.generic))


@every_call
def test_on_tensors_it_returns_the_same_in_a_tensor(primitive, case):
    y = primitive(*_tracked(case), **case.params)
    assert type(y) is ag.Tensor
    assert y.requires_grad is not primitive.constant
    assert isinstance(y.value, np.generic) or not y.value.flags.writeable
    np.testing.assert_array_equal(y.data, primitive(*case.arrays, **case.params))


@every_call
def test_nothing_is_recorded_where_nothing_is_asked_for(primitive, case):
    assert primitive(*_tracked(case, positions=[]), **case.params) is not None
    with ag.no_grad():
        assert primitive(*_tracked(case), **case.params).node is None
    plain = [ag.tensor(a) if i in case.differentiable else a for i, a in enumerate(case.arrays)]
    assert primitive(*plain, **case.params).node is None


# --- the backends -----------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-12)])
@pytest.mark.parametrize(("primitive", "case"), _calls(lambda p: hasattr(kernels, p.name)))
def test_the_backends_agree(primitive, case, dtype, tolerance, rng):
    g = rng.standard_normal(_shape(primitive, case)).astype(dtype)
    arrays = [a.astype(dtype) if i in case.differentiable else a for i, a in enumerate(case.arrays)]
    y, found = _pullback(primitive, case, g, arrays)
    for layout in (np.array, _with_gaps, _in_fortran_order):
        with ag.set_backend("jit"):
            laid = [layout(a) if i in case.differentiable else a for i, a in enumerate(arrays)]
            fast_y, fast_found = _pullback(primitive, case, layout(g), laid)
        for fast, plain in zip([fast_y, *fast_found], [y, *found], strict=True):
            assert fast.dtype == plain.dtype
            scale = np.max(np.abs(plain), initial=0)
            np.testing.assert_allclose(fast, plain, rtol=tolerance, atol=tolerance * scale)
