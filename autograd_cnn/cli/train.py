"""``autograd-cnn train``: from images to a network that reads them."""

import argparse
import copy
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from autograd_cnn import __version__, nn
from autograd_cnn.cli.fit import Plan, fit
from autograd_cnn.cli.folder import RunFolder, new_folder, run_folder
from autograd_cnn.cli.models import MODELS, ImageShape, make_model
from autograd_cnn.cli.options import directory, one_of, positive_number, whole_number
from autograd_cnn.cli.progress import progress, say
from autograd_cnn.data import Dataset, cifar10, digits, fashion_mnist, mnist
from autograd_cnn.errors import ArgumentError, DivergedError
from autograd_cnn.graph import Graph, capture
from autograd_cnn.kernels import current_backend, must_compile, set_backend
from autograd_cnn.kernels.backend import CHOICES

PURPOSE: Final = """\
Train a convolutional network with AdamW, and print its accuracy on images that it
has not learned from. By default a small LeNet learns to read the 1,797 handwritten
digits that come with the package.
"""
HELP: Final = f"""\
examples:
  autograd-cnn train
  autograd-cnn train --seed 1 --epochs 10 --out runs/short
  autograd-cnn train --out runs/short --force
  autograd-cnn train --model "INPUT -> [[CONV]*2 -> POOL?]*2 -> [FC]*2"
  autograd-cnn train --data mnist --root ~/mnist

A model is {", ".join(MODELS)}, or a pattern of CONV, RELU,
POOL and FC. "POOL?" pools where height and width are even; "[...]*3" stands for three
times what is in it.

MNIST, Fashion-MNIST and CIFAR-10 are read from the files that their authors publish, which
lie in --root.

The folder --out gets config.json, metrics.jsonl (a line for each epoch), model.npz (the
weights after the last epoch that ended well) and graph.svg (the graph of the first loss).
A folder that holds an earlier run is refused; with --force the earlier run is replaced
once the first epoch of the new one has ended well.
"""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A data set with what does well on it."""

    load: Callable[[Path], Dataset]
    image_shape: ImageShape
    model: str
    epochs: int
    batch_size: int


RECIPES: Final = {
    "digits": Recipe(lambda root: digits(), (1, 8, 8), "digits_net", 30, 32),  # noqa: ARG005  # it is in the package
    "mnist": Recipe(mnist, (1, 28, 28), "lenet5", 5, 64),
    "fashion-mnist": Recipe(fashion_mnist, (1, 28, 28), "lenet5", 10, 64),
    "cifar10": Recipe(cifar10, (3, 32, 32), "small_vgg", 10, 64),
}


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "train",
        help="train a network on handwritten digits, MNIST, Fashion-MNIST or CIFAR-10",
        description=PURPOSE,
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "--data",
        type=one_of(*RECIPES),
        default="digits",
        metavar="NAME",
        help=f"{', '.join(RECIPES)} (default: %(default)s)",
    )
    add("--root", type=directory, metavar="DIR", help="folder with the files of the data set; digits need none")
    add(
        "--model",
        metavar="NAME|PATTERN",
        help=f"default: {', '.join(f'{recipe.model} for {name}' for name, recipe in RECIPES.items())}",
    )
    add(
        "--epochs",
        type=whole_number(1),
        metavar="N",
        help=f"default: {', '.join(f'{recipe.epochs} for {name}' for name, recipe in RECIPES.items())}",
    )
    add("--batch-size", type=whole_number(1), metavar="N", help="default: 32 for digits, 64 for the others")
    add(
        "--lr",
        type=positive_number,
        default=2e-3,
        metavar="RATE",
        help="learning rate at the start; it falls to 0 (default: %(default)s)",
    )
    add(
        "--seed",
        type=whole_number(0),
        default=0,
        metavar="N",
        help="the same seed gives the same weights (default: %(default)s)",
    )
    add(
        "--backend",
        type=one_of(*CHOICES),
        metavar="NAME",
        help=f"{', '.join(CHOICES)} (default: $AUTOGRAD_CNN_BACKEND, or auto)",
    )
    add(
        "--out",
        type=directory,
        metavar="DIR",
        help="folder for the results (default: runs/DATA-MODEL-seedN, and a number if there is one)",
    )
    add("--force", action="store_true", help="replace an earlier run in --out")
    parser.set_defaults(run=run, refuse=parser.error)  # fmt: skip


def run(arguments: argparse.Namespace) -> None:
    """Train; all that can be checked before the first step is."""
    with set_backend(arguments.backend) if arguments.backend else nullcontext():
        _train(arguments)


def _train(arguments: argparse.Namespace) -> None:
    recipe = RECIPES[arguments.data]
    text = arguments.model or recipe.model
    backend = current_backend()
    model = _checked_model(arguments, text, recipe.image_shape)
    dataset = recipe.load(arguments.root)
    plan = _checked_plan(arguments, recipe, len(dataset.train.labels))
    path = arguments.out or new_folder(Path("runs") / run_name(arguments.data, text, plan.seed))
    with run_folder(path, replace=arguments.force) as folder, _interrupts_explained(folder):
        folder.begin(
            {"data": arguments.data, "model": text, **asdict(plan), "backend": backend, "version": __version__},
            model.state_dict(),
        )
        if must_compile():
            say("compiling the kernels for this machine, once: some ten seconds")
        advice = folder.draw(_first_graph(model, dataset, plan.batch_size))
        count = sum(parameter.size for parameter in model.parameters())
        say(f"{text}, {count:,} parameters; {arguments.data}, {len(dataset.train.labels):,} images; backend {backend}")
        accuracy = _follow(model, dataset, plan, folder)
    say(f"results in {path}" + (f"; {advice}" if advice else ""))
    say(f"test accuracy {accuracy:.4f}")


def _checked_plan(arguments: argparse.Namespace, recipe: Recipe, images: int) -> Plan:
    if arguments.force and arguments.out is None:
        arguments.refuse("--force goes with --out DIR, the folder whose run it replaces")
    batch_size = arguments.batch_size or min(recipe.batch_size, images)
    if batch_size > images:
        arguments.refuse(f"--batch-size: expected at most {images:,}, as many images as there are, got {batch_size}")
    return Plan(arguments.epochs or recipe.epochs, batch_size, arguments.lr, arguments.seed)


def _follow(model: nn.Module, dataset: Dataset, plan: Plan, folder: RunFolder) -> float:
    """Train, show and keep each epoch, and return the last one's accuracy on the images held out."""
    accuracy = 0.0
    try:
        # An overflow shows in the loss, which is looked at in every step.
        with progress(plan.epochs, len(dataset.train.labels)) as shown, np.errstate(over="ignore", invalid="ignore"):
            for epoch in fit(model, dataset, plan, shown.step):
                folder.add(epoch, model.state_dict())
                shown.epoch(epoch)
                accuracy = epoch.test_accuracy
    except DivergedError as error:
        raise DivergedError(f"{error}; {folder.kept}; try a smaller --lr") from error
    return accuracy


