"""Progress displays: curves in a notebook, a live bar in a terminal, one line per epoch elsewhere."""

import sys
import time
from importlib import import_module
from typing import Any, Final

from autograd_cnn.train.callbacks import Callback
from autograd_cnn.train.metrics import EpochMetrics, Metrics
from autograd_cnn.train.trainer import Trainer
from autograd_cnn.viz.chart import curves

PAUSE: Final = 0.2
"""Seconds between two updates in a notebook, within an epoch."""


class Progress(Callback):
    """Shows the progress of training: curves in a notebook, a live bar in a terminal, one line per epoch elsewhere.

    Parameters
    ----------
    live : bool
        If False, print one line per epoch everywhere.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> model = ag.nn.Sequential(ag.nn.Flatten(), ag.nn.Linear(64, 10, rng=0))
    >>> config = ag.train.TrainConfig(epochs=2, lr=0.05)
    >>> history = ag.train.fit(model, ag.data.digits(), config, callbacks=[Progress()])  # doctest: +ELLIPSIS
    epoch 1/2  loss ...  accuracy 0...  held out 0...  ... images/s
    epoch 2/2  loss ...  accuracy 0...  held out 0...  ... images/s
    """

    def __init__(self, *, live: bool = True) -> None:
        self.live = live
        self._view = Callback()

    def on_fit_start(self, trainer: Trainer) -> None:
        """Start the display."""
        terminal = sys.stdout is not None and sys.stdout.isatty()
        kind = Lines if not self.live else Curves if in_notebook() else Bar if terminal else Lines
        self._view = kind(trainer)

    def on_batch_end(self, trainer: Trainer, metrics: Metrics) -> None:
        """Advance by a batch."""
        self._view.on_batch_end(trainer, metrics)

    def on_epoch_end(self, trainer: Trainer, epoch: EpochMetrics) -> None:
        """Show the epoch's metrics."""
        self._view.on_epoch_end(trainer, epoch)

    def on_fit_end(self, trainer: Trainer) -> None:
        """End the display."""
        self._view.on_fit_end(trainer)
        self._view = Callback()


class View(Callback):
    """What a `Progress` shows of one training."""

    def __init__(self, trainer: Trainer) -> None:
        self.images = 0 if trainer.loader is None else len(trainer.loader.labels)


class Lines(View):
    """One line per epoch."""

    def on_epoch_end(self, trainer: Trainer, epoch: EpochMetrics) -> None:
        """Write the epoch's line."""
        number = f"{epoch.epoch:{len(str(trainer.epochs))}}/{trainer.epochs}"
        text = (
            f"epoch {number}  loss {epoch.loss:.4f}  accuracy {epoch.accuracy:.4f}  held out {epoch.test_accuracy:.4f}"
        )
        print(f"{text}  {epoch.images_per_second:,.0f} images/s", flush=True)  # noqa: T201  # its purpose


class Bar(View):
    """A bar over all epochs, with the loss, the accuracy and the speed of the current one."""

    def __init__(self, trainer: Trainer) -> None:
        from rich import progress as rich  # noqa: PLC0415  # loaded when first used

        super().__init__(trainer)
        self.bar = rich.Progress(
            rich.TextColumn("epoch {task.fields[epoch]}"),
            rich.BarColumn(bar_width=None),
            rich.TextColumn("{task.fields[figures]}"),
            rich.TimeRemainingColumn(elapsed_when_finished=True),
            expand=True,
        )
        total = trainer.epochs * self.images
        self.task = self.bar.add_task("", total=total, epoch=f"{trainer.epoch}/{trainer.epochs}", figures="")
        self.bar.start()

    def on_batch_end(self, trainer: Trainer, metrics: Metrics) -> None:
        """Advance by a batch."""
        self.bar.update(
            self.task,
            completed=(trainer.epoch - 1) * self.images + metrics.count,
            epoch=f"{trainer.epoch}/{trainer.epochs}",
            figures=_figures(metrics),
        )

    def on_fit_end(self, trainer: Trainer) -> None:  # noqa: ARG002  # as all callbacks
        """Leave the bar as it is."""
        self.bar.stop()


