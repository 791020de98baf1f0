"""Activation functions as layers; each is the function of the same name."""

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array
from autograd_cnn.nn.functional import activation as functional
from autograd_cnn.nn.layers.function import ElementFunction, Function, layer
from autograd_cnn.nn.module import Module, in_dtype_of
from autograd_cnn.nn.parameter import Parameter
from autograd_cnn.ops.activation import check_range
from autograd_cnn.parameters import Bool, Count, Finite, FloatDType, NotNaN, NotNegative, Positive, Size

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]


@layer
class _InPlace(ElementFunction):
    """A function without parameters, but PyTorch's argument."""

    inplace: Bool = False


class ReLU(_InPlace):
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

    function = staticmethod(ops.relu)


@layer
class LeakyReLU(ElementFunction):
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

    function = staticmethod(ops.leaky_relu)
    negative_slope: Finite = 0.01
    inplace: Bool = False


@layer
class ELU(ElementFunction):
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

    function = staticmethod(ops.elu)
    alpha: Finite = 1.0
    inplace: Bool = False


@layer
class GELU(ElementFunction):
    """``x`` times the normal distribution's Φ(x), or an approximation of it (Hendrycks & Gimpel 2016).

    Parameters
    ----------
    approximate : {"none", "tanh"}
        As for `autograd_cnn.nn.functional.gelu`.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.GELU()(np.array([-1.0, 1.0])).round(3)
    array([-0.159,  0.841])
    """

    function = staticmethod(functional.gelu)
    _shows_all = False
    approximate: functional.Approximation = "none"


class SiLU(_InPlace):
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

    function = staticmethod(ops.silu)


class Sigmoid(ElementFunction):
    """``1 / (1 + exp(-x))``.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Sigmoid()([0.0, 800.0])
    array([0.5, 1. ])
    """

    function = staticmethod(ops.sigmoid)


class Tanh(ElementFunction):
    """The hyperbolic tangent.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Tanh()([0.0, 1.0]).round(3)
    array([0.   , 0.762])
    """

    function = staticmethod(ops.tanh)


@layer
class Softplus(ElementFunction):
    """``log(1 + exp(beta·x)) / beta``, a smooth ReLU.

    Parameters
    ----------
    beta : float
    threshold : float, optional
        Return ``x`` itself where ``beta·x`` is larger, as PyTorch does above 20; by default nowhere.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Softplus()([0.0]).round(3)
    array([0.693])
    """

    function = staticmethod(functional.softplus)
    _shows_all = False
    beta: Positive = 1.0
    threshold: NotNaN | None = None


class ReLU6(_InPlace):
    """``min(max(x, 0), 6)`` (Howard et al. 2017).

    Parameters
    ----------
    inplace : bool
        Without effect, as a result is always new; PyTorch's argument.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.ReLU6()([-1.0, 8.0])
    array([0., 6.])
    """

    function = staticmethod(functional.relu6)


class Hardsigmoid(_InPlace):
    """``relu6(x + 3) / 6`` (Howard et al. 2019).

    Parameters
    ----------
    inplace : bool
        Without effect, as a result is always new; PyTorch's argument.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Hardsigmoid()([-4.0, 0.0])
    array([0. , 0.5])
    """

    function = staticmethod(functional.hardsigmoid)


class Hardswish(_InPlace):
    """``x · relu6(x + 3) / 6`` (Howard et al. 2019).

    Parameters
    ----------
    inplace : bool
        Without effect, as a result is always new; PyTorch's argument.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Hardswish()([1.5, 4.0])
    array([1.125, 4.   ])
    """

    function = staticmethod(functional.hardswish)


class SELU(_InPlace):
    """`ELU` with constants that keep mean and variance (Klambauer et al. 2017).

    Parameters
    ----------
    inplace : bool
        Without effect, as a result is always new; PyTorch's argument.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.SELU()([-1.0, 1.0]).round(3)
    array([-1.111,  1.051])
    """

    function = staticmethod(functional.selu)


class Mish(_InPlace):
    """``x · tanh(softplus(x))`` (Misra 2020).

    Parameters
    ----------
    inplace : bool
        Without effect, as a result is always new; PyTorch's argument.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Mish()([-1.0, 1.0]).round(3)
    array([-0.303,  0.865])
    """

    function = staticmethod(functional.mish)


class Softsign(ElementFunction):
    """``x / (1 + |x|)``.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Softsign()([-1.0, 3.0])
    array([-0.5 ,  0.75])
    """

    function = staticmethod(functional.softsign)


