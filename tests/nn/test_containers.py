import operator

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.engine.backward import toposort
from autograd_cnn.errors import ArgumentError, OperandError


def test_a_sequence_runs_in_order():
    net = nn.Sequential(nn.ReLU(), nn.LeakyReLU(0.5))
    assert net(np.array([-2.0, 2.0])).tolist() == [0.0, 2.0]
    assert nn.Sequential(nn.LeakyReLU(0.5), nn.ELU())(np.array([-2.0])).tolist() == [np.expm1(-1.0)]
    assert nn.Sequential()(3.0) == 3.0


def test_every_module_is_called():
    net = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2))
    y = net(ag.tensor(np.ones((1, 4, 4)), requires_grad=True))
    nodes = [node for node in reversed(toposort(y.node)) if node.primitive is not None]
    assert [node.primitive.name for node in nodes] == ["relu", "max_pool"]


def test_modules_are_found_by_position_and_by_name():
    layers = [nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)]
    net = nn.Sequential(*layers)
    assert (len(net), list(net), net[0], net[-1]) == (3, layers, layers[0], layers[2])
    named = nn.Sequential({"fc": layers[0], "act": layers[1]})
    assert (named.fc, list(named.state_dict())) == (layers[0], ["fc.weight", "fc.bias"])


def test_a_slice_keeps_names_and_so_scopes():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    tail = net[1:]
    assert [name for name, _ in tail.named_children()] == ["1", "2"]
    assert tail(np.ones(2)).node.scope.path == "2"
    assert net(np.ones(2)).node.scope.path == "2"


def test_append_takes_the_next_free_number():
    net = nn.Sequential(nn.ReLU(), nn.ReLU(), nn.ReLU())
    tail = net[1:].append(nn.Tanh())
    assert [name for name, _ in tail.named_children()] == ["1", "2", "3"]
    assert [name for name, _ in net.append(nn.Tanh()).named_children()] == ["0", "1", "2", "3"]


