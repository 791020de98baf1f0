"""Networks from a pattern, such as ``INPUT -> [[CONV]*N -> POOL?]*M -> [FC]*K``."""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import index
from typing import Final

import numpy as np
from numpy.typing import DTypeLike

from autograd_cnn.engine.composite import composite
from autograd_cnn.errors import ArgumentError
from autograd_cnn.kernels.windows import windows
from autograd_cnn.nn import init
from autograd_cnn.nn.containers import Sequential
from autograd_cnn.nn.layers.activation import ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh
from autograd_cnn.nn.layers.convolution import Conv2d
from autograd_cnn.nn.layers.linear import Flatten, Linear
from autograd_cnn.nn.layers.pooling import MaxPool2d
from autograd_cnn.nn.models.pattern import Layer, complain, parse
from autograd_cnn.nn.module import Module
from autograd_cnn.parameters import FloatDType, IntOrPair, Padding, Size, integer
from autograd_cnn.seeding import default_rng

ACTIVATIONS: Final[dict[str, Callable[[], Module]]] = {
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "gelu": GELU,
    "silu": SiLU,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "softplus": Softplus,
}
"""The activations that `build` accepts."""

MOST_PARAMETERS: Final = 1 << 28
"""The most parameters: twice VGG-16's. Channels double from stage to stage, so short patterns can ask for any number."""


@composite
def build(
    pattern: str,
    *,
    input_shape: tuple[int, int, int],
    classes: Size,
    channels: int | Sequence[int] = 16,
    features: int | Sequence[int] = 128,
    kernel_size: IntOrPair = 3,
    padding: Padding = "same",
    activation: str = "relu",
    rng: init.Rng = None,
    dtype: FloatDType = np.float32,
    **counts: int,
) -> Sequential:
    """Build the network that ``pattern`` describes, in the notation of Stanford's CS231n.

    ``CONV`` is a `Conv2d`, ``POOL`` a `MaxPool2d` of 2×2, ``FC`` a `Linear`, ``RELU`` a `ReLU`; ``[...]*N`` repeats the
    contents of the brackets N times. The maps are flattened before the first ``FC``. The activation follows each
    ``CONV`` and ``FC`` unless a ``RELU`` is written there, but not the last ``FC``, whose outputs are the classes'
    scores. ``POOL?`` pools if height and width are even, so that no pixel is lost, and is left out otherwise.

    Parameters
    ----------
    pattern : str
        Such as ``"INPUT -> [[CONV]*2 -> POOL?]*3 -> [FC]*2"``.
    input_shape : (C, H, W)
        Of one image.
    classes : int
        Outputs of the last ``FC``.
    channels : int or sequence of int
        Filters: one number for each ``CONV``, or one for each stage, that is, each run of ``CONV`` without a ``POOL``.
        An int is the first stage's, doubled from stage to stage.
    features : int or sequence of int
        Outputs of each ``FC`` but the last; an int applies to all.
    kernel_size, padding
        Of every `Conv2d`.
    activation : str
        A key of ``ACTIVATIONS``.
    rng : Generator, int or None
        Where the first values come from; see `autograd_cnn.nn.init`.
    dtype : dtype
        Of the parameters.
    **counts : int
        What the names after ``*`` stand for, as in ``build("... [FC]*K", K=2)``.

    Returns
    -------
    Sequential
        With the layers named ``conv1``, ``relu1``, ``pool1``, ``flatten``, ``fc1`` and so on.

    Raises
    ------
    ArgumentError
        Showing where the pattern can't be parsed, does not fit, or exceeds 1,000 layers or 268,435,456 parameters; or
        naming the argument.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.build("INPUT -> [[CONV]*N -> POOL?]*M -> [FC]*K", N=1, M=2, K=2, input_shape=(1, 8, 8), classes=10)
    Sequential(): 22,602 parameters
      conv1: Conv2d(1, 16, kernel_size=(3, 3), padding='same'): 160 parameters
      relu1: ReLU()
      pool1: MaxPool2d(kernel_size=(2, 2))
      conv2: Conv2d(16, 32, kernel_size=(3, 3), padding='same'): 4,640 parameters
      relu2: ReLU()
      pool2: MaxPool2d(kernel_size=(2, 2))
      flatten: Flatten(start_dim=1)
      fc1: Linear(128, 128): 16,512 parameters
      relu3: ReLU()
      fc2: Linear(128, 10): 1,290 parameters
    """
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        expected = f"one of {', '.join(ACTIVATIONS)}"
        raise ArgumentError("build", "activation is unknown", expected=expected, got=repr(activation))
    layers = parse(pattern, counts)
    _check_order(pattern, layers)
    builder = _Builder(pattern, input_shape, kernel_size, padding, default_rng(rng), dtype)
    filters, outputs = iter(_channels(layers, channels)), iter([*_features(layers, features), classes])
    last = max(i for i, layer in enumerate(layers) if layer.kind == "FC")
    for place, layer in enumerate(layers):
        if layer.kind == "CONV":
            builder.convolve(layer, next(filters))
        elif layer.kind == "POOL":
            builder.pool(layer)
        elif layer.kind == "FC":
            builder.connect(layer, next(outputs))
        else:
            builder.add("relu", ReLU)
        followed = layers[place + 1].kind if place < len(layers) - 1 else ""
        if layer.kind in ("CONV", "FC") and place != last and followed != "RELU":
            builder.add(activation, ACTIVATIONS[activation])
    return Sequential({name: make() for name, make in builder.modules.items()})