class LogSigmoid(ElementFunction):
    """The logarithm of `Sigmoid`, without overflow.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.LogSigmoid()([2.0]).round(3)
    array([-0.127])
    """

    function = staticmethod(functional.logsigmoid)


@layer
class Hardtanh(ElementFunction):
    """``x`` limited to the range from ``min_val`` to ``max_val``.

    Parameters
    ----------
    min_val, max_val : float
    inplace : bool
        Without effect, as a result is always new; PyTorch's argument.

    Raises
    ------
    ArgumentError
        If ``min_val`` is above ``max_val``.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Hardtanh()([-2.0, 0.5])
    array([-1. ,  0.5])
    """

    function = staticmethod(functional.hardtanh)
    min_val: NotNaN = -1.0
    max_val: NotNaN = 1.0
    inplace: Bool = False

    def __post_init__(self) -> None:
        check_range("Hardtanh", self.min_val, self.max_val)


@layer
class CELU(ElementFunction):
    """An `ELU` whose slope at 0 is 1 for any ``alpha`` (Barron 2017).

    Parameters
    ----------
    alpha : float
    inplace : bool
        Without effect, as a result is always new; PyTorch's argument.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.CELU(2.0)([-2.0, 2.0]).round(3)
    array([-1.264,  2.   ])
    """

    function = staticmethod(functional.celu)
    alpha: Positive = 1.0
    inplace: Bool = False


class PReLU(Module):
    """``x`` where it is positive, else ``weight · x`` with a learned slope (He et al. 2015).

    Parameters
    ----------
    num_parameters : int
        1, or the number of channels, for one slope each.
    init : float
        The initial slope.
    dtype : dtype
        Of the parameter.

    Attributes
    ----------
    weight : Parameter, (num_parameters,)

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.PReLU()([-1.0, 2.0]).numpy()
    array([-0.25,  2.  ], dtype=float32)
    """

    @composite
    def __init__(self, num_parameters: Size = 1, init: Finite = 0.25, *, dtype: FloatDType = np.float32) -> None:
        self.weight = Parameter(np.full(num_parameters, init, dtype))

    def forward(self, x: Array) -> Array:
        """Apply it to every element of ``x`` (N, C, ...)."""
        return functional.prelu(in_dtype_of(self.weight, x), self.weight)

    def extra_repr(self) -> str:
        """Return the number of slopes."""
        return f"num_parameters={self.weight.size}"


@layer
class GLU(ElementFunction):
    """``a · sigmoid(b)`` for the halves a and b along ``dim`` (Dauphin et al. 2017).

    Parameters
    ----------
    dim : int
        The axis to halve.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.GLU()([3.0, 4.0, 0.0, 0.0])
    array([1.5, 2. ])
    """

    function = staticmethod(functional.glu)
    dim: Count = -1


class Tanhshrink(ElementFunction):
    """``x - tanh(x)``.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Tanhshrink()([1.0]).round(3)
    array([0.238])
    """

    function = staticmethod(functional.tanhshrink)


@layer
class Hardshrink(ElementFunction):
    """``x``, but 0 where it is between ``-lambd`` and ``lambd``.

    Parameters
    ----------
    lambd : float

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Hardshrink()([-1.0, 0.2])
    array([-1.,  0.])
    """

    function = staticmethod(functional.hardshrink)
    lambd: NotNegative = 0.5


@layer
class Softshrink(ElementFunction):
    """``x`` moved towards 0 by ``lambd``; 0 where it is closer to 0 than that.

    Parameters
    ----------
    lambd : float

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Softshrink()([-1.0, 0.2])
    array([-0.5,  0. ])
    """

    function = staticmethod(functional.softshrink)
    lambd: NotNegative = 0.5


@layer
class Threshold(ElementFunction):
    """``x`` where it is above ``threshold``, else ``value``.

    Parameters
    ----------
    threshold : float
    value : float
    inplace : bool
        Without effect, as a result is always new; PyTorch's argument.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Threshold(0.5, 9.0)([0.2, 1.0])
    array([9., 1.])
    """

    function = staticmethod(functional.threshold)
    threshold: NotNaN
    value: NotNaN
    inplace: Bool = False


# --- along an axis ----------------------------------------------------------------------------


@layer
class _AlongAxis(Function):
    """A function along the axis ``dim``."""

    _shows_all = True

    dim: Count = -1

    def forward(self, x: Array) -> Array:
        """Return probabilities for scores, or their logarithms."""
        return self.function(x, self.dim)


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

    function = staticmethod(ops.softmax)


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

    function = staticmethod(ops.log_softmax)


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

    function = staticmethod(functional.softmin)
