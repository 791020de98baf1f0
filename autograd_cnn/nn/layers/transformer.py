"""The encoder of a transformer (Vaswani et al. 2017)."""

import copy
from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array
from autograd_cnn.errors import ArgumentError, OperandError
from autograd_cnn.nn import init
from autograd_cnn.nn.containers import ModuleList
from autograd_cnn.nn.layers.attention import MultiheadAttention
from autograd_cnn.nn.layers.dropout import Dropout
from autograd_cnn.nn.layers.linear import Linear
from autograd_cnn.nn.layers.normalization import LayerNorm
from autograd_cnn.nn.module import Module, in_dtype_of
from autograd_cnn.parameters import Bool, FloatDType, NotNegative, Share, Size
from autograd_cnn.seeding import default_rng

__all__ = ["TransformerEncoder", "TransformerEncoderLayer"]

Activation: TypeAlias = str | Callable[[Array], Array]

_ACTIVATIONS: Final[dict[str, Callable[[Array], Array]]] = {"relu": ops.relu, "gelu": ops.gelu}


class TransformerEncoderLayer(Module):
    """Self-attention of a sequence, then a small network at each position, each with a residual connection.

    ``y = norm1(x + attention(x))`` and ``norm2(y + network(y))``, or, with ``norm_first``, ``y = x + attention(norm1(x))``
    and ``y + network(norm2(y))``, with dropout at the end of each added term. The network is
    ``linear2(dropout(activation(linear1(y))))``.

    Parameters
    ----------
    d_model, nhead : int
        The features E of the sequence, and the heads of its attention.
    dim_feedforward : int
        The hidden features of the small network.
    dropout : float
        The fraction dropped in training: of attention weights, inside the network, and of both results.
    activation : {"relu", "gelu"} or callable
    layer_norm_eps : float
        Keeps the normalisation's division away from 0.
    batch_first : bool
        Whether sequences are (N, L, E) instead of (L, N, E).
    norm_first : bool
        Whether to normalise inputs instead of outputs (Xiong et al. 2020).
    bias : bool
        Whether linear layers and normalisations have biases.
    rng : Generator, int or None
        Draws the initial values, and what is dropped; see `autograd_cnn.nn.init`.
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    self_attn : MultiheadAttention
    linear1, linear2 : Linear
    norm1, norm2 : LayerNorm

    Raises
    ------
    ArgumentError
        For a size below 1, heads that do not divide E, or an unknown activation.

    Examples
    --------
    >>> layer = TransformerEncoderLayer(8, 2, 16, batch_first=True, rng=0)
    >>> layer(np.ones((2, 7, 8), np.float32)).shape
    (2, 7, 8)
    """

    @composite
    def __init__(
        self,
        d_model: Size,
        nhead: Size,
        dim_feedforward: Size = 2048,
        dropout: Share = 0.1,
        activation: Activation = "relu",
        layer_norm_eps: NotNegative = 1e-5,
        batch_first: Bool = False,
        norm_first: Bool = False,
        bias: Bool = True,
        *,
        rng: init.Rng = None,
        dtype: FloatDType = np.float32,
    ) -> None:
        found = _ACTIVATIONS.get(activation) if isinstance(activation, str) else activation
        if not callable(found):
            expected = "'relu', 'gelu' or a function"
            problem = "activation is unknown"
            raise ArgumentError("TransformerEncoderLayer", problem, expected=expected, got=repr(activation))
        rng = default_rng(rng)
        self.activation, self.norm_first = found, norm_first
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first=batch_first, rng=rng, dtype=dtype
        )  # fmt: skip
        self.linear1 = Linear(d_model, dim_feedforward, bias, rng=rng, dtype=dtype)
        self.dropout = Dropout(dropout, rng=rng)
        self.linear2 = Linear(dim_feedforward, d_model, bias, rng=rng, dtype=dtype)
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.dropout1 = Dropout(dropout, rng=rng)
        self.dropout2 = Dropout(dropout, rng=rng)

    def forward(
        self, src: Array, src_mask: Array | None = None, src_key_padding_mask: Array | None = None,
        is_causal: bool = False,
    ) -> Array:  # fmt: skip
        """Return a sequence of the shape of ``src`` (L, N, E), (N, L, E) with ``batch_first``, or (L, E).

        Parameters
        ----------
        src : array
        src_mask : (L, L) or (N·H, L, L), optional
            True where a position is hidden from another, or floats to add to the scores of attention.
        src_key_padding_mask : (N, L), optional
            True where a position is hidden from all, or floats to add.
        is_causal : bool
            Without ``src_mask``: whether each position sees only those up to itself.
        """
        x = in_dtype_of(self.linear1.weight, src)
        if self.norm_first:
            x = x + self._attention(self.norm1(x), src_mask, src_key_padding_mask, is_causal)
            return x + self._network(self.norm2(x))
        x = self.norm1(x + self._attention(x, src_mask, src_key_padding_mask, is_causal))
        return self.norm2(x + self._network(x))

    def _attention(self, x: Array, mask: Array | None, padding: Array | None, causal: bool) -> Array:
        y, _ = self.self_attn(x, x, x, padding, need_weights=False, attn_mask=mask, is_causal=causal)
        return self.dropout1(y)

    def _network(self, x: Array) -> Array:
        return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))

    def extra_repr(self) -> str:
        """Return ``norm_first``, if it is set."""
        return "norm_first=True" if self.norm_first else ""


