"""ONNX's operators that draw random numbers: different ones in every run, unless the file has a seed.

Without one they follow `autograd_cnn.manual_seed`. ONNX does not say which numbers come from a seed, so no two
implementations agree on them.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.engine.trace import fresh
from autograd_cnn.onnx.operator import detached, operator
from autograd_cnn.seeding import default_rng

Draw: TypeAlias = Callable[[np.random.Generator, Shape], NDArray[Any]]

_drawing = partial(operator, draws=True)


def _drawn(draw: Draw, shape: Shape, dtype: Any, seed: float | None) -> Array:
    """Return what is drawn; a seed gives the same in each run."""
    return fresh(lambda: draw(_generator(seed), shape).astype(dtype), changes=())


def _generator(seed: float | None) -> np.random.Generator:
    return default_rng(None if seed is None else int(np.float32(seed).view(np.uint32)))


def _shaped(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    return int(np.prod([max(length, 0) for length in attributes["shape"]], dtype=object))


@_drawing("RandomNormal", extent=_shaped)
def random_normal(
    *, shape: Sequence[int], dtype: np.dtype[Any] | None = None, mean: float = 0.0, scale: float = 1.0, seed: float | None = None
) -> Array:  # fmt: skip
    """Draw from a normal distribution."""
    return _drawn(lambda rng, shape: rng.normal(mean, scale, shape), tuple(shape), dtype or np.float32, seed)


@_drawing("RandomNormalLike")
def random_normal_like(
    x: Array, *, dtype: np.dtype[Any] | None = None, mean: float = 0.0, scale: float = 1.0, seed: float | None = None
) -> Array:
    """Draw as many numbers as ``x`` has from a normal distribution."""
    return random_normal(shape=shape_of(x), dtype=dtype or x.dtype, mean=mean, scale=scale, seed=seed)


@_drawing("RandomUniform", extent=_shaped)
def random_uniform(
    *, shape: Sequence[int], dtype: np.dtype[Any] | None = None, low: float = 0.0, high: float = 1.0, seed: float | None = None
) -> Array:  # fmt: skip
    """Draw uniformly from a range."""
    return _drawn(lambda rng, shape: rng.uniform(low, high, shape), tuple(shape), dtype or np.float32, seed)


@_drawing("RandomUniformLike")
def random_uniform_like(
    x: Array, *, dtype: np.dtype[Any] | None = None, low: float = 0.0, high: float = 1.0, seed: float | None = None
) -> Array:
    """Draw as many numbers as ``x`` has, uniformly from a range."""
    return random_uniform(shape=shape_of(x), dtype=dtype or x.dtype, low=low, high=high, seed=seed)


@_drawing("Bernoulli")
def bernoulli(x: Array, *, dtype: np.dtype[Any] | None = None, seed: float | None = None) -> Array:
    """Draw 1 with the probabilities ``x``, else 0."""
    return ops.astype(ops.less(random_uniform(shape=shape_of(x), seed=seed), x), dtype=dtype or x.dtype)


@_drawing(
    "Multinomial",
    extent=lambda shapes, _, attributes: shapes[0][0] * attributes.get("sample_size", 1) * (1 + shapes[0][1]),
)
def multinomial(
    x: Array, *, dtype: np.dtype[Any] | None = None, sample_size: int = 1, seed: float | None = None
) -> Array:
    """Draw classes from log-probabilities ``x`` (N, C), as the largest of perturbed ones (Gumbel 1954)."""
    batch, classes = shape_of(x)
    noise = _drawn(lambda rng, shape: rng.gumbel(size=shape), (batch, sample_size, classes), np.float32, seed)
    return ops.astype(ops.argmax(ops.expand_dims(detached(x), 1) + noise, axis=-1), dtype=dtype or np.int32)
