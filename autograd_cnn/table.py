"""Tables as lines of text."""

from collections.abc import Container, Sequence


def aligned(rows: Sequence[Sequence[str]], right: Container[int] = ()) -> list[str]:
    """Return a line for each row, with columns two spaces apart; those at the positions ``right`` end at the right.

    Examples
    --------
    >>> aligned([("layer", "time"), ("conv", "3 ms")], right=[1])
    ['layer  time', 'conv   3 ms']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(n) if i in right else cell.ljust(n) for i, (cell, n) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
