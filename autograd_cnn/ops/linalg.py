"""Products of matrices and tensors."""

from collections.abc import Sequence
from operator import index
from string import ascii_letters
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.typing import NDArray

from autograd_cnn import kernels
from autograd_cnn.engine.abstract import AbstractArray, broadcast
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.engine.primitive import primitive
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.ops.elementwise import multiply, subtract
from autograd_cnn.ops.indexing import getitem
from autograd_cnn.ops.shaping import broadcast_to, expand_dims, moveaxis, reshape, squeeze, transpose
from autograd_cnn.parameters import Contraction, Count, OneAxis

__all__ = [
    "cross",
    "dot",
    "einsum",
    "inner",
    "kron",
    "linear",
    "matmul",
    "matvec",
    "multi_dot",
    "outer",
    "tensordot",
    "vdot",
    "vecdot",
    "vecmat",
]

# --- matrix products --------------------------------------------------------------------------


@primitive(static=True)
def matmul(x1: Array, x2: Array) -> Array:
    """The matrix product ``x1 @ x2``: stacks of matrices are broadcast, and 1-D operands are vectors.

    Examples
    --------
    >>> matmul([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0])
    array([3., 7.])
    """
    _check_product(x1, x2)
    return kernels.matmul(np.asarray(x1), np.asarray(x2))


@matmul.shape
def matmul_shape(x1: AbstractArray, x2: AbstractArray) -> Shape:
    _check_product(x1, x2)
    stacks = broadcast(x1.shape[:-2], x2.shape[:-2])
    return (*stacks, *x1.shape[-2:-1], *(x2.shape[-1:] if x2.ndim > 1 else ()))


def _check_product(x1: Array, x2: Array) -> None:
    first, second = np.shape(x1), np.shape(x2)
    if not (first and second):
        raise ShapeError("matmul", "an operand is a single number", hint=f"multiply with *; {_shapes(x1, x2)}")
    columns, rows = first[-1], second[-2:][0]
    if columns != rows:
        raise ShapeError("matmul", f"x1 has {columns} columns but x2 has {rows} rows", hint=_shapes(x1, x2))


def _shapes(x1: Array, x2: Array) -> str:
    return f"shapes x1={shape_of(x1)}, x2={shape_of(x2)}"


@matmul.vjp("x1")
def matmul_vjp_x1(g: Array, *, x1_shape: Shape, x2: Array) -> Array:
    if x2.ndim == 1:
        return expand_dims(g, -1) * x2
    if len(x1_shape) == 1:
        return squeeze(matmul(x2, expand_dims(g, -1)), -1)
    return matmul(g, x2.swapaxes(-1, -2))


@matmul.vjp("x2")
def matmul_vjp_x2(g: Array, *, x1: Array, x2_shape: Shape) -> Array:
    if x1.ndim == 1:
        return expand_dims(x1, -1) * expand_dims(g, -2) if len(x2_shape) > 1 else x1 * g
    if len(x2_shape) == 1:
        return squeeze(matmul(x1.swapaxes(-1, -2), expand_dims(g, -1)), -1)
    return matmul(x1.swapaxes(-1, -2), g)


@primitive(static=True)
def linear(x: Array, w: Array, bias: Array | None = None) -> Array:
    """``x @ w.T + bias``: a fully connected layer.

    Parameters
    ----------
    x : (..., D)
        Features.
    w : (F, D)
        One row of weights for each output, as in PyTorch.
    bias : (F,), optional

    Returns
    -------
    y : (..., F)

    Raises
    ------
    ShapeError
        If the shapes do not match.

    Examples
    --------
    >>> linear(np.array([1.0, 2.0]), np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([0.0, 10.0]))
    array([ 3., 12.])
    """
    _check_layer(x, w, bias)
    return kernels.linear(x, w, bias)


@linear.shape
def linear_shape(x: AbstractArray, w: AbstractArray, bias: AbstractArray | None) -> Shape:
    _check_layer(x, w, bias)
    return (*x.shape[:-1], w.shape[0])


def _check_layer(x: Array, w: Array, bias: Array | None) -> None:
    if np.ndim(w) != 2 or np.ndim(x) < 1 or np.shape(x)[-1] != np.shape(w)[1]:
        problem = "x and w do not go together"
        expected = "x (..., D) with w (F, D)"
        raise ShapeError("linear", problem, expected=expected, got=f"x={np.shape(x)}, w={np.shape(w)}")
    if bias is not None and np.shape(bias) != np.shape(w)[:1]:
        expected = f"one number for each output, {np.shape(w)[:1]}"
        raise ShapeError("linear", "bias has the wrong shape", expected=expected, got=np.shape(bias))


