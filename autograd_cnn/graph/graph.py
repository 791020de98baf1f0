"""The captured graph, and its output formats."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np

from autograd_cnn.engine.composite import parsed
from autograd_cnn.errors import ArgumentError, FormatError
from autograd_cnn.files import AnyPath, as_path, replacing
from autograd_cnn.graph.nodes import Edge, GraphNode, ModuleCall
from autograd_cnn.graph.reading import rebuild
from autograd_cnn.parameters import Size

if TYPE_CHECKING:
    import graphviz

    from autograd_cnn.viz.drawing.dot import Show
    from autograd_cnn.viz.drawing.measures import Quantity
    from autograd_cnn.viz.drawing.style import Theme
    from autograd_cnn.viz.frames.view import Direction
    from autograd_cnn.viz.page.html import Highlight

VERSION: Final = 3
DISORDER: Final = "the nodes' ids contradict each other"


@dataclass(frozen=True, slots=True)
class Graph:
    """A computation as plain data, independent of the tape that it was read from.

    Attributes
    ----------
    nodes : tuple of GraphNode
        Each after all nodes that it depends on; the node ``n7`` is ``nodes[7]``.
    edges : tuple of Edge
        In the order of their targets and, for each target, of its operands.
    calls : tuple of ModuleCall
        Each after its enclosing calls; blocks of `autograd_cnn.scope` are not included.

    Raises
    ------
    ArgumentError
        If a node's id is not its position, or an edge or pair leads elsewhere than from an earlier node to a later one.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor(3.0, requires_grad=True, name="x")
    >>> graph = ag.graph.capture(x * x)
    >>> graph
    <Graph: 3 nodes, 3 edges>
    >>> Graph.from_json(graph.to_json()) == graph
    True
    """

    nodes: tuple[GraphNode, ...]
    edges: tuple[Edge, ...]
    calls: tuple[ModuleCall, ...] = ()

    def __post_init__(self) -> None:
        if not _is_ordered(self.nodes, self.edges):
            expected = "n0, n1, … in order, and edges and pairs from earlier nodes to later ones"
            raise ArgumentError("Graph", DISORDER, expected=expected)

    def __repr__(self) -> str:
        return f"<Graph: {len(self.nodes)} nodes, {len(self.edges)} edges>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """Show the graph as a picture in a notebook."""
        from autograd_cnn.viz.notebook import bundle  # noqa: PLC0415  # pictures are loaded when one is asked for

        return bundle(repr(self), self.nodes, self.edges, self.calls)

    def to_json(self) -> str:
        """Return the graph as a JSON text that `from_json` reads."""
        fields = {
            "version": VERSION,
            "nodes": [asdict(node) for node in self.nodes],
            "edges": [asdict(edge) for edge in self.edges],
            "calls": [asdict(call) for call in self.calls],
        }
        return json.dumps(fields, ensure_ascii=False, allow_nan=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Graph":
        """Rebuild a graph from `to_json`.

        Raises
        ------
        FormatError
            If the text is something else; if single fields are wrong, the error names the first.
        """
        try:
            fields = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, TypeError, RecursionError) as error:
            raise FormatError("Graph.from_json", "the text is not a captured graph") from error
        if not isinstance(fields, dict) or not fields.keys() >= {"version", "nodes", "edges"}:
            raise FormatError("Graph.from_json", "the text is not a captured graph")
        if type(fields["version"]) is not int or fields["version"] != VERSION:
            problem = "the text is of another version"
            raise FormatError("Graph.from_json", problem, expected=VERSION, got=repr(fields["version"])[:60])
        if fields.keys() != {"version", "nodes", "edges", "calls"}:
            raise FormatError("Graph.from_json", "the text is not a captured graph")
        nodes = rebuild(tuple[GraphNode, ...], fields["nodes"], "Graph.from_json: nodes")
        edges = rebuild(tuple[Edge, ...], fields["edges"], "Graph.from_json: edges")
        calls = rebuild(tuple[ModuleCall, ...], fields["calls"], "Graph.from_json: calls")
        if not _is_ordered(nodes, edges):
            raise FormatError("Graph.from_json", DISORDER)
        _check_sizes(nodes)
        return cls(nodes, edges, calls)

    @parsed
    def to_dot(
        self,
        *,
        show: "Show" = "both",
        depth: Size | None = None,
        direction: "Direction | None" = None,
        color: "Quantity | None" = None,
        theme: "Theme" = "light",
        legend: bool = True,
    ) -> "graphviz.Digraph":
        """Return the graph in Graphviz's DOT language, with visible frames as clusters, for Graphviz to lay out.

        `render` draws the same frames at the positions that they have on the page of `to_html`. The same graph gives
        the same bytes.

        Parameters
        ----------
        show : "both", "forward" or "backward"
            Which pass, if both have been captured.
        depth : int, optional
            Fold the frames at this level of nesting into one box each; 1 folds the outermost. By default as many levels
            are open as can be taken in at a glance, as when a page opens.
        direction : "down" or "right", optional
            The direction of the forward pass; by default as for `to_html`.
        color : "grad", "bytes", "flops", "time", "nan", "dead" or "change", optional
            Colour by the gradient's norm, the memory saved for the backward pass, the arithmetic, the time in a
            `profile`, non-finite values and where they began, the share of dead `Units`, or the changes in the graph of
            a `difference`. Unknown quantities are dashed and labelled so.
        theme : "light" or "dark"
            The background to draw for.
        legend : bool
            Add a legend of shapes and colours.

        Raises
        ------
        ArgumentError
            For a parameter out of range.

        Examples
        --------
        >>> import autograd_cnn as ag
        >>> x = ag.tensor(3.0, requires_grad=True, name="x")
        >>> print(ag.graph.capture(x * x).to_dot(legend=False).body[-1].strip())
        n1 -> n2
        """
        from autograd_cnn.viz.drawing.dot import draw  # noqa: PLC0415  # as above

        return draw(
            self.nodes, self.edges, self.calls, show=show, depth=depth, direction=direction, color=color, theme=theme,
            legend=legend,
        )  # fmt: skip

    @parsed
    def render(
        self,
        path: AnyPath,
        *,
        show: "Show" = "both",
        depth: Size | None = None,
        direction: "Direction | None" = None,
        color: "Quantity | None" = None,
        theme: "Theme" = "light",
        legend: bool = True,
    ) -> Path:
        """Write the graph to a file: a picture, a page, DOT or JSON, depending on the extension.

        A picture is what the page shows when it is opened, or opened to another ``depth``. Graphviz draws pictures:
        .svg with its program ``dot`` or, if that is missing, with Graphviz as WebAssembly, which is installed with this
        package; .png only with the program, and .pdf with it or with the extra ``pdf``.

        Parameters
        ----------
        path : path
            Ends in .svg, .png, .pdf, .html, .dot or .json.
        show, depth, direction, color, theme, legend
            As for `to_dot`, for pictures and DOT; a page has the ``direction``, and begins with the ``color``.

        Returns
        -------
        Path

        Raises
        ------
        ArgumentError
            If the name ends otherwise.
        MissingDependencyError
            For a .png without the program ``dot``, or a .pdf without it and the extra ``pdf``.

        Examples
        --------
        >>> import tempfile
        >>> import autograd_cnn as ag
        >>> x = ag.tensor(3.0, requires_grad=True, name="x")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     ag.graph.capture(x * x).render(f"{folder}/square.dot").name
        'square.dot'
        """
        from autograd_cnn.viz.drawing.dot import draw  # noqa: PLC0415  # as above
        from autograd_cnn.viz.drawing.render import ENDINGS, picture  # noqa: PLC0415  # as above

        path = as_path("render", path, ENDINGS)
        suffix = path.suffix.lower()
        if suffix == ".html":
            return self.to_html(path, direction=direction, color=color)
        if suffix == ".json":
            content = self.to_json().encode(errors="backslashreplace")  # JSON's way to write a lone surrogate
        else:
            dot = draw(
                self.nodes, self.edges, self.calls, show=show, depth=depth, direction=direction, color=color,
                theme=theme, legend=legend, placed=suffix != ".dot",
            )  # fmt: skip
            content = dot.source.encode() if suffix == ".dot" else picture(dot, path)
        with replacing(path) as file:
            file.write(content)
        return path

    @parsed
    def to_html(
        self,
        path: AnyPath,
        *,
        highlight: "Highlight | None" = None,
        direction: "Direction | None" = None,
        color: "Quantity | None" = None,
        explanations: "Mapping[str, Any] | None" = None,
    ) -> Path:
        """Write the graph as an interactive page: one file, which works offline.

        The page can be panned, zoomed, searched and folded by module; it steps through both passes, and shows each
        node's formula, numbers and pictures. Graphviz lays it out, as for `render`.

        Parameters
        ----------
        path : path
        highlight : mapping of str to (mapping of tuple of int to float), optional
            Elements to highlight in the values of nodes, each with a weight, by the node's id. The page opens at the
            first of these nodes.
        direction : "down" or "right", optional
            The direction of the forward pass; by default to the right for a recurrent network, so that its steps form a
            row, and down for others.
        color : str, optional
            The quantity by which it is coloured at first, as for `to_dot`; readers can choose any other known one.
        explanations : mapping, optional
            Explanations of single elements; `autograd_cnn.explanations.to_html` makes them.

        Returns
        -------
        Path

        Raises
        ------
        ArgumentError
            If the name does not end in .html, or ``highlight``, ``direction`` or ``color`` names something that does not
            exist.
        MissingDependencyError
            If nothing of what this package installs is there to lay it out.

        Examples
        --------
        >>> import tempfile
        >>> import autograd_cnn as ag
        >>> x = ag.tensor([[3.0, 4.0]], requires_grad=True, name="x")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     ag.graph.capture(x * x).to_html(f"{folder}/net.html", highlight={"n0": {(0, 1): 8.0}}).name
        'net.html'
        """
        from autograd_cnn.viz.page.html import page  # noqa: PLC0415  # as above

        path = as_path("to_html", path, [".html"], hint="render writes all kinds of files, by their endings")
        content = page(self.nodes, self.edges, self.calls, highlight, direction, color=color, explanations=explanations)
        with replacing(path) as file:
            file.write(content.encode())
        return path

    @parsed
    def show(self, *, height: Size = 640) -> Path | None:
        """Show the interactive page: below the cell in a notebook, else in the browser.

        It is the page that `to_html` writes, in a frame that loads nothing and needs no extension. It has been tried in
        JupyterLab and marimo; other notebooks that show HTML show it, too.

        Parameters
        ----------
        height : int
            The height in a notebook, in pixels.

        Returns
        -------
        Path or None
            Outside notebooks, the file that was opened, or that you can open if no browser was found.

        Raises
        ------
        MissingDependencyError
            If nothing of what this package installs is there to lay it out.

        Examples
        --------
        >>> import autograd_cnn as ag
        >>> x = ag.tensor([3.0, 4.0], requires_grad=True, name="x")
        >>> ag.graph.capture(x * x).show()  # doctest: +SKIP
        """
        from autograd_cnn.viz.page.html import TITLE, page  # noqa: PLC0415  # as above
        from autograd_cnn.viz.web.showing import show  # noqa: PLC0415  # as above

        return show(page(self.nodes, self.edges, self.calls), title=TITLE, height=height)


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and infinity, which JSON lacks."""
    raise ValueError(name)


