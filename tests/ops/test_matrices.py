"""Inverses, decompositions, norms and diagonals: what they mean where they degenerate, and what is refused."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError, GradientError, ShapeError
from autograd_cnn.testing import check_vjp

TURN = np.linalg.qr(np.array([[0.31, -0.62, 0.83], [1.14, 0.45, -0.27], [-0.76, 1.92, 0.55]]))[0]
TWICE = TURN @ np.diag([1.0, 1.0, 3.0]) @ TURN.T
"""A symmetric matrix of which two eigenvalues are equal."""


# --- degenerate spectra -----------------------------------------------------------------------


def test_values_of_equal_eigenvalues_have_gradients():
    np.testing.assert_allclose(ag.grad(lambda x: ag.sum(ag.eigvalsh(x)))(TWICE), np.eye(3), atol=1e-12)
    np.testing.assert_allclose(ag.grad(lambda x: ag.sum(ag.svdvals(x)))(np.eye(2)), np.eye(2), atol=1e-12)
    np.testing.assert_allclose(
        ag.grad(lambda x: ag.eigh(x).eigenvalues[2])(TWICE), np.outer(TURN[:, 2], TURN[:, 2]), atol=1e-12
    )


def test_vectors_whose_eigenvalue_is_alone_have_gradients():
    """Those of the two equal ones turn as they like, and nothing depends on them."""

    def f(x):
        top = ag.eigh(x).eigenvectors[:, 2]
        return ag.sum(ag.outer(top, top) * np.arange(9.0).reshape(3, 3))

    x, d = TWICE, np.array([[0.3, 0.1, -0.2], [0.1, -0.4, 0.5], [-0.2, 0.5, 0.2]])
    slope = (f(x + 1e-6 * d) - f(x - 1e-6 * d)) / 2e-6
    assert np.sum(ag.grad(f)(x) * d) == pytest.approx(slope, rel=1e-6)


@for_each(
    "name, f, x",
    [
        ("eigh", lambda x: ag.sum(ag.eigh(x)[1] * np.arange(9.0).reshape(3, 3)), TWICE),
        ("svd", lambda x: ag.sum(ag.svd(x)[0] * np.arange(4.0).reshape(2, 2)), np.eye(2)),
    ],
)
def test_vectors_of_equal_values_have_no_gradient(name, f, x):
    with pytest.raises(GradientError) as err:
        ag.grad(f)(x)
    assert str(err.value) == (
        f"{name}_vjp_x: vectors 0 and 1 belong to values that are equal, or 0, up to rounding, "
        "so what depends on them has no gradient; compute from the values alone"
    )


def test_singular_matrices():
    x = np.array([[1.0, 2.0], [2.0, 4.0]])
    np.testing.assert_allclose(ag.grad(ag.det)(x), [[4, -2], [-2, 1]], atol=1e-12)
    assert ag.slogdet(x) == (0.0, -np.inf)
    for f in (ag.inv, lambda x: ag.solve(x, x)):
        with pytest.raises(ArgumentError, match=r": singular matrix; shapes "):
            f(x)
    with pytest.raises(ArgumentError, match="cholesky: matrix is not positive definite"):
        ag.cholesky(-np.eye(2))
    check_vjp(ag.pinv, [np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]])])


def test_a_matrix_with_nan_gives_nan_and_its_neighbours_are_right():
    x = np.stack([np.eye(2), np.full((2, 2), np.nan)])
    for f in (ag.inv, ag.svdvals, ag.eigvalsh, ag.cholesky):
        y = f(x)
        assert np.isfinite(y[0]).all()
        assert np.isnan(y[1]).any()
    assert np.isnan(ag.solve(x, np.ones((2, 1)))[1]).all()


# --- norms ------------------------------------------------------------------------------------


def test_the_gradient_of_a_norm_at_zero_is_zero():
    for f in (ag.norm, lambda x: ag.norm(x, 3), lambda x: ag.norm(x[None]), ag.vector_norm):
        np.testing.assert_array_equal(ag.grad(f)(np.zeros(3)), np.zeros(3))


def test_condition_numbers():
    x = np.diag([4.0, 2.0])
    assert [float(ag.cond(x, p)) for p in (None, 2, -2, 1, "fro")] == pytest.approx(
        [np.linalg.cond(x, p) for p in (None, 2, -2, 1, "fro")]
    )


# --- what is refused --------------------------------------------------------------------------

ROW, STACK = np.ones(3), np.ones((2, 3, 4))


@for_each(
    "call, kind, text",
    [
        (lambda: ag.inv(STACK), ShapeError,
         "inv: x has the wrong shape: expected square matrices in the last two axes, got (2, 3, 4)"),
        (lambda: ag.svd(ROW), ShapeError, "svd: x has the wrong shape: expected matrices in the last two axes, got (3,)"),
        (lambda: ag.solve(np.eye(2), ROW), ShapeError,
         "solve: a and b do not go together: expected a (..., N, N) with b (N,) or (..., N, K), got a=(2, 2), b=(3,)"),
        (lambda: ag.svd(STACK), ArgumentError,
         "svd: of a matrix that is not square the full matrices have no gradient; say full_matrices=False"),
        (lambda: ag.qr(STACK, "raw"), ArgumentError, "qr: the mode has no gradient: expected 'reduced' or 'r', got 'raw'"),
        (lambda: ag.qr(np.ones((4, 3)), "complete"), ArgumentError,
         "qr: the mode has no gradient: expected 'reduced' or 'r', got 'complete'"),
        (lambda: ag.norm(STACK, 2), ArgumentError, "norm: neither vectors nor matrices: expected one axis or two, got (0, 1, 2)"),
        (lambda: ag.norm(ROW, "nuc"), ArgumentError, "norm: unknown norm of vectors: expected a number, got 'nuc'"),
        (lambda: ag.norm(STACK[0], 3), ArgumentError,
         "norm: unknown norm of matrices: expected 'fro', 'nuc', ±1, ±2 or ±inf, got 3"),
        (lambda: ag.matrix_norm(ROW), ArgumentError, "matrix_norm: x has too few axes: expected at least 2, got (3,)"),
        (lambda: ag.cross(ROW, np.ones(2)), ShapeError,
         "cross: vectors are not of three elements; shapes x1=(3,), x2=(2,)"),
        (lambda: ag.multi_dot([ROW]), ArgumentError, "multi_dot: too few arrays: expected at least 2, got 1"),
        (lambda: ag.diagonal(STACK, 0, 1, 1), ArgumentError,
         "diagonal: axis1 and axis2 are the same: expected two axes, got 1"),
        (lambda: ag.diag(STACK), ArgumentError, "diag: x has other axes: expected one or two, got (2, 3, 4)"),
        (lambda: ag.tril(1.0), ArgumentError, "tril: x is a number: expected a matrix, got ()"),
        (lambda: ag.vander(STACK), ArgumentError, "vander: x is not 1-D: expected one axis, got (2, 3, 4)"),
    ],
)  # fmt: skip
def test_what_is_refused(call, kind, text):
    with pytest.raises(kind) as err:
        call()
    assert str(err.value) == text
