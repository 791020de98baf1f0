"""Tables of cases that are one test."""

import functools
import inspect
from itertools import repeat

import pytest


def for_each(names, rows, ids=None):
    """Run a test on every row of a table, as ``pytest.mark.parametrize`` does, but as one test.

    For tables of many small cases that say one thing together. Every row that fails is reported, as a subtest by its
    id or its values. The rows share the fixtures, so none may leave anything behind in them. A function gives the rows
    when the test runs, so that what is slow to come by costs nobody anything who collects other tests.
    """
    arguments = names.replace(" ", "").split(",")

    def table_of(rows):
        table = [*zip(rows, repeat(None) if ids is None else ids)]  # noqa: B905  # the ids may go on for ever
        assert table, "a test of nothing"
        return table

    known = None if callable(rows) else table_of(rows)

    def decorate(test):
        own = inspect.signature(test).parameters

        @functools.wraps(test)
        def run(*, subtests, **fixtures):
            if "subtests" in own:  # that of another table
                fixtures["subtests"] = subtests
            for row, key in known or table_of(rows()):
                values = dict(zip(arguments, row if len(arguments) > 1 else [row], strict=True))
                try:
                    test(**values, **fixtures)
                except (Exception, pytest.fail.Exception, pytest.skip.Exception):  # no report of each that passes
                    with subtests.test(key, **(values if key is None else {})):
                        raise

        fixtures = [name for name in own if name not in (*arguments, "subtests")]
        run.__signature__ = inspect.Signature(
            [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in ("subtests", *fixtures)]
        )
        return run

    return decorate
