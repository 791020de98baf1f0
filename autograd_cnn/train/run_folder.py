"""The folder that a training run writes."""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from numpy.typing import NDArray

from autograd_cnn.engine.composite import parsed
from autograd_cnn.errors import ArgumentError, FormatError, sentence
from autograd_cnn.files import DRAFTS, AnyPath, as_path, locked, replacing
from autograd_cnn.io import load, save
from autograd_cnn.train.callbacks import Callback
from autograd_cnn.train.metrics import EpochMetrics

if TYPE_CHECKING:
    from autograd_cnn.graph import Graph
    from autograd_cnn.train.trainer import Trainer

WEIGHTS: Final = "model.npz"
METRICS: Final = "metrics.jsonl"
CONFIG: Final = "config.json"
PICTURE: Final = "graph.svg"
CHECKPOINT: Final = "checkpoint.npz"
PREVIOUS: Final = "checkpoint-before.npz"
"""The second last checkpoint, in case the last one is damaged."""
RECIPE: Final = "run.toml"
"""The options that repeat the run, as on a command line."""
REPORT: Final = "report.html"
FILES: Final = (PICTURE, CONFIG, RECIPE, METRICS, WEIGHTS, CHECKPOINT, PREVIOUS, REPORT)

STAGING: Final = ".autograd-cnn-new"
"""Where a run is that will replace another one but has not finished an epoch yet."""


