import copy
import pickle

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError, OperandError


class Inner(nn.Module):
    def __init__(self, value):
        self.weight = nn.Parameter([value])

    def forward(self, x):
        return x * self.weight


class Outer(nn.Module):
    def __init__(self):
        self.first = Inner(2.0)
        self.scale = nn.Parameter(np.ones((2, 1)))
        self.second = Inner(3.0)
        self.register_buffer("seen", [0.0])

    def forward(self, x):
        return self.second(self.first(x)) * self.scale


# --- parameters -------------------------------------------------------------------------------


def test_a_parameter_is_a_leaf_and_its_results_are_tensors():
    p = nn.Parameter([1.0, 2.0])
    assert (p.requires_grad, p.is_leaf, p.dtype) == (True, True, np.float64)
    assert type(p * 2) is ag.Tensor
    (p * p).sum().backward()
    assert p.grad.tolist() == [2.0, 4.0]
    assert not nn.Parameter([1.0], requires_grad=False).requires_grad


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])  # noqa: S301
def test_a_copy_has_a_gradient_of_its_own(duplicate):
    p = nn.Parameter(np.array([1.0, 2.0], np.float32), name="w")
    q = duplicate(p)
    (q * 3).sum().backward()
    assert (type(q), q.name, q.dtype, q.tolist()) == (nn.Parameter, "w", np.float32, [1.0, 2.0])
    assert p.grad is None
    assert q.grad.tolist() == [3.0, 3.0]


def test_a_deep_copy_of_a_network_is_independent():
    net = Outer()
    twin = copy.deepcopy(net)
    twin(np.ones((2, 1))).sum().backward()
    assert all(p.grad is None for p in net.parameters())
    assert all(p.grad is not None for p in twin.parameters())


def test_a_parameter_takes_the_name_of_its_first_attribute():
    module = nn.Module()
    module.weight = nn.Parameter([1.0])
    module.alias = module.weight
    module.other = nn.Parameter([1.0], name="mine")
    assert (module.weight.name, module.other.name) == ("weight", "mine")


# --- the tree ---------------------------------------------------------------------------------


def test_names_are_found_in_pytorchs_order():
    net = Outer()
    assert [name for name, _ in net.named_parameters()] == ["scale", "first.weight", "second.weight"]
    assert list(net.state_dict()) == ["scale", "seen", "first.weight", "second.weight"]
    assert [name for name, _ in net.named_modules()] == ["", "first", "second"]
    assert [name for name, _ in net.named_children()] == ["first", "second"]
    assert list(net.children()) == [net.first, net.second]
    assert list(net.modules()) == [net, net.first, net.second]
    assert [(name, value.tolist()) for name, value in net.named_buffers()] == [("seen", [0.0])]
    assert [value.tolist() for value in net.buffers()] == [[0.0]]


def test_what_is_shared_appears_once_but_under_each_name_in_the_state():
    net = Outer()
    net.second = net.first
    net.again = net.scale
    assert [name for name, _ in net.named_parameters()] == ["scale", "first.weight"]
    assert [name for name, _ in net.named_modules()] == ["", "first"]
    assert list(net.state_dict()) == ["scale", "again", "seen", "first.weight", "second.weight"]


def test_attributes_can_be_replaced_and_deleted():
    net = Outer()
    net.first = nn.Identity()
    net.scale = None
    del net.second, net.seen
    assert list(net.state_dict()) == []
    assert list(net.modules()) == [net, net.first]
    net.seen = [1.0]
    assert net.seen == [1.0]


def test_no_call_of_the_base_class_is_needed():
    class Bare(nn.Module):
        def __init__(self):
            self.weight = nn.Parameter([1.0])

    assert Bare().train(mode=False).training is False
    assert Bare().training is True


def test_a_module_without_forward():
    with pytest.raises(NotImplementedError) as error:
        nn.Module()(1.0)
    assert str(error.value) == "Module: forward is not defined"


# --- scopes -----------------------------------------------------------------------------------


def test_what_is_computed_carries_the_path_of_its_module():
    net = Outer()
    y = net(np.ones((2, 1)))
    assert y.node.scope == ""
    assert y.node.parents[0].scope == "second"
    assert y.node.parents[0].parents[0].scope == "first"
    whole = nn.Sequential({"net": net, "act": nn.ReLU()})
    z = whole(np.ones((2, 1)))
    assert z.node.scope == "act"
    assert z.node.parents[0].scope == "net"
    assert z.node.parents[0].parents[0].scope == "net.second"


def test_the_scope_ends_where_forward_fails():
    class Failing(nn.Module):
        def forward(self, x):
            raise ZeroDivisionError(x)

    with pytest.raises(ZeroDivisionError):
        nn.Sequential(Failing())(1.0)
    assert ag.recording.recording.get().scope == ""


# --- buffers ----------------------------------------------------------------------------------


