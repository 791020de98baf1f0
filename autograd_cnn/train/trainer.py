"""The training loop: forward, backward, a step, and an evaluation on the test images after each epoch."""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import nn, optim
from autograd_cnn.data import Dataset, Loader, Split, compose, mixup
from autograd_cnn.distributed import DataParallel, ProcessGroup
from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.recording import no_grad
from autograd_cnn.errors import ArgumentError, DataWarning, DivergedError, OperandError, counted, sentence
from autograd_cnn.files import AnyPath
from autograd_cnn.io import restore, save
from autograd_cnn.kernels import current_backend
from autograd_cnn.nn.modes import check_network, evaluating
from autograd_cnn.ops import concatenate
from autograd_cnn.parameters import Positive, Size, Whole, integer, of_kind
from autograd_cnn.plans.compile import compile  # noqa: A004  # PyTorch's name
from autograd_cnn.tensor import Tensor
from autograd_cnn.train.callbacks import Callback
from autograd_cnn.train.config import AUGMENTATIONS, BALANCED, TrainConfig
from autograd_cnn.train.layers import figures_of
from autograd_cnn.train.metrics import EpochMetrics, Metrics
from autograd_cnn.train.predictions import scores_of

Loss: TypeAlias = Callable[[Tensor, Any], Tensor]
"""Maps scores (N, K) and labels (N,) to their mean loss."""


RECTIFIERS: Final = {"ReLU", "ReLU6"}
"""The layers whose units can be dead."""


