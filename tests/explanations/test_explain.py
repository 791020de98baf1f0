"""Why a number is what it is."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
import autograd_cnn.testing.samples  # fills SAMPLES
from autograd_cnn import ops
from autograd_cnn.engine.primitive import REGISTRY
from autograd_cnn.errors import ArgumentError, GradientError, OperandError
from autograd_cnn.explanations import explain
from autograd_cnn.ops.loss import _logistic_loss
from autograd_cnn.ops.pooling import _relu_max_pool
from autograd_cnn.testing.case import SAMPLES

CHOOSING = {ops.max, ops.min, ops.maximum, ops.minimum, ops.max_pool, _relu_max_pool}
CALLS = {
    f"{primitive.name}({case})": (primitive, case)
    for primitive, cases in SAMPLES.items()
    if not primitive.constant
    for case in cases
}


def _leaf(values, **options):
    return ag.tensor(values, requires_grad=True, **options)


# --- every primitive --------------------------------------------------------------------------


def _is_sum(primitive, case):
    if primitive in {ops.batch_norm, ops.layer_norm} and case.arrays[1] is None:
        return False  # without a weight it is a sum of nothing
    if primitive in {ops.batch_norm_inference, _logistic_loss}:
        return False  # what is linear multiplies a difference, or is added to what is not
    return bool(case.linear)


@for_each("primitive, case", CALLS.values(), ids=CALLS)
def test_terms_add_up_or_it_says_what_it_is(primitive, case):
    operands = [_leaf(a) if i in case.differentiable else a for i, a in enumerate(case.arrays)]
    y = primitive(*operands, **case.params)
    rng = np.random.default_rng(0)
    for _ in range(min(y.size, 3)):
        index = tuple(int(rng.integers(n)) for n in y.shape)
        found = explain(y, index)
        assert found.value == y.numpy()[index]
        assert str(found).startswith(
            f"{primitive.name.lstrip('_')}{list(index) if index else ''} = {found.value:.6g}\n"
        )
        if _is_sum(primitive, case) or primitive in CHOOSING:
            scale = sum(abs(term.value) for term in found.terms)
            assert abs(found.total - found.value) <= 1e-12 * max(1, scale)
            assert not found.slopes
            assert len(found.table()) == len(found.candidates or found.terms)
        else:
            assert not found.terms
            assert found.slopes or found.note == "its derivatives are all 0"
            assert found.formula
            assert len(found.table()) == len(found.slopes)


# --- what the terms are -----------------------------------------------------------------------


def _sum_by_loops(x, g, f, c, p, q):
    return sum(x[n, c, i + p, j + q] * g[n, f, i, j] for n, i, j in np.ndindex(len(g), *g.shape[2:]))


def test_a_kernel_weights_gradient_is_the_sum_of_pixels_times_sensitivities():
    rng = np.random.default_rng(3)
    x, w = ag.tensor(rng.standard_normal((2, 3, 5, 4))), _leaf(rng.standard_normal((4, 3, 2, 2)))
    y = ag.correlate2d(x, w)
    y.retain_grad()
    (y * y * y).sum().backward(create_graph=True)
    found = explain(w.grad, (1, 2, 0, 1))
    assert len(found.terms) == 2 * 4 * 3
    for term in found.terms:
        pixel, sensitivity = term.factors
        n, f, i, j = sensitivity.index
        assert (pixel.argument, pixel.index) == ("x", (n, 2, i, j + 1))
        assert (sensitivity.argument, f) == ("g", 1)
        assert pixel.number == x.numpy()[pixel.index]
        assert sensitivity.number == pytest.approx(y.grad.numpy()[sensitivity.index], rel=1e-12)
        assert term.value == pixel.number * sensitivity.number
    by_hand = _sum_by_loops(x.numpy(), y.grad.numpy(), 1, 2, 0, 1)
    assert (found.total, found.value) == (pytest.approx(by_hand, rel=1e-12), pytest.approx(by_hand, rel=1e-12))


def test_a_convolutions_output_is_pixels_times_weights_and_the_bias():
    x, w, b = _leaf(np.arange(9.0).reshape(1, 1, 3, 3)), _leaf([[[[0.0, 2.0], [3.0, 4.0]]]]), _leaf([5.0])
    found = explain(ag.correlate2d(x, w, b, padding=1), (0, 0, 0, 1))
    assert [(t.value, [(f.argument, f.index, f.number) for f in t.factors]) for t in found.terms] == [
        (0.0, [("x", (0, 0, 0, 0), 0.0), ("w", (0, 0, 1, 0), 3.0)]),
        (4.0, [("x", (0, 0, 0, 1), 1.0), ("w", (0, 0, 1, 1), 4.0)]),
        (5.0, [("bias", (0,), 5.0)]),
    ]


def test_factors_that_are_0_or_not_finite_keep_their_places():
    w = _leaf([0.0, np.inf, 3.0])
    found = explain(ag.matmul(np.array([1.0, 2.0, 0.0]), w))
    assert [t.value for t in found.terms] == [0.0, np.inf, 0.0]


def test_a_product_of_three_names_all_factors():
    x, y, z = (_leaf(values) for values in ([2.0, 3.0], [5.0, 7.0], [11.0, 13.0]))
    found = explain(ag.einsum("i,i,i->", x, y, z))
    assert [[f.number for f in t.factors] for t in found.terms] == [[2, 5, 11], [3, 7, 13]]
    assert [f.argument for f in found.terms[0].factors] == ["operands[0]", "operands[1]", "operands[2]"]


def test_a_factor_that_is_no_element_is_a_coefficient():
    found = explain(ag.einsum("i,j->", _leaf([2.0, 3.0]), _leaf([5.0, 7.0])))
    assert [(t.value, t.coefficient) for t in found.terms] == [(24, 12), (36, 12)]


def test_the_winner_of_a_max_pooling_and_its_rivals():
    x = _leaf([[1.0, 5.0, 2.0], [5.0, 4.0, 9.0], [0.0, 3.0, 7.0]])
    found = explain(ag.max_pool(x, 2, stride=1), (0, 0))
    assert [(e.index, e.number) for e in found.candidates] == [((0, 1), 5), ((1, 0), 5), ((1, 1), 4), ((0, 0), 1)]
    assert [term.factors[0].index for term in found.terms] == [(0, 1)]  # the first of two


def test_zero_may_win_a_max_pooling():
    x = _leaf([[-1.0, -5.0, 2.0, 0.0]])
    y = _relu_max_pool(x, (1, 2))
    assert repr(explain(y, (0, 0))) == (
        "relu_max_pool[0, 0] = 0\n"
        "  The largest value of each window, or 0 where none is positive: a `relu` and a `max_pool` in one pass.\n"
        "  the choice among 2 numbers:\n"
        "  -1  x[0, 0]\n"
        "  -5  x[0, 1]\n"
        "  0 counts as well"
    )
    assert [term.factors[0].index for term in explain(y, (0, 1)).terms] == [(0, 2)]


def test_the_border_is_no_rival():
    x = _leaf(np.arange(36.0).reshape(6, 6))
    found = explain(ag.max_pool(x, 3, stride=2, padding=1, dilation=2), (0, 0))
    assert {e.index for e in found.candidates} == {(1, 1), (1, 3), (3, 1), (3, 3)}


def test_what_was_left_out_is_not_missed():
    x, weight = _leaf(np.arange(8.0).reshape(2, 1, 2, 2)), _leaf([3.0])
    found = explain(ag.batch_norm(x), (0, 0, 0, 0))
    assert (len(found.slopes), found.note) == (8, "")
    found = explain(ag.batch_norm(x, weight), (0, 0, 0, 0))
    assert [(t.factors[0].argument, t.factors[0].number) for t in found.terms] == [("weight", 3)]
    assert abs(found.total - found.value) < 1e-12
    bias = np.array([1.0])  # not kept, since no rule asks for it
    found = explain(ag.batch_norm(x, None, bias), (0, 0, 0, 0))
    assert found.note == "the tape did not keep bias; record it under ag.tracing()"


def test_a_smallest_number_is_found_below_the_others_and_shares_where_it_ties():
    found = explain(ag.min(_leaf([[3.0, 1.0, 1.0], [0.0, 0.0, 0.0]]), axis=1), 0)
    assert [e.number for e in found.candidates] == [1, 1, 3]
    assert [term.value for term in found.terms] == [0.5, 0.5]


def test_contributions_at_a_fan_out_are_told_by_where_they_come_from():
    x = _leaf([1.0, 2.0], name="x")
    (ag.exp(x) * 2 + ag.sin(x) * 3 + x * x).sum().backward(create_graph=True)
    found = explain(x.grad, 1)
    assert found.total == pytest.approx(2 * np.exp(2) + 3 * np.cos(2) + 4, rel=1e-12)
    assert len(found.terms) == 4
    assert all(term.text.startswith("from multiply of ") for term in found.terms)


def test_a_long_chain_of_additions_is_one_sum():
    x = _leaf([1.0, 2.0], name="x")
    y = x * 0
    for _ in range(5000):
        y = y + x
    found = explain(y, 1)
    assert (len(found.terms), found.total) == (5001, 10_000)


def test_a_broadcast_part_of_an_addition_keeps_its_own_index():
    x, b = _leaf(np.ones((2, 3))), _leaf([[10.0], [20.0]])
    found = explain(x + b, (1, 2))
    assert [factor.index for term in found.terms for factor in term.factors] == [(1, 2), (1, 0)]


@pytest.mark.parametrize(
    ("build", "index", "value", "text"),
    [
        (lambda x: x + np.array([3.0, 4.0]), 0, 3, "x2, which the tape keeps under ag.tracing() alone"),
        (lambda x: (x + np.array([3.0, 6.0])).sum(), (), 12, "x, which the tape keeps under ag.tracing() alone"),
        (lambda x: ag.pad(x, 1, constant_values=7.0), 0, 7, "whatever the operands are"),
        (
            lambda x: ag.linear(x, np.ones((1, 2)), np.array([5.0])),
            0,
            5,
            "bias, which the tape keeps under ag.tracing() alone",
        ),
    ],
    ids=["array", "operand", "parameter", "bias"],
)
def test_what_no_term_explains_is_named(build, index, value, text):
    x = _leaf([1.0, 2.0])
    found = explain(build(x), index)
    assert [(term.value, term.text) for term in found.terms if not term.factors] == [(value, text)]
    assert found.total == found.value


@pytest.mark.parametrize("build", [lambda x: x + 3.0, lambda x: (x + 3.0).sum(keepdims=True)])
def test_numbers_are_kept(build):
    x = _leaf([1.0, 2.0])
    found = explain(build(x), 0)
    assert all(term.factors for term in found.terms)
    assert found.total == found.value


def test_under_tracing_arrays_are_kept_too():
    x = _leaf([1.0, 2.0])
    with ag.tracing():
        y = x + np.array([3.0, 4.0])
    assert [factor.number for term in explain(y, 1).terms for factor in term.factors] == [2.0, 4.0]


def test_float32_leaves_no_rest_but_rounding():
    rng = np.random.default_rng(1)
    x, w = (_leaf(rng.standard_normal(s), dtype="float32") for s in ((1, 8, 9, 9), (2, 8, 3, 3)))
    found = explain(ag.correlate2d(x, w), (0, 1, 2, 3))
    assert len(found.terms) == 72
    assert found.total == pytest.approx(found.value, rel=1e-5)


def test_a_rule_that_only_pretends_to_be_linear_is_found_out(straight_through):
    x = _leaf([1.4, 2.6])
    found = explain(straight_through(x), 1)
    assert (found.value, found.terms, found.slopes[0][1]) == (3, (), 1)


@pytest.fixture
def straight_through():
    """Return a rounding that passes gradients through, and take it out of the registry again."""
    before = set(REGISTRY)

    @ag.primitive
    def straight_through(x):
        return np.round(x)

    @straight_through.vjp("x")
    def straight_through_wrt_x(g):
        return g

    yield straight_through
    for name in REGISTRY.keys() - before:
        del REGISTRY[name]


# --- what is asked ----------------------------------------------------------------------------


def test_negative_indices_count_from_the_end():
    assert explain(_leaf([[1.0, 2.0]]) * 3, (0, -1)).index == (0, 1)


@pytest.mark.parametrize(
    ("index", "error", "text"),
    [
        ((0,), ArgumentError,
         "explain: the index has the wrong number of axes: expected 2, for the shape (2, 3), got 1"),
        ((0, 3), ArgumentError, "explain: the index is out of range: expected one into the shape (2, 3), got (0, 3)"),
        ((-3, 0), ArgumentError, "explain: the index is out of range: expected one into the shape (2, 3), got (-3, 0)"),
        ((0, 1.0), OperandError, "explain: the index is not understood: expected integers, got (0, 1.0)"),
        (None, OperandError, "explain: the index is not understood: expected integers, got None"),
    ],
)  # fmt: skip
def test_wrong_indices(index, error, text):
    with pytest.raises(error) as raised:
        explain(_leaf(np.ones((2, 3))) * 2, index)
    assert str(raised.value) == text


def _freed():
    y = ag.exp(_leaf([1.0]))
    y.sum().backward()
    return y


@pytest.mark.parametrize(
    ("build", "error", "text"),
    [
        (lambda: np.ones(1), OperandError, "explain: it has no tape: expected a tensor, got ndarray"),
        (lambda: _leaf([1.0]), GradientError,
         "explain: a leaf was given, not computed; explain what was computed from it, or its gradient"),
        (lambda: ag.tensor([1.0]) * 2, GradientError,
         ("explain: nothing was recorded for this tensor; for a gradient, keep a "
          "seed = ag.tensor(1.0, requires_grad=True) and call loss.backward(seed, create_graph=True)")),
        (_freed, GradientError,
         "explain: the graph has been freed by a backward pass; explain before it, or pass retain_graph=True to it"),
    ],
    ids=["array", "leaf", "unrecorded", "freed"],
)  # fmt: skip
def test_what_can_not_be_explained(build, error, text):
    with pytest.raises(error) as raised:
        explain(build(), 0)
    assert str(raised.value) == text


@pytest.mark.parametrize(
    "function",
    [
        ag.transpose, lambda x: ag.matmul(x, np.ones((2, 1))), lambda x: x + x, lambda x: ag.max_pool(x, (1, 2)),
        lambda x: ag.exp(ag.transpose(x)),
    ],
    ids=["element", "product", "fan-out", "choice", "function"],
)  # fmt: skip
def test_after_a_step_of_training_it_is_too_late(function):
    x = _leaf(np.ones((1, 2)), dtype="float32")
    y = function(x)
    x.data = np.float32([[1.001, 1.001]])
    with pytest.raises(GradientError) as raised:
        explain(y, (0,) * y.ndim)
    assert str(raised.value) == (
        "explain: its operands have changed since it was computed; explain before the optimiser's next step"
    )


def test_what_the_tape_kept_does_not_change():
    x = _leaf([1.0, 2.0])
    y = ag.square(x)
    x.data = np.array([5.0, 5.0])
    assert explain(y, 1).slopes[0][0].number == 2


def test_a_tracked_seed_records_the_gradient_of_a_linear_loss():
    x, w = ag.tensor([[1.0, 2.0], [3.0, 4.0]]), _leaf([[1.0]])
    seed = ag.tensor(1.0, requires_grad=True)
    ag.correlate2d(x, w).sum().backward(seed, create_graph=True)
    assert sorted(term.value for term in explain(w.grad, (0, 0)).terms) == [1, 2, 3, 4]
