import copy
import pickle
from collections import deque

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError


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


STRICT = "; to load the others alone, leave these out of the state and pass strict=False"


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
    assert y.node.scope.path == ""
    assert y.node.parents[0].scope.path == "second"
    assert y.node.parents[0].parents[0].scope.path == "first"
    whole = nn.Sequential({"net": net, "act": nn.ReLU()})
    z = whole(np.ones((2, 1)))
    assert z.node.scope.path == "act"
    assert z.node.parents[0].scope.path == "net"
    assert z.node.parents[0].parents[0].scope.path == "net.second"


def test_the_scope_ends_where_forward_fails():
    class Failing(nn.Module):
        def forward(self, x):
            raise ZeroDivisionError(x)

    with pytest.raises(ZeroDivisionError):
        nn.Sequential(Failing())(1.0)
    assert ag.engine.recording.recording.get().scope.path == ""


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


def test_a_number_in_the_state_is_an_array_that_is_not_written_to():
    module = nn.Module()
    module.scale = nn.Parameter(2.0)
    assert (module.state_dict()["scale"].shape, module.state_dict()["scale"].flags.writeable) == ((), False)


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
        + STRICT
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
        "load_state_dict: the state does not fit Outer; seen: expected float64 (1,), got float64 (2,)" + STRICT
    )


def test_integers_are_not_made_of_floats():
    norm = nn.BatchNorm2d(1)
    state = {**norm.state_dict(), "num_batches_tracked": np.array(1.5)}
    with pytest.raises(ArgumentError) as error:
        norm.load_state_dict(state)
    assert str(error.value) == (
        "load_state_dict: the state does not fit BatchNorm2d; num_batches_tracked: expected int64 (), got float64 ()"
        + STRICT
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
    assert str(error.value) == "astype: dtype is not one of floats: expected float16, float32 or float64, got int64"


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


# --- nothing is accepted silently -------------------------------------------------------------


@for_each("value", [np.ones((1, 2)), 3.0, "x", [1.0, 2.0], ag.relu])
@for_each("grad", [ag.enable_grad, ag.no_grad])
def test_a_parameter_is_not_replaced_by_a_value(value, grad):
    layer = nn.Linear(2, 1)
    held = layer.weight
    with grad(), pytest.raises(OperandError) as error:
        layer.weight = value
    assert str(error.value) == (
        "Linear: 'weight' holds a parameter: expected an nn.Parameter or None, "
        f"got {type(value).__name__}; set weight.data for other values"
    )
    assert layer.weight is held


def test_a_parameter_times_a_number_is_no_parameter():
    layer = nn.Linear(2, 1)
    with pytest.raises(OperandError, match=r"got Tensor; set weight\.data for other values"):
        layer.weight = layer.weight * 0.5
    layer.weight.data = layer.weight.data * 0.5
    with ag.no_grad():
        layer.weight *= 0.5
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]


@pytest.mark.parametrize("value", ["x", ag.relu, np.ones(2)])
def test_a_module_is_not_replaced_by_anything_else(value):
    net = Outer()
    with pytest.raises(OperandError) as error:
        net.first = value
    assert str(error.value) == (
        f"Outer: 'first' holds a module: expected a Module or None, got {type(value).__name__}; "
        "del it first for anything else"
    )
    del net.first
    net.first = value
    assert net.first is value


def test_parts_replace_each_other():
    net = Outer()
    net.first, net.scale, net.seen = nn.Parameter([1.0]), nn.ReLU(), nn.Parameter([2.0])
    assert list(net.state_dict()) == ["first", "seen", "second.weight"]
    assert net.buffer_names == ()
    net.first = net.scale = None
    assert list(net.state_dict()) == ["seen", "second.weight"]


@pytest.mark.parametrize(
    ("held", "kind"),
    [
        ([nn.ReLU()], "list"),
        ((nn.ReLU(), 1), "tuple"),
        ({"a": nn.Parameter([1.0])}, "dict"),
        ([[1, {"a": (nn.ReLU(),)}]], "list"),
        ({nn.ReLU()}, "set"),
        (deque([nn.ReLU()]), "deque"),
    ],
)
def test_parts_in_plain_containers_are_not_overlooked(held, kind):
    text = (
        f"Module: 'parts' holds modules or parameters in a {kind}, where they are not found; "
        "use nn.ModuleList, or an attribute for each"
    )
    module = nn.Module()
    with pytest.raises(OperandError) as error:
        module.parts = held
    assert str(error.value) == text
    assert not hasattr(module, "parts")


