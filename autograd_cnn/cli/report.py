"""``autograd-cnn report``: a page that shows how a training went, and what the network looks at."""

import argparse
from typing import Final

from autograd_cnn import report
from autograd_cnn.cli.options import Options, file, writing_to
from autograd_cnn.cli.output import say
from autograd_cnn.cli.run import add_data_option, read_config, read_dataset, read_history, trained_model
from autograd_cnn.train import TrainConfig
from autograd_cnn.train.run_folder import REPORT

DESCRIPTION: Final = """\
Write one HTML file with the curves of a training and of each layer, the confusion matrix, the worst
mistakes and what the network looked at in them, the filters of its first layer, its
layers in numbers, and its graph. The file needs no network and runs no script.
"""
EPILOG: Final = """\
examples:
  autograd-cnn report runs/photos
  autograd-cnn report runs/photos --output photos.html
"""


def add_options(add: Options) -> None:
    """Add the options."""
    add.run()
    add_data_option(add)
    add.value("--output -o", file, "FILE", "ends in .html (default: report.html in the folder)")


def run(arguments: argparse.Namespace) -> None:
    """Write the page."""
    config = read_config(arguments.folder)
    model = trained_model(arguments.folder, config)
    history = read_history(arguments.folder)
    facts = {
        "data": config.source_name,
        "model": config.model,
        "batch size": str(config.batch_size),
        "learning rate": f"{config.lr:g}",
        "seed": str(config.seed),
        "trained with": f"autograd_cnn {config.version}, backend {config.backend}",
    }
    usual = TrainConfig()
    for name in ("augment", "mixup", "accumulate", "clip_norm", "class_weights", "ema"):
        if (value := getattr(config, name)) != getattr(usual, name):
            facts[name.replace("_", " ")] = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    path = arguments.output or arguments.folder / REPORT
    with writing_to("--output", path):
        report.write(
            path,
            model,
            read_dataset(config, arguments.data),
            history,
            title=arguments.folder.resolve().name,
            facts=facts,
        )
    say(f"report in {path}")