@linear.vjp("x")
def linear_vjp_x(g: Array, *, w: Array) -> Array:
    return matmul(g, w)


@linear.vjp("w")
def linear_vjp_w(g: Array, *, x: Array, w_shape: Shape) -> Array:
    if len(x.shape) != 2:
        g, x = reshape(g, shape=(-1, w_shape[0])), reshape(x, shape=(-1, w_shape[1]))
    return matmul(g.T, x)


@linear.vjp("bias")
def linear_vjp_bias(g: Array) -> Array:
    return g  # the bias was broadcast over all axes but the last


@composite
def outer(x1: Array, x2: Array) -> Array:
    """The products of each element of ``x1`` with each element of ``x2``, both flattened.

    Examples
    --------
    >>> outer([1.0, 2.0], [3.0, 4.0])
    array([[3., 4.],
           [6., 8.]])
    """
    return multiply(reshape(x1, shape=(-1, 1)), reshape(x2, shape=(1, -1)))


@composite
def tensordot(x1: Array, x2: Array, axes: Contraction = 2) -> Array:
    """The sum of products over pairs of axes: the last ``axes`` of ``x1`` with the first of ``x2``, or two lists.

    Examples
    --------
    >>> tensordot(np.ones((2, 3)), np.ones((3, 4)), axes=1).shape
    (2, 4)
    """
    shape1, shape2 = shape_of(x1), shape_of(x2)
    if isinstance(axes, int) and not 0 <= axes <= min(len(shape1), len(shape2)):
        expected = "at most as many as either operand has"
        raise ArgumentError("tensordot", "axes is out of range", expected=expected, got=axes, hint=_shapes(x1, x2))
    pairs = (range(len(shape1) - axes, len(shape1)), range(axes)) if isinstance(axes, int) else axes
    summed1, summed2 = (
        list(normalize_axis_tuple(given, len(shape))) for given, shape in zip(pairs, (shape1, shape2), strict=True)
    )
    if [shape1[a] for a in summed1] != [shape2[a] for a in summed2]:
        raise ShapeError("tensordot", "the paired axes differ in length", hint=_shapes(x1, x2))
    kept1 = [a for a in range(len(shape1)) if a not in summed1]
    kept2 = [a for a in range(len(shape2)) if a not in summed2]
    length = int(np.prod([shape1[a] for a in summed1], dtype=int))
    left = reshape(
        transpose(x1, axes=kept1 + summed1), shape=(int(np.prod([shape1[a] for a in kept1], dtype=int)), length)
    )
    right = reshape(
        transpose(x2, axes=summed2 + kept2), shape=(length, int(np.prod([shape2[a] for a in kept2], dtype=int)))
    )
    return reshape(matmul(left, right), shape=tuple([shape1[a] for a in kept1] + [shape2[a] for a in kept2]))


@composite
def dot(x1: Array, x2: Array) -> Array:
    """The sum of products over the last axis of ``x1`` and the second last of ``x2``; scalars are multiplied.

    For matrices and vectors it is `matmul`, which is easier to read.

    Examples
    --------
    >>> float(dot([1.0, 2.0], [3.0, 4.0]))
    11.0
    """
    rank1, rank2 = len(shape_of(x1)), len(shape_of(x2))
    if not (rank1 and rank2):
        return multiply(x1, x2)
    return matmul(x1, x2) if rank2 <= 2 else tensordot(x1, x2, axes=((rank1 - 1,), (rank2 - 2,)))


@composite
def inner(x1: Array, x2: Array) -> Array:
    """The sum of products over the last axes of both; scalars are multiplied.

    Examples
    --------
    >>> inner([[1.0, 2.0], [0.0, 1.0]], [3.0, 4.0])
    array([11.,  4.])
    """
    if not (shape_of(x1) and shape_of(x2)):
        return multiply(x1, x2)
    return tensordot(x1, x2, axes=((-1,), (-1,)))


@composite
def vdot(x1: Array, x2: Array) -> Array:
    """The sum of products of all elements, both flattened.

    Examples
    --------
    >>> float(vdot([[1.0, 2.0]], [[3.0], [4.0]]))
    11.0
    """
    return matmul(reshape(x1, shape=-1), reshape(x2, shape=-1))


