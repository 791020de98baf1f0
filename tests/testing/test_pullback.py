import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.testing import CheckError, sample
from autograd_cnn.testing.pullback import (
    LAYOUTS,
    agree,
    dot,
    drawn_cotangent,
    leaf,
    moved,
    operand,
    pullback,
    tracked,
    unit,
)

CASE = sample([[1.0, 2.0]], [[3.0], [4.0]], axis=0)


def _refused(*args, **params):
    with pytest.raises(CheckError) as caught:
        agree(*args, **params)
    return str(caught.value)


def test_operand():
    assert [operand(ag.where, i) for i in range(3)] == ["condition", "x1", "x2"]


def test_tracked_by_default_are_all_floats():
    operands = tracked(sample([1.0], [1], 2.0))
    assert [isinstance(x, ag.Tensor) for x in operands] == [True, False, False]
    assert tracked(CASE, positions=[])[0] is CASE.arrays[0]
    other = [np.zeros(2), np.ones(2)]
    operands = tracked(CASE, other, [1])
    assert operands[0] is other[0]
    assert operands[1].requires_grad


def test_a_leaf_shares_its_array():
    array = np.ones((2, 3), order="F")
    made = leaf(array)
    assert made.value is array
    assert made.is_leaf
    assert made.requires_grad


def test_pullback_of_a_product(rng):
    case = sample(*CASE.arrays)
    g = drawn_cotangent(ag.matmul, case, rng)
    assert g.shape == (1, 1)
    y, (of_x1, of_x2) = pullback(ag.matmul, case, g)
    assert y.item() == 11.0
    np.testing.assert_allclose(of_x1, g * [[3.0, 4.0]])
    np.testing.assert_allclose(of_x2, g * [[1.0], [2.0]])


def test_moved_leaves_the_case():
    first, second = moved(CASE, {1: np.array([[1.0], [0.0]])}, 0.5)
    assert first is CASE.arrays[0]
    assert second.tolist() == [[3.5], [4.0]]
    assert CASE.arrays[1].tolist() == [[3.0], [4.0]]


def test_unit_is_one_direction(rng):
    parts = unit(rng, (2, 3), (), (4,))
    assert [part.shape for part in parts] == [(2, 3), (), (4,)]
    assert sum(dot(part, part) for part in parts) == pytest.approx(1)
    assert [part.shape for part in unit(rng, (0, 3))] == [(0, 3)]


def test_agree_returns_the_largest_error():
    assert agree("it", [1.0, 2.0], [1.0, 2.0]) == 0
    assert agree("it", [1.0, 2.5], [1.0, 2.0], relative=0.3) == 0.25
    assert agree("it", [0.0, 0.5], [0.0, 0.0], absolute=1.0) == 0.5
    assert agree("it", np.zeros((0, 3)), np.zeros((0, 3)), 1.0) == 0
    assert agree("it", [True, False], [True, False]) == 0
    assert agree("it", np.array([np.nan, 1]), np.array([np.nan, 1])) == 0


def test_agree_names_the_worst():
    found, expected = np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 2.1, 5.0]])
    assert _refused("it", found, expected) == "it, at (0, 2): expected 5, got 3"
    assert _refused("it", found, expected, 0.1) == "it, at (0, 2): expected 5, got 3"
    assert _refused("it", 1.0, 2.0) == "it: expected 2, got 1"
    assert _refused("it", np.nan, 2.0) == "it: expected 2, got nan"
    assert _refused("it", [[1.0]], [1.0]) == "it: another shape: expected (1,), got (1, 1)"
    assert _refused("it", [True], [False]) == "it, at (0,): expected 0, got 1"


@for_each("name", LAYOUTS)
@for_each("shape", [(3, 4), (2, 3, 4), (5,), (), (0, 3), (1, 1)])
@for_each("dtype", [np.float32, np.float64])
def test_a_layout_keeps_the_numbers(name, shape, dtype, rng):
    a = rng.standard_normal(shape).astype(dtype)
    laid = LAYOUTS[name](a)
    np.testing.assert_array_equal(laid, a)
    assert laid.dtype == dtype


def test_layouts_differ():
    strides = {name: layout(np.ones((3, 4))).strides for name, layout in LAYOUTS.items()}
    assert strides == {"row by row": (32, 8), "in Fortran order": (8, 24), "with gaps": (-144, -16)}
    assert not LAYOUTS["with gaps"](np.ones(3)).flags.writeable
