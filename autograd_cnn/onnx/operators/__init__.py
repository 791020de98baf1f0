"""ONNX's operators in terms of our primitives, a file for each family; to load them fills the table."""

from autograd_cnn.onnx.operators import (
    classic,
    control_flow,
    elementwise,
    fused,
    indexing,
    normalization,
    products,
    quantization,
    random,
    recurrent,
    reduction,
    regions,
    resizing,
    shaping,
    spectra,
    windows,
)

__all__ = [
    "classic",
    "control_flow",
    "elementwise",
    "fused",
    "indexing",
    "normalization",
    "products",
    "quantization",
    "random",
    "recurrent",
    "reduction",
    "regions",
    "resizing",
    "shaping",
    "spectra",
    "windows",
]
