"""Checking gradients: those of this package's primitives, and yours."""

from typing import TYPE_CHECKING

from autograd_cnn.spelling import teller as _teller
from autograd_cnn.testing.case import Case, add_samples, sample
from autograd_cnn.testing.gradcheck import CheckError, check_adjoint, check_vjp, directional, gradcheck
from autograd_cnn.testing.recorded import check_tape
from autograd_cnn.testing.report import Finding, TapeReport

__all__ = [
    "Case",
    "CheckError",
    "Finding",
    "TapeReport",
    "add_samples",
    "check_adjoint",
    "check_tape",
    "check_vjp",
    "directional",
    "gradcheck",
    "sample",
]

if not TYPE_CHECKING:  # a type checker would take it that every name is there
    __getattr__ = _teller(__name__, __all__)
