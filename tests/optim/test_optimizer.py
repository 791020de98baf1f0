"""What all optimisers share, shown on SGD and Adam."""

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn, optim
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError

ALL = [
    lambda p, **o: optim.SGD(p, **{"lr": 0.1, "momentum": 0.9, **o}),
    lambda p, **o: optim.Adam(p, **{"lr": 0.1, **o}),
    lambda p, **o: optim.AdamW(p, **{"lr": 0.1, **o}),
    lambda p, **o: optim.RMSprop(p, **{"lr": 0.1, "momentum": 0.5, **o}),
]


def _leaf(values=(1.0, 2.0), dtype=float):
    return ag.tensor(values, requires_grad=True, dtype=dtype)


def _descend(optimizer, tensors, steps=3):
    for _ in range(steps):
        optimizer.zero_grad()
        sum((t * t).sum() for t in tensors).backward()
        optimizer.step()


# --- steps ------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_are_rebound_and_keep_dtype_and_place(make, dtype):
    w = _leaf(dtype=dtype)
    before, node = w.data, w.node
    _descend(make([w]), [w], steps=2)
    assert before.tolist() == [1.0, 2.0]
    assert (w.dtype, w.data.flags.writeable, w.node is node) == (dtype, False, True)
    assert np.all(w.numpy() < before)


@pytest.mark.parametrize("make", ALL)
def test_gradients_are_left_as_they_are(make):
    w = _leaf()
    w.grad = ag.tensor([1.0, -1.0])
    make([w], weight_decay=0.1).step()
    assert w.grad.tolist() == [1.0, -1.0]


@pytest.mark.parametrize("make", ALL)
def test_a_graph_recorded_before_the_step_keeps_its_values(make):
    w = _leaf()
    loss = (w * w).sum()
    w.grad = ag.tensor([1.0, 1.0])
    make([w]).step()
    w.grad = None
    loss.backward()
    assert w.grad.tolist() == [2.0, 4.0]


@pytest.mark.parametrize("make", ALL)
def test_what_has_no_gradient_stays(make):
    moving, resting = _leaf(), _leaf()
    optimizer = make([moving, resting], weight_decay=0.1)
    moving.grad = ag.tensor([1.0, 1.0])
    optimizer.step()
    assert (resting.tolist(), list(optimizer.state)) == ([1.0, 2.0], [moving])


@pytest.mark.parametrize("make", ALL)
def test_single_numbers_and_empty_arrays(make):
    scalar, empty = _leaf(3.0), _leaf(np.zeros((0, 2)))
    _descend(make([scalar, empty]), [scalar, empty])
    assert scalar.shape == ()
    assert scalar.item() < 3
    assert empty.shape == (0, 2)


@pytest.mark.parametrize("make", ALL)
def test_the_order_of_a_gradient_in_memory_does_not_matter(rng, make):
    g = rng.standard_normal((4, 3))
    plain, turned = _leaf(np.ones((4, 3))), _leaf(np.ones((4, 3)))
    one, two = make([plain]), make([turned])
    for _ in range(3):
        plain.grad, turned.grad = ag.tensor(g), ag.Tensor.of(np.asfortranarray(g))
        one.step()
        two.step()
    assert np.array_equal(plain.numpy(), turned.numpy())
    assert turned.numpy().flags.c_contiguous


def test_zero_grad():
    net = nn.Linear(2, 1)
    net(np.ones(2)).sum().backward()
    optim.SGD(net.parameters(), 0.1).zero_grad()
    assert all(p.grad is None for p in net.parameters())


# --- all or nothing ---------------------------------------------------------------------------


def _held(optimizer, tensors):
    state = optimizer.state_dict()
    memory = {i: {k: np.asarray(v).tolist() for k, v in held.items()} for i, held in state["state"].items()}
    return [t.tolist() for t in tensors], memory, state["param_groups"]


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("steps", [0, 1, 2])
@pytest.mark.parametrize("late", [False, True])
def test_a_step_that_fails_changes_nothing(monkeypatch, make, error, after, steps, late):
    """In the midst of the arithmetic or just behind it; and the next step goes on as if nothing had been."""
    tensors, undisturbed = ([_leaf([1.0, 2.0]), _leaf([3.0]), _leaf([[4.0]])] for _ in range(2))
    optimizer, other = make(tensors), make(undisturbed)
    _descend(optimizer, tensors, steps)
    sum((t * t).sum() for t in tensors).backward()
    before = _held(optimizer, tensors)
    update, calls = optimizer.update, iter(range(3))

    def failing(*args):
        if (place := next(calls)) != after or late:
            update(*args)
        if place == after:
            raise error

    monkeypatch.setattr(optimizer, "update", failing)
    with pytest.raises(error):
        optimizer.step()
    assert _held(optimizer, tensors) == before
    monkeypatch.undo()
    _descend(optimizer, tensors, 3)
    _descend(other, undisturbed, steps + 3)
    assert _held(optimizer, tensors) == _held(other, undisturbed)


