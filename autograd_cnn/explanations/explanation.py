"""The explanation of one number, as data and as text."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from autograd_cnn.engine.node import Traced
from autograd_cnn.errors import counted
from autograd_cnn.explanations.terms import Element, Index, Term
from autograd_cnn.graph.capture import read
from autograd_cnn.table import aligned

LINES: Final = 20
"""The maximum number of rows that are printed."""


class Row(NamedTuple):
    """A printed number, and the elements that it names."""

    cells: tuple[str, ...]
    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where one element of a recorded result comes from.

    Attributes
    ----------
    tensor : Tensor
        The tensor that contains the element.
    value : float
        The element.
    index : tuple of int
        Its index.
    operation : str
        The primitive that computed it.
    formula : str
        What the primitive computes.
    terms : tuple of Term
        The terms that sum to the value; empty if the operation is not a sum.
    candidates : tuple of Element
        The numbers that the operation chose from, the best first; empty if it does not choose.
    slopes : tuple of (Element, float)
        If the operation is neither a sum nor a choice: the numbers that the value depends on, and
        its derivatives with respect to them.
    note : str
        If nothing more can be said, the reason.
    sources : mapping
        The sources of the operands, by name: a node of the tape, or an array.
    """

    tensor: Traced = field(repr=False, compare=False)
    value: float
    index: Index
    operation: str
    formula: str
    terms: tuple[Term, ...] = ()
    candidates: tuple[Element, ...] = ()
    slopes: tuple[tuple[Element, float], ...] = ()
    note: str = ""
    sources: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def total(self) -> float:
        """The sum of the terms."""
        return math.fsum(term.value for term in self.terms)

    def __repr__(self) -> str:
        title, rows, rest = self.rows()
        lines = [self.title, *([f"  {self.formula}"] if self.formula else []), *([f"  {title}"] if title else [])]
        lines += [f"  {line}" for line in aligned([row.cells for row in rows], [0])]
        return "\n".join([*lines, *(f"  {text}" for text in (rest, self.note) if text)])

    @property
    def title(self) -> str:
        """The operation, the index and the value."""
        return f"{self.operation}{_subscript(self.index)} = {self.value:.6g}"

    def rows(self, most: int = LINES) -> tuple[str, list[Row], str]:
        """Return the text: a title, a row for each number, and a line for those beyond ``most`` rows."""
        if self.candidates:
            chosen = self._chosen()
            rows = [Row((f"{e.number:.6g}", _cell(e), "chosen" if e in chosen else ""), (e,)) for e in self.candidates]
            return f"the choice among {counted(len(rows), 'number')}:", rows[:most], _more(rows, most)
        if self.slopes:
            steepest = sorted(self.slopes, key=lambda each: -abs(each[1]))
            rows = [Row((_cell(e), f"= {e.number:.6g}", f"derivative {slope:.6g}"), (e,)) for e, slope in steepest]
            return f"it depends on {counted(len(rows), 'number')}:", rows[:most], _more(rows, most)
        if self.terms:
            largest = sorted(self.terms, key=lambda term: -abs(term.value))
            rest = math.fsum(term.value for term in largest[most:])
            rows = [Row((f"{term.value:.6g}", "=", *_product(term)), term.factors) for term in largest]
            title = f"the sum of {len(rows)} terms:" if len(rows) > 1 else "it is a single term:"
            return title, rows[:most], _more(rows, most, f", adding up to {rest:.6g}")
        return "" if self.note else "no element of its operands takes part", [], ""

    def _chosen(self) -> set[Element]:
        return {factor for term in self.terms for factor in term.factors}

    def table(self) -> list[dict[str, Any]]:
        """Return a row for each term, candidate or slope, in a form for data frames.

        Examples
        --------
        >>> import autograd_cnn as ag
        >>> w = ag.tensor([3.0, 4.0], requires_grad=True)
        >>> ag.explain(ag.matmul([1.0, 2.0], w), ()).table()[0]
        {'value': 3.0, 'coefficient': 1.0, 'x1': 1.0, 'x1 index': (0,), 'x2': 3.0, 'x2 index': (0,), 'text': ''}
        """
        if self.candidates:
            chosen = self._chosen()
            return [{**asdict(e), "chosen": e in chosen} for e in self.candidates]
        if self.slopes:
            return [{**asdict(e), "slope": slope} for e, slope in self.slopes]
        return [
            {"value": term.value, "coefficient": term.coefficient, **_columns(term), "text": term.text}
            for term in self.terms
        ]

    def to_html(self, path: str | Path) -> Path:
        """Write the graph of the tensor as a page that highlights the elements that made this one.

        Parameters
        ----------
        path : path

        Returns
        -------
        Path

        Raises
        ------
        MissingDependencyError
            If nothing that can lay out the graph is installed.
        """
        reading = read(self.tensor)
        return reading.graph().to_html(path, highlight=self._highlight(reading.ids))

    def _highlight(self, ids: Mapping[int, str]) -> dict[str, dict[Index, float]]:
        """Return the weights of elements by the ids of nodes in the graph."""
        weights = [(e, term.value) for term in self.terms for e in term.factors]
        weights += [(e, 0.0) for e in self.candidates] + list(self.slopes)
        marked = {ids[id(self.tensor.node)]: {self.index: self.value}}
        for element, weight in weights:
            name = ids.get(id(self.sources.get(element.argument)))
            if name is not None:
                cells = marked.setdefault(name, {})
                cells[element.index] = cells.get(element.index, 0.0) + weight
        return marked


# --- writing it out ---------------------------------------------------------------------------


def _columns(term: Term) -> dict[str, Any]:
    """Return two columns for each factor: the number, and its index."""
    columns: dict[str, Any] = {}
    for factor in term.factors:
        columns |= {factor.argument: factor.number, f"{factor.argument} index": factor.index}
    return columns


def _subscript(index: Index) -> str:
    return f"[{', '.join(map(str, index))}]" if index else ""


def _cell(element: Element) -> str:
    return f"{element.argument}{_subscript(element.index)}"


def _product(term: Term) -> tuple[str, str]:
    """Return the product, and where it comes from; in the other order if there is no product."""
    factors = [f"{_cell(factor)} {factor.number:.6g}" for factor in term.factors]
    if term.coefficient != 1:
        factors.append(f"{term.coefficient:.6g}")
    return (" × ".join(factors), term.text) if factors else (term.text, "")


def _more(rows: Sequence[Row], most: int, rest: str = "") -> str:
    return f"... and {len(rows) - most} more{rest}" if len(rows) > most else ""