def test_a_list_registers_what_it_holds():
    blocks = nn.ModuleList([nn.Linear(2, 2)]).append(nn.Linear(2, 1))
    assert list(blocks.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert (len(blocks), blocks[1], blocks[:1]) == (2, list(blocks)[1], [blocks[0]])


def test_modules_in_a_list_record_under_its_name():
    class Net(nn.Module):
        def __init__(self):
            self.blocks = nn.ModuleList([nn.ReLU(), nn.ModuleList([nn.Linear(2, 2)])])
            self.blocks.append(nn.Linear(2, 2))

        def forward(self, x):
            return self.blocks[2](self.blocks[1][0](x))

    y = Net()(np.ones(2))
    assert y.node.scope.path == "blocks.2"
    assert y.node.parents[0].scope.path == "blocks.1.0"
    assert nn.Sequential({"net": Net()})(np.ones(2)).node.scope.path == "net.blocks.2"


@pytest.mark.parametrize("make", [nn.Sequential, lambda *each: nn.ModuleList(each)])
def test_what_is_no_module(make):
    with pytest.raises(OperandError) as error:
        make(nn.ReLU(), 3)
    assert str(error.value) == f"{type(make(nn.ReLU())).__name__}: '1' is not a module: expected a Module, got int"


@pytest.mark.parametrize("name", ["", "a.b", "train", "forward", 1])
def test_names_that_would_break_the_module(name):
    with pytest.raises(ArgumentError) as error:
        nn.Sequential({name: nn.ReLU()})
    assert str(error.value) == (
        f"Sequential: a name can't be used: expected a string, no dot, and no attribute of the class, got {name!r}"
    )


@pytest.mark.parametrize(
    ("use", "kind", "text"),
    [
        (lambda net: nn.Sequential(nn.ReLU), OperandError,
         "Sequential: '0' is not a module: expected a Module, got the class ReLU; make one: ReLU(...)"),
        (lambda net: nn.Sequential([nn.ReLU()]), OperandError,
         "Sequential: '0' is not a module: expected a Module, got list; pass them one by one: Sequential(*modules)"),
        (lambda net: nn.ModuleList(nn.ReLU()), OperandError,
         "ModuleList: modules is not iterable: expected modules, such as a list of them, got ReLU"),
        (lambda net: net[9], IndexError, "Sequential: index is out of range: expected -2 to 1, got 9"),
        (lambda net: nn.Sequential()[0], IndexError, "Sequential: index is out of range: expected none, got 0"),
        (lambda net: net[1.0], ArgumentError, "Sequential: index is not understood: expected an int, got 1.0"),
        (lambda net: net["a"], OperandError,
         ("Sequential: index is not understood: expected an int or a slice, got 'a'; a module is an attribute by its "
          "name, as in getattr(model, name)")),
        (lambda net: operator.setitem(net, 2, nn.ReLU()), IndexError,
         "Sequential: index is out of range: expected -2 to 1, got 2"),
        (lambda net: operator.setitem(net, 0, 3), OperandError,
         "Sequential: '0' is not a module: expected a Module, got int"),
    ],
)  # fmt: skip
def test_what_a_row_refuses(use, kind, text):
    with pytest.raises(kind) as error:
        use(nn.Sequential(nn.ReLU(), nn.Tanh()))
    assert str(error.value) == text


def test_a_module_takes_the_place_of_another():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    net[-2] = layer = nn.Linear(2, 1)
    assert list(net) == [layer, net[1]]
    assert net(np.ones(2)).node.parents[0].scope.path == "0"
    blocks = nn.Sequential({"blocks": nn.ModuleList([nn.ReLU()])}).blocks
    blocks[0] = nn.Linear(2, 1)
    assert blocks[0].scope_name == "blocks.0"


# --- by name, and of parameters ---------------------------------------------------------------


def test_a_dict_of_modules():
    heads = nn.ModuleDict({"age": nn.Linear(2, 1), "kind": nn.Linear(2, 3)})
    heads["more"] = nn.ReLU()
    assert list(heads) == list(heads.keys()) == ["age", "kind", "more"]
    assert ("age" in heads, "training" in heads, len(heads)) == (True, False, 3)
    assert [type(each).__name__ for each in heads.values()] == ["Linear", "Linear", "ReLU"]
    assert dict(heads.items())["kind"] is heads["kind"] is heads.kind
    del heads["age"]
    assert list(heads.state_dict()) == ["kind.weight", "kind.bias"]
    with pytest.raises(KeyError, match="ModuleDict: no module 'age'; it has kind, more"):
        heads["age"]


def test_modules_in_a_dict_record_under_its_name():
    class Net(nn.Module):
        def __init__(self):
            self.heads = nn.ModuleDict({"a": nn.Linear(2, 2)})

        def forward(self, x):
            return self.heads["a"](x)

    assert Net()(np.ones(2, np.float32)).node.scope.path == "heads.a"


def test_a_list_of_parameters():
    weights = nn.ParameterList([np.ones(2), nn.Parameter([1.0])]).append([2.0, 3.0])
    weights[-2] = [4.0]
    assert [p.tolist() for p in weights] == [[1.0, 1.0], [4.0], [2.0, 3.0]]
    assert (len(weights), list(weights.state_dict()), weights[1:]) == (3, ["0", "1", "2"], list(weights)[1:])
    assert [p for _, p in weights.named_parameters()] == list(weights)


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: nn.ModuleDict([1]), OperandError,
         "ModuleDict: modules is not a mapping: expected modules by name, got list"),
        (lambda: nn.ModuleDict({"keys": nn.ReLU()}), ArgumentError,
         "ModuleDict: a name can't be used: expected a string, no dot, and no attribute of the class, got 'keys'"),
        (lambda: nn.ParameterList(3), OperandError,
         "ParameterList: values is not iterable: expected parameters, such as a list of them, got int"),
        (lambda: nn.ParameterList()[0], IndexError, "ParameterList: index is out of range: expected none, got 0"),
    ],
)  # fmt: skip
def test_what_containers_refuse(call, kind, text):
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == text


def test_parameters_by_name():
    scales = nn.ParameterDict({"a": [1.0], "b": nn.Parameter([2.0, 3.0])})
    scales["c"] = np.zeros((2, 2))
    assert list(scales) == list(scales.keys()) == ["a", "b", "c"]
    assert [value.shape for value in scales.values()] == [(1,), (2,), (2, 2)]
    assert [name for name, _ in scales.items()] == [name for name, _ in scales.named_parameters()]
    del scales["b"]
    assert len(scales) == 2
    assert "b" not in scales
    for call, kind, text in (
        (lambda: scales["b"], KeyError, "ParameterDict: no parameter 'b'; it has a, c"),
        (lambda: nn.ParameterDict([1]), OperandError,
         "ParameterDict: parameters is not a mapping: expected parameters by name, got list"),
        (lambda: nn.ParameterDict({"keys": 1.0}), ArgumentError,
         "ParameterDict: a name can't be used: expected a string, no dot, and no attribute of the class, got 'keys'"),
    ):  # fmt: skip
        with pytest.raises(kind) as error:
            call()
        assert error.value.args[0] == text
