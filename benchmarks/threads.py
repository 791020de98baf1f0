"""Training steps on 1, 2, 4 … threads, ours beside PyTorch's.

``python -m benchmarks.threads --measure`` writes ``threads.json``, case by case; without it, the table is printed and the
chart drawn of what was measured. Each peer has one process, which is told before each turn how many threads to use; the
participant without a number is ours as it comes, which may run on fewer.
"""

import argparse
import json
import math
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import compress, product, repeat
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.machine import describe
from benchmarks.process import Worker

RECORDS = Path(__file__).with_suffix(".json")
CHART = Path(__file__).parent.parent / "docs" / "pictures" / "threads.svg"
CASES = {
    "LeNet-5, batch 64": ("lenet", 0),
    "LeNet-5, batch 256": ("lenet", 2),
    "MLP, batch 128": ("mlp", 0),
    "LSTM, batch 64": ("lstm", 0),
    "transformer, batch 16": ("transformer", 0),
    "small VGG, batch 64": ("vgg", 0),
    "ResNet-20, batch 32": ("resnet20", 0),
    "ResNet-20, batch 128": ("resnet20", 1),
    "ResNet-18, 64×64, batch 16": ("resnet18", 0),
    "MobileNetV2, 64×64, batch 32": ("mobilenet_v2", 0),
    "U-Net, 64×64, batch 4": ("unet", 0),
}
"""Workloads and the numbers of their cases."""


class Kind(NamedTuple):
    """A row of a case: peers of which the best counts, and whether they are told how many threads to use."""

    title: str
    peers: tuple[str, ...]
    told: bool = True


STEPS = 4
"""Before anything is timed, so that a recorded step is compiled."""
STYLES = (".-", ".--", ".-")
COLORS = ("#15803d", "#86a97f", "#c2410c")

KINDS = (
    Kind("ours, recorded", ("ours_compiled",)),
    Kind("ours, plain", ("ours",)),
    Kind("PyTorch", ("torch", "torch_channels_last")),
    Kind("ours, recorded, as it comes", ("ours_compiled",), told=False),
)


def counts(most: int) -> list[int]:
    """Return the powers of two up to ``most``, and ``most``.

    Examples
    --------
    >>> counts(12)
    [1, 2, 4, 8, 12]
    """
    return [*(2**k for k in range(most.bit_length()) if 2**k < most), most]


# --- measuring --------------------------------------------------------------------------------


def measure(names: Sequence[str], most: int, rounds: int, seconds: float) -> None:
    """Measure the cases, all peers and numbers of threads in turns, and write what there is after each case."""
    found: dict[str, Any] = {"machine": describe(most), "cases": {}}
    with ExitStack() as stack:
        workers = {(peer, kind.told): stack.enter_context(Worker(peer, most)) for kind in KINDS for peer in kind.peers}
        pool = stack.enter_context(ThreadPoolExecutor(len(workers)))
        found["versions"] = {peer: worker.ask("load").get("version") for (peer, _), worker in workers.items()}
        for name in names:
            ready = [*pool.map(_prepare, workers.values(), [told for _, told in workers], repeat(name))]
            turns = [(key, n) for key in compress(workers, ready) for n in (counts(most) if key[1] else [most])]
            times: dict[tuple[tuple[str, bool], int], list[float]] = defaultdict(list)
            for turn in range(rounds):
                for key, n in turns[:: -1 if turn % 2 else 1]:
                    if key[1]:
                        workers[key].ask("set_threads", count=n)
                    times[key, n] += workers[key].ask("turn", seconds=seconds, warmup=seconds / 5)["times"]
            found["cases"][name] = {kind.title: _best(kind, times) for kind in KINDS}
            RECORDS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def _prepare(worker: Worker, told: bool, name: str) -> bool:
    """Make a worker ready, with steps recorded; return whether it can do the case."""
    workload, case = CASES[name]
    if told:
        worker.ask("set_threads", count=1)
    answer = worker.ask("prepare", workload=workload, case=case)
    for _ in range(STEPS):
        answer = answer if answer.get("failed") or answer.get("lacks") else worker.ask("turn", seconds=0, warmup=0)
    return "times" in answer


