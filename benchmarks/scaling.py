"""Data-parallel training: measured on a few ranks, and simulated on many.

``mpiexec -n 2 python -m benchmarks.scaling --measure`` adds a measurement to ``scaling.json``, under the machine and the
numbers of ranks and of threads that each has; run it with ``-n 1``, too. Where there is one already, the least times of
both are kept.
``python -m benchmarks.scaling`` holds the simulator against what was measured, and prints and draws what it says of more
ranks; ``docs/scaling.md`` explains the model.
"""

import argparse
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import autograd_cnn as ag
from autograd_cnn import distributed, nn, optim
from benchmarks.machine import processor

RECORDS = Path(__file__).with_suffix(".json")
CHART = Path(__file__).parent.parent / "docs" / "pictures" / "scaling.svg"
RANKS = tuple(2**k for k in range(1, 11))
BUCKET = 1 << 18
SIZES = tuple(4**k for k in range(4, 12))  # 256 bytes to 4 MiB


# --- the model --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Link:
    """What a message costs: ``alpha`` seconds and ``beta`` seconds a byte; adding costs ``gamma`` seconds a byte."""

    alpha: float
    beta: float
    gamma: float = 0.0

    def all_reduce(self, ranks: int, size: float) -> float:
        """Return the seconds of the best of three algorithms (Thakur, Rabenseifner & Gropp 2005)."""
        if ranks == 1:
            return 0.0
        rounds, rest = math.ceil(math.log2(ranks)), (ranks - 1) / ranks * size
        doubling = rounds * (self.alpha + size * (self.beta + self.gamma))
        rabenseifner = 2 * rounds * self.alpha + 2 * rest * self.beta + rest * self.gamma
        ring = 2 * (ranks - 1) * self.alpha + 2 * rest * self.beta + rest * self.gamma
        return min(doubling, rabenseifner, ring)


@dataclass(frozen=True)
class Step:
    """A training step of one rank.

    Attributes
    ----------
    seconds : float
        Without any communication.
    ready : tuple of float
        When each bucket is full, since the beginning.
    sizes : tuple of float
        Their bytes.
    """

    seconds: float
    ready: tuple[float, ...]
    sizes: tuple[float, ...]

    def on(self, ranks: int, link: Link, *, overlap: bool = True, packing: float = 0.0) -> float:
        """Return the seconds of the step on many ranks, each with as many examples as on one.

        With ``overlap`` messages travel while the processor computes, one bucket after the other; without, the processor
        is busy with them. ``packing`` is what copying into buckets and dividing costs, in seconds a byte.
        """
        sums = [link.all_reduce(ranks, size) for size in self.sizes]
        copied = packing * sum(self.sizes)
        if not overlap:
            return self.seconds + copied + sum(sums)
        end = 0.0
        for ready, seconds in zip(self.ready, sums, strict=True):
            end = max(end, ready) + seconds
        return max(end, self.ready[-1]) + self.seconds - self.ready[-1] + copied


def spread(seconds: float, layers: list[tuple[float, float]], bucket: float = 25e6) -> Step:
    """Return a step whose gradients, as (share of the backward pass, bytes), come evenly; it takes 2/3 of the step."""
    ready, sizes, start = [], [], seconds / 3
    for share, size in layers:
        count = math.ceil(size / bucket)
        end = start + share * seconds * 2 / 3
        ready += [start + (end - start) * (k + 1) / count for k in range(count)]
        sizes += [size / count] * count
        start = end
    return Step(seconds, tuple(ready), tuple(sizes))


PUBLISHED = {
    # Of one P100 at batch 64: images a second, parameters; and the efficiency on 128 servers of four, 25 Gbit/s each.
    "Inception V3": (spread(64 / 142, [(1, 4 * 23.8e6)]), 0.90),
    "ResNet-101": (spread(64 / 104, [(1, 4 * 44.5e6)]), 0.90),
    "VGG-16": (spread(64 / 154, [(0.05, 4 * 123.6e6), (0.95, 4 * 14.7e6)]), 0.68),
}
CLUSTERS = {
    "10 Gbit/s, TCP": Link(30e-6, 8 / 10e9, 1 / 5e9),
    "100 Gbit/s, RDMA": Link(2e-6, 8 / 100e9, 1 / 5e9),
}


