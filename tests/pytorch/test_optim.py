"""Optimisers and schedules step for step as PyTorch's."""

import numpy as np
import pytest
import torch
from pytorch.comparison import agree
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import optim
from autograd_cnn.errors import ArgumentError

OPTIMISERS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.2}),
    ("Adam", {}),
    ("Adam", {"lr": 0.05, "betas": (0.5, 0.9), "eps": 1e-3}),
    ("Adam", {"lr": 0.05, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.05}),
    ("AdamW", {"lr": 0.05, "betas": (0.8, 0.7), "weight_decay": 0.3}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.05, "alpha": 0.5, "eps": 1e-3, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.05, "momentum": 0.8}),
]
SCHEDULES = [
    ("StepLR", {"step_size": 2, "gamma": 0.3}),
    ("CosineAnnealingLR", {"T_max": 4, "eta_min": 0.01}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.2, "end_factor": 0.7, "total_iters": 3}),
]


def losses(rng):
    """Return the same bowl on both sides: a sum of squares, tilted."""
    slopes, centre = rng.uniform(0.5, 3, (3, 2)), rng.standard_normal((3, 2))

    def ours(p):
        return ((p - centre) ** 2 * slopes).sum() + (p**3).sum() * 0.01

    def theirs(p):
        return ((p - torch.tensor(centre)) ** 2 * torch.tensor(slopes)).sum() + (p**3).sum() * 0.01

    return ours, theirs


def descend(loss, optimiser, parameter, steps):
    """Yield the parameter after each step."""
    for _ in range(steps):
        optimiser.zero_grad()
        loss(parameter).backward()
        optimiser.step()
        yield parameter


def both(rng, name, options):
    """Return a parameter and its optimiser on either side."""
    first = rng.standard_normal((3, 2))
    p, q = ag.tensor(first, requires_grad=True), torch.tensor(first, requires_grad=True)
    return (p, getattr(optim, name)([p], **options)), (q, getattr(torch.optim, name)([q], **options))


@for_each("name, options", OPTIMISERS)
def test_five_steps(rng, name, options):
    ours, theirs = losses(rng)
    (p, mine), (q, yours) = both(rng, name, options)
    for found, known in zip(descend(ours, mine, p, 5), descend(theirs, yours, q, 5), strict=True):
        agree(found, known)


@for_each("name, options", OPTIMISERS)
def test_pytorchs_state_goes_on_here(rng, name, options):
    """Three steps there, their state loaded here, and two more on either side."""
    ours, theirs = losses(rng)
    (p, mine), (q, yours) = both(rng, name, options)
    list(descend(theirs, yours, q, 3))
    p.data = q.detach().numpy().copy()
    mine.load_state_dict(yours.state_dict())
    for found, known in zip(descend(ours, mine, p, 2), descend(theirs, yours, q, 2), strict=True):
        agree(found, known)


@for_each("options", [{"maximize": True}, {"weight_decay": -0.0, "foreach": True}])
@for_each("name", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_options_of_pytorchs_that_matter_are_refused(rng, name, options):
    (_p, mine), (q, yours) = both(rng, name, {"lr": 0.1})
    q.grad = torch.ones_like(q)
    yours = getattr(torch.optim, name)([q], lr=0.1, **options)
    yours.step()
    if "maximize" not in options:
        mine.load_state_dict(yours.state_dict())
        return
    with pytest.raises(ArgumentError) as error:
        mine.load_state_dict(yours.state_dict())
    assert (
        str(error.value)
        == f"load_state_dict: the state is not of this {name}: expected no option 'maximize', or False, got True"
    )


@for_each("name, options", OPTIMISERS)
def test_our_state_goes_on_there(rng, name, options):
    ours, theirs = losses(rng)
    (p, mine), (q, yours) = both(rng, name, options)
    list(descend(ours, mine, p, 3))
    state = mine.state_dict()
    for held in state["state"].values():
        held.update({key: torch.tensor(value) for key, value in held.items()})
        held.setdefault("step", torch.tensor(3.0))
    q.data = torch.tensor(p.numpy())
    yours.load_state_dict(state)
    for found, known in zip(descend(ours, mine, p, 2), descend(theirs, yours, q, 2), strict=True):
        agree(found, known)


@pytest.mark.parametrize(("name", "options"), SCHEDULES)
def test_schedules(rng, name, options):
    """With a step of the optimiser in each epoch, as PyTorch asks for."""
    (p, mine), (q, yours) = both(rng, "SGD", {"lr": 0.2})
    schedule = getattr(optim, name)(mine, **options)
    known = getattr(torch.optim.lr_scheduler, name)(yours, **options)
    for _ in range(7):
        np.testing.assert_allclose(schedule.get_last_lr(), known.get_last_lr(), rtol=1e-12)
        for parameter, optimiser in ((p, mine), (q, yours)):
            (parameter**2).sum().backward()
            optimiser.step()
        schedule.step()
        known.step()
    agree(p, q)


@for_each("one", range(len(SCHEDULES)))
@for_each("other", range(len(SCHEDULES)))
def test_two_schedules_on_one_optimiser(rng, one, other):
    """With a rate set by hand and, where PyTorch can, a group added later; then its cosine forgets the other one."""
    (_, mine), (_q, yours) = both(rng, "SGD", {"lr": 0.2})
    chosen = [SCHEDULES[one], SCHEDULES[other]]
    schedules = [getattr(optim, name)(mine, **options) for name, options in chosen]
    known = [getattr(torch.optim.lr_scheduler, name)(yours, **options) for name, options in chosen]
    yours.step()  # or they warn
    grows = all(name != "CosineAnnealingLR" for name, _ in chosen)
    for epoch in range(5):
        np.testing.assert_allclose([g["lr"] for g in mine.param_groups], [g["lr"] for g in yours.param_groups], 1e-9)
        if epoch == 2:
            mine.param_groups[0]["lr"] *= 0.5
            yours.param_groups[0]["lr"] *= 0.5
        if epoch == 3 and grows:
            mine.add_param_group({"params": [ag.tensor(1.0, requires_grad=True)], "lr": 0.7})
            yours.add_param_group({"params": [torch.tensor(1.0, requires_grad=True)], "lr": 0.7})
        for schedule in (*schedules, *known):
            schedule.step()
