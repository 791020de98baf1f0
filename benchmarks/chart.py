"""Charts of results, where Matplotlib is installed."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.report import MANY
from benchmarks.results import Result
from benchmarks.workload import is_ours

OURS, OTHERS = "#c2410c", "#94a3b8"


def draw(result: Result, folder: Path) -> str:
    """Write the chart of a workload as SVG; return a sentence on what was done.

    Few cases become bars, one for each peer; many become curves over the cases.
    """
    if find_spec("matplotlib") is None:
        return "No chart: Matplotlib is not installed."
    import matplotlib as mpl  # noqa: PLC0415  # optional
    from matplotlib.figure import Figure  # noqa: PLC0415

    mpl.rcParams["svg.hashsalt"] = "benchmarks"  # the same numbers, the same file
    few = len(result.outcomes) <= MANY
    figure = Figure(figsize=(3.6 * len(result.outcomes), 3.2) if few else (9, 5), layout="constrained")
    figure.suptitle(result.title)
    if few:
        _bars(figure, result)
    else:
        _curves(figure, result)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.workload}.svg"
    figure.savefig(path, metadata={"Date": None})
    return f"Chart: {path}"


def _bars(figure: Any, result: Result) -> None:
    for axes, outcome in zip(figure.subplots(1, len(result.outcomes), squeeze=False)[0], result.outcomes, strict=True):
        known = [(e.peer, e.measured.value) for e in outcome.entries if e.measured and not e.copy][::-1]
        axes.barh(
            [n for n, _ in known], [v for _, v in known], color=[OURS if is_ours(n) else OTHERS for n, _ in known]
        )
        axes.set(xscale="log", title=outcome.case, xlabel="seconds" if outcome.unit == "s" else "bytes")


def _curves(figure: Any, result: Result) -> None:
    axes = figure.subplots()
    for peer in result.peers():
        values = [outcome.value(peer) for outcome in result.outcomes]
        axes.plot(values, marker=".", label=peer, linewidth=2.5 if is_ours(peer) else 1)
    axes.set(yscale="log", ylabel="seconds")
    axes.set_xticks(range(len(result.outcomes)), [o.case for o in result.outcomes], rotation=90, fontsize=6)
    axes.legend()