class RunFolder(Callback):
    """``config.json``, ``run.toml`` if a command line has made it, ``metrics.jsonl``, ``model.npz``, ``checkpoint.npz`` and ``graph.svg`` of one run.

    As a callback it adds each epoch that ended with finite losses: its weights, and in the checkpoint all that the
    run needs to continue as if it had not been stopped; see `autograd_cnn.train.fit`. The previous checkpoint is kept, too. An earlier run in the same folder is there until
    the first epoch of the new one has ended.

    It keeps other runs out while a training lasts; with `open`, while a block does, in which `begin` can write
    ``config.json``.

    Parameters
    ----------
    path : path
        The folder, created if it does not exist.
    replace : bool
        Whether the run may replace an earlier one. A training run with a history continues in the folder with its
        checkpoint.

    Attributes
    ----------
    path : Path
        The folder.
    replaces : bool
        Whether the folder held an earlier run when it was opened.
    epochs : list of EpochMetrics
        The epochs that have been added.

    Examples
    --------
    >>> import tempfile
    >>> import autograd_cnn as ag
    >>> model = ag.nn.Sequential(ag.nn.Flatten(), ag.nn.Linear(64, 10, rng=0))
    >>> with tempfile.TemporaryDirectory() as path:
    ...     with RunFolder.open(path) as folder:
    ...         folder.begin({"model": "linear"}, model.state_dict())
    ...         history = ag.train.fit(model, ag.data.digits(), ag.train.TrainConfig(epochs=1), callbacks=[folder])
    ...     sorted(file.name for file in folder.path.iterdir())
    ['checkpoint.npz', 'config.json', 'metrics.jsonl', 'model.npz']
    """

    @parsed
    def __init__(self, path: AnyPath, *, replace: bool = False) -> None:
        self.path = self._target = as_path("RunFolder", path)
        self.replace = replace
        self.replaces = False
        self.epochs: list[EpochMetrics] = []
        self._is_open = False
        self._training = ExitStack()

    @classmethod
    @contextmanager
    def open(cls, path: AnyPath, *, replace: bool = False, resume: bool = False) -> Iterator[Self]:
        """Open a folder for a run, creating it if necessary, and keep other runs out of it until the block ends.

        Parameters
        ----------
        path : path
            The folder.
        replace : bool
            Whether the run may replace an earlier one.
        resume : bool
            Whether the run continues an earlier one.

        Raises
        ------
        ArgumentError
            If it holds an earlier run that may not be replaced, a run in progress, or none to resume.
        OSError
            If it can't be created.
        """
        folder = cls(path, replace=replace)
        if resume and not folder._holds_checkpoint():
            raise ArgumentError(sentence(f"{folder.path} holds no run with a {CHECKPOINT} to go on from"))
        with folder._opened(resume=resume):
            yield folder

    def _holds_checkpoint(self) -> bool:
        return any((self.path / name).is_file() for name in (CHECKPOINT, PREVIOUS))

    @contextmanager
    def _opened(self, *, resume: bool) -> Iterator[None]:
        path = self.path
        path.mkdir(parents=True, exist_ok=True)
        with locked(path) as mine:
            if not mine:
                raise ArgumentError(f"a training is under way in {path}", hint="choose another folder")
            self.replaces = _holds_run(path) and not resume
            if self.replaces and not self.replace:
                raise ArgumentError(f"{path} holds an earlier run", hint="choose another folder, or pass replace=True")
            self._target = path / STAGING if self.replaces else path
            _clear(path)
            self._target.mkdir(exist_ok=True)
            self._is_open = True
            try:
                yield
            finally:
                self._is_open = False
                _clear(path)

    def begin(self, config: Mapping[str, Any], state: Mapping[str, NDArray[Any]], recipe: str = "") -> None:
        """Write the configuration, the initial weights, and the options that repeat the run, if there are any.

        Raises
        ------
        OSError
            If the folder can't be written to.
        """
        self.describe(config, recipe)
        self._write(state)

    def describe(self, config: Mapping[str, Any], recipe: str = "") -> None:
        """Write the configuration, and the options that repeat the run, if there are any.

        Raises
        ------
        OSError
            If the folder can't be written to.
        """
        with replacing(self._target / CONFIG) as file:
            file.write(json.dumps(config, indent=2).encode() + b"\n")
        if recipe:
            with replacing(self._target / RECIPE) as file:
                file.write(recipe.encode())

    def draw(self, graph: "Graph") -> None:
        """Write the picture of the graph.

        Raises
        ------
        MissingDependencyError
            If the renderer is not installed.
        OSError
            If the folder can't be written to.
        """
        graph.render(self._target / PICTURE)

    def add(self, epoch: EpochMetrics, state: Mapping[str, NDArray[Any]]) -> None:
        """Add an epoch to the metrics, and replace the weights by its weights.

        Raises
        ------
        OSError
            If the folder can't be written to.
        """
        self._add(epoch, state)
        self._take_its_place()

    def on_fit_start(self, trainer: "Trainer") -> None:
        """Open the folder for this training, if it is not open, and adopt the epochs of a resumed run."""
        if not self._is_open:
            self._training.enter_context(self._opened(resume=bool(trainer.history) and self._holds_checkpoint()))
        self.epochs = list(trainer.history)

    def on_checkpoint(self, trainer: "Trainer") -> None:
        """Add the epoch, and write the checkpoint."""
        epoch = trainer.history[-1]
        self._add(epoch, trainer.tested.state_dict())
        # Last, so that a run that is killed before this repeats the epoch.
        with suppress(FileNotFoundError):
            (self._target / CHECKPOINT).replace(self._target / PREVIOUS)
        trainer.save(self._target / CHECKPOINT)
        self._take_its_place()

    def on_fit_end(self, trainer: "Trainer") -> None:  # noqa: ARG002  # as all callbacks
        """Release a folder that was opened for this training."""
        self._training.close()

    def write_weights(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Replace the last epoch's weights, for example by those of the best one.

        Raises
        ------
        OSError
            If the folder can't be written to.
        """
        save(self._target / WEIGHTS, state)

    def newest_checkpoint(self) -> tuple[Path, list[str]]:
        """Return the newest intact checkpoint, and what is wrong with newer ones.

        Raises
        ------
        FormatError
            If none is intact.
        """
        damaged = []
        for name in (CHECKPOINT, PREVIOUS):
            try:
                load(self.path / name)  # which verifies the checksums
            except FileNotFoundError:
                continue
            except FormatError as error:
                damaged.append(str(error))
            else:
                return self.path / name, damaged
        raise FormatError(f"{self.path} holds no checkpoint that is whole", hint="; ".join(damaged))

    def contents(self) -> str:
        """Return a clause that says which weights are in the folder, for the end of an error."""
        if self._target != self.path:
            return f"the earlier run is still in {self.path}"
        if not self.epochs and not (self._target / WEIGHTS).exists():
            return "nothing is kept"
        weights = f"weights of epoch {self.epochs[-1].epoch}" if self.epochs else "initial weights"
        return f"the {weights} are in {self.path / WEIGHTS}"

    def _add(self, epoch: EpochMetrics, state: Mapping[str, NDArray[Any]]) -> None:
        self._write(state, [*self.epochs, epoch])
        self.epochs.append(epoch)

    def _write(self, state: Mapping[str, NDArray[Any]], epochs: Iterable[EpochMetrics] = ()) -> None:
        self.write_weights(state)
        with replacing(self._target / METRICS) as file:
            for epoch in epochs:
                file.write(json.dumps(asdict(epoch)).encode() + b"\n")

    def _take_its_place(self) -> None:
        """Replace an earlier run in the folder, if there is one."""
        if self._target == self.path:
            return
        for name in FILES:
            if (self._target / name).exists():
                (self._target / name).replace(self.path / name)
            else:
                (self.path / name).unlink(missing_ok=True)
        self._target.rmdir()
        self._target = self.path


def new_folder(path: AnyPath) -> Path:
    """Make a folder and return its path, with a number at the end if the name is taken.

    Raises
    ------
    OSError
        If it can't be made.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [new_folder(Path(folder) / "run").name for _ in range(3)]
    ['run', 'run-2', 'run-3']
    """
    path = as_path("new_folder", path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        numbered = path if number == 1 else path.with_name(f"{path.name}-{number}")
        with suppress(FileExistsError):
            numbered.mkdir()
            break
    return numbered


def _holds_run(path: Path) -> bool:
    return any((path / name).exists() for name in FILES)


def _clear(path: Path) -> None:
    """Remove the leftovers of a run that was stopped or killed; the caller holds the folder's lock."""
    shutil.rmtree(path / STAGING, ignore_errors=True)
    for draft in path.glob(DRAFTS):
        draft.unlink(missing_ok=True)
