"""The workers of one start of a workload."""

import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from benchmarks.ledger import Ledger
from benchmarks.plan import Entrant, Plan
from benchmarks.process import Worker, WorkerError
from benchmarks.tasks import Arrays
from benchmarks.workload import Case


class Crew:
    """A worker for each entrant, but for those that were left out before.

    Use it in a ``with`` statement, at whose end all of its processes end.
    """

    def __init__(self, entrants: Iterable[Entrant], plan: Plan, ledger: Ledger) -> None:
        self.plan = plan
        self.ledger = ledger
        self._stack = ExitStack()
        self._workers: dict[Entrant, Worker] = {}
        with self._stack:
            for entrant in entrants:
                if entrant.peer not in ledger.left_out:
                    plan.say(f"{plan.name}: starting {entrant}")
                    self._hire(entrant)
            self._stack = self._stack.pop_all()

    def _hire(self, entrant: Entrant) -> None:
        worker = self._stack.enter_context(Worker(entrant.peer, self.plan.settings.threads))
        if self.ledger.enrol(entrant, _answer(worker, "load")):
            self._workers[entrant] = worker

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def members(self, case: Case) -> list[Entrant]:
        """Return those that can still do ``case``."""
        return self.ledger.in_line(self._workers, case)

    def ask(self, entrant: Entrant, case: Case, do: str, /, **arguments: Any) -> dict[str, Any]:
        """Return an entrant's answer; an empty one from who is not here or has a note instead."""
        if entrant not in self.members(case):
            return {}
        answer = _answer(self._workers[entrant], do, **arguments)
        return answer if self.ledger.accept(answer, case, entrant) else {}

    def ask_all(self, case: Case, do: str, /, **arguments: Any) -> None:
        """Let each do the same in turn."""
        for entrant in self.members(case):
            self.ask(entrant, case, do, **arguments)

    def results(self, case: Case) -> dict[Entrant, Arrays]:
        """Return what has to agree, from everyone that has it."""
        found: dict[Entrant, Arrays] = {}
        with tempfile.TemporaryDirectory() as folder:
            for index, entrant in enumerate(self.members(case)):
                path = Path(folder) / f"{index}.npz"
                self.ask(entrant, case, "check", path=str(path))
                if path.exists():
                    with np.load(path) as arrays:
                        found[entrant] = dict(arrays)
        return found


def _answer(worker: Worker, do: str, /, **arguments: Any) -> dict[str, Any]:
    try:
        return worker.ask(do, **arguments)
    except WorkerError as error:
        return {"failed": str(error)}
