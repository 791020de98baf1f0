"""Primitives that choose."""

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.engine.replay import Call
from autograd_cnn.explanations.argmax_candidates import argmax_candidates
from autograd_cnn.explanations.terms import ResultElement


def _found(y, *values, index=()):
    parents = [parent for parent in y.node.parents if parent is not None]
    call = Call.of(y.node, dict(zip(parents, values, strict=False))).in_float64()
    return argmax_candidates(ResultElement(call, index))


def _leaf(values):
    return ag.tensor(values, requires_grad=True)


def test_what_does_not_choose_is_none():
    x = _leaf([1.0])
    assert _found(ag.exp(x), x.value, index=(0,)) is None


def test_unknown_operands_are_none():
    assert _found(ag.max_pool(_leaf([[1.0]]), 1), index=(0, 0)) is None


@pytest.mark.parametrize(("function", "best"), [(ag.max, [4, 3, 2]), (ag.min, [2, 3, 4])])
def test_a_reduction_chooses_along_its_axes(function, best):
    x = _leaf([[9.0, 2.0], [9.0, 4.0], [9.0, 3.0]])
    won, candidates = _found(function(x, axis=0), x.value, index=(1,))
    assert [element.number for element in candidates] == best
    assert [(term.value, term.coefficient) for term in won] == [(best[0], 1)]


def test_two_arrays_are_compared_where_they_are_broadcast_to():
    x, y = _leaf([[1.0], [7.0]]), _leaf([5.0, 8.0])
    won, candidates = _found(ag.minimum(x, y), x.value, y.value, index=(1, 0))
    assert [(element.argument, element.index) for element in candidates] == [("x2", (0,)), ("x1", (1, 0))]
    assert won[0].factors == candidates[:1]


@pytest.mark.parametrize(
    "options",
    [
        {"window": 2}, {"window": (2, 3), "stride": 1}, {"window": 3, "stride": 2, "padding": 1},
        {"window": 2, "stride": 3, "dilation": 2}, {"window": 3, "stride": 2, "ceil_mode": True},
    ],
    ids=str,
)  # fmt: skip
def test_the_window_holds_the_pixels_that_can_win(options):
    rng = np.random.default_rng(0)
    values = rng.permutation(112).reshape(2, 8, 7) * 1.0
    y = ag.max_pool(_leaf(values), **options)
    for index in np.ndindex(y.shape):
        _, candidates = _found(y, values, index=index)
        for element in candidates:
            raised = values.copy()
            raised[element.index] = 1000
            assert ag.max_pool(raised, **options)[index] == 1000
        lowered = values.copy()
        for element in candidates:
            lowered[element.index] = -1000
        assert ag.max_pool(lowered, **options)[index] == -1000