class TransformerEncoder(Module):
    """A stack of encoder layers, with an optional normalisation at the end.

    Parameters
    ----------
    encoder_layer : TransformerEncoderLayer
        It is copied, so all layers start with the same values; see `autograd_cnn.nn.init` for others.
    num_layers : int
    norm : Module, optional
        Applied after the last layer.
    enable_nested_tensor, mask_check : bool
        Accepted for compatibility with PyTorch, where they control optimisations; here they change nothing.
    rng : Generator, int or None
        Draws the elements that the layers drop.

    Attributes
    ----------
    layers : ModuleList
    norm : Module or None

    Raises
    ------
    OperandError
        If ``encoder_layer`` is not a module.
    ArgumentError
        For fewer than one layer.

    Examples
    --------
    >>> encoder = TransformerEncoder(TransformerEncoderLayer(8, 2, 16, batch_first=True, rng=0), 3)
    >>> encoder(np.ones((2, 7, 8), np.float32)).shape, len(encoder.layers)
    ((2, 7, 8), 3)
    """

    @composite
    def __init__(
        self,
        encoder_layer: Module,
        num_layers: Size,
        norm: Module | None = None,
        enable_nested_tensor: Bool = True,  # noqa: ARG002  # for PyTorch's callers
        mask_check: Bool = True,  # noqa: ARG002
        *,
        rng: init.Rng = None,
    ) -> None:
        for name, part in (("encoder_layer", encoder_layer), ("norm", norm)):
            if not isinstance(part, Module) and (part is not None or name == "encoder_layer"):
                expected = "a TransformerEncoderLayer" if name == "encoder_layer" else "such as nn.LayerNorm, or None"
                problem = f"{name} is not a module"
                raise OperandError("TransformerEncoder", problem, expected=expected, got=type(part).__name__)
        self.layers = ModuleList(copy.deepcopy(encoder_layer) for _ in range(num_layers))
        self.norm = norm
        drawn = default_rng(rng)
        for module in self.layers.modules():  # copies of one generator would all drop the same elements
            if isinstance(getattr(module, "rng", None), np.random.Generator):
                module.rng = drawn

    def forward(
        self, src: Array, mask: Array | None = None, src_key_padding_mask: Array | None = None, is_causal: bool = False
    ) -> Array:
        """Return a sequence of the shape of ``src``; for the masks see `TransformerEncoderLayer.forward`."""
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, is_causal)
        return src if self.norm is None else self.norm(src)
