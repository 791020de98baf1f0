"""What of the frames is seen at first, and which way a graph runs."""

from collections import Counter
from typing import Final, Literal, TypeAlias

from autograd_cnn.viz.frames.titles import Titles
from autograd_cnn.viz.frames.tree import Tree

Direction: TypeAlias = Literal["down", "right"]

GLANCE: Final = 80
"""So many boxes can be taken in at a glance."""


def first_view(tree: Tree, most: int = GLANCE) -> list[int]:
    """Return the frames to unfold, level by level while there are at most so many boxes.

    What holds nothing but operations that are alike, or too many for one frame, stays folded.
    """
    content = Counter(frame.parent for frame in tree.frames[1:])
    content.update(home for number, home in enumerate(tree.homes) if tree.sharing.has_box(number))
    modules = {frame.parent for frame in tree.frames if frame.kind in ("module", "unit")}
    levels: dict[int, list[int]] = {}
    shown = {0}
    for index, frame in enumerate(tree.frames[1:], 1):
        if frame.parent in shown and (frame.kind in ("module", "unit") or index in modules):
            shown.add(index)
            levels.setdefault(frame.depth, []).append(index)
    boxes, unfolded = content[0], []
    for depth in sorted(levels):
        boxes += sum(content[index] - 1 for index in levels[depth])
        if boxes > most:
            break
        unfolded += levels[depth]
    return unfolded


def direction_of(tree: Tree, titles: Titles) -> Direction:
    """Return ``"right"`` for a recurrent network, whose steps are read like a text; else ``"down"``."""
    steps: dict[int, list[str]] = {}
    for frame in tree.frames:
        if frame.kind == "module" and titles.kind(frame.path):
            steps.setdefault(frame.parent, []).append(titles.path(frame.path))
    rows = (
        paths for parent, paths in steps.items() if tree.frames[parent].times > 1 or tree.frames[parent].kind == "run"
    )
    return "right" if any(len(paths) > len(set(paths)) for paths in rows) else "down"
