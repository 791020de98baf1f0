import json
import math

import pytest

import autograd_cnn as ag
from autograd_cnn import optim
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


def test_a_second_schedule_goes_on_from_the_present_rates():
    optimizer = _optimizer(1.0)
    _rates(optim.StepLR(optimizer, 1, 0.5), 2)
    later = optim.LinearLR(optimizer, 0.5)
    assert later.get_last_lr() == [0.125, 0.25]
    assert later.base_lrs == [1.0, 2.0]


def test_a_warm_up_is_not_lost_to_a_decay():
    optimizer = _optimizer(1.0)
    both = [optim.LinearLR(optimizer, 0.25, total_iters=3), optim.StepLR(optimizer, 2, 0.5)]
    seen = []
    for _ in range(6):
        seen.append(both[0].get_last_lr()[0])
        for schedule in both:
            schedule.step()
    assert seen == pytest.approx([0.25, 0.5, 0.75 / 2, 1 / 2, 1 / 4, 1 / 4])


def test_a_rate_set_by_hand_is_kept_and_scaled():
    optimizer = _optimizer(1.0)
    schedule = optim.CosineAnnealingLR(optimizer, 4)
    for group in optimizer.param_groups:
        group["lr"] *= 0.5
    assert [first for first, _ in _rates(schedule, 5)] == pytest.approx(
        [0.5 * (1 + math.cos(math.pi * i / 4)) / 2 for i in range(5)]
    )


def test_a_group_added_later_is_scheduled():
    optimizer = _optimizer(1.0)
    schedule = optim.StepLR(optimizer, 1, 0.5)
    schedule.step()
    optimizer.add_param_group({"params": [ag.tensor(1.0, requires_grad=True)], "lr": 8.0})
    schedule.step()
    assert schedule.get_last_lr() == [0.25, 0.5, 4.0]
    assert schedule.base_lrs == [1.0, 2.0, 8.0]
    schedule.step()
    assert schedule.get_last_lr() == [0.125, 0.25, 2.0]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_states_of_two_schedules_make_a_round_trip(order):
    def made(lr):
        optimizer = _optimizer(lr)
        return optimizer, [optim.LinearLR(optimizer, 0.25, total_iters=3), optim.CosineAnnealingLR(optimizer, 9, 0.01)]

    def run(schedules, epochs):
        for _ in range(epochs):
            for schedule in schedules:
                schedule.step()
        return schedules[0].get_last_lr()

    _, whole = made(1.0)
    _, stopped = made(1.0)
    optimizer, resumed = made(7.0)
    run(stopped, 4)
    states = [schedule.state_dict() for schedule in stopped]
    for i in order:
        resumed[i].load_state_dict(json.loads(json.dumps(states[i])))
    assert [group["lr"] for group in optimizer.param_groups] == stopped[0].get_last_lr()
    assert run(resumed, 3) == run(whole, 7)


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda state, _: {**state, "lrs": [1.0]}, "the state is of another number of groups: expected 2, got 1"),
        (lambda _, other: other,
         ("the state is not one of StepLR: expected step_size, gamma, last_epoch, base_lrs, first_lrs, own_lrs, lrs, "
         "got T_max, eta_min, last_epoch, base_lrs, first_lrs, own_lrs, lrs")),
    ],
)  # fmt: skip
def test_a_state_that_does_not_fit_changes_nothing(spoil, text):
    schedule, other = optim.StepLR(_optimizer(), 2), optim.CosineAnnealingLR(_optimizer(), 5)
    _rates(other, 2)
    before = schedule.state_dict()
    with pytest.raises(ArgumentError) as error:
        schedule.load_state_dict(spoil(before, other.state_dict()))
    assert str(error.value) == f"load_state_dict: {text}"
    assert schedule.state_dict() == before


def test_a_schedule_is_of_an_optimiser():
    with pytest.raises(OperandError) as error:
        optim.StepLR([0.1], 2)
    assert str(error.value) == "StepLR: optimizer is none: expected an Optimizer, got list"


def test_the_state_makes_a_round_trip():
    one, two = optim.StepLR(_optimizer(), 2), optim.StepLR(_optimizer(9.0), 2)
    _rates(one, 3)
    two.load_state_dict(one.state_dict())
    assert two.get_last_lr() == one.get_last_lr()
    assert _rates(two) == _rates(one)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda o: optim.StepLR(o, 0), "StepLR: step_size is out of range: expected an int of at least 1, got 0"),
        (lambda o: optim.CosineAnnealingLR(o, 0),
         "CosineAnnealingLR: T_max is out of range: expected an int of at least 1, got 0"),
        (lambda o: optim.LinearLR(o, 0), "LinearLR: start_factor is out of range: expected above 0, got 0"),
        (lambda o: optim.LinearLR(o, end_factor=-1.0),
         "LinearLR: end_factor is out of range: expected at least 0, got -1.0"),
        (lambda o: optim.StepLR(o, 1, math.nan), "StepLR: gamma is out of range: expected at least 0, got nan"),
        (lambda o: optim.CosineAnnealingLR(o, 1, -0.1),
         "CosineAnnealingLR: eta_min is out of range: expected at least 0, got -0.1"),
        (lambda o: optim.LinearLR(o, total_iters=0),
         "LinearLR: total_iters is out of range: expected an int of at least 1, got 0"),
    ],
)  # fmt: skip
def test_what_is_refused(make, text):
    with pytest.raises(ArgumentError) as error:
        make(_optimizer())
    assert str(error.value) == text


def test_the_base_class_alone():
    with pytest.raises(NotImplementedError) as error:
        optim.Schedule(_optimizer())
    assert str(error.value) == "Schedule: rate is not defined"
