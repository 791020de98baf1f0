"""``autograd-cnn predict``: a trained network's predictions for images."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from autograd_cnn import nn
from autograd_cnn.cli.graph import read_onnx
from autograd_cnn.cli.models import ImageShape
from autograd_cnn.cli.options import CommandError, Options, directory, file, whole_number
from autograd_cnn.cli.output import say
from autograd_cnn.cli.run import read_config, trained_model
from autograd_cnn.data import read_image
from autograd_cnn.train import predict

DESCRIPTION: Final = """\
Print for each image the classes that a trained network takes it for, with their
probabilities. Images are scaled and cropped to what the network has learned from.
"""
EPILOG: Final = """\
A network in a file has to take images (N, C, H, W), which get numbers from 0 to 1,
and to return scores or probabilities (N, classes). Classes have numbers where the
file does not name them, as one that autograd-cnn export has written does.

examples:
  autograd-cnn predict runs/photos holiday.jpg
  autograd-cnn predict runs/photos *.png --top 1
  autograd-cnn predict photos.onnx holiday.jpg
"""


def add_options(add: Options) -> None:
    """Add the options."""
    network = 'the folder that autograd-cnn train has written, or a FILE.onnx, which needs the extra "interop"'
    add.value("network", _network, "RUN", network)
    add.value("images", file, "IMAGE", "a file; needs the extra images", nargs="+")
    add.value("--top", whole_number(1), "N", "how many classes to print (default: %(default)s)", default=3)


def _network(text: str) -> Path:
    return Path(text) if text.endswith(".onnx") else directory(text)


def run(arguments: argparse.Namespace) -> None:
    """Print a line for each image, in the order given."""
    if folder := next((path for path in arguments.images if path.is_dir()), None):
        raise CommandError(f"{folder} is a folder; pass the images in it, such as {folder / '*.jpg'}")
    read = _from_file if arguments.network.suffix == ".onnx" else _from_run
    model, (channels, height, width), classes = read(arguments.network)
    for path in arguments.images:
        image = read_image(path, size=(height, width), channels=channels)
        shares = predict(model, image[None])[0]
        names = classes if len(classes) == len(shares) else [f"class {label}" for label in range(len(shares))]
        best = (-shares).argsort(kind="stable")[: arguments.top]
        say(f"{path}: " + ", ".join(f"{names[label]} {shares[label]:.3f}" for label in best))


def _from_run(folder: Path) -> tuple[nn.Module, ImageShape, Sequence[str]]:
    config = read_config(folder)
    return nn.fuse(trained_model(folder, config)), config.image_shape, config.classes


def _from_file(path: Path) -> tuple[nn.Module, ImageShape, Sequence[str]]:
    network, shape = read_onnx(path, option="RUN")
    if len(shape) != 4 or shape[1] not in (1, 3):
        raise CommandError(f"{path}: expected a network of images (1, C, H, W) with 1 or 3 channels, got {shape}")
    output = network(np.zeros(shape, np.float32))
    if getattr(output, "ndim", 0) != 2:
        raise CommandError(f"{path}: expected a network that returns scores (N, classes)")
    return _Scores(network), (shape[1], shape[2], shape[3]), _names(network.metadata.get("classes", ""))


class _Scores(nn.Module):
    """A network for which the softmax of the output gives probabilities, whether it returns these or scores."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def forward(self, x: nn.Parameter) -> nn.Parameter:
        y = self.network(x)
        rows = y.detach().numpy()
        shares = rows.min() >= 0 and np.allclose(rows.sum(axis=1), 1, atol=1e-4)
        return (y + np.finfo(y.dtype).tiny).log() if shares else y


def _names(text: str) -> list[str]:
    """Return the names of classes; none if they are not a list of texts."""
    try:
        names = json.loads(text or "[]")
    except ValueError:
        return []
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else []
