"""The part of README.md that is made of results."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import heading, markdown
from benchmarks.results import Result

README = Path(__file__).parent / "README.md"
BEGIN = "<!-- results: python -m benchmarks --readme writes what follows -->"
END = "<!-- end of results -->"


def section(results: Sequence[Result]) -> str:
    """Return the results as Markdown; workloads from one machine and day have one heading."""
    parts: list[str] = []
    for result in results:
        where = heading(result)
        if where not in parts:
            parts.append(where)
        parts.append(markdown(result))
    return "\n\n".join(parts)


def rewrite(text: str, results: Sequence[Result]) -> str:
    """Return ``text`` with the results between its marks replaced.

    Raises
    ------
    ValueError
        If a mark is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md has lost a mark: {BEGIN if not begin else END}")
    return f"{before}{begin}\n\n{section(results)}\n\n{end}{after}"
