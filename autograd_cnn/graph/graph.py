"""The captured graph itself, with all that can be made of it."""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from autograd_cnn.graph.model import Edge, GraphNode


@dataclass(frozen=True)
class Graph:
    nodes: tuple[GraphNode, ...]
    edges: tuple[Edge, ...]
