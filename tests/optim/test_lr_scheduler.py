import math

import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn, optim
from autograd_cnn.errors import ArgumentError, OperandError


def _optimizer(lr=0.2):
    return optim.SGD([{"params": [ag.tensor(1.0, requires_grad=True)]},
                      {"params": [ag.tensor(1.0, requires_grad=True)], "lr": 2 * lr}], lr=lr)  # fmt: skip


def _rates(schedule, epochs=8):
    rates = []
    for _ in range(epochs):
        rates.append(schedule.get_last_lr())
        schedule.step()
    return rates


# As computed by PyTorch 2.13 for lr = 0.2.
PYTORCH = [
    (lambda o: optim.StepLR(o, 2, 0.5), [0.2, 0.2, 0.1, 0.1, 0.05, 0.05, 0.025, 0.025]),
    (lambda o: optim.CosineAnnealingLR(o, 5, 0.01),
     [0.2, 0.181857, 0.134357, 0.075643, 0.028143, 0.01, 0.028143, 0.075643]),
    (lambda o: optim.LinearLR(o, 0.25, total_iters=4), [0.05, 0.0875, 0.125, 0.1625, 0.2, 0.2, 0.2, 0.2]),
]  # fmt: skip


@pytest.mark.parametrize(("make", "expected"), PYTORCH)
def test_the_rates_are_pytorchs(make, expected):
    assert [first for first, _ in _rates(make(_optimizer()))] == pytest.approx(expected, abs=1e-6)


def test_every_group_keeps_its_share():
    assert all(second == 2 * first for first, second in _rates(optim.StepLR(_optimizer(), 3)))


def test_formulas():
    cosine = [first for first, _ in _rates(optim.CosineAnnealingLR(_optimizer(1.0), 10), 11)]
    assert cosine == pytest.approx([(1 + math.cos(math.pi * i / 10)) / 2 for i in range(11)])
    linear = [first for first, _ in _rates(optim.LinearLR(_optimizer(1.0), 0.5, 0.1, 4), 6)]
    assert linear == pytest.approx([0.5, 0.4, 0.3, 0.2, 0.1, 0.1])


# By PyTorch 2.13, lr = 0.2: a warm-up beside a decay, and three at once; the rates that the optimiser steps with.
CHAINED = [
    (lambda o: [optim.LinearLR(o, 0.25, total_iters=4), optim.StepLR(o, 3, 0.1)],
     [0.05, 0.0875, 0.125, 0.01625, 0.02, 0.02, 0.002, 0.002]),
    (lambda o: [optim.LinearLR(o, 0.5, total_iters=3), optim.CosineAnnealingLR(o, 5)],
     [0.1, 0.120601, 0.109085, 0.069098, 0.019098, 0.0, 0.019098, 0.069098]),
]  # fmt: skip


@pytest.mark.parametrize(("make", "expected"), CHAINED)
def test_schedules_of_one_optimiser_go_together(make, expected):
    optimizer = _optimizer()
    schedules = make(optimizer)
    rates = []
    for _ in range(8):
        rates.append(optimizer.param_groups[0]["lr"])
        for schedule in schedules:
            schedule.step()
    assert rates == pytest.approx(expected, abs=1e-6)


def test_a_rate_that_the_user_sets_is_kept():
    optimizer = _optimizer(1.0)
    schedule = optim.StepLR(optimizer, 2, 0.5)
    optimizer.param_groups[0]["lr"] = 0.3
    _rates(schedule, 2)
    assert schedule.get_last_lr() == [0.15, 1.0]


def test_a_group_that_is_added_later_is_scheduled_from_then_on():
    optimizer = _optimizer(1.0)
    schedule = optim.StepLR(optimizer, 2, 0.5)
    schedule.step()
    optimizer.add_param_group({"params": [ag.tensor(1.0, requires_grad=True)], "lr": 4.0})
    assert schedule.get_last_lr() == [1.0, 2.0, 4.0]
    schedule.step()
    assert schedule.get_last_lr() == [0.5, 1.0, 2.0]


