"""Gradients averaged over processes, bucket by bucket, while the backward pass still runs (Li et al. 2020)."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import nn
from autograd_cnn.distributed.compression import Compression, Exact, Exchange
from autograd_cnn.distributed.group import ProcessGroup, Request, init
from autograd_cnn.engine.half import HALF
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.engine.trace import effect, fresh
from autograd_cnn.errors import ArgumentError, GradientError, require
from autograd_cnn.nn import Parameter
from autograd_cnn.parameters import integer
from autograd_cnn.tensor.tensor import Handle


class DataParallel:
    """Average a model's gradients over the examples of all processes.

    Each process calls the model on its own examples and ``backward()`` on their mean loss. As soon as the gradients of
    some layers are final, the processes begin to average them, weighted by their numbers of examples (the length of the
    first axis of the model's input). When ``backward()`` returns, every process has the same gradients: those of the
    mean loss of all examples.

    The model itself does not change: its ``state_dict`` has the same names, and a compiled step stays compiled. Its
    parameters and buffers become those of rank 0. Give each process the same model, and freeze parameters beforehand.

    All processes must take the same number of steps, through the same layers; otherwise some wait forever. An error on
    one process ends all; see `init`.

    Parameters
    ----------
    model : Module
    group : ProcessGroup, optional
        By default all processes; see `init`.
    bucket_bytes : int
        The minimum number of bytes of gradients that are averaged together; a large parameter forms its own bucket.
    compression : callable
        `Exact`, `BFloat16`, or for example ``lambda: TopK(0.01)``: makes the exchange of each bucket.

    Raises
    ------
    OperandError
        If ``model`` is not a module.
    ArgumentError
        If it has no trainable parameters, or these differ between processes.

    Examples
    --------
    On each process:

    >>> model = ag.nn.digits_net(rng=0)  # doctest: +SKIP
    >>> parallel = DataParallel(model)  # doctest: +SKIP
    >>> group, optimizer = parallel.group, ag.optim.SGD(model.parameters(), lr=0.5)  # doctest: +SKIP
    >>> train, test = ag.data.digits()  # doctest: +SKIP
    >>> for images, labels in ag.data.Loader(*train, rank=group.rank, ranks=group.size):  # doctest: +SKIP
    ...     loss = ag.nn.cross_entropy(model(images), labels)
    ...     optimizer.zero_grad()
    ...     loss.backward()
    ...     optimizer.step()
    """

    def __init__(
        self,
        model: nn.Module,
        group: ProcessGroup | None = None,
        *,
        bucket_bytes: int = 1 << 22,
        compression: Compression = Exact,
    ) -> None:
        require(isinstance(model, nn.Module), "DataParallel", "model is not a module", "a Module", model)
        self.model = model
        self.group = group = init() if group is None else group
        named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        if not named:
            raise ArgumentError("DataParallel", "the model has no parameters that require a gradient")
        self._check_alike([(name, p.shape, p.dtype.str) for name, p in named])
        model.load_state_dict(group.broadcast(model.state_dict()))
        size = integer("DataParallel", "bucket_bytes", bucket_bytes, 1)
        # The last layers' gradients are final first.
        self._buckets = [_Bucket(each, compression()) for each in _divided(named[::-1], size)]
        self._next = 0
        self._count, self._accumulating = 1, False
        self._total: tuple[NDArray[np.float64], Request] | None = None
        self._handles: list[Handle] = []
        if group.size > 1:
            model.register_forward_pre_hook(_Hook(self._called))
            self._handles = [
                parameter.register_hook(_Hook(partial(self._arrived, bucket, position)))
                for bucket in self._buckets
                for position, parameter in enumerate(bucket.parameters)
            ]

    def __repr__(self) -> str:
        return f"<DataParallel of {type(self.model).__name__}, {self.group.name}, {len(self._buckets)} buckets>"

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Let gradients accumulate on each process; the first ``backward()`` afterwards averages their sums.

        Call the model inside the block, too. Several batches then need the messages of only one. A compiled step may
        contain the block; if a step is called both inside and outside the block, pass it a flag that says which.
        """
        attached = [handle for handle in self._handles if handle in handle.hooks]
        effect(self._expect_sums)
        for handle in attached:
            handle.remove()
        try:
            yield
        finally:
            for handle in attached:
                handle.hooks.append(handle)

    def broadcast_buffers(self) -> None:
        """Give all processes the buffers of rank 0, such as the running statistics of batch normalisation."""
        buffers = dict(self.model.named_buffers())
        if self.group.size > 1 and buffers:
            self.model.load_state_dict(self.group.broadcast(buffers), strict=False)

    def _check_alike(self, parameters: list[tuple[Any, ...]]) -> None:
        for rank, others in enumerate(self.group.gather(parameters)):
            if others != parameters:
                problem = f"the parameters of rank {rank} are not those of rank {self.group.rank}"
                raise ArgumentError("DataParallel", problem, hint="build the same model on all of them")

    # --- the hooks ----------------------------------------------------------------------------

    def _called(self, _: nn.Module, inputs: tuple[Any, ...]) -> None:
        shape = shape_of(inputs[0]) if inputs else ()
        effect(self._count_examples, shape[0] if shape else 1)

    def _arrived(self, bucket: "_Bucket", position: int, g: Array) -> Callable[[], Array]:
        """Put a final gradient into its bucket; after the pass, it is replaced by the mean."""
        effect(self._put, bucket, position, g)
        return partial(fresh, self._take, bucket, position)

    # --- what they do, in each run of a compiled step, too ------------------------------------

    def _count_examples(self, examples: int) -> None:
        """Record the number of examples for the next gradients."""
        self._count = examples + (self._count if self._accumulating else 0)

    def _expect_sums(self) -> None:
        """Record that gradients accumulate on this process from now on."""
        if not self._accumulating:
            self._accumulating, self._count = True, 0
        for bucket in self._buckets:
            bucket.summed = set(range(len(bucket.parameters)))

    def _put(self, bucket: "_Bucket", position: int, g: NDArray[np.floating]) -> None:
        """Store a final gradient; start summing full buckets, in order."""
        bucket.put(position, g, self._count)
        if self._total is None:
            count, total = np.array([[self._count], [0]], np.float64)
            self._total = total, self.group.start_sum(count, total)
            self._accumulating = False
        while self._next < len(self._buckets) and self._buckets[self._next].is_full():
            self._buckets[self._next].start(self.group)
            self._next += 1
        for other in self._buckets[: self._next]:
            if other.request is not None:
                other.request.Test()  # MPI makes progress only while it is called

    def _take(self, bucket: "_Bucket", position: int) -> NDArray[np.floating]:
        """Return a gradient: the mean over all examples."""
        if self._total is None or not bucket.is_full():
            problem = f"no gradient reached {bucket.first_missing()!r} in this backward pass"
            hint = "freeze what the loss does not depend on, before DataParallel"
            raise GradientError("DataParallel", problem, hint=hint)
        total, request = self._total
        request.Wait()
        mean = bucket.take(position, float(total[0]))
        if all(each.values is None for each in self._buckets):
            self._next, self._total = 0, None
        return mean


class _Bucket:
    """The gradients of neighbouring layers, concatenated in one array."""

    def __init__(self, named: Sequence[tuple[str, Parameter]], exchange: Exchange) -> None:
        self.parameters = [parameter for _, parameter in named]
        self.values: NDArray[np.floating] | None = None
        self.request: Request | None = None
        self.summed: set[int] = set()
        """The parameters whose ``grad`` contains a sum of this process, to be averaged, too."""
        self._names = [name for name, _ in named]
        self._exchange = exchange
        ends = np.cumsum([0, *(p.size for p in self.parameters)]).tolist()
        self._slices = list(map(slice, ends, ends[1:]))
        self._missing: set[int] = set()
        self._kept: set[int] = set()  # not yet returned

    def first_missing(self) -> str:
        return self._names[min(self._missing, default=0)]

    def is_full(self) -> bool:
        return self.values is not None and not self._missing

    def put(self, position: int, g: NDArray[np.floating], weight: int) -> None:
        parameter = self.parameters[position]
        if self.values is None:
            self.values = np.empty(self._slices[-1].stop, _dtype_of(parameter))
            self._missing, self._kept = (set(range(len(self.parameters))) for _ in range(2))
        if position in self.summed:
            self.summed.discard(position)
            if parameter.grad is not None:
                g = g + parameter.grad.value
                parameter.grad = None
        np.multiply(np.ravel(g), weight, out=self.values[self._slices[position]])
        self._missing.discard(position)

    def start(self, group: ProcessGroup) -> None:
        if self.values is not None:
            self.request = self._exchange.start(group, self.values)

    def take(self, position: int, total: float) -> NDArray[np.floating]:
        if self.request is not None:
            self.request.Wait()
            self.request, self.values = None, self._exchange.result()
            self.values /= total
        values: Any = self.values
        self._kept.discard(position)
        if not self._kept:
            self.values = None
        return values[self._slices[position]].reshape(self.parameters[position].shape)


@dataclass(frozen=True, eq=False)
class _Hook:
    """A hook that acts only through `effect` and `fresh`, so that the step can still be compiled."""

    replays: ClassVar[bool] = True
    function: Callable[..., Any]

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)


def _dtype_of(parameter: Parameter) -> np.dtype[Any]:
    return np.dtype(np.float32) if parameter.dtype == HALF else parameter.dtype


def _divided(named: Sequence[tuple[str, Parameter]], size: int) -> Iterator[list[tuple[str, Parameter]]]:
    """Divide parameters into runs of one dtype and at least ``size`` bytes; the last may be smaller."""
    run: list[tuple[str, Parameter]] = []
    length = 0
    for name, parameter in named:
        dtype = _dtype_of(parameter)
        if run and (length >= size or dtype != _dtype_of(run[0][1])):
            yield run
            run, length = [], 0
        run.append((name, parameter))
        length += math.prod(parameter.shape) * dtype.itemsize
    yield run
