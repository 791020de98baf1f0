"""Dropout."""

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array
from autograd_cnn.nn.functional.dropout import dropout, dropout1d, dropout2d
from autograd_cnn.nn.init import Rng
from autograd_cnn.nn.module import Module
from autograd_cnn.parameters import Bool, Share
from autograd_cnn.seeding import default_rng

__all__ = ["Dropout", "Dropout1d", "Dropout2d"]


class Dropout(Module):
    """In training, set each element to 0 with probability ``p`` and divide the others by ``1 - p``.

    The division preserves the mean, so eval mode needs no scaling (Srivastava et al. 2014).

    Parameters
    ----------
    p : float
        From 0 to 1.
    inplace : bool
        Without effect, as a result is always new; PyTorch's argument.
    rng : Generator, int or None
        Draws the elements to drop; see `autograd_cnn.nn.init`.

    Raises
    ------
    ArgumentError
        If ``p`` is not a probability.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> dropout = nn.Dropout(0.5, rng=2)
    >>> dropout(np.ones(4))
    array([2., 0., 0., 0.])
    >>> dropout.eval()(np.ones(4))
    array([1., 1., 1., 1.])
    """

    _shown = ("p",)
    function = staticmethod(dropout)

    @composite
    def __init__(self, p: Share = 0.5, inplace: Bool = False, *, rng: Rng = None) -> None:  # noqa: ARG002  # inplace changes nothing
        self.p = p
        self.rng = default_rng(rng)

    def forward(self, x: Array) -> Array:
        """Drop elements, maps or channels in training, else return ``x``."""
        return self.function(x, self.p, self.training, rng=self.rng)


class Dropout2d(Dropout):
    """A `Dropout` of whole maps, because neighbouring pixels carry much the same information (Tompson et al. 2015).

    Parameters are those of `Dropout`; the input is (N, C, H, W) or (C, H, W).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.Dropout2d(rng=2)(np.ones((2, 1, 2))).tolist()
    [[[2.0, 2.0]], [[0.0, 0.0]]]
    """

    function = staticmethod(dropout2d)


class Dropout1d(Dropout):
    """A `Dropout` of whole channels of sequences.

    Parameters are those of `Dropout`; the input is (N, C, L) or (C, L).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.Dropout1d(rng=2)(np.ones((2, 2))).tolist()
    [[2.0, 2.0], [0.0, 0.0]]
    """

    function = staticmethod(dropout1d)
