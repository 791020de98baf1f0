"""``autograd-cnn train``: from images to a network that reads them."""

import argparse
import copy
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Final

import numpy as np

from autograd_cnn import __version__, distributed, nn
from autograd_cnn.cli.ahead import WATCHED, CompileAhead
from autograd_cnn.cli.datasets import KNOWN, OTHERS, Source, check_source, load_source, recipe_of
from autograd_cnn.cli.file import add_options_of_file
from autograd_cnn.cli.models import MODELS, MOST_PIXELS, make_model
from autograd_cnn.cli.options import (
    Options,
    UsageError,
    as_usage_errors,
    class_weights,
    directory,
    file,
    named,
    one_of,
    one_of_each,
    positive_number,
    share,
    whole_number,
    writing_to,
)
from autograd_cnn.cli.output import say
from autograd_cnn.cli.run import RunConfig, read_config, source_of
from autograd_cnn.data import Dataset
from autograd_cnn.distributed import ProcessGroup
from autograd_cnn.errors import ArgumentError, DivergedError, MissingDependencyError, counted
from autograd_cnn.graph import Graph, capture
from autograd_cnn.kernels import current_backend, must_compile, set_backend
from autograd_cnn.kernels.backend import CHOICES, VARIABLE
from autograd_cnn.train import (
    Callback,
    EarlyStopping,
    Progress,
    RunFolder,
    TensorBoard,
    TrainConfig,
    Trainer,
    fit,
    new_folder,
)
from autograd_cnn.train.config import AUGMENTATIONS
from autograd_cnn.train.run_folder import RECIPE

DESCRIPTION: Final = """\
Train a convolutional network with AdamW, and print its accuracy on images that it
has not learned from. By default a small LeNet learns to read the 1,797 handwritten
digits that come with the package.
"""
EPILOG: Final = f"""\
examples:
  autograd-cnn train
  autograd-cnn train --data photos --size 32 --out runs/photos
  autograd-cnn train --resume runs/photos
  autograd-cnn train --config runs/photos/run.toml --seed 1
  autograd-cnn train --model "INPUT -> [[CONV]*2 -> POOL?]*2 -> [FC]*2"
  autograd-cnn train --data mnist --root ~/mnist --download

A model is one of
{", ".join(MODELS)},
or a pattern of CONV, RELU, POOL and FC. "POOL?" pools where height and width are even;
"[...]*3" stands for three times what is in it.

A folder of images has a subfolder for each class, or "train" and "test" with such
subfolders; it needs the extra "images". An .npz file has the arrays images and labels, a
.csv file a label and the pixels of a square image in each line. Where nothing is there to
test on, a fifth of each class is held out. MNIST, Fashion-MNIST and CIFAR-10 are read from
the files that their authors publish, which are in --root.

The folder --out gets run.toml (the options that do it again, for --config), config.json,
metrics.jsonl (a line for each epoch), model.npz (the weights after the last epoch that
ended well, or of the best one with --patience), checkpoint.npz and checkpoint-before.npz
(what --resume needs) and graph.svg (the graph of the first loss). A folder that holds an
earlier run is refused; with --force the earlier run is replaced once the first epoch of
the new one has ended well.
"""


def add_options(add: Options) -> None:
    """Add the options."""
    _add_data_options(add)
    _add_training_options(add)
    _add_run_options(add)


def _add_data_options(add: Options) -> None:
    add.value(
        "--data",
        named("a data set, a folder or a file"),
        "NAME|DIR|FILE",
        f"{', '.join(KNOWN)}, {OTHERS} (default: digits)",
    )
    add.value("--root", directory, "DIR", "folder with the files of a data set that has a name")
    add.flag("--download", says="download the files that --root lacks")
    add.value("--size", whole_number(1, MOST_PIXELS), "N", "scale and crop the images of a folder to N×N pixels")
    add.flag("--stream", says="read each image of a folder when it is needed, not all at the start")


