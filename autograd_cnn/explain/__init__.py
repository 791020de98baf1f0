"""Why a gradient is what it is, element by element."""

from autograd_cnn.explain.explain import explain
from autograd_cnn.explain.explanation import Explanation
from autograd_cnn.explain.terms import Element, Term

__all__ = ["Element", "Explanation", "Term", "explain"]