@composite
def vecdot(x1: Array, x2: Array, axis: Count = -1) -> Array:
    """The sum of products along an axis; all other axes are broadcast.

    Examples
    --------
    >>> vecdot([[1.0, 2.0], [0.0, 1.0]], [3.0, 4.0])
    array([11.,  4.])
    """
    first, second = moveaxis(x1, axis, -1), moveaxis(x2, axis, -1)
    return squeeze(matmul(expand_dims(first, -2), expand_dims(second, -1)), (-2, -1))


@composite
def matvec(x1: Array, x2: Array) -> Array:
    """The products of stacks of matrices ``x1`` with vectors ``x2``.

    Examples
    --------
    >>> matvec([[1.0, 2.0], [0.0, 1.0]], [[3.0, 4.0]])
    array([[11.,  4.]])
    """
    return squeeze(matmul(x1, expand_dims(x2, -1)), -1)


@composite
def vecmat(x1: Array, x2: Array) -> Array:
    """The products of stacks of vectors ``x1`` with matrices ``x2``.

    Examples
    --------
    >>> vecmat([[3.0, 4.0]], [[1.0, 2.0], [0.0, 1.0]])
    array([[ 3., 10.]])
    """
    return squeeze(matmul(expand_dims(x1, -2), x2), -2)


@composite
def kron(x1: Array, x2: Array) -> Array:
    """The Kronecker product: one block ``x2`` for each element of ``x1``, multiplied by it.

    Examples
    --------
    >>> kron([1.0, 10.0], [1.0, 2.0])
    array([ 1.,  2., 10., 20.])
    """
    rank = max(len(shape_of(x1)), len(shape_of(x2)))
    shape1, shape2 = ((1,) * (rank - len(shape_of(x))) + shape_of(x) for x in (x1, x2))
    left = reshape(x1, shape=tuple(length for n in shape1 for length in (n, 1)))
    right = reshape(x2, shape=tuple(length for n in shape2 for length in (1, n)))
    return reshape(multiply(left, right), shape=tuple(n * m for n, m in zip(shape1, shape2, strict=True)))


@composite
def cross(x1: Array, x2: Array, axisa: Count = -1, axisb: Count = -1, axisc: Count = -1, axis: OneAxis = None) -> Array:
    """The cross product of vectors of three elements along the axes ``axisa`` and ``axisb``, or ``axis`` of both.

    The result's vectors are along ``axisc``.

    Examples
    --------
    >>> cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    array([0., 0., 1.])
    """
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    first, second = moveaxis(x1, axisa, -1), moveaxis(x2, axisb, -1)
    if shape_of(first)[-1] != 3 or shape_of(second)[-1] != 3:
        raise ShapeError("cross", "vectors are not of three elements", hint=_shapes(x1, x2))

    def turned(x: Array, by: int) -> Array:
        return getitem(x, index=(..., [by % 3, (by + 1) % 3, (by + 2) % 3]))

    product = subtract(multiply(turned(first, 1), turned(second, 2)), multiply(turned(first, 2), turned(second, 1)))
    return moveaxis(product, -1, axisc)


@composite
def multi_dot(arrays: Sequence[Array]) -> Array:
    """The product of matrices in the order that needs the fewest multiplications; the first and last may be vectors.

    Examples
    --------
    >>> multi_dot([np.ones((2, 3)), np.ones((3, 4)), np.ones(4)])
    array([12., 12.])
    """
    if len(arrays) < 2:
        raise ArgumentError("multi_dot", "too few arrays", expected="at least 2", got=len(arrays))
    labels = ascii_letters[: len(arrays) + 1]
    terms = [labels[i : i + 2] for i in range(len(arrays))]
    out = [labels[0], labels[-1]]
    if len(shape_of(arrays[0])) == 1:
        terms[0], out[0] = labels[1], ""
    if len(shape_of(arrays[-1])) == 1:
        terms[-1], out[1] = labels[-2], ""
    return einsum(f"{','.join(terms)}->{''.join(out)}", *arrays)


# --- einsum -----------------------------------------------------------------------------------


@primitive
def _einsum(*operands: Array, terms: tuple[str, ...], out: str) -> Array:
    return np.einsum(f"{','.join(terms)}->{out}", *operands, optimize=True)


@_einsum.shape
def einsum_shape(*operands: AbstractArray, terms: tuple[str, ...], out: str) -> Shape:
    lengths: dict[str, Shape] = {}
    for term, x in zip(terms, operands, strict=True):
        for label, length in zip(term, x.shape, strict=True):
            lengths[label] = broadcast(lengths.get(label, ()), (length,))
    return tuple(lengths[label][0] for label in out)


