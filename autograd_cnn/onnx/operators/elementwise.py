"""ONNX's elementwise operators: arithmetic, functions, activations, casts."""

import math
from collections.abc import Callable
from functools import reduce
from typing import Any, Final, Literal

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.errors import FormatError
from autograd_cnn.onnx.operator import Fixed, Flag, Numbers, operator, plain
from autograd_cnn.ops.activation import _shrink

_PRIMITIVES: Final[dict[str, Callable[..., Array]]] = {
    "Abs": ops.absolute, "Acos": ops.arccos, "Acosh": ops.arccosh, "Add": ops.add, "Asin": ops.arcsin,
    "Asinh": ops.arcsinh, "Atan": ops.arctan, "Atanh": ops.arctanh, "Ceil": ops.ceil, "Cos": ops.cos, "Cosh": ops.cosh,
    "Erf": ops.erf, "Exp": ops.exp, "Floor": ops.floor, "Log": ops.log, "Mul": ops.multiply, "Neg": ops.negative,
    "Relu": ops.relu, "Round": ops.rint, "Sigmoid": ops.sigmoid, "Sign": ops.sign, "Sin": ops.sin, "Sinh": ops.sinh,
    "Softplus": ops.softplus, "Sqrt": ops.sqrt, "Sub": ops.subtract, "Tan": ops.tan, "Tanh": ops.tanh,
    "And": ops.logical_and, "Or": ops.logical_or, "Xor": ops.logical_xor, "Not": ops.logical_not,
    "BitwiseAnd": ops.bitwise_and, "BitwiseOr": ops.bitwise_or, "BitwiseXor": ops.bitwise_xor, "BitwiseNot": ops.invert,
    "IsNaN": ops.isnan, "Equal": ops.equal, "Less": ops.less, "LessOrEqual": ops.less_equal, "Greater": ops.greater,
    "GreaterOrEqual": ops.greater_equal,
}  # fmt: skip
for _name, _function in _PRIMITIVES.items():
    operator(_name)(_function)

# --- arithmetic -------------------------------------------------------------------------------


@operator("Div")
def divide(x1: Array, x2: Array) -> Array:
    """Divide; integers are rounded towards 0."""
    if x1.dtype.kind in "iu" and x2.dtype.kind in "iu":
        return ops.floor_divide(x1 - ops.fmod(x1, x2), x2)
    return ops.divide(x1, x2)


@operator("Mod")
def modulo(x1: Array, x2: Array, *, fmod: Flag = 0) -> Array:
    """Return the remainder with the sign of ``x2``, or of ``x1`` if ``fmod``."""
    return (ops.fmod if fmod else ops.remainder)(x1, x2)


@operator("Pow")
def power(x: Array, exponent: Fixed) -> Array:
    """Raise to a power; the result has the base's dtype."""
    if x.dtype.kind in "iu":
        return plain(lambda a, b: (a**b).astype(a.dtype))(x, exponent)
    if isinstance(exponent, np.generic):
        return ops.power(x, exponent.item())
    return ops.power(x, ops.astype(exponent, dtype=x.dtype))


@operator("Reciprocal")
def reciprocal(x: Array) -> Array:
    """Return 1 / x."""
    return 1 / x


@operator("Sum")
def add_up(*arrays: Array) -> Array:
    """Add any number of arrays."""
    return reduce(ops.add, arrays)


@operator("Mean")
def mean(*arrays: Array) -> Array:
    """Return the mean of any number of arrays."""
    return add_up(*arrays) / len(arrays)


@operator("Max")
def maximum(*arrays: Array) -> Array:
    """Return the largest of any number of arrays, element by element."""
    return reduce(ops.maximum, arrays)


@operator("Min")
def minimum(*arrays: Array) -> Array:
    """Return the smallest of any number of arrays, element by element."""
    return reduce(ops.minimum, arrays)


@operator("Clip")
def clip(x: Array, min: Numbers | None = None, max: Numbers | None = None) -> Array:  # noqa: A002  # ONNX's names
    """Limit to a range."""
    if min is None and max is None:
        return x
    return ops.clip(x, min=None if min is None else min.item(), max=None if max is None else max.item())


# --- activations ------------------------------------------------------------------------------


@operator("LeakyRelu")
def leaky_relu(x: Array, *, alpha: float = 0.01) -> Array:
    """Multiply negative numbers by ``alpha``."""
    return ops.leaky_relu(x, negative_slope=alpha)


@operator("PRelu")
def prelu(x: Array, slope: Array) -> Array:
    """Multiply negative numbers by a learned slope (He et al. 2015)."""
    return ops.where(ops.less(x, 0), x * slope, x)


@operator("ThresholdedRelu")
def thresholded_relu(x: Array, *, alpha: float = 1.0) -> Array:
    """Keep numbers above ``alpha``, else return 0."""
    return ops.where(ops.greater(x, alpha), x, 0)


@operator("Elu")
def elu(x: Array, *, alpha: float = 1.0) -> Array:
    """Saturate negative numbers at ``-alpha``."""
    return ops.elu(x, alpha=alpha)


@operator("Celu")
def celu(x: Array, *, alpha: float = 1.0) -> Array:
    """Saturate as `elu`, with slope 1 at 0 for every ``alpha`` (Barron 2017)."""
    return ops.elu(x / alpha) * alpha


