"""A finished run: its network, ready to use, its data, and its metrics."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from autograd_cnn import io, nn
from autograd_cnn.cli.datasets import KNOWN, Source, check_source, load_source
from autograd_cnn.cli.models import MOST_PIXELS, ImageShape, make_model
from autograd_cnn.cli.options import Options, named
from autograd_cnn.data import Dataset
from autograd_cnn.engine.composite import parsed
from autograd_cnn.errors import ArgumentError, FormatError
from autograd_cnn.files import AnyPath, as_path
from autograd_cnn.graph.reading import rebuild
from autograd_cnn.train import EpochMetrics, TrainConfig
from autograd_cnn.train.run_folder import CONFIG, METRICS, WEIGHTS


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig(TrainConfig):
    """The contents of a run's ``config.json``: how it is trained, and everything needed to repeat it.

    Attributes
    ----------
    data : str
        The value of ``--data``; for a folder or file, its absolute path.
    root : str or None
        The absolute path of ``--root``.
    model : str
        The network's name or pattern.
    classes : tuple of str
        The names of the classes.
    image_shape : (C, H, W)
        Of the images.
    size : int or None
        The value of ``--size``.
    stream : bool
        The value of ``--stream``.
    patience : int or None
        The value of ``--patience``.
    tensorboard : bool
        The value of ``--tensorboard``.
    planned : tuple of int
        The numbers of epochs that were planned before, each changed by a ``--resume`` with another ``--epochs``.
    backend, version : str
        The backend and package version of the training. If the kernels still had to be compiled, NumPy ran the first
        epochs; the metrics have the backend of each.
    """

    data: str
    root: str | None
    model: str
    classes: tuple[str, ...]
    image_shape: ImageShape
    size: int | None
    stream: bool = False
    patience: int | None
    tensorboard: bool = False
    planned: tuple[int, ...] = ()
    backend: str
    version: str

    @property
    def source(self) -> Source:
        """The location of the images."""
        return Source(self.data, None if self.root is None else Path(self.root), self.size, not self.stream)

    @property
    def source_name(self) -> str:
        """The name of the data set, or of its folder or file."""
        return Path(self.data).stem

    def __post_init__(self) -> None:
        """Refuse what no run has."""
        if not self.classes or not all(0 < length <= MOST_PIXELS for length in self.image_shape):
            raise ArgumentError("RunConfig", "there are no classes, or the images have no such shape")

    def make_model(self) -> nn.Module:
        """Return the network with its initial weights."""
        return make_model(self.model, self.image_shape, self.seed, len(self.classes))


RunConfig.__init__ = parsed(RunConfig.__init__)  # type: ignore[method-assign]  # as `TrainConfig`


def read_config(run: AnyPath) -> RunConfig:
    """Read the configuration of a run.

    Parameters
    ----------
    run : path
        The folder that ``autograd-cnn train`` has written.

    Raises
    ------
    FormatError
        If it does not exist, or ``autograd-cnn train`` did not write it.
    OSError
        If it can't be read.
    """
    run = as_path("read_config", run)
    path = run / CONFIG
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        hint = f"it holds no {CONFIG}" if run.is_dir() else "the folder does not exist"
        raise FormatError(str(run), "not a run of autograd-cnn train", hint=hint) from error
    try:
        values = json.loads(text)
        seed = values["seed"]  # has more digits than any size, perhaps
        return replace(rebuild(RunConfig, {**values, "seed": 0}, str(path)), seed=seed)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise FormatError(str(path), "not the configuration of a run of this version") from error


def trained_model(run: AnyPath, config: RunConfig | None = None) -> nn.Module:
    """Return the network with the weights of a run, in eval mode.

    Parameters
    ----------
    run : path
        The folder that ``autograd-cnn train`` has written.
    config : RunConfig, optional
        The result of `read_config`.

    Raises
    ------
    FormatError
        If it is not a run, or the weights are damaged or belong to another network.
    OSError
        If the run has no weights.
    """
    config = read_config(run) if config is None else config
    path = as_path("trained_model", run) / WEIGHTS
    weights = io.load(path)
    try:
        model = config.make_model()
        model.load_state_dict(weights)
    except (ValueError, TypeError, KeyError) as error:
        raise FormatError(str(path), "not the weights of the network that config.json names",
                          hint=str(error)) from error  # fmt: skip
    return model.eval()


def read_history(run: Path) -> list[EpochMetrics]:
    """Read the metrics of a run's epochs.

    Raises
    ------
    FormatError
        If ``autograd-cnn train`` did not write them.
    OSError
        If there are none.
    """
    path = run / METRICS
    text = path.read_bytes()
    try:
        return [rebuild(EpochMetrics, json.loads(line), str(path)) for line in text.splitlines()]
    except (ValueError, RecursionError) as error:
        raise FormatError(str(path), "not the metrics of a run of this version") from error


def source_of(config: RunConfig, moved_to: str | None, hint: str) -> Source:
    """Return the location of a run's images, even if they have ``moved_to`` another folder or file.

    Raises
    ------
    ArgumentError
        If they are not there, with a ``hint``.
    """
    source = config.source
    if moved_to is not None:
        known = source.data in KNOWN
        source = source._replace(root=Path(moved_to)) if known else source._replace(data=moved_to)
    if source.data not in KNOWN and not Path(source.data).exists():
        raise ArgumentError(source.data, "the images of the run are not there", hint=hint)
    check_source(source)
    return source


def add_data_option(add: Options) -> None:
    """Add ``--data``, for `read_dataset`."""
    add.value(
        "--data", named("a folder or a file"), "DIR|FILE", "where the images of the run are now, if they were moved"
    )


def read_dataset(config: RunConfig, moved_to: str | None) -> Dataset:
    """Read the data set that a run was trained on.

    Raises
    ------
    ArgumentError
        If it is missing, or its classes have changed.
    """
    source = source_of(config, moved_to, "say with --data where they are now")
    dataset = load_source(source, channels=config.image_shape[0])
    if dataset.classes != config.classes:
        problem = "the classes have changed since"
        raise ArgumentError(source.data, problem, expected=", ".join(config.classes), got=", ".join(dataset.classes))
    return dataset
