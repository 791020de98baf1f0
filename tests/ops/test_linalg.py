"""Products against NumPy's: every way in which matmul broadcasts, drawn einsum and tensordot."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError, ShapeError

generators = st.builds(np.random.default_rng, st.integers(0, 2**32 - 1))

MATMULS = [
    ((3,), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3,)),
    ((2, 3), (3, 4)),
    ((3,), (5, 3, 4)),
    ((5, 2, 3), (3,)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((1, 2, 3), (5, 3, 4)),
    ((6, 1, 2, 3), (5, 3, 4)),
    ((6, 5, 2, 3), (6, 1, 3, 4)),
    ((0, 3), (3, 4)),
    ((2, 0), (0, 4)),
    ((0, 2, 3), (3, 4)),
]


def _pulled_by_loops(x1, x2, g):
    """Return the gradients of ⟨g, x1 @ x2⟩ one number at a time: each is ⟨g, a @ b⟩ with a unit in one place."""
    found = []
    for place, x in enumerate((x1, x2)):
        gradient = np.zeros(x.shape)
        for at in np.ndindex(x.shape):
            unit = np.zeros(x.shape)
            unit[at] = 1
            gradient[at] = np.sum(g * (unit @ x2 if place == 0 else x1 @ unit))
        found.append(gradient)
    return found


@for_each("shape1, shape2", MATMULS)
def test_matmul_and_its_gradients(shape1, shape2, rng):
    x1, x2 = rng.standard_normal(shape1), rng.standard_normal(shape2)
    t1, t2 = ag.tensor(x1, requires_grad=True), ag.tensor(x2, requires_grad=True)
    y = ag.matmul(t1, t2)
    np.testing.assert_allclose(y.data, x1 @ x2, rtol=1e-14)
    g = rng.standard_normal(y.shape)
    y.backward(g)
    for t, expected in zip((t1, t2), _pulled_by_loops(x1, x2, g), strict=True):
        np.testing.assert_allclose(t.grad.data, expected, rtol=1e-12, atol=1e-13)


@given(rng=generators, data=st.data())
def test_tensordot_is_numpys(rng, data):
    ndim1, ndim2 = (data.draw(st.integers(1, 3)) for _ in range(2))
    count = data.draw(st.integers(0, min(ndim1, ndim2)))
    axes1 = data.draw(st.permutations(range(ndim1)))[:count]
    axes2 = data.draw(st.permutations(range(ndim2)))[:count]
    shape1, shape2 = rng.integers(1, 4, ndim1), rng.integers(1, 4, ndim2)
    shape2[axes2] = shape1[axes1]
    x1, x2 = rng.standard_normal(shape1), rng.standard_normal(shape2)
    below = [a - ndim1 for a in axes1]
    for axes in [(axes1, axes2), (below, axes2), *([(axes1[0], axes2[0])] if count == 1 else [])]:
        np.testing.assert_allclose(ag.tensordot(x1, x2, axes), np.tensordot(x1, x2, axes), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("axes", [0, 1, 2])
def test_tensordot_over_so_many_axes(axes, rng):
    x1, x2 = rng.standard_normal((2, 3, 3)), rng.standard_normal((3, 3, 4))
    np.testing.assert_allclose(ag.tensordot(x1, x2, axes), np.tensordot(x1, x2, axes), rtol=1e-12, atol=1e-13)


def test_outer_is_numpys(rng):
    x1, x2 = rng.standard_normal((2, 3)), rng.standard_normal(4)
    np.testing.assert_array_equal(ag.outer(x1, x2), np.outer(x1, x2))


# --- einsum -----------------------------------------------------------------------------------


def _check_einsum(subscripts, arrays, rng):
    """Compare with NumPy; the sum is linear in each operand, so its gradient needs no differences."""
    tensors = [ag.tensor(a, requires_grad=True) for a in arrays]
    y = ag.einsum(subscripts, *tensors)
    np.testing.assert_allclose(y.data, np.einsum(subscripts, *arrays), rtol=1e-12, atol=1e-13)
    g = rng.standard_normal(y.shape)
    y.backward(g)
    for i, t in enumerate(tensors):
        v = rng.standard_normal(t.shape)
        expected = np.sum(g * np.einsum(subscripts, *arrays[:i], v, *arrays[i + 1 :]))
        assert np.sum(t.grad.data * v) == pytest.approx(expected, rel=1e-11, abs=1e-12)


def test_tensordot_joins_two_axes_unless_told_otherwise(rng):
    x1, x2 = rng.standard_normal((3, 3, 3)), rng.standard_normal((3, 3, 3))
    np.testing.assert_allclose(ag.tensordot(x1, x2), np.tensordot(x1, x2), rtol=1e-12)


@given(rng=generators, data=st.data())
def test_einsum_is_numpys(rng, data):
    """Draw up to three terms over four labels, repeated ones included, and an output of some of them."""
    lengths = dict(zip("abcd", (2, 3, 1, 4), strict=True))
    terms = data.draw(st.lists(st.text("abcd", max_size=3), min_size=1, max_size=3))
    used = sorted(set("".join(terms)))
    out = "".join(data.draw(st.permutations(used))[: data.draw(st.integers(0, len(used)))])
    arrow = data.draw(st.sampled_from(["", f"->{out}"]))
    arrays = [rng.standard_normal([lengths[label] for label in term]) for term in terms]
    _check_einsum(",".join(terms) + arrow, arrays, rng)


@for_each(
    "subscripts, shapes",
    [
        ("ii", [(3, 3)]),
        ("ii->i", [(3, 3)]),
        ("iji->j", [(3, 2, 3)]),
        ("iii->i", [(3, 3, 3)]),
        ("ii,ij->j", [(3, 3), (3, 2)]),
        ("...ij,...jk->...ik", [(5, 2, 3), (3, 4)]),
        ("i...,i...->...", [(2, 3, 4), (2, 4)]),
        ("...,...", [(2, 3), (3,)]),
        ("...i->...", [(2, 3)]),
        ("bac->bc", [(2, 3, 4)]),
        ("ij...", [(2, 3, 4)]),
        ("ba", [(2, 3)]),
        (" ij , jk -> ik ", [(2, 3), (3, 4)]),
        ("ij,ij->i", [(1, 3), (2, 3)]),
        ("ij,ij->i", [(1, 3), (0, 3)]),
        ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 2)]),
        ("nchw,fc->nfhw", [(2, 3, 2, 2), (4, 3)]),
        (",->", [(), ()]),
    ],
)
def test_einsum_special_cases(subscripts, shapes, rng):
    _check_einsum(subscripts, [rng.standard_normal(shape) for shape in shapes], rng)


def test_einsum_without_repeated_labels_is_one_operation():
    x1, x2 = ag.tensor(np.ones((2, 3)), requires_grad=True), ag.tensor(np.ones((3, 4)), requires_grad=True)
    assert ag.einsum("ij,jk->ik", x1, x2).node.parents == (x1.node, x2.node)


# --- errors -----------------------------------------------------------------------------------

LINEAR = "linear: x and w do not go together: expected x (..., D) with w (F, D)"
BIAS = "linear: bias has the wrong shape: expected one number for each output, (4,)"


@for_each(
    "call, kind, text",
    [
        (
            lambda: ag.matmul(np.zeros((2, 3)), np.zeros((4, 5))),
            ShapeError,
            "matmul: x1 has 3 columns but x2 has 4 rows; shapes x1=(2, 3), x2=(4, 5)",
        ),
        (
            lambda: ag.matmul(np.zeros(3), np.zeros(4)),
            ShapeError,
            "matmul: x1 has 3 columns but x2 has 4 rows; shapes x1=(3,), x2=(4,)",
        ),
        (
            lambda: ag.tensor(np.zeros((2, 3))) @ np.zeros((2, 3)),
            ShapeError,
            "matmul: x1 has 3 columns but x2 has 2 rows; shapes x1=(2, 3), x2=(2, 3)",
        ),
        (lambda: ag.linear(np.zeros((2, 3)), np.zeros((4, 5))), ShapeError, f"{LINEAR}, got x=(2, 3), w=(4, 5)"),
        (lambda: ag.linear(np.zeros((2, 3)), np.zeros((4, 2))), ShapeError, f"{LINEAR}, got x=(2, 3), w=(4, 2)"),
        (lambda: ag.linear(np.zeros(3), np.zeros(3)), ShapeError, f"{LINEAR}, got x=(3,), w=(3,)"),
        (lambda: ag.linear(np.zeros(3), np.zeros((1, 3, 3))), ShapeError, f"{LINEAR}, got x=(3,), w=(1, 3, 3)"),
        (lambda: ag.linear(2.0, np.zeros((4, 3))), ShapeError, f"{LINEAR}, got x=(), w=(4, 3)"),
        (lambda: ag.linear(np.zeros(3), np.zeros((4, 3)), np.zeros(3)), ShapeError, f"{BIAS}, got (3,)"),
        (lambda: ag.linear(np.zeros(3), np.zeros((4, 3)), np.zeros(5)), ShapeError, f"{BIAS}, got (5,)"),
        (lambda: ag.linear(np.zeros(3), np.zeros((4, 3)), np.zeros((4, 1))), ShapeError, f"{BIAS}, got (4, 1)"),
        (
            lambda: ag.tensordot(np.zeros((2, 3)), np.zeros((4, 5)), axes=1),
            ShapeError,
            "tensordot: the paired axes differ in length; shapes x1=(2, 3), x2=(4, 5)",
        ),
        (
            lambda: ag.tensordot(np.zeros((2, 4)), np.zeros((3, 5)), axes=1),
            ShapeError,
            "tensordot: the paired axes differ in length; shapes x1=(2, 4), x2=(3, 5)",
        ),
        (
            lambda: ag.einsum("ij,jk", np.zeros((2, 3))),
            ArgumentError,
            "einsum: terms and operands differ in number: expected 2, got 1",
        ),
        (
            lambda: ag.einsum("ij", np.zeros((2, 3)), np.zeros((2, 3))),
            ArgumentError,
            "einsum: terms and operands differ in number: expected 1, got 2",
        ),
        (
            lambda: ag.einsum("ijk->i", np.zeros((2, 3))),
            ShapeError,
            "einsum: term 'ijk' does not fit its operand: expected 3 axes, got shape (2, 3)",
        ),
        (
            lambda: ag.einsum("i->i", np.zeros((2, 3))),
            ShapeError,
            "einsum: term 'i' does not fit its operand: expected 1 axes, got shape (2, 3)",
        ),
        (
            lambda: ag.einsum("ii->i", np.zeros((2, 3))),
            ShapeError,
            "einsum: term 'ii' repeats 'i' over axes of different lengths; shape (2, 3)",
        ),
    ],
)
def test_bad_input(call, kind, text):
    with pytest.raises(kind) as err:
        call()
    assert str(err.value) == text


@for_each(
    "call",
    [
        lambda: ag.matmul(np.zeros((2, 1, 3)), np.zeros((3, 3, 4))),
        lambda: ag.einsum("ij,jk->ik", np.zeros((2, 3)), np.zeros((4, 5))),
        lambda: ag.einsum("ij->ik", np.zeros((2, 3))),
        lambda: ag.einsum("ij->ii", np.zeros((2, 3))),
        lambda: ag.einsum("i1->i", np.zeros((2, 3))),
        lambda: ag.tensordot(np.zeros((2, 3)), np.zeros((3, 2)), axes=(2, 0)),
        lambda: ag.tensordot(np.zeros((2, 3)), np.zeros((3, 2)), axes=3),
        lambda: ag.tensordot(np.zeros((2, 3)), np.zeros((2, 3)), axes=(0, 0, 1)),
        lambda: ag.tensordot(np.zeros((2, 3)), np.zeros((3, 2)), axes=((0, 1), (1,))),
    ],
)
def test_what_numpy_refuses_is_refused(call):
    with pytest.raises((ValueError, IndexError)):
        call()


@pytest.mark.parametrize(("x1", "x2"), [(2.0, np.zeros(3)), (np.zeros(3), 2.0)])
def test_a_number_is_no_factor_of_a_matrix_product(x1, x2):
    with pytest.raises(ValueError, match="matmul: an operand is a single number; multiply with"):
        ag.matmul(x1, x2)