def _add_training_options(add: Options) -> None:
    models = ", ".join(f"{known.recipe.model} for {name}" for name, known in KNOWN.items())
    epochs = ", ".join(f"{known.recipe.epochs} for {name}" for name, known in KNOWN.items())
    changes = f"how images are changed at random: {', '.join(AUGMENTATIONS)}, or none (default: shift)"
    patience = (
        "stop when the loss of the images held out has not fallen for N epochs, and keep the best epoch's weights"
    )
    batches = "default: 64 for data sets that have a name, but 32 for digits; 32 for others"
    add.value("--model", str, "NAME|PATTERN", f"default: {models}, small_vgg for others")
    add.value("--epochs", whole_number(1), "N", f"default: {epochs}, 20 for others")
    add.value("--batch-size", whole_number(1), "N", batches)
    rate = f"learning rate at the start; it falls to 0 (default: {TrainConfig().lr})"
    add.value("--lr", positive_number, "RATE", rate)
    add.value("--augment", one_of_each(*AUGMENTATIONS, "none"), "NAMES", changes)
    add.value("--mixup", positive_number, "ALPHA", "blend images and labels in pairs, such as 0.2")
    add.value(
        "--accumulate", whole_number(1), "N", "split each batch into N parts, one after the other, to save memory"
    )
    add.value("--clip-norm", positive_number, "NORM", "limit the gradients' common norm")
    add.value("--class-weights", class_weights, "balanced|W,W,...", "how much each class counts in the loss")
    add.value("--ema", share, "DECAY", "test and keep a moving average of the weights, such as 0.999")
    add.value("--workers", whole_number(0), "N", "threads that read and change the next images (default: 0)")
    add.value("--patience", whole_number(1), "N", patience)


def _add_run_options(add: Options) -> None:
    backend = (
        f"{', '.join(CHOICES)} (default: $AUTOGRAD_CNN_BACKEND, or auto, which leaves the first epochs to NumPy "
        "where the kernels have yet to be compiled)"
    )
    out = "folder for the results (default: runs/DATA-MODEL-seedN, and a number if there is one)"
    parallel = "take a share of every batch on each process that mpiexec starts; needs the extra mpi"
    add.value("--seed", whole_number(0), "N", "the same seed and backend give the same weights (default: 0)")
    add.value("--backend", one_of(*CHOICES), "NAME", backend)
    add.value("--out", directory, "DIR", out)
    add.flag("--force", says="replace an earlier run in --out")
    add.flag("--tensorboard", says="write event files to --out, too; needs the extra tensorboard")
    add.value(
        "--config", file, "FILE.toml", "read options from a file, such as epochs = 20; those given here take precedence"
    )
    add.flag("--data-parallel", says=parallel)
    resume = "continue a run, with the options that it had; only --epochs may be another number"
    add.value("--resume", directory, "RUN", resume)


def run(arguments: argparse.Namespace) -> None:
    """Train, after all checks that can be made before the first step."""
    resumed = None if arguments.resume is None else _resumed(arguments)
    if arguments.config is not None:
        add_options_of_file(arguments, "--config", arguments.config, without=("config", "resume", "force"))
    backend: str | None = arguments.backend if resumed is None else resumed.backend
    group = distributed.init() if arguments.data_parallel else None
    with ExitStack() as stack:
        if group is not None:
            stack.enter_context(group)
            if group.rank > 0:  # trains, but leaves output and files to rank 0
                stack.enter_context(redirect_stdout(None))
        if backend:
            stack.enter_context(set_backend(backend))
        dataset, config = _prepare(arguments) if resumed is None else (_same_images(resumed), resumed)
        model = config.make_model()
        if group is not None and group.rank > 0:
            checkpoint = None if resumed is None else group.broadcast(None)
            _fit(model, dataset, config, None, checkpoint=checkpoint, group=group)
            return
        path = arguments.resume or arguments.out
        if path is None:
            path = Path("runs") / run_name(config.source_name, config.model, config.seed)
            with writing_to("--out", path):
                path = new_folder(path)
        with _open_folder(path, force=arguments.force, resume=resumed is not None) as folder:
            checkpoint = None if resumed is None else _newest_checkpoint(folder, group)
            if resumed is None:
                folder.begin(asdict(config), model.state_dict(), _as_toml(config))
            with _kernels(config, dataset, backend, group) as followers:
                last = _Replanned(folder, config) if resumed else _Drawing(folder, config, model, dataset, group)
                accuracy = _fit(model, dataset, config, folder, [last, *followers], checkpoint, group)
        say(f"results in {path}{last.advice}")
        say(f"test accuracy {accuracy:.4f}")


