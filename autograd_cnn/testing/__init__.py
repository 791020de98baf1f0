"""Checking gradients: those of this package's primitives, and yours."""

from autograd_cnn.spelling import announce as _announce
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

_announce(globals())
