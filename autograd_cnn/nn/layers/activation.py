"""Activation functions as layers, each `autograd_cnn`'s function of the same name."""

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array
from autograd_cnn.nn.module import Module, Parameterless
from autograd_cnn.parameters import Bool, Count, NotNaN


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

    @composite
    def __init__(self, inplace: Bool = False) -> None:
        pass

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

    @composite
    def __init__(self, negative_slope: NotNaN = 0.01, inplace: Bool = False) -> None:  # noqa: ARG002  # it changes nothing
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

    @composite
    def __init__(self, alpha: NotNaN = 1.0, inplace: Bool = False) -> None:  # noqa: ARG002  # it changes nothing
        self.alpha = alpha

    def forward(self, x: Array) -> Array:
        """Apply it to every element."""
        return ops.elu(x, alpha=self.alpha)

    def extra_repr(self) -> str:
        """Return the limit's size."""
        return f"alpha={self.alpha}"


class GELU(Parameterless):
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

    @composite
    def __init__(self, inplace: Bool = False) -> None:
        pass

    def forward(self, x: Array) -> Array:
        """Apply it to every element."""
        return ops.silu(x)


class Sigmoid(Parameterless):
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


class Tanh(Parameterless):
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


class Softplus(Parameterless):
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

    @composite
    def __init__(self, dim: Count = -1) -> None:
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

    @composite
    def __init__(self, dim: Count = -1) -> None:
        self.dim = dim

    def forward(self, x: Array) -> Array:
        """Return logarithms of probabilities for scores."""
        return ops.log_softmax(x, axis=self.dim)

    def extra_repr(self) -> str:
        """Return the axis."""
        return f"dim={self.dim}"
