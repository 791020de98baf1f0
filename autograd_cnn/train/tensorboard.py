"""Event files for TensorBoard."""

from typing import TYPE_CHECKING, Any

from autograd_cnn.errors import MissingDependencyError
from autograd_cnn.files import AnyPath, as_path
from autograd_cnn.train.callbacks import Callback
from autograd_cnn.train.metrics import EpochMetrics

if TYPE_CHECKING:
    from autograd_cnn.train.trainer import Trainer


class TensorBoard(Callback):
    """Writes each epoch's metrics, and the distributions of the weights, to event files for ``tensorboard --logdir``.

    Parameters
    ----------
    path : path
        The folder of the run.

    Raises
    ------
    MissingDependencyError
        If tensorboardX (extra ``tensorboard``) is not installed; raised when the training begins.
    """

    def __init__(self, path: AnyPath) -> None:
        self.path = as_path("TensorBoard", path)
        self._writer: Any = None

    @staticmethod
    def check() -> Any:
        """Return the writer's class, or raise an error that says what is not installed.

        Raises
        ------
        MissingDependencyError
            As above.
        """
        try:
            from tensorboardX import SummaryWriter  # noqa: PLC0415  # an extra, loaded when first used
        except ImportError as error:
            raise MissingDependencyError("writing for TensorBoard", "tensorboard") from error
        return SummaryWriter

    def on_fit_start(self, trainer: "Trainer") -> None:
        """Open a file; epochs that are repeated hide the earlier ones."""
        self._writer = self.check()(str(self.path), purge_step=trainer.epoch)

    def on_epoch_end(self, trainer: "Trainer", epoch: EpochMetrics) -> None:
        """Write the epoch."""
        for name, value in (
            ("loss/learned", epoch.loss), ("loss/held out", epoch.test_loss), ("accuracy/learned", epoch.accuracy),
            ("accuracy/held out", epoch.test_accuracy), ("learning rate", epoch.learning_rate),
            *((f"gradient/{layer}", norm) for layer, norm in epoch.gradients.items()),
            *((f"dead/{layer}", share) for layer, share in epoch.dead.items()),
        ):  # fmt: skip
            self._writer.add_scalar(name, value, epoch.epoch)
        for name, parameter in trainer.tested.named_parameters():
            self._writer.add_histogram(name, parameter.numpy(), epoch.epoch)
        self._writer.flush()

    def on_fit_end(self, trainer: "Trainer") -> None:  # noqa: ARG002  # as all callbacks
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
