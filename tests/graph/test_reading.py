"""Plain data made again from what JSON keeps of it."""

import dataclasses
import json

import pytest

from autograd_cnn.errors import FormatError
from autograd_cnn.graph import Attribute, GraphNode, Picture, Summary
from autograd_cnn.graph.reading import rebuild


def test_a_node_survives_json():
    node = GraphNode(
        "n0", "operation", "relu", (2, 3), "float32", "net.act", parameters=(Attribute("axis", "0", default=False),),
        value=Summary(0.0, 1.0, 0.5, 0.1, 2.0, 0, (1, 2), Picture(1, 1, 2, (2, 2), 0.5, "f4E=")),
        problem="its rule is wrong",
    )  # fmt: skip
    assert rebuild(GraphNode, json.loads(json.dumps(dataclasses.asdict(node))), "node") == node


def test_a_field_with_a_default_may_be_missing():
    node = {"id": "n0", "kind": "operation", "name": "relu", "shape": [2, 3], "dtype": "float32"}
    required = [each.name for each in dataclasses.fields(GraphNode) if each.default is dataclasses.MISSING]
    assert required == [*node]
    assert rebuild(GraphNode, node, "node") == GraphNode("n0", "operation", "relu", (2, 3), "float32")
    with pytest.raises(FormatError, match=r"^node: expected id, "):
        rebuild(GraphNode, {name: value for name, value in node.items() if name != "id"}, "node")


def test_a_whole_number_is_a_float():
    """Other programs write 1.0 as 1."""
    assert isinstance(rebuild(float, 1, "scale"), float)