@operator("Selu")
def selu(x: Array, *, alpha: float = 1.67326319217681884765625, gamma: float = 1.05070102214813232421875) -> Array:
    """Return `elu` times ``gamma`` (Klambauer et al. 2017)."""
    return ops.elu(x, alpha=alpha) * gamma


@operator("Gelu")
def gelu(x: Array, *, approximate: Literal["none", "tanh"] = "none") -> Array:
    """Multiply by the normal distribution function, or its approximation (Hendrycks & Gimpel 2016)."""
    if approximate == "none":
        return ops.gelu(x)
    return x * 0.5 * (ops.tanh((x + x * x * x * 0.044715) * math.sqrt(2 / math.pi)) + 1)


@operator("Swish")
def swish(x: Array, *, alpha: float = 1.0) -> Array:
    """Multiply by a sigmoid of ``alpha·x`` (Ramachandran et al. 2017)."""
    return ops.silu(x) if alpha == 1 else x * ops.sigmoid(x * alpha)


@operator("Mish")
def mish(x: Array) -> Array:
    """Return ``x·tanh(softplus(x))`` (Misra 2019)."""
    return x * ops.tanh(ops.softplus(x))


@operator("HardSigmoid")
def hard_sigmoid(x: Array, *, alpha: float = 0.2, beta: float = 0.5) -> Array:
    """Return ``alpha·x + beta`` between 0 and 1."""
    return ops.clip(x * alpha + beta, min=0, max=1)


@operator("HardSwish")
def hard_swish(x: Array) -> Array:
    """Multiply by a hard sigmoid (Howard et al. 2019)."""
    return x * hard_sigmoid(x, alpha=1 / 6, beta=0.5)


@operator("Softsign")
def softsign(x: Array) -> Array:
    """Return ``x / (1 + |x|)``."""
    return x / (ops.absolute(x) + 1)


@operator("Shrink")
def shrink(x: Array, *, bias: float = 0.0, lambd: float = 0.5) -> Array:
    """Return 0 up to ``lambd``; move numbers beyond it towards 0 by ``bias``."""
    if x.dtype.kind in "iu":
        return plain(lambda a: np.where(a < -lambd, a + bias, np.where(a > lambd, a - bias, 0)).astype(a.dtype))(x)
    return _shrink(x, lambd, bias)


# --- types and what changes nothing -----------------------------------------------------------


@operator("Cast")
def cast(
    x: Array,
    *,
    to: np.dtype[Any],
    saturate: Flag = 1,  # noqa: ARG001  # of 8-bit floats only
    round_mode: str = "up",  # noqa: ARG001  # likewise
) -> Array:
    """Convert to another dtype."""
    with np.errstate(invalid="ignore"):  # NaN as an integer is unspecified
        return ops.astype(x, dtype=to)


@operator("CastLike")
def cast_like(x: Array, like: Array, *, saturate: Flag = 1, round_mode: str = "up") -> Array:
    """Convert to the dtype of ``like``."""
    return cast(x, to=like.dtype, saturate=saturate, round_mode=round_mode)


@operator("BitCast")
def bit_cast(x: Array, *, to: np.dtype[Any]) -> Array:
    """Reinterpret the bits of numbers as another dtype of the same width."""
    if to.itemsize != x.dtype.itemsize:
        raise FormatError("the numbers differ in width", expected=x.dtype, got=to)
    return plain(lambda a: np.asarray(a).view(to))(x)


@operator("Identity")
def identity(x: Array) -> Array:
    """Return the input as it is."""
    return x


def _check_inference(given: Any) -> None:
    if np.any(given.get("training_mode", False)):
        raise FormatError("training_mode is set", hint="export the network for inference")


@operator("Dropout", extent=lambda shapes, *_: 2 * math.prod(shapes[0]), check=_check_inference)
def dropout(
    x: Array,
    ratio: Numbers | None = None,  # noqa: ARG001  # nothing is dropped
    training_mode: Numbers | None = None,
    *,
    seed: int = 0,  # noqa: ARG001
) -> tuple[Array, Array]:
    """Return the input unchanged, as in inference, and the mask of kept elements: all of them."""
    _check_inference({"training_mode": training_mode if training_mode is not None else False})
    return x, np.ones(shape_of(x), np.bool_)


# --- truth and bits ---------------------------------------------------------------------------


@operator("Where")
def where(condition: Array, x1: Array, x2: Array) -> Array:
    """Choose element by element."""
    return ops.where(condition, x1, x2)


@operator("BitShift")
def bit_shift(x1: Array, x2: Array, *, direction: Literal["LEFT", "RIGHT"]) -> Array:
    """Shift the bits of integers."""
    return (ops.left_shift if direction == "LEFT" else ops.right_shift)(x1, x2)


@operator("IsInf")
def is_inf(x: Array, *, detect_negative: Flag = 1, detect_positive: Flag = 1) -> Array:
    """Return where the input is infinite."""
    found = ops.isinf(x)
    if not detect_negative:
        found = ops.logical_and(found, ops.greater(x, 0))
    return found if detect_positive else ops.logical_and(found, ops.less(x, 0))
