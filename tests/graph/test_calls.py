"""Every call of a module is seen by itself, under its class and the name that its module has."""

import re
from graphlib import TopologicalSorter

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.graph import Graph, ModuleCall, capture


class Twice(nn.Module):
    """A network that uses one ReLU and one pool twice."""

    def __init__(self):
        self.conv1 = nn.Conv2d(1, 2, 3, rng=0)
        self.conv2 = nn.Conv2d(2, 2, 3, rng=0)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        for conv in (self.conv1, self.conv2):
            x = self.pool(self.relu(conv(x)))
        return x


class Steps(nn.Module):
    """A cell that runs over five steps."""

    def __init__(self):
        self.cell = nn.LSTMCell(3, 4, rng=0)
        self.head = nn.Linear(4, 2, rng=0)

    def forward(self, x):
        state = None
        for t in range(5):
            state = self.cell(x[t], state)
        return self.head(state[0])


def _images():
    return np.linspace(0, 1, 144, dtype=np.float32).reshape(1, 1, 12, 12)


def _series():
    return np.ones((5, 2, 3), np.float32)


def _kinds(graph):
    return {call.scope: call.kind for call in graph.calls}


def _names(graph, depth=None):
    """Return the first line of every box that a drawing has."""
    source = graph.to_dot(depth=depth, legend=False).source
    return [line.split("\\n")[0] for line in re.findall(r'label="([^"]+)"', source)]


def test_each_layer_is_a_call_with_its_class():
    graph = capture(nn.lenet5(rng=0)(np.zeros((1, 1, 28, 28), np.float32)).sum())
    assert [call.kind for call in graph.calls] == [
        "Conv2d", "ReLU", "MaxPool2d", "Conv2d", "ReLU", "MaxPool2d", "Flatten",
        "Linear", "ReLU", "Linear", "ReLU", "Linear",
    ]  # fmt: skip
    assert graph.calls[1] == ModuleCall("relu1", "relu1", "ReLU", 1)
    assert {node.scope for node in graph.nodes if node.name == "relu"} == {"relu1", "relu2", "relu3", "relu4"}


def test_a_module_that_is_used_twice_is_two_boxes():
    graph = capture(Twice()(_images()).sum())
    assert graph.calls[4:] == (
        ModuleCall("relu#2", "relu", "ReLU", 2),
        ModuleCall("pool#2", "pool", "MaxPool2d", 2),
    )
    assert _names(graph, depth=1) == [
        "array", "conv1: Conv2d", "relu: ReLU", "pool: MaxPool2d",
        "conv2: Conv2d", "relu #2: ReLU", "pool #2: MaxPool2d", "sum", "output",
    ]  # fmt: skip


@pytest.mark.parametrize("make", [lambda: (Twice(), _images()), lambda: (Steps(), _series())], ids=["twice", "steps"])
@pytest.mark.parametrize("backward", [False, True])
def test_no_drawing_of_calls_goes_in_a_circle(make, backward):
    model, x = make()
    source = capture(model(x).sum(), backward=backward).to_dot(depth=1).source
    edges = re.findall(r'^\t+"?([^"]+?)"? -> "?([^"]+?)"?(?: \[(.*))?$', source, re.MULTILINE)
    after = TopologicalSorter()
    for source, target, look in edges:
        after.add(*((source, target) if "dir=back" in look else (target, source)))
    after.prepare()


def test_the_steps_of_a_cell_are_a_row():
    model = Steps()
    graph = capture(model(_series()).sum())
    assert [name for name in _names(graph, depth=1) if "Cell" in name] == ["LSTMCell × 5"]
    clusters = [name for name in _names(graph, depth=99) if "Cell" in name]
    assert clusters == ["LSTMCell × 5", "cell: LSTMCell", *(f"cell #{step}: LSTMCell" for step in range(2, 6))]
    shared = {node.name: node.scope for node in graph.nodes if node.name.startswith("cell.")}
    assert shared == dict.fromkeys(["cell.weight_ih", "cell.weight_hh", "cell.bias_ih", "cell.bias_hh"], "")
    assert "144 parameters" in graph.to_dot(depth=1).source  # in the box of all steps, and nowhere else


