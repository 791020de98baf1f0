"""``autograd-cnn eval``: the accuracy of a trained network, class by class."""

import argparse
from typing import Final

from autograd_cnn import nn
from autograd_cnn.cli.options import Options
from autograd_cnn.cli.output import say
from autograd_cnn.cli.run import add_data_option, read_config, read_dataset, trained_model
from autograd_cnn.train import Confusion, predict, top_k

DESCRIPTION: Final = """\
Try a trained network on the images that were held out from it, and print what each class
was taken for, with recall, precision and F1.
"""
TOP: Final = 5
EPILOG: Final = """\
examples:
  autograd-cnn eval runs/photos
  autograd-cnn eval runs/photos --data moved/photos
"""


def add_options(add: Options) -> None:
    """Add the options."""
    add.run()
    add_data_option(add)


def run(arguments: argparse.Namespace) -> None:
    """Print the table."""
    config = read_config(arguments.folder)
    model = nn.fuse(trained_model(arguments.folder, config))
    dataset = read_dataset(config, arguments.data)
    shares = predict(model, dataset.test.images)
    result = Confusion.of(dataset.test.labels, shares.argmax(axis=1), dataset.classes)
    say(str(result))
    if len(dataset.classes) > TOP:
        say(f"among the {TOP} best {top_k(shares, dataset.test.labels, TOP):.4f}")
    say(f"accuracy {result.accuracy:.4f} on {result.counts.sum():,} images held out")
