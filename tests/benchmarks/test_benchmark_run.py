from itertools import pairwise

from benchmarks.benchmark_run import BenchmarkRun, Participant, Settings, in_order, participants_of
from benchmarks.workload import workloads


def test_pytorch_is_doubled_or_else_the_first():
    assert participants_of(["ours", "torch_compile", "torch"])[-1] == Participant("torch_compile", copy=True)
    assert participants_of(["ours", "jax"])[-1] == Participant("ours", copy=True)


def test_each_begins_a_round_and_neighbours_change():
    participants = participants_of(["a", "b", "c"])
    orders = [in_order(participants, turn) for turn in range(8)]
    assert all(sorted(order) == sorted(participants) for order in orders)
    assert {order[0] for order in orders} == set(participants)
    follows = {pair for order in orders for pair in pairwise(order)}
    assert (participants[0], participants[1]) in follows
    assert (participants[1], participants[0]) in follows


def test_nobody_left():
    assert in_order([], 3) == []


def _run(name, **settings):
    return BenchmarkRun(name, workloads()[name], ["ours"], Settings(threads=1, **settings), print)


def test_a_quick_look_is_shorter():
    whole, quick = _run("vgg"), _run("lenet", quick=True)
    assert (len(quick.cases), quick.turn["seconds"]) == (1, 0.1)
    assert (len(whole.cases), whole.turn) == (1, {"seconds": 1.0, "warmup": 0.1})


def test_rounds_go_on_counting_from_start_to_start():
    run = _run("lenet", rounds=4)
    assert [list(run.turns(start)) for start in (0, 1)] == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_long_workloads_limit_the_rounds():
    assert _run("scaling", rounds=9).rounds == 1
