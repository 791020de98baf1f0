"""Stopping when the model no longer improves."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Literal

from autograd_cnn.engine.composite import parsed
from autograd_cnn.errors import ArgumentError, OperandError
from autograd_cnn.parameters import NotNegative, Size
from autograd_cnn.train.callbacks import Callback
from autograd_cnn.train.metrics import EpochMetrics

if TYPE_CHECKING:
    from autograd_cnn.train.trainer import Trainer

Monitor = Literal["test_loss", "test_accuracy", "loss", "accuracy"]

RISES: Final = {"test_accuracy", "accuracy"}
"""The metrics for which higher is better."""


class EarlyStopping(Callback):
    """Ends the training when it no longer improves, and restores the weights of the best epoch.

    As part of a `Trainer` it is saved and restored with it. A `RunFolder` keeps the weights of the last epoch, until
    you pass the model's to its `write_weights`.

    Parameters
    ----------
    patience : int
        The number of consecutive epochs without improvement that are tolerated.
    monitor : {"test_loss", "test_accuracy", "loss", "accuracy"}
        The metric to improve.
    min_delta : float
        The smallest improvement that counts.

    Attributes
    ----------
    best : EpochMetrics or None
        The best epoch so far.

    Raises
    ------
    ArgumentError
        If ``monitor`` is something else, or a number is out of range.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> model = ag.nn.Sequential(ag.nn.Flatten(), ag.nn.Linear(64, 10, rng=0))
    >>> stopping = EarlyStopping(patience=2, monitor="test_accuracy")
    >>> config = ag.train.TrainConfig(epochs=50, lr=0.05)
    >>> history = ag.train.fit(model, ag.data.digits(), config, callbacks=[stopping])
    >>> len(history) < 50, history[-3] == stopping.best
    (True, True)
    >>> ag.train.evaluate(model, ag.data.digits().test).accuracy == stopping.best.test_accuracy
    True
    """

    @parsed
    def __init__(self, patience: Size = 5, monitor: Monitor = "test_loss", min_delta: NotNegative = 0.0) -> None:
        self.patience = patience
        self.monitor = monitor
        self.min_delta = min_delta
        self.best: EpochMetrics | None = None
        self._weights: dict[str, Any] = {}
        self._worse = 0

    def on_fit_start(self, trainer: "Trainer") -> None:
        """Stop at once if the training was already over when it was saved."""
        if self._worse >= self.patience:
            trainer.stop()

    def on_epoch_end(self, trainer: "Trainer", epoch: EpochMetrics) -> None:
        """Keep the weights of the best epoch, or count an epoch without improvement."""
        if self.best is None or self._gain(epoch) > self.min_delta:
            self.best, self._weights, self._worse = epoch, trainer.tested.state_dict(), 0
            return
        self._worse += 1
        if self._worse >= self.patience:
            trainer.stop()

    def on_fit_end(self, trainer: "Trainer") -> None:
        """Restore the best weights, however the training has ended."""
        if self.best is not None:
            trainer.model.load_state_dict(self._weights)

    def _gain(self, epoch: EpochMetrics) -> float:
        new, old = (float(getattr(each, self.monitor)) for each in (epoch, self.best))
        return new - old if self.monitor in RISES else old - new

    def state_dict(self) -> dict[str, Any]:
        """Return the best epoch, its number, its weights, and the number of epochs since."""
        best = None if self.best is None else asdict(self.best)
        return {"monitor": self.monitor, "best": best, "weights": self._weights, "worse": self._worse}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of `state_dict`.

        Raises
        ------
        ArgumentError
            If it monitored another metric.
        OperandError
            If it is not such a state.
        """
        try:
            monitor, best = state_dict["monitor"], state_dict["best"]
            found = None if best is None else EpochMetrics(**best)
            weights, worse = dict(state_dict["weights"]), int(state_dict["worse"])
        except (KeyError, TypeError, ValueError) as error:
            problem = "it is not a state of early stopping"
            expected = "what state_dict returned"
            raise OperandError("load_state_dict", problem, expected=expected, got=repr(state_dict)) from error
        if monitor != self.monitor:
            raise ArgumentError("load_state_dict", "something else was monitored", expected=self.monitor, got=monitor)
        self.best, self._weights, self._worse = found, weights, worse
