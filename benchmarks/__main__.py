"""The command line: ``python -m benchmarks --help``."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import page
from benchmarks.benchmark_run import BenchmarkRun, Settings
from benchmarks.harness import measure
from benchmarks.machine import describe
from benchmarks.report import CLIFF, heading, ranking, show, show_table
from benchmarks.results import Result
from benchmarks.workload import installed, peer_names, workloads

RESULTS = Path(__file__).parent / "results"
QUICK = {"rounds": 2, "starts": 1}
FULL = {"rounds": 5, "starts": 3}


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    names = list(workloads())
    options = argparse.ArgumentParser(
        "python -m benchmarks", description="Time autograd_cnn and its peers side by side."
    )
    options.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(names)}; default: all")
    options.add_argument("--peers", nargs="+", choices=peer_names(), metavar="PEER", help="default: all")
    options.add_argument("--rounds", type=int, help="turns that each peer has in one process")
    options.add_argument("--starts", type=int, help="processes that each peer has, one after the other")
    options.add_argument("--threads", type=int, default=os.cpu_count(), help="for each peer; default: all cores")
    options.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="for JSON")
    options.add_argument("--quick", action="store_true", help="a first look: the first cases, few and short rounds")
    options.add_argument("--list", action="store_true", help="name workloads and peers, and measure nothing")
    options.add_argument("--report", action="store_true", help="write all results in DIR to docs/measurements.md")
    options.add_argument(
        "--cliffs", action="store_true", help=f"list at the end what is above {CLIFF} of the best peer"
    )
    options.add_argument("--no-run", action="store_true", help="measure nothing: show the results in DIR")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line says."""
    options = parser()
    chosen = options.parse_args(arguments)
    names = chosen.workloads or list(workloads())
    unknown = [name for name in names if name not in workloads()]
    if unknown:
        options.error(f"unknown workload {unknown[0]!r}; there are {', '.join(workloads())}")
    console = Console(width=None if sys.stdout.isatty() else 120)
    if chosen.list:
        _list(console)
        return
    if chosen.no_run:
        for result in _saved(chosen.out, names):
            show(result, console)
    else:
        _run(names, chosen, console)
    if chosen.cliffs:
        show_table(ranking(_saved(chosen.out, names), CLIFF), console)
    if chosen.report:
        for sentence in page.write(_saved(chosen.out, list(workloads()))):
            console.print(sentence, highlight=False)


def _run(names: Sequence[str], chosen: argparse.Namespace, console: Console) -> None:
    """Measure the workloads; show and save each as soon as it is done."""
    given = {name: value for name in FULL if (value := getattr(chosen, name)) is not None}
    settings = Settings(chosen.threads, quick=chosen.quick, **(QUICK if chosen.quick else FULL) | given)
    peers = chosen.peers or peer_names()
    machine = describe(chosen.threads)
    for name in names:
        with console.status(name) as status:
            result = _measured(BenchmarkRun(name, workloads()[name], peers, settings, status.update), machine)
        console.print(heading(result), highlight=False)
        show(result, console)
        result.save(chosen.out)


def _measured(run: BenchmarkRun, machine: dict[str, Any]) -> Result:
    absent = {peer: "not installed" for peer in run.peers if not installed(peer)}
    run = BenchmarkRun(run.name, run.workload, [p for p in run.peers if p not in absent], run.settings, run.say)
    outcomes, records = measure(run)
    return Result(
        workload=run.name,
        title=run.workload.title,
        note=run.workload.note,
        machine=machine,
        settings=asdict(run.settings),
        outcomes=outcomes,
        versions=records.versions,
        left_out=absent | records.left_out,
    )


def _saved(folder: Path, names: Sequence[str]) -> list[Result]:
    """Return the results that are there, in the order of the names."""
    return [Result.load(path) for name in names if (path := folder / f"{name}.json").exists()]


def _list(console: Console) -> None:
    for name, workload in workloads().items():
        console.print(f"[bold]{name}[/]: {workload.title}, {len(workload.cases)} cases", highlight=False)
    absent = [f"{peer}{'' if installed(peer) else ' (not installed)'}" for peer in peer_names()]
    console.print(f"Peers: {', '.join(absent)}", highlight=False)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # and leave no worker behind
    main()
