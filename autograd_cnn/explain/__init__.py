"""Why a gradient is what it is, element by element."""

from autograd_cnn.explain.call import Element, Term
from autograd_cnn.explain.explain import explain
from autograd_cnn.explain.explanation import Explanation

__all__ = ["Element", "Explanation", "Term", "explain"]
