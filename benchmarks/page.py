"""The page in the docs that is generated from results: ``docs/measurements.md`` and its charts."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.chart import draw_ratios
from benchmarks.report import CLIFF, heading, markdown_table, ranking, ratios, remarks, tables
from benchmarks.results import Result, unreliable

DOCS = Path(__file__).parent.parent / "docs"
PAGE = "measurements.md"
CHARTS = "pictures/measured"
OVERVIEW = "overview"
LONG = 12
"""With more cases than this, a workload has its own chart, and only lines in the table of all."""

INTRODUCTION = f"""\
# Measurements

<!-- python -m benchmarks --no-run --report writes this page from benchmarks/results -->

autograd_cnn and other libraries do the same work side by side on a CPU. A ratio above 1 means that we are slower than
the best of the others; a ratio above {CLIFF} is called a cliff. `benchmarks/README.md` explains how this is measured, and
[Performance](performance.md) explains the results.

`python -m benchmarks --cliffs` measures on your machine, and lists the cliffs there."""

WORST_FIRST = """\
## All cases, the worst first

Our time is the better of the plain and the recorded step, if both were measured. The self-test is the time of a second
copy of PyTorch divided by the first copy's: the farther it is from 1, the less reliable the line is."""


def write(results: Sequence[Result], docs: Path = DOCS) -> list[str]:
    """Write page and charts; return a sentence on each chart."""
    charts = docs / CHARTS
    few = [result for result in results if not _is_long(result)]
    named = [(f"{result.title}: {outcome.case}", ratio) for ratio, result, outcome in ratios(few)]
    said = [draw_ratios("All but single operations and convolutions", named, charts / f"{OVERVIEW}.svg")]
    for result in filter(_is_long, results):
        cases = [(outcome.case, ratio) for ratio, _, outcome in ratios([result])]
        said.append(draw_ratios(result.title, cases, charts / f"{result.workload}.svg"))
    (docs / PAGE).write_text(page(results, {path.stem for path in charts.glob("*.svg")}), encoding="utf-8")
    return said


def page(results: Sequence[Result], charts: set[str]) -> str:
    """Return the page as Markdown, with the charts that there are."""
    machines: dict[str, list[str]] = {}
    for result in results:
        machines.setdefault(heading(result), []).append(f"`{result.workload}`")
    parts = [
        INTRODUCTION,
        "## The machine",
        *(f"{where} This is for {', '.join(names)}." for where, names in machines.items()),
        _trust(results),
        WORST_FIRST,
        _chart(OVERVIEW, "Ratios", charts),
        markdown_table(ranking(results)),
        "## Workload by workload",
        *(_section(result, charts) for result in results),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _is_long(result: Result) -> bool:
    return len(result.outcomes) > LONG


def _trust(results: Sequence[Result]) -> str:
    """Return a sentence on the number of failed self-tests, if any failed."""
    tested = [outcome for result in results for outcome in result.outcomes if outcome.self_test()]
    failed = sum(bool(unreliable([outcome])) for outcome in tested)
    if not failed:
        return ""
    return (
        f"In {failed} of {len(tested)} cases the two copies of PyTorch were more than a tenth apart, as happens when "
        "other programs run on the machine. Take those ratios only as a hint."
    )


def _section(result: Result, charts: set[str]) -> str:
    """Return everything known about a workload; with many cases only the totals, because the ranking has the rest."""
    shown = tables(result)[1:] if _is_long(result) else tables(result)
    chart = _chart(result.workload, result.title, charts) if _is_long(result) else ""
    parts = [f"### {result.title}", chart, *map(markdown_table, shown), " ".join(remarks(result))]
    return "\n\n".join(filter(None, parts))


def _chart(name: str, title: str, charts: set[str]) -> str:
    return f"![{title}]({CHARTS}/{name}.svg)" if name in charts else ""
