"""ONNX's products of matrices."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.onnx.operator import Flag, operator


def matmul_extent(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    """Return the elements of the product of the first two inputs."""
    a, b = shapes[:2]
    return math.prod(np.broadcast_shapes(a[:-2], b[:-2])) * math.prod(a[-2:-1]) * (b[-1] if len(b) > 1 else 1)


def gemm_extent(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    """Return the elements of the product, of its multiple, and of the sum."""
    a, b, *c = shapes
    return 3 * math.prod(
        np.broadcast_shapes((a[attributes.get("transA", 0)], b[1 - attributes.get("transB", 0)]), *c)
    )  # fmt: skip


operator("MatMul", extent=matmul_extent)(ops.matmul)


@operator("Det")
def det(x: Array) -> Array:
    """Return the determinants of matrices."""
    return ops.det(x)


@operator("Gemm", extent=gemm_extent)
def gemm(
    a: Array, b: Array, c: Array | None = None, *,
    alpha: float = 1.0, beta: float = 1.0, transA: Flag = 0, transB: Flag = 0,  # noqa: N803  # ONNX's names
) -> Array:  # fmt: skip
    """Return ``alpha · a @ b + beta · c``, with either factor transposed on request."""
    a = ops.transpose(a) if transA else a
    if transB and alpha == beta == 1 and (c is None or shape_of(c) == shape_of(b)[:1]):
        return ops.linear(a, b, c)
    y = ops.matmul(a, ops.transpose(b) if transB else b)
    y = y if alpha == 1 else y * alpha
    return y if c is None else y + (c if beta == 1 else c * beta)


@operator("Einsum", extent=lambda shapes, *_: math.prod(max(1, math.prod(shape)) for shape in shapes))
def einsum(*arrays: Array, equation: str) -> Array:
    """Return sums of products in Einstein's notation."""
    return ops.einsum(equation, *arrays)
