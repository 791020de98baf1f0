from dataclasses import replace

from benchmarks import page
from benchmarks.results import Outcome, Result
from benchmarks.workload import workloads
from tests.benchmarks.test_report import OUTCOME, RESULT, entry

LONG = replace(
    RESULT,
    workload="single",
    title="Single",
    outcomes=[replace(OUTCOME, case=f"c{i}", group="g") for i in range(13)],
)


def test_one_table_of_all_and_what_each_workload_has_besides():
    text = page.page([RESULT, LONG], {"single"})
    sections = [line for line in text.splitlines() if line.startswith("#")]
    assert sections == [
        "# Measurements",
        "## The machine",
        "## All cases, the worst first",
        "## Workload by workload",
        "### LeNet",
        "### Single",
    ]
    assert text.count("CPU, 2 of 4 cores") == 1
    assert "Starts of each process: 3; rounds in each: 5. This is for `lenet`, `single`.\n" in text
    assert text.count("| Single: c3 | 1.00 ms | 2.00 ms | torch_compile | 0.50 | 0.50 | 1.05 |") == 1
    assert "| g, all together | 13.0 ms |" in text
    assert "| **batch 64** | **ours** | **1.00 ms** | **10%** | **0.50** |" in text
    assert text.count("![") == text.count("![Single](pictures/measured/single.svg)") == 1


def test_failed_self_tests_are_counted():
    bad = Outcome("other", [entry("torch", 1.0), entry("torch", 1.3, copy=True)])
    assert "In 1 of 2 cases the two copies" in page.page([RESULT, replace(RESULT, outcomes=[bad])], set())
    assert "two copies" not in page.page([RESULT], set())


def test_writing_says_which_charts_there_are(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        page, "draw_ratios", lambda title, ratios, path: drawn.append((path.name, len(ratios))) or title
    )
    assert page.write([RESULT, LONG], tmp_path) == ["All but single operations and convolutions", "Single"]
    assert drawn == [("overview.svg", 1), ("single.svg", 13)]
    assert (tmp_path / "measurements.md").read_text(encoding="utf-8") == page.page([RESULT, LONG], set())


def test_the_page_is_what_the_results_say():
    folder = page.DOCS.parent / "benchmarks" / "results"
    results = [Result.load(path) for name in workloads() if (path := folder / f"{name}.json").exists()]
    charts = {path.stem for path in (page.DOCS / page.CHARTS).glob("*.svg")}
    assert results
    assert (page.DOCS / page.PAGE).read_text(encoding="utf-8") == page.page(results, charts)
