"""What losses have in common: one number for many, or one for each; operands in floats, and of one shape."""

from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Shape, Traced, shape_of, values_of
from autograd_cnn.engine.trace import RUNNING
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError, raise_as, sentence
from autograd_cnn.parameters import Parsed, choice

Reduction: TypeAlias = Literal["mean", "sum", "none"]

_REDUCTIONS: Final = get_args(Reduction)
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
        raise OperandError(
            sentence(
                where,
                f"{name} is not an array of numbers",
                expected="ints, floats or bools",
                got=repr(value),
                hint=hint,
            )
        )
    return factors


def _class_weights(where: str, name: str, value: Any) -> Any:
    """Return one factor for each class as an array."""
    weights = _factors(where, name, value)
    if weights.ndim != 1:
        raise ArgumentError(
            sentence(where, f"{name} is not understood", expected="one number for each class", got=repr(value))
        )
    return weights


Factors: TypeAlias = Annotated[Any, Parsed(_factors, frozenset())]
ClassWeights: TypeAlias = Annotated[Any, Parsed(_class_weights, frozenset())]


def check_reduction(where: str, reduction: str) -> None:
    """Raise `ArgumentError` for an unknown reduction."""
    choice(where, "reduction", reduction, _REDUCTIONS)


def reduced(where: str, losses: Array, reduction: Reduction) -> Array:
    """Return the mean of all losses, their sum, or themselves."""
    check_reduction(where, reduction)
    if reduction == "mean":
        return ops.mean(losses)
    return ops.sum(losses) if reduction == "sum" else losses


def in_floats(where: str, **arrays: Array) -> list[Any]:
    """Return the arrays, integers and bools in the floats that NumPy joins them in: differences must not wrap."""
    if all(getattr(x, "dtype", None) in _FLOATS for x in arrays.values()):  # in training they are, at every step
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
            raise OperandError(
                sentence(where, f"{name} is not an array of numbers", expected="ints, floats or bools",
                         got=type(value).__name__)
            )  # fmt: skip
    dtype = np.result_type(*values.values())
    dtype = dtype if dtype.kind == "f" else np.dtype(float)
    given: list[Any] = [x if isinstance(x, Traced) else values[name] for name, x in arrays.items()]
    return [
        x if np.result_type(value).kind == "f" else ops.astype(x, dtype=dtype)
        for x, value in zip(given, values.values(), strict=True)
    ]


def alike(where: str, input: Array, target: Array) -> list[Any]:
    """Return input and target in floats, if they are of one shape."""
    both = in_floats(where, input=input, target=target)
    got = shape_of(input), shape_of(target)
    if got[0] != got[1]:
        raise ShapeError(
            sentence(
                where, "input and target differ in shape", expected=got[0], got=got[1], hint="they are not broadcast"
            )
        )
    return both


def expanded(where: str, name: str, factors: Any, shape: Shape, dtype: Any) -> Any:
    """Return factors of losses in the losses' dtype, if they are of this shape or broadcast to it."""
    try:
        np.broadcast_to(factors, shape)
    except ValueError:
        raise ShapeError(sentence(where, f"{name} has the wrong shape", expected=shape, got=factors.shape)) from None
    return ops.astype(factors, dtype=dtype)


def float_of(x: Array) -> np.dtype[Any]:
    """Return the dtype of floats that losses of ``x`` have."""
    return np.result_type(getattr(x, "dtype", float), 0.5)


def rescaled(where: str, losses: Array, name: str, weight: Any) -> Array:
    """Multiply losses by factors, if there are any."""
    return losses if weight is None else losses * expanded(where, name, weight, shape_of(losses), float_of(losses))


def at_least(least: float, p: Array) -> Array:
    """Return ``p``, or ``least`` where that is more, with a slope of 1 everywhere."""
    value = p.tensor_type.wrap(p.value) if isinstance(p, Traced) else np.asarray(p)
    limit = np.asarray(least, values_of(value).dtype)
    if RUNNING or np.any(values_of(value) < limit):
        return ops.add(p, ops.maximum(ops.subtract(limit, value), 0))
    return p