@pytest.mark.parametrize("make", ALL)
def test_an_overflow_under_errstate_changes_nothing(make):
    tensors = [_leaf([1.0]), _leaf([1.0])]
    optimizer = make(tensors)
    _descend(optimizer, tensors, 2)
    tensors[0].grad, tensors[1].grad = ag.tensor([1.0]), ag.tensor([1e308])
    optimizer.param_groups[0]["lr"] = 1e300
    before = _held(optimizer, tensors)
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        optimizer.step()
    assert _held(optimizer, tensors) == before


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("after", [0, 1])
def test_an_interruption_among_the_new_values_is_undone(monkeypatch, make, after):
    tensors = [_leaf(), _leaf([3.0])]
    optimizer = make(tensors)
    _descend(optimizer, tensors, 2)
    before = _held(optimizer, tensors)
    setter, calls = ag.Tensor.data.fset, iter(range(9))

    def failing(tensor, values):
        setter(tensor, values)
        if next(calls) == after:
            raise KeyboardInterrupt

    monkeypatch.setattr(ag.Tensor, "data", property(ag.Tensor.data.fget, failing))
    with pytest.raises(KeyboardInterrupt):
        optimizer.step()
    assert _held(optimizer, tensors) == before


def test_a_gradient_of_another_shape_is_not_spread():
    w = _leaf()
    optimizer = optim.SGD([w], 0.1)
    grad = ag.tensor([1.0, 1.0])
    w.grad = grad
    grad.data = [1.0]
    with pytest.raises(ShapeError) as error:
        optimizer.step()
    assert str(error.value) == "SGD: a gradient has the wrong shape: expected its parameter's (2,), got (1,)"
    assert w.tolist() == [1.0, 2.0]


def test_an_option_set_out_of_range_stops_the_step():
    w = _leaf()
    optimizer = optim.SGD([w], 0.1)
    w.grad = ag.tensor([1.0, 1.0])
    optimizer.param_groups[0]["lr"] = float("nan")
    with pytest.raises(ArgumentError) as error:
        optimizer.step()
    assert str(error.value) == "SGD: lr is out of range: expected at least 0, got nan"
    assert w.tolist() == [1.0, 2.0]


def test_momentum_can_begin_later():
    w = _leaf()
    optimizer = optim.RMSprop([w], 0.1)
    _descend(optimizer, [w], 1)
    optimizer.param_groups[0]["momentum"] = 0.5
    _descend(optimizer, [w], 1)
    assert optimizer.state[w].keys() == {"square_avg", "momentum_buffer"}


# --- groups -----------------------------------------------------------------------------------


def test_groups_have_options_of_their_own():
    slow, fast, later = _leaf(), _leaf(), _leaf()
    optimizer = optim.SGD([{"params": [slow]}, {"params": fast, "lr": 1.0}], lr=0.1)
    optimizer.add_param_group({"params": [later], "lr": 0.5})
    for w in (slow, fast, later):
        w.grad = ag.tensor([1.0, 1.0])
    optimizer.step()
    assert (slow.tolist(), fast.tolist(), later.tolist()) == ([0.9, 1.9], [0.0, 1.0], [0.5, 1.5])
    assert repr(optimizer).startswith(
        "SGD(1 parameters, lr=0.1, momentum=0, dampening=0, weight_decay=0, nesterov=False; 1 parameters, lr=1.0"
    )


