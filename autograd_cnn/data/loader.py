"""Batches in a seeded order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.data.dataset import Images, rows
from autograd_cnn.data.folder import ImageFiles
from autograd_cnn.data.transforms import Mix, Transform, check_function
from autograd_cnn.engine.composite import declared
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError, counted
from autograd_cnn.parameters import Bool, Size, Whole, integer

Batch: TypeAlias = tuple[NDArray[Any], NDArray[Any]]


@declared
class Loader:
    """Iterate over images and labels in batches; every pass is one epoch.

    The order of an epoch depends only on ``seed`` and the epoch number; what a transform draws depends only on these
    and on the batch number. So two loaders with the same seed give the same batches, whatever the number of workers.

    Parameters
    ----------
    images : (N, ...)
        The training images: an array, also one mapped from a file, or `ImageFiles`.
    labels : (N,)
        The labels.
    batch_size : int
        Images per batch; the last batch of an epoch may be smaller.
    shuffle : bool
        Draw a new order for every epoch.
    seed : int
        Seeds the order and the transform; not negative.
    drop_last : bool
        Leave out the last batch if it is not full.
    transform : callable, optional
        ``transform(images, rng)`` returns the images to use instead of those of the batch; see
        `random_shift`.
    mix : callable, optional
        ``mix(images, labels, rng)`` returns the images and labels to train on, after the transform; see `mixup`.
    rank, ranks : int
        The share of every batch to yield, and the number of shares, for training on several processes; see
        `autograd_cnn.distributed`. The shares of all ranks, concatenated, are the batch of a loader without
        ranks. With a transform each rank prepares the whole batch, so that random draws do not depend on ``ranks``.
    workers : int
        Threads that read and transform the next batches during the current training step; 0 prepares each batch when
        it is needed. Worthwhile if reading is slow, as from `ImageFiles`.

    Attributes
    ----------
    epoch : int
        The number of the next epoch; set it to continue an earlier run.

    Raises
    ------
    ShapeError
        If the numbers of labels and images differ, or the transform returns another number of images.
    OperandError
        If images or labels are not an array, ``transform`` or ``mix`` is not a function of so many arguments, or a flag is not a bool.
    ArgumentError
        If ``batch_size`` is not an int of at least 1, or with ``drop_last`` exceeds the number of images; if ``seed``
        is not an int of at least 0; if ``rank`` is not below ``ranks``, or a batch has too few images for all ranks.

    Examples
    --------
    >>> loader = Loader(np.arange(5.0), np.arange(5), batch_size=2, shuffle=False)
    >>> len(loader)
    3
    >>> for images, labels in loader:
    ...     print(images, labels)
    [0. 1.] [0 1]
    [2. 3.] [2 3]
    [4.] [4]
    """

    images: Images
    labels: NDArray[Any]
    batch_size: Size = 64
    shuffle: Bool = True
    seed: Whole = 0
    drop_last: Bool = False
    transform: Transform | None = None
    workers: Whole = 0
    mix: Mix | None = None
    rank: Whole = 0
    ranks: Size = 1

    def __post_init__(self) -> None:
        if not isinstance(self.images, ImageFiles):
            self.images = rows("Loader", "images", self.images)
        self.labels = rows("Loader", "labels", self.labels)
        if len(self.images) != len(self.labels):
            problem = "the numbers of images and labels differ"
            raise ShapeError("Loader", problem, expected=f"{len(self.images)} labels", got=len(self.labels))
        if self.drop_last and len(self.images) < self.batch_size:
            problem, expected = "drop_last leaves no batch", f"a batch_size up to {len(self.images)}"
            raise ArgumentError("Loader", problem, expected=expected, got=self.batch_size)
        if self.transform is not None:
            check_function("Loader", "transform", self.transform, ("images", "a generator"))
        if self.mix is not None:
            check_function("Loader", "mix", self.mix, ("images", "labels", "a generator"))
        self._check_shares()
        self.epoch = 0

    def _check_shares(self) -> None:
        if self.rank >= self.ranks:
            raise ArgumentError("Loader", "rank is out of range", expected=f"below ranks, {self.ranks}", got=self.rank)
        left = 0 if self.drop_last else len(self.images) % self.batch_size
        smallest = left or self.batch_size
        if len(self.images) and smallest < self.ranks:
            problem = "a batch has too few images for all ranks"
            hint = "choose another batch_size, or drop_last" if left else ""
            raise ArgumentError("Loader", problem, expected=f"at least {self.ranks}", got=smallest, hint=hint)

    def __repr__(self) -> str:
        shown = {name: value for name, value in vars(self).items() if name not in {"images", "labels"}}
        options = ", ".join(f"{name}={value!r}" for name, value in shown.items())
        return f"Loader({counted(len(self.images), 'image')}, {options})"

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        full, left = divmod(len(self.images), self.batch_size)
        return full + (left > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Batch]:
        """Start the next epoch."""
        epoch, self.epoch = self.epoch, self.epoch + 1
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(epoch,)))
        order = rng.permutation(len(self.images)) if self.shuffle else np.arange(len(self.images))
        batches = [partial(self._batch, epoch, step, order) for step in range(len(self))]
        return _ahead(batches, self.workers) if self.workers else (make() for make in batches)

    def state_dict(self) -> dict[str, Any]:
        """Return the number of the next epoch, the only state of a loader."""
        return {"epoch": self.epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue with the epoch of `state_dict`.

        Raises
        ------
        OperandError
            If it is not such a dict.
        ArgumentError
            If the epoch is not an int of at least 0.
        """
        if not isinstance(state_dict, dict) or state_dict.keys() != {"epoch"}:
            problem = "it is not a state of a loader"
            raise OperandError("load_state_dict", problem, expected="a dict with epoch", got=repr(state_dict))
        self.epoch = integer("load_state_dict", "epoch", state_dict["epoch"], 0)

    def _batch(self, epoch: int, step: int, order: NDArray[np.intp]) -> Batch:
        indices = order[step * self.batch_size : (step + 1) * self.batch_size]
        share = slice(*(len(indices) * each // self.ranks for each in (self.rank, self.rank + 1)))
        if self.transform is None and self.mix is None:
            return self.images[indices[share]], self.labels[indices[share]]
        images, labels = self.images[indices], self.labels[indices]
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(epoch, step)))
        if self.transform is not None:
            images = self._as_many("transform", self.transform(images, rng), len(indices))
        if self.mix is not None:
            images, labels = (self._as_many("mix", each, len(indices)) for each in self.mix(images, labels, rng))
        return images[share], labels[share]

    @staticmethod
    def _as_many(name: str, result: NDArray[Any], count: int) -> NDArray[Any]:
        if np.shape(result)[:1] != (count,):
            problem = f"the {name} does not return as many images as it took"
            raise ShapeError("Loader", problem, expected=count, got=f"shape {np.shape(result)}")
        return result


def _ahead(batches: Iterable[Callable[[], Batch]], workers: int) -> Iterator[Batch]:
    """Prepare batches in threads, in order, at most two per thread in advance."""
    with ThreadPoolExecutor(workers, thread_name_prefix="loader") as pool:
        under_way: deque[Future[Batch]] = deque()
        try:
            for make in batches:
                under_way.append(pool.submit(copy_context().run, make))
                if len(under_way) > 2 * workers:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:  # also if the epoch is not finished
            for each in under_way:
                each.cancel()
