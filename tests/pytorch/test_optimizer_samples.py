"""Our optimisers with the options that PyTorch tries its own with (``OptimizerInfo``)."""

import pytest
import torch
from pytorch.comparison import agree
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn, optim

pytest.importorskip("expecttest", reason="which PyTorch's list of optimisers needs")

WITHOUT = {"Muon"}
"""Which PyTorch computes in bfloat16."""


def optimizers():
    """Return PyTorch's descriptions of the optimisers that there are here, too."""
    known = pytest.importorskip("torch.testing._internal.common_optimizers").optim_db  # takes two seconds
    return [each for each in known if each.optim_cls.__name__ in {*dir(optim)} - WITHOUT]


def number_of(value):
    """Return our option for PyTorch's."""
    if isinstance(value, tuple):
        return tuple(map(number_of, value))
    return float(value) if isinstance(value, torch.Tensor) else value


def descend(optimiser, parameters, targets, sin, closure):
    """Take a few steps down a function with many valleys."""

    def loss():
        optimiser.zero_grad()
        total = sum(((p - t) ** 2 + sin(p * 3)).sum() for p, t in zip(parameters, targets, strict=True))
        total.backward()
        return total

    for _ in range(8):
        if closure:
            optimiser.step(loss)
        else:
            loss()
            optimiser.step()


@pytest.mark.slow
@for_each("info", optimizers)
def test_options(rng, info):
    for options in (each.kwargs for each in info.optim_inputs_func(device="cpu", dtype=torch.float64)):
        if isinstance(options.get("lr"), torch.Tensor):
            options |= {"lr": options["lr"].double()}  # in float32 it would be another rate
        start, targets = ([rng.standard_normal(shape) for shape in ((3, 4), (5,), ())] for _ in range(2))
        ours = [nn.Parameter(x) for x in start]
        theirs = [torch.tensor(x, requires_grad=True) for x in start]
        mine = getattr(optim, info.optim_cls.__name__)(ours, **{k: number_of(v) for k, v in options.items()})
        descend(mine, ours, targets, ag.sin, info.step_requires_closure)
        known = map(torch.tensor, targets)
        descend(info.optim_cls(theirs, **options), theirs, list(known), torch.sin, info.step_requires_closure)
        for own, each in zip(ours, theirs, strict=True):
            agree(own, each, f"{info.optim_cls.__name__} with {options}", 1e-9)
