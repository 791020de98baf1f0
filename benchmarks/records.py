"""The records of a measurement: samples, and why there are none."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.agreement import disagreements
from benchmarks.benchmark_run import Participant
from benchmarks.results import Entry, Outcome, Unit, best_of_starts
from benchmarks.tasks import Arrays
from benchmarks.workload import Case


@dataclass
class Records:
    """Samples, and for whom there are none and why.

    Attributes
    ----------
    versions, left_out
        Of the peers that take part, and why the others do not.
    samples
        By the label of a row: for each participant one list for each of its processes.
    notes
        By case and participant: why there is no number, and whether it is for want of means.
    """

    versions: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    samples: defaultdict[str, defaultdict[Participant, list[list[float]]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    notes: dict[tuple[str, Participant], tuple[str, bool]] = field(default_factory=dict)

    def active(self, participants: Iterable[Participant], case: Case) -> list[Participant]:
        """Return those without a note."""
        return [participant for participant in participants if (case.name, participant) not in self.notes]

    def register(self, participant: Participant, answer: Mapping[str, Any]) -> bool:
        """Keep a peer's version, or why it could not be loaded; return whether it takes part."""
        if "version" in answer:
            self.versions[participant.peer] = answer["version"]
            return True
        self.left_out[participant.peer] = answer["failed"]
        return False

    def accept(self, answer: Mapping[str, Any], case: Case, participant: Participant) -> bool:
        """Return whether the answer is a result; else note what it says."""
        if "lacks" in answer:
            self.notes[case.name, participant] = answer["lacks"], True
        elif "failed" in answer:
            self.notes[case.name, participant] = f"failed: {answer['failed']}", False
        return not answer.keys() & {"lacks", "failed"}

    def compare(self, results: Mapping[Participant, Arrays], case: Case) -> None:
        """Note who has computed something else than the others."""
        by_name = {str(participant): arrays for participant, arrays in results.items()}
        complaints = disagreements(by_name, case.task.tolerance)
        for participant in results:
            if str(participant) in complaints:
                self.notes[case.name, participant] = f"wrong: {complaints[str(participant)]}", False

    def add(self, label: str, participant: Participant, samples: Sequence[float]) -> None:
        """Add the samples of one process."""
        if samples:
            self.samples[label][participant].append(list(samples))

    def outcome(self, case: Case, participants: Iterable[Participant], suffix: str = "", unit: Unit = "s") -> Outcome:
        """Return the results of a case, under its name and ``suffix``."""
        label = f"{case.name}{suffix}"
        entries = []
        for participant in participants:
            peer, copy = participant
            if (case.name, participant) in self.notes:
                note, lacks = self.notes[case.name, participant]
                entries.append(Entry(peer, None, note, lacks, copy))
            elif participant in self.samples[label]:
                entries.append(Entry(peer, best_of_starts(self.samples[label][participant], case.per), copy=copy))
        return Outcome(label, entries, unit, case.task.flops if unit == "s" else 0, case.group)
