"""What follows a training: the interface by which progress, run folders and the like listen to a `Trainer`."""

from typing import TYPE_CHECKING

from autograd_cnn.train.metrics import EpochMetrics, Metrics

if TYPE_CHECKING:
    from autograd_cnn.train.trainer import Trainer


class Callback:
    """Follows a training; each method is called at its moment, and does nothing unless a subclass defines it.

    What a method raises ends the training.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> class Best(ag.train.Callback):
    ...     accuracy = 0.0
    ...     def on_epoch_end(self, trainer, epoch):
    ...         if epoch.test_accuracy > self.accuracy:
    ...             self.accuracy, self.state = epoch.test_accuracy, trainer.model.state_dict()
    >>> best = Best()
    >>> model = ag.nn.Sequential(ag.nn.Flatten(), ag.nn.Linear(64, 10, rng=0))
    >>> history = ag.train.fit(model, ag.data.digits(), ag.train.TrainConfig(epochs=3), callbacks=[best])
    >>> best.accuracy == max(epoch.test_accuracy for epoch in history)
    True
    """

    def on_fit_start(self, trainer: "Trainer") -> None:
        """The first epoch is about to begin."""

    def on_batch_end(self, trainer: "Trainer", metrics: Metrics) -> None:
        """A step was taken; ``metrics`` are those of the epoch so far."""

    def on_epoch_end(self, trainer: "Trainer", epoch: EpochMetrics) -> None:
        """An epoch ended well: all losses were finite."""

    def on_fit_end(self, trainer: "Trainer") -> None:
        """The training is over, also where an error or an interrupt has ended it."""
