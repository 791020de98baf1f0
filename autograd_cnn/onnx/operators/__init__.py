"""ONNX's operators in terms of our primitives, one file per family; importing them fills the table."""

from autograd_cnn.onnx.operators import classic as classic
from autograd_cnn.onnx.operators import control_flow as control_flow
from autograd_cnn.onnx.operators import elementwise as elementwise
from autograd_cnn.onnx.operators import fused as fused
from autograd_cnn.onnx.operators import indexing as indexing
from autograd_cnn.onnx.operators import normalization as normalization
from autograd_cnn.onnx.operators import products as products
from autograd_cnn.onnx.operators import quantization as quantization
from autograd_cnn.onnx.operators import random as random
from autograd_cnn.onnx.operators import recurrent as recurrent
from autograd_cnn.onnx.operators import reduction as reduction
from autograd_cnn.onnx.operators import regions as regions
from autograd_cnn.onnx.operators import resizing as resizing
from autograd_cnn.onnx.operators import shaping as shaping
from autograd_cnn.onnx.operators import spectra as spectra
from autograd_cnn.onnx.operators import windows as windows
