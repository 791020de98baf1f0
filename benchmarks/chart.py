"""Charts of ratios, where Matplotlib is installed."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks.report import CLIFF

CLIFFS, SLOWER, FASTER = "#c2410c", "#94a3b8", "#15803d"
MARKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
ABSENT = "No chart: Matplotlib is not installed."


def draw_ratios(title: str, ratios: Sequence[tuple[str, float]], path: Path) -> str:
    """Write bars from 1 to each ratio, the worst at the top, as SVG; return a sentence on what was done.

    Parameters
    ----------
    title : str
    ratios : sequence of (str, float)
        Names of cases, and our time divided by the best peer's.
    path : Path
        Its folder is made if it is not there.
    """
    if find_spec("matplotlib") is None:
        return ABSENT
    import matplotlib as mpl  # noqa: PLC0415  # optional
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(7.5, 1.0 + 0.17 * len(ratios)), layout="constrained")
    axes = figure.subplots()
    ordered = sorted(ratios, key=lambda pair: pair[1])
    values = [value for _, value in ordered]
    colors = [CLIFFS if value > CLIFF else FASTER if value < 1 else SLOWER for value in values]
    axes.barh(range(len(values)), [value - 1 for value in values], left=1, color=colors)
    axes.set_yticks(range(len(values)), [name for name, _ in ordered], fontsize=6)
    axes.set(xscale="log", title=title, xlabel=f"÷ best peer; a cliff begins at the dashed line, {CLIFF}")
    marks = [mark for mark in MARKS if min(values) <= mark <= max(values)]
    axes.set_xticks(marks, [f"{mark:g}" for mark in marks])
    axes.minorticks_off()
    axes.margins(y=0.01)
    axes.grid(axis="x", linewidth=0.4)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.axvline(CLIFF, color="black", linewidth=0.8, linestyle="dashed")
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "benchmarks", "svg.fonttype": "none"}):  # the same numbers, the same file
        figure.savefig(path, metadata={"Date": None})
    return f"Chart: {path}"
