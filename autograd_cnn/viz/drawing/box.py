"""The contents of a box, and the size that it needs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from autograd_cnn.graph.nodes import Edge, GraphNode, ModuleCall, Phase
from autograd_cnn.viz.frames.layout import Sizes, chip_size, size_of
from autograd_cnn.viz.frames.sharing import numbers_of
from autograd_cnn.viz.frames.titles import Names, Titles, shortened
from autograd_cnn.viz.frames.tree import Frame, Tree, tree_of

SHORT = 24
"""Longer names on chips are shortened."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box of a picture or page, with the nodes that it represents.

    Attributes
    ----------
    members : tuple of GraphNode
        One node, or the nodes of a folded frame in one pass.
    frame : Frame, optional
        The frame that is folded here.
    prefix : str
        The title of a node's module, if the module has no frame.
    kind : str
        The class of the module that the box names: the folded one, or the node's own.
    numbers : tuple of str
        The operands that are numbers, as in ``x2=0.5``; they have no boxes.
    """

    members: tuple[GraphNode, ...]
    frame: Frame | None = None
    prefix: str = ""
    kind: str = ""
    numbers: tuple[str, ...] = ()

    @property
    def node(self) -> GraphNode:
        """The first of the nodes: the only one unless the box is a folded frame."""
        return self.members[0]

    @property
    def phase(self) -> Phase:
        """The pass that it belongs to."""
        return self.node.phase

    @property
    def title(self) -> str:
        """The title of a frame when it is open."""
        if self.frame is None:
            return ""
        sign = "∂ " if self.phase == "backward" and self.frame.kind != "sum" else ""
        return f"{sign}{self.frame.heading or 'graph'}"

    def has_problem(self) -> bool:
        """Whether something is wrong with any of its nodes."""
        return any(node.problem is not None for node in self.members)


class Boxes:
    """All boxes that a graph can have, whatever is folded.

    Attributes
    ----------
    nodes : list of Box
        The box of each node, including those that are only chips.
    frames : list of dict of str to Box
        The boxes of each frame's passes when it is folded.
    chips : dict of (str, int) to str
        The text on the chips of each node whose value comes from elsewhere (``"from"``) or goes there (``"to"``).
    """

    def __init__(self, nodes: Sequence[GraphNode], edges: Sequence[Edge], calls: Iterable[ModuleCall]) -> None:
        self.titles = titles = Titles(calls)
        self.tree = tree_of(nodes, edges, titles)
        numbers = numbers_of(nodes, edges, self.tree.sharing)
        self.nodes = [
            Box((node,), None, titles.of(alone), titles.kind(alone), numbers.get(node.id, ()))
            for node, alone in zip(nodes, self.tree.alone, strict=True)
        ]
        self.frames = [dict(_halves(frame, nodes, titles)) for frame in self.tree.frames]
        self.chips = dict(_chips(self.tree, nodes, edges))


def _halves(frame: Frame, nodes: Sequence[GraphNode], titles: Titles) -> Iterator[tuple[Phase, Box]]:
    kind = (titles.kind(frame.path) if frame.kind == "module" else "") or frame.title
    members: dict[Phase, list[GraphNode]] = {"forward": [], "backward": []}
    for number in frame.nodes:
        members[nodes[number].phase].append(nodes[number])
    for phase, found in members.items():
        if found:
            yield phase, Box(tuple(found), frame, kind=kind)


def _chips(tree: Tree, nodes: Sequence[GraphNode], edges: Sequence[Edge]) -> Iterator[tuple[tuple[str, int], str]]:
    names = Names(nodes, edges)
    found = dict.fromkeys(slot[:2] for frame in tree.frames for slot in frame.slots if slot.kind in ("from", "to"))
    for kind, of in found:
        if kind == "from":
            text = names.value(nodes[of])
        else:
            text = names.gradient(nodes[of]) if of in tree.sharing.sums else f"→ {names.value(nodes[of])}"
        yield (kind, of), shortened(text, SHORT)


def sizes_of(nodes: Sequence[Sequence[str]], frames: Sequence[Mapping[Phase, Sequence[str]]], boxes: Boxes) -> Sizes:
    """Return the sizes of boxes, given the lines of text of nodes and of both passes of frames."""
    return Sizes(
        [size_of(lines) for lines in nodes],
        [size_of(*lines.values(), toggle=True) for lines in frames],
        {chip: chip_size(text) for chip, text in boxes.chips.items()},
    )
