"""Standard output: written at once, and forgotten where nobody can take it."""

import os
import sys


def say(line: str) -> None:
    """Write a line to standard output, if there is one, at once; what its encoding lacks as Python writes it."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    text = line.encode(encoding, "backslashreplace").decode(encoding)
    print(text, flush=True)  # noqa: T201  # what a command says


def is_terminal() -> bool:
    """Whether somebody watches standard output."""
    return sys.stdout is not None and sys.stdout.isatty()


def flush() -> None:
    """Write what is left of the output; where that fails forget it, or Python would try again at exit.

    Raises
    ------
    OSError
        If it fails.
    """
    if sys.stdout is None:  # as it is where it was closed from the start
        return
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        raise
