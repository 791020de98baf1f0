"""No primitive goes without: each is held against PyTorch, or it is said why it can't be."""

import importlib
from pathlib import Path

import pytest
import torch
from hypothesis import strategies as st
from pytorch.comparison import Call, Counterpart, check
from tables import for_each

from autograd_cnn import ops
from autograd_cnn.engine.primitive import REGISTRY
from autograd_cnn.ops.activation import (
    _elu_backward,
    _gaussian,
    _gelu_backward,
    _gelu_tanh,
    _gelu_tanh_backward,
    _hardsigmoid_backward,
    _hardswish_backward,
    _shrink,
    _sigmoid_backward,
    _sigmoid_slope,
    _silu_backward,
    _tanh_backward,
)
from autograd_cnn.ops.attention import _attention_backward
from autograd_cnn.ops.decomposition import _eigh, _over_gaps, _svd
from autograd_cnn.ops.fourier import _cosines
from autograd_cnn.ops.loss import (
    _huber,
    _huber_backward,
    _logistic_loss,
    _logistic_loss_backward,
    _nll,
    _nll_backward,
    _softmax_error,
)
from autograd_cnn.ops.polynomial import _roots
from autograd_cnn.ops.pooling import _max_pool_gather, _max_unpool
from autograd_cnn.ops.recurrent import _gru_backward, _lstm_backward
from autograd_cnn.ops.reduction import _extremum_backward
from autograd_cnn.ops.resampling import _resample
from autograd_cnn.ops.selection import _damped
from autograd_cnn.ops.softmax import _log_softmax_backward, _softmax_backward
from autograd_cnn.ops.trigonometric import _sinc
from autograd_cnn.testing.case import SAMPLES

importlib.import_module("autograd_cnn.testing.samples")  # gives the calls

PRIMITIVES = [primitive for name, primitive in REGISTRY.items() if name.startswith("autograd_cnn.")]
"""Ours, and none that a user or a doctest made."""

WITHOUT_COUNTERPART = {
    ops.correlate2d_wrt_input: "an adjoint: checked as the gradient of correlate2d in x, and as the transpose",
    ops.correlate2d_wrt_weight: "an adjoint: checked as the gradient of correlate2d in w",
    _max_unpool: "an adjoint: checked as the gradient of max_pool",
    _max_pool_gather: "an adjoint: checked as the gradient of max_pool's gradient",
    ops.batch_norm_wrt_input: "an adjoint: checked as the gradient of batch_norm in x",
    ops.batch_norm_wrt_affine: "an adjoint: checked as the gradients of batch_norm in weight and bias",
    ops.layer_norm_wrt_input: "an adjoint: checked as the gradient of layer_norm in x",
    ops.layer_norm_wrt_affine: "an adjoint: checked as the gradients of layer_norm in weight and bias",
    ops.mean_pool_wrt_input: "an adjoint: checked as the gradient of mean_pool",
    _sigmoid_slope: "checked as the gradient of sigmoid",
    _gaussian: "checked as the gradient of erf",
    _sigmoid_backward: "checked as the gradient of sigmoid",
    _tanh_backward: "checked as the gradient of tanh",
    _elu_backward: "checked as the gradient of elu",
    _silu_backward: "checked as the gradient of silu",
    _gelu_backward: "checked as the gradient of gelu",
    _gelu_tanh: "checked as functional.gelu",
    _gelu_tanh_backward: "checked as the gradient of functional.gelu",
    ops.hardsigmoid: "PyTorch's is exact to 1e-7 only, to which test_operator_samples holds ours",
    _hardsigmoid_backward: "checked as the gradient of hardsigmoid",
    _hardswish_backward: "checked as the gradient of hardswish",
    _shrink: "checked as functional.hardshrink and functional.softshrink",
    _extremum_backward: "checked as the gradient of max and min",
    _huber: "checked as functional.huber_loss",
    _huber_backward: "checked as the gradient of functional.huber_loss",
    _logistic_loss: "checked as functional.bce_with_logits",
    _logistic_loss_backward: "checked as the gradient of functional.bce_with_logits",
    _nll: "checked as functional.nll_loss",
    _nll_backward: "checked as the gradient of functional.nll_loss",
    _damped: "checked as the gradient of leaky_relu",
    _resample: "checked as functional.interpolate and adaptive_mean_pool",
    _softmax_backward: "checked as the gradient of softmax",
    _log_softmax_backward: "checked as the gradient of log_softmax",
    _softmax_error: "checked as the gradient of softmax_cross_entropy",
    _over_gaps: "checked as the gradient of eigh and svd",
    _eigh: "signs of vectors differ: checked by what does not depend on them",
    _svd: "signs of vectors differ: checked by what does not depend on them",
    _cosines: "the real part of a transform: irfftn is checked against NumPy's",
    _roots: "PyTorch has none: checked against NumPy's, and as the inverse of poly",
    ops.nextafter: "PyTorch's has no gradient: checked against NumPy's",
    _sinc: "takes x in radians, and the order of derivative: sinc is checked against NumPy's",
    ops.cbrt: "PyTorch has none: checked against NumPy's",
    ops.ldexp: "PyTorch's gradient takes 2 to a negative int for 0: checked against NumPy's",
    _attention_backward: "checked as the gradient of attention",
    _lstm_backward: "checked as the gradient of lstm",
    _gru_backward: "checked as the gradient of gru",
}
"""Primitives that PyTorch has no function for, and why that is no gap."""


def _checked():
    """Return the primitives in the tables that the tests of this folder run through."""
    modules = [importlib.import_module(f"pytorch.{path.stem}") for path in Path(__file__).parent.glob("test_*.py")]
    return {primitive for module in modules for primitive in getattr(module, "CASES", ())}


def _check_against_namesake(primitive):
    """Hold the sample calls of a primitive against PyTorch's function of its name."""
    modules = (torch, torch.special, torch.nn.functional)
    theirs = next((getattr(module, primitive.name) for module in modules if hasattr(module, primitive.name)), None)
    assert theirs, f"{primitive.name}: neither in a table, nor PyTorch's name for it; give it a row, or a reason here"
    for case in SAMPLES[primitive]:
        check(primitive, Counterpart(theirs, st.nothing()), Call(case.arrays, case.params))


def test_every_primitive_is_checked_or_has_a_reason():
    checked = _checked()
    for primitive in PRIMITIVES:
        if primitive not in checked and primitive not in WITHOUT_COUNTERPART:
            _check_against_namesake(primitive)


@pytest.mark.parametrize("primitive", [ops.exp, ops.sin, ops.square, ops.matmul], ids=lambda p: p.name)
def test_a_namesake_is_found(primitive):
    _check_against_namesake(primitive)


def test_a_namesake_that_differs_or_is_missing_is_noticed(monkeypatch):
    monkeypatch.setattr(torch, "sin", lambda x: x.sin().detach() + x - x.detach())
    with pytest.raises(AssertionError, match="gradient 0"):
        _check_against_namesake(ops.sin)
    with pytest.raises(AssertionError, match="correlate2d: neither in a table"):
        _check_against_namesake(ops.correlate2d)


@for_each("primitive", WITHOUT_COUNTERPART)
def test_every_reason_is_needed(primitive):
    assert primitive not in _checked()
    assert primitive in PRIMITIVES
