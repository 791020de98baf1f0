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
    ("SGD", {"lr": 0.001, "weight_decay": 0.2, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.05, "betas": (0.5, 0.9), "eps": 1e-3}),
    ("Adam", {"lr": 0.05, "weight_decay": 0.1, "amsgrad": True}),
    ("Adam", {"maximize": True}),
    ("AdamW", {"lr": 0.05}),
    ("AdamW", {"lr": 0.05, "betas": (0.8, 0.7), "weight_decay": 0.3, "amsgrad": True}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.05, "alpha": 0.5, "eps": 1e-3, "weight_decay": 0.1, "centered": True}),
    ("RMSprop", {"lr": 0.05, "momentum": 0.8}),
    ("Adagrad", {"lr": 0.1}),
    ("Adagrad", {"lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-4, "weight_decay": 0.1}),
    ("Adamax", {"lr": 0.1}),
    ("Adamax", {"betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.1}),
    ("NAdam", {"weight_decay": 0.1, "momentum_decay": 0.1}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.1}),
    ("RAdam", {"betas": (0.5, 0.6), "weight_decay": 0.1}),
    ("RAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Muon", {"lr": 0.01}),
    ("Muon", {"lr": 0.01, "nesterov": False, "adjust_lr_fn": "match_rms_adamw", "ns_steps": 3}),
    ("LBFGS", {"max_iter": 3, "lr": 0.3}),
    ("LBFGS", {"max_iter": 4, "lr": 0.3, "history_size": 2, "max_eval": 3}),
    ("LBFGS", {"max_iter": 4, "lr": 0.3, "line_search_fn": "strong_wolfe"}),
    ("LBFGS", {"max_iter": 3, "lr": 8.0, "line_search_fn": "strong_wolfe"}),
]
SCHEDULES = [
    ("StepLR", {"step_size": 2, "gamma": 0.3}),
    ("MultiStepLR", {"milestones": [3, 1, 3], "gamma": 0.3}),
    ("ExponentialLR", {"gamma": 0.8}),
    ("CosineAnnealingLR", {"T_max": 4, "eta_min": 0.01}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.2, "end_factor": 0.7, "total_iters": 3}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.7, "total_iters": 2}),
    ("PolynomialLR", {"total_iters": 9, "power": 1.5}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.9**epoch}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3}),
    ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 2, "eta_min": 0.05}),
    ("OneCycleLR", {"max_lr": 0.7, "total_steps": 8}),
    (
        "OneCycleLR",
        {"max_lr": [0.5], "epochs": 2, "steps_per_epoch": 5, "anneal_strategy": "linear", "pct_start": 0.25},
    ),
    ("OneCycleLR", {"max_lr": 0.7, "total_steps": 11, "three_phase": True, "cycle_momentum": False, "div_factor": 4.0}),
]


@pytest.fixture(autouse=True)
def in_float64(monkeypatch):
    """Let PyTorch keep its numbers in float64, too, and not fall to bfloat16 in Muon."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda self: self.clone())
    yield
    torch.set_default_dtype(default)


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

    def closure():
        optimiser.zero_grad()
        value = loss(parameter)
        value.backward()
        return value

    for _ in range(steps):
        optimiser.step(closure)
        yield parameter


def tensors(value):
    """Return PyTorch's tensors for numbers and arrays, also for those in a list."""
    return list(map(tensors, value)) if isinstance(value, list) else torch.tensor(value)


def both(rng, name, options):
    """Return a parameter and its optimiser on either side."""
    first = rng.standard_normal((3, 2))
    p, q = ag.tensor(first, requires_grad=True), torch.tensor(first, requires_grad=True)
    return (p, getattr(optim, name)([p], **options)), (q, getattr(torch.optim, name)([q], **options))


@pytest.mark.slow
@for_each("name, options", OPTIMISERS)
def test_a_hundred_steps(rng, name, options):
    ours, theirs = losses(rng)
    (p, mine), (q, yours) = both(rng, name, options)
    steps = 5 if name == "LBFGS" else 100  # it would have arrived, and make its steps of rounding errors
    for found, known in zip(descend(ours, mine, p, steps), descend(theirs, yours, q, steps), strict=True):
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


@for_each("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam"])
def test_options_that_choose_how_a_step_is_computed_change_nothing(rng, name):
    (_, mine), (q, yours) = both(rng, name, {"lr": 0.1, "foreach": True})
    q.grad = torch.ones_like(q)
    yours.step()
    mine.load_state_dict(yours.state_dict())


def test_an_option_that_there_is_not_is_refused(rng):
    (_, mine), (_q, yours) = both(rng, "SGD", {"lr": 0.1})
    yours.param_groups[0]["differentiable"] = 3
    yours.param_groups[0]["clip"] = 3
    with pytest.raises(ArgumentError) as error:
        mine.load_state_dict(yours.state_dict())
    assert (
        str(error.value) == "load_state_dict: the state is not of this SGD: expected no option 'clip', or False, got 3"
    )


