"""How a training shows itself: a live bar in a terminal, a line for each epoch elsewhere."""

from autograd_cnn.cli.output import is_terminal, say
from autograd_cnn.train import Callback, EpochMetrics, Metrics, Trainer


def progress(epochs: int, images: int) -> Callback:
    """Return the bar if standard output is a terminal, else the lines."""
    return Bar(epochs, images) if is_terminal() else Lines(epochs)


class Lines(Callback):
    """A line for each epoch."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_epoch_end(self, trainer: Trainer, epoch: EpochMetrics) -> None:  # noqa: ARG002  # as all callbacks
        """Write the epoch's line."""
        say(
            f"epoch {epoch.epoch:{len(str(self.epochs))}}/{self.epochs}  loss {epoch.loss:.4f}  "
            f"accuracy {epoch.accuracy:.4f}  held out {epoch.test_accuracy:.4f}  {epoch.images_per_second:,.0f} images/s"
        )


class Bar(Callback):
    """A bar over all epochs with the loss, the accuracy and the speed of the present one."""

    def __init__(self, epochs: int, images: int) -> None:
        from rich import progress as rich  # noqa: PLC0415  # loaded when first used

        self.epochs = epochs
        self.images = images
        self.bar = rich.Progress(
            rich.TextColumn("epoch {task.fields[epoch]}"),
            rich.BarColumn(bar_width=None),
            rich.TextColumn("{task.fields[figures]}"),
            rich.TimeRemainingColumn(elapsed_when_finished=True),
            expand=True,
        )
        self.task = self.bar.add_task("", total=epochs * images, epoch=f"1/{epochs}", figures="")

    def on_fit_start(self, trainer: Trainer) -> None:  # noqa: ARG002  # as all callbacks
        """Show the bar."""
        self.bar.start()

    def on_batch_end(self, trainer: Trainer, metrics: Metrics) -> None:
        """Move on by a batch."""
        speed = metrics.count / metrics.seconds
        self.bar.update(
            self.task,
            completed=(trainer.epoch - 1) * self.images + metrics.count,
            epoch=f"{trainer.epoch}/{self.epochs}",
            figures=f"loss {metrics.loss:.4f}  accuracy {metrics.accuracy:.4f}  {speed:,.0f} images/s",
        )

    def on_fit_end(self, trainer: Trainer) -> None:  # noqa: ARG002  # as all callbacks
        """Leave the bar as it is."""
        self.bar.stop()
