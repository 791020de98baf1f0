"""Activation functions as layers, each `autograd_cnn`'s function of the same name."""

import math

from autograd_cnn import ops
from autograd_cnn.engine.node import Array
from autograd_cnn.nn.checks import between, flags
from autograd_cnn.nn.module import Module


class ReLU(Module):
    """``max(x, 0)``.

    Parameters
    ----------
    inplace : bool
        Without effect, as a result is always new; PyTorch's argument.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.ReLU()([-1.0, 2.0])
    array([0., 2.])
    """

    def __init__(self, inplace: bool = False) -> None:
        flags("ReLU", inplace=inplace)

    def forward(self, x: Array) -> Array:
        """Apply it to every element."""
        return ops.relu(x)


class LeakyReLU(Module):
    """``x`` where it is positive, else ``negative_slope * x``.

    Parameters
    ----------
    negative_slope : float
    inplace : bool
        Without effect, as a result is always new; PyTorch's argument.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.LeakyReLU(0.1)([-1.0, 2.0])
    array([-0.1,  2. ])
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        between("LeakyReLU", -math.inf, math.inf, negative_slope=negative_slope)
        flags("LeakyReLU", inplace=inplace)
        self.negative_slope = negative_slope

    def forward(self, x: Array) -> Array:
        """Apply it to every element."""
        return ops.leaky_relu(x, negative_slope=self.negative_slope)

    def extra_repr(self) -> str:
        """Return the slope."""
        return f"negative_slope={self.negative_slope}"


class ELU(Module):
    """``x`` where it is positive, else ``alpha * (exp(x) - 1)`` (Clevert et al. 2016).

    Parameters
    ----------
    alpha : float
    inplace : bool
        Without effect, as a result is always new; PyTorch's argument.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.ELU()([-1.0, 2.0]).round(3)
    array([-0.632,  2.   ])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        between("ELU", -math.inf, math.inf, alpha=alpha)
        flags("ELU", inplace=inplace)
        self.alpha = alpha

    def forward(self, x: Array) -> Array:
        """Apply it to every element."""
        return ops.elu(x, alpha=self.alpha)

    def extra_repr(self) -> str:
        """Return the limit's size."""
        return f"alpha={self.alpha}"


class GELU(Module):
    """``x`` times the normal distribution's Φ(x) (Hendrycks & Gimpel 2016).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.GELU()(np.array([-1.0, 1.0])).round(3)
    array([-0.159,  0.841])
    """

    def forward(self, x: Array) -> Array:
        """Apply it to every element."""
        return ops.gelu(x)


class SiLU(Module):
    """``x * sigmoid(x)`` (Elfwing et al. 2018).

    Parameters
    ----------
    inplace : bool
        Without effect, as a result is always new; PyTorch's argument.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.SiLU()(np.array([0.0, 1.0])).round(3)
    array([0.   , 0.731])
    """

    def __init__(self, inplace: bool = False) -> None:
        flags("SiLU", inplace=inplace)

    def forward(self, x: Array) -> Array:
        """Apply it to every element."""
        return ops.silu(x)


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Sigmoid()([0.0, 800.0])
    array([0.5, 1. ])
    """

    def forward(self, x: Array) -> Array:
        """Apply it to every element."""
        return ops.sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Tanh()([0.0, 1.0]).round(3)
    array([0.   , 0.762])
    """

    def forward(self, x: Array) -> Array:
        """Apply it to every element."""
        return ops.tanh(x)


class Softplus(Module):
    """``log(1 + exp(x))``, a smooth ReLU.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Softplus()([0.0]).round(3)
    array([0.693])
    """

    def forward(self, x: Array) -> Array:
        """Apply it to every element."""
        return ops.softplus(x)


class Softmax(Module):
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

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Array) -> Array:
        """Return probabilities for scores."""
        return ops.softmax(x, axis=self.dim)

    def extra_repr(self) -> str:
        """Return the axis."""
        return f"dim={self.dim}"


class LogSoftmax(Module):
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

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Array) -> Array:
        """Return logarithms of probabilities for scores."""
        return ops.log_softmax(x, axis=self.dim)

    def extra_repr(self) -> str:
        """Return the axis."""
        return f"dim={self.dim}"
