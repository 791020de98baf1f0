"""Dropout."""

from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.engine.trace import fresh
from autograd_cnn.errors import ShapeError
from autograd_cnn.nn.init import generator
from autograd_cnn.parameters import Bool, Share

__all__ = ["dropout", "dropout1d", "dropout2d"]


@composite
def dropout(input: Array, p: Share = 0.5, training: Bool = True, inplace: Bool = False, *, rng: Any = None) -> Array:  # noqa: ARG001  # a result is always new
    """Set each element to 0 with probability ``p``, and divide the others by ``1 - p`` (Srivastava et al. 2014).

    Parameters
    ----------
    input : array
    p : float
        From 0 to 1.
    training : bool
        If False, ``x`` is returned unchanged.
    inplace : bool
        Without effect; PyTorch's argument.
    rng : Generator, int or None
        Draws the elements to drop; an int drops the same ones in each call.

    Examples
    --------
    >>> import numpy as np
    >>> dropout(np.ones(4), rng=np.random.default_rng(2))
    array([2., 0., 0., 0.])
    """
    return _dropped("dropout", input, shape_of(input), p, rng) if training and p else input


@composite
def dropout2d(input: Array, p: Share = 0.5, training: Bool = True, inplace: Bool = False, *, rng: Any = None) -> Array:  # noqa: ARG001  # a result is always new
    """Set whole maps to 0 with probability ``p``, and divide the others by ``1 - p`` (Tompson et al. 2015).

    Parameters are those of `dropout`; ``input`` is (N, C, H, W) or (C, H, W).

    Raises
    ------
    ShapeError
        For another rank.

    Examples
    --------
    >>> import numpy as np
    >>> dropout2d(np.ones((2, 1, 2)), rng=np.random.default_rng(2))
    array([[[2., 2.]],
    <BLANKLINE>
           [[0., 0.]]])
    """
    shape = shape_of(input)
    if len(shape) not in (3, 4):
        raise ShapeError("dropout2d", "x has the wrong rank", expected="(N, C, H, W) or (C, H, W)", got=shape)
    return _dropped("dropout2d", input, (*shape[:-2], 1, 1), p, rng) if training and p else input


@composite
def dropout1d(input: Array, p: Share = 0.5, training: Bool = True, inplace: Bool = False, *, rng: Any = None) -> Array:  # noqa: ARG001  # a result is always new
    """Set whole channels of sequences to 0 with probability ``p``, and divide the others by ``1 - p``.

    Parameters are those of `dropout`; ``input`` is (N, C, L) or (C, L).

    Raises
    ------
    ShapeError
        For another rank.

    Examples
    --------
    >>> import numpy as np
    >>> dropout1d(np.ones((2, 2)), rng=np.random.default_rng(2))
    array([[2., 2.],
           [0., 0.]])
    """
    shape = shape_of(input)
    if len(shape) not in (2, 3):
        raise ShapeError("dropout1d", "x has the wrong rank", expected="(N, C, L) or (C, L)", got=shape)
    return _dropped("dropout1d", input, (*shape[:-1], 1), p, rng) if training and p else input


def _dropped(where: str, x: Array, shape: Shape, p: float, rng: Any) -> Array:
    """Return ``x`` times a random mask of ``shape``: 0, or the factor that preserves the mean."""
    dtype = x.dtype if getattr(getattr(x, "dtype", None), "kind", "") == "f" else np.dtype(np.float64)
    return ops.multiply(x, fresh(_mask, where, shape, dtype, p, rng, changes=(rng,)))


def _mask(where: str, shape: Shape, dtype: np.dtype[Any], p: float, rng: Any) -> Array:
    kept = generator(where, "rng", rng).random(shape, np.float32) >= p  # the same are dropped for every dtype
    return np.multiply(kept, 1 / (1 - p) if p < 1 else 0.0, dtype=dtype)
