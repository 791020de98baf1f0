from types import SimpleNamespace

import numpy as np

import autograd_cnn as ag
from benchmarks import worker
from benchmarks.tasks import Job, LackingError
from benchmarks.worker import Session, answer, turn


class _Clock:
    """A clock that stands still but for what is done."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(worker.time, "perf_counter", lambda: self.now)

    def work(self, seconds):
        self.now += seconds


def test_what_falls_into_the_warm_up_does_not_count(monkeypatch):
    clock = _Clock(monkeypatch)
    assert len(turn(lambda: clock.work(0.25), seconds=1.0, warmup=0.5)) == 4
    assert clock.now == 1.5


def test_a_run_longer_than_the_turn_counts_at_once(monkeypatch):
    clock = _Clock(monkeypatch)
    assert turn(lambda: clock.work(9.0), seconds=1.0, warmup=0.5) == [9.0]


def test_there_is_always_one_time(monkeypatch):
    clock = _Clock(monkeypatch)
    assert turn(lambda: clock.work(0.75), seconds=0.5, warmup=0.5) == [0.75]
    assert turn(lambda: clock.work(0.125), seconds=0, warmup=0) == [0.125]
    assert clock.now == 2 * 0.75 + 0.125


def _session(run=lambda: None, check=dict):
    session = Session("ours_reference")
    session.job = Job(run, check)
    return session


def test_the_check_is_made_again_after_some_runs(tmp_path):
    losses = [3.0]
    session = _session(lambda: losses.append(losses[-1] / 2), lambda: {"loss": np.array(losses[-1]), "w": np.ones(2)})
    assert answer(session, {"do": "check", "path": str(tmp_path / "a.npz")}) == {}
    with np.load(tmp_path / "a.npz") as found:
        assert {name: found[name].tolist() for name in found} == {"loss": 3.0, "w": [1, 1], "loss after 3 runs": 0.375}


def test_what_goes_wrong_is_an_answer():
    def fail():
        raise RuntimeError("first line\nsecond line")

    def lack():
        raise LackingError("no stride")

    do = {"do": "turn", "seconds": 0, "warmup": 0}
    assert answer(_session(fail), dict(do)) == {"failed": "RuntimeError: first line"}
    assert answer(_session(lack), dict(do)) == {"lacks": "no stride"}
    assert answer(Session("ours"), dict(do)) == {"failed": "RuntimeError: nothing has been prepared"}


def test_a_peer_may_lack_a_kind_of_task():
    session = Session("ours_reference")
    with ag.set_backend("auto"):  # which the peer changes
        assert "version" in answer(session, {"do": "load"})
    assert answer(session, {"do": "prepare", "workload": "chain", "case": 0}) == {"lacks": "no chain"}
    assert answer(session, {"do": "prepare", "workload": "lenet", "case": 0}) == {}
    assert session.job is not None


def test_a_library_that_is_not_there():
    assert answer(Session("no_such_peer"), {"do": "load"}) == {
        "failed": "ModuleNotFoundError: No module named 'benchmarks.peers.no_such_peer'"
    }


def test_the_number_of_threads_is_the_peers():
    assert answer(Session("ours"), {"do": "set_threads", "count": 1}) == {
        "failed": "RuntimeError: no peer has been loaded"
    }
    session, counts = Session("ours"), []
    session.module = SimpleNamespace(set_num_threads=counts.append)
    assert answer(session, {"do": "set_threads", "count": 3}) == {}
    assert counts == [3]


def test_memory():
    found = answer(_session(), {"do": "memory"})
    assert 10e6 < found["now"] <= found["peak"]
