"""Finding the first NaN: what `detect_anomaly` does at every operation."""

import linecache
import os
import sys
from pathlib import Path
from types import FrameType
from typing import Final

import numpy as np

from autograd_cnn.engine.node import Array, Node, Traced
from autograd_cnn.errors import AnomalyError, sentence

_PACKAGE: Final = str(Path(__file__).parents[1]) + os.sep


def users_line() -> str:
    """Return ``file:line: code`` of the innermost frame outside of this package."""
    frame = sys._getframe(1)  # noqa: SLF001  # inspect.stack() reads every source file on the way
    while frame.f_back is not None and _is_ours(frame):
        frame = frame.f_back
    code = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    location = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
    return f"{location}: {code}" if code else location


def _is_ours(frame: FrameType) -> bool:
    """Whether a frame runs code of this package, including the constructors that `dataclasses` generates for it."""
    file = frame.f_code.co_filename
    return file.startswith(_PACKAGE) or (
        file == "<string>" and str(frame.f_globals.get("__name__")).startswith("autograd_cnn.")
    )


def watch(name: str, y: Array, node: Node | None) -> None:
    """Note on ``node`` where it was recorded; raise if the result ``y`` holds a NaN."""
    origin = users_line()
    if node is not None:
        node.origin = origin
    if y.dtype.kind == "f" and np.isnan(y).any():
        text = sentence(name, "its result holds the first NaN", hint=f"computed at {origin}")
        raise AnomalyError(text, None if node is None else node.serial)


def watch_cotangent(rule: str, node: Node, cotangent: Array) -> None:
    """Raise if the cotangent that ``rule`` computed holds a NaN."""
    values: Array = cotangent.value if isinstance(cotangent, Traced) else cotangent
    if np.isnan(values).any():
        location = node.origin or "a line unknown, since detect_anomaly() was off then"
        raise AnomalyError(
            sentence(rule, "its cotangent holds the first NaN", hint=f"recorded at {location}"), node.serial
        )