NO_STATE = "load_state_dict: it is not a state of this schedule: expected a dict with last_epoch, base_lrs, lrs"


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (None, f"{NO_STATE}, got NoneType"),
        ({"last_epoch": 3}, f"{NO_STATE}, got last_epoch"),
        (
            {"last_epoch": 3, "base_lrs": [1.0], "lrs": [1.0]},
            "load_state_dict: the schedule is of another optimiser: expected 2 rates, got 1",
        ),
    ],
)
def test_a_state_of_something_else_changes_nothing(state, text):
    schedule = optim.StepLR(_optimizer(), 2)
    with pytest.raises(ArgumentError) as error:
        schedule.load_state_dict(state)
    assert str(error.value) == text
    assert (schedule.last_epoch, schedule.get_last_lr()) == (0, [0.2, 0.4])


def test_a_cycle_moves_the_momentum_against_the_rate():
    for optimizer, name in ((_optimizer(), "momentum"), (optim.Adam([ag.tensor(1.0, requires_grad=True)]), "betas")):
        schedule = optim.OneCycleLR(optimizer, 1.0, 4, pct_start=0.5, anneal_strategy="linear")
        momenta = []
        for _ in range(4):
            value = optimizer.param_groups[0][name]
            momenta.append(value[0] if name == "betas" else value)
            schedule.step()
        assert momenta == pytest.approx([0.95, 0.85, 0.9, 0.95])


def test_a_sequence_takes_in_a_group_that_is_added_later():
    optimizer = _optimizer(1.0)
    schedule = optim.SequentialLR(optimizer, [optim.ConstantLR(optimizer, 0.5), optim.StepLR(optimizer, 2)], [2])
    optimizer.add_param_group({"params": [ag.tensor(1.0, requires_grad=True)], "lr": 4.0})
    schedule.step()
    schedule.step()
    assert schedule.get_last_lr() == [1.0, 2.0, 8.0]  # it changes as the others do


def test_a_plateau_goes_on_from_its_state():
    one, two = (optim.ReduceLROnPlateau(_optimizer(), patience=1, cooldown=1) for _ in range(2))
    for metric in [3.0, 3.0]:
        one.step(metric)
    two.load_state_dict(one.state_dict())
    for metric in [3.0, ag.tensor(3.0), 3.0, 3.0]:
        one.step(metric)
        two.step(metric)
        assert one.state_dict() == two.state_dict()
    assert one.get_last_lr() == pytest.approx([0.002, 0.004])


def test_schedules_show_their_options():
    optimizer = _optimizer()
    shown = [
        repr(optim.StepLR(optimizer, 2)), repr(optim.ReduceLROnPlateau(optimizer, patience=3)),
    ]  # fmt: skip
    assert shown == [
        "StepLR(step_size=2, gamma=0.1, last_epoch=0)",
        ("ReduceLROnPlateau(mode='min', factor=0.1, patience=3, threshold=0.0001, threshold_mode='rel', cooldown=0, "
         "min_lr=0, eps=1e-08, last_epoch=0)"),
    ]  # fmt: skip


def test_the_state_makes_a_round_trip():
    one, two = optim.StepLR(_optimizer(), 2), optim.StepLR(_optimizer(9.0), 2)
    _rates(one, 3)
    two.load_state_dict(one.state_dict())
    assert two.get_last_lr() == one.get_last_lr()
    assert _rates(two) == _rates(one)


