"""Primitives that choose one number among several."""

from collections.abc import Callable
from typing import Final

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.node import Array
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.replay import parameters
from autograd_cnn.explain.call import Call, Element, Term, UnknownError
from autograd_cnn.kernels.windows import windows
from autograd_cnn.ops.reduction import spread


def choice(call: Call) -> tuple[tuple[Term, ...], tuple[Element, ...]] | None:
    """Return what won, with the share of each where several tie, and all that it was chosen from, the best first.

    None if the primitive does not choose, or the operands are not known.
    """
    if call.primitive not in _CANDIDATES:
        return None
    won: list[Term] = []
    candidates: list[Element] = []
    try:
        for position in range(len(call.operands)):
            row = call.row(position)
            for flat in np.flatnonzero(_CANDIDATES[call.primitive](call, position)):
                element = call.element(position, int(flat))
                candidates.append(element)
                if row.flat[flat]:
                    won.append(Term(float(row.flat[flat]) * element.number, (element,), float(row.flat[flat])))
    except UnknownError:
        return None
    sign = 1 if call.primitive in (ops.min, ops.minimum) else -1
    return tuple(won), tuple(sorted(candidates, key=lambda element: sign * element.number))


def _between(call: Call, position: int) -> Array:
    """Mark the element of each operand that broadcasting brings to the place."""
    return call.fitted(call.seed(), np.shape(call.operands[position]))


def _along(call: Call, position: int) -> Array:
    """Mark the elements that a reduction joins into one."""
    return spread(call.seed(), np.shape(call.operands[position]), parameters(call.node)["axis"])


def _in_window(call: Call, position: int) -> Array:
    """Mark the pixels of the window."""
    shape = np.shape(call.operands[position])
    told = parameters(call.node)
    slid = windows(
        "explain", (shape[-2], shape[-1]), told["window"],
        stride=told["window"] if told["stride"] is None else told["stride"],
        padding=told["padding"],
        dilation=told["dilation"], ceil_mode=told["ceil_mode"],
    )  # fmt: skip
    rows, columns = (
        [pixel for pixel in range(i * s - before, i * s - before + k * d, d) if 0 <= pixel < n]
        for i, n, k, s, (before, _), d in zip(
            call.index[-2:], slid.image, slid.size, slid.stride, slid.padding, slid.dilation, strict=True
        )
    )
    marked: Array = np.zeros(shape, bool)
    marked[(*call.index[:-2], *np.ix_(rows, columns))] = True
    return marked


_CANDIDATES: Final[dict[Primitive, Callable[[Call, int], Array]]] = {
    ops.maximum: _between, ops.minimum: _between, ops.max: _along, ops.min: _along, ops.max_pool: _in_window,
}  # fmt: skip
