"""What a check of the tape found, as plain data that prints well."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from autograd_cnn.errors import counted
from autograd_cnn.table import aligned

Kind: TypeAlias = Literal["wrong", "error", "unchecked", "kink"]

_ORDER: Final = ("wrong", "error", "unchecked", "kink")
_ROWS: Final = 24
"""The maximum number of rows in a table."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A remark on one argument of one recorded call.

    Attributes
    ----------
    serial : int
        That of the node on the checked tape; for a call inside a checkpointed segment, the segment's.
    primitive, argument : str
        The primitive, and the argument whose rule this is about; empty if it is about the whole call.
    kind : str
        ``"wrong"``: the rule's value is not the derivative. ``"error"``: the rule raised, is missing, or returned a
        wrong shape or dtype. ``"kink"``: the result has no derivative here, and the rule's value is a valid choice, so
        nothing is wrong. ``"unchecked"``: the tape does not hold everything needed to run the call again.
    index : tuple of int, or None
        The element of the argument at which rule and differences are furthest apart.
    expected, got : float or None
        The derivative at this element by differences and by the rule, for one random cotangent.
    scope, origin : str
        The module's path, and the line of user code where `detect_anomaly` noted it.
    text : str
        One sentence.
    """

    serial: int
    primitive: str
    argument: str
    kind: Kind
    index: tuple[int, ...] | None
    expected: float | None
    got: float | None
    scope: str
    origin: str | None
    text: str

    @property
    def fault(self) -> bool:
        """Whether a rule has to be fixed."""
        return self.kind in ("wrong", "error")


@dataclass(frozen=True, slots=True)
class TapeReport:
    """What `check_tape` returns.

    Attributes
    ----------
    findings : tuple of Finding
        Faults first, then what could not be checked, then kinks.
    checked : int
        How many arguments were compared with finite differences.
    nodes : int
        How many recorded calls they belong to.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> report = ag.testing.check_tape((x * x).sum())
    >>> assert report.ok, report
    >>> print(report)
    check_tape: every rule is right: 3 arguments of 2 calls
    """

    findings: tuple[Finding, ...]
    checked: int
    nodes: int

    @property
    def ok(self) -> bool:
        """Whether no rule is wrong, has raised, or is missing."""
        return not any(finding.fault for finding in self.findings)

    @property
    def problems(self) -> dict[int, str]:
        """One short sentence for each node with a fault, by serial number."""
        problems: dict[int, str] = {}
        for finding in self.findings:
            if finding.fault:
                before = problems.get(finding.serial)
                problems[finding.serial] = f"{before}; {finding.text}" if before else finding.text
        return problems

    def __repr__(self) -> str:
        return "\n".join([self._verdict(), *_table(self.findings)])

    def _verdict(self) -> str:
        of = f"{counted(self.checked, 'argument')} of {counted(self.nodes, 'call')}"
        faults = sum(finding.fault for finding in self.findings)
        parts = [f"{counted(faults, 'wrong rule')} in {of}" if faults else f"every rule is right: {of}"]
        kinks = sum(finding.kind == "kink" for finding in self.findings)
        unchecked = sum(finding.kind == "unchecked" for finding in self.findings)
        if kinks:
            parts.append(f"{kinks} at a kink")
        if unchecked:
            parts.append(f"{unchecked} not checked")
        return f"check_tape: {', '.join(parts)}"


def ordered(findings: list[Finding]) -> tuple[Finding, ...]:
    """Sort findings by kind, the gravest first, and then by their position on the tape."""
    return tuple(sorted(findings, key=lambda finding: (_ORDER.index(finding.kind), finding.serial)))


def _table(findings: tuple[Finding, ...]) -> list[str]:
    """Return aligned lines: kind, primitive, argument, worst element, both numbers, and origin."""
    if not findings:
        return []
    rows: list[tuple[str, ...]] = [("", "primitive", "argument", "at", "expected", "got", "recorded in")]
    rows += [_row(finding) for finding in findings[:_ROWS]]
    more = len(findings) - _ROWS
    return [*aligned(rows), *([f"... and {more} more"] if more > 0 else [])]


def _row(finding: Finding) -> tuple[str, ...]:
    source = ", ".join(part for part in (finding.scope, finding.origin) if part)
    text = finding.text if finding.expected is None else ""
    at = "" if finding.index is None else str(finding.index)
    return (
        finding.kind,
        finding.primitive,
        finding.argument,
        at,
        _number(finding.expected),
        _number(finding.got),
        " | ".join(part for part in (source, text) if part),
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