# --- measuring --------------------------------------------------------------------------------


def networks() -> Iterator[tuple[str, Any, tuple[int, ...]]]:
    """Yield networks with the shape of a rank's batch, the shortest step first: it is the likeliest to run undisturbed."""
    yield "lenet5", nn.lenet5(rng=0), (32, 1, 28, 28)
    wide = [nn.Flatten(), nn.Linear(784, 512, rng=0), nn.ReLU(), nn.Linear(512, 512, rng=1), nn.ReLU()]
    yield "mlp", nn.Sequential(*wide, nn.Linear(512, 10, rng=2)), (32, 1, 28, 28)
    yield "resnet20", nn.resnet20(rng=0), (32, 3, 32, 32)


class Noted(distributed.Exact):
    """An exchange that sends nothing, and notes when it was asked to."""

    events: list[tuple[float, int]] = []  # noqa: RUF012  # of all buckets

    def start(self, group: distributed.ProcessGroup, values: Any) -> Any:  # noqa: ARG002
        """Note the moment."""
        self.events.append((time.perf_counter(), values.nbytes))
        self._sums = values
        return self

    def Test(self) -> bool:  # noqa: N802
        """Return that all is done."""
        return True

    def Wait(self) -> bool:  # noqa: N802
        """Return that all is done."""
        return True


def step_of(model: Any, shape: tuple[int, ...], **options: Any) -> Callable[[], Any]:
    """Return a recorded training step, on several ranks if there are options."""
    rng = np.random.default_rng(0)
    images, labels = rng.random(shape, np.float32), rng.integers(0, 10, shape[0])
    if options:
        distributed.DataParallel(model, **options)
    optimizer = optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)

    @ag.compile
    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return lambda: step(images, labels)


def best(group: distributed.ProcessGroup, functions: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Return the least seconds of each, over repeats that take turns; a repeat takes as long as its slowest rank."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats + 3):
        for name, function in functions.items():
            group.sum(0.0)  # all begin together
            start = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - start)
    slowest = np.max(group.gather([times[name][3:] for name in functions]), axis=0)
    return dict(zip(functions, slowest.min(axis=1).tolist(), strict=True))


def least(found: Any, before: Any) -> Any:
    """Return the least seconds of two measurements of one machine, and all else of the first."""
    if isinstance(found, dict) and isinstance(before, dict):
        return {name: least(value, before.get(name)) for name, value in found.items()}
    return min(found, before) if isinstance(found, float) and isinstance(before, float) else found


