"""Tables of results: first as plain rows, then for the terminal or for Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.results import Entry, Outcome, Result, Unit, in_groups, unreliable
from benchmarks.workload import is_ours

MANY = 6
"""With more cases than this, a table has one row for each case, and not one for each peer."""
CLIFF = 1.2
"""A time of more than this multiple of the best peer's is a cliff."""


@dataclass(frozen=True)
class Rows:
    """A table as text; ``mine`` says which rows are ours, ``text`` how many columns are not numbers."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    mine: Sequence[bool]
    text: int


# --- numbers as text --------------------------------------------------------------------------


def quantity(value: float, unit: Unit = "s") -> str:
    """Return a time or a size with three digits and a fitting unit.

    Examples
    --------
    >>> quantity(0.00123), quantity(4.5e-7), quantity(123.4e6, "B")
    ('1.23 ms', '450 ns', '123 MB')
    """
    steps = {"s": ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")), "B": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))}
    size, name = next((step for step in steps[unit] if abs(value) >= step[0]), steps[unit][-1])
    return f"{_three(value / size)} {name}"


def _three(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def _ratio(value: float, other: float | None) -> str:
    return f"{value / other:.2f}" if other else ""


def _rate(outcome: Outcome, value: float | None, peak: float) -> tuple[str, str]:
    """Return GFLOP/s and the share of the peak."""
    rate = outcome.rate(value) if value else None
    return ("", "") if rate is None else (_three(rate), f"{rate / peak:.0%}")


# --- tables -----------------------------------------------------------------------------------


def tables(result: Result) -> list[Rows]:
    """Return the tables of a workload."""
    if len(result.outcomes) <= MANY:
        return [_by_peer(result)]
    groups = in_groups(result.outcomes)
    return [_by_case(result, result.outcomes, result.title), *([_by_case(result, groups, "In sum")] if groups else [])]


def _by_peer(result: Result) -> Rows:
    """One row for each case and peer."""
    rows, mine = [], []
    for outcome in result.outcomes:
        for entry in outcome.entries:
            if not entry.lacks and not entry.copy:
                rows.append((outcome.case, entry.peer, *_cells(outcome, entry, result.peak)))
                mine.append(is_ours(entry.peer))
    header = ("case", "peer", "median", "spread", "÷ best PyTorch", "÷ best peer", "GFLOP/s", "of peak")
    return _without_empty(Rows(result.title, header, rows, mine, 2))


def _cells(outcome: Outcome, entry: Entry, peak: float) -> tuple[str, ...]:
    if entry.measured is None:
        return entry.note, "", "", "", "", ""
    value = entry.measured.value
    return (
        quantity(value, outcome.unit),
        f"{entry.measured.spread:.0%}",
        _ratio(value, outcome.best_torch()),
        _ratio(value, outcome.best_peer()),
        *_rate(outcome, value, peak),
    )


def _by_case(result: Result, outcomes: Sequence[Outcome], title: str) -> Rows:
    """One row for each case, with the ratios of our best."""
    peers = result.peers()
    rows = []
    for outcome in outcomes:
        best = outcome.best(is_ours)
        values = [outcome.value(peer) for peer in peers]
        ratios = (_ratio(best, outcome.best_torch()), _ratio(best, outcome.best_peer())) if best else ("", "")
        cells = [quantity(value, outcome.unit) if value is not None else "" for value in values]
        rows.append((outcome.case, *cells, *ratios, *_rate(outcome, best, result.peak)))
    header = ("case", *peers, "ours ÷ best PyTorch", "ours ÷ best peer", "ours, GFLOP/s", "of peak")
    return _without_empty(Rows(title, header, rows, [False] * len(rows), 1))


def _without_empty(table: Rows) -> Rows:
    """Leave out the columns in which nothing stands."""
    columns = [i for i in range(len(table.header)) if any(row[i] for row in table.rows)]
    rows = [[row[i] for i in columns] for row in table.rows]
    return Rows(table.title, [table.header[i] for i in columns], rows, table.mine, table.text)


def ratios(results: Sequence[Result]) -> list[tuple[float, Result, Outcome]]:
    """Return our number divided by the best peer's for each case that both have done, the worst first."""
    found = [
        (ours / best, result, outcome)
        for result in results
        for outcome in result.outcomes
        if (ours := _ours(outcome)) and (best := outcome.best_peer())
    ]
    return sorted(found, key=lambda row: -row[0])


