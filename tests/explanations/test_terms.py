"""Recorded calls taken apart."""

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import ops
from autograd_cnn.engine.replay import Call
from autograd_cnn.explanations.terms import Element, ResultElement, UnknownError, aligned


def _call(y, *values, index=()):
    parents = [parent for parent in y.node.parents if parent is not None]
    return ResultElement(Call.of(y.node, dict(zip(parents, values, strict=True))).in_float64(), index)


def _leaf(values):
    return ag.tensor(values, requires_grad=True)


def test_factors_are_grouped_and_added_terms_are_not():
    x, w, b = _leaf(np.ones((1, 2))), _leaf(np.ones((1, 2))), _leaf([1.0])
    assert list(_call(ag.linear(x, w, b), x.value, w.value, b.value, index=(0, 0)).groups()) == [[0, 1], [2]]
    assert list(_call(x + w, x.value, w.value, index=(0, 0)).groups()) == [[0], [1]]


@pytest.mark.parametrize(
    ("primitive", "linear"),
    [
        (ops.multiply, [True, True]), (ops.divide, [True, False]), (ops.power, [False, False]),
        (ops.maximum, [False, False]), (ops.subtract, [True, True]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)  # fmt: skip
def test_linear_is_what_no_rule_contradicts(primitive, linear):
    x, y = _leaf([2.0]), _leaf([3.0])
    call = _call(primitive(x, y), x.value, y.value, index=(0,))
    assert [call.is_linear(0), call.is_linear(1)] == linear


def test_a_condition_has_no_rule():
    x = _leaf([2.0, 3.0])
    call = _call(ag.where(x > 2, x, 0.0), x.value, index=(1,))
    assert (call.rule(0), call.is_linear(0), call.is_linear(1)) == (None, False, True)


def test_rows_are_derivatives():
    x = _leaf([1.0, 2.0, 4.0])
    y = ag.softmax(x)
    row = _call(y, x.value, index=(1,)).row(0)
    p = y.numpy()
    np.testing.assert_allclose(row, p[1] * (np.eye(3)[1] - p), rtol=1e-14)


def test_rows_sum_over_what_broadcasting_added():
    x, b = _leaf(np.ones((2, 3))), _leaf([[1.0], [2.0]])
    np.testing.assert_array_equal(_call(x - b, x.value, b.value, index=(1, 2)).row(1), [[0], [-1]])


def test_an_unknown_operand_has_no_row():
    x = _leaf([1.0])
    with pytest.raises(UnknownError):
        _call(x + np.ones(1), x.value, index=(0,)).row(1)


def test_what_a_rule_asks_for_may_be_unknown():
    y = ag.matmul(np.ones((1, 2)), _leaf([[1.0], [2.0]]))
    result = ResultElement(Call.of(y.node, {}).in_float64(), (0, 0))
    with pytest.raises(UnknownError):
        result.terms([0, 1])


def test_elements_are_named_as_in_a_graph():
    x, y = _leaf([[1.0, 2.0]]), _leaf([[3.0, 4.0]])
    call = _call(ag.concatenate([x, y]), x.value, y.value, index=(1, 0))
    assert call.element(1, 1) == Element("arrays[1]", (0, 1), 4.0)
    assert _call(ag.exp(ag.tensor(2.0, requires_grad=True)), np.float64(2)).element(0, 0) == Element("x", (), 2.0)


@pytest.mark.parametrize(
    ("index", "shape", "expected"), [((1, 2), (5, 3), (1, 2)), ((1, 2), (1, 3), (0, 2)), ((1, 2), (), ()), ((), (), ())]
)
def test_broadcast_indices(index, shape, expected):
    assert aligned(index, shape) == expected


def test_the_element_beneath_is_that_of_broadcasting_or_none():
    x = _leaf([[1.0, 2.0]])
    assert _call(ag.relu(x), x.value, index=(0, 1)).beneath(0) == [1]
    assert _call(ag.var(x, axis=1), x.value, index=(0,)).beneath(0) == []


def test_the_value_is_computed_again_where_all_is_known():
    x = _leaf([[1.0, 2.0]])
    assert _call(ag.max_pool(x, (1, 2)), x.value, index=(0, 0)).value() == 2
    assert _call(x + 3, x.value, index=(0, 0)).value() == 4
    assert _call(ag.pad(x, 1), x.value, index=(1, 1)).value() == 1
    assert _call(x + np.ones(2), x.value, index=(0, 0)).value() is None
    assert _call(ag.reshape(x, (2, 1)), np.ones(3), index=(0, 0)).value() is None
