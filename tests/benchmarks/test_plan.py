from itertools import pairwise

from benchmarks.plan import Entrant, Plan, Settings, in_order, lineup
from benchmarks.workload import workloads


def test_pytorch_is_doubled_or_else_the_first():
    assert lineup(["ours", "torch_compile", "torch"])[-1] == Entrant("torch_compile", copy=True)
    assert lineup(["ours", "jax"])[-1] == Entrant("ours", copy=True)


def test_each_begins_a_round_and_neighbours_change():
    entrants = lineup(["a", "b", "c"])
    orders = [in_order(entrants, turn) for turn in range(8)]
    assert all(sorted(order) == sorted(entrants) for order in orders)
    assert {order[0] for order in orders} == set(entrants)
    follows = {pair for order in orders for pair in pairwise(order)}
    assert (entrants[0], entrants[1]) in follows
    assert (entrants[1], entrants[0]) in follows


def test_nobody_left():
    assert in_order([], 3) == []


def _plan(name, **settings):
    return Plan(name, workloads()[name], ["ours"], Settings(threads=1, **settings), print)


def test_a_quick_look_is_shorter():
    whole, quick = _plan("vgg"), _plan("lenet", quick=True)
    assert (len(quick.cases), quick.turn["seconds"]) == (1, 0.1)
    assert (len(whole.cases), whole.turn) == (1, {"seconds": 1.0, "warmup": 0.1})


def test_rounds_go_on_counting_from_start_to_start():
    plan = _plan("lenet", rounds=4)
    assert [list(plan.turns(start)) for start in (0, 1)] == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_long_workloads_limit_the_rounds():
    assert _plan("scaling", rounds=9).rounds == 1
