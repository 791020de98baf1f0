"""Initial values: functions that map a shape and a generator to an array."""

import math
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Shape
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.nn.parameter import Parameter
from autograd_cnn.parameters import Finite, FloatDType, KnownShape, Number, Parsed
from autograd_cnn.seeding import default_rng


def generator(where: str, name: str, value: Any) -> np.random.Generator:
    """Return the generator that ``value`` is or seeds.

    Raises
    ------
    ArgumentError
        If it is neither a generator, nor an int of at least 0, nor None.
    """
    try:
        return default_rng(value)
    except (TypeError, ValueError):
        expected = "a generator such as np.random.default_rng(0), an int of at least 0, or None"
        raise ArgumentError(where, f"{name} is not understood", expected=expected, got=repr(value)) from None


# A source of random numbers: a generator, a seed, or None for `manual_seed`'s, or the system's entropy.
Rng: TypeAlias = Annotated[np.random.Generator | int | None, Parsed(generator, frozenset({np.random.Generator}))]
Mode: TypeAlias = Literal["fan_in", "fan_out"]


@composite
def fans(shape: KnownShape) -> tuple[int, int]:
    """Return the fan-in and the fan-out: the inputs of one output, and the outputs of one input.

    Raises
    ------
    ShapeError
        If there are fewer than two axes.

    Examples
    --------
    >>> fans((16, 6, 5, 5))
    (150, 400)
    """
    if len(shape) < 2:
        problem = "too few axes to count inputs and outputs"
        raise ShapeError("fans", problem, expected="(F, C, KH, KW) or (out, in)", got=shape)
    taps = math.prod(shape[2:])
    return shape[1] * taps, shape[0] * taps


@composite
def zeros(shape: KnownShape, dtype: FloatDType = np.float32) -> NDArray[Any]:
    """All zeros.

    Examples
    --------
    >>> zeros((2,))
    array([0., 0.], dtype=float32)
    """
    return np.zeros(shape, dtype)


@composite
def constant(shape: KnownShape, value: Number, dtype: FloatDType = np.float32) -> NDArray[Any]:
    """The same value everywhere.

    Examples
    --------
    >>> constant((2,), 0.5)
    array([0.5, 0.5], dtype=float32)
    """
    return np.full(shape, value, dtype)


@composite
def uniform(
    shape: KnownShape, rng: Rng = None, *, low: Finite = 0.0, high: Finite = 1.0, dtype: FloatDType = np.float32
) -> NDArray[Any]:
    """Draw uniformly between ``low`` and ``high``.

    Examples
    --------
    >>> uniform((2,), 0, low=-1.0, high=1.0)
    array([0.7012484 , 0.27392328], dtype=float32)
    """
    drawn = default_rng(rng).random(shape, _kind(dtype))
    return (drawn * (high - low) + low).astype(dtype, copy=False)


@composite
def normal(
    shape: KnownShape, rng: Rng = None, *, mean: Finite = 0.0, std: Finite = 1.0, dtype: FloatDType = np.float32
) -> NDArray[Any]:
    """Normally distributed with the given mean and standard deviation.

    Examples
    --------
    >>> normal((1000,), 0, mean=5.0, std=2.0).mean().round(1)
    np.float32(5.0)
    """
    drawn = default_rng(rng).standard_normal(shape, _kind(dtype))
    return (drawn * std + mean).astype(dtype, copy=False)


@composite
def kaiming_uniform(
    shape: KnownShape, rng: Rng = None, *, a: Finite = 0.0, mode: Mode = "fan_in", dtype: FloatDType = np.float32
) -> NDArray[Any]:
    """Uniform within ``±sqrt(6 / ((1 + a²)·fan))``, which preserves the variance through ReLUs (He et al. 2015).

    Parameters
    ----------
    shape : tuple of int
    rng : Generator, int or None
    a : float
        The negative slope of the leaky ReLUs that follow. ``sqrt(5)``, the layers' default here
        and in PyTorch, makes the bound ``1 / sqrt(fan_in)``.
    mode : {"fan_in", "fan_out"}
        Keep the variance of the values, or of the gradients.
    dtype : dtype

    Raises
    ------
    ArgumentError
        For an unknown mode.

    Examples
    --------
    >>> w = kaiming_uniform((100, 6), 0)
    >>> bool(np.abs(w).max() <= 1)
    True
    """
    bound = math.sqrt(3) * kaiming_std(shape, a, mode)
    return uniform(shape, rng, low=-bound, high=bound, dtype=dtype)


@composite
def kaiming_normal(
    shape: KnownShape, rng: Rng = None, *, a: Finite = 0.0, mode: Mode = "fan_in", dtype: FloatDType = np.float32
) -> NDArray[Any]:
    """Normal with standard deviation ``sqrt(2 / ((1 + a²)·fan))`` (He et al. 2015).

    Parameters are those of `kaiming_uniform`.

    Examples
    --------
    >>> kaiming_normal((1000, 50), 0).std().round(2)
    np.float32(0.2)
    """
    return normal(shape, rng, std=kaiming_std(shape, a, mode), dtype=dtype)


@composite
def xavier_uniform(
    shape: KnownShape, rng: Rng = None, *, gain: Finite = 1.0, dtype: FloatDType = np.float32
) -> NDArray[Any]:
    """Uniform within ``±gain·sqrt(6 / (fan_in + fan_out))`` (Glorot & Bengio 2010).

    Examples
    --------
    >>> bool(np.abs(xavier_uniform((100, 50), 0)).max() <= 0.2)
    True
    """
    bound = gain * math.sqrt(6 / sum(fans(shape)))
    return uniform(shape, rng, low=-bound, high=bound, dtype=dtype)


@composite
def xavier_normal(
    shape: KnownShape, rng: Rng = None, *, gain: Finite = 1.0, dtype: FloatDType = np.float32
) -> NDArray[Any]:
    """Normal with standard deviation ``gain·sqrt(2 / (fan_in + fan_out))`` (Glorot & Bengio 2010).

    Examples
    --------
    >>> xavier_normal((100, 100), 0).std().round(2)
    np.float32(0.1)
    """
    return normal(shape, rng, std=gain * math.sqrt(2 / sum(fans(shape))), dtype=dtype)


def weight_and_bias(
    shape: Shape, outputs: int, bias: bool, rng: Rng, dtype: DTypeLike
) -> tuple[Parameter, Parameter | None]:
    """Return a layer's first weight and bias, both uniform within ``±1 / sqrt(fan_in)`` as in PyTorch.

    Without ``bias`` the latter is None; else it has a number for each of the ``outputs``.

    Examples
    --------
    >>> weight, bias = weight_and_bias((16, 6, 5, 5), 16, True, 0, np.float32)
    >>> weight.shape, bias.shape
    ((16, 6, 5, 5), (16,))
    """
    rng = default_rng(rng)
    weight = kaiming_uniform(shape, rng, a=math.sqrt(5), dtype=dtype)
    if not bias:
        return Parameter(weight), None
    bound = 1 / math.sqrt(fans(shape)[0])
    return Parameter(weight), Parameter(uniform((outputs,), rng, low=-bound, high=bound, dtype=dtype))


def kaiming_std(shape: Shape, a: float, mode: Mode) -> float:
    """Return the standard deviation that keeps a variance through leaky ReLUs."""
    return math.sqrt(2 / ((1 + a * a) * fans(shape)[mode == "fan_out"]))


def _kind(dtype: DTypeLike) -> Any:
    """Return the dtype in which generators draw."""
    return np.float32 if dtype == np.float32 else np.float64
