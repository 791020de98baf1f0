"""Checking gradients: for this package's primitives, and for yours."""

from autograd_cnn.testing.gradcheck import CheckError, check_adjoint, check_vjp, directional, gradcheck

__all__ = ["CheckError", "check_adjoint", "check_vjp", "directional", "gradcheck"]
