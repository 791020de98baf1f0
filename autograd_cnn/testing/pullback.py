"""One call of a primitive: its operands on the tape, its gradients, and numbers to compare."""

import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autograd_cnn.engine.backward import cotangents_of
from autograd_cnn.engine.node import Array, Shape
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.errors import sentence
from autograd_cnn.tensor import Tensor
from autograd_cnn.testing.case import Case
from autograd_cnn.testing.gradcheck import CheckError

Numbers: TypeAlias = NDArray[Any]
Pullback: TypeAlias = tuple[Numbers, list[Numbers]]
"""An output, and its gradient with respect to each differentiable operand."""


def operand(primitive: Primitive, position: int) -> str:
    """Return the name of an operand, as in the signature.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> operand(ag.multiply, 1)
    'x2'
    """
    return primitive.signature.operand(position)


# --- calls ------------------------------------------------------------------------------------


def tracked(case: Case, arrays: Sequence[Any] | None = None, positions: Collection[int] | None = None) -> list[Any]:
    """Return the operands for the primitive; those at the positions, by default all floats, are leaves."""
    arrays = case.arrays if arrays is None else arrays
    positions = case.differentiable if positions is None else positions
    return [leaf(a) if i in positions else a for i, a in enumerate(arrays)]


def leaf(array: Numbers) -> Tensor:
    """Return a leaf that holds the array itself, with its layout, not a copy."""
    made = Tensor.wrap(array)
    made.requires_grad = True
    return made


def pullback(primitive: Primitive, case: Case, g: Numbers, arrays: Sequence[Any] | None = None) -> Pullback:
    """Return the output, and the gradient of ⟨g, output⟩ with respect to each differentiable operand.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn.testing.case import sample
    >>> pullback(ag.multiply, sample([2.0], [3.0]), np.array([1.0]))
    (array([6.]), [array([3.]), array([2.])])
    """
    operands = tracked(case, arrays)
    y = primitive(*operands, **case.params)
    leaves = [operands[i] for i in case.differentiable]
    cotangents = cotangents_of(y, {each.node for each in leaves}, g, where=primitive.name)
    return y.data, [cotangents[each.node] for each in leaves]


def drawn_cotangent(primitive: Primitive, case: Case, rng: np.random.Generator) -> Numbers:
    """Draw a cotangent of the output's shape.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn.testing.case import sample
    >>> drawn_cotangent(ag.sum, sample([[1.0, 2.0]], axis=0), np.random.default_rng(0)).shape
    (2,)
    """
    return np.asarray(rng.standard_normal(np.shape(primitive(*case.arrays, **case.params))))


def cast(dtype: DTypeLike) -> Callable[[Numbers], Numbers]:
    """Return the conversion of arrays to a dtype."""
    return operator.methodcaller("astype", dtype)


def replaced(arrays: Sequence[Any], changes: Mapping[int, Any]) -> list[Any]:
    """Return the arrays, some of them changed.

    Examples
    --------
    >>> replaced([1.0, 2.0], {1: 3.0})
    [1.0, 3.0]
    """
    return [changes.get(i, a) for i, a in enumerate(arrays)]


def moved(case: Case, directions: Mapping[int, Numbers], t: float) -> list[Any]:
    """Return the arrays, some of them moved by ``t`` along their direction."""
    return replaced(case.arrays, {i: case.arrays[i] + t * v for i, v in directions.items()})


# --- numbers ----------------------------------------------------------------------------------


def dot(a: Array, b: Array) -> float:
    """Return ⟨a, b⟩.

    Examples
    --------
    >>> dot(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    11.0
    """
    return float(np.sum(np.multiply(a, b)))


def unit(rng: np.random.Generator, *shapes: Shape) -> list[Numbers]:
    """Draw one direction of length 1 in the space of all shapes together.

    Examples
    --------
    >>> a, b = unit(np.random.default_rng(0), (2, 3), ())
    >>> round(dot(a, a) + dot(b, b), 12)
    1.0
    """
    parts = [np.asarray(rng.standard_normal(shape)) for shape in shapes]
    length = np.sqrt(sum(dot(part, part) for part in parts)) or 1.0
    return [part / length for part in parts]


def agree(what: str, found: Any, expected: Any, relative: float = 0.0, absolute: float = 0.0) -> float:
    """Return the largest error relative to the largest number; raise if some number is too far off.

    Examples
    --------
    >>> agree("the sum", np.array([1.0, 2.5]), np.array([1.0, 2.0]), relative=0.5)
    0.25
    """
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        raise CheckError(sentence(what, "another shape", expected=expected.shape, got=found.shape))
    close = np.isclose(found, expected, rtol=relative, atol=absolute, equal_nan=True)
    if close.all() and not absolute and not relative:
        return 0.0
    with np.errstate(invalid="ignore"):  # equal infinities
        apart = np.where(found == expected, 0.0, np.abs(np.subtract(found, expected, dtype=np.float64)))
    if not close.all():
        at = np.unravel_index(np.argmax(np.where(close, -1.0, apart)), apart.shape)
        index = f", at {tuple(map(int, at))}" if at else ""
        raise CheckError(sentence(f"{what}{index}", expected=f"{expected[at]:.12g}", got=f"{found[at]:.12g}"))
    return largest(apart) / (largest(expected) or 1.0)


def largest(numbers: Numbers) -> float:
    """Return the largest magnitude among the finite numbers.

    Examples
    --------
    >>> largest(np.array([1.0, -2.0, np.inf]))
    2.0
    """
    return float(np.max(np.abs(numbers[np.isfinite(numbers)]), initial=0))


# --- layouts ----------------------------------------------------------------------------------


def row_by_row(a: Numbers) -> Numbers:
    """Return the same numbers, the last axis running fastest.

    Examples
    --------
    >>> row_by_row(np.ones((2, 3)).T).strides
    (16, 8)
    """
    return np.array(a, order="C")


def in_fortran_order(a: Numbers) -> Numbers:
    """Return the same numbers, the first axis running fastest.

    Examples
    --------
    >>> in_fortran_order(np.ones((2, 3))).strides
    (8, 16)
    """
    return np.array(a, order="F")


def with_gaps(a: Numbers) -> Numbers:
    """Return the same numbers, read backwards from every other element of a larger read-only array.

    Examples
    --------
    >>> with_gaps(np.array([1.0, 2.0])).strides
    (-16,)
    """
    if a.ndim == 0:
        return a
    buffer = np.full([2 * n + 1 for n in a.shape], np.nan, a.dtype)
    backwards = (slice(None, None, -1),) * a.ndim
    view: Numbers = buffer[(slice(1, None, 2),) * a.ndim][backwards]
    view[...] = a
    view.flags.writeable = False
    return view


LAYOUTS: Final = {"row by row": row_by_row, "in Fortran order": in_fortran_order, "with gaps": with_gaps}
"""Memory layouts."""
