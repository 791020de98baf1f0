"""``autograd-cnn check``: whether every primitive keeps the laws, on this machine."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np

from autograd_cnn.cli.beside import reach
from autograd_cnn.cli.findings import OURS, Findings
from autograd_cnn.cli.options import one_of, whole_number
from autograd_cnn.cli.progress import say
from autograd_cnn.cli.script import told
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.errors import MissingDependencyError
from autograd_cnn.kernels import must_compile, set_backend
from autograd_cnn.testing import CheckError
from autograd_cnn.testing.case import registered_in
from autograd_cnn.testing.laws import LAWS, Law, backends_agree, unsampled

OUR_SAMPLES: Final = "autograd_cnn.testing.samples"

PURPOSE: Final = """\
Check that every primitive keeps the laws, with random numbers, on this machine. Your
own primitives are checked as well, if you name the modules that define them.
"""
HELP: Final = f"""\
the laws:
{chr(10).join(f"  {law.says}" for law in LAWS)}

A primitive of yours needs sample calls:

  from autograd_cnn.testing import add_samples, sample
  add_samples(softsign, sample([-2.0, 0.5]), sample([[1.0]]))

examples:
  autograd-cnn check
  autograd-cnn check --module mypkg
  autograd-cnn check --module mypkg --primitive "mypkg.*"

The exit code is 0 if all laws hold, 1 if one is broken or a primitive has no samples.
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "check",
        help="check all primitives, yours included, against the laws",
        description=PURPOSE,
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "--module",
        action="append",
        default=[],
        metavar="NAME",
        help="module that defines primitives of yours; may be given more than once",
    )
    add("--primitive", metavar="PATTERN", help='only those of such a name, as in "*pool*" or "mypkg.*"')
    add(
        "--backend",
        type=one_of("both", "reference"),
        default="both",
        metavar="NAME",
        help="both, reference (default: %(default)s, where Numba is installed)",
    )
    add("--seed", type=whole_number(0), default=0, metavar="N", help="of the random numbers (default: %(default)s)")
    parser.set_defaults(run=run, refuse=parser.error)


def run(arguments: argparse.Namespace) -> None:
    """Check; a primitive that fails is told of in full, and at the end by a `CheckError`."""
    primitives = _chosen(arguments)
    laws = _laws(arguments.backend)
    began = time.perf_counter()
    findings = _findings(primitives, laws, arguments.seed)
    for line in findings.lines():
        say(line)
    say("")
    numba = f"Numba {version('numba')}" if backends_agree in laws else "reference only"
    summary = f"{findings.checks:,} checks in {time.perf_counter() - began:.1f} s; NumPy {np.__version__}, {numba}"
    if findings.broken:
        say(summary)
        raise CheckError(f"{len(findings.broken)} of {len(primitives)} primitives failed")
    say(f"all laws hold: {summary}")


# --- what is checked --------------------------------------------------------------------------


def _chosen(arguments: argparse.Namespace) -> dict[str, Primitive]:
    """Import the modules and return their primitives and ours, as far as the pattern goes."""
    import_module(OUR_SAMPLES)
    if arguments.module:
        reach(Path.cwd())
    for module in arguments.module:
        _import(module, arguments.refuse)
    if arguments.module and not registered_in(arguments.module):
        arguments.refuse(f"--module {', '.join(arguments.module)}: no primitive is defined there")
    primitives = dict(sorted(registered_in([OURS]).items())) | registered_in(arguments.module)
    pattern = arguments.primitive
    if pattern is None:
        return primitives
    chosen = {name: p for name, p in primitives.items() if fnmatchcase(name, pattern) or fnmatchcase(p.name, pattern)}
    if not chosen:
        arguments.refuse(f"--primitive {pattern}: none of {len(primitives)} primitives has such a name")
    return chosen


def _import(module: str, refuse: Callable[[str], NoReturn]) -> None:
    unknown = f"--module {module}: there is no such module here; expected a name as in 'import mypkg.ops'"
    if not all(map(str.isidentifier, module.split("."))):
        refuse(unknown)
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        if f"{module}.".startswith(f"{error.name}."):
            refuse(unknown)
        refuse(f"--module {module}: it imports {error.name!r}, which is not installed")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # whatever a user's module raises, sys.exit() included
        refuse(f"--module {module}: importing it raised {told(error)}")


def _laws(backend: str) -> list[Law]:
    """Return those that can be tried here, and say what is left out or takes long."""
    laws = [law for law in LAWS if law is not backends_agree]
    if backend == "reference":
        return laws
    try:
        with set_backend("jit"):
            if must_compile():
                say("compiling the kernels for this machine, once: about a minute")
    except MissingDependencyError as error:
        say(f"reference only: {error}")
        return laws
    return LAWS


# --- the trials -------------------------------------------------------------------------------


def _findings(primitives: dict[str, Primitive], laws: list[Law], seed: int) -> Findings:
    findings = Findings(primitives)
    with set_backend("jit" if backends_agree in laws else "reference"):  # one law holds each against the other
        for name, primitive in _followed(primitives):
            for gap in unsampled(primitive):
                findings.lacks(name, gap)
            for law in laws:
                for outcome in law.on_samples(primitive, seed):
                    if isinstance(outcome, CheckError):
                        findings.breaks(name, law.name, str(outcome))
                    else:
                        findings.keeps(name, law.name, outcome)
    return findings


def _followed(primitives: dict[str, Primitive]) -> Iterator[tuple[str, Primitive]]:
    """Yield each primitive, and move a bar if standard output is a terminal."""
    if sys.stdout is None or not sys.stdout.isatty():
        yield from primitives.items()
        return
    from rich import progress as rich  # noqa: PLC0415  # loaded when first used

    columns = rich.TextColumn("{task.fields[name]:24}"), rich.BarColumn(bar_width=None), rich.MofNCompleteColumn()
    with rich.Progress(*columns, expand=True, transient=True) as bar:
        task = bar.add_task("", total=len(primitives), name="")
        for name, primitive in primitives.items():
            bar.update(task, name=primitive.name)
            yield name, primitive
            bar.advance(task)
