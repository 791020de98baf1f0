"""The turns, with workers that only pretend."""

import json
from typing import ClassVar

import numpy as np
import pytest

from benchmarks import harness, workers
from benchmarks.benchmark_run import BenchmarkRun, Settings
from benchmarks.process import WorkerError
from benchmarks.tasks import Chain, Script
from benchmarks.workload import Case, Workload

CASES = (Case("first", Chain(10), per=10), Case("second", Chain(20)))
MILLISECONDS = {"ours": 1.0, "torch": 2.0, "jax": 3.0}


class _Worker:
    """Knows no library, but answers as a worker does; ``faults`` are answers by peer and command."""

    faults: ClassVar = {}
    log: ClassVar = []

    def __init__(self, peer, _):
        self.peer = peer

    def __enter__(self):
        self.log.append((self.peer, "start"))
        return self

    def __exit__(self, *_):
        self.log.append((self.peer, "end"))

    def ask(self, do, /, **arguments):
        self.log.append((self.peer, do))
        fault = self.faults.get((self.peer, do))
        if isinstance(fault, Exception):
            raise fault
        if fault is not None:
            return fault
        if do == "check":
            np.savez(arguments["path"], value=np.array(self.faults.get((self.peer, "value"), 1.0)))
        return {
            "load": {"version": "1"},
            "turn": {"times": [MILLISECONDS.get(self.peer, 9.0)] * 3},
            "memory": {"now": 100, "peak": 100 + sum(p == self.peer and d == "turn" for p, d in self.log)},
        }.get(do, {})


@pytest.fixture
def worker(monkeypatch):
    monkeypatch.setattr(_Worker, "faults", {})
    monkeypatch.setattr(_Worker, "log", [])
    monkeypatch.setattr(workers, "Worker", _Worker)
    return _Worker


def _measure(peers=("ours", "torch"), **workload):
    settings = Settings(threads=1, rounds=2, starts=2, pause=0)
    run = BenchmarkRun("w", Workload("W", **{"cases": CASES, **workload}), peers, settings, lambda _: None)
    return harness.measure(run)


def test_every_case_gets_a_number_from_every_peer(worker):
    outcomes, records = _measure()
    assert [o.case for o in outcomes] == ["first", "second"]
    assert [(e.peer, e.measured.value, e.copy) for e in outcomes[0].entries] == [
        ("ours", 0.1, False),
        ("torch", 0.2, False),
        ("torch", 0.2, True),
    ]
    assert outcomes[0].self_test() == 1.0
    assert records.versions == {"ours": "1", "torch": "1"}


def test_every_start_has_new_processes_and_all_end(worker):
    _measure()
    assert worker.log.count(("ours", "start")) == worker.log.count(("ours", "end")) == 2
    assert worker.log.count(("torch", "start")) == worker.log.count(("torch", "end")) == 4  # with its copy
    assert worker.log.count(("ours", "turn")) == 2 * 2 * (2 + 1)  # starts, cases, rounds and a warm-up


def test_who_computes_something_else_is_not_timed(worker):
    worker.faults["jax", "value"] = 2.0
    outcomes, _ = _measure(("ours", "torch", "jax"))
    assert [(e.peer, e.note) for e in outcomes[0].entries if e.note] == [("jax", "wrong: value is off by 1e+00")]
    assert ("jax", "turn") not in worker.log


def test_who_lacks_the_means_is_not_asked_again_for_that_case(worker):
    worker.faults["torch", "prepare"] = {"lacks": "no chain"}
    outcomes, _ = _measure()
    assert [(e.note, e.lacks) for e in outcomes[0].entries if e.peer == "torch"] == [("no chain", True)] * 2
    assert worker.log.count(("torch", "prepare")) == 4  # two cases, and the copy


def test_who_cannot_be_loaded_is_left_out(worker):
    worker.faults["jax", "load"] = {"failed": "ImportError: no"}
    outcomes, records = _measure(("ours", "torch", "jax"))
    assert records.left_out == {"jax": "ImportError: no"}
    assert "jax" not in {e.peer for o in outcomes for e in o.entries}
    assert worker.log.count(("jax", "start")) == 1


def test_who_dies_does_not_stop_the_others(worker):
    worker.faults["jax", "turn"] = WorkerError("it ended with -9")
    outcomes, _ = _measure(("ours", "torch", "jax"))
    assert [e.note for e in outcomes[1].entries if e.peer == "jax"] == ["failed: it ended with -9"]
    assert outcomes[1].value("ours") == 1.0


def test_memory_is_the_peak_above_the_imports_and_in_all(worker):
    outcomes, _ = _measure(cases=CASES[:1], measure="memory")
    assert [(o.case, o.unit) for o in outcomes] == [("first, above the imports", "B"), ("first, whole process", "B")]
    assert [o.value("ours") for o in outcomes] == [1.0, 11.0]  # ten steps in the first start, by the case's share
    assert not any(e.copy for o in outcomes for e in o.entries)


def test_scripts_run_whole(monkeypatch):
    runs = []

    def run(module, threads, *, empty_cache):
        assert empty_cache
        runs.append(module)
        if module.endswith("jax"):
            raise WorkerError("no digits")
        return MILLISECONDS[module.rpartition(".")[2]], json.dumps({"steps": 9})

    monkeypatch.setattr(harness, "run_script", run)
    monkeypatch.setattr(harness, "find_spec", lambda module: None if module.endswith("mygrad") else module)
    [outcome], _ = _measure(
        ("ours", "torch", "jax", "mygrad"), cases=(Case("all", Script("s", empty_cache=True)),), measure="process"
    )
    assert (outcome.value("ours"), outcome.value("torch"), outcome.value("mygrad")) == (1.0, 2.0, None)
    assert [e.note for e in outcome.entries if e.peer == "jax"] == ["failed: no digits"]
    assert runs.count("s.ours") == 1 + 2 * 2
    assert runs.count("s.jax") == 1
