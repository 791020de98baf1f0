"""The tape as plain data, and what can be drawn from it."""

from autograd_cnn.graph.capture import capture as capture
from autograd_cnn.graph.graph import Graph as Graph
from autograd_cnn.graph.model import Edge as Edge
from autograd_cnn.graph.model import GraphNode as GraphNode
from autograd_cnn.graph.model import Parameter as Parameter
from autograd_cnn.graph.model import Summary as Summary
