import json

import pytest
from tables import for_each

from benchmarks.scaling import RECORDS, Link, Step, fitted, simulated


@for_each(
    "ranks, size, seconds",
    [
        (1, 1e6, 0.0),
        (2, 8.0, 1 + 8),  # one exchange of all of it
        (8, 0.0, 3.0),  # latency alone: recursive doubling
        (8, 8e6, 6 + 14e6),  # bytes alone: Rabenseifner
        (6, 6e6, 6 + 10e6),
    ],
)
def test_an_all_reduce_costs_what_its_best_algorithm_does(ranks, size, seconds):
    assert Link(1.0, 1.0).all_reduce(ranks, size) == pytest.approx(seconds)


@for_each(
    "overlap, seconds",
    [
        (True, 12 + 2 + 2),  # sums from 3 to 7 and from 8 to 12; then 2 of the step are left, and 2 for copying
        (False, 10 + 2 * 4 + 2),
    ],
)
def test_sums_go_on_beside_the_pass_or_after_it(overlap, seconds):
    step = Step(10.0, (3.0, 8.0), (4.0, 4.0))
    assert step.on(2, Link(0.0, 1.0), overlap=overlap, packing=0.25) == pytest.approx(seconds)
    assert step.on(1, Link(1.0, 1.0), overlap=overlap) == 10.0


def test_the_model_gives_what_was_measured_within_15_percent():
    for layouts in json.loads(RECORDS.read_text()).values():
        link = fitted(layouts["2×1"]["sums"])
        for layout, found in layouts.items():
            ranks = int(layout.partition("×")[0])
            for record in found["steps"].values() if ranks > 1 else ():
                assert simulated(record, ranks, link) == pytest.approx(record["together"], rel=0.15)


def test_a_link_is_fitted_to_sums():
    link = fitted({str(size): 3.0 + 2.0 * size for size in (1, 10, 100, 1000)})
    assert (link.alpha, link.beta) == pytest.approx((3.0, 2.0))
