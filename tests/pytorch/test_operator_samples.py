"""Our `nn.functional` on the samples that PyTorch keeps for its own operators (``OpInfo``)."""

import numpy as np
import pytest
import torch
from pytorch.comparison import agree
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.engine.backward import gradients
from autograd_cnn.nn import functional as F  # noqa: N812  # as all the world has it

pytest.importorskip("expecttest", reason="which PyTorch's list of operators needs")

pytestmark = [
    pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning"),  # may be slow, says PyTorch
    pytest.mark.filterwarnings("ignore:reduction. 'mean':UserWarning"),  # of kl_div may change one day
]

WITHOUT_SAMPLES = {
    "bce_loss",
    "bce_with_logits",
    "dice_loss",
    "dropout",
    "dropout1d",
    "dropout2d",
    "embedding",
    "focal_loss",
    "fold",
    "scaled_dot_product_attention",
}
"""What PyTorch calls otherwise, what is random, and what other tests of this folder hold against PyTorch's."""

ONCE = {
    "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu",
    "max_pool1d", "max_pool2d", "max_pool3d", "max_unpool1d", "max_unpool2d", "multi_margin_loss", "prelu", "relu", "relu6",
    "softshrink", "softsign", "threshold",
}  # fmt: skip
"""What is held against PyTorch's in the first order alone: in places it has no second, or another one."""

LEFT_OUT = {
    "adaptive_max_pool3d": lambda call: True in call.args,  # the indices
    "avg_pool3d": lambda call: (call.kwargs.get("divisor_override") or 1) < 0,
    "avg_pool2d": lambda call: any(isinstance(each, tuple) and len(each) < 2 for each in call.args),  # for two axes
    "batch_norm": lambda call: 0 in call.input.shape,
    "gaussian_nll_loss": lambda call: call.input.shape != call.args[0].shape,  # operands are not broadcast
    "group_norm": lambda call: 0 in call.input.shape or call.kwargs.get("eps", 0) < 0,
    "hardshrink": lambda call: call.kwargs.get("lambd", 0) < 0,
    "interpolate": lambda call: call.input.ndim == 5,  # three axes
    "layer_norm": lambda call: 0 in call.input.shape or call.kwargs.get("eps", 0) < 0,
    "log_softmax": lambda call: "dtype" in call.kwargs,
    "max_pool3d": lambda call: call.kwargs.get("return_indices", False),
    "max_unpool1d": lambda call: any(len(set(p)) < len(p) for p in call.args[0].flatten(0, -2).tolist()),
    "max_unpool2d": lambda call: any(len(set(p)) < len(p) for p in call.args[0].flatten(0, -3).flatten(1).tolist()),
    "multi_margin_loss": lambda call: call.input.ndim == call.args[0].ndim,  # one label in a list
    "normalize": lambda call: call.kwargs.get("p", 2) <= 0,  # no norm
    "pad": lambda call: call.input.is_complex() or -min(call.args[0]) >= call.input.shape[-1],  # nothing is left
    "pairwise_distance": lambda call: call.kwargs.get("p", 2) < 0,
    "rms_norm": lambda call: (call.kwargs.get("eps") or 0) < 0,
    "softmin": lambda call: "dtype" in call.kwargs,
    "softmax": lambda call: "dtype" in call.kwargs,
}
"""Samples of what is missing here, and of indices that come twice, where PyTorch's gradient is another function's."""

MOST = 40
"""Samples of a function; of more, which differ in one argument each, these are taken at equal distances."""

ROUNDED = {"binary_cross_entropy": 1e-9, "hardsigmoid": 1e-7}
"""Where PyTorch's own numbers are less exact: near 0 and 1; and it has a sixth in float32."""


def operators(name):
    """Return PyTorch's descriptions of the function that it calls ``name``."""
    known = pytest.importorskip("torch.testing._internal.common_methods_invocations").op_db  # takes two seconds
    return [op for op in known if op.name == f"nn.functional.{name}"] or [op for op in known if op.name == name]


def ours_of(value, leaves):
    """Return our arguments for PyTorch's; tensors of floats are collected in ``leaves``, beside theirs."""
    if isinstance(value, torch.Tensor):
        if not value.requires_grad:
            return value.numpy()
        own = ag.tensor(value.detach().numpy(), requires_grad=True)
        leaves.append((own, value))
        return own
    if isinstance(value, torch.Size):
        return tuple(value)
    return type(value)(ours_of(each, leaves) for each in value) if isinstance(value, (list, tuple)) else value


def hold(name, operator, call, order):
    """Hold one call against PyTorch's: values, gradients, and gradients of these."""
    leaves, bound = [], ROUNDED.get(name, 1e-10)
    args = [ours_of(each, leaves) for each in (call.input, *call.args)]
    options = {key: ours_of(value, leaves) for key, value in call.kwargs.items()}
    if name.endswith("max_pool3d"):  # which has no indices to return
        args = [each for each in args if each is not False]
        options.pop("return_indices", None)
    y, z = getattr(F, name)(*args, **options), operator.op(call.input, *call.args, **call.kwargs)
    if isinstance(z, tuple):
        assert (y[1] == z[1].numpy()).all(), "the indices"
        y, z = y[0], z[0]
    agree(y, z, "the value", bound)
    ours, theirs = [own for own, _ in leaves], [known for _, known in leaves]
    for level in range(order if z.requires_grad else 0):
        g = torch.linspace(0.5, 1.5, z.numel(), dtype=z.dtype).reshape(z.shape)
        more = level + 1 < order
        known = torch.autograd.grad(z, theirs, g, create_graph=more, materialize_grads=True)
        found = [None] * len(ours)
        if getattr(y, "requires_grad", False):
            found = gradients(y, ours, g.numpy(), create_graph=more)
        found = [np.zeros(leaf.shape) if each is None else each for leaf, each in zip(ours, found, strict=True)]
        for own, each in zip(found, known, strict=True):
            agree(own, each, f"the gradient of order {level + 1}", bound)
        y, z = sum(ag.sum(own**3) for own in found), sum((each**3).sum() for each in known)
        if not z.requires_grad:
            return


@pytest.mark.slow
@for_each("name", sorted(set(F.__all__) - WITHOUT_SAMPLES))
def test_values_and_gradients(name):
    left_out = LEFT_OUT.get(name, lambda _: False)
    calls = [
        (operator, call)
        for operator in operators(name)
        for call in operator.sample_inputs("cpu", torch.float64, requires_grad=True)
        if not left_out(call)
    ]
    assert calls
    for operator, call in calls[:: -(-len(calls) // MOST)]:
        try:
            with ag.set_backend("reference"):
                hold(name, operator, call, 1 if name in ONCE else 2)
        except Exception as error:
            error.add_note(f"{name}{tuple(call.input.shape)} {call.args} {call.kwargs}")
            raise
