"""The parser of the command line, and what becomes of errors."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from autograd_cnn import __version__
from autograd_cnn.cli import check, graph, info, train
from autograd_cnn.errors import ArgumentError, DivergedError, FormatError, MissingDependencyError
from autograd_cnn.testing import CheckError

FAILURES = (ArgumentError, CheckError, DivergedError, FormatError, MissingDependencyError)
"""What can go wrong although the command line was right."""


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Leave with exit code 2."""
        joint = "\n" if "\n" in message else "; "  # a pattern is shown with a mark beneath it
        self.exit(2, f"{self.prog}: {message}{joint}see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command ``autograd-cnn``.

    Parameters
    ----------
    argv : sequence of str, optional
        The command line after the name of the program; by default that of the process.

    Returns
    -------
    int
        0, or 1 for a failure, which is on standard error in one sentence.

    Raises
    ------
    SystemExit
        With 2 for a command line that is not understood, with 0 after ``--help``.
    """
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except KeyboardInterrupt as error:
        problem = str(error) or "interrupted"
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    except FAILURES as error:
        problem = str(error)
    else:
        return 0
    sys.stderr.write(f"autograd-cnn {arguments.command}: {problem}\n")
    return 1


def _parser() -> Parser:
    parser = Parser(
        prog="autograd-cnn",
        description="Gradients for convolutional networks over NumPy: train one, look at its graph.",
        epilog="autograd-cnn COMMAND --help tells more about each command.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"autograd-cnn {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    for module in (train, graph, check, info):
        module.add_to(commands)
    return parser
