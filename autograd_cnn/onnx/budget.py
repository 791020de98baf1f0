"""How many elements the result of an operator has, computed before the result is made.

A file of a hundred bytes can ask for an array of terabytes, by a constant's shape, a border, or a
stride. So the elements of all results in a run are counted, and there is a limit.

Shapes: x (N, C, H, W), w (F, C/G, KH, KW), but (C, F/G, KH, KW) for ``ConvTranspose``.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.errors import FormatError, sentence

ROOM: Final = 1 << 24
"""Elements that the results may always have."""

PER_BYTE: Final = 64
"""Elements for each byte of the file."""

PER_INPUT: Final = 1 << 14
"""Elements for each element of the inputs: hundreds of layers of dozens of maps as large as the image."""


class Budget:
    """The elements that the results of a run may have.

    Parameters
    ----------
    size : int
        Bytes of the file.
    inputs : int
        Elements of the inputs.
    """

    def __init__(self, size: int, inputs: int = 0) -> None:
        self.most = max(ROOM, PER_BYTE * size, PER_INPUT * inputs)
        self.spent = 0

    def spend(self, operator: str, operands: Sequence[Array | None], attributes: Mapping[str, Any]) -> None:
        """Count the elements of a result that is about to be made.

        Raises
        ------
        FormatError
            If this exceeds the limit.
        """
        shapes = [() if operand is None else shape_of(operand) for operand in operands]
        self.spent += EXTENTS.get(operator, _first)(shapes, operands, attributes)
        if self.spent > self.most:
            raise FormatError(
                sentence("the results are too large for a file and inputs of this size",
                         expected=f"at most {self.most} elements in all", got=self.spent)
            )  # fmt: skip


def _first(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001  # one signature for all
    """For operators that only move, cut, or compute element by element."""
    return math.prod(shapes[0]) if shapes else 0


def _broadcast(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    try:
        return math.prod(np.broadcast_shapes(*shapes))
    except ValueError:  # the operator will say more about this
        return 0


def _concat(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    return sum(map(math.prod, shapes))


def _filled(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    return math.prod(max(int(length), 0) for length in operands[0].ravel())


def _gather(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    x, indices = shapes
    axis = attributes.get("axis", 0)
    return math.prod(indices) * math.prod(length for place, length in enumerate(x) if place != axis % len(x))


def _matmul(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    a, b = shapes
    return math.prod(np.broadcast_shapes(a[:-2], b[:-2])) * math.prod(a[-2:-1]) * (b[-1] if len(b) > 1 else 1)


def _gemm(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    a, b, *c = shapes
    return math.prod(
        np.broadcast_shapes((a[attributes.get("transA", 0)], b[1 - attributes.get("transB", 0)]), *c)
    )  # fmt: skip


def _pad(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    lengths = list(shapes[0])
    axes = operands[3] if len(operands) > 3 else None
    places = range(len(lengths)) if axes is None else axes.tolist()
    for place, *more in zip(places, *operands[1].reshape(2, -1).tolist(), strict=True):
        lengths[place] += sum(more)
    return math.prod(lengths)


def _windows(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    """For the padded image, which is also made: every window gives at most one number."""
    (n, c, *image), size = shapes[0], _size(shapes, attributes)
    f = shapes[1][0] if len(shapes) > 1 else c
    pads, dilations = attributes.get("pads", (0,) * 4), attributes.get("dilations", (1, 1))
    beyond = attributes.get("ceil_mode") or attributes.get("auto_pad", "").startswith("SAME")
    return n * max(c, f) * math.prod(
        length + before + after + beyond * k * d
        for length, before, after, k, d in zip(image, pads[:2], pads[2:], size, dilations, strict=True)
    )  # fmt: skip


def _spread(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    (n, c, *image), size = shapes[0], _size(shapes, attributes)
    f = shapes[1][1] * attributes.get("group", 1)
    pair, wanted = (1, 1), attributes.get("output_shape", ())
    spans = [
        length * step + k * d + more
        for length, step, k, d, more in zip(
            image, attributes.get("strides", pair), size, attributes.get("dilations", pair),
            attributes.get("output_padding", (0, 0)), strict=True,
        )
    ]  # fmt: skip
    return n * max(c, f) * max(math.prod(spans), math.prod(wanted[-2:]))


def _size(shapes: Sequence[Shape], attributes: Mapping[str, Any]) -> Sequence[int]:
    return shapes[1][2:] if len(shapes) > 1 else attributes["kernel_shape"]


EXTENTS: Final[dict[str, Callable[[Sequence[Shape], Sequence[Any], Mapping[str, Any]], int]]] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Pow", "Sum"), _broadcast),
    "AveragePool": _windows,
    "Concat": _concat,
    "ConstantOfShape": _filled,
    "Conv": _windows,
    "ConvTranspose": _spread,
    "Gather": _gather,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "MaxPool": _windows,
    "Pad": _pad,
}
"""For operators whose result can be larger than their first input."""
