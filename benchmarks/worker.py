"""One peer in a separate process: ``python -m benchmarks.worker PEER``.

It reads commands, one JSON object a line, and answers each by one line. Whatever the peer prints
goes to the standard error.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module, metadata
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks import resident
from benchmarks.tasks import Job, LackingError
from benchmarks.workload import workloads

STEPS = 3
"""Training steps after which the loss is checked again, so that what is timed is checked as well."""


def turn(run: Callable[[], object], seconds: float, warmup: float) -> list[float]:
    """Return how long each run took, for ``seconds`` in all after a warm-up; at least of one run.

    A run that alone lasts longer than warm-up and turn together counts, without another before it.
    """
    begin = start = time.perf_counter()
    times: list[float] = []
    while not times or start - begin < warmup + seconds:
        run()
        end = time.perf_counter()
        if start - begin >= warmup or end - start >= warmup + seconds:
            times.append(end - start)
        start = end
    return times


class Session:
    """What a worker knows between two commands; each method is a command."""

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.module: ModuleType | None = None
        self.job: Job | None = None

    def load(self) -> dict[str, Any]:
        """Import the peer and say which version it is."""
        self.module = import_module(f"benchmarks.peers.{self.peer}")
        try:
            return {"version": metadata.version(self.module.PACKAGE)}
        except metadata.PackageNotFoundError:
            return {"version": "from source"}

    def prepare(self, workload: str, case: int) -> dict[str, Any]:
        """Make the task ready, in place of the last one."""
        self.job = None
        task = workloads()[workload].cases[case].task
        function = getattr(self.module, task.asks, None)
        if function is None:
            return {"lacks": f"no {task.asks}"}
        self.job = function(task)
        return {}

    def check(self, path: str) -> dict[str, Any]:
        """Write what has to agree into the file ``path``."""
        found: dict[str, Any] = dict(self._job().check())
        if "loss" in found:
            for _ in range(STEPS):
                self._job().run()
            found[f"loss after {STEPS} runs"] = self._job().check()["loss"]
        np.savez(path, **found)
        return {}

    def set_threads(self, count: int) -> dict[str, Any]:
        """Let the peer use so many threads from now on."""
        if self.module is None:
            raise RuntimeError("no peer has been loaded")
        self.module.set_num_threads(count)
        return {}

    def turn(self, seconds: float, warmup: float) -> dict[str, Any]:
        """Run the task for ``seconds`` and return the times."""
        return {"times": turn(self._job().run, seconds, warmup)}

    def memory(self) -> dict[str, Any]:
        """Return the resident set and its peak since the last such command, in bytes."""
        now, peak = resident.now(), resident.peak()
        resident.forget_peak()
        return {"now": now, "peak": peak}

    def _job(self) -> Job:
        if self.job is None:
            raise RuntimeError("nothing has been prepared")
        return self.job


def answer(session: Session, command: dict[str, Any]) -> dict[str, Any]:
    """Do one command; what goes wrong is an answer as well."""
    name = command.pop("do")
    try:
        result: dict[str, Any] = getattr(session, name)(**command)
    except LackingError as error:
        return {"lacks": str(error)}
    except Exception as error:  # noqa: BLE001  # whatever a peer does, the others go on
        text = str(error).strip().splitlines()
        return {"failed": f"{type(error).__name__}: {text[0] if text else 'no message'}"}
    return result


def main() -> None:
    """Answer commands until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    session = Session(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(answer(session, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
