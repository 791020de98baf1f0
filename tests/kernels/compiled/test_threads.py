"""The number of threads, and who has them when."""

import os
import subprocess
import sys
import threading
from itertools import pairwise

import numba
import pytest

from autograd_cnn.errors import ArgumentError, OperandError
from autograd_cnn.kernels.compiled import threads
from autograd_cnn.kernels.compiled.threads import CREDIT, LOSS, PAUSES, Team, num_threads, set_num_threads


def test_the_number_is_kept():
    before = num_threads()
    try:
        set_num_threads(1)
        assert num_threads() == numba.get_num_threads() == 1
    finally:
        set_num_threads(before)
    assert num_threads() == before


@pytest.mark.parametrize("count", [0, -1, numba.config.NUMBA_NUM_THREADS + 1])
def test_a_number_out_of_range_is_an_error(count):
    with pytest.raises(ArgumentError) as caught:
        set_num_threads(count)
    assert str(caught.value) == (
        f"set_num_threads: count is out of range: expected 1 to {numba.config.NUMBA_NUM_THREADS}, got {count}; "
        "NUMBA_NUM_THREADS, set before the start, allows for more"
    )


@pytest.mark.parametrize(("count", "kind"), [(1.0, "float"), ("2", "str"), (None, "NoneType"), ([1], "list")])
def test_what_is_no_number_is_an_error(count, kind):
    with pytest.raises(OperandError) as caught:
        set_num_threads(count)
    assert str(caught.value) == f"set_num_threads: count is not a whole number: expected int, got {kind}"


# --- a busy machine -----------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch):
    """Return a clock that a test sets."""

    class Clock:
        time = 100.0

        def __call__(self):
            return self.time

    clock = Clock()
    monkeypatch.setattr(threads, "perf_counter", clock)
    return clock


def _loop(team, clock, took, alone):
    """Run a loop in seconds, and return whether it had the threads."""
    if not team.acquire():
        clock.time += alone
        return False
    clock.time += took
    team.release(alone / took)
    return True


def test_threads_that_gain_are_kept(clock):
    team = Team()
    assert all(_loop(team, clock, took=0.6e-3, alone=1e-3) for _ in range(1000))


def test_threads_that_are_waited_for_are_let_go_and_tried_again(clock):
    team = Team()
    assert _loop(team, clock, took=2e-3, alone=1e-3)
    assert _loop(team, clock, took=2.1e-3, alone=1e-3)
    assert not _loop(team, clock, took=2e-3, alone=1e-3)
    clock.time += PAUSES[0]
    assert _loop(team, clock, took=0.6e-3, alone=1e-3)


def test_what_was_gained_makes_up_for_a_loss_now_and_then(clock):
    team = Team()
    for _ in range(100):
        assert all(_loop(team, clock, took=0.6e-3, alone=1e-3) for _ in range(10))
        assert _loop(team, clock, took=5e-3, alone=1e-3)


def test_what_was_gained_long_ago_does_not(clock):
    team = Team()
    for _ in range(1000):
        _loop(team, clock, took=0.6e-3, alone=1e-3)
    assert sum(_loop(team, clock, took=2e-3, alone=1e-3) for _ in range(40)) <= 1 + (CREDIT + LOSS) / 1e-3


def test_a_machine_that_stays_busy_is_tried_ever_more_seldom(clock):
    team, tried = Team(), []
    while clock.time < 110:
        if _loop(team, clock, took=4e-3, alone=1e-3):
            tried.append(clock.time)
    pauses = [after - before for before, after in pairwise(tried)]
    assert pauses[:3] == pytest.approx([0.05, 0.1, 0.2], abs=6e-3)
    assert pauses[-3:] == pytest.approx([PAUSES[1]] * 3, abs=6e-3)
    assert len(tried) * 4e-3 < 0.01 * 10


def test_after_a_quiet_while_pauses_are_short_again(clock):
    team = Team()
    while clock.time < 110:
        _loop(team, clock, took=4e-3, alone=1e-3)
    while clock.time < 120:
        _loop(team, clock, took=0.6e-3, alone=1e-3)
    while _loop(team, clock, took=4e-3, alone=1e-3):
        pass
    before = clock.time
    while not _loop(team, clock, took=4e-3, alone=1e-3):
        pass
    assert clock.time - before < 2 * PAUSES[0]


def test_a_number_that_was_chosen_holds_on_a_busy_machine(clock):
    team = Team()
    team.fix(2)
    assert all(_loop(team, clock, took=9e-3, alone=1e-3) for _ in range(100))


def test_a_choice_ends_a_pause(clock):
    team = Team()
    _loop(team, clock, took=9e-3, alone=1e-3)
    assert not team.acquire()
    team.fix(2)
    assert team.acquire()


def test_choosing_a_number_fixes_it():
    set_num_threads(num_threads())
    assert threads.team.fixed


# --- one at a time ------------------------------------------------------------------------------


def test_one_caller_at_a_time_has_them():
    team, had = Team(), []
    assert team.acquire()
    other = threading.Thread(target=lambda: had.append(team.acquire()))
    other.start()
    other.join()
    assert had == [False]
    team.release(2.0)
    assert team.acquire()


def test_a_caller_that_was_interrupted_has_them_again():
    team = Team()
    assert team.acquire()  # and is interrupted before its loop
    assert team.acquire()
    team.release(2.0)
    assert team.acquire()


# --- the start ----------------------------------------------------------------------------------


def _python(script, **variables):
    """Return what a process printed whose environment says nothing of OpenMP but ``variables``."""
    environment = {name: value for name, value in os.environ.items() if name not in threads._USERS}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment | variables, capture_output=True, text=True, check=True
    )
    return done.stdout


START = """
import os
import autograd_cnn as ag
from autograd_cnn.kernels.compiled import threads
seen = []
launch = threads.numba.get_num_threads
threads.numba.get_num_threads = lambda: seen.append(os.environ.get("GOMP_SPINCOUNT")) or launch()
before = dict(os.environ)
threads.start()
threads.start()
print(seen, dict(os.environ) == before)
"""


@pytest.mark.slow
def test_threads_spin_briefly_and_the_environment_is_left_as_it_was():
    assert _python(START) == "['20000'] True\n"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "seen"), [("GOMP_SPINCOUNT", "7"), ("OMP_WAIT_POLICY", None)])
def test_what_the_user_says_of_waiting_holds(name, seen):
    assert _python(START, **{name: "7" if seen else "active"}) == f"{[seen]} True\n"


@pytest.mark.slow
def test_threads_that_can_not_be_started():
    script = """
import numpy as np
import autograd_cnn as ag
try:
    ag.correlate2d(np.ones((8, 4, 8, 8)), np.ones((4, 4, 3, 3)))
except ImportError as error:
    print(error)
"""
    assert _python(script, NUMBA_THREADING_LAYER="nonsense", AUTOGRAD_CNN_BACKEND="jit") == (
        "the jit backend: Numba can't start its threads (The threading layer requested 'nonsense' is unknown to Numba)"
        "; unset NUMBA_THREADING_LAYER and NUMBA_NUM_THREADS, or set AUTOGRAD_CNN_BACKEND=reference\n"
    )
