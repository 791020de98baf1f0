"""Layers for sequences that autograd_cnn.nn lacks, as its users write them with its operations."""

import math
from typing import Any

import numpy as np

import autograd_cnn as ag
from autograd_cnn import nn
from benchmarks.peers._functional import EPSILON


def layer_norm(x: Any, weight: Any, bias: Any) -> Any:
    """Normalise the last axis to mean 0 and variance 1."""
    centred = x - ag.mean(x, axis=-1, keepdims=True)
    variance = ag.mean(centred * centred, axis=-1, keepdims=True)
    return centred / ag.sqrt(variance + EPSILON) * weight + bias


class LayerNorm(nn.Module):
    """Normalisation of each vector (Ba et al. 2016)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(np.ones(features, np.float32))
        self.bias = nn.Parameter(np.zeros(features, np.float32))

    def forward(self, x: Any) -> Any:
        """Return (N, T, D) normalised."""
        return layer_norm(x, self.weight, self.bias)


class MultiheadAttention(nn.Module):
    """Scaled products of queries and keys choose among the values (Vaswani et al. 2017); PyTorch's parameters."""

    def __init__(self, features: int, heads: int, *, batch_first: bool) -> None:
        super().__init__()
        if not batch_first:
            raise NotImplementedError("batch_first=False")
        self.heads = heads
        self.in_proj_weight = nn.Parameter(np.zeros((3 * features, features), np.float32))
        self.in_proj_bias = nn.Parameter(np.zeros(3 * features, np.float32))
        self.out_proj = nn.Linear(features, features)

    def forward(self, query: Any, key: Any, value: Any, *, need_weights: bool) -> tuple[Any, None]:
        """Return (N, T, D) for self-attention over (N, T, D)."""
        if need_weights or not query is key is value:
            raise NotImplementedError("attention to others, and its weights")
        n, t, d = query.shape
        projected = nn.functional.linear(query, self.in_proj_weight, self.in_proj_bias)  # (N, T, 3D)
        heads = ag.transpose(ag.reshape(projected, (n, t, 3, self.heads, -1)), (2, 0, 3, 1, 4))  # (3, N, heads, T, d)
        q, k, v = heads[0], heads[1], heads[2]
        weights = ag.softmax(ag.matmul(q, ag.swapaxes(k, -1, -2)) * (1 / math.sqrt(d // self.heads)))
        together = ag.transpose(ag.matmul(weights, v), (0, 2, 1, 3))  # (N, T, heads, d)
        return self.out_proj(ag.reshape(together, (n, t, d))), None
