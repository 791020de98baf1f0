"""Reverse-mode automatic differentiation over NumPy, made for convolutional networks.

Examples
--------
>>> import autograd_cnn as ag
>>> x = ag.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
>>> loss = ag.relu(x - 2).sum()
>>> loss.backward()
>>> x.grad
tensor([[0., 0.],
        [1., 1.]])
"""

from typing import TYPE_CHECKING

from autograd_cnn import search_path as _search_path  # isort: skip  # noqa: F401  # before any library is looked for

from autograd_cnn import errors as errors
from autograd_cnn import kernels as kernels
from autograd_cnn import ops as ops
from autograd_cnn.engine.backward import gradients as gradients
from autograd_cnn.engine.primitive import primitive as primitive
from autograd_cnn.engine.recording import detect_anomaly as detect_anomaly
from autograd_cnn.engine.recording import enable_grad as enable_grad
from autograd_cnn.engine.recording import no_grad as no_grad
from autograd_cnn.engine.recording import scope as scope
from autograd_cnn.engine.recording import tracing as tracing
from autograd_cnn.kernels import current_backend as current_backend
from autograd_cnn.kernels import num_threads as num_threads
from autograd_cnn.kernels import set_backend as set_backend
from autograd_cnn.kernels import set_conv_precision as set_conv_precision
from autograd_cnn.kernels import set_num_threads as set_num_threads
from autograd_cnn.ops import *
from autograd_cnn.plans.compile import compile as compile
from autograd_cnn.seeding import manual_seed as manual_seed
from autograd_cnn.tensor import Tensor as Tensor
from autograd_cnn.tensor import tensor as tensor
from autograd_cnn.transforms.checkpoint import checkpoint as checkpoint
from autograd_cnn.transforms.derivatives import elementwise_grad as elementwise_grad
from autograd_cnn.transforms.derivatives import grad as grad
from autograd_cnn.transforms.derivatives import hessian as hessian
from autograd_cnn.transforms.derivatives import hvp as hvp
from autograd_cnn.transforms.derivatives import jacobian as jacobian
from autograd_cnn.transforms.derivatives import jvp as jvp
from autograd_cnn.transforms.derivatives import linearize as linearize
from autograd_cnn.transforms.derivatives import value_and_grad as value_and_grad
from autograd_cnn.transforms.derivatives import vjp as vjp
from autograd_cnn.transforms.vmap import vmap as vmap

__version__ = "0.1.0"

if TYPE_CHECKING:  # what is loaded on first use
    from autograd_cnn import array_api as array_api
    from autograd_cnn import attribution as attribution
    from autograd_cnn import data as data
    from autograd_cnn import distributed as distributed
    from autograd_cnn import explanations as explanations
    from autograd_cnn import graph as graph
    from autograd_cnn import interop as interop
    from autograd_cnn import nn as nn
    from autograd_cnn import onnx as onnx
    from autograd_cnn import optim as optim
    from autograd_cnn import report as report
    from autograd_cnn import testing as testing
    from autograd_cnn import train as train
    from autograd_cnn import viz as viz
    from autograd_cnn.explanations.explain import explain as explain
    from autograd_cnn.io import load as load
    from autograd_cnn.io import restore as restore
    from autograd_cnn.io import save as save
else:
    from importlib import import_module as _import_module

    from autograd_cnn.spelling import missing as _missing
    from autograd_cnn.spelling import public as _public

    _MODULES = (
        "array_api", "attribution", "data", "distributed", "explanations", "graph", "interop", "nn", "onnx", "optim",
        "report", "testing", "train", "viz",
    )  # fmt: skip
    _FUNCTIONS = {"explain": "explanations", "load": "io", "restore": "io", "save": "io"}
    """Functions loaded on first use, and where they are."""

    __all__ = sorted({"__version__", "errors", "ops", *_public(globals()), *_MODULES, *_FUNCTIONS})

    def __getattr__(name: str) -> object:
        """Load a part on first use; of a name that is not there say what takes its place, or which was meant."""
        if name in _MODULES:
            return _import_module(f"autograd_cnn.{name}")
        if name in _FUNCTIONS:
            return getattr(_import_module(f"autograd_cnn.{_FUNCTIONS[name]}"), name)
        raise _missing(__name__, name, __all__)

    def __dir__() -> list[str]:
        """List what is loaded on first use, too."""
        return sorted({*globals(), *__all__})
