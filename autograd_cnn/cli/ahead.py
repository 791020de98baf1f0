"""Kernels for a first run, compiled by another process while NumPy trains the first epochs.

Numba needs about ten seconds, once per machine, and holds the interpreter lock most of that time: in a thread of the
same process it would block the training. NumPy's products get only one thread. With more, they would wait for threads
that the compiler delays, and matrices of this size would not be faster.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import fields
from importlib.util import find_spec
from subprocess import DEVNULL, Popen
from typing import Any, Final, Self

import numpy as np

from autograd_cnn import nn
from autograd_cnn.cli.models import ImageShape, make_model
from autograd_cnn.cli.output import say
from autograd_cnn.data import Dataset, Split
from autograd_cnn.kernels import set_backend
from autograd_cnn.kernels.backend import VARIABLE
from autograd_cnn.train import Callback, EpochMetrics, TrainConfig, Trainer, fit

WATCHED: Final = 32
"""The number of test images for the statistics of the layers."""
TESTED: Final = 256
"""The batch size of `autograd_cnn.train.evaluate`."""

_PROGRAM: Final = """\
import json, sys
path, arguments = map(json.loads, sys.argv[1:])
sys.path[:] = path
from autograd_cnn.cli.ahead import compile_kernels
compile_kernels(*arguments)
"""


class CompileAhead(Callback):
    """Starts a run with NumPy while another process compiles its kernels, and then switches to them.

    It switches between two epochs. At the end, backend and threads are restored.

    The process outlives the run, because the next run needs its kernels.

    Parameters
    ----------
    model : str
        The network's name or pattern.
    dataset : Dataset
        The training data.
    config : TrainConfig
        The training's configuration.
    """

    def __init__(self, model: str, dataset: Dataset, config: TrainConfig) -> None:
        self.epochs = config.epochs
        learned, tested = (len(split.labels) for split in dataset)
        # The fewest images that give batches of all sizes that occur.
        counts = config.batch_size + learned % config.batch_size, min(tested, TESTED + tested % TESTED)
        numbers = {field.name: getattr(config, field.name) for field in fields(TrainConfig)}
        # Enough epochs for batches of both sizes to be recorded and replayed.
        arguments = model, dataset.train.images.shape[1:], len(dataset.classes), numbers | {"epochs": 4}, counts
        self._process: Popen[bytes] | None = Popen(  # noqa: S603  # our own code
            [sys.executable, "-P", "-c", _PROGRAM, json.dumps(sys.path), json.dumps(arguments)],
            env={**os.environ, VARIABLE: "jit", "OPENBLAS_NUM_THREADS": "1"},
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=DEVNULL,
            start_new_session=True,  # an interrupt must not reach it
        )

    def __enter__(self) -> Self:
        """Switch to NumPy, on one thread if threadpoolctl is installed."""
        self._backend = set_backend("reference")
        self._restore_threads: Callable[[], object] = lambda: None
        if find_spec("threadpoolctl"):
            from threadpoolctl import threadpool_limits  # noqa: PLC0415  # optional

            self._restore_threads = threadpool_limits(1, "blas").restore_original_limits
        return self

    def __exit__(self, *_: object) -> None:
        """Return to the backend and the threads that were chosen before."""
        self._restore_threads()
        self._backend.__exit__(None, None, None)

    def on_epoch_end(self, trainer: Trainer, epoch: EpochMetrics) -> None:
        """Switch to the kernels if they are ready and an epoch is left."""
        if self._process is None or self._process.poll() is None or epoch.epoch == self.epochs:
            return
        self._restore_threads()
        if self._process.returncode == 0:
            set_backend("jit")
            say(f"the kernels are compiled and do the work from epoch {trainer.epoch} on")
        else:
            say("the kernels could not be compiled, and NumPy goes on; --backend jit shows the reason")
        self._process = None

    def on_fit_end(self, trainer: Trainer) -> None:  # noqa: ARG002  # as all callbacks
        """Report if the process has not ended."""
        if self._process is not None and self._process.poll() is None:
            say("the kernels are still being compiled, for the next run")


def compile_kernels(
    model: str, shape: ImageShape, classes: int, numbers: dict[str, Any], counts: tuple[int, int]
) -> None:
    """Train a network on noise, and cache all kernels that this needs, or none of them.

    Another run that starts meanwhile, or after this process was killed, also starts with NumPy.

    Parameters
    ----------
    model : str
        Its name or pattern.
    shape : (C, H, W)
        Of the images.
    classes : int
        The number of classes.
    numbers : dict
        The numbers of a `TrainConfig`.
    counts : (int, int)
        The numbers of training and of test images.
    """
    from autograd_cnn.kernels.compiled.caching import written_together  # noqa: PLC0415  # it needs Numba

    rng = np.random.default_rng(0)
    learned, tested = (
        Split(rng.random((count, *shape), np.float32), rng.integers(classes, size=count)) for count in counts
    )
    network = make_model(model, shape, 0, classes)
    names = tuple(map(str, range(classes)))
    with written_together():
        fit(nn.fuse(network), Dataset(learned, tested, names), TrainConfig(**numbers), watch=WATCHED)
