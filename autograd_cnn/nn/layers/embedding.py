"""A table of vectors, one for each word, letter or other token."""

import numpy as np

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array
from autograd_cnn.nn import init
from autograd_cnn.nn.functional.embedding import embedding, padding_row
from autograd_cnn.nn.module import Module
from autograd_cnn.nn.parameter import Parameter
from autograd_cnn.parameters import Count, FloatDType, Size

__all__ = ["Embedding"]


class Embedding(Module):
    """The rows of ``weight`` at given indices: a learned vector for each token (Bengio et al. 2003).

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        V and D.
    padding_idx : int, optional
        An index, counted from the end if negative, whose row starts as zeros and gets no gradient.
    rng : Generator, int or None
        Draws the initial values; see `autograd_cnn.nn.init`.
    dtype : dtype
        Of the weight.

    Attributes
    ----------
    weight : Parameter, (V, D)
        Initially normally distributed with mean 0 and variance 1.
    padding_idx : int or None
        Counted from 0.

    Raises
    ------
    ArgumentError
        For a size below 1, or a ``padding_idx`` that is out of range.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.Embedding(10, 3, padding_idx=0, rng=0)([[1, 5], [7, 0]]).shape
    (2, 2, 3)
    """

    @composite
    def __init__(
        self,
        num_embeddings: Size,
        embedding_dim: Size,
        padding_idx: Count | None = None,
        *,
        rng: init.Rng = None,
        dtype: FloatDType = np.float32,
    ) -> None:
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = None if padding_idx is None else padding_row(padding_idx, num_embeddings)
        weight = init.normal((num_embeddings, embedding_dim), rng, dtype=dtype)
        if self.padding_idx is not None:
            weight[self.padding_idx] = 0
        self.weight = Parameter(weight)

    def forward(self, x: Array) -> Array:
        """Return (..., D) for indices ``x`` (...)."""
        return embedding(x, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """Return the sizes."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
