"""``autograd-cnn play``: the derivation of one call of a network, to play."""

import argparse
from pathlib import Path
from typing import Final

from autograd_cnn.cli.graph import add_model_options, make_subject, open_file
from autograd_cnn.cli.options import Options, UsageError, as_usage_errors, file, named, whole_number, writing_to
from autograd_cnn.cli.output import say
from autograd_cnn.files import as_path
from autograd_cnn.viz import play

DESCRIPTION: Final = """\
Run a network forward on a random image, and write one of its calls as a derivation to play: a convolution, a pooling,
a layer, a recurrent net, the loss. It shows step by step, with the numbers at hand, how the result and the gradients come about.
"""
EPILOG: Final = """\
examples:
  autograd-cnn play --call conv1 --output conv1.html
  autograd-cnn play --model digits_net --call MaxPool2d --open
  autograd-cnn play --model net.py:build --call head.fc --output fc.html
  autograd-cnn play --model net.py:loss --output slide.svg --scene 1

Models, and the loss that the sensitivities are derivatives of, are those of autograd-cnn graph --help.
"""


def add_options(add: Options) -> None:
    """Add the options."""
    add_model_options(add)
    output = "ends in .html, or in .svg for a picture that moves (default: %(default)s)"
    add.value(
        "--call",
        named("the name of a call"),
        "NAME",
        "a module, its class, or a primitive (default: the last call that can be played)",
    )
    add.value("--output -o", file, "FILE", output, default=Path("play.html"))
    add.flag("--open", says="open the file in the browser")
    add.value("--scene", whole_number(0), "N", "which scene of it an .svg shows (default: 0)")


def run(arguments: argparse.Namespace) -> None:
    """Record the network, and write the file."""
    with as_usage_errors():
        suffix = as_path("--output", arguments.output, [".html", ".svg"]).suffix.lower()
        if suffix == ".html" and arguments.scene is not None:
            raise UsageError("--scene goes with an .svg; an .html has all scenes")
        subject = make_subject(arguments.model, arguments.shape)
        derivation = play(subject.loss, arguments.call)
        with writing_to("--output", arguments.output):
            if suffix == ".html":
                derivation.to_html(arguments.output)
            else:
                derivation.to_svg(arguments.output, arguments.scene or 0)
    say(f"{arguments.output}: {derivation.title}")
    if arguments.open:
        open_file(arguments.output)
