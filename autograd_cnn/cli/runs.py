"""``autograd-cnn runs``: the runs in a folder, one per line."""

import argparse
from pathlib import Path
from typing import Final

from autograd_cnn.cli.options import Options, existing_directory
from autograd_cnn.cli.output import say
from autograd_cnn.cli.run import read_config, read_history
from autograd_cnn.errors import FormatError, counted
from autograd_cnn.table import aligned
from autograd_cnn.train.run_folder import CONFIG

DESCRIPTION: Final = """\
List the runs in a folder, with what they learned from and how well they do.
"""
EPILOG: Final = """\
examples:
  autograd-cnn runs
  autograd-cnn runs experiments
"""


def add_options(add: Options) -> None:
    """Add the options."""
    add.value("folder", existing_directory, "DIR", "default: %(default)s", nargs="?", default=Path("runs"))


def run(arguments: argparse.Namespace) -> None:
    """Print the table; the best run comes first."""
    found = [path.parent for path in sorted(arguments.folder.glob(f"*/{CONFIG}"))]
    rows = []
    for path in found:
        try:
            config = read_config(path)
            epochs = read_history(path)
        except (FormatError, OSError) as error:
            say(f"left out: {error}")
            continue
        accuracy = epochs[-1].test_accuracy if epochs else -1.0
        shown = f"{accuracy:.4f}" if epochs else "-"
        rows.append((accuracy, [path.name, config.source_name, config.model, f"{len(epochs)}/{config.epochs}", shown]))
    rows.sort(key=lambda row: -row[0])
    table = [["run", "data", "model", "epochs", "held out"], *(cells for _, cells in rows)]
    for line in aligned(table) if rows else []:
        say(line)
    say(f"{counted(len(rows), 'run')} in {arguments.folder}")
