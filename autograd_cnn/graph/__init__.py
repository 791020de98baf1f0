"""The tape as plain data."""

from autograd_cnn.graph.capture import capture as capture
from autograd_cnn.graph.difference import Difference as Difference
from autograd_cnn.graph.difference import difference as difference
from autograd_cnn.graph.failure import Failure as Failure
from autograd_cnn.graph.failure import on_error as on_error
from autograd_cnn.graph.graph import Graph as Graph
from autograd_cnn.graph.network import of_network as of_network
from autograd_cnn.graph.nodes import Attribute as Attribute
from autograd_cnn.graph.nodes import Edge as Edge
from autograd_cnn.graph.nodes import GraphNode as GraphNode
from autograd_cnn.graph.nodes import ModuleCall as ModuleCall
from autograd_cnn.graph.nodes import Picture as Picture
from autograd_cnn.graph.nodes import Summary as Summary
from autograd_cnn.graph.nodes import Units as Units
from autograd_cnn.graph.plan import of_plan as of_plan
from autograd_cnn.graph.profile import Profile as Profile
from autograd_cnn.graph.profile import profile as profile
from autograd_cnn.spelling import announce as _announce

_announce(globals())
