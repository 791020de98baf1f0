"""The initial view: which frames are open, and in which direction a graph runs."""

from collections import Counter
from dataclasses import replace
from typing import Final, Literal, TypeAlias

from autograd_cnn.graph.nodes import Phase
from autograd_cnn.viz.frames.titles import Titles
from autograd_cnn.viz.frames.tree import Tree

Direction: TypeAlias = Literal["down", "right"]

GLANCE: Final = 80
"""The number of boxes that can be taken in at a glance."""


def first_view(tree: Tree, most: int = GLANCE) -> list[int]:
    """Return the frames to unfold, level by level, while there are at most that many boxes.

    Frames that contain only equal operations, or too many for one frame, stay folded.
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
    """Return ``"right"`` for a recurrent network, whose steps are read like text, else ``"down"``."""
    steps: dict[int, list[str]] = {}
    for frame in tree.frames:
        if frame.kind == "module" and titles.kind(frame.path):
            steps.setdefault(frame.parent, []).append(titles.path(frame.path))
    rows = (
        paths for parent, paths in steps.items() if tree.frames[parent].times > 1 or tree.frames[parent].kind == "run"
    )
    return "right" if any(len(paths) > len(set(paths)) for paths in rows) else "down"


def to_depth(tree: Tree, depth: int) -> list[int]:
    """Return the frames to unfold so that those at this depth or deeper are folded; 1 folds all."""
    return [index for index, frame in enumerate(tree.frames[1:], 1) if frame.depth < depth]


def of_pass(tree: Tree, phase: Phase) -> Tree:
    """Return the frames with the contents of one pass."""
    kept = [
        {old: new for new, old in enumerate(i for i, slot in enumerate(frame.slots) if slot.phase == phase)}
        for frame in tree.frames
    ]
    frames = []
    for frame, own in zip(tree.frames, kept, strict=True):
        around = kept[frame.parent]
        slots = [frame.slots[old] for old in own]
        frames.append(
            replace(
                frame,
                slots=[
                    slot._replace(of=around[slot.of]) if slot.kind in ("in", "out")
                    else slot._replace(at=own[slot.at]) if slot.at >= 0
                    else slot
                    for slot in slots
                ],
                wires=[
                    wire._replace(source=own[wire.source], target=own[wire.target])
                    for wire in frame.wires
                    if wire.source in own
                ],
            )
        )  # fmt: skip
    return replace(tree, frames=frames)
