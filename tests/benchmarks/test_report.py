import io
from dataclasses import replace

import pytest
from rich.console import Console

from benchmarks.report import CLIFF, heading, markdown_table, quantity, ranking, remarks, show, tables
from benchmarks.results import Entry, Measurement, Outcome, Result


def entry(peer, value, **options):
    return Entry(peer, Measurement(value, value * 0.95, value * 1.05, (value,)), **options)


MACHINE = {
    "processor": "CPU",
    "cores": 4,
    "system": "Linux",
    "python": "3.12",
    "numpy": "2.0",
    "date": "2026-01-02",
    "peak_gflops": 500.0,
}
OUTCOME = Outcome(
    "batch 64",
    [
        entry("ours", 0.001),
        entry("torch", 0.004),
        entry("torch_compile", 0.002),
        Entry("jax", note="wrong: loss is off by 1e+00"),
        Entry("micrograd", note="no network", lacks=True),
        entry("torch", 0.0042, copy=True),
    ],
    flops=10**8,
)
RESULT = Result(
    "lenet",
    "LeNet",
    "A note.",
    MACHINE,
    {"threads": 2, "rounds": 5, "starts": 3},
    [OUTCOME],
    {"ours": "0.1", "torch": "2.13", "torch_compile": "2.13"},
    {"mygrad": "not installed"},
)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2.5, "s", "2.50 s"),
        (0.0123, "s", "12.3 ms"),
        (5.5e-6, "s", "5.50 µs"),
        (2e-12, "s", "0.00200 ns"),
        (1.25e9, "B", "1.25 GB"),
        (-3e6, "B", "-3.00 MB"),
        (0.0, "B", "0.00 kB"),
        (456e6, "B", "456 MB"),
    ],
)
def test_quantities(value, unit, text):
    assert quantity(value, unit) == text


def test_one_row_for_each_peer():
    [table] = tables(RESULT)
    assert table.header == ["case", "peer", "median", "spread", "÷ best PyTorch", "÷ best peer", "GFLOP/s", "of peak"]
    assert table.rows[0] == ["batch 64", "ours", "1.00 ms", "10%", "0.50", "0.50", "100", "20%"]
    assert table.rows[3] == ["batch 64", "jax", "wrong: loss is off by 1e+00", "", "", "", "", ""]
    assert len(table.rows) == 4
    assert table.mine == [True, False, False, False]


def test_no_column_without_numbers():
    [table] = tables(replace(RESULT, outcomes=[replace(OUTCOME, flops=0)]))
    assert table.header[-1] == "÷ best peer"


def test_many_cases_have_one_row_each_and_sums():
    outcomes = [replace(OUTCOME, case=f"c{i}", group="g") for i in range(7)]
    table, sums = tables(replace(RESULT, outcomes=outcomes))
    assert table.rows[6] == ["c6", "1.00 ms", "4.00 ms", "2.00 ms", "0.50", "0.50", "100", "20%"]
    assert sums.rows == [["g, all together", "7.00 ms", "28.0 ms", "14.0 ms", "0.50", "0.50", "100", "20%"]]
    assert "jax, c0: wrong: loss is off by 1e+00." in remarks(replace(RESULT, outcomes=outcomes))


def test_the_ranking_begins_with_the_worst():
    slow = Outcome(
        "batch 1",
        [
            *(
                entry("ours" + kind, value)
                for kind, value in (("", 0.004), ("_compiled", 0.003), ("_reference", 0.001))
            ),
            entry("torch", 0.002),
        ],
    )
    without = Outcome("batch 2", [entry("ours", 0.004), Entry("torch", note="no such step", lacks=True)])
    results = [RESULT, replace(RESULT, title="Other", outcomes=[slow, without])]
    table = ranking(results)
    assert table.header == ("case", "ours", "best peer", "who", "÷ best peer", "÷ best PyTorch", "self-test")
    assert table.rows == [
        ("Other: batch 1", "3.00 ms", "2.00 ms", "torch", "1.50", "1.50", ""),
        ("LeNet: batch 64", "1.00 ms", "2.00 ms", "torch_compile", "0.50", "0.50", "1.05"),
    ]
    cliffs = ranking(results, CLIFF)
    assert cliffs.title == "Above 1.2 of the best peer, the worst first"
    assert [row[0] for row in cliffs.rows] == ["Other: batch 1"]


def test_remarks_begin_with_the_self_test():
    assert remarks(RESULT) == [
        "Self-test, a copy of torch ÷ torch: 1.05, as it should be.",
        "Without micrograd (no network); mygrad (not installed).",
        "A note.",
    ]


def test_a_failed_self_test_warns():
    entries = [entry("torch", 1.0), entry("torch", 1.3, copy=True)]
    result = replace(RESULT, outcomes=[OUTCOME, Outcome("other", entries)])
    assert remarks(result)[0] == (
        "Self-test, a copy of torch ÷ torch: 1.05 to 1.30, WARNING: do not believe the ratios of other."
    )


def test_the_heading_names_the_machine():
    assert heading(RESULT) == (
        "CPU, 2 of 4 cores; Linux, Python 3.12, NumPy 2.0, ours 0.1, torch 2.13; 2026-01-02. Products of large "
        "float32 matrices peak at 500 GFLOP/s. Starts of each process: 3; rounds in each: 5."
    )


def test_markdown():
    lines = markdown_table(tables(RESULT)[0]).splitlines()
    assert lines[1] == "| --- | --- | --: | --: | --: | --: | --: | --: |"
    assert lines[2] == "| **batch 64** | **ours** | **1.00 ms** | **10%** | **0.50** | **0.50** | **100** | **20%** |"


def test_the_terminal_shows_the_same():
    console = Console(file=io.StringIO(), width=150)
    show(RESULT, console)
    text = console.file.getvalue()
    assert "1.00 ms" in text
    assert "Self-test" in text
