"""From functions to ONNX files: what a function calls is recorded, and written in ONNX's operators.

`record` makes a `program` of a function's run, in which `formulas` and `effects` stand for what ONNX has no operator
for; `dims` finds out what depends on the batch; the writers, by primitive, make a `graph` of it.
"""

from autograd_cnn.onnx.export.file import export

__all__ = ["export"]