class Trainer:
    """The loop that trains a classifier.

    Parameters
    ----------
    model : Module
        Maps images to scores (N, K).
    optimizer : Optimizer
        The optimiser of its parameters.
    schedule : Schedule, optional
        Sets the learning rate after every batch.
    loss : callable, optional
        ``loss(scores, labels)`` is the mean loss of a batch; by default the cross-entropy.
    callbacks : iterable of Callback, optional
        Callbacks of the training, in this order.
    compiled : bool
        Record a step and replay its calls without Python, with the same bits; see `autograd_cnn.compile`.
    accumulate : int
        The number of parts in which each batch goes through the network, one after the other, before the step. The
        gradients sum to those of the whole batch (except with layers that depend on the batch, such as batch
        normalisation), in less memory.
    clip_norm : float, optional
        Scale the gradients down if their total norm is larger; see `autograd_cnn.nn.utils.clip_grad_norm_`.
    average : AveragedModel, optional
        Averages the weights after each step; the average is tested and saved.
    watch : int
        The number of test images that show the gradients and the dead units of each layer after each epoch.
    parallel : DataParallel, optional
        For training the model on several processes, each with a loader for its ``rank``. Metrics cover all processes.
        Callbacks that write belong on rank 0, those that may `stop` the training on all ranks.

    Attributes
    ----------
    history : list of EpochMetrics
        The epochs that ended with finite losses.
    loader : Loader or None
        The loader of the latest `fit`.
    epochs : int
        The number of epochs in the history at the end of the latest `fit`, unless it ends early.

    Raises
    ------
    OperandError
        If an argument has the wrong type.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> digits = ag.data.digits()
    >>> model = ag.nn.Sequential(ag.nn.Flatten(), ag.nn.Linear(64, 10, rng=0))
    >>> trainer = Trainer(model, ag.optim.SGD(model.parameters(), lr=0.5))
    >>> history = trainer.fit(ag.data.Loader(*digits.train), digits.test, epochs=5)
    >>> [epoch.epoch for epoch in history], history[-1].test_accuracy > 0.9
    ([1, 2, 3, 4, 5], True)
    """

    @parsed
    def __init__(
        self,
        model: nn.Module,
        optimizer: optim.Optimizer,
        schedule: optim.Schedule | None = None,
        *,
        loss: Loss = nn.cross_entropy,
        callbacks: Iterable[Callback] = (),
        compiled: bool = True,
        accumulate: Size = 1,
        clip_norm: Positive | None = None,
        average: optim.AveragedModel | None = None,
        watch: Whole = 0,
        parallel: DataParallel | None = None,
    ) -> None:
        check_network("Trainer", model)
        of_kind("Trainer", "optimizer", optimizer, optim.Optimizer, "one such as optim.AdamW(...)")
        for name, part, kind, made in (
            ("schedule", schedule, optim.Schedule, "one such as optim.StepLR(...)"),
            ("average", average, optim.AveragedModel, "optim.AveragedModel(model)"),
            ("parallel", parallel, DataParallel, "distributed.DataParallel(model)"),
        ):
            if part is not None:
                of_kind("Trainer", name, part, kind, made)
        self.model = model
        self.optimizer = optimizer
        self.schedule = schedule
        self.accumulate = accumulate
        self.clip_norm = clip_norm
        self.average = average
        self.watch = watch
        self.loss = loss
        self.parallel = parallel
        self.group = None if parallel is None else parallel.group
        self.callbacks = _listed("Trainer", callbacks)
        self.history: list[EpochMetrics] = []
        self.loader: Loader | None = None
        self.epochs = 0
        self._stopped = False
        self._step = compile(self.train_step) if compiled else self.train_step

    @property
    def epoch(self) -> int:
        """The number of the current or next epoch, from 1."""
        return len(self.history) + 1

    @property
    def tested(self) -> nn.Module:
        """The network that is tested and saved: the average if there is one, otherwise the model."""
        return self.model if self.average is None else self.average.module

    def state_dict(self) -> dict[str, Any]:
        """Return the history and the number of epochs; model, optimizer and schedule have their own states."""
        return {"history": [asdict(epoch) for epoch in self.history], "epochs": self.epochs}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue the history of `state_dict`.

        Raises
        ------
        OperandError
            If it is not such a dict.
        """
        try:
            self.history = [EpochMetrics(**epoch) for epoch in state_dict["history"]]
            self.epochs = integer("load_state_dict", "epochs", state_dict["epochs"], 0)
        except (KeyError, TypeError) as error:
            problem = "it is not a state of a trainer"
            expected = "a dict with history and epochs"
            raise OperandError("load_state_dict", problem, expected=expected, got=repr(state_dict)) from error

    def save(self, path: AnyPath) -> None:
        """Write everything needed to continue: `autograd_cnn.save` of its parts, `fit`'s loader and the history.

        Raises
        ------
        ArgumentError
            If the extension is not one of those of `autograd_cnn.save`.
        OSError
            If the file can't be written.
        """
        save(path, **self._parts())

    def restore(self, path: AnyPath, loader: Loader) -> None:
        """Restore the state of `save`: the next `fit` with ``loader`` continues as if nothing had happened.

        Raises
        ------
        ArgumentError, OperandError, ShapeError
            If the file is of another model, optimizer, schedule or loader.
        FormatError
            If the file is damaged or not a checkpoint.
        OSError
            If the file does not exist or can't be read.
        """
        of_kind("Trainer.restore", "loader", loader, Loader, "data.Loader(images, labels)")
        self.loader = loader
        restore(path, **self._parts())

    def _parts(self) -> dict[str, Any]:
        parts = {"model": self.model, "optimizer": self.optimizer, "schedule": self.schedule, "loader": self.loader,
                 "average": self.average}  # fmt: skip
        kept = [callback for callback in self.callbacks if hasattr(callback, "state_dict")]
        parts |= {f"callback {number}: {type(callback).__name__}": callback for number, callback in enumerate(kept, 1)}
        return {"trainer": self} | {name: part for name, part in parts.items() if part is not None}

    def fit(self, loader: Loader, test: Split, epochs: int) -> list[EpochMetrics]:
        """Train for ``epochs`` more epochs, or until `stop`; the model is in eval mode at the end.

        Parameters
        ----------
        loader : Loader
            The training batches.
        test : Split
            The images for testing after each epoch.
        epochs : int
            The number of further epochs.

        Returns
        -------
        list of EpochMetrics
            The history, including earlier calls.

        Raises
        ------
        DivergedError
            If a loss is not a finite number. The weights are then of no use.
        ArgumentError
            If the loader or ``test`` has no images, or ``epochs`` is not an int of at least 1.
        OperandError
            If ``loader`` is not a `Loader`, or ``test`` is not a `Split`.

        Warns
        -----
        DataWarning
            If the test images are bytes.
        """
        of_kind("Trainer.fit", "loader", loader, Loader, "data.Loader(images, labels)")
        of_kind("Trainer.fit", "test", test, Split, "data.Split(images, labels)")
        if not len(loader) or not len(test.labels):
            expected = "some to learn from and some to test on"
            got = f"{len(loader)} batches and {len(test.labels)} images"
            raise ArgumentError("Trainer.fit", "images are missing", expected=expected, got=got)
        if len(test.images.shape) == 4 and test.images.dtype == np.uint8:
            problem = "the network is tested on bytes from 0 to 255, which are large for a network"
            text = sentence("Trainer.fit", problem, hint="divide all images by 255")
            warnings.warn(text, DataWarning, stacklevel=2)
        rank, ranks = _share(self.parallel)
        if (loader.rank, loader.ranks) != (rank, ranks):
            raise ArgumentError("Trainer.fit", "loader yields another share of each batch than this process trains on",
                                expected=f"rank={rank}, ranks={ranks}", got=f"rank={loader.rank}, ranks={loader.ranks}")  # fmt: skip
        epochs = integer("Trainer.fit", "epochs", epochs, 1)
        self.loader = loader
        self.epochs = len(self.history) + epochs
        try:
            self._stopped = False
            self._notify("on_fit_start")
            for _ in range(epochs):
                if self._stopped:
                    break
                self.history.append(self._fit_epoch(loader, test))
                self._notify("on_epoch_end", self.history[-1])
                self._notify("on_checkpoint")
        finally:
            self._notify("on_fit_end")
        self.model.eval()
        return self.history

    def stop(self) -> None:
        """End `fit` after this epoch, as if it were the last; for callbacks."""
        self._stopped = True

    def _fit_epoch(self, loader: Loader, test: Split) -> EpochMetrics:
        rate = self.optimizer.param_groups[0]["lr"]
        learned = self.train_epoch(loader)
        seconds = learned.seconds
        if self.parallel is not None:
            self.parallel.broadcast_buffers()
        tested = evaluate(self.tested, test, loss=self.loss, group=self.group)
        if not math.isfinite(tested.loss):
            raise self._diverged(tested.loss, len(loader))
        seen = figures_of(self.model, Split(*(part[: self.watch] for part in test)), self.loss) if self.watch else []
        return EpochMetrics(
            epoch=self.epoch,
            loss=learned.loss,
            accuracy=learned.accuracy,
            test_loss=tested.loss,
            test_accuracy=tested.accuracy,
            learning_rate=rate,
            images_per_second=learned.count / seconds,
            seconds=seconds,
            backend=current_backend(),
            gradients={
                each.name: each.gradient for each in seen if each.gradient is not None and math.isfinite(each.gradient)
            },
            dead={each.name: each.dead for each in seen if each.kind in RECTIFIERS},
        )

    def train_epoch(self, loader: Loader) -> Metrics:
        """Go through all images once in train mode, with a step for each batch.

        Raises
        ------
        DivergedError
            If a loss is not a finite number.
        """
        self.model.train()
        metrics = Metrics()
        for step, (images, labels) in enumerate(loader, 1):
            if self.group is not None and len(labels) < self.accumulate:
                problem = "a process has fewer images of a batch than parts"
                raise ArgumentError("Trainer.fit", problem, expected=f"at least {self.accumulate}", got=len(labels))
            loss, scores = self._step(*in_parts(images, labels, self.accumulate))
            batch = Metrics()
            batch.update(loss.item(), scores.numpy(), labels)
            batch = batch.over(self.group)
            if not math.isfinite(batch.loss):
                raise self._diverged(batch.loss, step)
            if self.schedule is not None:
                self.schedule.step()
            metrics.add(batch)
            self._notify("on_batch_end", metrics)
        return metrics

    def train_step(self, *batch: NDArray[Any]) -> tuple[Tensor, Tensor]:
        """Take a step down the gradient of a batch's loss, and return the loss and the scores (N, K).

        ``batch`` is images and labels; with ``accumulate`` the images and labels of each further part follow. A
        subclass may override this, to freeze layers or add noise. It is compiled if possible.
        """
        loss, scores = self.backward(*batch)
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self.optimizer.step()
        if self.average is not None:
            self.average.update_parameters(self.model)
        return loss, scores

    def backward(self, *batch: NDArray[Any]) -> tuple[Tensor, Tensor]:
        """Compute the gradients of a batch's loss, and return the same as `train_step`.

        A separate method for subclasses that change the gradients before the step.
        """
        parts = [*zip(batch[::2], batch[1::2], strict=True)]
        self.optimizer.zero_grad()
        if len(parts) == 1:
            loss, scores = self._loss_of(*parts[0])
            loss.backward()
            return loss, scores
        count = sum(len(labels) for _, labels in parts)
        losses: list[Tensor] = []
        all_scores: list[Tensor] = []
        for images, labels in parts:
            last = len(losses) == len(parts) - 1
            with nullcontext() if self.parallel is None or last else self.parallel.no_sync():
                loss, scores = self._loss_of(images, labels)
                loss = loss * (len(labels) / count)
                loss.backward()
            losses.append(loss.detach())
            all_scores.append(scores.detach())
        return sum(losses[1:], losses[0]), concatenate(all_scores)

    def _loss_of(self, images: NDArray[Any], labels: NDArray[Any]) -> tuple[Tensor, Tensor]:
        scores = scores_of("Trainer.fit", self.model, images)
        loss = self.loss(scores, labels)
        of_kind("Trainer.fit", "what the loss returns", loss, Tensor, "the mean loss of a batch")
        return loss, scores

    def _diverged(self, loss: float, step: int) -> DivergedError:
        return DivergedError(f"the loss became {loss} in epoch {self.epoch}, step {step}")

    def _notify(self, event: str, *details: object) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self, *details)


def _listed(where: str, callbacks: Iterable[Callback]) -> list[Callback]:
    of_kind(where, "callbacks", callbacks, Iterable, "a list, such as callbacks=[train.Progress()]")
    listed = list(callbacks)
    for callback in listed:
        if not isinstance(callback, Callback):
            problem = "callbacks holds something else"
            raise OperandError(where, problem, expected="instances of Callback", got=repr(callback))
    return listed


def in_parts(images: NDArray[Any], labels: NDArray[Any], count: int) -> Iterator[NDArray[Any]]:
    """Yield images and labels of each part of a batch; parts have about the same size, and at least one image."""
    count = min(count, len(labels))
    for part in zip(np.array_split(images, count), np.array_split(labels, count), strict=True):
        yield from part


def _share(parallel: DataParallel | None) -> tuple[int, int]:
    """Return which share of every batch this process trains on, and the number of shares."""
    return (0, 1) if parallel is None else (parallel.group.rank, parallel.group.size)


@no_grad()
def evaluate(
    model: nn.Module,
    split: Split,
    *,
    batch_size: int = 256,
    loss: Loss = nn.cross_entropy,
    group: ProcessGroup | None = None,
) -> Metrics:
    """Return the metrics of ``model`` on test images.

    It runs in eval mode and records nothing; its modes are restored at the end.

    Parameters
    ----------
    model : Module
        Maps images to scores (N, K).
    split : Split
        Images and labels.
    batch_size : int
        Images per forward pass.
    loss : callable, optional
        As for `Trainer`.
    group : ProcessGroup, optional
        Processes that share the images; each returns the metrics over all of them.

    Raises
    ------
    OperandError
        If ``split`` is not a pair of images and labels.

    Examples
    --------
    A loop of one's own, with the parts:

    >>> import autograd_cnn as ag
    >>> train, test = ag.data.digits()
    >>> model = ag.nn.Sequential(ag.nn.Flatten(), ag.nn.Linear(64, 10, rng=0))
    >>> optimizer = ag.optim.SGD(model.parameters(), lr=0.5)
    >>> for images, labels in ag.data.Loader(*train):
    ...     loss = ag.nn.cross_entropy(model(images), labels)
    ...     optimizer.zero_grad()
    ...     loss.backward()
    ...     optimizer.step()
    >>> metrics = evaluate(model, test)
    >>> metrics.count, metrics.accuracy > 0.8
    (360, True)
    """
    check_network("evaluate", model)
    if not isinstance(split, tuple):  # a pair of arrays is enough
        of_kind("evaluate", "split", split, Split, "data.Split(images, labels)")
    if group is not None:
        count = len(split[1])
        share = slice(*(count * rank // group.size for rank in (group.rank, group.rank + 1)))
        split = Split(*(part[share] for part in split))
    metrics = Metrics()
    with evaluating(model):
        for images, labels in Loader(*split, batch_size=batch_size, shuffle=False):
            scores = scores_of("evaluate", model, images)
            metrics.update(loss(scores, labels).item(), scores.numpy(), labels)
    return metrics.over(group)


@parsed
def fit(
    model: nn.Module,
    dataset: Dataset,
    config: TrainConfig | None = None,
    callbacks: Iterable[Callback] = (),
    checkpoint: AnyPath | None = None,
    watch: int = 0,
    parallel: DataParallel | None = None,
) -> list[EpochMetrics]:
    """Train ``model`` with a recipe that works well on small images, and return the metrics of each epoch.

    The recipe: AdamW (Loshchilov & Hutter 2019), with a learning rate that decays to 0 along half a cosine, and random
    shifts of the images by up to a pixel. `TrainConfig` has more options.

    Parameters
    ----------
    model : Module
        Maps images (N, C, H, W) to scores (N, K).
    dataset : Dataset
        The training and test images.
    config : TrainConfig, optional
        Epochs, batch size, learning rate, seed and so on.
    callbacks : iterable of Callback, optional
        Observers of the training.
    checkpoint : path, optional
        The ``checkpoint.npz`` of an interrupted run's `RunFolder`, to continue as if nothing had happened; the other
        arguments must be unchanged. Only ``config.epochs`` may differ: from here on, the learning rate is that of a run
        of so many epochs. So it rises again where a finished run goes on.
    watch : int
        As for `Trainer`.
    parallel : DataParallel, optional
        As for `Trainer`; ``config.batch_size`` counts the images of all processes together. A checkpoint may come from
        a run with another number of processes.

    Raises
    ------
    DivergedError
        If a loss is not a finite number. The weights are then of no use.
    ArgumentError
        If the checkpoint's run has had all epochs, or is of another model.
    OperandError
        If an argument has the wrong type. To make a dataset from your own arrays, use
        ``Dataset(Split(images, labels), Split(test_images, test_labels))``.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> model = ag.nn.Sequential(ag.nn.Flatten(), ag.nn.Linear(64, 10, rng=0))
    >>> history = fit(model, ag.data.digits(), TrainConfig(epochs=3, lr=0.02))
    >>> history[-1].test_accuracy > 0.7
    True
    """
    check_network("fit", model)
    of_kind("fit", "dataset", dataset, Dataset, "data.Dataset(train, test), both a data.Split(images, labels)")
    config = TrainConfig() if config is None else config
    of_kind("fit", "config", config, TrainConfig, "TrainConfig(epochs=...)")
    callbacks = _listed("fit", callbacks)
    classes = len(dataset.classes)
    rank, ranks = _share(parallel)
    loader = Loader(
        *dataset.train,
        batch_size=config.batch_size,
        seed=config.seed,
        transform=compose(*(AUGMENTATIONS[name] for name in config.augment)),
        mix=None if config.mixup is None else partial(mixup, classes=classes, alpha=config.mixup),
        workers=config.workers,
        rank=rank,
        ranks=ranks,
    )
    optimizer = optim.AdamW(model.parameters(), lr=config.lr)
    schedule = optim.CosineAnnealingLR(optimizer, T_max=config.epochs * len(loader))
    average = None
    if config.ema is not None:
        average = optim.AveragedModel(model, avg_fn=partial(_ema, config.ema), use_buffers=True)
        callbacks = [_Averaged(), *callbacks]
    trainer = Trainer(
        model,
        optimizer,
        schedule,
        loss=_loss(config, dataset.train.labels, classes),
        callbacks=callbacks,
        accumulate=config.accumulate,
        clip_norm=config.clip_norm,
        average=average,
        watch=watch,
        parallel=parallel,
    )
    if checkpoint is not None:
        trainer.restore(checkpoint, loader)
        if len(trainer.history) >= config.epochs:
            problem = f"the run has had its {counted(len(trainer.history), 'epoch')}"
            raise ArgumentError("fit", problem, hint="to train longer, ask for more")
        if trainer.epochs != config.epochs:
            for group, rate in zip(optimizer.param_groups, schedule.rates(schedule.last_epoch), strict=True):
                group["lr"] = rate
    return trainer.fit(loader, dataset.test, config.epochs - len(trainer.history))


class _Averaged(Callback):
    """Gives the model the averaged weights at the end; later callbacks may replace them."""

    def on_fit_end(self, trainer: Trainer) -> None:
        trainer.model.load_state_dict(trainer.tested.state_dict())


def _ema(decay: float, averaged: NDArray[Any], current: NDArray[Any], count: int) -> NDArray[Any]:
    """Return the next moving average; the first decay faster, or the initial weights would dominate for long."""
    share = min(decay, (1 + count) / (10 + count))
    return averaged * share + current * (1 - share)


def _loss(config: TrainConfig, labels: NDArray[Any], classes: int) -> Loss:
    """Return the cross-entropy, with class weights if there are any."""
    if config.class_weights is None:
        return nn.cross_entropy
    if config.class_weights == BALANCED:
        counts = np.bincount(labels, minlength=classes)
        weights = len(labels) / (classes * np.maximum(counts, 1))
    else:
        weights = np.array(config.class_weights)
        if len(weights) != classes:
            raise ArgumentError("fit", "class_weights has the wrong length", expected=classes, got=len(weights))
    return partial(nn.cross_entropy, weight=weights.astype(np.float32))
