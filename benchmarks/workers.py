"""The workers of one start of a workload."""

import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from benchmarks.benchmark_run import BenchmarkRun, Participant
from benchmarks.process import Worker, WorkerError
from benchmarks.records import Records
from benchmarks.tasks import Arrays
from benchmarks.workload import Case


class Workers:
    """A worker for each participant, but for those that were left out before.

    Use it in a ``with`` statement, at whose end all of its processes end.
    """

    def __init__(self, participants: Iterable[Participant], run: BenchmarkRun, records: Records) -> None:
        self.run = run
        self.records = records
        self._stack = ExitStack()
        self._workers: dict[Participant, Worker] = {}
        with self._stack:
            for participant in participants:
                if participant.peer not in records.left_out:
                    run.say(f"{run.name}: starting {participant}")
                    self._start(participant)
            self._stack = self._stack.pop_all()

    def _start(self, participant: Participant) -> None:
        worker = self._stack.enter_context(Worker(participant.peer, self.run.settings.threads))
        if self.records.register(participant, _answer(worker, "load")):
            self._workers[participant] = worker

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def participants(self, case: Case) -> list[Participant]:
        """Return those that can still do ``case``."""
        return self.records.active(self._workers, case)

    def ask(self, participant: Participant, case: Case, do: str, /, **arguments: Any) -> dict[str, Any]:
        """Return a participant's answer; an empty one from who is not here or has a note instead."""
        if participant not in self.participants(case):
            return {}
        answer = _answer(self._workers[participant], do, **arguments)
        return answer if self.records.accept(answer, case, participant) else {}

    def ask_all(self, case: Case, do: str, /, **arguments: Any) -> None:
        """Let each do the same in turn."""
        for participant in self.participants(case):
            self.ask(participant, case, do, **arguments)

    def results(self, case: Case) -> dict[Participant, Arrays]:
        """Return what has to agree, from everyone that has it."""
        found: dict[Participant, Arrays] = {}
        with tempfile.TemporaryDirectory() as folder:
            for index, participant in enumerate(self.participants(case)):
                path = Path(folder) / f"{index}.npz"
                self.ask(participant, case, "check", path=str(path))
                if path.exists():
                    with np.load(path) as arrays:
                        found[participant] = dict(arrays)
        return found


def _answer(worker: Worker, do: str, /, **arguments: Any) -> dict[str, Any]:
    try:
        return worker.ask(do, **arguments)
    except WorkerError as error:
        return {"failed": str(error)}
