"""The tape as plain data."""

from typing import TYPE_CHECKING

from autograd_cnn.graph.capture import capture
from autograd_cnn.graph.difference import Difference, difference
from autograd_cnn.graph.failure import Failure, on_error
from autograd_cnn.graph.graph import Graph
from autograd_cnn.graph.network import of_network
from autograd_cnn.graph.nodes import Attribute, Edge, GraphNode, ModuleCall, Picture, Summary, Units
from autograd_cnn.graph.plan import of_plan
from autograd_cnn.graph.profile import Profile, profile
from autograd_cnn.spelling import teller as _teller

__all__ = [
    "Attribute",
    "Difference",
    "Edge",
    "Failure",
    "Graph",
    "GraphNode",
    "ModuleCall",
    "Picture",
    "Profile",
    "Summary",
    "Units",
    "capture",
    "difference",
    "of_network",
    "of_plan",
    "on_error",
    "profile",
]

if not TYPE_CHECKING:  # a type checker would take it that every name is there
    __getattr__ = _teller(__name__, __all__)
