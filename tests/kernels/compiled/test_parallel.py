"""What is compiled: once, for good, and for what it takes."""

import sys
import threading
import time
from contextlib import suppress
from typing import NamedTuple

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
import autograd_cnn.testing.samples  # gives the primitives their calls
from autograd_cnn import nn
from autograd_cnn.errors import OperandError
from autograd_cnn.kernels.compiled import parallel
from autograd_cnn.kernels.compiled.threads import team
from autograd_cnn.testing import laws
from autograd_cnn.testing.case import SAMPLES, registered_in


class Sizes(NamedTuple):
    each: int


@parallel.inlined
def _square(x):
    return x * x


@parallel.parallel_for
def _squares(first, last, s, x, y):
    for job in range(first, last):
        for i in range(job * s.each, (job + 1) * s.each):
            y[i] = _square(x[i])


@for_each("jobs", [1, parallel.PIECES - 1, parallel.PIECES, 3 * parallel.PIECES + 7])
@for_each("dtype", [np.float32, np.float64])
@for_each("serial", [False, True])
def test_all_jobs_are_done(jobs, dtype, serial):
    x, y = np.arange(2 * jobs + 1, dtype=dtype), np.zeros(2 * jobs + 1, dtype)
    _squares(jobs, Sizes(2), x, y, serial=serial)
    np.testing.assert_array_equal(y, [*x[:-1] ** 2, 0])


def test_all_jobs_are_done_without_the_threads(monkeypatch):
    monkeypatch.setattr(team, "threadless", True)
    x, y = np.arange(100.0), np.zeros(100)
    _squares(100, Sizes(1), x, y)
    np.testing.assert_array_equal(y, x**2)


def test_a_loop_that_has_no_threads_lets_pythons_other_threads_go_on(monkeypatch):
    monkeypatch.setattr(team, "threadless", True)
    x, y, seen = np.ones(1 << 24, np.float32), np.zeros(1 << 24, np.float32), []
    _squares(2, Sizes(1), x, y)  # compiles
    ends = threading.Event()

    def watch():
        while not ends.is_set():
            seen.append(y[-1])
            time.sleep(1e-4)

    watcher = threading.Thread(target=watch)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # Python itself takes the lock from nobody
    try:
        watcher.start()
        for _ in range(5):
            _squares(1 << 14, Sizes(1 << 10), x, y)
        ends.set()
    finally:
        sys.setswitchinterval(interval)
        watcher.join()
    assert 0 in seen


@parallel.parallel_for
def _with_scratch(first, last, s, x, y):
    scratch = np.empty(s.each)
    for job in range(first, last):
        scratch[0] = x[job]
        y[job] = scratch[0]


TOO_MUCH = 1 << 50
"""More numbers than there are addresses."""


@pytest.mark.parametrize("serial", [False, True])
@pytest.mark.parametrize("threadless", [False, True])
def test_a_loop_without_memory_for_its_scratch_raises_an_error(serial, threadless, monkeypatch):
    monkeypatch.setattr(team, "threadless", threadless)
    x, y = np.ones(100), np.zeros(100)
    with pytest.raises(MemoryError, match="Allocation failed"):
        _with_scratch(100, Sizes(TOO_MUCH), x, y, serial=serial)
    _with_scratch(100, Sizes(1), x, y, serial=serial)
    np.testing.assert_array_equal(y, x)


@parallel.parallel_for
def _with_room(first, last, s, x, y):
    for job in range(first, last):
        y[job] = np.zeros(x[job]).size


def test_one_piece_without_memory_is_enough():
    x, y = np.zeros(100, int), np.zeros(100, int)
    x[77] = TOO_MUCH
    with pytest.raises(MemoryError, match="Allocation failed"):
        _with_room(100, Sizes(1), x, y)


