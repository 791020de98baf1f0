"""The plain data."""

import dataclasses

import pytest

from autograd_cnn.graph import Attribute, Edge, GraphNode, Picture, Summary


def _node():
    return GraphNode(
        "n0", "operation", "relu", (2, 3), "float32", "net.act", parameters=(Attribute("axis", "0", default=False),),
        value=Summary(0.0, 1.0, 0.5, 0.1, 2.0, 0, (1, 2), Picture(1, 1, 2, (2, 2), 0.5, "f4E=")),
        problem="its rule is wrong",
    )  # fmt: skip


@pytest.mark.parametrize("data", [_node(), Edge("n0", "n1"), _node().value, _node().parameters[0]])
def test_nothing_can_be_changed(data):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(data, dataclasses.fields(data)[0].name, "other")
