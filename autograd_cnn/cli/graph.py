"""``autograd-cnn graph``: the picture of a network's computation."""

import argparse
from pathlib import Path
from typing import Any, Final, get_args

from autograd_cnn.cli.models import MODELS
from autograd_cnn.cli.options import one_of, whole_number, writing_to
from autograd_cnn.cli.progress import say
from autograd_cnn.cli.script import failures_of
from autograd_cnn.cli.subject import find
from autograd_cnn.errors import ArgumentError, FormatError, GradientError, ShapeError, sentence
from autograd_cnn.graph import Graph, capture
from autograd_cnn.viz.drawing.render import ENDINGS, ending
from autograd_cnn.viz.drawing.style import Quantity

WHOLE: Final = {".html", ".json"}
"""Kinds of files that hold all of a graph: to fold or to colour is left to their readers."""

PURPOSE: Final = """\
Run a network forward on a random image, and draw the graph that its loss records:
operations with shapes, parameters by name, modules as frames.
"""
HELP: Final = f"""\
examples:
  autograd-cnn graph --output lenet.svg
  autograd-cnn graph --model small_vgg --shape 3 32 32 --depth 1 --output vgg.svg
  autograd-cnn graph --model net.py:build --backward --output net.html
  autograd-cnn graph --model net.onnx --color grad

A model is one of
  {", ".join(MODELS)}
  a pattern        such as "CONV -> POOL -> FC"
  FILE.py:NAME     the file is run, and its function or class NAME called without arguments;
                   it returns an nn.Module, or a tensor, which is drawn as it is
  FILE.onnx        from any framework; needs the extra "interop"

The loss is the cross-entropy with class 0 where a network gives scores (N, K), and the sum
of what it gives otherwise.
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
    add("--model", default="lenet5", metavar="MODEL", help="see below (default: %(default)s)")
    add(
        "--shape",
        type=whole_number(1),
        nargs=3,
        default=None,
        metavar=("C", "H", "W"),
        help="channels, height and width of the image (default: what an ONNX file says, "
        "1 8 8 for digits_net, 1 28 28 for others)",
    )
    add(
        "--output",
        "-o",
        type=Path,
        default=Path("graph.svg"),
        metavar="FILE",
        help=f"ends in {', '.join(ENDINGS)}; .png and .pdf need Graphviz's program dot (default: %(default)s)",
    )
    add("--backward", action="store_true", help="show the backward pass, too")
    add(
        "--depth",
        type=whole_number(1),
        metavar="N",
        help="fold the modules at the N-th level of nesting to one box each",
    )
    add(
        "--color",
        type=one_of(*get_args(Quantity)),
        metavar="|".join(get_args(Quantity)),
        help="colour by the norm of the gradient, the memory saved for the backward pass, or the arithmetic",
    )
    parser.set_defaults(run=run, refuse=parser.error)  # fmt: skip


def run(arguments: argparse.Namespace) -> None:
    """Record the graph, and write the file."""
    try:
        graph = _captured(arguments)
    except (ArgumentError, FormatError, GradientError, ShapeError) as error:
        arguments.refuse(str(error))
        raise
    shown = [node for node in graph.nodes if arguments.backward or node.phase == "forward"]
    with writing_to("--output", arguments.output):
        path = graph.render(
            arguments.output, show="both" if arguments.backward else "forward", depth=arguments.depth,
            color=arguments.color,
        )  # fmt: skip
    say(f"{path}: {len(shown)} nodes")


def _captured(arguments: argparse.Namespace) -> Graph:
    suffix = ending(arguments.output)
    for option in ("depth", "color"):
        if suffix in WHOLE and getattr(arguments, option) is not None:
            raise ArgumentError(
                sentence(f"--{option}", f"a {suffix} file holds the whole graph and takes no --{option}")
            )
    subject = find(arguments.model, arguments.shape and tuple(arguments.shape))
    backward = arguments.backward or arguments.color == "grad"
    if backward and subject.loss.size != 1:
        option = "--backward" if arguments.backward else "--color grad"
        raise ArgumentError(
            sentence(
                option, f"{arguments.model} returns no loss", expected="one number", got=f"shape {subject.loss.shape}"
            )
        )
    try:
        return capture(subject.loss, names=subject.names, backward=backward)
    except Exception as error:
        if subject.path is None or isinstance(error, (ArgumentError, GradientError)):
            raise
        with failures_of(subject.path):  # a rule of the user's, or a hook
            raise