def test_threads_are_free_again_after_an_error(monkeypatch):
    monkeypatch.setattr(team, "fixed", True)  # or they pause on a busy machine
    monkeypatch.setattr(team, "_resumes", 0.0)
    _squares(100, Sizes(1), np.ones(100), np.ones(100))
    with pytest.raises(TypeError):
        _squares(100, Sizes(None), np.ones(100), np.ones(100))
    assert team.acquire()
    team.release(2.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bytes_in_another_order_are_refused_whatever_was_compiled_before(dtype):
    x, y = np.ones(4, dtype), np.zeros(4, dtype)
    foreign = x.dtype.newbyteorder()
    _squares(4, Sizes(1), x, y)
    for arrays in [(x.astype(foreign), y), (x, y.astype(foreign))]:
        with pytest.raises(OperandError) as caught:
            _squares(4, Sizes(1), *arrays)
        assert str(caught.value) == f"a compiled kernel: expected bytes in this machine's order, got {foreign.str}"


def test_no_kernel_takes_bytes_in_another_order_for_its_own(rng):
    x = rng.standard_normal((2, 3, 8, 8))
    indices = rng.integers(0, 4, (2, 3, 4, 4))
    for dtype in (indices.dtype, np.dtype(np.uint8), np.dtype(np.int16)):
        expected = ag.max_pool_gather(x, indices=indices.astype(dtype), window=2)
        for order in "<>":
            foreign = indices.astype(dtype.newbyteorder(order))
            with suppress(TypeError, ValueError):  # it may be refused
                np.testing.assert_array_equal(ag.max_pool_gather(x, indices=foreign, window=2), expected)


# --- the same bits, however jobs are run ----------------------------------------------------------


@pytest.fixture
def compared(monkeypatch):
    """Do every kernel's jobs three times, in pieces, all at once and one by one, and compare; return their number."""
    run, names = parallel.parallel_for.__call__, []

    def thrice(self, jobs, sizes, *arrays, serial=False):
        before = [each.copy() for each in arrays]
        run(self, jobs, sizes, *arrays, serial=serial)
        names.append(self._function.__qualname__)
        _, address, call = self._compiled[tuple(each.dtype for each in arrays)]
        for pieces in (min(jobs, parallel.PIECES), 1, 0, jobs):
            again = [each.copy() if each.flags.writeable else each for each in before]
            for each, now in zip(arrays, again, strict=True):
                now.setflags(write=each.flags.writeable)
            call(address, jobs, pieces, sizes, tuple(again))
            for each, now in zip(arrays, again, strict=True):
                assert each.tobytes() == now.tobytes(), (self._function.__qualname__, jobs, pieces)

    monkeypatch.setattr(parallel.parallel_for, "__call__", thrice)
    return names


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "shape"),
    [(nn.lenet5, (40, 1, 28, 28)), (nn.small_vgg, (3, 3, 32, 32)), (nn.resnet20, (17, 3, 32, 32))],
)
def test_networks_have_the_same_bits_however_jobs_are_run(build, shape, compared, rng):
    model = build(rng=rng)
    with ag.set_backend("jit"):
        nn.cross_entropy(model(rng.random(shape, dtype=np.float32)), np.arange(shape[0]) % 10).backward()
    assert len(compared) > 20


@pytest.mark.slow
def test_primitives_have_the_same_bits_however_jobs_are_run(compared, rng):
    for primitive in registered_in(["autograd_cnn.ops"]).values():
        for case in SAMPLES[primitive]:
            if laws.backends_agree.applies(primitive, case):
                laws.backends_agree(primitive, case, rng)
    assert len(set(compared)) > 10


def test_a_loop_is_compiled_once_for_whatever_is_flat():
    @parallel.parallel_for
    def copy(first, last, s, x, y):
        y[first:last] = x[first:last]

    x = np.arange(6.0).reshape(2, 3)
    locked = x.copy()
    locked.flags.writeable = False
    for each in (x, locked, x.T, x[:, ::2]):
        y = np.empty(each.size)
        copy(each.size, Sizes(1), parallel.flat(each), y)
        np.testing.assert_array_equal(y, each.flatten())
        assert y.flags.writeable
    assert len(copy._compiled) == 1


@pytest.mark.parametrize(
    ("arrays", "taken"),
    [
        ([np.ones(2, np.float32)], True),
        ([np.ones(2), np.ones(3)], True),
        ([np.ones(2), np.ones(2, np.float32)], False),
        ([np.ones(2), np.ones(0)], False),
        ([np.ones(2, np.int32)], False),
        ([np.ones(2, np.float16)], False),
    ],
)
def test_supports(arrays, taken):
    assert parallel.supports(*arrays) is taken


@for_each("dtype", ["?", "i1", "i8", "f4", "f8"])
def test_copies_are_numpys(rng, monkeypatch, dtype):
    """Of rows with and without gaps, some of them broadcast, in arrays of up to four axes."""
    monkeypatch.setattr(parallel, "MIN_PARALLEL", 1)
    monkeypatch.setattr(team, "single", False)
    x = rng.integers(0, 2, (3, 5, 7, 41)).astype(dtype)
    for source in (x, x[:, 1:, 2:, 3:], x[..., ::2], x[:1], x[..., :1], x.transpose(0, 2, 3, 1), x[0, 0, 0]):
        wide = np.full([n + 2 for n in np.broadcast_shapes(source.shape, (3, 1, 1, 1))], 9).astype(dtype)
        expected, inside = wide.copy(), (slice(1, -1),) * 4
        np.copyto(expected[inside], source)
        assert parallel.copyto(wide[inside], source) is None
        np.testing.assert_array_equal(wide, expected)
