"""The parent's hold on its workers: start, ask, stop in between, end."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parent.parent
TIMEOUT = 900.0
"""Seconds until a worker that does not answer counts as failed."""
CACHES = ("NUMBA_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR")
"""The variables that say where what was compiled is kept."""


class WorkerError(Exception):
    """A worker that did not answer."""


def environment(threads: int) -> dict[str, str]:
    """Return this process's environment, and the number of threads for every library."""
    count = str(threads)
    names = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM", "NUMBA")
    return {
        **os.environ,
        **{f"{name}_NUM_THREADS": count for name in names},
        "NPROC": count,  # XLA's
        "NUM_CPU_THREADS": count,  # tinygrad's
    }


def cores(threads: int) -> set[int]:
    """Return the cores to keep to: as many as threads, where the system has more."""
    return set(sorted(os.sched_getaffinity(0))[:threads])


def start(
    arguments: list[str], threads: int, variables: Mapping[str, str] | None = None, **options: Any
) -> subprocess.Popen[str]:
    """Start ``python -m`` with ``arguments`` in a new process group, in the repository."""
    process: subprocess.Popen[str] = subprocess.Popen(  # noqa: S603  # our own modules
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={**environment(threads), **(variables or {})},
        text=True,
        start_new_session=True,
        **options,
    )
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(process.pid, cores(threads))
    return process


class Worker:
    """A peer in its process; between two questions it stands still, with all of its threads.

    Parameters
    ----------
    peer
        The name of a module in ``benchmarks.peers``.
    threads
        How many it may use.
    """

    def __init__(self, peer: str, threads: int) -> None:
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed by __exit__
        self.process = start(
            ["benchmarks.worker", peer],
            threads,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process and all that it has started."""
        self._signal(signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            if stream is not None:
                with suppress(BrokenPipeError):  # a question that a dead process did not read
                    stream.close()

    def ask(self, do: str, /, **arguments: Any) -> dict[str, Any]:
        """Send a command and return the answer.

        Raises
        ------
        WorkerError
            If the process has died, or takes longer than the timeout.
        """
        if self.process.stdin is None or self.process.stdout is None:
            raise WorkerError("it has no pipes")
        self._signal(signal.SIGCONT)
        try:
            self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(self._exit_message()) from None
        if not select.select([self.process.stdout], [], [], TIMEOUT)[0]:
            self._signal(signal.SIGKILL)  # its answer would come in place of another's
            raise WorkerError(f"no answer to {do!r} within {TIMEOUT:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            raise WorkerError(self._exit_message())
        self._signal(signal.SIGSTOP)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _signal(self, number: signal.Signals) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)

    def _exit_message(self) -> str:
        self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines()
        return f"it ended with {self.process.returncode}" + (f": {lines[-1]}" if lines else "")


def run_script(module: str, threads: int, *, empty_cache: bool = False) -> tuple[float, str]:
    """Run a program from start to end; return the seconds and the last line that it printed.

    Parameters
    ----------
    module
        What to run.
    threads
        How many it may use.
    empty_cache
        Whether it finds nothing that was compiled before.

    Raises
    ------
    WorkerError
        If it fails.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # a process left behind may write there
        variables = dict.fromkeys(CACHES, folder) if empty_cache else {}
        begin = time.perf_counter()
        process = start([module], threads, variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, errors = process.communicate()
        seconds = time.perf_counter() - begin
    if process.returncode:
        raise WorkerError((errors.strip().splitlines() or ["it failed without a word"])[-1])
    return seconds, (output.strip().splitlines() or [""])[-1]
