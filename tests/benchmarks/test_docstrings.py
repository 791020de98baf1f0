"""The examples in the docstrings; the peers' modules, which have none, need their libraries."""

import doctest

from benchmarks import agreement, plan, report, results


def test_examples_run():
    tried = [doctest.testmod(module) for module in (agreement, plan, report, results)]
    assert all(outcome.failed == 0 for outcome in tried)
    assert all(outcome.attempted > 0 for outcome in tried)