def _prepare(arguments: argparse.Namespace) -> tuple[Dataset, RunConfig]:
    """Load the data, and choose values for options that were not given."""
    if arguments.force and arguments.out is None:
        raise UsageError("--force goes with --out DIR, the folder whose run it replaces")
    source = Source(arguments.data or "digits", arguments.root, arguments.size, not arguments.stream)
    check_source(source)
    data, root = source.data, source.root
    if arguments.download and (data == "digits" or data not in KNOWN):
        raise UsageError(f"--download goes with {', '.join(name for name in KNOWN if name != 'digits')}")
    names = ("model", *(field.name for field in fields(TrainConfig)))
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    if data in KNOWN:  # so that a network which does not fit is refused before anything is read
        with as_usage_errors():
            make_model(given.get("model", KNOWN[data].recipe.model), KNOWN[data].image_shape, 0)
    dataset = load_source(source, download=bool(arguments.download))
    channels, height, width = dataset.train.images.shape[1:]
    shape, images = (channels, height, width), len(dataset.train.labels)
    recipe = recipe_of(data, shape)
    chosen = {**recipe._asdict(), "batch_size": min(recipe.batch_size, images), **given}
    if chosen["batch_size"] > images:
        raise UsageError(
            f"--batch-size: expected at most {images:,}, as many images as there are, got {chosen['batch_size']}"
        )
    if chosen.get("accumulate", 1) > chosen["batch_size"]:
        raise UsageError(
            f"--accumulate: expected at most {chosen['batch_size']:,}, as many parts as a batch has images, got {chosen['accumulate']}"
        )
    with as_usage_errors():
        make_model(chosen["model"], shape, 0)
    weights = chosen.get("class_weights")
    if isinstance(weights, tuple) and len(weights) != len(dataset.classes):
        raise UsageError(f"--class-weights: expected {len(dataset.classes)}, one for each class, got {len(weights)}")
    if "color" in chosen.get("augment", ()) and channels != 3:
        raise UsageError("--augment color goes with images in colour")
    if arguments.tensorboard:
        TensorBoard.check()
    config = RunConfig(
        data=data if data in KNOWN else str(Path(data).resolve()),
        root=None if root is None else str(root.resolve()),
        size=source.size,
        stream=not source.in_memory,
        classes=dataset.classes,
        image_shape=shape,
        patience=arguments.patience,
        tensorboard=bool(arguments.tensorboard),
        backend=current_backend(),
        version=__version__,
        **chosen,
    )
    return dataset, config


@contextmanager
def _kernels(
    config: RunConfig, dataset: Dataset, backend: str | None, group: ProcessGroup | None
) -> Iterator[list[Callback]]:
    """Compile the kernels, and yield the callbacks that this requires during training.

    A given backend is used for the whole run. If none is given, and no other process waits, the run starts with NumPy.
    """
    if not must_compile():
        yield []
    elif group is None and (backend or os.environ.get(VARIABLE, "auto")) == "auto":
        say("NumPy begins, while another process compiles the kernels, once per machine; --backend jit waits for them")
        with CompileAhead(config.model, dataset, config) as ahead:
            yield [ahead]
    else:
        say("compiling the kernels for this machine, once: some ten seconds")
        yield []


def _fit(
    model: nn.Module,
    dataset: Dataset,
    config: RunConfig,
    folder: RunFolder | None,
    followers: Sequence[Callback] = (),
    checkpoint: Path | None = None,
    group: ProcessGroup | None = None,
) -> float:
    """Train, save and show each epoch, and return the accuracy of the saved weights on the test images.

    Without a folder nothing is saved or shown.
    """
    shown: list[Callback] = []
    if folder is not None:
        # mpiexec gives its processes a terminal even if there is none, so no bar.
        shown = [
            folder,
            Progress(live=group is None),
            *([TensorBoard(folder.path)] if config.tensorboard else []),
            *followers,
        ]
    if group is not None:
        model = distributed.convert_sync_batchnorm(model, group)
    fused = nn.fuse(model)
    parallel = None if group is None else distributed.DataParallel(fused, group)
    stopping = None if config.patience is None else EarlyStopping(config.patience)
    callbacks = [*([] if stopping is None else [stopping]), *shown]
    try:
        # An overflow shows in the loss, which is checked in every step.
        with np.errstate(over="ignore", invalid="ignore"):
            last = fit(fused, dataset, config, callbacks, checkpoint, WATCHED, parallel)[-1]
    except DivergedError as error:
        kept = "" if folder is None else f"; {folder.contents()}"
        raise DivergedError(f"{error}{kept}; try a smaller --lr") from error
    if stopping is None or stopping.best is None or folder is None:
        return last.test_accuracy
    folder.write_weights(fused.state_dict())
    say(f"the best epoch was {stopping.best.epoch}")
    return stopping.best.test_accuracy


# --- resuming a run ---------------------------------------------------------------------------


def _resumed(arguments: argparse.Namespace) -> RunConfig:
    """Return the configuration of a run to resume; only the number of epochs may be another."""
    ours = {"resume", "epochs", "data_parallel", "command", "run", "parser"}
    chosen = [name for name, value in vars(arguments).items() if value is not None and name not in ours]
    if chosen:
        option = "--" + chosen[0].replace("_", "-")
        raise UsageError(f"{option} does not go with --resume RUN, which does everything as RUN did")
    config = read_config(arguments.resume)
    source_of(config, None, "move them back to go on")
    if arguments.epochs in (None, config.epochs):
        return config
    return replace(config, epochs=arguments.epochs, planned=(*config.planned, config.epochs))