@pytest.mark.parametrize(
    "ask",
    [
        lambda net: list(net.parameters()),
        nn.Module.state_dict,
        nn.Module.eval,
        lambda net: net.load_state_dict({}),
        nn.Sequential,
    ],
)
def test_what_comes_into_a_list_later_is_not_overlooked_either(ask):
    module = nn.Module()
    module.parts = []
    assert list(module.parameters()) == []
    module.parts.append(nn.Linear(1, 1))
    with pytest.raises(OperandError, match="'parts' holds modules or parameters in a list"):
        ask(module)


def test_parts_of_the_class_are_not_overlooked():
    with pytest.raises(OperandError) as error:
        type("Net", (nn.Module,), {"fc": nn.Linear(1, 1)})
    assert str(error.value) == (
        "Net: 'fc' is a module or a parameter of the class, where it is not found; assign it to self in __init__"
    )


def test_a_module_is_no_part_of_itself():
    outer, inner = nn.Module(), nn.Module()
    outer.inner = inner
    for name, module in (("outer", outer), ("me", inner)):
        with pytest.raises(ArgumentError) as error:
            setattr(inner, name, module)
        assert str(error.value) == f"Module: '{name}' would make it a part of itself"


def test_new_values_take_dtype_and_shape_of_the_old():
    weight = nn.Linear(2, 1).weight
    node = weight.node
    weight.data = np.ones((1, 2))
    weight.data = [[2, 3]]
    weight.data = ag.tensor([[2.0, 3.0]], requires_grad=True)
    assert (weight.dtype, weight.tolist(), weight.node) == (np.float32, [[2.0, 3.0]], node)
    with pytest.raises(ShapeError) as error:
        weight.data = [1.0, 2.0]
    assert str(error.value) == (
        "data: a parameter keeps its shape: expected (1, 2), got (2,); assign a new nn.Parameter to the module"
    )
    fixed = nn.Parameter([1], requires_grad=False)
    with pytest.raises(OperandError) as error:
        fixed.data = [1.5]
    assert str(error.value) == "data: a parameter keeps its dtype: expected int64, got float64"
    with pytest.raises(OperandError, match="expected float32, got complex128"):
        weight.data = np.ones((1, 2)) * 1j
    assert (weight.tolist(), fixed.tolist()) == ([[2.0, 3.0]], [1])


def test_a_buffer_is_of_numbers_or_none():
    module = nn.Module()
    module.register_buffer("mean", None)
    assert (module.mean, list(module.state_dict()), list(module.buffers())) == (None, [], [])
    module.mean = [1.0]
    assert list(module.state_dict()) == ["mean"]
    module.register_buffer("mean", 2)
    with pytest.raises(OperandError) as error:
        module.mean = "x"
    assert str(error.value) == "buffer: is not an array of numbers: expected ints, floats or bools, got <U1"
    assert module.mean == 2
    module.mean = None
    assert module.buffer_names == ("mean",)


@pytest.mark.parametrize("name", ["weight", "in_features", "train"])
def test_a_buffer_takes_no_others_name(name):
    layer = nn.Linear(2, 1)
    with pytest.raises(ArgumentError) as error:
        layer.register_buffer(name, 1.0)
    assert str(error.value) == f"Linear: the name '{name}' is taken"
    assert list(layer.state_dict()) == ["weight", "bias"]


def test_buffers_are_set_together():
    norm = nn.BatchNorm2d(1)
    with pytest.raises(ArgumentError) as error:
        norm.set_buffers(running_mean=[1.0], running_variance=[2.0])
    assert str(error.value) == (
        "BatchNorm2d: no buffer 'running_variance'; it has running_mean, running_var, num_batches_tracked"
    )
    with pytest.raises(OperandError):
        norm.set_buffers(running_mean=[1.0], running_var="x")
    assert norm.running_mean.tolist() == [0.0]
    norm.set_buffers(running_mean=[1.0], running_var=[2.0])
    assert (norm.running_mean.tolist(), norm.running_var.flags.writeable) == ([1.0], False)