def _best(kind: Kind, times: Mapping[tuple[tuple[str, bool], int], list[float]]) -> dict[str, float]:
    """Return the least of the peers' medians, by the number of threads."""
    medians: dict[str, float] = {}
    for ((peer, told), n), samples in times.items():
        if told == kind.told and peer in kind.peers:
            medians[str(n)] = min(median(samples), medians.get(str(n), math.inf))
    return medians


# --- what it comes to -------------------------------------------------------------------------


def report(found: dict[str, Any]) -> None:
    """Print a table in Markdown: milliseconds on one thread and speed-ups on more, and the ratios to PyTorch."""
    ours, theirs = KINDS[0].title, KINDS[2].title
    some = next(iter(found["cases"].values()))[ours]
    print("| step | | ms on 1 thread | " + " | ".join(f"on {n}" for n in some if n != "1") + " |")
    print("|---|---|" + "--:|" * len(some))
    for name, kinds in found["cases"].items():
        for title in (ours, KINDS[1].title, theirs):
            row = kinds[title]
            print(f"| {name} | {title} | {1e3 * row['1']:.2f} | "
                  + " | ".join(f"{row['1'] / s:.1f}" for n, s in row.items() if n != "1") + " |")  # fmt: skip
        ratios = [f"{kinds[ours][n] / s:.2f}" for n, s in kinds[theirs].items()]
        print(f"| | ours ÷ PyTorch | {' | '.join(ratios)} |")


def draw(found: dict[str, Any], path: Path = CHART) -> str:
    """Draw a panel for each case; return a sentence on what was done."""
    if find_spec("matplotlib") is None:
        return "No chart: Matplotlib is not installed."
    import matplotlib as mpl  # noqa: PLC0415  # optional
    from matplotlib.figure import Figure  # noqa: PLC0415

    cases, columns = found["cases"], 4
    rows = -(-(len(cases) + 1) // columns)
    figure = Figure(figsize=(11, 2.5 * rows), layout="constrained")
    panels = [*figure.subplots(rows, columns, sharex=True).flat]
    for axes, (name, kinds) in zip(panels, cases.items(), strict=False):
        numbers = [int(n) for n in kinds[KINDS[0].title]]
        one = 1e3 * kinds[KINDS[0].title]["1"]
        axes.plot(numbers, [one / n for n in numbers], ":", color="#94a3b8", label="ours, if it scaled ideally")
        for kind, color, style in zip(KINDS, COLORS, STYLES, strict=False):
            axes.plot(numbers, [1e3 * s for s in kinds[kind.title].values()], style, color=color, label=kind.title)
        axes.set(xscale="log", yscale="log")
        axes.set_title(name, fontsize=10)
        axes.set_xticks(numbers, map(str, numbers))
        low, high = axes.get_ylim()
        marks = [k * 10.0**e for e, k in product(range(-2, 4), (1, 2, 5)) if low <= k * 10.0**e <= high]
        axes.set_yticks(marks, [f"{mark:g}" for mark in marks])
        axes.minorticks_off()
        axes.grid(linewidth=0.4)
    for empty in panels[len(cases) :]:
        empty.axis("off")
    panels[len(cases)].legend(*panels[0].get_legend_handles_labels(), loc="center", frameon=False)
    figure.supxlabel("threads", fontsize=10)
    figure.supylabel("milliseconds a step", fontsize=10)
    with mpl.rc_context({"svg.hashsalt": "benchmarks", "svg.fonttype": "none"}):  # the same numbers, the same file
        figure.savefig(path, metadata={"Date": None})
    return f"Chart: {path}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, or report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help="the beginnings of their names; default: all")
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="at most; default: all cores")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="that a peer has in a turn")
    chosen = parser.parse_args(arguments)
    if chosen.measure:
        names = [name for name in CASES if not chosen.cases or name.startswith(tuple(chosen.cases))]
        measure(names, chosen.threads, chosen.rounds, chosen.seconds)
        return
    found = json.loads(RECORDS.read_text())
    report(found)
    print(draw(found))


if __name__ == "__main__":
    main()
