"""The measurement of a workload with all peers.

Each peer runs in a separate process and pauses while another has its turn, so that no
thread pool spins beside it. There are several rounds, in changing order, and all of that several
times with new processes. Before anything is timed, all must have computed the same.
"""

import json
import time
from collections import defaultdict
from importlib.util import find_spec

import numpy as np

from benchmarks.benchmark_run import BenchmarkRun, Participant, in_order
from benchmarks.process import WorkerError, run_script
from benchmarks.records import Records
from benchmarks.results import Outcome
from benchmarks.tasks import Arrays, Script
from benchmarks.workers import Workers
from benchmarks.workload import Case

STEPS_FOR_MEMORY = 10
ABOVE, WHOLE = ", above the imports", ", whole process"


def measure(run: BenchmarkRun) -> tuple[list[Outcome], Records]:
    """Measure a workload; return an outcome for each row of its table, and who took part."""
    records = Records()
    if run.workload.measure == "memory":
        participants = run.participants[:-1]  # no clock, so nothing for the copy to test
        for start in range(run.settings.starts):
            for index, case in enumerate(run.cases):
                _measure_memory(run, records, start, index, case, participants)
        return [records.outcome(case, participants, row, "B") for case in run.cases for row in (ABOVE, WHOLE)], records
    one_start = _run_scripts if run.workload.measure == "process" else _take_turns
    for start in range(run.settings.starts):
        one_start(run, records, start)
    return [records.outcome(case, run.participants) for case in run.cases], records


def _where(run: BenchmarkRun, case: Case, start: int) -> str:
    return f"{run.name}, {case.name}, start {start + 1} of {run.settings.starts}"


def _take_turns(run: BenchmarkRun, records: Records, start: int) -> None:
    """Time all cases with one process for each participant."""
    with Workers(run.participants, run, records) as workers:
        for index, case in enumerate(run.cases):
            run.say(f"{_where(run, case, start)}: preparing")
            workers.ask_all(case, "prepare", workload=run.name, case=index)
            if start == 0:
                records.compare(workers.results(case), case)
            workers.ask_all(case, "turn", **run.turn)  # the first turn does not count
            times: dict[Participant, list[float]] = defaultdict(list)
            for turn in run.turns(start):
                run.say(f"{_where(run, case, start)}: round {turn + 1 - start * run.rounds} of {run.rounds}")
                for participant in in_order(workers.participants(case), turn):
                    time.sleep(run.settings.pause)
                    times[participant] += workers.ask(participant, case, "turn", **run.turn).get("times", [])
            for participant, samples in times.items():
                records.add(case.name, participant, samples)


def _measure_memory(
    run: BenchmarkRun, records: Records, start: int, index: int, case: Case, participants: list[Participant]
) -> None:
    """Measure one case in a fresh process for each peer, one after the other."""
    results: dict[Participant, Arrays] = {}
    for participant in records.active(participants, case):
        run.say(f"{_where(run, case, start)}: {participant}")
        with Workers([participant], run, records) as workers:
            before = workers.ask(participant, case, "memory")
            workers.ask(participant, case, "prepare", workload=run.name, case=index)
            for _ in range(STEPS_FOR_MEMORY):
                workers.ask(participant, case, "turn", seconds=0, warmup=0)
            after = workers.ask(participant, case, "memory")
            workers.ask(participant, case, "prepare", workload=run.name, case=index)
            results |= workers.results(case)
        if after:
            records.add(f"{case.name}{WHOLE}", participant, [after["peak"]])
            records.add(f"{case.name}{ABOVE}", participant, [after["peak"] - before["now"]])
    records.compare(results, case)


def _run_scripts(run: BenchmarkRun, records: Records, start: int) -> None:
    """Time whole programs."""
    for case in run.cases:
        candidates = [participant for participant in run.participants if find_spec(_module(case, participant))]
        if start == 0:
            run.say(f"{_where(run, case, start)}: once to see what it computes, and to fill the caches")
            printed = {participant: _script(run, records, case, participant)[1] for participant in candidates}
            records.compare({participant: _numbers(line) for participant, line in printed.items() if line}, case)
        times: dict[Participant, list[float]] = defaultdict(list)
        for turn in run.turns(start):
            run.say(f"{_where(run, case, start)}: round {turn + 1 - start * run.rounds} of {run.rounds}")
            for participant in in_order(records.active(candidates, case), turn):
                time.sleep(run.settings.pause)
                times[participant].append(_script(run, records, case, participant)[0])
        for participant, samples in times.items():
            records.add(case.name, participant, samples)


def _module(case: Case, participant: Participant) -> str:
    if not isinstance(case.task, Script):
        raise TypeError(f"{case.name} is not a script")
    return f"{case.task.package}.{participant.peer}"


def _script(run: BenchmarkRun, records: Records, case: Case, participant: Participant) -> tuple[float, str]:
    """Run a peer's program; return the seconds and what it printed last."""
    empty_cache = isinstance(case.task, Script) and case.task.empty_cache
    try:
        return run_script(_module(case, participant), run.settings.threads, empty_cache=empty_cache)
    except WorkerError as error:
        records.accept({"failed": str(error)}, case, participant)
        return 0.0, ""


def _numbers(line: str) -> Arrays:
    """Return the numbers of a program's last line, a JSON object."""
    return {name: np.asarray(value) for name, value in json.loads(line).items()}
