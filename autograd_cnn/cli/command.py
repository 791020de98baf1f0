"""The parser of the command line, and the handling of errors."""

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final, NoReturn

from autograd_cnn import __version__
from autograd_cnn.cli.options import CommandError, Options, UsageError, did_you_mean
from autograd_cnn.cli.output import flush, harmless
from autograd_cnn.cli.user_code import restore_search
from autograd_cnn.errors import ArgumentError, DivergedError, FormatError, GradientError, OperandError, ShapeError

COMMANDS: Final = {
    "train": "train a network on images of yours, handwritten digits, MNIST, Fashion-MNIST or CIFAR-10",
    "predict": "say what a trained network sees in images",
    "eval": "tell how well a trained network does, class by class",
    "report": "write a page that shows how a training went, and what the network looks at",
    "export": "write a trained network as an ONNX file",
    "runs": "list the runs in a folder",
    "graph": "draw the graph that a network's loss records",
    "play": "write one call of a network as a derivation to play, step by step",
    "check": "check all primitives, yours included, against the laws",
    "info": "print versions, backend, threads and processor",
}
"""Each is a module in this folder, with ``DESCRIPTION``, ``EPILOG``, ``add_options(add)`` and ``run(arguments)``."""

FAILURES: Final = (
    ArgumentError,
    CommandError,
    DivergedError,
    FormatError,
    GradientError,
    ImportError,
    OperandError,
    ShapeError,
)
"""Errors that can occur although the command line was correct."""

INTERRUPTED: Final = 130
UNREAD: Final = 141
TERMINATED: Final = 143
"""The exit codes of a program ended by an interrupt, a closed pipe or SIGTERM."""

AGAIN_SECONDS: Final = 0.05
"""After which an interrupt comes again that Python has ignored."""


class Terminated(KeyboardInterrupt):
    """The system, or a job scheduler, has asked the process to end."""


@contextmanager
def _heeding_interrupts() -> Iterator[None]:
    """Let SIGTERM act like an interrupt inside the block, so that files stay intact and a message is printed.

    Where Python ignores exceptions, such as in a callback that a compiler makes, an interrupt would be lost: it comes
    again a moment later.
    """

    def end(*_: object) -> NoReturn:
        raise Terminated("terminated")

    def again(lost: Any) -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            shown(lost)
            return
        number = signal.SIGTERM if issubclass(lost.exc_type, Terminated) else signal.SIGINT
        timer = threading.Timer(AGAIN_SECONDS, _send, [number])
        timer.daemon = True
        timer.start()

    if threading.current_thread() is not threading.main_thread():  # where Python does not allow handlers
        yield
        return
    before, shown = signal.signal(signal.SIGTERM, end), sys.unraisablehook
    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = shown
        signal.signal(signal.SIGTERM, before)


def _send(number: int) -> None:
    """Send a signal to the main thread, and wake it."""
    if hasattr(signal, "pthread_kill") and (main := threading.main_thread().ident) is not None:
        signal.pthread_kill(main, number)
    else:
        signal.raise_signal(number)


class Parser(argparse.ArgumentParser):
    """A parser that reports errors in one sentence, with a suggestion."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse unknown arguments here, where the command is known."""
        args = sys.argv[1:] if args is None else list(args)
        # argparse would read -output as -o with the rest as its value.
        unknown = [each for each in args if f"-{each.partition('=')[0]}" in self._option_string_actions]
        if not unknown:
            arguments, unknown = super().parse_known_args(args, namespace)
        if unknown:
            hint = did_you_mean(unknown[0].partition("=")[0], self._option_string_actions)
            self.error(f"unrecognized arguments: {' '.join(unknown)}" + (f"; {hint}" if hint else ""))
        return arguments, unknown

    def error(self, message: str) -> NoReturn:
        """Exit with code 2."""
        joint = "\n" if "\n" in message else "; "  # a pattern is shown with a mark below it
        self.exit(2, f"{self.prog}: {message}{joint}see {self.prog} --help\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            hint = did_you_mean(value, action.choices)
            problem = f"unknown {action.metavar}: expected one of {', '.join(action.choices)}, got {value!r}"
            self.error(problem + (f"; {hint}" if hint else ""))


class CommandParser(Parser):
    """The parser of one command, whose module is imported only when the command is used.

    Parameters
    ----------
    module : str
    """

    def __init__(self, module: str, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)
        self.module = module

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Add the command's options, and read them."""
        command = import_module(self.module)
        self.description, self.epilog = command.DESCRIPTION, command.EPILOG
        command.add_options(Options(self))
        self.set_defaults(run=command.run, parser=self)
        return super().parse_known_args(args, namespace)

    def options(self) -> dict[str, argparse.Action]:
        """Return the options by their attributes in the arguments."""
        return {action.dest: action for action in self._actions if action.dest != "help"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command ``autograd-cnn``.

    Parameters
    ----------
    argv : sequence of str, optional
        The command line after the name of the program; by default that of the process.

    Returns
    -------
    int
        0; 1 for a failure, with one sentence on standard error; 130 after an interrupt; 143 after SIGTERM; 141 if
        nobody reads the output any more.

    Raises
    ------
    SystemExit
        With 2 for an invalid command line, with 0 after ``--help``.
    """
    parser = _parser()
    where = parser.prog
    try:
        with _heeding_interrupts(), restore_search():
            try:
                arguments = parser.parse_args(argv)
                if arguments.command is None:
                    parser.print_help()
                else:
                    where = f"{parser.prog} {arguments.command}"
                    arguments.run(arguments)
            finally:
                flush()
    except UsageError as error:
        arguments.parser.error(str(error))
    except BrokenPipeError:
        return UNREAD
    except KeyboardInterrupt as error:
        code, problem = TERMINATED if isinstance(error, Terminated) else INTERRUPTED, str(error) or "interrupted"
    except OSError as error:
        code, problem = 1, f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
    except MemoryError as error:
        code, problem = 1, f"out of memory: {error}".rstrip(": ")
    except FAILURES as error:
        code, problem = 1, str(error)
    else:
        return 0
    if sys.stderr is not None:
        sys.stderr.write(harmless(f"{where}: {problem}") + "\n")
    return code


def _parser() -> Parser:
    parser = Parser(
        prog="autograd-cnn",
        description="Gradients for convolutional networks over NumPy: train one, look at its graph.",
        epilog="autograd-cnn COMMAND --help tells more about each command.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"autograd-cnn {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", parser_class=CommandParser)
    for name, help_line in COMMANDS.items():
        commands.add_parser(name, help=help_line, module=f"{__package__}.{name}")
    return parser
