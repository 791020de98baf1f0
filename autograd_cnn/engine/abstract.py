"""Arrays without values: the shape and dtype of a call's result, inferred from its operands."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final, NoReturn, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from autograd_cnn.engine.node import Shape
from autograd_cnn.errors import OperandError, RegistrationError

DTypeRule: TypeAlias = Callable[..., np.dtype[Any]]
"""Returns the dtype of the result for the operands."""

_ELEMENT: Final = np.bool_(0)


class AbstractArray:
    """The shape and the dtype of an array. Called on one, primitives return another, and compute nothing.

    Wrapped in a tensor it passes through whole networks: ``model(Tensor.wrap(AbstractArray((1, 3, 32, 32))))``.
    Nothing is recorded. Whatever needs values raises an error.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype

    Raises
    ------
    OperandError
        If its values are needed.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> images, filters = AbstractArray((256, 3, 224, 224), np.float32), AbstractArray((64, 3, 7, 7), np.float32)
    >>> ag.correlate2d(images, filters, stride=2, padding=3)
    AbstractArray((256, 64, 112, 112), dtype=float32)
    """

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: Shape, dtype: DTypeLike = np.float64) -> None:
        self.shape = shape
        self.dtype: np.dtype[Any] = np.dtype(dtype)

    def __repr__(self) -> str:
        return f"AbstractArray({self.shape}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AbstractArray):
            return NotImplemented
        return self.shape == other.shape and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    def item(self, *_: object, **__: object) -> NoReturn:
        """Raise an error, because there are no values."""
        raise OperandError(str(self), "it has a shape, but no values", hint="compute on arrays where values are needed")

    tolist = __array__ = __bool__ = __float__ = __int__ = __iter__ = item

    @classmethod
    def of(cls, value: Any) -> "AbstractArray":
        """Return the shape and dtype of an array or a number without its values."""
        return value if isinstance(value, cls) else cls(np.shape(value), np.result_type(value))


@dataclass(frozen=True, slots=True)
class ShapeRule:
    """Infers the shape and the dtype of a result from those of the operands."""

    function: Callable[..., Shape]
    names: tuple[str, ...]
    """The names of the parameters that it takes."""

    dtype: DTypeRule

    def __call__(self, operands: Sequence[AbstractArray | None], params: Mapping[str, Any]) -> AbstractArray:
        """Apply the rule; a parameter that was not passed gets its default, or is left out if it has none."""
        asked = {name: params[name] for name in self.names if params[name] is not inspect.Parameter.empty}
        return AbstractArray(self.function(*operands, **asked), self.dtype(*operands))


def shape_rule(
    name: str,
    function: Callable[..., Shape],
    signature: inspect.Signature,
    operands: tuple[str, ...],
    dtype: DTypeRule,
) -> ShapeRule:
    """Make a rule from a function, for the primitive ``name``; operands come first in its signature.

    Raises
    ------
    RegistrationError
        If the function takes other operands or parameters than the primitive.
    """
    asked = inspect.signature(function).parameters.values()
    parameters = [parameter for parameter in signature.parameters if parameter not in operands]
    names = [p.name for p in asked if p.kind is p.KEYWORD_ONLY]
    taken = tuple(p.name for p in asked if p.kind not in {p.KEYWORD_ONLY, p.VAR_KEYWORD})
    if taken != operands or not set(names) <= set(parameters):
        problem = "can't have this shape rule"
        expected = f"{signature}, or fewer parameters after a star"
        raise RegistrationError(f"{name}.shape", problem, got=inspect.signature(function), expected=expected)
    return ShapeRule(function, tuple(parameters if any(p.kind is p.VAR_KEYWORD for p in asked) else names), dtype)


def joint_dtype(*operands: AbstractArray | None) -> np.dtype[Any]:
    """Return the dtype to which NumPy promotes the arrays; None is ignored.

    Examples
    --------
    >>> joint_dtype(AbstractArray((2,), np.float32), None, AbstractArray((), np.int8))
    dtype('float32')
    """
    return np.result_type(*(operand.dtype for operand in operands if operand is not None))


def broadcast(*shapes: Shape) -> Shape:
    """Return the shape that arrays of these shapes are broadcast to.

    Raises
    ------
    ValueError
        With the message of NumPy's elementwise functions.

    Examples
    --------
    >>> broadcast((2, 1), (3,), ())
    (2, 3)
    """
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        said = " ".join(str(shape).replace(" ", "") for shape in shapes)
        raise ValueError(f"operands could not be broadcast together with shapes {said}") from None


def placeholder(shape: Shape) -> np.ndarray[Any, Any]:
    """Return an array that occupies the memory of one element, from which NumPy can compute other shapes.

    Examples
    --------
    >>> placeholder((2, 3)).swapaxes(0, 1).shape
    (3, 2)
    """
    return np.broadcast_to(_ELEMENT, shape)