@pytest.mark.parametrize("given", [nn.Linear(1, 1), "net.npz", None])
def test_a_state_is_a_mapping(given):
    with pytest.raises(OperandError) as error:
        nn.Linear(1, 1).load_state_dict(given)
    assert str(error.value) == (
        "load_state_dict: state is not a mapping of names to arrays: expected such as state_dict() returns, "
        f"got {type(given).__name__}"
    )


def test_what_is_shared_is_loaded_with_one_value():
    net = Outer()
    net.second = net.first
    net.again = net.scale
    state = {**net.state_dict(), "again": np.zeros((2, 1)), "second.weight": np.array([7.0])}
    with pytest.raises(ArgumentError) as error:
        net.load_state_dict(state)
    assert str(error.value) == (
        "load_state_dict: the state does not fit Outer; again: shared with scale, but with other values; "
        "second.weight: shared with first.weight, but with other values" + STRICT
    )
    assert net.first.weight.tolist() == [2.0]
    state = {name: np.full(value.shape, np.nan) for name, value in state.items()}
    assert net.load_state_dict(state) == ([], [])


@pytest.mark.parametrize("change", [nn.Module.load_state_dict, lambda net, _: net.astype(np.float16)])
def test_a_cast_that_fails_changes_nothing(change):
    net = nn.Sequential(nn.Linear(1, 1, bias=False, dtype=float), nn.Linear(1, 1, bias=False))
    net[0].weight.data = [[1.0]]
    net[1].weight.data = [[1e30]]
    net[0]([[1.0]]).sum().backward()
    before = {name: (value.dtype, value.tolist()) for name, value in net.state_dict().items()}
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        change(net, {"0.weight": [[2.0]], "1.weight": [[1e300]]})
    assert {name: (value.dtype, value.tolist()) for name, value in net.state_dict().items()} == before
    assert net[0].weight.grad is not None


@pytest.mark.parametrize(("method", "name"), [("train", "mode"), ("requires_grad_", "requires_grad")])
@pytest.mark.parametrize("value", ["no", 0, None])
def test_a_mode_is_a_bool(method, name, value):
    with pytest.raises(OperandError) as error:
        getattr(Outer(), method)(value)
    assert str(error.value) == f"{method}: {name} is not a bool: expected True or False, got {value!r}"


def test_integers_ask_for_no_gradient_and_leave_the_others_as_they_were():
    module = nn.Module()
    module.weight, module.count = (nn.Parameter(value, requires_grad=False) for value in ([1.0], [1]))
    with pytest.raises(OperandError, match="requires_grad_: only floats have gradients"):
        module.requires_grad_()
    assert not module.weight.requires_grad
    assert not module.requires_grad_(requires_grad=False).count.requires_grad


# --- copies -----------------------------------------------------------------------------------


class Everything(nn.Module):
    """What a network can hold: parts that are shared, buffers, a generator, a function."""

    def __init__(self):
        rng = np.random.default_rng(3)
        self.act = ag.relu
        self.norm = nn.BatchNorm2d(1)
        self.first, self.second = nn.Dropout(rng=rng), nn.Dropout(rng=rng)
        self.body = nn.Sequential(nn.Linear(4, 4, rng=0), nn.Linear(4, 4, rng=1))
        self.body[1].weight = self.body[0].weight
        self.register_buffer("none", None)

    def forward(self, x):
        return self.body(self.second(self.first(self.act(self.norm(x)))))


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])  # noqa: S301
def test_a_copy_of_everything_goes_on_as_the_original(duplicate):
    net, x = Everything(), np.random.default_rng(0).standard_normal((4, 1, 2, 4), np.float32)
    net(x)
    twin = duplicate(net)
    assert twin.act is ag.relu
    assert twin.first.rng is twin.second.rng is not net.first.rng
    assert twin.body[0].weight is twin.body[1].weight is not net.body[0].weight
    assert not any(buffer.flags.writeable for buffer in twin.buffers())
    assert twin.buffer_names == net.buffer_names
    assert [(name, p.name) for name, p in twin.named_parameters()] == [(n, p.name) for n, p in net.named_parameters()]
    for _ in range(2):
        assert np.array_equal(twin(x).numpy(), net(x).numpy())
    for name, value in net.state_dict().items():
        assert np.array_equal(twin.state_dict()[name], value)


