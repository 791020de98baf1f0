"""``autograd-cnn predict``: what a trained network sees in images."""

import argparse
from pathlib import Path
from typing import Final

from autograd_cnn import nn
from autograd_cnn.cli.options import directory, whole_number
from autograd_cnn.cli.output import say
from autograd_cnn.cli.run import read_config, trained_model
from autograd_cnn.data import read_image
from autograd_cnn.train import predict

DESCRIPTION: Final = """\
Print for each image the classes that a trained network takes it for, with their
probabilities. Images are scaled and cropped to what the network has learned from.
"""
EPILOG: Final = """\
examples:
  autograd-cnn predict runs/photos holiday.jpg
  autograd-cnn predict runs/photos *.png --top 1
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what can be chosen."""
    parser.add_argument("folder", type=directory, metavar="RUN", help="the folder that autograd-cnn train has written")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="a file; needs the extra images")
    parser.add_argument(
        "--top", type=whole_number(1), default=3, metavar="N", help="how many classes to print (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> None:
    """Print a line for each image, in the order given."""
    config = read_config(arguments.folder)
    model = nn.fuse(trained_model(arguments.folder, config))
    channels, height, width = config.image_shape
    for path in arguments.images:
        image = read_image(path, size=(height, width), channels=channels)
        shares = predict(model, image[None])[0]
        best = (-shares).argsort(kind="stable")[: arguments.top]
        say(f"{path}: " + ", ".join(f"{config.classes[label]} {shares[label]:.3f}" for label in best))