def test_the_steps_of_a_recurrent_layer_are_frames_in_it_under_tracing():
    class Net(nn.Module):
        def __init__(self):
            self.lstm = nn.LSTM(3, 4, rng=0)

        def forward(self, x):
            return self.lstm(x)[0]

    net = Net()
    graph = capture(net(_series()).sum())
    assert list(_kinds(graph).items()) == [("lstm", "LSTM")]
    assert [node.name for node in graph.nodes if node.name == "lstm"] == ["lstm"]
    with ag.tracing():
        graph = capture(net(_series()).sum())
    assert list(_kinds(graph).items()) == [
        ("lstm", "LSTM"), ("lstm.LSTMCell", "LSTMCell"), *((f"lstm.LSTMCell#{i}", "LSTMCell") for i in range(2, 6))
    ]  # fmt: skip
    leaves = {node.name for node in graph.nodes if node.kind == "parameter"}
    assert leaves == {f"lstm.{name}_l0" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}


def test_a_module_that_nothing_holds_is_called_by_its_class():
    cell, h = nn.GRUCell(3, 4, rng=0), None
    for x in _series()[:3]:
        h = cell(x, h)
    graph = capture(nn.MSELoss()(h, np.zeros((2, 4), np.float32)))
    assert graph.calls == (
        ModuleCall("GRUCell", "", "GRUCell", 1),
        ModuleCall("GRUCell#2", "", "GRUCell", 2),
        ModuleCall("GRUCell#3", "", "GRUCell", 3),
        ModuleCall("MSELoss", "", "MSELoss", 1),
    )
    assert {node.name for node in graph.nodes if node.kind == "parameter"} == {
        "weight_ih", "weight_hh", "bias_ih", "bias_hh"
    }  # fmt: skip
    assert _names(graph, depth=1)[-2:] == ["MSELoss", "output"]
    assert "GRUCell × 3" in _names(graph, depth=1)
    assert "GRUCell #3" in _names(graph, depth=3)


def test_one_model_is_the_graph_and_two_are_frames():
    one, two = Twice(), Twice()
    assert "Twice" not in _kinds(capture(one(_images()).sum()))
    graph = capture(one(_images()).sum() + one(_images()).sum() + two(_images()).sum())
    assert [call.scope for call in graph.calls if call.kind == "Twice"] == ["Twice", "Twice#2", "Twice#3"]
    assert ModuleCall("Twice#2.conv1", "conv1", "Conv2d", 1) in graph.calls
    names = [(node.name, node.scope) for node in graph.nodes if node.name == "conv1.weight"]
    assert names == [("conv1.weight", ""), ("conv1.weight", "Twice#3.conv1")]  # the first belongs to both calls


def test_equal_layers_in_a_row_still_become_one_box():
    net = nn.Sequential({"body": nn.Sequential(*(nn.Linear(3, 3, rng=i) for i in range(4))), "act": nn.Tanh()})
    assert _names(capture(net(np.ones((2, 3), np.float32)).sum()), depth=2) == [
        "array", "body: Sequential", "Linear × 4", "act: Tanh", "sum", "output"
    ]  # fmt: skip
    source = capture(net(np.ones((2, 3), np.float32)).sum()).to_dot(depth=2).source
    assert r"Linear × 4\n48 parameters\n(2, 3)" in source


def test_layers_of_another_class_do_not_join():
    class Other(nn.Linear):
        pass

    net = nn.Sequential(nn.Linear(3, 3, rng=0), Other(3, 3, rng=0))
    graph = capture(nn.Sequential(net, nn.Tanh())(np.ones((2, 3), np.float32)).sum())
    assert [name for name in _names(graph, depth=2) if "Linear" in name or "Other" in name] == ["0: Linear", "1: Other"]


def test_blocks_of_one_name_are_one_and_those_of_a_kind_are_calls():
    x = ag.tensor([1.0], requires_grad=True)
    for _ in range(2):
        with ag.scope("block"):
            x = ag.sin(x)
        with ag.scope("part", "Part"):
            x = ag.cos(x)
    graph = capture(x.sum())
    assert [node.scope for node in graph.nodes if node.name in ("sin", "cos")] == ["block", "part", "block", "part#2"]
    assert _kinds(graph) == {"part": "Part", "part#2": "Part"}


def test_a_failed_call_is_in_the_call_of_its_module():
    model = Twice()
    with pytest.raises(ValueError, match="window"), ag.graph.on_error() as failure:
        model(np.ones((1, 1, 9, 9), np.float32))
    assert (failure.graph.nodes[-1].name, failure.graph.nodes[-1].scope) == ("max_pool", "pool#2")


def test_calls_are_in_json():
    graph = capture(Twice()(_images()).sum(), backward=True)
    assert Graph.from_json(graph.to_json()) == graph


def test_two_captures_give_the_same_calls():
    model = Steps()
    assert capture(model(_series()).sum()).calls == capture(model(_series()).sum()).calls
