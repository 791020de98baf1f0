"""The measurement of a workload with all peers.

Each peer runs in a process of its own and stands still while another has its turn, so that no
thread pool spins beside it. There are several rounds, in changing order, and all of that several
times with new processes. Before anything is timed, all must have computed the same.
"""

import json
import time
from collections import defaultdict
from importlib.util import find_spec

import numpy as np

from benchmarks.crew import Crew
from benchmarks.ledger import Ledger
from benchmarks.plan import Entrant, Plan, in_order
from benchmarks.process import WorkerError, run_script
from benchmarks.results import Outcome
from benchmarks.tasks import Arrays, Script
from benchmarks.workload import Case

STEPS_FOR_MEMORY = 10
ABOVE, WHOLE = ", above the imports", ", whole process"


def measure(plan: Plan) -> tuple[list[Outcome], Ledger]:
    """Measure a workload; return an outcome for each row of its table, and who took part."""
    ledger = Ledger()
    if plan.workload.measure == "memory":
        entrants = plan.entrants[:-1]  # no clock, so nothing for the copy to test
        for start in range(plan.settings.starts):
            for index, case in enumerate(plan.cases):
                _measure_memory(plan, ledger, start, index, case, entrants)
        return [ledger.outcome(case, entrants, row, "B") for case in plan.cases for row in (ABOVE, WHOLE)], ledger
    one_start = _run_scripts if plan.workload.measure == "process" else _take_turns
    for start in range(plan.settings.starts):
        one_start(plan, ledger, start)
    return [ledger.outcome(case, plan.entrants) for case in plan.cases], ledger


def _where(plan: Plan, case: Case, start: int) -> str:
    return f"{plan.name}, {case.name}, start {start + 1} of {plan.settings.starts}"


def _take_turns(plan: Plan, ledger: Ledger, start: int) -> None:
    """Time all cases in one life of the processes."""
    with Crew(plan.entrants, plan, ledger) as crew:
        for index, case in enumerate(plan.cases):
            plan.say(f"{_where(plan, case, start)}: preparing")
            crew.ask_all(case, "prepare", workload=plan.name, case=index)
            if start == 0:
                ledger.compare(crew.results(case), case)
            crew.ask_all(case, "turn", **plan.turn)  # the first turn does not count
            taken: dict[Entrant, list[float]] = defaultdict(list)
            for turn in plan.turns(start):
                plan.say(f"{_where(plan, case, start)}: round {turn + 1 - start * plan.rounds} of {plan.rounds}")
                for entrant in in_order(crew.members(case), turn):
                    time.sleep(plan.settings.pause)
                    taken[entrant] += crew.ask(entrant, case, "turn", **plan.turn).get("times", [])
            for entrant, times in taken.items():
                ledger.write(case.name, entrant, times)


def _measure_memory(plan: Plan, ledger: Ledger, start: int, index: int, case: Case, entrants: list[Entrant]) -> None:
    """Measure one case in a fresh process for each peer, one after the other."""
    results: dict[Entrant, Arrays] = {}
    for entrant in ledger.in_line(entrants, case):
        plan.say(f"{_where(plan, case, start)}: {entrant}")
        with Crew([entrant], plan, ledger) as crew:
            before = crew.ask(entrant, case, "memory")
            crew.ask(entrant, case, "prepare", workload=plan.name, case=index)
            for _ in range(STEPS_FOR_MEMORY):
                crew.ask(entrant, case, "turn", seconds=0, warmup=0)
            after = crew.ask(entrant, case, "memory")
            crew.ask(entrant, case, "prepare", workload=plan.name, case=index)
            results |= crew.results(case)
        if after:
            ledger.write(f"{case.name}{WHOLE}", entrant, [after["peak"]])
            ledger.write(f"{case.name}{ABOVE}", entrant, [after["peak"] - before["now"]])
    ledger.compare(results, case)


def _run_scripts(plan: Plan, ledger: Ledger, start: int) -> None:
    """Time whole programs."""
    for case in plan.cases:
        there = [entrant for entrant in plan.entrants if find_spec(_module(case, entrant))]
        if start == 0:
            plan.say(f"{_where(plan, case, start)}: once to fill the caches")
            printed = {entrant: _script(plan, ledger, case, entrant)[1] for entrant in there}
            ledger.compare({entrant: _numbers(line) for entrant, line in printed.items() if line}, case)
        taken: dict[Entrant, list[float]] = defaultdict(list)
        for turn in plan.turns(start):
            plan.say(f"{_where(plan, case, start)}: round {turn + 1 - start * plan.rounds} of {plan.rounds}")
            for entrant in in_order(ledger.in_line(there, case), turn):
                time.sleep(plan.settings.pause)
                taken[entrant].append(_script(plan, ledger, case, entrant)[0])
        for entrant, times in taken.items():
            ledger.write(case.name, entrant, times)


def _module(case: Case, entrant: Entrant) -> str:
    if not isinstance(case.task, Script):
        raise TypeError(f"{case.name} is no script")
    return f"{case.task.package}.{entrant.peer}"


def _script(plan: Plan, ledger: Ledger, case: Case, entrant: Entrant) -> tuple[float, str]:
    """Run a peer's program; return the seconds and what it printed last."""
    try:
        return run_script(_module(case, entrant), plan.settings.threads)
    except WorkerError as error:
        ledger.accept({"failed": str(error)}, case, entrant)
        return 0.0, ""


def _numbers(line: str) -> Arrays:
    """Return the numbers of a program's last line, a JSON object."""
    return {name: np.asarray(value) for name, value in json.loads(line).items()}
