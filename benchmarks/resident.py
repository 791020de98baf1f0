"""The resident memory of this process, in bytes."""

import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")


def now() -> int:
    """Return the size of the resident set; where the system does not tell, its peak."""
    return _field("VmRSS") or _highest()


def peak() -> int:
    """Return the largest size since `forget_peak`; where the system can't forget, since the start."""
    return _field("VmHWM") or _highest()


def forget_peak() -> None:
    """Start the peak from the present size, on Linux."""
    if CLEAR.exists():
        CLEAR.write_text("5")


def _field(name: str) -> int:
    lines = STATUS.read_text().splitlines() if STATUS.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), 0)


def _highest() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
