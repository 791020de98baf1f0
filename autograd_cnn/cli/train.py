"""``autograd-cnn train``: from images to a network that reads them."""

import argparse
import copy
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from autograd_cnn import __version__, nn
from autograd_cnn.cli.models import MODELS, ImageShape, make_model
from autograd_cnn.cli.options import UsageError, directory, one_of, positive_number, whole_number, writing_to
from autograd_cnn.cli.output import say
from autograd_cnn.cli.progress import progress
from autograd_cnn.data import Dataset, cifar10, digits, fashion_mnist, mnist
from autograd_cnn.errors import ArgumentError, DivergedError, MissingDependencyError, sentence
from autograd_cnn.graph import Graph, capture
from autograd_cnn.kernels import current_backend, must_compile, set_backend
from autograd_cnn.kernels.backend import CHOICES
from autograd_cnn.train import RunFolder, TrainConfig, fit, new_folder

DESCRIPTION: Final = """\
Train a convolutional network with AdamW, and print its accuracy on images that it
has not learned from. By default a small LeNet learns to read the 1,797 handwritten
digits that come with the package.
"""
EPILOG: Final = f"""\
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


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what can be chosen."""
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


def run(arguments: argparse.Namespace) -> None:
    """Train; all that can be checked before the first step is."""
    with set_backend(arguments.backend) if arguments.backend else nullcontext():
        _train(arguments)


def _train(arguments: argparse.Namespace) -> None:
    _check_options(arguments)
    recipe = RECIPES[arguments.data]
    text = arguments.model or recipe.model
    backend = current_backend()
    model = _make_model(text, recipe.image_shape, arguments.seed)
    dataset = recipe.load(arguments.root)
    config = _make_config(arguments, recipe, len(dataset.train.labels))
    path = arguments.out or _new_folder(run_name(arguments.data, text, config.seed))
    with _open_folder(path, force=arguments.force) as folder:
        folder.begin(
            {"data": arguments.data, "model": text, **asdict(config), "backend": backend, "version": __version__},
            model.state_dict(),
        )
        if must_compile():
            say("compiling the kernels for this machine, once: some ten seconds")
        advice = _draw(_first_graph(model, dataset, config.batch_size), folder)
        count = sum(parameter.size for parameter in model.parameters())
        say(f"{text}, {count:,} parameters; {arguments.data}, {len(dataset.train.labels):,} images; backend {backend}")
        accuracy = _fit(model, dataset, config, folder)
    say(f"results in {path}{advice}")
    say(f"test accuracy {accuracy:.4f}")


def _check_options(arguments: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    if arguments.data != "digits" and arguments.root is None:
        raise UsageError(f"--data {arguments.data} needs --root DIR, the folder with its files")
    if arguments.data == "digits" and arguments.root is not None:
        raise UsageError("--data digits takes no --root: the digits are in the package")
    if arguments.force and arguments.out is None:
        raise UsageError("--force goes with --out DIR, the folder whose run it replaces")


def _make_model(text: str, image_shape: ImageShape, seed: int) -> nn.Module:
    try:
        return make_model(text, image_shape, seed)
    except ArgumentError as error:
        raise UsageError(str(error)) from error


def _make_config(arguments: argparse.Namespace, recipe: Recipe, images: int) -> TrainConfig:
    batch_size = arguments.batch_size or min(recipe.batch_size, images)
    if batch_size > images:
        raise UsageError(f"--batch-size: expected at most {images:,}, as many images as there are, got {batch_size}")
    return TrainConfig(arguments.epochs or recipe.epochs, batch_size, arguments.lr, arguments.seed)


def _fit(model: nn.Module, dataset: Dataset, config: TrainConfig, folder: RunFolder) -> float:
    """Train, keep and show each epoch, and return the last one's accuracy on the images held out."""
    bar = progress(config.epochs, len(dataset.train.labels))
    try:
        # An overflow shows in the loss, which is looked at in every step.
        with np.errstate(over="ignore", invalid="ignore"):
            return fit(nn.fuse(model), dataset, config, callbacks=[folder, bar])[-1].test_accuracy
    except DivergedError as error:
        raise DivergedError(f"{error}; {folder.contents()}; try a smaller --lr") from error


# --- the folder -------------------------------------------------------------------------------


def _new_folder(name: str) -> Path:
    path = Path("runs") / name
    with writing_to("--out", path):
        return new_folder(path)


@contextmanager
def _open_folder(path: Path, *, force: bool) -> Iterator[RunFolder]:
    """Open the folder of the run; what goes wrong or stops there is said in the words of the command line."""
    with writing_to("--out", path), ExitStack() as stack:
        try:
            folder = stack.enter_context(RunFolder.open(path, replace=True))
        except ArgumentError as error:
            raise ArgumentError(sentence("--out", str(error))) from error
        if folder.replaces and not force:
            raise ArgumentError(
                sentence("--out", f"{path} holds an earlier run; choose another folder, or let --force replace it")
            )
        try:
            yield folder
        except KeyboardInterrupt as error:
            when = "" if folder.epochs else " before the first epoch ended"
            raise KeyboardInterrupt(f"interrupted{when}; {folder.contents()}") from error


def _draw(graph: Graph, folder: RunFolder) -> str:
    """Draw the graph, or return what it takes where it can't be drawn."""
    try:
        folder.draw(graph)
    except MissingDependencyError as missing:
        return f"; {missing}"
    return ""


def _first_graph(model: nn.Module, dataset: Dataset, batch_size: int) -> Graph:
    """Return the graph of a loss; of a copy of the model, because batch statistics change with what they see."""
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
