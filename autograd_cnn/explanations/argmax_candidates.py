"""Primitives that choose one number among several: the chosen number, and the candidates."""

from collections.abc import Callable
from typing import Final

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.node import Array
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.explanations.terms import Element, ResultElement, Term, UnknownError
from autograd_cnn.ops.pooling import _relu_max_pool, _windows
from autograd_cnn.ops.reduction import spread


def argmax_candidates(result: ResultElement) -> tuple[tuple[Term, ...], tuple[Element, ...]] | None:
    """Return the winners, with their shares in the value if several tie, and all candidates, the best first.

    None if the primitive does not choose, or the operands are not known.
    """
    if result.primitive not in _CANDIDATES:
        return None
    terms: list[Term] = []
    candidates: list[Element] = []
    try:
        for position in range(len(result.call.operands)):
            row = result.row(position)
            for flat in np.flatnonzero(_CANDIDATES[result.primitive](result, position)):
                element = result.element(position, int(flat))
                candidates.append(element)
                if row.flat[flat]:
                    terms.append(Term(float(row.flat[flat]) * element.number, (element,), float(row.flat[flat])))
    except UnknownError:
        return None
    sign = 1 if result.primitive in (ops.min, ops.minimum) else -1
    return tuple(terms), tuple(sorted(candidates, key=lambda element: sign * element.number))


def _along_axis(result: ResultElement, position: int) -> Array:
    """Mark the elements that a reduction joins into one."""
    return spread(result.seed(), np.shape(result.call.operands[position]), result.call.params["axis"])


def _in_window(result: ResultElement, position: int) -> Array:
    """Mark the pixels of the window."""
    shape = np.shape(result.call.operands[position])
    windows = _windows("explain", shape, **result.call.params)
    axes = zip(
        result.index[-2:], windows.image, windows.size, windows.stride, windows.padding, windows.dilation, strict=True
    )
    rows, columns = (
        [pixel for pixel in range(i * s - before, i * s - before + k * d, d) if 0 <= pixel < n]
        for i, n, k, s, (before, _), d in axes
    )
    mask: Array = np.zeros(shape, bool)
    mask[(*result.index[:-2], *np.ix_(rows, columns))] = True
    return mask


_CANDIDATES: Final[dict[Primitive, Callable[[ResultElement, int], Array]]] = {
    ops.maximum: ResultElement.seed_on,
    ops.minimum: ResultElement.seed_on,
    ops.max: _along_axis,
    ops.min: _along_axis,
    ops.max_pool: _in_window,
    _relu_max_pool: _in_window,
}
