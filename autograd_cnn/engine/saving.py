"""What is kept of a call: values that nobody can write to any more."""

from functools import lru_cache
from typing import Any, Final

import numpy as np

from autograd_cnn.engine.node import Array, Missing, Node, Shape

NUMBERS: Final = frozenset({int, float, bool})
SETTLED: Final = NUMBERS | {str, type(None)}
"""Types of parameters that nobody can change."""


def is_row(value: Any) -> bool:
    """Whether a value is a tuple of numbers."""
    return type(value) is tuple and NUMBERS.issuperset(map(type, value))


def kept_value(value: Any) -> Any:
    """Return what may be saved: a copy of what the caller may still write to."""
    if isinstance(value, np.ndarray):
        base = value.base if isinstance(value.base, np.ndarray) else value
        return value.copy() if value.flags.writeable or base.flags.writeable else value
    if type(value) is dict:
        return {key: kept_value(each) for key, each in value.items()}
    if type(value) not in {list, tuple} or is_row(value):
        return value
    return type(value)(map(kept_value, value))


@lru_cache(maxsize=4096)
def kept_shape(shape: Shape) -> Shape:
    """Return the same object for each shape, so that a rule that passes it on has it parsed once."""
    return shape


def kept_operands(raw: list[Any], nodes: list[Node | None], tracing: bool) -> list[Any]:
    """Return what is kept of the operands that are not results of other nodes, at their positions."""
    operands = list(raw)
    for i, node in enumerate(nodes):
        if node is not None and not (tracing and node.primitive is None):
            operands[i] = None
        elif isinstance(value := raw[i], np.ndarray):
            operands[i] = kept_value(value) if tracing else Missing(value.shape, value.dtype)
    return operands


def frozen(y: Array, raw: list[Any]) -> Array:
    """Make a result read-only; a copy where it is a part of an array that the caller holds."""
    for x in raw:
        if type(x) is np.ndarray and x.flags.writeable and np.may_share_memory(x, y):
            y = y.copy()
            break
    y.flags.writeable = False
    return y
