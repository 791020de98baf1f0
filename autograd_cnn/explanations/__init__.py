"""Explanations of values and gradients, element by element."""

from autograd_cnn.explanations.explain import explain
from autograd_cnn.explanations.explanation import Explanation
from autograd_cnn.explanations.page import to_html
from autograd_cnn.explanations.terms import Element, Term

__all__ = ["Element", "Explanation", "Term", "explain", "to_html"]
