"""Compiled kernels in processes that other processes start, and in many threads: the same bits everywhere."""

import ctypes.util
import os
import subprocess
import sys
from textwrap import indent

import pytest

LAYERS = ["omp", "workqueue", *(["tbb"] if ctypes.util.find_library("tbb") else [])]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")]

PRELUDE = """
import multiprocessing, os, sys, threading, time
from concurrent.futures import ProcessPoolExecutor
import numpy as np
import autograd_cnn as ag
from autograd_cnn import nn, optim

def train(steps=2, seed=0):
    rng = np.random.default_rng(seed)
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, rng=rng), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5, rng=rng), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10, rng=rng),
    )
    images, labels = rng.random((64, 1, 28, 28), dtype=np.float32), np.arange(64) % 10
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
    return float(loss), [parameter.data.tobytes() for parameter in model.parameters()]

def in_child(work, *arguments):
    "Fork, work in the child, and say whether that ended well."
    child = os.fork()
    if not child:
        try:
            work(*arguments)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0

def trains(wanted):
    assert train() == wanted

def report(queue):
    queue.put(train())

def forked():
    "Train in a child of a process that has run no kernel, and in that child's child."
    def family():
        here = train()
        assert ag.num_threads() == 2
        assert in_child(trains, here)
        assert in_child(in_child_of, trains, here)

    def in_child_of(work, *arguments):
        trains(*arguments)
        assert in_child(work, *arguments)

    assert in_child(family)
    family()

def alone():
    "A child of fork has one thread, and says so."
    assert ag.num_threads() == 1
    ag.set_num_threads(1)
    try:
        ag.set_num_threads(2)
    except ValueError as error:
        print(error, flush=True)

def pools(method, wanted):
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        assert pool.map(train, [2, 2, 2]) == [wanted] * 3
    if method == "fork":  # else it costs three starts of Python more, and starts as the others do
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            assert list(pool.map(train, [2, 2, 2])) == [wanted] * 3
    queue = context.Queue()
    process = context.Process(target=report, args=(queue,))
    process.start()
    assert queue.get(timeout=60) == wanted
    process.join()
    trains(wanted)

def threads(work, count=8):
    started = [threading.Thread(target=work) for _ in range(count)]
    for each in started: each.start()
    return started

def at_once(wanted):
    "Train in many threads."
    ends, same = time.monotonic() + 1, []
    def work():
        same.append(train() == wanted)
        while time.monotonic() < ends:
            same.append(train() == wanted)
    for each in threads(work): each.join()
    assert len(same) >= 8 and all(same)

def forked_beside(wanted):
    "Fork while other threads run kernels."
    done = []
    def work():
        while not done:
            train()
    started = threads(work, 2)
    ended = [in_child(trains, wanted) for _ in range(8)]
    inner = threading.Thread(target=lambda: ended.append(in_child(trains, wanted)))
    inner.start(); inner.join()
    done.append(True)
    for each in started: each.join()
    assert ended == [True] * 9

if __name__ == "__main__":
"""


@pytest.fixture
def run(tmp_path):
    """Return what runs lines in a process of its own, whose children can import what they need."""

    def run(lines, layer="omp", **variables):
        script = tmp_path / "script.py"
        script.write_text(PRELUDE + indent(lines, "    "))
        of_layer = {"NUMBA_THREADING_LAYER": layer, "NUMBA_NUM_THREADS": "2", "AUTOGRAD_CNN_BACKEND": "jit"}
        ignored = {"PYTHONWARNINGS": "ignore::DeprecationWarning"}  # since 3.12 a fork beside threads is warned of
        done = subprocess.run(
            [sys.executable, script],
            env=os.environ | of_layer | ignored | variables, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        # Numba's layer of TBB says so much; there nothing of it is used in the child.
        told = [line for line in done.stderr.splitlines() if "fork from a non-main thread" not in line]
        assert (done.returncode, told) == (0, [])
        return done.stdout

    return run


@pytest.mark.parametrize("layer", LAYERS)
def test_children_of_fork_and_many_threads_train_alike(run, layer):
    """One after the other in one process, whose state each leaves as it was."""
    said = run(
        """
forked()
wanted = train()
assert in_child(trains, wanted)
assert in_child(alone)
assert ag.num_threads() == 2
pools("fork", wanted)
at_once(wanted)
forked_beside(wanted)
trains(wanted)
multiprocessing.set_start_method("spawn")  # which is still for the user to choose
""",
        layer,
    )
    assert said == (
        "set_num_threads: count is out of range: expected 1, got 2; "
        "threads don't come along with fork; start the process by spawn or forkserver\n"
    )


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_pools_of_processes(run, method):
    run(f"pools({method!r}, train())")


def test_a_child_whose_parent_used_numba_without_us(run):
    run(
        """
import numba
@numba.njit(parallel=True)
def total(n):
    result = 0
    for i in numba.prange(n):
        result += i
    return result
total(10)
assert in_child(train)
"""
    )


@pytest.mark.parametrize("layer", LAYERS)
def test_a_fork_while_another_thread_compiles_and_threads_that_compile_at_once(run, layer, tmp_path):
    run(
        """
import autograd_cnn.kernels.compiled  # a child of fork would wait for ever for a thread that imports
def pool():
    assert ag.max_pool(np.ones((4, 4, 8, 8), np.float32), 2).sum() == 256
[thread] = threads(pool, 1)
time.sleep(0.5)
assert in_child(pool)
thread.join()

results = []
def work():
    x = ag.tensor(np.ones((4, 4, 8, 8)), requires_grad=True)
    ag.max_pool(x, 2).sum().backward()
    results.append(x.grad.data.sum())
for each in threads(work): each.join()
assert results == [256.0] * 8
""",
        layer, NUMBA_CACHE_DIR=str(tmp_path),
    )  # fmt: skip