def sum_of(group: distributed.ProcessGroup, size: int) -> Callable[[], Any]:
    """Return what sums fresh arrays of so many bytes."""

    def run() -> None:
        values = np.ones(size // 4, np.float32)
        sums = np.empty_like(values)
        group.start_sum(values, sums).Wait()

    return run


def measure(repeats: int) -> dict[str, Any]:
    """Return what a step takes on these ranks, and what messages cost between them."""
    group, found = distributed.init(), {}
    for name, model, shape in networks():
        functions = {"alone": step_of(model, shape)}
        noted: list[tuple[float, int]] = []
        if group.size > 1:
            others = [next(m for n, m, _ in networks() if n == name) for _ in range(3)]
            functions["together"] = step_of(others[0], shape, group=group, bucket_bytes=BUCKET)
            functions["at the end"] = step_of(others[1], shape, group=group, bucket_bytes=1 << 40)
            silent = step_of(others[2], shape, group=group, bucket_bytes=BUCKET, compression=Noted)
            for _ in range(9):
                Noted.events.clear()
                start = time.perf_counter()
                silent()
                noted = [(moment - start, size) for moment, size in Noted.events]
            functions["silent"] = silent
        found[name] = {
            **best(group, functions, repeats),
            "ready": [moment for moment, _ in noted],
            "sizes": [size for _, size in noted],
        }
    sums = best(group, {str(size): sum_of(group, size) for size in SIZES}, repeats)
    made = best(group, {str(size): lambda size=size: np.ones(size // 4, np.float32) for size in SIZES}, repeats)
    return {
        "date": time.strftime("%Y-%m-%d"),
        "steps": found,
        "sums": {size: max(sums[size] - made[size], 0.0) for size in sums},
    }


# --- what it comes to -------------------------------------------------------------------------


def fitted(sums: dict[str, float]) -> Link:
    """Return the link between two ranks that gives the measured sums with the least relative errors."""
    sizes, seconds = np.array([*map(float, sums)]), np.array([*sums.values()])
    keep = seconds > 0
    rows = np.stack([np.ones(keep.sum()), sizes[keep]], axis=1) / seconds[keep, None]
    alpha, beta = np.linalg.lstsq(rows, np.ones(keep.sum()), rcond=None)[0]
    return Link(max(float(alpha), 0.0), max(float(beta), 0.0))


def measured_step(record: dict[str, Any]) -> Step:
    """Return a network's step as it was measured on two ranks that sent nothing."""
    scale = record["alone"] / max(record["alone"], record["ready"][-1])
    return Step(record["alone"], tuple(scale * ready for ready in record["ready"]), tuple(record["sizes"]))


def table(head: list[str], rows: list[list[str]]) -> None:
    """Print a table in Markdown."""
    for row in [head, ["---"] * len(head), *rows]:
        print("| " + " | ".join(row) + " |")
    print()


def main() -> None:
    """Measure, or report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--repeats", type=int, default=60)
    arguments = parser.parse_args()
    records = json.loads(RECORDS.read_text()) if RECORDS.exists() else {}
    if arguments.measure:
        found, group = measure(arguments.repeats), distributed.init()
        if group.rank == 0:
            machine = records.setdefault(f"{processor()}, {os.cpu_count()} cores", {})
            layout = f"{group.size}×{ag.num_threads()}"
            machine[layout] = least(found, machine.get(layout))
            RECORDS.write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n")
        return
    for machine, layouts in records.items():
        report_measured(machine, layouts)
    layouts = records[max(records, key=lambda machine: len(records[machine]))]
    steps = {name: measured_step(record) for name, record in layouts["2×1"]["steps"].items()}
    report_simulated(steps)
    print(draw(steps, layouts))


def simulated(record: dict[str, Any], ranks: int, link: Link) -> float:
    """Return the seconds of a step with its sums, from what it took without; the processor does both."""
    step = measured_step(record)
    packing = max(record["silent"] - record["alone"], 0) / sum(step.sizes)
    return step.on(ranks, link, overlap=False, packing=packing)


def report_measured(machine: str, layouts: dict[str, Any]) -> None:
    """Print measured beside simulated steps of a machine, and the sums of the sizes that are like gradients'."""
    two = layouts["2×1"]
    link = fitted(two["sums"])
    print(f"{machine}, {two['date']}. Two ranks: {link.alpha * 1e6:.1f} us, {1e-9 / link.beta:.1f} GB/s\n")
    rows, sums = [], []
    for layout, found in layouts.items():
        ranks, threads = map(int, layout.split("×"))
        if ranks == 1:
            continue
        for name, record in found["steps"].items():
            one = layouts[f"1×{threads}"]["steps"].get(name, record)["alone"]
            model = simulated(record, ranks, link)
            seconds = (one, record["alone"], record["together"], record["at the end"], model)
            rows.append(
                [layout, name, *(f"{1e3 * each:.2f}" for each in seconds), f"{model / record['together'] - 1:+.0%}"]
            )
        pairs = [(found["sums"][str(size)], link.all_reduce(ranks, size)) for size in SIZES[-4:]]
        sums.append([layout, *(f"{1e6 * measured:.0f}, {1e6 * model:.0f}" for measured, model in pairs)])
    table(
        ["ranks×threads", "network", "1 rank, ms", "no all-reduce", "with all-reduce", "at the end", "model", "error"],
        rows,
    )
    table(["all-reduces in µs, measured and by the model", *(f"{size >> 10} KiB" for size in SIZES[-4:])], sums)


def report_simulated(steps: dict[str, Step]) -> None:
    """Print efficiencies on more ranks, with and without overlap, and beside published ones."""
    for cluster, link in CLUSTERS.items():
        print(f"{cluster}: efficiency with and without overlap\n")
        shown = (2, 16, 128, 1024)
        table(["network", *map(str, shown)], [
            [name, *(" – ".join(f"{step.seconds / step.on(n, link, overlap=o):.0%}" for o in (True, False)) for n in shown)]
            for name, step in steps.items()
        ])  # fmt: skip
    rows = []
    for name, (step, published) in PUBLISHED.items():
        shares = (1.0, 0.75, 0.5)
        links = [Link(20e-6, 8 / (share * 25e9)) for share in shares]
        rows.append([name, *(f"{step.seconds / step.on(128, link):.0%}" for link in links), f"{published:.0%}"])
    table(["network", "at 25 Gbit/s", "at 75 % of it", "at 50 % of it", "published"], rows)


def draw(steps: dict[str, Step], layouts: dict[str, Any]) -> str:
    """Draw what was measured on one machine, and the efficiencies to 1,024 ranks; return a sentence on what was done."""
    if find_spec("matplotlib") is None:
        return "No chart: Matplotlib is not installed."
    import matplotlib as mpl  # noqa: PLC0415  # optional
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    here, *panels = figure.subplots(1, 1 + len(CLUSTERS), sharey=True)
    link = fitted(layouts["2×1"]["sums"])
    found = {int(layout[:-2]): each["steps"] for layout, each in layouts.items() if layout.endswith("×1")}
    for number, name in enumerate(steps):
        one = found[1][name]["alone"]
        rows = {n: each[name] for n, each in found.items() if n > 1}
        silent, together = ([1, *(one / row[kind] for row in rows.values())] for kind in ("alone", "together"))
        here.plot([1, *rows], silent, ":", color=f"C{number}")
        here.plot([1, *rows], [1, *(one / simulated(row, n, link) for n, row in rows.items())], color=f"C{number}")
        here.plot([1, *rows], together, "o", color=f"C{number}", markersize=4)
    here.set(xscale="log", title="One machine of 16, measured", xlabel="ranks", xticks=[*found])
    here.set_xticklabels(map(str, found))
    here.minorticks_off()
    here.plot([], [], "ko", markersize=4, label="measured")
    here.plot([], [], "k-", label="model")
    here.plot([], [], "k:", label="measured, no sums")
    here.legend(fontsize=8, loc="lower left")
    for axes, (cluster, link) in zip(panels, CLUSTERS.items(), strict=True):
        for number, (name, step) in enumerate(steps.items()):
            bounds = [[step.seconds / step.on(n, link, overlap=o) for n in RANKS] for o in (True, False)]
            axes.plot(RANKS, bounds[0], color=f"C{number}", label=name)
            axes.fill_between(RANKS, *bounds, color=f"C{number}", alpha=0.15, linewidth=0)
        axes.set(xscale="log", title=cluster, xlabel="ranks", ylim=(0, 1.05), xticks=RANKS[::3])
        axes.set_xticklabels(map(str, RANKS[::3]))
        axes.minorticks_off()
    here.set_ylabel("efficiency")
    panels[0].legend(fontsize=8, loc="lower left")
    with mpl.rc_context({"svg.hashsalt": "scaling"}):
        figure.savefig(CHART, metadata={"Date": None})
    return f"Chart: {CHART}"


if __name__ == "__main__":
    main()
