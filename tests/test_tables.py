"""A table in one test tells of every row that fails."""

import pytest
from tables import for_each

pytest_plugins = ["pytester"]

FILE = """
from tables import for_each

@for_each("a, b", [(1, 1), (1, 2), (3, 3), (3, 4)])
def test_rows(a, b, tmp_path):
    assert a == b

@for_each("n", [1, 2], ids=["one", "two"])
@for_each("m", [1, 2])
def test_tables(n, m):
    assert n == 1 or m == 1

@for_each("n", [1, 2], ids=["one", "two"])
def test_ids(n):
    assert n == 1

@for_each("n", lambda: [1, 2])
def test_late(n):
    assert n == 1

@for_each("n", list)
def test_nothing(n):
    pass
"""


def test_every_row_that_fails_is_told(pytester):
    pytester.makepyfile(FILE)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-o", "verbosity_subtests=0")
    result.assert_outcomes(failed=10)
    told = [line.split(" ")[:2] for line in result.outlines if line.startswith("SUBFAILED")]
    assert [" ".join(words) for words in told] == [
        "SUBFAILED(a=1, b=2)",
        "SUBFAILED(a=3, b=4)",
        "SUBFAILED(m=2) test_every_row_that_fails_is_told.py::test_tables",
        "SUBFAILED[two] test_every_row_that_fails_is_told.py::test_ids",
        "SUBFAILED(n=2) test_every_row_that_fails_is_told.py::test_late",
    ]


def test_a_table_of_nothing_is_no_test():
    with pytest.raises(AssertionError, match="a test of nothing"):
        for_each("n", [])
