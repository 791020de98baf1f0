import os
import time
from pathlib import Path

import pytest

from benchmarks import process
from benchmarks.process import Worker, WorkerError, environment, run_script


def _state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.slow
def test_a_worker_answers_and_stands_still_in_between():
    with Worker("ours_reference", threads=1) as worker:
        assert "version" in worker.ask("load")
        assert worker.ask("prepare", workload="lenet", case=1) == {}
        assert len(worker.ask("turn", seconds=0, warmup=0)["times"]) == 1
        if Path("/proc").exists():
            deadline = time.monotonic() + 5
            while _state(worker.process.pid) != "T" and time.monotonic() < deadline:
                time.sleep(0.001)
            assert _state(worker.process.pid) == "T"
    assert worker.process.poll() is not None


@pytest.mark.slow
def test_a_worker_that_dies_is_reported_with_its_exit_code():
    with Worker("ours_reference", threads=1) as worker:
        worker.process.kill()
        with pytest.raises(WorkerError) as err:
            worker.ask("load")
        assert str(err.value) == "it ended with -9"


@pytest.mark.slow
def test_a_worker_that_takes_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(process, "TIMEOUT", 0.0)
    with Worker("ours_reference", threads=1) as worker:
        with pytest.raises(WorkerError) as err:
            worker.ask("load")
        assert str(err.value) == "no answer to 'load' within 0 s"
        with pytest.raises(WorkerError):
            worker.ask("load")


def test_every_library_gets_the_number_of_threads():
    variables = environment(3)
    assert {variables[f"{name}_NUM_THREADS"] for name in ("OMP", "MKL", "OPENBLAS", "NUMBA")} == {"3"}
    assert variables["PATH"] == os.environ["PATH"]


@pytest.mark.slow
def test_a_script_that_fails_says_why():
    with pytest.raises(WorkerError) as err:
        run_script("benchmarks.no_such_script", threads=1)
    assert str(err.value).endswith("No module named benchmarks.no_such_script")


@pytest.mark.slow
def test_a_script_is_timed_from_start_to_end():
    seconds, last = run_script("this", threads=1)
    assert last == "Namespaces are one honking great idea -- let's do more of those!"
    assert seconds > 0
