"""The machine: what it is, and its peak in products of large matrices.

Run as ``python -m benchmarks.machine`` it prints that peak, in GFLOP/s.
"""

import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.process import run_script

SIZES = (1024, 1536, 2048)
REPEATS = 12


def peak_gflops(sizes: tuple[int, ...] = SIZES, repeats: int = REPEATS) -> float:
    """Return the best GFLOP/s of ``numpy.matmul`` in float32."""
    rng = np.random.default_rng(0)
    best = 0.0
    for size in sizes:
        a, b = rng.random((2, size, size), np.float32)
        out = np.empty_like(a)
        for _ in range(repeats):
            start = time.perf_counter()
            np.matmul(a, b, out=out)
            best = max(best, 2 * size**3 / (time.perf_counter() - start) / 1e9)
    return best


def describe(threads: int) -> dict[str, Any]:
    """Return what the numbers depend on; the peak is measured in a separate process."""
    _, peak = run_script("benchmarks.machine", threads)
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "date": datetime.now(UTC).date().isoformat(),
        "peak_gflops": float(peak),
    }


def processor(info: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's name, and the widest vectors that it knows where the system tells."""
    fields = dict(_field(line) for line in info.read_text().splitlines() if ":" in line) if info.exists() else {}
    flags = fields.get("flags", "").split()
    vectors = next((name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in flags), "")
    return ", ".join(filter(None, (fields.get("model name") or platform.processor() or platform.machine(), vectors)))


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


if __name__ == "__main__":
    print(peak_gflops())