def _same_images(config: RunConfig) -> Dataset:
    dataset = load_source(config.source, channels=config.image_shape[0])
    if dataset.train.images.shape[1:] != config.image_shape or dataset.classes != config.classes:
        expected = f"{len(config.classes)} classes of images {config.image_shape}"
        got = f"{len(dataset.classes)} of {dataset.train.images.shape[1:]}"
        raise ArgumentError("--resume", f"{config.data} has changed since", expected=expected, got=got)
    return dataset


def _newest_checkpoint(folder: RunFolder, group: ProcessGroup | None) -> Path:
    checkpoint, damaged = folder.newest_checkpoint()
    for told in damaged:
        say(f"{told}; going on from the checkpoint before")
    if group is not None:
        group.broadcast(checkpoint)
    return checkpoint


class _Replanned(Callback):
    """Writes down that the number of epochs has changed, once a run goes on."""

    advice = ""

    def __init__(self, folder: RunFolder, config: RunConfig) -> None:
        self.folder = folder
        self.config = config

    def on_fit_start(self, trainer: Trainer) -> None:
        """Write the configuration, and say how the training differs from one of so many epochs."""
        if self.config.planned:
            self.folder.describe(asdict(self.config), _as_toml(self.config))
            plan = f"as in a run of {counted(self.config.epochs, 'epoch')}, not {self.config.planned[-1]:,}"
            say(f"from epoch {trainer.epoch} on the learning rate falls {plan}")


def _as_toml(config: RunConfig) -> str:
    """Return the options that repeat the run, as ``--config`` reads them."""
    values = asdict(config) | {"augment": config.augment or ("none",)}
    for name in ("classes", "image_shape", "planned", "version"):
        del values[name]
    # Strings, numbers and lists of these look the same in JSON and in TOML.
    lines = [
        f"{name} = {json.dumps(value, ensure_ascii=False)}"
        for name, value in values.items()
        if value is not None and value is not False
    ]
    before = [f"# planned at first with epochs = {epochs}, which --resume has changed" for epochs in config.planned]
    return "\n".join([f"# autograd-cnn train --config {RECIPE}", *before, *lines, ""])


# --- the folder -------------------------------------------------------------------------------


@contextmanager
def _open_folder(path: Path, *, force: bool = False, resume: bool = False) -> Iterator[RunFolder]:
    """Open the folder of the run; errors and interrupts are reported in terms of the command line."""
    with writing_to("--out", path), ExitStack() as stack:
        try:
            folder = stack.enter_context(RunFolder.open(path, replace=True, resume=resume))
        except ArgumentError as error:
            raise ArgumentError("--resume" if resume else "--out", str(error)) from error
        if folder.replaces and not force:
            problem = f"{path} holds an earlier run; choose another folder, or let --force replace it"
            raise ArgumentError("--out", problem)
        try:
            yield folder
        except KeyboardInterrupt as error:
            told = str(error) or "interrupted"
            when, hint = ("", f"; --resume {path} goes on") if folder.epochs else (" before the first epoch ended", "")
            raise type(error)(f"{told}{when}; {folder.contents()}{hint}") from error


class _Drawing(Callback):
    """Draws the graph once the first epoch is saved: it takes a second, for which that epoch should not wait."""

    def __init__(
        self, folder: RunFolder, config: RunConfig, model: nn.Module, dataset: Dataset, group: ProcessGroup | None
    ) -> None:
        self.folder = folder
        self.graph = _first_graph(model, dataset, config.batch_size)
        self.advice = ""
        count = sum(parameter.size for parameter in model.parameters())
        images = counted(len(dataset.train.labels), "image")
        ranks = "" if group is None else f"; {counted(group.size, 'rank')}"
        say(f"{config.model}, {count:,} parameters; {config.source_name}, {images}; backend {config.backend}{ranks}")

    def on_checkpoint(self, trainer: Trainer) -> None:
        """Draw the graph, or remember what is missing if that is impossible."""
        if len(trainer.history) == 1:
            try:
                self.folder.draw(self.graph)
            except MissingDependencyError as missing:
                self.advice = f"; {missing}"


def _first_graph(model: nn.Module, dataset: Dataset, batch_size: int) -> Graph:
    """Return the graph of a loss, computed by a copy of the model, because running it changes batch statistics."""
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
