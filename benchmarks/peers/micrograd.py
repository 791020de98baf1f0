"""micrograd: scalars in pure Python."""

import sys
from typing import Any

from micrograd.engine import Value

from benchmarks.peers._modules import scalars
from benchmarks.tasks import Chain, Job

PACKAGE = "micrograd"


def _number(value: Any) -> float:
    return float(getattr(value, "data", value))


def chain(task: Chain) -> Job:
    """Prepare a chain of scalars; its backward pass recurses as deep as the chain is long."""
    sys.setrecursionlimit(10 * task.nodes + 10_000)
    return scalars(task, Value, _number)
