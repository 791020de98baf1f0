"""``autograd-cnn export``: a trained network as an ONNX file."""

import argparse
import json
from pathlib import Path
from typing import Final

import numpy as np

from autograd_cnn.cli.options import CommandError, Options, refuse
from autograd_cnn.cli.output import say
from autograd_cnn.cli.run import read_config, trained_model
from autograd_cnn.onnx import export

DESCRIPTION: Final = """\
Write a trained network as an ONNX file, which other programs can run. Its input is
a batch of images (N, C, H, W) with numbers as the network has learned from, from 0
to 1; its output (N, classes) are scores, whose softmax are probabilities. The names
of the classes are in its metadata.
"""
EPILOG: Final = """\
examples:
  autograd-cnn export runs/photos photos.onnx
"""


def add_options(add: Options) -> None:
    """Add the options."""
    add.run()
    add.value("file", _onnx_file, "FILE.onnx", "the file to write; needs the extra interop")


def _onnx_file(text: str) -> Path:
    if not text.endswith(".onnx"):
        refuse("a name that ends in .onnx", text)
    return Path(text)


def run(arguments: argparse.Namespace) -> None:
    """Write the file, and say what is in it."""
    config = read_config(arguments.folder)
    model = trained_model(arguments.folder, config)
    images = np.zeros((2, *config.image_shape), np.float32)
    try:
        classes = {"classes": json.dumps(config.classes)}
        export(model, images, arguments.file, dynamic_batch=True, metadata=classes)
    except OSError as error:
        raise CommandError(f"can't write {arguments.file}: {error.strerror}") from error
    shape = ", ".join(map(str, config.image_shape))
    say(f"{arguments.file}: x (N, {shape}) to y (N, {len(config.classes)}): {', '.join(config.classes)}")