class Slotted(nn.Module):
    __slots__ = ("extra",)


def test_a_copy_keeps_what_is_in_slots():
    module = Slotted()
    module.extra = [1]
    assert copy.deepcopy(module).extra == [1]
    module.weight = nn.Parameter([1.0])
    twin = copy.deepcopy(module)
    assert (twin.extra, twin.weight.tolist()) == ([1], [1.0])


def test_a_shallow_copy_shares_its_parts():
    net = Outer()
    twin = copy.copy(net)
    assert twin.scale is net.scale
    twin.seen = [1.0]
    assert (net.seen.tolist(), twin.seen.flags.writeable, net.seen.flags.writeable) == ([0.0], False, False)


def test_an_optimiser_copied_with_its_model_moves_the_copy():
    net = nn.Linear(1, 1)
    twin, mover = copy.deepcopy((net, ag.optim.SGD(net.parameters(), lr=1.0)))
    before = net.weight.tolist()
    twin([[1.0]]).sum().backward()
    mover.step()
    assert net.weight.tolist() == before
    assert twin.weight.tolist() == [[before[0][0] - 1]]


def test_the_name_of_a_buffer_is_a_string():
    with pytest.raises(OperandError) as error:
        nn.Module().register_buffer(3, 3)
    assert str(error.value) == "register_buffer: name is not a string: expected str, got int"


# --- as in PyTorch ----------------------------------------------------------------------------


def test_a_function_is_applied_from_below_once_to_each():
    shared, seen = nn.ReLU(), []
    net = nn.Sequential(nn.Sequential(shared), shared, nn.Tanh())
    assert net.apply(lambda module: seen.append(type(module).__name__)) is net
    assert seen == ["ReLU", "Sequential", "Tanh", "Sequential"]


def test_dtypes_by_pytorchs_names():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm2d(2))
    for change, dtype in ((net.double, "float64"), (net.half, "float16"), (net.float, "float32"),
                          (lambda: net.to("cpu", dtype=float), "float64"), (lambda: net.to(np.float32), "float32"),
                          (lambda: net.to(ag.tensor(1.0)), "float64"), (lambda: net.to(device="cpu"), "float64")):  # fmt: skip
        assert change() is net
        assert {p.dtype.name for p in net.parameters()} == {net[1].running_mean.dtype.name} == {dtype}
    with pytest.raises(OperandError) as error:
        net.to("cuda:0")
    assert str(error.value) == "to: device 'cuda:0' is not supported; everything is computed on the CPU"


def test_parts_by_dotted_names():
    net = nn.Sequential(nn.Sequential(nn.Linear(2, 2)))
    net.add_module("more", nn.ReLU())
    net.more.register_parameter("w", nn.Parameter([1.0]))
    assert net.get_submodule("0.0") is net[0][0]
    assert net.get_submodule("") is net
    assert net.get_parameter("more.w") is net.more.w
    for call, text in ((lambda: net.get_submodule("0.1"), "Sequential: no module '0.1'"),
                       (lambda: net.get_parameter("0.0.w"), "Sequential: no parameter '0.0.w'")):  # fmt: skip
        with pytest.raises(ArgumentError) as error:
            call()
        assert str(error.value) == text


def test_a_buffer_that_is_not_part_of_the_state():
    module = nn.Module()
    module.register_buffer("table", np.arange(3.0), persistent=False)
    module.register_buffer("count", 0)
    assert list(module.state_dict()) == ["count"]
    assert [name for name, _ in module.named_buffers()] == ["table", "count"]
    module.load_state_dict({"count": 2})
    assert module.astype(np.float32).table.dtype == np.float32
    assert not module.table.flags.writeable
    assert copy.deepcopy(module).state_dict() == {"count": 2}
    module.register_buffer("table", module.table)
    assert list(module.state_dict()) == ["table", "count"]
    module.register_buffer("table", module.table, persistent=False)
    del module.table
    assert module.passing_names == ()
    with pytest.raises(OperandError) as error:
        module.register_buffer("other", 1, persistent="no")
    assert str(error.value) == "register_buffer: persistent is not a bool: expected True or False, got 'no'"
