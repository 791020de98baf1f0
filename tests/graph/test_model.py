"""The plain data."""

import dataclasses

import pytest

from autograd_cnn.graph import Edge, GraphNode, Parameter, Picture, Summary


def _node():
    return GraphNode(
        "n0", "operation", "relu", (2, 3), "float32", "net.act", parameters=(Parameter("axis", "0", default=False),),
        value=Summary(0.0, 1.0, 0.5, 0.1, 2.0, 0, (1, 2), Picture(1, 1, 2, (2, 2), 0.5, "f4E=")),
        problem="its rule is wrong",
    )  # fmt: skip


def test_a_node_survives_being_a_dict():
    node = _node()
    assert GraphNode.from_dict(dataclasses.asdict(node)) == node


def test_a_node_can_be_rebuilt_from_lists():
    fields = dataclasses.asdict(_node()) | {"shape": [2, 3]}
    picture = fields["value"]["picture"] | {"block": [2, 2]}
    fields["value"] = fields["value"] | {"histogram": [1, 2], "picture": picture}
    assert GraphNode.from_dict(fields) == _node()


@pytest.mark.parametrize("data", [_node(), Edge("n0", "n1"), _node().value, _node().parameters[0]])
def test_nothing_can_be_changed(data):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(data, dataclasses.fields(data)[0].name, "other")