class _Builder:
    """The constructors of the modules so far, and the shape of their output."""

    def __init__(
        self,
        pattern: str,
        shape: tuple[int, int, int],
        kernel_size: IntOrPair,
        padding: Padding,
        rng: np.random.Generator,
        dtype: DTypeLike,
    ) -> None:
        if not isinstance(shape, tuple | list | np.ndarray) or len(shape) != 3:
            raise ArgumentError("build", "input_shape is not understood", expected="(C, H, W)", got=shape)
        for name, size in zip(("C", "H", "W"), shape, strict=True):
            integer("build", f"input_shape's {name}", size, 1)
        c, h, w = map(index, shape)
        self.pattern = pattern
        self.shape = (c, h, w)
        self.features = 0
        self.parameters = 0
        self.kernel_size = kernel_size
        self.padding = padding
        self.rng = rng
        self.dtype = dtype
        self.modules: dict[str, Callable[[], Module]] = {}
        self.numbers: dict[str, int] = {}

    def add(self, kind: str, make: Callable[[], Module]) -> None:
        """Append the module that ``make`` will return, named by kind and number."""
        self.numbers[kind] = self.numbers.get(kind, 0) + 1
        self.modules[f"{kind}{self.numbers[kind]}"] = make

    def count(self, layer: Layer, parameters: int) -> None:
        """Raise `ArgumentError` if there are too many parameters by now; none has been created yet."""
        self.parameters += parameters
        if self.parameters > MOST_PARAMETERS:
            complain(self.pattern, layer.position, "the network is too large", f"at most {MOST_PARAMETERS:,} parameters",
                     "more")  # fmt: skip

    def convolve(self, layer: Layer, filters: int) -> None:
        c, h, w = self.shape
        try:
            grid = windows("build", (h, w), self.kernel_size, padding=self.padding)
        except ValueError as error:
            complain(self.pattern, layer.position, str(error).removeprefix("build: "))
        self.count(layer, filters * (c * math.prod(grid.size) + 1))
        make = partial(Conv2d, c, filters, self.kernel_size, padding=self.padding, rng=self.rng, dtype=self.dtype)
        self.add("conv", make)
        self.shape = (filters, *grid.out)

    def pool(self, layer: Layer) -> None:
        c, h, w = self.shape
        if layer.optional and (h % 2 or w % 2):
            return
        if min(h, w) < 2:
            complain(self.pattern, layer.position, "the maps are too small to pool", "at least 2×2", f"{h}×{w}")
        self.add("pool", partial(MaxPool2d, 2))
        self.shape = (c, h // 2, w // 2)

    def connect(self, layer: Layer, outputs: int) -> None:
        if not self.features:
            self.modules["flatten"] = Flatten
            self.features = math.prod(self.shape)
        self.count(layer, outputs * (self.features + 1))
        self.add("fc", partial(Linear, self.features, outputs, rng=self.rng, dtype=self.dtype))
        self.features = outputs


def _check_order(pattern: str, layers: list[Layer]) -> None:
    """Raise `ArgumentError` unless the layers end with an FC, with nothing but RELU since the first."""
    if not any(layer.kind == "FC" for layer in layers):
        complain(pattern, len(pattern), "the pattern has no FC for the classes' scores")
    first = next(i for i, layer in enumerate(layers) if layer.kind == "FC")
    for layer in layers[first:]:
        if layer.kind in ("CONV", "POOL"):
            complain(pattern, layer.position, f"{layer.kind} needs maps, but an FC before it has flattened them")
    if layers[-1].kind == "RELU":
        complain(pattern, layers[-1].position, "the last FC gives the scores", "nothing after it", "RELU")


def _numbers(name: str, given: int | Sequence[int], factors: list[int]) -> list[int]:
    """Return one number for each position: the given ones, or a single one times each of the factors."""
    for number in given if isinstance(given, Iterable) else [given]:
        integer("build", name, number, 1)
    if isinstance(given, Iterable):
        return list(map(index, given))
    return [index(given) * factor for factor in factors]


def _channels(layers: list[Layer], channels: int | Sequence[int]) -> list[int]:
    """Return the number of filters of each CONV."""
    stages: list[int] = []
    stage = 0
    for layer in layers:
        if layer.kind == "CONV":
            stages.append(stage)
        stage = len(set(stages)) if layer.kind == "POOL" else stage
    count = len(set(stages))
    given = _numbers("channels", channels, [2**i for i in range(count)])
    if len(given) == len(stages):
        return given
    if len(given) == count:
        return [given[i] for i in stages]
    expected = f"one number for each of {len(stages)} CONV or {count} stages"
    raise ArgumentError("build", "channels do not fit the pattern", expected=expected, got=len(given))


def _features(layers: list[Layer], features: int | Sequence[int]) -> list[int]:
    """Return the outputs of each FC but the last."""
    count = sum(layer.kind == "FC" for layer in layers) - 1
    given = _numbers("features", features, [1] * count)
    if len(given) != count:
        raise ArgumentError("build", "features do not fit the pattern", expected=f"one number for each of {count} FC "
                            "before the last", got=len(given))  # fmt: skip
    return given
