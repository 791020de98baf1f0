"""What all optimisers share; L-BFGS, which needs the loss itself, has a file of its own."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn, optim
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError

KINDS = {
    optim.SGD: {"momentum": 0.9},
    optim.Adam: {},
    optim.AdamW: {"amsgrad": True},
    optim.RMSprop: {"momentum": 0.5, "centered": True},
    optim.Adagrad: {},
    optim.Adadelta: {},
    optim.Adamax: {},
    optim.NAdam: {},
    optim.RAdam: {},
    optim.Lion: {},
}
"""All that take parameters of any shape, with options that make them remember what they can."""

ALL = [lambda p, kind=kind, **o: kind(p, **{"lr": 0.1, **KINDS[kind], **o}) for kind in KINDS]


def _leaf(values=(1.0, 2.0), dtype=float):
    return ag.tensor(values, requires_grad=True, dtype=dtype)


def _descend(optimizer, tensors, steps=3):
    for _ in range(steps):
        optimizer.zero_grad()
        sum((t * t).sum() for t in tensors).backward()
        optimizer.step()


# --- steps ------------------------------------------------------------------------------------


@for_each("make", ALL)
@for_each("dtype", [np.float32, np.float64])
def test_values_are_rebound_and_keep_dtype_and_place(make, dtype):
    w = _leaf(dtype=dtype)
    before, node = w.data, w.node
    _descend(make([w]), [w], steps=2)
    assert before.tolist() == [1.0, 2.0]
    assert (w.dtype, w.data.flags.writeable, w.node is node) == (dtype, False, True)
    assert np.all(w.numpy() < before)


@for_each("make", ALL)
def test_gradients_are_left_as_they_are(make):
    w = _leaf()
    w.grad = ag.tensor([1.0, -1.0])
    make([w], weight_decay=0.1).step()
    assert w.grad.tolist() == [1.0, -1.0]


@for_each("make", ALL)
def test_a_graph_recorded_before_the_step_keeps_its_values(make):
    w = _leaf()
    loss = (w * w).sum()
    w.grad = ag.tensor([1.0, 1.0])
    make([w]).step()
    w.grad = None
    loss.backward()
    assert w.grad.tolist() == [2.0, 4.0]


@for_each("make", ALL)
def test_what_has_no_gradient_stays(make):
    moving, resting = _leaf(), _leaf()
    optimizer = make([moving, resting], weight_decay=0.1)
    moving.grad = ag.tensor([1.0, 1.0])
    optimizer.step()
    assert (resting.tolist(), list(optimizer.state)) == ([1.0, 2.0], [moving])


@for_each("make", ALL)
def test_single_numbers_and_empty_arrays(make):
    scalar, empty = _leaf(3.0), _leaf(np.zeros((0, 2)))
    _descend(make([scalar, empty]), [scalar, empty])
    assert scalar.shape == ()
    assert scalar.item() < 3
    assert empty.shape == (0, 2)


@for_each("make", ALL)
def test_the_order_of_a_gradient_in_memory_does_not_matter(rng, make):
    g = rng.standard_normal((4, 3))
    plain, turned = _leaf(np.ones((4, 3))), _leaf(np.ones((4, 3)))
    one, two = make([plain]), make([turned])
    for _ in range(3):
        plain.grad, turned.grad = ag.tensor(g), ag.Tensor.wrap(np.asfortranarray(g))
        one.step()
        two.step()
    assert np.array_equal(plain.numpy(), turned.numpy())
    assert turned.numpy().flags.c_contiguous


def test_zero_grad():
    net = nn.Linear(2, 1)
    net(np.ones(2)).sum().backward()
    optim.SGD(net.parameters(), 0.1).zero_grad()
    assert all(p.grad is None for p in net.parameters())


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
        "SGD(1 parameters, lr=0.1, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False; "
        "1 parameters, lr=1.0"
    )


@for_each(
    "params, options, kind, text",
    [
        (lambda _: [], {}, ArgumentError, "params has no tensors to optimise"),
        (lambda _: iter(()), {}, ArgumentError, "params has no tensors to optimise"),
        (lambda w: [w, 3.0], {}, OperandError, "parameter 1 is not a tensor: expected a Tensor, got float"),
        (lambda w: [w * 2], {}, ArgumentError, "parameter 0 is not a leaf; optimise what it was computed from"),
        (lambda w: [w, w], {}, ArgumentError, "parameter 1 comes a second time"),
        (lambda w: [{"params": [w]}, {"params": [w]}], {}, ArgumentError, "parameter 0 comes a second time"),
        (lambda w: [{"params": [w], "speed": 1}], {}, ArgumentError,
         "no option 'speed'; it has lr, momentum, dampening, weight_decay, nesterov, maximize"),
        (lambda w: [{"tensors": [w]}], {}, OperandError,
         ("a group of parameters is not understood: expected a dict with 'params', got keys ['tensors']; "
          "for a model pass model.parameters()")),
        (lambda w: [{"params": [w]}, w], {}, OperandError,
         "a group of parameters is not understood: expected a dict with 'params', got Tensor"),
        (lambda w: [{"params": [w], "lr": -1}], {}, ArgumentError, "lr is out of range: expected a number of at least 0, got -1"),
        (lambda w: [w], {"lr": -0.1}, ArgumentError, "lr is out of range: expected a number of at least 0, got -0.1"),
        (lambda w: [w], {"lr": float("nan")}, ArgumentError, "lr is out of range: expected a number of at least 0, got nan"),
        (lambda w: [w], {"weight_decay": -1}, ArgumentError,
         "weight_decay is out of range: expected a number of at least 0, got -1"),
        (lambda w: [w], {"dampening": "a"}, ArgumentError, "dampening is not understood: expected a number, got 'a'"),
        (lambda w: [w], {"maximize": 1}, OperandError, "maximize is not a bool: expected True or False, got 1"),
        (lambda w: [w], {"nesterov": "a"}, OperandError, "nesterov is not a bool: expected True or False, got 'a'"),
        (lambda w: nn.Linear(2, 1), {}, OperandError,
         "params is not iterable: expected tensors, such as a list of them, got Linear; pass model.parameters()"),
        (lambda w: nn.Linear(2, 1).parameters, {}, OperandError,
         "params is not iterable: expected tensors, such as a list of them, got method; pass model.parameters()"),
        (lambda w: None, {}, OperandError,
         "params is not iterable: expected tensors, such as a list of them, got NoneType"),
        (lambda w: [{"params": nn.Linear(2, 1)}], {}, OperandError,
         ("params of a group is not iterable: expected tensors, such as a list of them, got Linear; "
          "pass model.parameters()")),
        (lambda w: nn.Sequential(nn.Linear(2, 1)), {}, OperandError,
         "parameter 0 is not a tensor: expected a Tensor, got Linear; pass model.parameters()"),
        (lambda w: nn.Linear(2, 1).named_parameters(), {}, OperandError,
         "parameter 0 is not a tensor: expected a Tensor, got tuple; pass model.parameters()"),
        (lambda w: [w], {"amsgrad": True}, OperandError,
         "no argument 'amsgrad'; it takes params, lr, momentum, dampening, weight_decay, nesterov, maximize"),
    ],
)  # fmt: skip
def test_what_is_refused(params, options, kind, text):
    with pytest.raises(kind) as error:
        optim.SGD(params(_leaf()), **{"lr": 0.1, **options})
    assert str(error.value) == f"SGD: {text}"


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


@for_each("make", ALL)
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


GROUP = {"params": [0], "lr": 0.2, "momentum": 0.9, "dampening": 0, "weight_decay": 0, "nesterov": False,
         "maximize": False}  # fmt: skip


def test_what_pytorch_leaves_empty_is_left_out():
    w = _leaf()
    optimizer = optim.SGD([w], 0.1)
    neutral = {"foreach": None, "max_lr": 0.3, "differentiable": False, "fused": True}
    optimizer.load_state_dict({"state": {0: {"momentum_buffer": None}}, "param_groups": [GROUP | neutral]})
    assert optimizer.state == {w: {}}
    assert optimizer.param_groups[0]["lr"] == 0.2
    assert "foreach" not in optimizer.param_groups[0]


def _state(memory=None, **options):
    return {"state": {} if memory is None else {0: memory}, "param_groups": [GROUP | options]}


FOREIGN = "load_state_dict: the state is not of this SGD: expected "


@for_each(
    "state, text",
    [
        (_state(params=[0, 1]), FOREIGN + "groups of [1] parameters, got [2]"),
        (_state({"momentum_buffer": [1.0]}),
         "load_state_dict: 'momentum_buffer' of parameter 0 has the wrong shape: expected (2,), got (1,)"),
        (_state(lr=-1.0), "SGD: lr is out of range: expected a number of at least 0, got -1.0"),
        (_state(amsgrad=1), FOREIGN + "no option 'amsgrad', or False, got 1"),
        (_state({"exp_avg": [1.0, 1.0], "exp_avg_sq": [1.0, 1.0], "step": 3}),
         FOREIGN + "momentum_buffer of parameter 0, got exp_avg, exp_avg_sq, step"),
        ({"state": {}, "param_groups": [{"params": [0], "lr": 0.1, "betas": (0.9, 0.99)}]},
         FOREIGN + "the option 'dampening', got betas, lr"),
        (_state({"momentum_buffer": "rolling"}),
         FOREIGN + "numbers and arrays of parameter 0, got {'momentum_buffer': 'rolling'}"),
        ({"state": {7: {}}, "param_groups": [GROUP]}, FOREIGN + "memory of these parameters, got some of parameter 7"),
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


@pytest.mark.parametrize("state", [None, {}, {"state": {}}, [1]])
def test_what_is_not_a_state(state):
    with pytest.raises(OperandError, match="load_state_dict: it is not a state: expected a dict with 'state' and"):
        optim.SGD([_leaf()], 0.1).load_state_dict(state)


# --- all or nothing ---------------------------------------------------------------------------


def _remembered(optimizer, params):
    return [(p.tolist(), {k: np.array(v).tolist() for k, v in optimizer.state.get(p, {}).items()}) for p in params]


@for_each("make", ALL)
@for_each("error", [RuntimeError, KeyboardInterrupt])
def test_a_step_that_is_cut_short_is_not_made(make, error, monkeypatch):
    params = [_leaf(), _leaf(), _leaf()]
    optimizer = make(params)
    _descend(optimizer, params, steps=2)
    before = _remembered(optimizer, params)
    update_all = optimizer.update_all

    def failing(*args):
        update_all(*args)
        raise error

    monkeypatch.setattr(optimizer, "update_all", failing)
    with pytest.raises(error):
        _descend(optimizer, params, steps=1)
    assert _remembered(optimizer, params) == before


@for_each("make", ALL)
def test_a_subclass_may_have_properties_named_like_options(make):
    def rate(self, lr):
        self.param_groups[0]["lr"] = lr

    lr = property(lambda self: self.param_groups[0]["lr"], rate)
    optimizer = make([_leaf()])
    optimizer = type("Own", (type(optimizer),), {"lr": lr})([_leaf()], lr=0.5)
    assert optimizer.lr == 0.5
    optimizer.lr = 0.25
    assert optimizer.param_groups[0]["lr"] == 0.25


def test_a_subclass_may_update_parameters_one_by_one():
    class Halved(optim.SGD):
        def update(self, out, value, grad, state, group):
            return super().update(out, value, grad / 2, state, group)

    params, halves = [_leaf(), _leaf()], [_leaf(), _leaf()]
    _descend(optim.SGD(params, 0.1), params, steps=1)
    _descend(Halved(halves, 0.2), halves, steps=1)
    assert [p.tolist() for p in params] == [p.tolist() for p in halves]


def test_an_interrupt_waits_until_a_step_is_made(monkeypatch):
    params = [_leaf(), _leaf()]
    optimizer = optim.SGD(params, 0.1, momentum=0.9)
    whole = [_leaf(), _leaf()]
    _descend(optim.SGD(whole, 0.1, momentum=0.9), whole, steps=1)
    times = iter([True, False, False])

    class Interrupted(dict):
        def __setitem__(self, key, value):
            if next(times):
                raise KeyboardInterrupt
            super().__setitem__(key, value)

    monkeypatch.setattr(optimizer, "state", Interrupted())
    with pytest.raises(KeyboardInterrupt):
        _descend(optimizer, params, steps=1)
    assert [p.tolist() for p in params] == [p.tolist() for p in whole]
    assert len(optimizer.state) == 2


def test_a_gradient_of_another_shape_moves_nothing():
    a, b = _leaf(), _leaf()
    optimizer = optim.SGD([a, b], 0.1)
    ag.sum(a * b).backward()
    b.data = [1.0, 2.0, 3.0]
    before = a.tolist()
    with pytest.raises(ShapeError) as error:
        optimizer.step()
    assert str(error.value) == (
        "SGD: a gradient is of another shape than its parameter: expected (3,), got (2,); call zero_grad() after a change"
    )
    assert a.tolist() == before


def test_options_of_numpys_leave_float32_alone():
    for make in ALL:
        w = ag.tensor(np.ones(2, np.float32), requires_grad=True)
        optimizer = make([w], lr=np.float64(0.1), weight_decay=np.float64(0.1))
        _descend(optimizer, [w], steps=2)
        assert w.dtype == np.float32
        assert {np.asarray(v).dtype for k, v in optimizer.state[w].items() if not isinstance(v, (int, float))} <= {
            np.dtype(np.float32)
        }


def test_what_requires_no_gradient_would_never_move():
    with pytest.raises(ArgumentError) as error:
        optim.SGD([_leaf(), ag.tensor([1.0])], lr=0.1)
    assert str(error.value) == (
        "SGD: parameter 1 requires no gradient, so it would never move; "
        "set requires_grad, or leave it out: [p for p in parameters if p.requires_grad]"
    )


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (optim.SGD, {"lr": np.float64(0.1), "momentum": np.float64(0.9)}),
        (optim.Adam, {"betas": (np.float64(0.9), np.array(0.999))}),
        (optim.RMSprop, {"alpha": np.float64(0.9), "momentum": np.float64(0.9)}),
    ],
)
def test_numpys_numbers_widen_nothing(kind, options):
    w = ag.tensor(np.ones(3, np.float32), requires_grad=True)
    optimizer = kind([w], lr=0.1)
    optimizer.param_groups[0].update(options)
    for _ in range(2):
        w.grad = np.ones(3, np.float32)
        optimizer.step()
    held = [value for value in optimizer.state[w].values() if isinstance(value, np.ndarray)]
    assert w.dtype == np.float32
    assert all(value.dtype == np.float32 for value in held)


@for_each(
    "lr, problem",
    [(-0.1, "out of range"), (np.nan, "out of range"), (np.inf, "not finite"), ("a", "not understood"), (None, "not understood")],
)  # fmt: skip
def test_options_that_are_set_later_are_checked(lr, problem):
    w = ag.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([w], 0.1)
    w.grad = np.ones(1)
    optimizer.param_groups[0]["lr"] = lr
    with pytest.raises(ArgumentError) as error:
        optimizer.step()
    assert str(error.value) == f"SGD: lr is {problem}: expected a number of at least 0, got {lr!r}"
    assert w.tolist() == [1.0]


def test_gradients_are_forgotten_or_filled_with_zeros():
    w, unused = _leaf(), _leaf()
    layer = nn.Linear(2, 1)
    for owner, parameter in ((optim.SGD([w, unused], 0.1), w), (layer, layer.weight)):
        parameter.grad = np.ones(parameter.shape)
        owner.zero_grad(set_to_none=False)
        assert parameter.grad.tolist() == np.zeros(parameter.shape).tolist()
        assert parameter.grad.dtype == parameter.dtype
        owner.zero_grad(set_to_none=True)
        assert parameter.grad is None
        with pytest.raises(OperandError) as error:
            owner.zero_grad(set_to_none=3)
        assert str(error.value) == "zero_grad: set_to_none is not a bool: expected True or False, got 3"
    assert unused.grad is None


def test_a_step_runs_the_closure_first():
    w = ag.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([w], 0.25)

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with ag.no_grad():
        assert optimizer.step(closure).item() == 1.0
    assert w.tolist() == [0.5]
    assert optimizer.step() is None
    with pytest.raises(OperandError) as error:
        optimizer.step(3)
    assert str(error.value) == "SGD.step: closure is not a function: expected one that returns the loss, got int"


@for_each(
    "state",
    [
        {"state": 3, "param_groups": []},
        {"state": {}, "param_groups": [3]},
        {"state": {}, "param_groups": [{"params": 1}]},
        {"state": {0: None}, "param_groups": [{"params": [0]}]},
    ],
)
def test_a_state_of_other_parts(state):
    with pytest.raises(ArgumentError) as error:
        optim.SGD([_leaf()], 0.1).load_state_dict(state)
    assert str(error.value) == (
        "load_state_dict: the state is not of this SGD: expected a dict of memories and a list of groups with 'params', "
        f"got {state}"
    )