class Curves(View):
    """Curves of loss and accuracy over the epochs, and a bar for the current one."""

    def __init__(self, trainer: Trainer) -> None:
        super().__init__(trainer)
        self.shown = time.monotonic()
        display: Any = import_module("IPython.display")
        self.handle: Any = display.display(self._page(trainer, 0, ""), raw=True, display_id=True)

    def on_batch_end(self, trainer: Trainer, metrics: Metrics) -> None:
        """Advance by a batch."""
        if time.monotonic() - self.shown > PAUSE:
            self._show(trainer, metrics.count, _figures(metrics))

    def on_epoch_end(self, trainer: Trainer, epoch: EpochMetrics) -> None:
        """Extend the curves."""
        self._show(trainer, 0, f"held out {epoch.test_accuracy:.4f}  {epoch.images_per_second:,.0f} images/s")

    def _show(self, trainer: Trainer, count: int, figures: str) -> None:
        self.handle.update(self._page(trainer, count, figures), raw=True)
        self.shown = time.monotonic()

    def _page(self, trainer: Trainer, count: int, figures: str) -> dict[str, str]:
        """Return the notebook's output: a page, and a line as a fallback."""
        history, epochs = trainer.history, trainer.epochs
        done = len(history) * self.images + count
        line = f"epoch {min(trainer.epoch, epochs)}/{epochs}  {figures}"
        parts = [f'{STYLE}<p><progress value="{done}" max="{epochs * self.images}"></progress> {line}</p>']
        charts = {
            "loss": {"learned from": [e.loss for e in history], "held out": [e.test_loss for e in history]},
            "accuracy": {"learned from": [e.accuracy for e in history], "held out": [e.test_accuracy for e in history]},
        }
        if history:
            keys = "".join(f'<span class="key-{n}">{name}</span>' for n, name in enumerate(charts["loss"]))
            parts += [
                f"<figure><figcaption>{name} {keys}</figcaption>{curves(name, series, history[0].epoch)}</figure>"
                for name, series in charts.items()
            ]
        return {"text/plain": line, "text/html": f'<div class="autograd-cnn-progress">{"".join(parts)}</div>'}


STYLE: Final = """<style>
.autograd-cnn-progress { font: 14px system-ui, sans-serif; font-variant-numeric: tabular-nums; }
.autograd-cnn-progress p { white-space: pre-wrap; }
.autograd-cnn-progress figure { display: inline-block; width: min(100%, 420px); margin: 0; }
.autograd-cnn-progress [class^="key-"] { margin-left: 1em; }
.autograd-cnn-progress text { font-size: 12px; text-anchor: middle; fill: currentColor; }
.autograd-cnn-progress text.left { text-anchor: end; }
.autograd-cnn-progress .grid { stroke: currentColor; opacity: 0.15; }
.autograd-cnn-progress .axis { stroke: currentColor; }
.autograd-cnn-progress .curve { fill: none; stroke-width: 2; }
.autograd-cnn-progress .curve-0 { stroke: #0077bb; }
.autograd-cnn-progress .curve-1 { stroke: #dd6600; }
.autograd-cnn-progress .dot-0, .autograd-cnn-progress .key-0 { fill: #0077bb; color: #0077bb; }
.autograd-cnn-progress .dot-1, .autograd-cnn-progress .key-1 { fill: #dd6600; color: #dd6600; }
</style>"""
"""Used only on this page; elements without a colour take that of the notebook's text."""


def in_notebook() -> bool:
    """Whether this runs in a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def _figures(metrics: Metrics) -> str:
    speed = metrics.count / metrics.seconds
    return f"loss {metrics.loss:.4f}  accuracy {metrics.accuracy:.4f}  {speed:,.0f} images/s"
