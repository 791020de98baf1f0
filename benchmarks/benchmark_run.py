"""Who takes part, in which order, and how thoroughly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.workload import Case, Workload, is_torch


class Participant(NamedTuple):
    """A peer, or the copy of one for the self-test."""

    peer: str
    copy: bool = False

    def __str__(self) -> str:
        return f"{self.peer} (its copy)" if self.copy else self.peer


def participants_of(peers: Sequence[str]) -> list[Participant]:
    """Return a participant for each peer, and a copy of PyTorch, or of the first where PyTorch is not among them.

    Examples
    --------
    >>> [str(participant) for participant in participants_of(["ours", "torch"])]
    ['ours', 'torch', 'torch (its copy)']
    """
    doubled = next(filter(is_torch, peers), peers[0])
    return [*map(Participant, peers), Participant(doubled, copy=True)]


def in_order(participants: Sequence[Participant], turn: int) -> list[Participant]:
    """Return the order of a round: every second one is the last one reversed, and each participant begins in its time."""
    k = turn // 2 % len(participants) if participants else 0
    order = [*participants[k:], *participants[:k]]
    return order[::-1] if turn % 2 else order


@dataclass(frozen=True)
class Settings:
    """How thorough to be.

    Attributes
    ----------
    threads
        For every peer.
    rounds
        Turns that each peer has with each case in one process.
    starts
        Processes that each peer has, one after the other.
    warmup
        Seconds of each turn that do not count, to fill the caches again.
    pause
        Seconds between two turns.
    quick
        Only the first cases, and short turns.
    """

    threads: int
    rounds: int = 5
    starts: int = 3
    warmup: float = 0.1
    pause: float = 0.02
    quick: bool = False


@dataclass(frozen=True)
class BenchmarkRun:
    """A workload with all that decides how it is measured.

    Attributes
    ----------
    name
        The workload's module.
    say
        Called with what happens at the moment.
    """

    name: str
    workload: Workload
    peers: Sequence[str]
    settings: Settings
    say: Callable[[str], None]

    @property
    def participants(self) -> list[Participant]:
        """All that take part, the copy last."""
        return participants_of(self.peers)

    @property
    def cases(self) -> Sequence[Case]:
        """The cases to measure."""
        return self.workload.cases[: self.workload.quick] if self.settings.quick else self.workload.cases

    @property
    def rounds(self) -> int:
        """How many rounds each process takes part in."""
        return min(self.settings.rounds, self.workload.max_rounds)

    def turns(self, start: int) -> range:
        """Return the numbers of the rounds of one start."""
        return range(start * self.rounds, (start + 1) * self.rounds)

    @property
    def turn(self) -> dict[str, float]:
        """The length of a turn, as a worker takes it."""
        seconds = min(self.workload.turn, 0.1) if self.settings.quick else self.workload.turn
        return {"seconds": seconds, "warmup": self.settings.warmup}
