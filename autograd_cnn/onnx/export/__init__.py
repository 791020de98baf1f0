"""From functions to ONNX files: a function's calls are recorded, and written as ONNX operators.

`record` turns a function's run into a `program`, in which `formulas` and `effects` replace calls without an ONNX
operator; `dims` finds out what depends on the batch; the writers, by primitive, turn it into a `graph`.
"""

from autograd_cnn.onnx.export.file import export

__all__ = ["export"]