@pytest.mark.parametrize(
    ("params", "options", "kind", "text"),
    [
        (lambda _: [], {}, ArgumentError, "there are no parameters to optimise"),
        (lambda _: iter(()), {}, ArgumentError, "there are no parameters to optimise"),
        (lambda w: [w, 3.0], {}, OperandError, "parameter 1 is no tensor: expected a Tensor, got float"),
        (lambda w: [w * 2], {}, ArgumentError, "parameter 0 is no leaf; optimise what it was computed from"),
        (lambda w: [w, w], {}, ArgumentError, "parameter 1 comes a second time"),
        (lambda w: [{"params": [w]}, {"params": [w]}], {}, ArgumentError, "parameter 0 comes a second time"),
        (lambda w: [{"params": [w], "speed": 1}], {}, ArgumentError,
         "no option 'speed'; it has lr, momentum, dampening, weight_decay, nesterov"),
        (lambda w: [{"tensors": [w]}], {}, OperandError,
         "a group of parameters is not understood: expected a dict with 'params', got keys ['tensors']"),
        (lambda w: [{"params": [w]}, w], {}, OperandError,
         "a group of parameters is not understood: expected a dict with 'params', got Tensor"),
        (lambda w: [ag.tensor([1.0])], {}, ArgumentError,
         "parameter 0 requires no gradient; make it with requires_grad=True"),
        (lambda w: [w, ag.tensor([1.0])], {}, ArgumentError,
         "parameter 1 requires no gradient; make it with requires_grad=True"),
        (lambda w: [nn.Parameter([1.0], requires_grad=False)], {}, ArgumentError,
         "no parameter requires a gradient; thaw one with .requires_grad = True"),
        (lambda w: np.ones(2), {}, OperandError,
         "the parameters are not understood: expected tensors, or dicts with 'params', got ndarray"),
        (lambda w: 3.0, {}, OperandError,
         "the parameters are not understood: expected tensors, or dicts with 'params', got float"),
        (lambda w: [{"params": [w]}, {"params": []}], {}, ArgumentError, "a group has no parameters"),
        (lambda w: [w], {"lr": "0.1"}, OperandError, "lr is no number: expected a number, got str"),
        (lambda w: [w], {"lr": None}, OperandError, "lr is no number: expected a number, got NoneType"),
        (lambda w: [w], {"momentum": True}, OperandError, "momentum is no number: expected a number, got bool"),
        (lambda w: [w], {"lr": float("inf")}, ArgumentError, "lr is infinite: expected at least 0, got inf"),
        (lambda w: [w], {"dampening": 1.5}, ArgumentError, "dampening is out of range: expected 0 to 1, got 1.5"),
        (lambda w: [w], {"nesterov": "no"}, OperandError, "nesterov is no bool: expected a bool, got str"),
        (lambda w: [{"params": [w], "lr": -1}], {}, ArgumentError, "lr is out of range: expected at least 0, got -1"),
        (lambda w: [w], {"lr": -0.1}, ArgumentError, "lr is out of range: expected at least 0, got -0.1"),
        (lambda w: [w], {"lr": float("nan")}, ArgumentError, "lr is out of range: expected at least 0, got nan"),
        (lambda w: [w], {"weight_decay": -1}, ArgumentError,
         "weight_decay is out of range: expected at least 0, got -1"),
    ],
)  # fmt: skip
def test_what_is_refused(params, options, kind, text):
    with pytest.raises(kind) as error:
        optim.SGD(params(_leaf()), **{"lr": 0.1, **options})
    assert str(error.value) == f"SGD: {text}"


def test_a_frozen_parameter_rests_until_it_is_thawed():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    net[0].requires_grad_(requires_grad=False)
    optimizer = optim.SGD(net.parameters(), 0.1, momentum=0.9)
    before = net[0].weight.numpy()
    for thawed in (False, True):
        if thawed:
            net[0].requires_grad_()
        optimizer.zero_grad()
        net(np.ones((1, 2), np.float32)).sum().backward()
        optimizer.step()
        assert np.array_equal(net[0].weight.numpy(), before) is not thawed


def test_a_refused_group_is_not_added():
    optimizer = optim.SGD([_leaf()], 0.1)
    with pytest.raises(ArgumentError):
        optimizer.add_param_group({"params": [_leaf()], "lr": -1.0})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize("lr", [np.float64(0.5), np.array(0.5), np.float32(0.5)])
def test_numpys_numbers_count_as_pythons(lr):
    one, two = _leaf(dtype=np.float32), _leaf(dtype=np.float32)
    for w, rate in ((one, lr), (two, 0.5)):
        _descend(optim.Adam([w], lr=rate), [w])
    assert one.tolist() == two.tolist()
    assert type(optim.SGD([one], lr).param_groups[0]["lr"]) is float


def test_one_tensor_alone_is_enough():
    w = _leaf()
    assert optim.SGD(w, 0.1).param_groups[0]["params"] == [w]


def test_the_base_class_alone():
    w = _leaf()
    w.grad = ag.tensor([1.0, 1.0])
    with pytest.raises(NotImplementedError) as error:
        optim.Optimizer([w], {"lr": 0.1, "weight_decay": 0}).step()
    assert str(error.value) == "Optimizer: update is not defined"