def _ours(outcome: Outcome) -> float | None:
    """Return our best, recorded or not; the reference backend must not hide a cliff."""
    return outcome.best(lambda peer: is_ours(peer) and peer != "ours_reference")


def ranking(results: Sequence[Result], least: float = 0.0) -> Rows:
    """Return a table of all cases whose ratio to the best peer is above ``least``, the worst first."""
    rows = [
        (
            f"{result.title}: {outcome.case}",
            *(quantity(value, outcome.unit) for value in (ours, best)),
            next(e.peer for e in outcome.entries if e.measured and not e.copy and e.measured.value == best),
            f"{ratio:.2f}",
            _ratio(ours, outcome.best_torch()),
            f"{copies:.2f}" if (copies := outcome.self_test()) else "",
        )
        for ratio, result, outcome in ratios(results)
        if ratio > least and (ours := _ours(outcome)) and (best := outcome.best_peer())
    ]
    header = ("case", "ours", "best peer", "who", "÷ best peer", "÷ best PyTorch", "self-test")
    title = f"Above {least} of the best peer, the worst first" if least else "All cases, the worst first"
    return Rows(title, header, rows, [False] * len(rows), 1)


def remarks(result: Result) -> list[str]:
    """Return the sentences below the tables, the self-test first."""
    lines = [self_test(result)] if any(o.self_test() for o in result.outcomes) else []
    lacking: dict[str, list[str]] = {}
    failing = []
    for outcome in result.outcomes:
        for entry in outcome.entries:
            if entry.lacks and not entry.copy and entry.note not in lacking.setdefault(entry.peer, []):
                lacking[entry.peer].append(entry.note)
            if entry.note and not entry.lacks and len(result.outcomes) > MANY:
                failing.append(f"{entry.peer}, {outcome.case}: {entry.note}.")
    lines += failing
    without = {**{peer: " and ".join(notes) for peer, notes in lacking.items() if notes}, **result.left_out}
    if without:
        lines.append(f"Without {'; '.join(f'{peer} ({why})' for peer, why in without.items())}.")
    return [*lines, result.note] if result.note else lines


def self_test(result: Result) -> str:
    """Return the sentence about two copies of the same code."""
    ratios = [ratio for outcome in result.outcomes if (ratio := outcome.self_test())]
    copied = next(e.peer for o in result.outcomes for e in o.entries if e.copy)
    span = f"{min(ratios):.2f}" if len(ratios) == 1 else f"{min(ratios):.2f} to {max(ratios):.2f}"
    bad = unreliable(result.outcomes)
    verdict = f"WARNING: do not believe the ratios of {', '.join(bad)}" if bad else "as it should be"
    return f"Self-test, a copy of {copied} ÷ {copied}: {span}, {verdict}."


def heading(result: Result) -> str:
    """Return what the numbers were measured on, and with."""
    m, s = result.machine, result.settings
    versions = [f"{peer} {version}" for peer, version in result.versions.items() if "_" not in peer]
    software = ", ".join([m["system"], f"Python {m['python']}", f"NumPy {m['numpy']}", *versions])
    return (
        f"{m['processor']}, {s['threads']} of {m['cores']} cores; {software}; {m['date']}. "
        f"Products of large float32 matrices peak at {result.peak:.0f} GFLOP/s. "
        f"Starts of each process: {s['starts']}; rounds in each: {s['rounds']}."
    )


# --- where they are read ----------------------------------------------------------------------


def show(result: Result, console: Console) -> None:
    """Print the tables to a terminal."""
    for table in tables(result):
        show_table(table, console)
    for remark in remarks(result):
        console.print(remark, style="bold red" if "WARNING" in remark else None, highlight=False)
    console.print()


def show_table(table: Rows, console: Console) -> None:
    """Print one table to a terminal."""
    printed = Table(title=table.title, title_justify="left", caption_justify="left")
    for index, name in enumerate(table.header):
        printed.add_column(name, justify="left" if index < table.text else "right")
    for row, mine in zip(table.rows, table.mine, strict=True):
        printed.add_row(*row, style="bold" if mine else None)
    console.print(printed)


def markdown_table(table: Rows) -> str:
    """Return one table as Markdown."""
    rules = ["---" if index < table.text else "--:" for index in range(len(table.header))]
    marked = [[f"**{c}**" if mine and c else c for c in row] for row, mine in zip(table.rows, table.mine, strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (table.header, rules, *marked))
