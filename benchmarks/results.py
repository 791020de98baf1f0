"""What came out: plain data that goes to JSON and comes back, and the ratios between its numbers."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Literal, Self, TypeAlias

from benchmarks.workload import is_ours, is_torch

Unit: TypeAlias = Literal["s", "B"]

SELF_TEST_BAND = 0.1
"""How far two copies of the same code may be apart before no ratio is to be believed."""


@dataclass(frozen=True)
class Measurement:
    """A number that was measured again and again.

    Attributes
    ----------
    value
        The best of the medians of the starts: a process may be slow from start to end.
    low, high
        The quarter points of the start that gave it.
    starts
        The medians of all starts.
    """

    value: float
    low: float
    high: float
    starts: Sequence[float]

    @property
    def spread(self) -> float:
        """How wide the middle half is, relative to the value."""
        return (self.high - self.low) / self.value if self.value else 0.0


def best_of_starts(samples: Sequence[Sequence[float]], per: int = 1) -> Measurement:
    """Sum up samples, one sequence for each start of the process, divided by ``per``.

    Examples
    --------
    >>> best_of_starts([[4.0, 6.0, 8.0], [2.0, 3.0, 10.0]])
    Measurement(value=3.0, low=2.5, high=6.5, starts=(6.0, 3.0))
    """
    medians = tuple(median(times) / per for times in samples)
    value = min(medians)
    times = samples[medians.index(value)]
    low, _, high = quantiles(times, n=4, method="inclusive") if len(times) > 1 else (times[0],) * 3
    return Measurement(value, low / per, high / per, medians)


@dataclass(frozen=True)
class Entry:
    """What one peer did with one case: a number, or a note why there is none.

    Attributes
    ----------
    copy
        Whether it is the second copy, there for the self-test only.
    lacks
        Whether the note says that the peer has no means for it.
    """

    peer: str
    measured: Measurement | None = None
    note: str = ""
    lacks: bool = False
    copy: bool = False


@dataclass(frozen=True)
class Outcome:
    """All entries of one case."""

    case: str
    entries: Sequence[Entry]
    unit: Unit = "s"
    flops: int = 0
    group: str = ""

    def value(self, peer: str) -> float | None:
        """Return a peer's number, or None."""
        return next((e.measured.value for e in self._measured() if e.peer == peer), None)

    def best(self, among: Callable[[str], bool]) -> float | None:
        """Return the smallest number of the peers that ``among`` picks, or None."""
        return min((e.measured.value for e in self._measured() if e.measured and among(e.peer)), default=None)

    def best_torch(self) -> float | None:
        """Return PyTorch's best."""
        return self.best(is_torch)

    def best_peer(self) -> float | None:
        """Return the best of all that are not ours."""
        return self.best(lambda peer: not is_ours(peer))

    def rate(self, value: float) -> float | None:
        """Return the GFLOP/s of a time, or None where operations are not what counts."""
        return self.flops / value / 1e9 if self.flops and value else None

    def self_test(self) -> float | None:
        """Return the ratio of two copies of the same code, or None without them."""
        copy = next((e for e in self.entries if e.copy and e.measured), None)
        original = self.value(copy.peer) if copy else None
        return copy.measured.value / original if copy and copy.measured and original else None

    def _measured(self) -> Iterable[Any]:
        return (entry for entry in self.entries if entry.measured and not entry.copy)


@dataclass(frozen=True)
class Result:
    """A workload as it was measured on some machine.

    Attributes
    ----------
    machine
        What `benchmarks.machine.describe` returns.
    settings
        Rounds, starts and threads.
    versions
        Of the peers that took part.
    left_out
        The others, each with the reason.
    """

    workload: str
    title: str
    note: str
    machine: dict[str, Any]
    settings: dict[str, Any]
    outcomes: Sequence[Outcome]
    versions: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def peak(self) -> float:
        """The machine's GFLOP/s in large products of matrices."""
        return float(self.machine["peak_gflops"])

    def peers(self) -> list[str]:
        """Return all peers with a number, in the order of the entries."""
        return list(dict.fromkeys(e.peer for o in self.outcomes for e in o.entries if e.measured))

    def save(self, folder: Path) -> None:
        """Write it to ``folder`` as JSON, under the workload's name."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.workload}.json").write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        data = json.loads(path.read_text())
        outcomes = [Outcome(**{**o, "entries": [_entry(e) for e in o["entries"]]}) for o in data.pop("outcomes")]
        return cls(**data, outcomes=outcomes)


def _entry(data: dict[str, Any]) -> Entry:
    measured = data.pop("measured")
    return Entry(**data, measured=Measurement(**measured) if measured else None)


def unreliable(outcomes: Iterable[Outcome]) -> dict[str, float]:
    """Return the cases whose self-test failed, with the ratio of the two copies."""
    ratios = {outcome.case: outcome.self_test() for outcome in outcomes}
    return {case: ratio for case, ratio in ratios.items() if ratio and abs(ratio - 1) > SELF_TEST_BAND}


def in_groups(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Add up the cases of each group, over the peers that have done all of them."""
    sums = []
    for group in dict.fromkeys(o.group for o in outcomes if o.group):
        members = [o for o in outcomes if o.group == group]
        entries = []
        for peer in dict.fromkeys(e.peer for o in members for e in o.entries):
            values = [o.value(peer) for o in members]
            known = [value for value in values if value is not None]
            if len(known) == len(members):
                total = sum(known)
                entries.append(Entry(peer, Measurement(total, total, total, ())))
        sums.append(Outcome(f"{group}, all together", entries, members[0].unit, sum(o.flops for o in members)))
    return sums
