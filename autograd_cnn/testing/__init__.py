"""Checking gradients: those of this package's primitives, and yours."""

from typing import TYPE_CHECKING

from autograd_cnn.spelling import public as _public
from autograd_cnn.spelling import teller as _teller
from autograd_cnn.testing.case import Case as Case
from autograd_cnn.testing.case import add_samples as add_samples
from autograd_cnn.testing.case import sample as sample
from autograd_cnn.testing.gradcheck import CheckError as CheckError
from autograd_cnn.testing.gradcheck import check_adjoint as check_adjoint
from autograd_cnn.testing.gradcheck import check_vjp as check_vjp
from autograd_cnn.testing.gradcheck import directional as directional
from autograd_cnn.testing.gradcheck import gradcheck as gradcheck
from autograd_cnn.testing.recorded import check_tape as check_tape
from autograd_cnn.testing.report import Finding as Finding
from autograd_cnn.testing.report import TapeReport as TapeReport

if not TYPE_CHECKING:  # type checkers follow the imports, and would assume that every name exists
    __all__ = _public(globals())
    __getattr__ = _teller(__name__, __all__)
