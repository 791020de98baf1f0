"""A limit on the elements of a run's results, counted before each is computed.

A file of a hundred bytes can ask for terabytes, through a constant's shape, a border or a stride, or for an endless
loop. So the elements of all results in a run are counted, and limited. Each operator declares how large its result can
be; see `autograd_cnn.onnx.operator`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from autograd_cnn.engine.node import Shape, shape_of
from autograd_cnn.errors import FormatError
from autograd_cnn.onnx.operator import Operator

ROOM: Final = 1 << 24
"""Elements that are always allowed."""

PER_BYTE: Final = 64
"""Elements allowed per byte of the file."""

PER_INPUT: Final = 1 << 14
"""Elements allowed per input element: hundreds of layers of dozens of maps as large as the image."""

CALL: Final = 256
"""Elements that each call counts for, however small its results, because it takes time."""


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

    def spend(self, operator: Operator, operands: Sequence[Any], attributes: Mapping[str, Any]) -> None:
        """Count the elements of the results that are about to be computed.

        Raises
        ------
        FormatError
            If this exceeds the limit.
        """
        self.count(CALL + operator.extent(list(map(_shape, operands)), operands, attributes))

    def count(self, elements: int) -> None:
        """Count elements, or work that takes as long as computing them."""
        self.spent += elements
        if self.spent > self.most:
            raise FormatError("the results are too large for a file and inputs of this size",
                              expected=f"at most {self.most} elements in all", got=self.spent)  # fmt: skip


def _shape(operand: Any) -> Shape:
    """Return the shape of an input; for a sequence, the number of elements of all its arrays."""
    if operand is None:
        return ()
    return (sum(math.prod(shape_of(each)) for each in operand),) if isinstance(operand, list) else shape_of(operand)
