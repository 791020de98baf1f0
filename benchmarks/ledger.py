"""What is written down while a workload is measured."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.agreement import disagreements
from benchmarks.plan import Entrant
from benchmarks.results import Entry, Outcome, Unit, best_of_starts
from benchmarks.tasks import Arrays
from benchmarks.workload import Case


@dataclass
class Ledger:
    """Samples, and for whom there are none and why.

    Attributes
    ----------
    versions, left_out
        Of the peers that take part, and why the others do not.
    samples
        By the label of a row: for each entrant one list for each life of its process.
    notes
        By case and entrant: why there is no number, and whether it is for want of means.
    """

    versions: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    samples: defaultdict[str, defaultdict[Entrant, list[list[float]]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    notes: dict[tuple[str, Entrant], tuple[str, bool]] = field(default_factory=dict)

    def in_line(self, entrants: Iterable[Entrant], case: Case) -> list[Entrant]:
        """Leave out those with a note."""
        return [entrant for entrant in entrants if (case.name, entrant) not in self.notes]

    def enrol(self, entrant: Entrant, answer: Mapping[str, Any]) -> bool:
        """Take in what a peer said when it was loaded; return whether it takes part."""
        if "version" in answer:
            self.versions[entrant.peer] = answer["version"]
            return True
        self.left_out[entrant.peer] = answer["failed"]
        return False

    def accept(self, answer: Mapping[str, Any], case: Case, entrant: Entrant) -> bool:
        """Return whether an answer is one; else note what it says."""
        if "lacks" in answer:
            self.notes[case.name, entrant] = answer["lacks"], True
        elif "failed" in answer:
            self.notes[case.name, entrant] = f"failed: {answer['failed']}", False
        return not answer.keys() & {"lacks", "failed"}

    def compare(self, results: Mapping[Entrant, Arrays], case: Case) -> None:
        """Note who has computed something else than the others."""
        by_name = {str(entrant): arrays for entrant, arrays in results.items()}
        complaints = disagreements(by_name, case.task.tolerance)
        for entrant in results:
            if str(entrant) in complaints:
                self.notes[case.name, entrant] = f"wrong: {complaints[str(entrant)]}", False

    def write(self, label: str, entrant: Entrant, times: Sequence[float]) -> None:
        """Add what one life of a process has given."""
        if times:
            self.samples[label][entrant].append(list(times))

    def outcome(self, case: Case, entrants: Iterable[Entrant], suffix: str = "", unit: Unit = "s") -> Outcome:
        """Return the results of a case, under its name and ``suffix``."""
        label = f"{case.name}{suffix}"
        entries = []
        for entrant in entrants:
            peer, copy = entrant
            if (case.name, entrant) in self.notes:
                note, lacks = self.notes[case.name, entrant]
                entries.append(Entry(peer, None, note, lacks, copy))
            elif entrant in self.samples[label]:
                entries.append(Entry(peer, best_of_starts(self.samples[label][entrant], case.per), copy=copy))
        return Outcome(label, entries, unit, case.task.flops if unit == "s" else 0, case.group)
