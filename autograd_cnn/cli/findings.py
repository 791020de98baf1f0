"""The results of ``autograd-cnn check``: a table by family, and failures in full."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from textwrap import TextWrapper
from typing import Final

from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.errors import counted
from autograd_cnn.table import aligned
from autograd_cnn.testing.case import SAMPLES

OURS: Final = "autograd_cnn.ops"
"""Where the primitives of this package are."""

ERRORS: Final = {"first_order": "1st order", "second_order": "2nd order", "backends_agree": "backends"}
"""The laws whose largest error the table shows, each with its heading."""

_MAX_ROWS: Final = 24
"""The most primitives that get a row each; with more, each family gets one."""

_MAX_LABEL: Final = 25

_WRAPPER: Final = TextWrapper(
    80, initial_indent="  ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
)


@dataclass(slots=True)
class Row:
    """The trials of a primitive, or of a family.

    Attributes
    ----------
    calls, checks, broken : int
        The numbers of sample calls, of trials of a law on one of them, and of failed trials.
    errors : dict
        The largest relative error of each law that holds.
    """

    calls: int = 0
    checks: int = 0
    broken: int = 0
    errors: dict[str, float] = field(default_factory=dict)

    def cells(self) -> tuple[str, ...]:
        """Return the cells of the table."""
        errors = (_error_cell(self.errors.get(law)) for law in ERRORS)
        return f"{self.calls:,}", f"{self.checks:,}", f"{self.broken or '-'}", *errors


class Findings:
    """All trials of all primitives.

    Parameters
    ----------
    primitives : mapping
        Those checked, by dotted name.

    Attributes
    ----------
    checks : int
        The number of trials.
    broken : dict
        For each primitive that failed, the message of each law, call by call; of its samples under ``"samples"``.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> findings = Findings({"autograd_cnn.ops.elementwise.exp": ag.exp})
    >>> findings.record_failure("autograd_cnn.ops.elementwise.exp", "first_order", "exp(3): it is wrong")
    >>> findings.checks, list(findings.lines())[-1]
    (1, '  first_order: exp(3): it is wrong')
    """

    def __init__(self, primitives: Mapping[str, Primitive]) -> None:
        self.primitives = primitives
        self.checks = 0
        self.broken: dict[str, dict[str, list[str]]] = {}
        self._rows = {label: Row() for label in map(self._label, primitives)}
        for name, primitive in primitives.items():
            self._rows[self._label(name)].calls += len(SAMPLES.get(primitive, []))

    def _label(self, name: str) -> str:
        """Return the label of the row that counts a primitive."""
        if len(self.primitives) <= _MAX_ROWS:
            ours = name.startswith(f"{OURS}.")
            return self.primitives[name].name if ours else name
        return self.primitives[name].__module__.removeprefix(f"{OURS}.")

    def record_pass(self, name: str, law: str, error: float) -> None:
        """Count a law that held, with its relative error."""
        self.checks += 1
        row = self._rows[self._label(name)]
        row.checks += 1
        row.errors[law] = max(error, row.errors.get(law, 0.0))

    def record_failure(self, name: str, law: str, message: str) -> None:
        """Count a law that did not hold, with its message."""
        self.checks += 1
        row = self._rows[self._label(name)]
        row.checks += 1
        row.broken += 1
        self.broken.setdefault(name, {}).setdefault(law, []).append(message)

    def record_gap(self, name: str, message: str) -> None:
        """Count incomplete samples."""
        self._rows[self._label(name)].broken += 1
        self.broken.setdefault(name, {}).setdefault("samples", []).append(message)

    def lines(self) -> Iterator[str]:
        """Yield the table, then each primitive that failed."""
        yield from self._table()
        for name, laws in self.broken.items():
            yield ""
            yield name
            yield from _law_lines(laws)

    def _table(self) -> list[str]:
        each = len(self.primitives) <= _MAX_ROWS
        rows = [("primitive" if each else "family", "calls", "checks", "broken", *ERRORS.values())]
        rows += [(_shorten(label), *row.cells()) for label, row in self._rows.items()]
        return aligned(rows, range(1, len(rows[0])))


def _error_cell(error: float | None) -> str:
    return "-" if error is None else f"{error:.1e}" if error else "0"


def _shorten(label: str) -> str:
    """Return a label that fits, cut at the front if necessary."""
    return label if len(label) <= _MAX_LABEL else f"…{label[1 - _MAX_LABEL :]}"


def _law_lines(laws: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield the message of each law's first call; laws with the same message share it."""
    same: dict[str, list[str]] = {}
    for law, calls in laws.items():
        same.setdefault(calls[0], []).append(law)
    for first, which in same.items():
        others = f" and {counted(len(which) - 1, 'other law')}" if which[1:] else ""
        more = max(len(laws[law]) for law in which) - 1
        rest = f" (and on {counted(more, 'other call')})" if more else ""
        yield from _WRAPPER.wrap(f"{which[0]}{others}: {first}{rest}")
