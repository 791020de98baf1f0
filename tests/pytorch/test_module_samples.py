"""Our layers and losses on the samples that PyTorch keeps for its own (``ModuleInfo``), with the same state."""

import numpy as np
import pytest
import torch
from pytorch.comparison import agree
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn

pytest.importorskip("expecttest", reason="which PyTorch's list of modules needs")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of slow paths, and of names that will change

LEFT_OUT = {
    "BatchNorm1d": lambda sample: 0 in sample.inputs[0].shape,  # of nothing there is no variance
    "BatchNorm2d": lambda sample: 0 in sample.inputs[0].shape,
    "InstanceNorm2d": lambda sample: len(sample.args) > 4 or sample.options.get("track_running_stats"),
    "Linear": lambda sample: not sample.inputs,  # it calls its input x
    "MaxPool3d": lambda sample: sample.options.get("return_indices"),
    "PoissonNLLLoss": lambda sample: sample.options.get("full"),  # PyTorch's gradient in a count of 0 is NaN
}
"""Samples of what is missing here."""

RANDOM = {"Dropout", "Dropout1d", "Dropout2d"}
"""What agrees in eval mode alone."""

LABELLED = {"SoftMarginLoss"}
"""Losses whose targets have no gradient there, though they are floats."""

MOST = 6
"""Samples of a class; of more, which differ in one argument each, these are taken at equal distances."""


class Sample:
    """One of PyTorch's layers with its arguments and its inputs."""

    def __init__(self, info, sample, training):
        self.args, self.options = sample.constructor_input.args, dict(sample.constructor_input.kwargs)
        self.inputs, self.named = sample.forward_input.args, sample.forward_input.kwargs
        self.name, self.training = info.module_cls.__name__, training

    def __str__(self):
        shapes = [tuple(getattr(x, "shape", ())) for x in self.inputs]
        return f"{self.name}{self.args} {self.options}, training={self.training}, on {shapes}"


def modules():
    """Return PyTorch's descriptions of the layers that there are here, too."""
    known = pytest.importorskip("torch.testing._internal.common_modules").module_db  # takes three seconds
    return [each for each in known if hasattr(nn, each.module_cls.__name__)]


def samples(info):
    """Return some of PyTorch's samples of a class."""
    name, found = info.module_cls.__name__, []
    left_out = LEFT_OUT.get(name, lambda _: False)
    for training in [True, False] if info.train_and_eval_differ else [name not in RANDOM]:
        given = info.module_inputs_func(info, "cpu", torch.float64, requires_grad=False, training=training)
        found += [Sample(info, each, training) for each in given if each.forward_input is not None]
    found = [each for each in found if not left_out(each) and not (each.training and name in RANDOM)]
    return found[:: -(-len(found) // MOST)] if found else []


def ours_of(value):
    """Return our argument for PyTorch's."""
    if isinstance(value, torch.nn.TransformerEncoderLayer):
        attention = value.self_attn
        own = nn.TransformerEncoderLayer(
            attention.embed_dim, attention.num_heads, value.linear1.out_features, value.dropout.p,
            ours_of(value.activation), value.norm1.eps, attention.batch_first, value.norm_first,
            value.linear1.bias is not None,
        )  # fmt: skip
        own.load_state_dict(value.state_dict())
        return own
    if callable(value):
        return getattr(nn.functional, value.__name__)
    if isinstance(value, torch.Tensor):
        return value.numpy()
    return type(value)(map(ours_of, value)) if isinstance(value, (tuple, list)) else value


def leaves(value, kind):
    """Yield the tensors of a result or of arguments."""
    if isinstance(value, kind):
        yield value
    for part in value if isinstance(value, (tuple, list)) else ():
        yield from leaves(part, kind)


def tracked(value, constant=False):
    """Return PyTorch's input and ours, which ask for gradients where they are of floats and not constant."""
    if isinstance(value, torch.Tensor):
        if constant or not value.is_floating_point():
            return value, value.numpy()
        return value.detach().clone().requires_grad_(), ag.tensor(value.detach().numpy(), requires_grad=True)
    if isinstance(value, (tuple, list)):
        pairs = [tracked(part) for part in value]
        return type(value)(a for a, _ in pairs), type(value)(b for _, b in pairs)
    return value, value


def hold(info, sample):
    """Hold one call against PyTorch's: values, state, and gradients of inputs and parameters."""
    torch.manual_seed(0)
    theirs = info.module_cls(*sample.args, **sample.options).double().train(sample.training)
    options = {key: ours_of(value) for key, value in sample.options.items()}
    ours = getattr(nn, sample.name)(*map(ours_of, sample.args), **options).astype(float).train(sample.training)
    ours.load_state_dict(theirs.state_dict())
    inputs = [tracked(each, i > 0 and sample.name in LABELLED) for i, each in enumerate(sample.inputs)]
    named = {key: tracked(value) for key, value in sample.named.items()}
    z = theirs(*(a for a, _ in inputs), **{key: a for key, (a, _) in named.items()})
    y = ours(*(b for _, b in inputs), **{key: b for key, (_, b) in named.items()})
    known = list(leaves(z, torch.Tensor))
    found = list(leaves(y, (ag.Tensor, np.ndarray)))
    weights = [np.linspace(0.5, 1.5, each.numel()).reshape(each.shape) for each in known]
    for own, each in zip(found, known, strict=True):
        agree(own, each, "the value", 1e-7)
    chosen = [(own, each, w) for own, each, w in zip(found, known, weights, strict=True) if each.requires_grad]
    if chosen:
        sum((each * torch.tensor(w)).sum() for _, each, w in chosen).backward()
        ag.sum(sum(ag.sum(own * w) for own, _, w in chosen)).backward()
    pairs = [
        *zip(leaves([b for _, b in inputs], ag.Tensor), (
            leaf for leaf in leaves([a for a, _ in inputs], torch.Tensor) if leaf.requires_grad
        ), strict=True),
        *zip(ours.parameters(), theirs.parameters(), strict=True),
    ]  # fmt: skip
    for own, each in pairs:
        if each.grad is not None:
            agree(np.zeros(own.shape) if own.grad is None else own.grad, each.grad, "a gradient", 1e-7)
    for name, value in theirs.state_dict().items():
        agree(ours.state_dict()[name], value, f"the state of {name}", 1e-9)


@pytest.mark.slow
@for_each("info", modules)
def test_values_gradients_and_states(info):
    for sample in samples(info):
        try:
            with ag.set_backend("reference"), np.errstate(all="ignore"):
                hold(info, sample)
        except Exception as error:
            error.add_note(str(sample))
            raise