def _is_ordered(nodes: tuple[GraphNode, ...], edges: tuple[Edge, ...]) -> bool:
    """Whether each node's id is its position, and it refers only to earlier ones."""
    positions = {f"n{position}": position for position in range(len(nodes))}
    before = [(node.pair, node.id) for node in nodes if node.pair is not None]
    before += [(edge.source, edge.target) for edge in edges]
    return [node.id for node in nodes] == list(positions) and all(
        earlier in positions and later in positions and positions[earlier] < positions[later]
        for earlier, later in before
    )


def _check_sizes(nodes: tuple[GraphNode, ...]) -> None:
    """Raise `FormatError` for an invalid dtype or length, half a range, or a picture with the wrong number of cells."""
    for node in nodes:
        try:
            np.dtype(node.dtype)
        except (TypeError, ValueError, SyntaxError) as error:
            raise FormatError("Graph.from_json", f"the dtype of {node.id} is not understood") from error
        if min(node.shape, default=0) < 0:
            problem = f"the shape of {node.id} is not a shape"
            raise FormatError("Graph.from_json", problem, expected="lengths of at least 0", got=node.shape)
        for summary in filter(None, (node.value, node.grad)):
            if (summary.min is None) != (summary.max is None):
                raise FormatError("Graph.from_json", f"a range of {node.id} lacks an end")
            if summary.picture and not summary.picture.is_whole():
                raise FormatError("Graph.from_json", f"a picture of {node.id} does not fit its size")
