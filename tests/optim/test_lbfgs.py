import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import optim
from autograd_cnn.errors import ArgumentError, CompileWarning, OperandError


def _problem(**options):
    """Return Rosenbrock's valley in two parameters, their optimiser and its closure."""
    x, y = ag.tensor([-1.0], requires_grad=True), ag.tensor(2.0, requires_grad=True, dtype=np.float32)
    optimizer = optim.LBFGS([x, y], **options)

    def closure():
        optimizer.zero_grad()
        loss = ((1 - x) ** 2 + 100 * (y - x**2) ** 2).sum()
        loss.backward()
        return loss

    return x, y, optimizer, closure


def test_it_finds_the_end_of_a_valley():
    x, y, optimizer, closure = _problem(max_iter=100, line_search_fn="strong_wolfe")
    assert optimizer.step(closure).item() == pytest.approx(104)
    assert closure().item() < 1e-6
    assert (x.dtype, y.dtype, y.shape) == (np.float64, np.float32, ())


@for_each("error", [RuntimeError, KeyboardInterrupt])
@for_each("search", [None, "strong_wolfe"])
@for_each("at", [1, 3])
def test_a_step_that_is_cut_short_is_not_made(error, search, at):
    x, y, optimizer, closure = _problem(max_iter=5, lr=0.001, line_search_fn=search)
    optimizer.step(closure)
    held = x.tolist(), y.tolist(), repr(optimizer.state_dict())
    calls = iter(range(9))

    def failing():
        if next(calls) == at:
            raise error
        return closure()

    with pytest.raises(error):
        optimizer.step(failing)
    assert (x.tolist(), y.tolist(), repr(optimizer.state_dict())) == held


def test_it_goes_on_from_a_state():
    x, y, optimizer, closure = _problem(max_iter=4, line_search_fn="strong_wolfe")
    optimizer.step(closure)
    x2, y2, other, again = _problem(max_iter=4, line_search_fn="strong_wolfe")
    x2.data, y2.data = x.numpy(), y.numpy()
    other.load_state_dict(optimizer.state_dict())
    optimizer.step(closure)
    other.step(again)
    assert (x2.tolist(), y2.tolist()) == (x.tolist(), y.tolist())


def test_at_a_minimum_nothing_moves():
    w = ag.tensor([1.0, 2.0], requires_grad=True)
    optimizer = optim.LBFGS([w])

    def closure():
        optimizer.zero_grad()
        loss = (w * 0).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert w.tolist() == [1.0, 2.0]
    assert optimizer.state == {w: {"func_evals": 1, "n_iter": 0}}
    optimizer.load_state_dict(optimizer.state_dict())


def test_it_is_not_recorded():
    x, _, optimizer, closure = _problem(max_iter=2, lr=0.001)
    step = ag.compile(lambda: optimizer.step(closure))
    with pytest.warns(CompileWarning, match="LBFGS computes the loss as often as it turns out to need it"):
        step()
    step()
    assert x.item() != -1


@for_each(
    "options, text",
    [
        ({"max_iter": 0}, "LBFGS: max_iter is out of range: expected an int of at least 1, got 0"),
        ({"history_size": 1.5}, "LBFGS: history_size is not understood: expected an int of at least 1, got 1.5"),
        ({"tolerance_grad": -1}, "LBFGS: tolerance_grad is out of range: expected a number of at least 0, got -1"),
        ({"line_search_fn": "wolfe"}, "LBFGS: line_search_fn is unknown: expected 'strong_wolfe' or None, got 'wolfe'"),
    ],
)
def test_what_is_refused(options, text):
    with pytest.raises(ArgumentError) as error:
        optim.LBFGS([ag.tensor(1.0, requires_grad=True)], **options)
    assert str(error.value) == text


def test_groups_states_and_closures_that_are_refused():
    x, _, optimizer, _ = _problem()
    with pytest.raises(ArgumentError) as error:
        optimizer.add_param_group({"params": [x]})
    assert str(error.value) == "LBFGS: it has one group of parameters, and takes no second one"
    with pytest.raises(OperandError) as missing:
        optimizer.step()
    assert str(missing.value) == (
        "LBFGS.step: closure is not a function: expected one that returns the loss, got NoneType"
    )
    state = optimizer.state_dict() | {"state": {0: {"func_evals": 1, "n_iter": 1, "d": [1.0]}}}
    with pytest.raises(ArgumentError) as foreign:
        optimizer.load_state_dict(state)
    assert str(foreign.value) == ("load_state_dict: the state is not of this LBFGS: expected d of shape (2,), got (1,)")
