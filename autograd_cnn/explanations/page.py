"""A graph as a page whose elements can be explained by a click."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.node import Node, Shape, Traced
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.replay import Values
from autograd_cnn.explanations.explain import Result
from autograd_cnn.explanations.explanation import Explanation
from autograd_cnn.explanations.terms import Index
from autograd_cnn.files import AnyPath
from autograd_cnn.graph.capture import Names, Reading, read
from autograd_cnn.parameters import Size


@parsed
def to_html(
    output: Traced,
    path: AnyPath,
    *,
    inputs: Sequence[Any] | None = None,
    names: Names | None = None,
    elements: Size = 512,
    total: Size = 2048,
    terms: Size = 12,
) -> Path:
    """Write the graph of a result as a page; a click on an element of a value or gradient explains it.

    The page is that of `autograd_cnn.graph.Graph.to_html`, with both passes if the result is a scalar, and with the
    output of `explain` for each element of the smaller arrays. For a sum, these are its largest terms: for a filter
    weight's gradient, products of a pixel with a sensitivity; pointing at one shows both in their pictures.

    Parameters
    ----------
    output : Tensor
        Such as a loss, before its backward pass. Record it under `autograd_cnn.tracing` to have all operands.
    path : path
    inputs, names
        As for `autograd_cnn.graph.capture`.
    elements : int
        Arrays with more elements are left out, and the page says so.
    total : int
        The maximum number of explained elements, those of gradients first, and of small arrays before large ones.
    terms : int
        The maximum number of terms of each; the largest are kept, and the sum of the others.

    Returns
    -------
    Path

    Raises
    ------
    GradientError
        As `autograd_cnn.graph.capture` raises it.
    ArgumentError, MissingDependencyError, OSError
        As `autograd_cnn.graph.Graph.to_html` raises them.

    Notes
    -----
    A term takes about 60 bytes of the page: with the default limits at most 2 MB in total. Each element takes a few
    milliseconds when the page is written.

    Examples
    --------
    >>> import tempfile
    >>> import autograd_cnn as ag
    >>> x = ag.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True, name="x")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_html((x @ x).sum(), f"{folder}/why.html").name
    'why.html'
    """
    reading = read(output, inputs, names, backward=isinstance(output, Traced) and output.value.size == 1)
    answers = _Answers(output, reading, elements, total, terms)
    return reading.graph().to_html(path, explanations=answers.data())


class _Answers:
    """The explanations that the page contains."""

    def __init__(self, output: Traced, reading: Reading, elements: int, total: int, terms: int) -> None:
        self._reading, self._terms = reading, terms
        passed = reading.passed
        self._gradients = {} if passed is None else passed.cotangents
        recorded = reading.order if passed is None else [*passed.order, *reading.order]
        given = {
            node: tensor.value for tensor in (output, *self._gradients.values()) if (node := tensor.node) is not None
        }
        tape = Values(recorded, given)
        self._known = {node: value for node in tape.nodes if (value := tape.take(node)) is not None}
        self._limit = elements
        self._wrap = output.tensor_type.wrap
        self._chosen = self._choose(elements, total)

    def _choose(self, elements: int, total: int) -> list[Node]:
        """Return the nodes that are explained: gradients first, and small arrays before large ones."""
        gradients = {g.node for g in self._gradients.values()}
        fitting = [
            node
            for node, value in self._known.items()
            if isinstance(node.primitive, Primitive) and node.saved is not None and value.size <= elements
        ]
        chosen = []
        for node in sorted(fitting, key=lambda node: (node not in gradients, self._known[node].size)):
            size = self._known[node].size
            if size <= total:
                total -= size
                chosen.append(node)
        return chosen

    def data(self) -> dict[str, Any]:
        """Return the data for JSON."""
        ids = self._reading.ids
        chosen = set(self._chosen)
        return {
            "limit": self._limit,
            "nodes": {ids[id(node)]: self._of_node(node) for node in self._chosen},
            "gradients": {ids[id(node)]: ids[id(g.node)] for node, g in self._gradients.items() if g.node in chosen},
        }

    def _of_node(self, node: Node) -> dict[str, Any]:
        tensor = self._wrap(self._known[node])
        tensor.node = node
        result = Result(tensor, self._known)
        said = [result.at(index) for index in np.ndindex(node.shape)]
        sources = {name: source for each in said for name, source in each.sources.items() if source is not None}
        shapes = {name: np.shape(source) for name, source in sources.items()}
        return {
            "operands": [(name, self._reading.ids.get(id(source))) for name, source in sources.items()],
            "elements": [self._of_element(each, shapes) for each in said],
        }

    def _of_element(self, explanation: Explanation, shapes: Mapping[str, Shape]) -> dict[str, Any]:
        """Return the texts of an explanation; each row with the operands' numbers and positions that it names."""
        title, rows, rest = explanation.rows(self._terms)
        numbers = {name: number for number, name in enumerate(shapes)}
        told = []
        for row in rows:
            named = [element for element in row.elements if element.argument in shapes]
            places = [(numbers[each.argument], _flat(each.index, shapes[each.argument])) for each in named]
            told.append((" ".join(filter(None, row.cells)), places))
        notes = " ".join(filter(None, (rest, explanation.note)))
        return {"title": explanation.title, "what": title, "rows": told, "rest": notes}


def _flat(index: Index, shape: Shape) -> int:
    return int(np.ravel_multi_index(index, shape)) if index else 0