@contextmanager
def _interrupts_explained(folder: RunFolder) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as error:
        when = "" if folder.epochs else " before the first epoch ended"
        raise KeyboardInterrupt(f"interrupted{when}; {folder.kept}") from error


def _checked_model(arguments: argparse.Namespace, text: str, image_shape: ImageShape) -> nn.Module:
    if arguments.data != "digits" and arguments.root is None:
        arguments.refuse(f"--data {arguments.data} needs --root DIR, the folder with its files")
    if arguments.data == "digits" and arguments.root is not None:
        arguments.refuse("--data digits takes no --root: the digits are in the package")
    try:
        return make_model(text, image_shape, arguments.seed)
    except ArgumentError as error:
        arguments.refuse(str(error))
        raise


def _first_graph(model: nn.Module, dataset: Dataset, batch_size: int) -> Graph:
    """Return the graph of a loss; of a copy, because batch statistics change with what they see."""
    model = copy.deepcopy(model)
    images, labels = (array[:batch_size] for array in dataset.train)
    return capture(nn.cross_entropy(model(images), labels), names=model.named_parameters(), values=False)


def run_name(data: str, model: str, seed: int) -> str:
    """Return the name of a run's folder.

    Examples
    --------
    >>> run_name("digits", "INPUT -> [[CONV]*2 -> POOL?]*2 -> FC", 3)
    'digits-input-conv-2-pool-2-fc-seed3'
    """
    return "-".join([data, re.sub(r"\W+", "-", model).strip("-").lower(), f"seed{seed}"])