@for_each(
    "make, text",
    [
        (lambda o: optim.StepLR(o, 0), "StepLR: step_size is out of range: expected an int of at least 1, got 0"),
        (lambda o: optim.CosineAnnealingLR(o, 0),
         "CosineAnnealingLR: T_max is out of range: expected an int of at least 1, got 0"),
        (lambda o: optim.LinearLR(o, 0), "LinearLR: start_factor is out of range: expected a number above 0, got 0"),
        (lambda o: optim.LinearLR(o, total_iters=0),
         "LinearLR: total_iters is out of range: expected an int of at least 1, got 0"),
        (lambda o: optim.StepLR(o, 2, "a"), "StepLR: gamma is not understood: expected a number of at least 0, got 'a'"),
        (lambda o: optim.CosineAnnealingLR(o, 2, "a"),
         "CosineAnnealingLR: eta_min is not understood: expected a number of at least 0, got 'a'"),
        (lambda o: optim.LinearLR(o, "a"), "LinearLR: start_factor is not understood: expected a number above 0, got 'a'"),
        (lambda o: optim.LinearLR(o, end_factor=-1),
         "LinearLR: end_factor is out of range: expected a number of at least 0, got -1"),
        (lambda o: optim.StepLR(o, 2, math.nan), "StepLR: gamma is out of range: expected a number of at least 0, got nan"),
        (lambda o: optim.MultiStepLR(o, [2], -0.1),
         "MultiStepLR: gamma is out of range: expected a number of at least 0, got -0.1"),
        (lambda o: optim.ExponentialLR(o, math.inf),
         "ExponentialLR: gamma is not finite: expected a number of at least 0, got inf"),
        (lambda o: optim.PolynomialLR(o, power=-1),
         "PolynomialLR: power is out of range: expected a number of at least 0, got -1"),
        (lambda o: optim.OneCycleLR(o, math.inf, 5),
         "OneCycleLR: max_lr is not finite: expected a number of at least 0, got inf"),
        (lambda o: optim.MultiStepLR(o, [1, -1]),
         "MultiStepLR: milestones is out of range: expected at least 0, got [1, -1]"),
        (lambda o: optim.LambdaLR(o, 0.5),
         "LambdaLR: lr_lambda is not understood: expected a function, or one for each group, got 0.5"),
        (lambda o: optim.LambdaLR(o, [float]),
         "LambdaLR: lr_lambda has the wrong length: expected 2 functions, one for each group, got 1"),
        (lambda o: optim.OneCycleLR(o, 1.0, epochs=3),
         "OneCycleLR: how long is the cycle; pass total_steps, or epochs and steps_per_epoch"),
        (lambda o: optim.OneCycleLR(o, [1.0], 5),
         "OneCycleLR: max_lr has the wrong length: expected 2, one for each group, got 1"),
        (lambda o: optim.OneCycleLR(o, 1.0, 5, anneal_strategy="sin"),
         "OneCycleLR: anneal_strategy is unknown: expected 'cos' or 'linear', got 'sin'"),
        (lambda o: optim.OneCycleLR(optim.Adagrad([ag.tensor(1.0, requires_grad=True)]), 1.0, 5),
         "OneCycleLR: Adagrad has no momentum; pass cycle_momentum=False"),
        (lambda o: _rates(optim.OneCycleLR(o, 1.0, 5), 7), "OneCycleLR: the cycle is over: expected 5 steps, got 6"),
        (lambda o: optim.SequentialLR(o, [optim.StepLR(o, 2)], [3]),
         "SequentialLR: milestones do not fit: expected 0 increasing epochs, got [3]"),
        (lambda o: optim.SequentialLR(o, [optim.StepLR(_optimizer(), 2)], []),
         "SequentialLR: a schedule is of another optimiser"),
        (lambda o: optim.ReduceLROnPlateau(o, "low"),
         "ReduceLROnPlateau: mode is unknown: expected 'min' or 'max', got 'low'"),
        (lambda o: optim.ReduceLROnPlateau(o, factor=1),
         "ReduceLROnPlateau: factor is out of range: expected a number from 0 to below 1, got 1"),
        (lambda o: optim.ReduceLROnPlateau(o, min_lr=[0.1]),
         "ReduceLROnPlateau: min_lr has the wrong length: expected 2, one for each group, got 1"),
        (lambda o: optim.ReduceLROnPlateau(o).step("a"),
         "ReduceLROnPlateau.step: metrics is not a number: expected such as the epoch's mean loss, got 'a'"),
        (lambda o: optim.ReduceLROnPlateau(o).load_state_dict({}),
         ("load_state_dict: it is not a state of this schedule: expected a dict with best, cooldown_counter, "
          "last_epoch, num_bad_epochs, lrs, got ")),
        (optim.StepLR, "StepLR: argument 'step_size' is missing; it takes optimizer, step_size, gamma"),
        (lambda o: optim.StepLR(nn.Linear(2, 1), 2),
         "StepLR: optimizer is not understood: expected an optimiser such as optim.SGD, got Linear"),
        (lambda o: optim.StepLR(o, 2).load_state_dict({"last_epoch": "a", "base_lrs": [], "lrs": []}),
         "load_state_dict: last_epoch is not understood: expected an int of at least 0, got 'a'"),
        (lambda o: optim.StepLR(o, 2).load_state_dict({"last_epoch": 1, "base_lrs": 3, "lrs": []}),
         "load_state_dict: base_lrs is not understood: expected a list of numbers, got 3"),
    ],
)  # fmt: skip
def test_what_is_refused(make, text):
    with pytest.raises((ArgumentError, OperandError)) as error:
        make(_optimizer())
    assert str(error.value) == text


def test_the_base_class_alone():
    with pytest.raises(NotImplementedError) as error:
        optim.Schedule(_optimizer())
    assert str(error.value) == "Schedule: rate is not defined"