def test_a_buffer_is_a_read_only_copy_whatever_is_assigned():
    mine = np.array([1.0, 2.0])
    module = nn.Module()
    module.register_buffer("mean", mine)
    mine[0] = 9
    assert (module.mean.tolist(), module.mean.flags.writeable) == ([1.0, 2.0], False)
    module.mean = ag.tensor([3.0], requires_grad=True) * 2
    assert (type(module.mean), module.mean.tolist()) == (np.ndarray, [6.0])
    module.register_buffer("mean", [0.0])
    assert module.buffer_names == ("mean",)


# --- state ------------------------------------------------------------------------------------


def test_the_state_makes_a_round_trip():
    net, other = Outer(), Outer()
    for p in net.parameters():
        p.data = p.data + 0.5
    net.seen = [4.0]
    assert other.load_state_dict(net.state_dict()) == ([], [])
    for key, value in net.state_dict().items():
        assert other.state_dict()[key].tolist() == value.tolist()
        assert not value.flags.writeable


def test_loading_casts_copies_and_keeps_gradients_apart():
    layer = nn.Linear(2, 1)
    weight = np.array([[1.0, 2.0]])
    layer.load_state_dict({"weight": weight, "bias": [1]})
    weight[:] = 9
    assert (layer.weight.dtype, layer.weight.tolist(), layer.bias.tolist()) == (np.float32, [[1.0, 2.0]], [1.0])
    layer(np.ones(2)).sum().backward()
    assert layer.weight.grad.tolist() == [[1.0, 1.0]]


def test_loading_is_all_or_nothing():
    net = Outer()
    before = {key: value.copy() for key, value in net.state_dict().items()}
    bad = {"scale": np.ones((1, 2)), "first.weight": [7.0], "second.weight": [1j], "more": 0.0}
    with pytest.raises(ArgumentError) as error:
        net.load_state_dict(bad)
    assert str(error.value) == (
        "load_state_dict: the state does not fit Outer; missing: seen; unexpected: more; "
        "scale: expected float64 (2, 1), got float64 (1, 2); second.weight: expected float64 (1,), got complex128 (1,)"
    )
    assert {k: v.tolist() for k, v in net.state_dict().items()} == {k: v.tolist() for k, v in before.items()}


def test_loading_a_part():
    net = Outer()
    assert net.load_state_dict({"first.weight": [7.0], "more": 0.0}, strict=False) == (
        ["scale", "seen", "second.weight"],
        ["more"],
    )
    assert net.first.weight.tolist() == [7.0]
    with pytest.raises(ArgumentError) as error:
        net.load_state_dict({"seen": [1.0, 2.0], "more": 0.0}, strict=False)
    assert str(error.value) == (
        "load_state_dict: the state does not fit Outer; seen: expected float64 (1,), got float64 (2,)"
    )


def test_integers_are_not_made_of_floats():
    norm = nn.BatchNorm2d(1)
    state = {**norm.state_dict(), "num_batches_tracked": np.array(1.5)}
    with pytest.raises(ArgumentError) as error:
        norm.load_state_dict(state)
    assert str(error.value) == (
        "load_state_dict: the state does not fit BatchNorm2d; num_batches_tracked: expected int64 (), got float64 ()"
    )


# --- all at once ------------------------------------------------------------------------------


def test_train_and_eval_reach_every_module():
    net = nn.Sequential(nn.Sequential(nn.Dropout()), nn.ReLU())
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    assert all(module.training for module in net.train().modules())


def test_zero_grad_and_requires_grad():
    net = Outer()
    net(np.ones((2, 1))).sum().backward()
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    assert net.requires_grad_(requires_grad=False) is net
    assert not net(np.ones((2, 1))).requires_grad
    assert net.requires_grad_().scale.requires_grad


def test_astype_changes_floats_and_forgets_gradients():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    net(np.ones((2, 1, 4, 4), np.float32)).sum().backward()
    assert net.astype(np.float64) is net
    assert {p.dtype for p in net.parameters()} == {np.dtype(float)}
    assert {b.dtype for b in net.buffers()} == {np.dtype(float), np.dtype(int)}
    assert all(p.grad is None for p in net.parameters())
    net(np.ones((2, 1, 4, 4))).sum().backward()
    assert {p.grad.dtype for p in net.parameters()} == {np.dtype(float)}


def test_astype_refuses_what_has_no_gradient():
    with pytest.raises(OperandError) as error:
        nn.Linear(1, 1).astype(int)
    assert str(error.value) == "astype: parameters are floats: expected float16, float32 or float64, got int64"


def test_the_tree_shows_itself():
    class Net(nn.Module):
        def __init__(self):
            self.body = nn.Sequential(nn.Linear(999, 2), nn.ReLU())
            self.bias = nn.Parameter([1.0])
            self.head = Inner(1.0)

    assert repr(Net()) == (
        "Net(): 2,002 parameters\n"
        "  body: Sequential(): 2,000 parameters\n"
        "    0: Linear(999, 2): 2,000 parameters\n"
        "    1: ReLU()\n"
        "  head: Inner(): 1 parameter"
    )
