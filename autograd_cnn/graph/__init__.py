"""The tape as plain data."""

from autograd_cnn.graph.capture import capture
from autograd_cnn.graph.failure import Failure, on_error
from autograd_cnn.graph.graph import Graph
from autograd_cnn.graph.nodes import Attribute, Edge, GraphNode, ModuleCall, Picture, Summary

__all__ = [
    "Attribute",
    "Edge",
    "Failure",
    "Graph",
    "GraphNode",
    "ModuleCall",
    "Picture",
    "Summary",
    "capture",
    "on_error",
]