# --- state ------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", ALL)
def test_training_goes_on_from_the_state_as_if_never_stopped(make):
    whole, first = [_leaf(), _leaf([3.0])], [_leaf(), _leaf([3.0])]
    straight, stopped = make(whole, weight_decay=0.1), make(first, weight_decay=0.1)
    _descend(straight, whole, steps=6)
    _descend(stopped, first, steps=3)
    second = [_leaf(t.numpy()) for t in first]
    resumed = make(second, lr=9.0)
    resumed.load_state_dict(stopped.state_dict())
    _descend(stopped, first, steps=1)
    _descend(resumed, second, steps=3)
    assert [t.tolist() for t in second] == [t.tolist() for t in whole]
    assert resumed.param_groups[0]["lr"] == 0.1


def test_the_state_has_pytorchs_form():
    a, b = _leaf(), _leaf()
    optimizer = optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.5}], lr=0.1, momentum=0.9)
    b.grad = ag.tensor([1.0, 2.0])
    optimizer.step()
    state = optimizer.state_dict()
    assert {place: {k: v.tolist() for k, v in held.items()} for place, held in state["state"].items()} == {
        1: {"momentum_buffer": [1.0, 2.0]}
    }
    assert [(group["params"], group["lr"]) for group in state["param_groups"]] == [([0], 0.1), ([1], 0.5)]


def test_what_pytorch_leaves_empty_is_left_out():
    w = _leaf()
    optimizer = optim.SGD([w], 0.1)
    optimizer.load_state_dict({
        "state": {0: {"momentum_buffer": None}},
        "param_groups": [{"params": [0], "lr": 0.2, "foreach": None}],
    })  # fmt: skip
    assert optimizer.state == {w: {}}
    assert optimizer.param_groups[0]["lr"] == 0.2
    assert "foreach" not in optimizer.param_groups[0]


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({"state": {}, "param_groups": [{"params": [0, 1]}]},
         "load_state_dict: the state is of another SGD: expected groups of [1] parameters, got [2]"),
        ({"state": {0: {"momentum_buffer": [1.0]}}, "param_groups": [{"params": [0], "lr": 0.5}]},
         "load_state_dict: 'momentum_buffer' of parameter 0 has the wrong shape: expected (2,), got (1,)"),
        ({"state": {}, "param_groups": [{"params": [0], "lr": 0.5, "maximize": True}]},
         "load_state_dict: the state is not one of SGD: expected maximize=False, got True"),
        ({"state": {}, "param_groups": [{"params": [0], "lr": 0.5, "speed": 2}]},
         ("load_state_dict: the state is not one of SGD: no option 'speed'; "
         "it has lr, momentum, dampening, weight_decay, nesterov")),
        ({"state": {0: {"exp_avg": [1.0, 1.0]}}, "param_groups": [{"params": [0], "lr": 0.5}]},
         "load_state_dict: what is remembered of parameter 0 is not SGD's: expected momentum_buffer, got exp_avg"),
        ({"state": {"0": {"momentum_buffer": [1.0, 1.0]}}, "param_groups": [{"params": [0], "lr": 0.5}]},
         ("load_state_dict: what is remembered does not go with the groups: expected parameters [0], each once, "
         "got state of ['0']")),
        ({"weight": [1.0]},
         "load_state_dict: this is no state of an optimiser: expected 'state' and 'param_groups', got ['weight']"),
        ({"state": {}, "param_groups": [{"params": [0], "lr": -1.0}]},
         "SGD: lr is out of range: expected at least 0, got -1.0"),
    ],
)  # fmt: skip
def test_a_state_that_does_not_fit_changes_nothing(state, text):
    w = _leaf()
    optimizer = optim.SGD([w], 0.1, momentum=0.9)
    _descend(optimizer, [w], steps=1)
    held = optimizer.state[w]["momentum_buffer"].tolist()
    with pytest.raises(ArgumentError) as error:
        optimizer.load_state_dict(state)
    assert str(error.value) == text
    assert optimizer.state[w]["momentum_buffer"].tolist() == held
    assert optimizer.param_groups[0]["lr"] == 0.1


@pytest.mark.parametrize("one", range(4))
@pytest.mark.parametrize("other", range(4))
def test_the_state_of_another_optimiser_is_refused(one, other):
    w = _leaf()
    theirs, mine = ALL[one]([w]), ALL[other]([w])
    _descend(theirs, [w], 1)
    if one == other:
        return mine.load_state_dict(theirs.state_dict())
    with pytest.raises(ArgumentError, match="the state is not one of"):
        mine.load_state_dict(theirs.state_dict())
    assert mine.state == {}
    return None
