"""Dropout."""

import numpy as np

from autograd_cnn import ops
from autograd_cnn.errors import ArgumentError, sentence
from autograd_cnn.nn.init import Rng
from autograd_cnn.nn.module import Module
from autograd_cnn.parameters import number
from autograd_cnn.signature import plain
from autograd_cnn.tape import Array, Traced


class Dropout(Module):
    """In training, set each element to 0 with probability ``p`` and divide the others by ``1 - p``.

    The division keeps the mean, so nothing is to be done in use (Srivastava et al. 2014).

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
        If ``p`` is no probability.

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

    def __init__(self, p: float = 0.5, inplace: bool = False, *, rng: Rng = None) -> None:  # noqa: ARG002  # PyTorch's
        p = number("Dropout", "p", plain("Dropout", "p", p))
        if not 0 <= p <= 1:
            raise ArgumentError(sentence("Dropout", "p is no probability", expected="0 to 1", got=repr(p)))
        self.p = p
        self.rng = np.random.default_rng(rng)

    def forward(self, x: Array) -> Array:
        """Drop elements in training, else return ``x``."""
        if not self.training or self.p == 0:
            return x
        value = x.value if isinstance(x, Traced) else np.asarray(x)
        kept = self.rng.random(value.shape) >= self.p
        scale = 1 / (1 - self.p) if self.p < 1 else 0.0
        return ops.multiply(x, (kept * scale).astype(value.dtype if value.dtype.kind == "f" else float))

    def extra_repr(self) -> str:
        """Return the probability."""
        return f"p={self.p}"
