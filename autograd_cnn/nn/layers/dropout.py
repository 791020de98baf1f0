"""Dropout."""

from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.engine.trace import fresh
from autograd_cnn.nn.init import Rng
from autograd_cnn.nn.module import Module
from autograd_cnn.parameters import Bool, Share


class Dropout(Module):
    """In training, set each element to 0 with probability ``p`` and divide the others by ``1 - p``.

    The division keeps the mean, so nothing has to be done in eval mode (Srivastava et al. 2014).

    Parameters
    ----------
    p : float
        From 0 to 1.
    inplace : bool
        Without effect, as a result is always new; PyTorch's argument.
    rng : Generator, int or None
        Where the choice comes from; see `autograd_cnn.nn.init`.

    Raises
    ------
    ArgumentError
        If ``p`` is not a probability.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> dropout = nn.Dropout(0.5, rng=0)
    >>> dropout(np.ones(4))
    array([2., 0., 0., 0.])
    >>> dropout.eval()(np.ones(4))
    array([1., 1., 1., 1.])
    """

    @composite
    def __init__(self, p: Share = 0.5, inplace: Bool = False, *, rng: Rng = None) -> None:  # noqa: ARG002  # inplace changes nothing
        self.p = p
        self.rng = np.random.default_rng(rng)

    def forward(self, x: Array) -> Array:
        """Drop elements in training, else return ``x``."""
        if not self.training or self.p == 0:
            return x
        dtype = x.dtype if getattr(getattr(x, "dtype", None), "kind", "") == "f" else np.dtype(np.float64)
        return ops.multiply(x, fresh(self._mask, shape_of(x), dtype))

    def _mask(self, shape: Shape, dtype: np.dtype[Any]) -> Array:
        """Draw what each element is multiplied by: 0, or what keeps the mean."""
        kept = self.rng.random(shape) >= self.p
        return (kept * (1 / (1 - self.p) if self.p < 1 else 0.0)).astype(dtype)

    def extra_repr(self) -> str:
        """Return the probability."""
        return f"p={self.p}"
