"""How a training shows itself: a live bar in a terminal, a line for each epoch elsewhere."""

import sys
from types import TracebackType
from typing import Protocol, Self

from autograd_cnn.cli.fit import Epoch, Tally


class Progress(Protocol):
    """What a training tells of itself, as a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def step(self, epoch: int, tally: Tally) -> None:
        """Take note of a batch."""

    def epoch(self, done: Epoch) -> None:
        """Take note of an epoch that ended well."""


def progress(epochs: int, images: int) -> Progress:
    """Return the bar if standard output is a terminal, else the lines."""
    return Bar(epochs, images) if sys.stdout is not None and sys.stdout.isatty() else Lines(epochs)


def say(line: str) -> None:
    """Write a line to standard output, if there is one, at once; what its encoding lacks as Python writes it."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    shown = line.encode(encoding, "backslashreplace").decode(encoding)
    print(shown, flush=True)  # noqa: T201  # what a command says


class Lines:
    """A line for each epoch."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def __enter__(self) -> Self:
        """Show nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the lines as they are."""

    def step(self, epoch: int, tally: Tally) -> None:
        """Show nothing."""

    def epoch(self, done: Epoch) -> None:
        """Write the epoch's line."""
        say(
            f"epoch {done.epoch:{len(str(self.epochs))}}/{self.epochs}  loss {done.loss:.4f}  "
            f"accuracy {done.accuracy:.4f}  held out {done.test_accuracy:.4f}  {done.images_per_second:,.0f} images/s"
        )


class Bar:
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

    def __enter__(self) -> Self:
        """Show the bar."""
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bar as it is."""
        self.bar.stop()

    def step(self, epoch: int, tally: Tally) -> None:
        """Move on by a batch."""
        speed = tally.images / tally.seconds
        self.bar.update(
            self.task,
            completed=(epoch - 1) * self.images + tally.images,
            epoch=f"{epoch}/{self.epochs}",
            figures=f"loss {tally.loss:.4f}  accuracy {tally.accuracy:.4f}  {speed:,.0f} images/s",
        )

    def epoch(self, done: Epoch) -> None:
        """Show nothing: the last batch has moved the bar."""