@for_each("name, options", OPTIMISERS)
def test_our_state_goes_on_there(rng, name, options):
    ours, theirs = losses(rng)
    (p, mine), (q, yours) = both(rng, name, options)
    list(descend(ours, mine, p, 3))
    state = mine.state_dict()
    for held in state["state"].values():
        held.update({key: tensors(value) for key, value in held.items()})
        if name != "LBFGS":
            held.setdefault("step", torch.tensor(3.0))
    q.data = torch.tensor(p.numpy())
    yours.load_state_dict(state)
    for found, known in zip(descend(ours, mine, p, 2), descend(theirs, yours, q, 2), strict=True):
        agree(found, known)


@for_each("name, options", SCHEDULES)
def test_schedules(rng, name, options):
    """With a step of the optimiser in each epoch, as PyTorch asks for."""
    (p, mine), (q, yours) = both(rng, "SGD", {"lr": 0.2, "momentum": 0.5})
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
    grows = not any(name.startswith(("Cosine", "OneCycle", "Lambda")) for name, _ in chosen)
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


@for_each(
    "schedule, milestones",
    [
        (lambda s, o: [s.ConstantLR(o, 0.1, 2), s.ExponentialLR(o, 0.9)], [2]),
        (lambda s, o: [s.LinearLR(o, 0.1, total_iters=3), s.CosineAnnealingLR(o, 4), s.StepLR(o, 2)], [3, 6]),
        (lambda s, o: [s.LinearLR(o, 0.1, total_iters=3), s.PolynomialLR(o, 5)], [3]),
    ],
)
def test_schedules_one_after_the_other(rng, schedule, milestones):
    (_, mine), (_q, yours) = both(rng, "SGD", {"lr": 0.2})
    ours = optim.SequentialLR(mine, schedule(optim, mine), milestones)
    theirs = torch.optim.lr_scheduler
    known = theirs.SequentialLR(yours, schedule(theirs, yours), milestones)
    yours.step()
    for _ in range(9):
        np.testing.assert_allclose(ours.get_last_lr(), known.get_last_lr(), rtol=1e-12, atol=1e-15)
        ours.step()
        known.step()


@for_each(
    "options",
    [{}, {"patience": 1}, {"patience": 0, "cooldown": 2, "factor": 0.5}, {"mode": "max", "patience": 1, "min_lr": 0.01},
     {"patience": 1, "threshold_mode": "abs", "threshold": 0.3}, {"patience": 0, "eps": 0.05}],
)  # fmt: skip
def test_a_plateau(rng, options):
    (_, mine), (_q, yours) = both(rng, "SGD", {"lr": 0.2})
    ours, known = optim.ReduceLROnPlateau(mine, **options), torch.optim.lr_scheduler.ReduceLROnPlateau(yours, **options)
    for metric in rng.integers(1, 9, 30) / 4:
        ours.step(metric)
        known.step(metric)
        assert ours.get_last_lr() == pytest.approx(known.get_last_lr(), rel=1e-12)
        assert (ours.best, ours.num_bad_epochs) == (known.best, known.num_bad_epochs)


@for_each("buffers", [False, True])
@for_each("average", ["get_swa_avg_fn", "get_ema_avg_fn"])
def test_averages_of_weights(rng, average, buffers):
    ours = ag.nn.Sequential(ag.nn.Conv2d(2, 3, 1, dtype=float), ag.nn.BatchNorm2d(3, dtype=float))
    theirs = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 1), torch.nn.BatchNorm2d(3))
    utils = torch.optim.swa_utils
    mine = optim.AveragedModel(ours, avg_fn=getattr(optim, average)(), use_buffers=buffers)
    known = utils.AveragedModel(theirs, avg_fn=getattr(utils, average)(), use_buffers=buffers)
    batches = rng.standard_normal((4, 5, 2, 3, 3))
    for _ in range(4):
        state = {name: rng.uniform(0.5, 1.0, value.shape) if value.dtype == float else value
                 for name, value in ours.state_dict().items()}  # fmt: skip
        ours.load_state_dict(state)
        theirs.load_state_dict({name: torch.tensor(value) for name, value in state.items()})
        mine.update_parameters(ours)
        known.update_parameters(theirs)
        agree_in_state(mine, known)
    optim.update_bn(batches, mine)
    utils.update_bn(torch.tensor(batches), known)
    agree_in_state(mine, known)
    batch = batches[0]
    agree(mine.eval()(batch), known.eval()(torch.tensor(batch)))


def agree_in_state(module, known):
    state = known.state_dict()
    assert module.state_dict().keys() == state.keys()
    for name, value in module.state_dict().items():
        np.testing.assert_allclose(value, state[name].numpy(), rtol=1e-12)
