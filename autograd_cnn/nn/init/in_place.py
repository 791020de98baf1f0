"""Initial values written into an existing tensor, with PyTorch's names and arguments. Each returns the tensor."""

import math
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.errors import ArgumentError, ShapeError, require
from autograd_cnn.nn.init.values import Mode, Rng, constant, fans, kaiming_std, normal, uniform
from autograd_cnn.parameters import Finite, Number, Positive, Size
from autograd_cnn.seeding import default_rng
from autograd_cnn.tensor import Tensor

Nonlinearity: TypeAlias = Literal[
    "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "sigmoid", "tanh", "relu",
    "selu", "leaky_relu",
]  # fmt: skip

_GAINS: Final = {"tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}


def _filled(where: str, tensor: Tensor, values: NDArray[Any]) -> Tensor:
    tensor.data = values.astype(_checked(where, tensor).dtype, copy=False)
    return tensor


def _checked(where: str, tensor: Any) -> Tensor:
    hint = f"nn.init.{where.rstrip('_')} returns an array of a shape"
    require(isinstance(tensor, Tensor), where, "not a tensor to fill", "a Tensor", tensor, hint=hint)
    return tensor


@composite
def calculate_gain(nonlinearity: Nonlinearity, param: Finite | None = None) -> float:
    """Return the recommended gain for a nonlinearity: the factor of the standard deviation that compensates for it.

    Parameters
    ----------
    nonlinearity : {"linear", "conv1d", ..., "sigmoid", "tanh", "relu", "leaky_relu", "selu"}
    param : float, optional
        The negative slope of a leaky ReLU; by default 0.01.

    Raises
    ------
    ArgumentError
        If the nonlinearity is another.

    Examples
    --------
    >>> round(calculate_gain("relu"), 4)
    1.4142
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2 / (1 + slope * slope))
    return _GAINS.get(nonlinearity, 1.0)


@composite
def constant_(tensor: Tensor, val: Number) -> Tensor:
    """Set all elements to ``val``.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> constant_(ag.tensor([1.0, 2.0]), 3.0)
    tensor([3., 3.])
    """
    return _filled("constant_", tensor, constant(_checked("constant_", tensor).shape, val, np.float64))


@composite
def zeros_(tensor: Tensor) -> Tensor:
    """Set all elements to 0.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> zeros_(ag.tensor([1.0, 2.0]))
    tensor([0., 0.])
    """
    return _filled("zeros_", tensor, np.zeros(_checked("zeros_", tensor).shape))


@composite
def ones_(tensor: Tensor) -> Tensor:
    """Set all elements to 1.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> ones_(ag.tensor([5.0, 2.0]))
    tensor([1., 1.])
    """
    return _filled("ones_", tensor, np.ones(_checked("ones_", tensor).shape))


@composite
def eye_(tensor: Tensor) -> Tensor:
    """Make a matrix the identity.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> eye_(ag.tensor([[5.0, 5.0]]))
    tensor([[1., 0.]])
    """
    shape = _checked("eye_", tensor).shape
    if len(shape) != 2:
        raise ShapeError("eye_", "the tensor is not a matrix", expected="(out, in)", got=shape)
    return _filled("eye_", tensor, np.eye(*shape))


@composite
def dirac_(tensor: Tensor, groups: Size = 1) -> Tensor:
    """Make a convolution pass its input channels on unchanged, as many as possible (Zagoruyko 2017).

    Parameters
    ----------
    tensor : (F, C, K), (F, C, KH, KW) or (F, C, KD, KH, KW)
    groups : int
        The groups of filters, each of which starts with its own first channel.

    Raises
    ------
    ShapeError, ArgumentError
        If the rank is another, or the filters are not divisible by ``groups``.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> dirac_(ag.tensor(np.ones((2, 1, 3)))).tolist()
    [[[0.0, 1.0, 0.0]], [[0.0, 0.0, 0.0]]]
    """
    shape = _checked("dirac_", tensor).shape
    if len(shape) not in (3, 4, 5):
        raise ShapeError("dirac_", "the tensor does not hold filters", expected="(F, C, K, ...)", got=shape)
    if shape[0] % groups:
        expected = f"a divisor of the {shape[0]} filters"
        raise ArgumentError("dirac_", "groups is out of range", expected=expected, got=groups)
    values, filters = np.zeros(shape), shape[0] // groups
    for group in range(groups):
        for channel in range(min(filters, shape[1])):
            values[(group * filters + channel, channel, *(n // 2 for n in shape[2:]))] = 1
    return _filled("dirac_", tensor, values)


@composite
def uniform_(tensor: Tensor, a: Finite = 0.0, b: Finite = 1.0, *, rng: Rng = None) -> Tensor:
    """Draw uniformly between ``a`` and ``b``.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> uniform_(ag.tensor([0.0, 0.0]), -1.0, 1.0, rng=0).numpy().round(3)
    array([ 0.274, -0.46 ])
    """
    target = _checked("uniform_", tensor)
    return _filled("uniform_", tensor, uniform(target.shape, rng, low=a, high=b, dtype=target.dtype))


@composite
def normal_(tensor: Tensor, mean: Finite = 0.0, std: Finite = 1.0, *, rng: Rng = None) -> Tensor:
    """Draw from the normal distribution with the given mean and standard deviation.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> float(normal_(ag.tensor(np.zeros(1000)), 5.0, rng=0).numpy().mean().round(1))
    5.0
    """
    target = _checked("normal_", tensor)
    return _filled("normal_", tensor, normal(target.shape, rng, mean=mean, std=std, dtype=target.dtype))


@composite
def trunc_normal_(
    tensor: Tensor, mean: Finite = 0.0, std: Positive = 1.0, a: Finite = -2.0, b: Finite = 2.0, *, rng: Rng = None
) -> Tensor:
    """Draw from the normal distribution, truncated to values between ``a`` and ``b``.

    Uniform numbers between the cumulative probabilities of ``a`` and ``b`` are mapped through the inverse distribution,
    by bisection.

    Raises
    ------
    ArgumentError
        If ``a`` is not below ``b``.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> values = trunc_normal_(ag.tensor(np.zeros(1000)), rng=0).numpy()
    >>> bool(np.abs(values).max() <= 2), float(values.std().round(1))
    (True, 0.9)
    """
    where = "trunc_normal_"
    shape = _checked(where, tensor).shape
    if a >= b:
        raise ArgumentError(where, "the interval is empty", expected="a < b", got=f"{a}, {b}")
    low, high = ((np.full(shape, limit) - mean) / std for limit in (a, b))
    shares = default_rng(rng).random(shape) * (_share(high) - _share(low)) + _share(low)
    for _ in range(64):  # bisection in float64
        middle = (low + high) / 2
        below = _share(middle) < shares
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return _filled(where, tensor, np.clip((low + high) / 2 * std + mean, a, b))


def _share(z: NDArray[Any]) -> NDArray[Any]:
    """Return the cumulative normal distribution at ``z``."""
    return (1 + np.asarray(ops.erf(z / math.sqrt(2)))) / 2


@composite
def xavier_uniform_(tensor: Tensor, gain: Finite = 1.0, *, rng: Rng = None) -> Tensor:
    """Draw uniformly within ``±gain·sqrt(6 / (fan_in + fan_out))`` (Glorot & Bengio 2010).

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> bool(np.abs(xavier_uniform_(ag.tensor(np.zeros((100, 50)))).numpy()).max() <= 0.2)
    True
    """
    bound = gain * math.sqrt(6 / sum(fans(_checked("xavier_uniform_", tensor).shape)))
    return uniform_(tensor, -bound, bound, rng=rng)


@composite
def xavier_normal_(tensor: Tensor, gain: Finite = 1.0, *, rng: Rng = None) -> Tensor:
    """Draw normally with standard deviation ``gain·sqrt(2 / (fan_in + fan_out))`` (Glorot & Bengio 2010).

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> float(xavier_normal_(ag.tensor(np.zeros((100, 100))), rng=0).numpy().std().round(2))
    0.1
    """
    std = gain * math.sqrt(2 / sum(fans(_checked("xavier_normal_", tensor).shape)))
    return normal_(tensor, 0.0, std, rng=rng)


@composite
def kaiming_uniform_(
    tensor: Tensor,
    a: Finite = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: Nonlinearity = "leaky_relu",
    *,
    rng: Rng = None,
) -> Tensor:
    """Draw uniformly within ``±gain·sqrt(3 / fan)``, which preserves the variance (He et al. 2015).

    Parameters
    ----------
    tensor : (F, C, ...) or (out, in)
    a : float
        The negative slope of a leaky ReLU.
    mode : {"fan_in", "fan_out"}
        Keep the variance of the values, or of the gradients.
    nonlinearity : str
        The nonlinearity that follows; see `calculate_gain`.
    rng : Generator, int or None

    Raises
    ------
    ArgumentError, ShapeError
        If the mode or nonlinearity is unknown, or there are fewer than two axes.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> bool(np.abs(kaiming_uniform_(ag.tensor(np.zeros((100, 6)))).numpy()).max() <= 1)
    True
    """
    bound = math.sqrt(3) * _kept("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, rng=rng)


@composite
def kaiming_normal_(
    tensor: Tensor,
    a: Finite = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: Nonlinearity = "leaky_relu",
    *,
    rng: Rng = None,
) -> Tensor:
    """Draw normally with standard deviation ``gain / sqrt(fan)`` (He et al. 2015).

    Parameters are those of `kaiming_uniform_`.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> float(kaiming_normal_(ag.tensor(np.zeros((1000, 50))), rng=0).numpy().std().round(2))
    0.2
    """
    return normal_(tensor, 0.0, _kept("kaiming_normal_", tensor, a, mode, nonlinearity), rng=rng)


def _kept(where: str, tensor: Any, a: float, mode: Mode, nonlinearity: Nonlinearity) -> float:
    """Return the standard deviation that keeps a variance."""
    of_relu = kaiming_std(_checked(where, tensor).shape, 0.0, mode)
    return of_relu / math.sqrt(2) * calculate_gain(nonlinearity, a)


@composite
def orthogonal_(tensor: Tensor, gain: Finite = 1.0, *, rng: Rng = None) -> Tensor:
    """Make the rows of a matrix, or its columns if they are fewer, orthonormal, times ``gain`` (Saxe et al. 2014).

    All axes except the first count as columns.

    Raises
    ------
    ShapeError
        If there are fewer than two axes.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> w = orthogonal_(ag.tensor(np.zeros((2, 3))), rng=0).numpy()
    >>> bool(np.allclose(w @ w.T, np.eye(2)))
    True
    """
    shape = _checked("orthogonal_", tensor).shape
    if len(shape) < 2:
        raise ShapeError("orthogonal_", "the tensor has too few axes", expected="at least 2", got=shape)
    rows, columns = shape[0], math.prod(shape[1:])
    drawn = default_rng(rng).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(drawn)
    q = q * np.sign(np.diag(r))  # otherwise the distribution would not be uniform
    return _filled("orthogonal_", tensor, (q if rows >= columns else q.T).reshape(shape) * gain)
