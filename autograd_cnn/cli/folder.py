"""The folder that a training run leaves behind."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from autograd_cnn.cli.fit import Epoch
from autograd_cnn.cli.lock import locked
from autograd_cnn.cli.options import writing_to
from autograd_cnn.errors import ArgumentError, MissingDependencyError, sentence
from autograd_cnn.files import DRAFTS, replacing
from autograd_cnn.graph import Graph
from autograd_cnn.io import save

WEIGHTS: Final = "model.npz"
METRICS: Final = "metrics.jsonl"
CONFIG: Final = "config.json"
PICTURE: Final = "graph.svg"
FILES: Final = (PICTURE, CONFIG, METRICS, WEIGHTS)

ASIDE: Final = ".autograd-cnn-new"
"""Where a run is that may replace another one but has no epoch yet."""


class RunFolder:
    """``config.json``, ``metrics.jsonl``, ``model.npz`` and ``graph.svg`` of one run.

    An earlier run in the same folder is there until the first epoch of the new one has ended well.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.epochs: list[Epoch] = []
        self._replaces = _holds_run(path)
        self._place = path / ASIDE if self._replaces else path

    @property
    def kept(self) -> str:
        """What would be left if the run ended now."""
        if self._replaces and not self.epochs:
            return f"the earlier run is still in {self.path}"
        if not self.epochs and not (self._place / WEIGHTS).exists():
            return "nothing is kept"
        weights = f"weights of epoch {len(self.epochs)}" if self.epochs else "initial weights"
        return f"the {weights} are in {self.path / WEIGHTS}"

    def begin(self, config: Mapping[str, Any], state: Mapping[str, NDArray[Any]]) -> None:
        """Write the configuration and the initial weights.

        Raises
        ------
        OSError
            If the folder can't be written to.
        """
        with writing_to("--out", self.path):
            self._place.mkdir(exist_ok=True)
            with replacing(self._place / CONFIG) as file:
                file.write(json.dumps(config, indent=2).encode() + b"\n")
            self._write(state)

    def draw(self, graph: Graph) -> str | None:
        """Draw the graph, or return what it takes where it can't be drawn."""
        try:
            with writing_to("--out", self.path):
                graph.render(self._place / PICTURE)
        except MissingDependencyError as missing:
            return str(missing)
        return None

    def add(self, epoch: Epoch, state: Mapping[str, NDArray[Any]]) -> None:
        """Add an epoch that ended well to the metrics, and keep its weights."""
        with writing_to("--out", self.path):
            self._write(state, epoch)
            if self._place != self.path:
                self._take_over()
        self.epochs.append(epoch)

    def _write(self, state: Mapping[str, NDArray[Any]], *new: Epoch) -> None:
        save(self._place / WEIGHTS, state)
        with replacing(self._place / METRICS) as file:
            for epoch in (*self.epochs, *new):
                file.write(json.dumps(asdict(epoch)).encode() + b"\n")

    def _take_over(self) -> None:
        for name in FILES:
            if (self._place / name).exists():
                (self._place / name).replace(self.path / name)
            else:
                (self.path / name).unlink(missing_ok=True)
        self._place.rmdir()
        self._place = self.path


@contextmanager
def run_folder(path: Path, *, replace: bool = False) -> Iterator[RunFolder]:
    """Make a folder for a run, if it is not there, and keep other runs out of it meanwhile.

    Raises
    ------
    ArgumentError
        If it holds an earlier run that is not to be replaced, or a run that is under way.
    OSError
        If it can't be made.
    """
    with writing_to("--out", path):
        path.mkdir(parents=True, exist_ok=True)
    with locked(path) as free:
        if not free:
            raise ArgumentError(sentence("--out", f"a training is under way in {path}; choose another folder"))
        if _holds_run(path) and not replace:
            raise ArgumentError(
                sentence("--out", f"{path} holds an earlier run; choose another folder, or let --force replace it")
            )
        _clear(path)
        try:
            yield RunFolder(path)
        finally:
            _clear(path)


def new_folder(path: Path) -> Path:
    """Make a folder and return its path, with a number at the end if there is one of that name.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [new_folder(Path(folder) / "run").name for _ in range(3)]
    ['run', 'run-2', 'run-3']
    """
    with writing_to("--out", path):
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
    """Remove what a run leaves that was stopped, or even killed; the folder is ours meanwhile."""
    shutil.rmtree(path / ASIDE, ignore_errors=True)
    for draft in path.glob(DRAFTS):
        draft.unlink(missing_ok=True)
