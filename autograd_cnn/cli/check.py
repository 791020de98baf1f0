"""``autograd-cnn check``: whether every primitive obeys the laws on this machine."""

import argparse
import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np

from autograd_cnn.cli.findings import OURS, Findings
from autograd_cnn.cli.graph import make_subject
from autograd_cnn.cli.options import (
    CommandError,
    Options,
    UsageError,
    as_usage_errors,
    did_you_mean,
    one_of,
    refuse,
    whole_number,
)
from autograd_cnn.cli.output import is_terminal, say
from autograd_cnn.cli.user_code import one_line, search_folder
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.recording import tracing
from autograd_cnn.errors import MissingDependencyError
from autograd_cnn.kernels import must_compile, set_backend
from autograd_cnn.testing import CheckError, check_tape
from autograd_cnn.testing.case import registered_in
from autograd_cnn.testing.laws import LAWS, Law, backends_agree, unsampled

OUR_SAMPLES: Final = "autograd_cnn.testing.samples"

DESCRIPTION: Final = """\
Check that every primitive keeps the laws, with random numbers, on this machine. Your
own primitives are checked as well, if you name the modules that define them.

If you name a network, run it on a random image, and check every rule that the backward
pass of its loss uses, by differences, where it is used.
"""
EPILOG: Final = f"""\
the laws:
{chr(10).join(f"  {law.says}" for law in LAWS)}

A primitive of yours needs sample calls:

  from autograd_cnn.testing import add_samples, sample
  add_samples(softsign, sample([-2.0, 0.5]), sample([[1.0]]))

examples:
  autograd-cnn check
  autograd-cnn check --module mypkg
  autograd-cnn check --module mypkg --primitive "mypkg.*"
  autograd-cnn check --model net.onnx
  autograd-cnn check --model net.py:build --shape 3 32 32

The exit code is 0 if all laws hold, 1 if one is broken or a primitive has no samples.
"""


def add_options(add: Options) -> None:
    """Add what can be matches."""
    modules = "module that defines primitives of yours; may be given more than once"
    backends = "both, reference (default: %(default)s, where Numba is installed)"
    add.value("--model", str, "MODEL", "FILE.onnx, FILE.py:function, or a network's name, to check in their place")
    add.value("--shape", whole_number(1), ("C", "H", "W"), "of the network's image", nargs=3)
    add.value("--module", str, "NAME", modules, action="append", default=[])
    add.value("--primitive", str, "PATTERN", 'only those of such a name, as in "*pool*" or "mypkg.*"')
    add.value("--backend", _backend, "NAME", backends, default="both")
    add.value("--seed", whole_number(0), "N", "of the random numbers (default: %(default)s)", default=0)


def _backend(text: str) -> str:
    if text in {"jit", "auto"}:
        refuse("both or reference", text, "both holds jit, where Numba is installed, against the reference")
    return one_of("both", "reference")(text)


def run(arguments: argparse.Namespace) -> None:
    """Check; a primitive that fails is shown in full, and counted at the end by a `CommandError`."""
    if arguments.model is not None:
        _check_network(arguments)
        return
    if arguments.shape is not None:
        raise UsageError("--shape goes with --model")
    primitives = _select_primitives(arguments)
    laws = _laws(arguments.backend)
    start = time.perf_counter()
    findings = _try_laws(primitives, laws, arguments.seed)
    for line in findings.lines():
        say(line)
    say("")
    numba = f"Numba {version('numba')}" if backends_agree in laws else "reference only"
    summary = f"{findings.checks:,} checks in {time.perf_counter() - start:.1f} s; NumPy {np.__version__}, {numba}"
    if findings.broken:
        say(summary)
        raise CommandError(f"{len(findings.broken)} of {len(primitives)} primitives failed")
    say(f"all laws hold: {summary}")


def _check_network(arguments: argparse.Namespace) -> None:
    """Check the tape of a network's loss."""
    if arguments.module or arguments.primitive is not None:
        raise UsageError("--module and --primitive do not go with --model, whose own calls are checked")
    backend = "reference" if arguments.backend == "reference" else "auto"
    with tracing(), set_backend(backend):
        with as_usage_errors():
            subject = make_subject(arguments.model, arguments.shape)
        report = check_tape(subject.loss, seed=arguments.seed)
    say(str(report))
    if not report.ok:
        raise CommandError(f"a rule is wrong in {arguments.model}")


# --- what is checked --------------------------------------------------------------------------


def _select_primitives(arguments: argparse.Namespace) -> dict[str, Primitive]:
    """Import the modules and return their primitives and ours that match the pattern."""
    import_module(OUR_SAMPLES)
    if arguments.module:
        search_folder(Path.cwd())
    for module in arguments.module:
        _import(module)
    if arguments.module and not registered_in(arguments.module):
        raise UsageError(f"--module {', '.join(arguments.module)}: no primitive is defined there")
    primitives = dict(sorted(registered_in([OURS]).items())) | registered_in(arguments.module)
    pattern = arguments.primitive
    if pattern is None:
        return primitives
    matches = {name: p for name, p in primitives.items() if fnmatchcase(name, pattern) or fnmatchcase(p.name, pattern)}
    if not matches:
        hint = did_you_mean(pattern, [p.name for p in primitives.values()])
        problem = f"--primitive {pattern}: none of {len(primitives)} primitives has such a name"
        raise UsageError(f"{problem}; {hint}" if hint else problem)
    return matches


def _import(module: str) -> None:
    unknown = f"--module {module}: no module of this name is here; expected a name as in 'import mypkg.ops'"
    if not all(map(str.isidentifier, module.split("."))):
        raise UsageError(unknown)
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        if f"{module}.".startswith(f"{error.name}."):
            raise UsageError(unknown) from error
        raise UsageError(f"--module {module}: it imports {error.name!r}, which is not installed") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a user's module raises, sys.exit() included
        raise UsageError(f"--module {module}: importing it raised {one_line(error)}") from error


def _laws(backend: str) -> list[Law]:
    """Return those that can be tried here, and say which are left out or take long."""
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


def _try_laws(primitives: dict[str, Primitive], laws: list[Law], seed: int) -> Findings:
    findings = Findings(primitives)
    with set_backend("jit" if backends_agree in laws else "reference"):  # one law holds each against the other
        for name, primitive in _with_progress(primitives):
            for gap in unsampled(primitive):
                findings.record_gap(name, gap)
            for law in laws:
                for outcome in law.on_samples(primitive, seed):
                    if isinstance(outcome, CheckError):
                        findings.record_failure(name, law.name, str(outcome))
                    else:
                        findings.record_pass(name, law.name, outcome)
    return findings


def _with_progress(primitives: dict[str, Primitive]) -> Iterator[tuple[str, Primitive]]:
    """Yield each primitive, and move a bar if standard output is a terminal."""
    if not is_terminal():
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
