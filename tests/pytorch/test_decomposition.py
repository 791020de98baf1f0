"""Inverses, determinants, decompositions and sorting as PyTorch has them, on the sample calls."""

import importlib

import numpy as np
import torch
from hypothesis import strategies as st
from pytorch.comparison import Call, Counterpart, check, compare
from tables import for_each

from autograd_cnn import ops
from autograd_cnn.ops.decomposition import _cholesky, _qr
from autograd_cnn.ops.inverse import _cofactors, _log_abs_det, _pinv, _sign_det
from autograd_cnn.ops.reduction import cumprod
from autograd_cnn.ops.rounding import _exponent
from autograd_cnn.ops.sorting import _sort
from autograd_cnn.testing.case import SAMPLES

importlib.import_module("autograd_cnn.testing.samples")  # gives the calls


def _symmetric(x):
    return (x + x.mT) / 2


def _below(q, r):
    return torch.cat([q, r.mT], dim=-2)


def _flat_if_none(function):
    return lambda x, axis=None: function(x.flatten() if axis is None else x, dim=0 if axis is None else axis)


THEIRS = {
    ops.inv: torch.linalg.inv,
    ops.solve: lambda a, b: torch.linalg.solve(a, b[..., None])[..., 0] if b.ndim == 1 else torch.linalg.solve(a, b),
    _pinv: lambda x, rcond: torch.linalg.pinv(x),
    ops.det: torch.linalg.det,
    _cofactors: lambda x: torch.linalg.det(x)[..., None, None] * torch.linalg.inv(x).mT,
    _sign_det: lambda x: torch.linalg.slogdet(x)[0],
    _log_abs_det: lambda x: torch.linalg.slogdet(x)[1],
    _cholesky: lambda x: torch.linalg.cholesky(_symmetric(x)),
    _qr: lambda x: _below(*torch.linalg.qr(x)),
    _sort: lambda x, axis: torch.sort(x, dim=axis)[0],
    ops.argsort: _flat_if_none(torch.argsort),
    cumprod: _flat_if_none(torch.cumprod),
    ops.count_nonzero: lambda x, axis=None, keepdims=False: (x != 0).sum(
        dim=tuple(range(x.ndim)) if axis is None else axis, keepdim=keepdims
    ),
    ops.rint: torch.round,
    ops.invert: torch.bitwise_not,
    ops.left_shift: torch.bitwise_left_shift,
    ops.right_shift: torch.bitwise_right_shift,
    _exponent: lambda x: torch.frexp(x)[1],
}
CASES = {primitive: Counterpart(theirs, st.nothing()) for primitive, theirs in THEIRS.items()}


@for_each("primitive", CASES)
def test_values_and_gradients(primitive):
    for case in SAMPLES[primitive]:
        check(primitive, CASES[primitive], Call(case.arrays, case.params))


@for_each("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2)])
def test_what_does_not_depend_on_the_signs_of_singular_vectors(shape, rng):
    def ours(x):
        u, s, vh = ops.svd(x, full_matrices=False)
        return (u * (s * s)[..., None, :]) @ vh + ops.sum(ops.square(u))

    def theirs(x):
        u, s, vh = torch.linalg.svd(x, full_matrices=False)
        return (u * (s * s)[..., None, :]) @ vh + u.square().sum()

    compare(ours, theirs, rng.standard_normal(shape), order=2)


def test_what_does_not_depend_on_the_signs_of_eigenvectors(rng):
    def ours(x):
        w, v = ops.eigh(x)
        return (v * ops.exp(w)[..., None, :]) @ ops.matrix_transpose(v) + ops.sum(v**4)

    def theirs(x):
        w, v = torch.linalg.eigh(_symmetric(x))
        return (v * w.exp()[..., None, :]) @ v.mT + (v**4).sum()

    compare(ours, theirs, rng.standard_normal((2, 3, 3)), order=2)


def test_norms_and_solutions(rng):
    x, b = rng.standard_normal((3, 4)), rng.standard_normal((4, 2))
    for order in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf):
        compare(lambda x, o=order: ops.norm(x, o), lambda x, o=order: torch.linalg.matrix_norm(x, o), x, order=2)
    for order in (1, 2, 3, 0.5, np.inf, -np.inf):
        compare(
            lambda x, o=order: ops.norm(x, o, 1), lambda x, o=order: torch.linalg.vector_norm(x, o, dim=1), x, order=2
        )
    compare(lambda a, b: ops.lstsq(a, b)[0], lambda a, b: torch.linalg.pinv(a) @ b, x.T, b, order=2)
