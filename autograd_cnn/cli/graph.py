"""``autograd-cnn graph``: the picture of a network's computation."""

import argparse
from pathlib import Path
from typing import Any, Final

import numpy as np

from autograd_cnn import nn
from autograd_cnn.cli.models import MODELS, make_model
from autograd_cnn.cli.options import whole_number, writing_to
from autograd_cnn.cli.progress import say
from autograd_cnn.errors import ArgumentError, FormatError
from autograd_cnn.graph import capture
from autograd_cnn.graph.render import ENDINGS, ending

PURPOSE: Final = """\
Run a network forward on a random image, and draw the graph that its loss records:
operations with shapes, parameters by name, modules as frames.
"""
HELP: Final = f"""\
examples:
  autograd-cnn graph --output lenet.svg
  autograd-cnn graph --model small_vgg --shape 3 32 32 --output vgg.dot

A model is {", ".join(MODELS)}, or a pattern such as "CONV -> POOL -> FC".
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "graph",
        help="draw the graph that a network's loss records",
        description=PURPOSE,
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--model", default="lenet5", metavar="NAME|PATTERN", help="default: %(default)s")
    add(
        "--shape",
        type=whole_number(1),
        nargs=3,
        default=None,
        metavar=("C", "H", "W"),
        help="channels, height and width of the images (default: 1 8 8 for digits_net, 1 28 28 for others)",
    )
    add(
        "--output",
        "-o",
        type=Path,
        default=Path("graph.svg"),
        metavar="FILE",
        help=f"ends in {', '.join(ENDINGS)} (default: %(default)s)",
    )
    add("--backward", action="store_true", help="show the backward pass, too")
    parser.set_defaults(run=run, refuse=parser.error)  # fmt: skip


def run(arguments: argparse.Namespace) -> None:
    """Record the graph, and write the file."""
    shape = tuple(arguments.shape or ((1, 8, 8) if arguments.model == "digits_net" else (1, 28, 28)))
    try:
        ending(arguments.output)
        model = make_model(arguments.model, shape, 0)
    except (ArgumentError, FormatError) as error:
        arguments.refuse(str(error))
    images = np.random.default_rng(0).random((1, *shape), np.float32)
    loss = nn.cross_entropy(model(images), np.zeros(1, np.int64))
    graph = capture(loss, names=model.named_parameters(), backward=arguments.backward)
    with writing_to("--output", arguments.output):
        say(f"{graph.render(arguments.output)}: {len(graph.nodes)} nodes")
