"""Callbacks: the interface through which progress bars, run folders and so on observe a `Trainer`."""

from typing import TYPE_CHECKING

from autograd_cnn.train.metrics import EpochMetrics, Metrics

if TYPE_CHECKING:
    from autograd_cnn.train.trainer import Trainer


class Callback:
    """Observes a training run; its methods are called at certain points, and do nothing unless a subclass defines them.

    An exception in a method ends the training; `Trainer.stop` ends it normally. A callback with the methods
    ``state_dict`` and ``load_state_dict`` is saved and restored with its trainer.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> class Enough(ag.train.Callback):
    ...     def on_epoch_end(self, trainer, epoch):
    ...         if epoch.test_accuracy > 0.7:
    ...             trainer.stop()
    >>> model = ag.nn.Sequential(ag.nn.Flatten(), ag.nn.Linear(64, 10, rng=0))
    >>> config = ag.train.TrainConfig(epochs=50, lr=0.05)
    >>> len(ag.train.fit(model, ag.data.digits(), config, callbacks=[Enough()]))
    1
    """

    def on_fit_start(self, trainer: "Trainer") -> None:
        """The first epoch is about to begin."""

    def on_batch_end(self, trainer: "Trainer", metrics: Metrics) -> None:
        """A step was taken; ``metrics`` cover the epoch so far."""

    def on_epoch_end(self, trainer: "Trainer", epoch: EpochMetrics) -> None:
        """An epoch has ended with finite losses."""

    def on_checkpoint(self, trainer: "Trainer") -> None:
        """All callbacks have seen the epoch: a checkpoint of the training now has the state of all of them."""

    def on_fit_end(self, trainer: "Trainer") -> None:
        """The training is over, even if an error or an interrupt has ended it."""
