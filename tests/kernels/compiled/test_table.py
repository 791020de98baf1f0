"""Loops that are recorded and run again: the results of the calls, or no record."""

from functools import partial
from typing import NamedTuple

import numpy as np
import pytest

from autograd_cnn.kernels import compiled
from autograd_cnn.kernels.compiled import table
from autograd_cnn.kernels.compiled.parallel import flat, parallel_for
from autograd_cnn.kernels.compiled.table import Table, record


class Line(NamedTuple):
    size: int


@parallel_for
def _add(first, last, s, x, y):
    for i in range(s.size):
        y[i] += x[i]


@parallel_for
def _pick(first, last, s, x, places, y):
    for i in range(s.size):
        y[i] = x[places[i]]


@parallel_for
def _limit(first, last, s, x, limit, y):
    for i in range(s.size):
        y[i] = min(x[i], limit[0])


def _sum_from_zero(x):
    y = np.zeros(x.size)
    _add(1, Line(x.size), flat(x), y, serial=True)
    return y


TURNED = np.arange(5)[::-1].copy()


def _reversed(x):
    y = np.empty(x.size)
    _pick(1, Line(x.size), flat(x), TURNED, y, serial=True)
    return y


def _twice(x):
    return _sum_from_zero(_reversed(x))


def _up_to_a_limit(x):
    y, limit = np.empty(x.size), np.full(1, 50.0)
    _limit(1, Line(x.size), flat(x), limit, y, serial=True)
    return y


def _own_offsets(x):
    y = np.empty(x.size)
    _pick(1, Line(x.size), flat(x), np.arange(x.size)[::-1].copy(), y, serial=True)
    return y


def _run(recorded, operand, x):
    """Run loops on another operand, in memory of its own for each root."""
    arrays, number = [x], {id(table.root(operand)): 0}
    for held in recorded.fresh:
        number[id(held)] = len(arrays)
        arrays.append(np.ndarray(held.shape, held.dtype, np.full(held.nbytes, table.POISON, np.uint8)))

    def locate(array):
        root = table.root(array)
        at = table.address(array) - table.address(root)
        return (number[id(root)], at) if id(root) in number else (None, table.address(array))

    Table(recorded.loops, locate)(arrays)
    (y,) = recorded.results
    return arrays[number[id(table.root(y))]]


@pytest.mark.parametrize("call", [_sum_from_zero, _reversed, _twice, _own_offsets, _up_to_a_limit])
def test_loops_run_again_on_other_operands(rng, call):
    operand = rng.standard_normal(5)
    recorded = record(call, [operand])
    for x in rng.standard_normal((3, 5)) * 40:
        assert _run(recorded, operand, x).tolist() == call(x).tolist()


def _sum_of_turned(x, w, *, in_place=False):
    turned = _reversed(w)
    y = turned if in_place else np.zeros(x.size)
    if not in_place:
        _add(1, Line(x.size), turned, y, serial=True)
    _add(1, Line(x.size), flat(x), y, serial=True)
    return y


@parallel_for
def _through_scratch(first, last, s, x, y):
    scratch = np.empty(s.size)
    for job in range(first, last):
        scratch[0] = x[job]
        y[job] = scratch[0]


def _unchanged(x):
    y = np.empty(x.size)
    _through_scratch(x.size, Line(1), flat(x), y)
    return y


def test_a_loop_without_memory_for_its_scratch_raises_an_error(rng):
    operand = rng.standard_normal(5)
    recorded = record(_unchanged, [operand])
    assert _run(recorded, operand, operand).tolist() == operand.tolist()
    greedy = [loop._replace(sizes=(1 << 50,)) for loop in recorded.loops if loop.name == "through_scratch"]
    text = "^compile: a recorded step ran out of memory; take smaller batches$"
    with pytest.raises(MemoryError, match=text):
        _run(recorded._replace(loops=[*greedy, *recorded.loops]), operand, operand)


def test_loops_that_meet_only_what_lasts_are_told_from_others(rng):
    x, w = rng.standard_normal(5), rng.standard_normal(5)
    recorded = record(_sum_of_turned, [x, w], {id(w)})
    names = [[loop.name for loop in loops] for loops in (recorded.once, recorded.loops)]
    assert names == [["pick"], ["copy", "add", "add"]]
    assert [held.tolist() for held in recorded.filled] == [w[::-1].tolist()]
    assert recorded.results[0].tolist() == (w[::-1] + x).tolist()


def test_memory_that_others_write_to_is_filled_again(rng):
    x, w = rng.standard_normal(5), rng.standard_normal(5)
    recorded = record(partial(_sum_of_turned, in_place=True), [x, w], {id(w)})
    assert recorded.once == recorded.filled == []
    assert [loop.name for loop in recorded.loops] == ["pick", "add"]


def test_what_only_shows_an_operand_has_no_loops():
    x = np.ones((2, 3))
    recorded = record(np.transpose, [x])
    assert recorded.loops == recorded.fresh == []
    assert recorded.results[0].base is x


def test_what_loops_of_the_package_make_of_an_image(rng):
    x = rng.standard_normal((2, 3, 8, 8)).astype(np.float32)
    recorded = record(compiled.silu, [x])
    other = rng.standard_normal(x.shape).astype(np.float32)
    assert _run(recorded, x, other).tobytes() == compiled.silu(other).tobytes()


def _in_numpy(x):
    return x + 1


def _in_numpy_before(x):
    return _reversed(x * 2)


def _in_numpy_after(x):
    return _reversed(x) * 2


def _by_a_value(x):
    return _reversed(x) if x[0] > 0 else _sum_from_zero(x)


def _offsets_of_values(x):
    y = np.empty(x.size)
    _pick(1, Line(x.size), flat(x), np.argsort(x), y, serial=True)
    return y


def _refuses(x):
    if x[0] != 1:
        raise ValueError("not 1")
    return _reversed(x)


def _a_number(x):
    return float(len(x))


@pytest.mark.parametrize(
    "call",
    [_in_numpy, _in_numpy_before, _in_numpy_after, _by_a_value, _offsets_of_values, _refuses, _a_number],
)
def test_calls_that_do_more_than_loops_have_no_record(call):
    assert record(call, [np.array([1.0, 3.0, 2.0, 5.0, 4.0])]) is None
