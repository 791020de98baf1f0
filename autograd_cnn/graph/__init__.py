"""The tape as plain data, and what can be drawn from it."""

from autograd_cnn.graph.capture import capture as capture
from autograd_cnn.graph.explaining.call import Element as Element
from autograd_cnn.graph.explaining.call import Term as Term
from autograd_cnn.graph.explaining.explain import explain as explain
from autograd_cnn.graph.explaining.explanation import Explanation as Explanation
from autograd_cnn.graph.failure import Failure as Failure
from autograd_cnn.graph.failure import on_error as on_error
from autograd_cnn.graph.graph import Graph as Graph
from autograd_cnn.graph.model import Edge as Edge
from autograd_cnn.graph.model import GraphNode as GraphNode
from autograd_cnn.graph.model import Parameter as Parameter
from autograd_cnn.graph.model import Picture as Picture
from autograd_cnn.graph.model import Summary as Summary
