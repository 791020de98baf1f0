"""``autograd-cnn info``: the versions and settings of this installation."""

import argparse
import platform
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import numpy as np

from autograd_cnn import __version__
from autograd_cnn.cli.options import Options
from autograd_cnn.cli.output import say
from autograd_cnn.kernels import current_backend, num_threads
from autograd_cnn.table import aligned

DESCRIPTION: Final = """\
Print what this installation consists of: versions, backend, threads and processor. A
report of a fault should begin with it.
"""
EPILOG: Final = None


def add_options(_: Options) -> None:
    """It has none."""


def run(_: argparse.Namespace) -> None:
    """Print a line for each fact."""
    for line in aligned(list(_facts())):
        say(line)


def _facts() -> Iterator[tuple[str, str]]:
    yield "autograd-cnn", __version__
    yield "Python", platform.python_version()
    yield "NumPy", np.__version__
    yield "Numba", _version("numba", "fast")
    yield "onnx", _version("onnx", "interop")
    yield "svglib", _version("svglib", "pdf")
    yield "dot", shutil.which("dot") or "not found; it draws .png, and .svg, .pdf and .html need no program"
    yield "backend", current_backend()
    yield "threads", f"{num_threads()}"
    yield "processor", _processor()
    yield "system", platform.platform()


def _version(package: str, extra: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return f"not installed; try: python -m pip install 'autograd-cnn[{extra}]'"


def _processor() -> str:
    """Return the processor's name, if the system provides it."""
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
