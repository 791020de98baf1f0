"""Attention between the parts of sequences (Vaswani et al. 2017).

A bool mask for `scaled_dot_product_attention` marks the keys that a query sees; here, as in PyTorch, it marks those
that are hidden. A float mask is added to the scores.

Shapes: sequences (L, N, E), or (N, L, E) with
``batch_first``, or (L, E) without a batch.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.nn import init
from autograd_cnn.nn.functional.attention import attend, bias_of
from autograd_cnn.nn.layers.linear import Linear
from autograd_cnn.nn.module import Module, in_dtype_of, unusual
from autograd_cnn.nn.parameter import Parameter
from autograd_cnn.parameters import Bool, FloatDType, Share, Size
from autograd_cnn.seeding import default_rng

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Several attention heads in parallel, each on a part of the features (Vaswani et al. 2017).

    Queries, keys and values are projected, and split into heads of D = E / H features each. The heads' results are
    joined, and go through the linear layer ``out_proj``.

    Parameters
    ----------
    embed_dim, num_heads : int
        E, the features of the queries and of the result, and H, which divides it.
    dropout : float
        The fraction of the attention weights that is set to 0 in training.
    bias : bool
        Whether the projections of queries, keys, values and the result have biases.
    add_bias_kv : bool
        Whether to append a learned vector to keys and values.
    add_zero_attn : bool
        Whether to append zeros to keys and values.
    kdim, vdim : int, optional
        The features of keys and of values; by default E.
    batch_first : bool
        Whether sequences are (N, L, E) instead of (L, N, E).
    rng : Generator, int or None
        Draws the initial values, and what is dropped; see `autograd_cnn.nn.init`.
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    in_proj_weight : Parameter, (3·E, E), or None
        For queries, keys and values, in this order.
    q_proj_weight, k_proj_weight, v_proj_weight : Parameter, (E, E), (E, kdim), (E, vdim), or None
        Instead of it, if ``kdim`` or ``vdim`` is not E.
    in_proj_bias : Parameter, (3·E,), or None
    bias_k, bias_v : Parameter, (1, 1, E), or None
    out_proj : Linear

    Raises
    ------
    ArgumentError
        For a size below 1, a ``dropout`` outside [0, 1], or heads that do not divide E.

    Examples
    --------
    >>> x = np.ones((2, 7, 8), np.float32)
    >>> y, weights = MultiheadAttention(8, 2, batch_first=True, rng=0)(x, x, x)
    >>> y.shape, weights.shape
    ((2, 7, 8), (2, 7, 7))
    """

    in_proj_weight: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    @composite
    def __init__(
        self,
        embed_dim: Size,
        num_heads: Size,
        dropout: Share = 0.0,
        bias: Bool = True,
        add_bias_kv: Bool = False,
        add_zero_attn: Bool = False,
        kdim: Size | None = None,
        vdim: Size | None = None,
        batch_first: Bool = False,
        *,
        rng: init.Rng = None,
        dtype: FloatDType = np.float32,
    ) -> None:
        if embed_dim % num_heads:
            problem = "the heads do not divide embed_dim"
            raise ArgumentError("MultiheadAttention", problem, expected=f"a divisor of {embed_dim}", got=num_heads)
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = embed_dim, num_heads, dropout, batch_first
        self.kdim, self.vdim, self.add_zero_attn = kdim or embed_dim, vdim or embed_dim, add_zero_attn
        self.rng = default_rng(rng)

        def uniform(*shape: int) -> Parameter:
            return Parameter(init.xavier_uniform(shape, self.rng, dtype=dtype))

        joined = self.kdim == self.vdim == embed_dim
        self.in_proj_weight = uniform(3 * embed_dim, embed_dim) if joined else None
        self.q_proj_weight = None if joined else uniform(embed_dim, embed_dim)
        self.k_proj_weight = None if joined else uniform(embed_dim, self.kdim)
        self.v_proj_weight = None if joined else uniform(embed_dim, self.vdim)
        self.in_proj_bias = Parameter(np.zeros(3 * embed_dim, dtype)) if bias else None
        for name in ("bias_k", "bias_v"):
            drawn = init.xavier_normal((1, embed_dim), self.rng, dtype=dtype) if add_bias_kv else None
            setattr(self, name, None if drawn is None else Parameter(drawn.reshape(1, 1, -1)))
        self.out_proj = Linear(embed_dim, embed_dim, bias, rng=self.rng, dtype=dtype)
        if self.out_proj.bias is not None:
            self.out_proj.bias.data = np.zeros(embed_dim, dtype)

    def forward(
        self, query: Array, key: Array, value: Array, key_padding_mask: Array | None = None, need_weights: bool = True,
        attn_mask: Array | None = None, average_attn_weights: bool = True, is_causal: bool = False,
    ) -> tuple[Array, Array | None]:  # fmt: skip
        """Return the result (L, N, E), and the attention weights (N, L, S), or None.

        Parameters
        ----------
        query, key, value : (L, N, E), (S, N, kdim), (S, N, vdim)
            Or with N first, or without it; see the class.
        key_padding_mask : (N, S), optional
            True where a key is hidden from all queries, or floats to add to the scores.
        need_weights : bool
            Whether to return the weights. Without them and without dropout, they are never all in memory at once.
        attn_mask : (L, S) or (N·H, L, S), optional
            True where a key is hidden from a query, or floats to add to the scores.
        average_attn_weights : bool
            Whether to return the mean of the heads' weights instead of all of them (N, H, L, S).
        is_causal : bool
            Without ``attn_mask``: whether query i sees only keys 0 to i. A mask overrides it.

        Raises
        ------
        ShapeError
            If a shape does not fit.
        OperandError
            For a mask of integers.
        """
        inputs = [query, key, value]
        cast = {id(x): in_dtype_of(self.out_proj.weight, x) for x in inputs}  # the same array is cast only once
        inputs = [cast[id(x)] for x in inputs]
        self._check(*map(shape_of, inputs))
        batch, first = len(shape_of(query)) == 3, self.batch_first
        if batch and not first:
            inputs = self._turned(inputs)
        elif not batch:
            inputs = [ops.expand_dims(x, 0) for x in inputs]
        q, k, v = self._projected(inputs)
        causal = is_causal and attn_mask is None
        if causal and (self.bias_k is not None or self.add_zero_attn):  # appended keys are visible to all queries
            causal, attn_mask = False, ~np.tri(shape_of(q)[1], shape_of(k)[1], dtype=np.bool_)
        hiding = self._hiding(shape_of(q)[:2], shape_of(k)[1], attn_mask, key_padding_mask)
        k, v, hiding = self._appended(k, v, hiding)
        bias = None if not hiding else hiding[0] if len(hiding) == 1 else ops.add(*hiding)
        dropout = self.dropout if self.training else 0.0
        q, k, v = map(self._heads, (q, k, v))
        y, weights = attend(q, k, v, bias, causal, None, dropout, self.rng, need_weights)
        y = self.out_proj(self._joined(y))
        y = (ops.swapaxes(y, 0, 1) if not first else y) if batch else ops.squeeze(y, 0)
        if weights is None or not need_weights:
            return y, None
        weights = ops.mean(weights, axis=1) if average_attn_weights else weights
        return y, weights if batch else ops.squeeze(weights, 0)

    def _check(self, query: Shape, key: Shape, value: Shape) -> None:
        """Raise `ShapeError` unless the inputs fit the layer and each other."""
        wanted = self.embed_dim, self.kdim, self.vdim
        rank, time = len(query), 1 if len(query) == 3 and self.batch_first else 0
        fits = rank in (2, 3) and rank == len(key) == len(value) and (query[-1], key[-1], value[-1]) == wanted
        if not fits or key[:-1] != value[:-1] or (rank == 3 and query[1 - time] != key[1 - time]):
            lead = ("(L, ", "(S, ") if rank == 2 else ("(N, L, ", "(N, S, ") if time else ("(L, N, ", "(S, N, ")
            expected = ", ".join(f"{lead[i > 0]}{size})" for i, size in enumerate(wanted))
            got = ", ".join(map(str, (query, key, value)))
            raise ShapeError("MultiheadAttention", "query, key and value do not fit", expected=expected, got=got)

    @staticmethod
    def _turned(inputs: list[Array]) -> list[Array]:
        """Return the inputs with N first; inputs that are the same array stay the same."""
        turned = {id(x): ops.swapaxes(x, 0, 1) for x in inputs}
        return [turned[id(x)] for x in inputs]

    def _projected(self, inputs: list[Array]) -> list[Array]:
        """Return queries, keys and values (N, L or S, E)."""
        weights: Sequence[Any] = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        if self.in_proj_weight is not None:
            weights = ops.split(self.in_proj_weight, 3)
        biases = [None] * 3 if self.in_proj_bias is None else ops.split(self.in_proj_bias, 3)
        return [ops.linear(x, w, b) for x, w, b in zip(inputs, weights, biases, strict=True)]

    def _heads(self, x: Array) -> Array:
        """Return (N, H, L, D) for x (N, L, E)."""
        count, length, width = shape_of(x)
        return ops.swapaxes(ops.reshape(x, shape=(count, length, self.num_heads, width // self.num_heads)), 1, 2)

    def _joined(self, x: Array) -> Array:
        """Return (N, L, E) for x (N, H, L, D)."""
        count, _, length, _ = shape_of(x)
        return ops.reshape(ops.swapaxes(x, 1, 2), shape=(count, length, self.embed_dim))

    def _hiding(
        self, queries: Shape, keys: int, attn_mask: Array | None, key_padding_mask: Array | None
    ) -> list[Array]:
        """Return the sum of the masks as it is added to the scores (N, H, L, S)."""
        (count, length), dtype, hiding = queries, self.out_proj.weight.dtype, []
        if attn_mask is not None:
            shape, full = shape_of(attn_mask), (count * self.num_heads, length, keys)
            if shape not in (full[1:], full):
                problem = "attn_mask has the wrong shape"
                raise ShapeError("MultiheadAttention", problem, expected=f"{full[1:]} or {full}", got=shape)
            bias = bias_of("MultiheadAttention", "attn_mask", attn_mask, shown=False, dtype=dtype)
            hiding.append(bias if len(shape) == 2 else ops.reshape(bias, shape=(count, self.num_heads, length, keys)))
        if key_padding_mask is not None:
            shape = shape_of(key_padding_mask)
            if shape != (count, keys) and not (count == 1 and shape == (keys,)):
                problem = "key_padding_mask has the wrong shape"
                raise ShapeError("MultiheadAttention", problem, expected=(count, keys), got=shape)
            bias = bias_of("MultiheadAttention", "key_padding_mask", key_padding_mask, shown=False, dtype=dtype)
            hiding.append(ops.reshape(bias, shape=(count, 1, 1, keys)))
        return hiding

    def _appended(self, k: Array, v: Array, hiding: list[Array]) -> tuple[Array, Array, list[Array]]:
        """Return keys and values with those that the layer appends, which no mask hides."""
        shape = (shape_of(k)[0], 1, self.embed_dim)
        added: list[list[Any]] = []
        if self.bias_k is not None and self.bias_v is not None:
            added.append([ops.broadcast_to(part, shape=shape) for part in (self.bias_k, self.bias_v)])
        if self.add_zero_attn:
            added.append([np.zeros(shape, k.dtype)] * 2)
        if not added:
            return k, v, hiding
        k, v = (ops.concatenate([x, *parts], axis=1) for x, parts in zip((k, v), zip(*added, strict=True), strict=True))
        return k, v, [ops.pad(x, ((0, 0),) * (len(shape_of(x)) - 1) + ((0, len(added)),)) for x in hiding]

    def extra_repr(self) -> str:
        """Return the sizes, and options that differ from the default."""
        size = self.embed_dim
        bias = [] if self.in_proj_bias is not None else ["bias=False"]
        appended = [] if self.bias_k is None else ["add_bias_kv=True"]
        others = [("add_zero_attn", False), ("kdim", size), ("vdim", size), ("batch_first", False)]
        shown = [*unusual(self, [("dropout", 0.0)]), *bias, *appended, *unusual(self, others)]
        return ", ".join([f"{size}, {self.num_heads}", *shown])
