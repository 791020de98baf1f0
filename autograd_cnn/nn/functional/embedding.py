"""A table of vectors, one for each word, letter or other token."""

from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Traced, shape_of, values_of
from autograd_cnn.engine.trace import check
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.parameters import Count, Indices

__all__ = ["embedding"]


@composite
def embedding(input: Indices, weight: Array, padding_idx: Count | None = None) -> Array:
    """The rows of ``weight`` at the given indices.

    Parameters
    ----------
    input : (...) of int
        Indices from 0 to V - 1.
    weight : (V, D)
    padding_idx : int, optional
        An index, counted from the end if negative, whose row gets no gradient.

    Returns
    -------
    y : (..., D)

    Raises
    ------
    ShapeError
        If the weight is not a matrix.
    OperandError, ArgumentError
        If the indices are not integers, or an index or ``padding_idx`` is out of range.

    Examples
    --------
    >>> embedding([2, 0], [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    array([[4., 5.],
           [0., 1.]])
    """
    shape = shape_of(weight)
    if len(shape) != 2:
        raise ShapeError("embedding", "weight has the wrong shape", expected="(V, D)", got=shape)
    _check_indices(input, shape[0])
    check(_check_indices, input, shape[0])
    rows = ops.getitem(weight, index=input)
    if padding_idx is None:
        return rows
    constant: Any = weight.tensor_type.wrap(weight.value) if isinstance(weight, Traced) else weight
    padding = ops.expand_dims(ops.equal(input, padding_row(padding_idx, shape[0])), -1)
    return ops.where(padding, ops.getitem(constant, index=input), rows)


def padding_row(padding_idx: int, count: int) -> int:
    """Return a ``padding_idx`` counted from 0."""
    if not -count <= padding_idx < count:
        expected = f"{-count} to {count - 1}"
        raise ArgumentError("embedding", "padding_idx is out of range", expected=expected, got=padding_idx)
    return padding_idx % count


def _check_indices(indices: Any, count: int) -> None:
    found = np.asarray(values_of(indices))
    outside = (found < 0) | (found >= count)
    if outside.any():
        expected = f"0 to {count - 1}"
        raise ArgumentError("embedding", "an index is out of range", expected=expected, got=found[outside][0])
