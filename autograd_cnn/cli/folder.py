"""The folder that a training run leaves behind."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from autograd_cnn.cli.fit import Epoch
from autograd_cnn.cli.options import writing_to
from autograd_cnn.errors import MissingDependencyError
from autograd_cnn.files import replacing
from autograd_cnn.graph import Graph
from autograd_cnn.interop import save

WEIGHTS: Final = "model.npz"
METRICS: Final = "metrics.jsonl"
CONFIG: Final = "config.json"
PICTURE: Final = "graph.svg"


class RunFolder:
    """``config.json``, ``metrics.jsonl``, ``model.npz`` and ``graph.svg`` of one run.

    Files of an earlier run of the same name are replaced.

    Parameters
    ----------
    path : Path
        Made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kept = "the initial weights"

    @property
    def weights(self) -> Path:
        """Where the weights are."""
        return self.path / WEIGHTS

    def begin(self, config: Mapping[str, Any], state: Mapping[str, NDArray[Any]]) -> None:
        """Write the configuration and the initial weights.

        Raises
        ------
        OSError
            If the folder can't be written to.
        """
        with writing_to("--out", self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            with replacing(self.path / CONFIG) as file:
                file.write(json.dumps(config, indent=2).encode() + b"\n")
            save(self.weights, state)
            (self.path / METRICS).write_text("", encoding="utf-8")

    def draw(self, graph: Graph) -> str | None:
        """Draw the graph; where nothing is there to draw, keep it as DOT and return what to do."""
        picture = self.path / PICTURE
        for old in (picture, picture.with_suffix(".dot")):
            old.unlink(missing_ok=True)
        try:
            graph.render(picture)
        except MissingDependencyError as missing:
            return str(missing)
        return None

    def add(self, epoch: Epoch, state: Mapping[str, NDArray[Any]]) -> None:
        """Append an epoch that ended well to the metrics, and keep its weights."""
        save(self.weights, state)
        self.kept = f"the weights of epoch {epoch.epoch}"
        with (self.path / METRICS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(epoch)) + "\n")
