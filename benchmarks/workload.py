"""A workload: tasks that belong together, and how they are measured; and where to find them all."""

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Literal, TypeAlias

from benchmarks import peers as peers_package
from benchmarks import workloads as workloads_package
from benchmarks.tasks import Task

Measure: TypeAlias = Literal["time", "memory", "process"]


@dataclass(frozen=True)
class Case:
    """A task with its name in the tables.

    Attributes
    ----------
    group
        Cases of one group are also added up.
    per
        The number of which one is shown: 1000 for the time of a single operation of 1000.
    """

    name: str
    task: Task
    group: str = ""
    per: int = 1


@dataclass(frozen=True)
class Workload:
    """Cases that are measured in one go.

    Attributes
    ----------
    title, note
        What the tables say above and below.
    measure
        ``"time"`` of a task in turns, ``"memory"`` at its peak, or ``"process"`` for the time of a
        whole program.
    turn
        Seconds that a peer gets in each round.
    quick
        How many cases are enough for a quick look.
    max_rounds
        A limit, for tasks that take long.
    """

    title: str
    cases: tuple[Case, ...]
    note: str = ""
    measure: Measure = "time"
    turn: float = 0.3
    quick: int = 1
    max_rounds: int = 1000


def workloads() -> Mapping[str, Workload]:
    """Return all workloads, by the names of their modules."""
    found = {
        name: import_module(f"{workloads_package.__name__}.{name}") for name in _modules(workloads_package.__path__)
    }
    return {name: module.WORKLOAD for name, module in found.items()}


def peer_names() -> list[str]:
    """Return the names of all peers, installed or not, ours first."""
    return sorted(_modules(peers_package.__path__), key=lambda name: (not is_ours(name), name))


def installed(peer: str) -> bool:
    """Whether the peer's library is there, going by the peer's name."""
    return find_spec("autograd_cnn" if is_ours(peer) else _library(peer)) is not None


def is_ours(peer: str) -> bool:
    """Whether it is this library."""
    return _library(peer) == "ours"


def is_torch(peer: str) -> bool:
    """Whether it is a variant of PyTorch."""
    return _library(peer) == "torch"


def _library(peer: str) -> str:
    return peer.partition("_")[0]


def _modules(path: list[str]) -> list[str]:
    """Return the names of the modules in a package; one with a leading underscore is shared by others."""
    return [module.name for module in pkgutil.iter_modules(path) if not module.name.startswith("_")]
