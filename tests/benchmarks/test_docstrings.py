"""The examples in the docstrings; the peers' modules, which have none, need their libraries."""

import doctest

from benchmarks import agreement, benchmark_run, report, results


def test_examples_run():
    tried = [doctest.testmod(module) for module in (agreement, benchmark_run, report, results)]
    assert all(outcome.failed == 0 for outcome in tried)
    assert all(outcome.attempted > 0 for outcome in tried)
