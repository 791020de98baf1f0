"""What has changed between two graphs."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.errors import OperandError
from autograd_cnn.graph import Graph, capture, difference
from autograd_cnn.graph.matching import align

IMAGES = np.linspace(-1.0, 1.0, 2 * 64, dtype=np.float32).reshape(2, 1, 8, 8)


def _capture(model, **options):
    return capture(model(IMAGES).sum(), names=model.named_parameters(), backward=True, **options)


def _plain(*, width=4, norm=False, act=nn.ReLU):
    layers = [nn.Conv2d(1, width, 3, rng=0), *([nn.BatchNorm2d(width)] if norm else []), act()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(36 * width, 3, rng=1))


class _Named(nn.Module):
    """The same network as `_plain`, with names."""

    def __init__(self):
        self.conv, self.act = nn.Conv2d(1, 4, 3, rng=0), nn.ReLU()
        self.flatten, self.head = nn.Flatten(), nn.Linear(144, 3, rng=1)

    def forward(self, x):
        return self.head(self.flatten(self.act(self.conv(x))))


class _Twice(nn.Module):
    """A network that calls its layer several times."""

    def __init__(self, times):
        self.times, self.layer = times, nn.Conv2d(1, 1, 3, padding=1, rng=0)

    def forward(self, x):
        for _ in range(self.times):
            x = self.layer(x)
        return x


@for_each(
    "before, after, changes, renamed",
    [
        (_plain(), _plain(), set(), {}),
        (_plain(), _plain(norm=True), {("added", "1", "batch_norm")}, {"1": "2", "2": "3", "3": "4"}),
        (_plain(norm=True), _plain(), {("removed", "1 before", "batch_norm")}, {"2": "1", "3": "2", "4": "3"}),
        (_plain(), _plain(act=nn.Tanh), {("removed", "1 before", "relu"), ("added", "1", "tanh")}, {}),
        (_plain(), _Named(), set(), {"0": "conv", "1": "act", "2": "flatten", "3": "head"}),
        (_Twice(3), _Twice(4), {("added", "layer#4", "correlate2d")}, {}),
        (_Twice(3), _Twice(1), {("removed", f"layer#{i}", "correlate2d") for i in (2, 3)}, {}),
        (_plain(width=4), _plain(width=5),
         {("changed", "0", "correlate2d"), ("changed", "1", "relu"), ("changed", "2", "reshape"), ("changed", "3", "linear")}, {}),
    ],
)  # fmt: skip
def test_operations_correspond_by_calls_and_their_order(before, after, changes, renamed):
    found = difference(*(_capture(model, values=False) for model in (before, after)))
    operations = [node for node in found.graph.nodes if node.kind == "operation" and node.phase == "forward"]
    assert {(node.change, node.scope, node.name) for node in operations if node.change != "same"} == changes
    assert found.renamed == renamed
    assert Graph.from_json(found.graph.to_json()) == found.graph
    counts = [len(found.of(change)) for change in ("same", "changed", "added", "removed")]
    assert sum(counts[:3]) == len(found.after.nodes)
    assert counts[0] + counts[1] + counts[3] == len(found.before.nodes)
    assert len(found.graph.edges) >= len(found.after.edges)


def test_it_is_written_out():
    found = difference(*(_capture(_plain(**options), values=False) for options in ({}, {"norm": True})))
    assert repr(found).splitlines() == [
        "9 nodes added, 0 nodes removed, 0 nodes changed",
        "26 nodes the same",
        "  parameters: 475 → 483 (+1.7%)",
        "  bytes saved: 1,952 → 3,168 (+62.3%)",
        "  the module 1 is now 2",
        "  the module 2 is now 3",
        "  the module 3 is now 4",
        "+ 1: BatchNorm2d, 9 nodes",
    ]


def test_values_count_when_asked_for():
    model = _plain()
    before = _capture(model)
    model[3].bias.data = model[3].bias.data + np.float32(1.0)
    after = _capture(model)
    assert not difference(before, after).of("changed")
    assert [node.name for node in difference(before, after, values=1e-3).of("changed")] == [
        "3.bias",
        "linear",
        "sum",
        "output",
    ]
    assert not difference(before, after, values=100.0).of("changed")


def test_a_drawing_has_the_changes_as_colors():
    found = difference(*(_capture(_plain(**options), values=False) for options in ({}, {"width": 5, "norm": True})))
    source = found.graph.to_dot(color="change", show="forward").source
    assert all(f"\\n{word}" in source for word in ("added", "changed"))
    assert all(f"legend_{i} [label={word}" in source for i, word in enumerate(["same", "changed", "added"], 1))
    assert "\\nsame" not in source


def test_long_chains_are_compared_in_their_order():
    chains = []
    for length in (3000, 3001):
        y = x = ag.tensor(1.0, requires_grad=True, name="x")
        for _ in range(length):
            y = ag.sin(y) if length == 3000 else ag.sin(y) * x if y is x else ag.sin(y)
        chains.append(capture(y, values=False))
    found = difference(*chains)
    assert (len(found.of("added")), len(found.of("removed"))) == (2, 0)


def test_pairs_add_up_to_the_best_score():
    assert align("abcd", "xbcdy", lambda a, b: a == b) == [("b", "b"), ("c", "c"), ("d", "d")]
    assert align([], "x", lambda a, b: a == b) == []


def test_only_graphs_are_compared():
    with pytest.raises(OperandError) as error:
        difference(capture(ag.tensor(1.0, requires_grad=True) * 2), 3)
    assert str(error.value) == "graph.difference: after is not a Graph: expected graph.capture(loss), got int"
