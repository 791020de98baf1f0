"""Standard output: written immediately, and dropped if nobody reads it."""

import os
import sys

from autograd_cnn.errors import printable


def say(line: str) -> None:
    """Write a text to standard output, if there is one, without buffering; characters that can't be printed are escaped."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    text = harmless(line).encode(encoding, "backslashreplace").decode(encoding)
    print(text, flush=True)  # noqa: T201  # what a command says


def harmless(text: str) -> str:
    """Return lines of text without control characters."""
    return "\n".join(map(printable, text.split("\n")))


def is_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def flush() -> None:
    """Flush the output; if that fails, drop it, because Python would try again at exit.

    Raises
    ------
    OSError
        If it fails.
    """
    if sys.stdout is None:  # if it was closed from the start
        return
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        raise
