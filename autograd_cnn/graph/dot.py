"""Drawing a captured graph in the DOT language of Graphviz."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from autograd_cnn.errors import ArgumentError, sentence
from autograd_cnn.graph.fold import Box, fold
from autograd_cnn.graph.model import Edge, GraphNode
from autograd_cnn.graph.style import PALETTES, QUANTITIES, SCALE, Palette, Quantity, Scale, Theme, quantity_text

if TYPE_CHECKING:
    import graphviz

Show: TypeAlias = Literal["forward", "backward", "both"]
