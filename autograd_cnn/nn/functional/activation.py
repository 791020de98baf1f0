"""Activation functions with PyTorch's names and arguments, composed of functions of `autograd_cnn`.

At their kinks the derivatives are PyTorch's.
"""

from typing import Final, Literal, TypeAlias

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.errors import ShapeError
from autograd_cnn.ops.activation import _gelu_tanh, _shrink
from autograd_cnn.parameters import Bool, Count, NotNaN, NotNegative, Positive

__all__ = [
    "celu",
    "gelu",
    "glu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "logsigmoid",
    "mish",
    "prelu",
    "relu6",
    "selu",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanhshrink",
    "threshold",
]

Approximation: TypeAlias = Literal["none", "tanh"]

_SELU_ALPHA: Final = 1.6732632423543772
_SELU_SCALE: Final = 1.0507009873554805
"""With these a layer's outputs approach mean 0 and variance 1 (Klambauer et al. 2017)."""


@composite
def hardtanh(input: Array, min_val: NotNaN = -1.0, max_val: NotNaN = 1.0, inplace: Bool = False) -> Array:  # noqa: ARG001  # a result is always new
    """`autograd_cnn.hardtanh`: ``x`` limited to the range from ``min_val`` to ``max_val``.

    Examples
    --------
    >>> hardtanh([-2.0, 0.5, 2.0])
    array([-1. ,  0.5,  1. ])
    """
    return ops.hardtanh(input, min_val=min_val, max_val=max_val)


@composite
def relu6(input: Array, inplace: Bool = False) -> Array:  # noqa: ARG001  # a result is always new
    """``min(max(x, 0), 6)`` (Howard et al. 2017).

    Examples
    --------
    >>> relu6([-1.0, 2.0, 8.0])
    array([0., 2., 6.])
    """
    return ops.hardtanh(input, min_val=0.0, max_val=6.0)


@composite
def hardsigmoid(input: Array, inplace: Bool = False) -> Array:  # noqa: ARG001  # a result is always new
    """`autograd_cnn.hardsigmoid`: ``relu6(x + 3) / 6``, a piecewise linear sigmoid (Howard et al. 2019).

    Examples
    --------
    >>> hardsigmoid([-4.0, 0.0, 1.5])
    array([0.  , 0.5 , 0.75])
    """
    return ops.hardsigmoid(input)


@composite
def hardswish(input: Array, inplace: Bool = False) -> Array:  # noqa: ARG001  # a result is always new
    """`autograd_cnn.hardswish`: ``x · relu6(x + 3) / 6``, a `silu` with a piecewise linear sigmoid (Howard et al. 2019).

    Examples
    --------
    >>> hardswish([-4.0, 1.5, 4.0])
    array([-0.   ,  1.125,  4.   ])
    """
    return ops.hardswish(input)


@composite
def selu(input: Array, inplace: Bool = False) -> Array:  # noqa: ARG001  # a result is always new
    """``scale·elu(x, alpha)`` with constants that keep mean and variance (Klambauer et al. 2017).

    Examples
    --------
    >>> selu([-1.0, 1.0]).round(3)
    array([-1.111,  1.051])
    """
    return ops.multiply(ops.elu(input, alpha=_SELU_ALPHA), _SELU_SCALE)


@composite
def celu(input: Array, alpha: Positive = 1.0, inplace: Bool = False) -> Array:  # noqa: ARG001  # a result is always new
    """``x`` where it is positive, else ``alpha·(exp(x / alpha) - 1)``: an ELU with a slope of 1 at 0 (Barron 2017).

    Examples
    --------
    >>> celu([-2.0, 2.0], alpha=2.0).round(3)
    array([-1.264,  2.   ])
    """
    return ops.multiply(ops.elu(ops.divide(input, alpha)), alpha)


@composite
def gelu(input: Array, approximate: Approximation = "none") -> Array:
    """``x`` times the normal distribution's Φ(x), or an approximation of it (Hendrycks & Gimpel 2016).

    Parameters
    ----------
    input : array
    approximate : {"none", "tanh"}
        ``"tanh"`` is ``x·(1 + tanh(sqrt(2 / π)·(x + 0.044715·x³))) / 2``, with an error of up to 5e-4.

    Raises
    ------
    ArgumentError
        For another ``approximate``.

    Examples
    --------
    >>> gelu([1.0]).round(4), gelu([1.0], approximate="tanh").round(4)
    (array([0.8413]), array([0.8412]))
    """
    return ops.gelu(input) if approximate == "none" else _gelu_tanh(input)


@composite
def mish(input: Array, inplace: Bool = False) -> Array:  # noqa: ARG001  # a result is always new
    """``x · tanh(softplus(x))`` (Misra 2020).

    Examples
    --------
    >>> mish([-1.0, 1.0]).round(3)
    array([-0.303,  0.865])
    """
    return ops.multiply(input, ops.tanh(ops.softplus(input)))


