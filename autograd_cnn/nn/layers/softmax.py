"""Softmax and its relatives as layers, each the function of the same name."""

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array
from autograd_cnn.nn.functional.activation import softmin
from autograd_cnn.nn.module import Module
from autograd_cnn.parameters import Count

__all__ = ["LogSoftmax", "Softmax", "Softmin"]


class _AlongAxis(Module):
    """A function along the axis ``dim``."""

    _shown = ("dim",)

    @composite
    def __init__(self, dim: Count = -1) -> None:
        self.dim = dim


class Softmax(_AlongAxis):
    """``exp(x) / sum(exp(x))`` along ``dim``.

    Parameters
    ----------
    dim : int
        The axis of the classes; PyTorch's name for it.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Softmax()([[0.0, 0.0]])
    array([[0.5, 0.5]])
    """

    def forward(self, x: Array) -> Array:
        """Return probabilities for scores."""
        return ops.softmax(x, axis=self.dim)


class LogSoftmax(_AlongAxis):
    """The logarithm of `Softmax`, along ``dim``.

    Parameters
    ----------
    dim : int
        The axis of the classes; PyTorch's name for it.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.LogSoftmax()([[0.0, 0.0]]).round(3)
    array([[-0.693, -0.693]])
    """

    def forward(self, x: Array) -> Array:
        """Return logarithms of probabilities for scores."""
        return ops.log_softmax(x, axis=self.dim)


class Softmin(_AlongAxis):
    """The `Softmax` of ``-x`` along ``dim``.

    Parameters
    ----------
    dim : int

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Softmin()([[0.0, 0.0]])
    array([[0.5, 0.5]])
    """

    def forward(self, x: Array) -> Array:
        """Return probabilities for negated scores."""
        return softmin(x, self.dim)