@_einsum.vjp("operands")
def einsum_vjp_operands(
    g: Array, *, index: int, operands: tuple[Array, ...], terms: tuple[str, ...], out: str
) -> Array:
    """Exchange the terms of the operand and the output: a sum of products is linear in each factor."""
    others = [*operands[:index], *operands[index + 1 :]]
    their_terms = (*terms[:index], *terms[index + 1 :])
    wanted, shape = terms[index], operands[index].shape
    met = "".join(label for label in wanted if label in out or any(label in term for term in their_terms))
    share = _einsum(g, *others, terms=(out, *their_terms), out=met)
    if met != wanted:
        share = expand_dims(share, tuple(position for position, label in enumerate(wanted) if label not in met))
    lengths = np.broadcast_shapes(share.shape, shape)
    return share if share.shape == lengths else broadcast_to(share, shape=lengths)


@composite
def einsum(subscripts: str | NDArray[Any], *operands: Array) -> Array:
    """Sums of products in Einstein's notation, as in `numpy.einsum`.

    Repeated labels in one term (a diagonal), labels that are only summed, and ``...`` all work. So does the form
    without a string: ``einsum(x, [0, 1], w, [1, 2], [0, 2])``.

    Examples
    --------
    >>> einsum("ij,jk->ik", np.eye(2), np.ones((2, 3)))
    array([[1., 1., 1.],
           [1., 1., 1.]])
    >>> float(einsum("ii", np.eye(3)))
    3.0
    """
    if not isinstance(subscripts, str):
        subscripts, operands = _spelled((subscripts, *operands))
    terms, out = _parse(subscripts.replace(" ", ""), [shape_of(x) for x in operands])
    arrays = []
    for position, (term, x) in enumerate(zip(terms, operands, strict=True)):
        array = x
        for label in dict.fromkeys(term):
            if terms[position].count(label) > 1:
                terms[position], array = _diagonal(terms[position], label, array)
        arrays.append(array)
    return _einsum(*arrays, terms=tuple(terms), out=out)


def _spelled(arguments: tuple[Any, ...]) -> tuple[str, tuple[Array, ...]]:
    """Return the string for operands that alternate with lists of labels; a last list may give the output."""
    count = len(arguments) // 2
    terms = ",".join(map(_term, arguments[1 : 2 * count : 2]))
    out = f"->{_term(arguments[-1])}" if len(arguments) % 2 else ""
    return terms + out, arguments[: 2 * count : 2]


def _term(labels: Any) -> str:
    try:
        return "".join("..." if label is ... else ascii_letters[index(label)] for label in labels)
    except (TypeError, IndexError):
        raise ArgumentError(
            "einsum", "subscripts are not understood", expected="a string such as 'ij,jk->ik', or a list of "
            f"ints from 0 to {len(ascii_letters) - 1} after each operand", got=repr(labels)
        ) from None  # fmt: skip


def _parse(subscripts: str, shapes: list[Shape]) -> tuple[list[str], str]:
    """Replace the ellipses by labels, and add the implied output."""
    inputs, arrow, out = subscripts.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(shapes):
        raise ArgumentError("einsum", "terms and operands differ in number", expected=len(terms), got=len(shapes))
    spare = [label for label in ascii_letters if label not in subscripts]
    hidden = [len(s) - len(t.replace("...", "")) if "..." in t else 0 for t, s in zip(terms, shapes, strict=True)]
    widest = "".join(spare[: max(hidden)])
    for position, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        terms[position] = term.replace("...", widest[len(widest) - hidden[position] :])
        if len(terms[position]) != len(shape):
            problem = f"term {term!r} does not fit its operand"
            raise ShapeError("einsum", problem, expected=f"{len(terms[position])} axes", got=f"shape {shape}")
    if not arrow:
        joined = "".join(terms)
        out = widest + "".join(sorted(label for label in set(joined) - set(widest) if joined.count(label) == 1))
    return terms, out.replace("...", widest)


def _diagonal(term: str, label: str, x: Array) -> tuple[str, Array]:
    """Replace the axes of a repeated label by their diagonal, as the first axis."""
    axes = [a for a, each in enumerate(term) if each == label]
    shape = shape_of(x)
    length, *others = {shape[a] for a in axes}
    if others:
        problem = f"term {term!r} repeats {label!r} over axes of different lengths"
        raise ShapeError("einsum", problem, hint=f"shape {shape}")
    front = moveaxis(x, axes, range(len(axes)))
    return label + term.replace(label, ""), getitem(front, index=(np.arange(length),) * len(axes))