@composite
def softsign(input: Array) -> Array:
    """``x / (1 + |x|)``.

    Examples
    --------
    >>> softsign([-1.0, 3.0])
    array([-0.5 ,  0.75])
    """
    return ops.divide(input, ops.add(ops.absolute(input), 1.0))


@composite
def softplus(input: Array, beta: Positive = 1.0, threshold: NotNaN | None = None) -> Array:
    """``log(1 + exp(beta·x)) / beta``, a smooth ReLU.

    Parameters
    ----------
    input : array
    beta : float
        The sharpness of the bend.
    threshold : float, optional
        Return ``x`` itself where ``beta·x`` is larger. By default nowhere: PyTorch does so above 20 to avoid an
        overflow, which can't happen here.

    Examples
    --------
    >>> softplus([0.0], beta=2.0).round(3)
    array([0.347])
    """
    scaled = input if beta == 1 else ops.multiply(input, beta)
    y = ops.softplus(scaled) if beta == 1 else ops.divide(ops.softplus(scaled), beta)
    return y if threshold is None else ops.where(ops.greater(scaled, threshold), input, y)


@composite
def logsigmoid(input: Array) -> Array:
    """``log(sigmoid(x))``, without overflow.

    Examples
    --------
    >>> logsigmoid([-800.0, 2.0]).round(3)
    array([-8.00e+02, -1.27e-01])
    """
    return ops.negative(ops.softplus(ops.negative(input)))


@composite
def glu(input: Array, dim: Count = -1) -> Array:
    """``a · sigmoid(b)`` for the halves a and b along ``dim`` (Dauphin et al. 2017).

    Raises
    ------
    ShapeError
        If the axis can't be halved.

    Examples
    --------
    >>> glu([3.0, 4.0, 0.0, 0.0])
    array([1.5, 2. ])
    """
    shape = shape_of(input)
    if not -len(shape) <= dim < len(shape) or shape[dim] % 2:
        raise ShapeError("glu", "x has no two halves", expected=f"an even length along {dim}", got=shape)
    a, b = ops.split(input, 2, axis=dim)
    return a * ops.sigmoid(b)


@composite
def prelu(input: Array, weight: Array) -> Array:
    """``x`` where it is positive, else ``weight · x`` with a learned slope (He et al. 2015).

    Parameters
    ----------
    input : (N, C, ...) or any shape
    weight : (C,) or (1,)
        A slope for each channel, or one for all.

    Raises
    ------
    ShapeError
        If the slopes do not match the channels.

    Examples
    --------
    >>> prelu([[-1.0, -1.0], [2.0, 2.0]], [0.5, 0.25])
    array([[-0.5 , -0.25],
           [ 2.  ,  2.  ]])
    """
    shape, slopes = shape_of(input), shape_of(weight)
    channels = shape[1] if len(shape) > 1 else 1
    if slopes not in ((), (1,), (channels,)):
        raise ShapeError("prelu", "weight has the wrong shape", expected=f"(1,) or {(channels,)}", got=slopes)
    if len(shape) > 1 and slopes == (channels,):
        weight = ops.reshape(weight, shape=(-1, *(1,) * (len(shape) - 2)))
    elif slopes:
        weight = ops.reshape(weight, shape=())
    positive = ops.relu(input)
    return positive + (input - positive) * weight


@composite
def softmin(input: Array, dim: Count = -1) -> Array:
    """The softmax of ``-x`` along ``dim``.

    Examples
    --------
    >>> softmin([[0.0, 0.0]])
    array([[0.5, 0.5]])
    """
    return ops.softmax(ops.negative(input), axis=dim)


@composite
def tanhshrink(input: Array) -> Array:
    """``x - tanh(x)``.

    Examples
    --------
    >>> tanhshrink([1.0]).round(3)
    array([0.238])
    """
    return ops.subtract(input, ops.tanh(input))


@composite
def hardshrink(input: Array, lambd: NotNegative = 0.5) -> Array:
    """``x``, but 0 where it is between ``-lambd`` and ``lambd``.

    Examples
    --------
    >>> hardshrink([-1.0, 0.2, 1.0])
    array([-1.,  0.,  1.])
    """
    return _shrink(input, lambd=lambd)


@composite
def softshrink(input: Array, lambd: NotNegative = 0.5) -> Array:
    """``x`` moved towards 0 by ``lambd``; 0 where it is closer to 0 than that.

    Examples
    --------
    >>> softshrink([-1.0, 0.2, 1.0])
    array([-0.5,  0. ,  0.5])
    """
    return _shrink(input, lambd=lambd, bias=lambd)


@composite
def threshold(input: Array, threshold: NotNaN, value: NotNaN, inplace: Bool = False) -> Array:  # noqa: ARG001  # a result is always new
    """``x`` where it is above ``threshold``, else ``value``.

    Examples
    --------
    >>> threshold([-1.0, 0.2, 1.0], 0.5, 9.0)
    array([9., 9., 1.])
    """
    return ops.where(ops.greater(input, threshold), input, value)
