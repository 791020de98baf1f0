"""The common parts of losses: reductions, and operands as floats of one shape."""

from typing import Annotated, Any, Final, Literal, TypeAlias

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Shape, Traced, shape_of, values_of
from autograd_cnn.engine.trace import RUNNING
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError, raise_as
from autograd_cnn.parameters import Parsed

Reduction: TypeAlias = Literal["mean", "sum", "none"]

_FLOATS: Final = frozenset({np.dtype(np.float32), np.dtype(np.float64)})


def _factors(where: str, name: str, value: Any) -> Any:
    """Return the factors of losses as an array."""
    try:
        factors = np.asarray(value.value if isinstance(value, Traced) else value)
    except ValueError as error:
        raise_as(where, error)
        raise
    if factors.dtype.kind not in "biuf":
        hint = f"say reduction={value!r}" if isinstance(value, str) else ""
        problem = f"{name} is not an array of numbers"
        raise OperandError(where, problem, expected="ints, floats or bools", got=repr(value), hint=hint)
    return factors


def _class_weights(where: str, name: str, value: Any) -> Any:
    """Return one factor for each class as an array."""
    weights = _factors(where, name, value)
    if weights.ndim != 1:
        raise ArgumentError(where, f"{name} is not understood", expected="one number for each class", got=repr(value))
    return weights


Factors: TypeAlias = Annotated[Any, Parsed(_factors, frozenset())]
ClassWeights: TypeAlias = Annotated[Any, Parsed(_class_weights, frozenset())]


def reduced(losses: Array, reduction: str) -> Array:
    """Return the mean of all losses, their sum, or the losses themselves."""
    if reduction == "mean":
        return ops.mean(losses)
    return ops.sum(losses) if reduction == "sum" else losses


def in_floats(where: str, **arrays: Array) -> list[Any]:
    """Return the arrays, with integers and bools promoted to floats as in NumPy: differences must not wrap."""
    if all(getattr(x, "dtype", None) in _FLOATS for x in arrays.values()):  # as in every step of training
        return list(arrays.values())
    values = {name: x.value if isinstance(x, Traced) else x for name, x in arrays.items()}
    for name, value in values.items():
        if not isinstance(value, (int, float)):
            try:
                values[name] = np.asarray(value)
            except ValueError as error:
                raise_as(where, error)
                raise
        if np.result_type(values[name]).kind not in "biuf":
            problem = f"{name} is not an array of numbers"
            raise OperandError(where, problem, expected="ints, floats or bools", got=type(value).__name__)
    dtype = np.result_type(*values.values())
    dtype = dtype if dtype.kind == "f" else np.dtype(float)
    given: list[Any] = [x if isinstance(x, Traced) else values[name] for name, x in arrays.items()]
    return [
        x if np.result_type(value).kind == "f" else ops.astype(x, dtype=dtype)
        for x, value in zip(given, values.values(), strict=True)
    ]


def alike(where: str, input: Array, target: Array) -> list[Any]:
    """Return input and target as floats, if they have the same shape."""
    both = in_floats(where, input=input, target=target)
    got = shape_of(input), shape_of(target)
    if got[0] != got[1]:
        problem = "input and target differ in shape"
        raise ShapeError(where, problem, expected=got[0], got=got[1], hint="they are not broadcast")
    return both


def expanded(where: str, name: str, factors: Any, shape: Shape, dtype: Any) -> Any:
    """Return factors of losses in the losses' dtype, if they have this shape or broadcast to it."""
    try:
        np.broadcast_to(factors, shape)
    except ValueError:
        raise ShapeError(where, f"{name} has the wrong shape", expected=shape, got=factors.shape) from None
    return ops.astype(factors, dtype=dtype)


def float_of(x: Array) -> np.dtype[Any]:
    """Return the float dtype of losses of ``x``."""
    return np.result_type(getattr(x, "dtype", float), 0.5)


def rescaled(where: str, losses: Array, name: str, weight: Any) -> Array:
    """Multiply losses by factors, if there are any."""
    return losses if weight is None else losses * expanded(where, name, weight, shape_of(losses), float_of(losses))


def at_least(least: float, p: Array) -> Array:
    """Return the larger of ``p`` and ``least``, with a slope of 1 everywhere."""
    value = p.tensor_type.wrap(p.value) if isinstance(p, Traced) else np.asarray(p)
    limit = np.asarray(least, values_of(value).dtype)
    if RUNNING or np.any(values_of(value) < limit):
        return ops.add(p, ops.maximum(ops.subtract(limit, value), 0))
    return p
