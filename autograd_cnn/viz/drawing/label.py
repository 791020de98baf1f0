"""The text in the boxes of a drawing, and in their tooltips."""

import re
from collections.abc import Iterator
from math import prod
from textwrap import wrap

from autograd_cnn.engine.node import Shape
from autograd_cnn.errors import printable
from autograd_cnn.graph.nodes import GraphNode, Summary
from autograd_cnn.viz.drawing.box import Box
from autograd_cnn.viz.drawing.style import quantity_text
from autograd_cnn.viz.frames.titles import shortened

WIDTH = 32
"""Longer lines of parameters are cut."""
LENGTH = 40
"""Longer lines in boxes are shortened."""
_SIDES = frozenset({"window", "stride", "padding", "dilation"})
"""Parameters for which a number means a pair of equal numbers."""


def visible(text: str) -> str:
    r"""Escape a text so that Graphviz shows it literally, with control characters as Python writes them.

    Examples
    --------
    >>> print(visible("a<b> & c"), visible("x" + chr(10) + "y"))
    a<b> &amp; c x\\ny
    """
    import graphviz  # noqa: PLC0415  # loaded when first used

    return graphviz.escape(printable(text).replace("&", "&amp;"))


def lines(*texts: str) -> str:
    """Join lines, each escaped, into one label; empty ones are left out."""
    import graphviz  # noqa: PLC0415

    return graphviz.nohtml("\\n".join(visible(text) for text in texts if text))


def texts(box: Box, quantity: str = "") -> list[str]:
    """Return the lines of text in a box, including a quantity's text."""
    return [shortened(line, LENGTH) for line in (*_texts(box), quantity) if line]


def _texts(box: Box) -> Iterator[str]:
    node = box.node
    if box.frame is not None:
        yield box.title
        yield from _of_frame(box, box.frame.times)
    elif node.kind == "constant":
        yield node.name
        return
    else:
        yield from _titled(box, f"∂ {node.name}" if node.kind == "gradient" else node.name)
        if node.kind == "failure":
            yield from _wrapped(", ".join(f"{each.name}={each.value}" for each in node.parameters))
        else:
            yield _parameters(box)
            yield _shape(node)
    yield from _problem(box)


def _titled(box: Box, text: str) -> tuple[str, ...]:
    """Return a text after the title of its module; a ``ReLU`` need not also say ``relu``."""
    if not box.prefix:
        return (text,)
    if not box.kind:
        return (f"{box.prefix}: {text}",)
    return (box.prefix,) if box.kind.lower() == text else (box.prefix, text)


def _problem(box: Box) -> list[str]:
    """Return what is wrong, as a few short lines; for a module, with its first node at fault."""
    found = [node for node in box.members if node.problem is not None]
    if not found:
        return []
    text = f"{found[0].name}: {found[0].problem}" if box.frame else str(found[0].problem)
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return _wrapped(text + more)


def _wrapped(text: str) -> list[str]:
    return wrap(text, WIDTH + 8, max_lines=4, placeholder=" …")


def _of_frame(box: Box, times: int) -> Iterator[str]:
    operations = [node for node in box.members if node.kind == "operation"]
    if len(operations) % times == 0:
        operations = operations[: len(operations) // times]  # those of one member
    names = ", ".join(node.name for node in operations)
    alike = len(operations) > 1 and len({node.name for node in operations}) == 1
    if names != box.kind.lower() and not alike:
        yield names if len(names) <= WIDTH else f"{len(operations)} operations"
    weights = sum(prod(node.shape) for node in box.members if node.kind == "parameter")
    if weights:
        yield f"{weights:,} parameters"
    if operations and box.phase == "forward":
        yield shape_text(operations[-1].shape)


def shape_text(shape: Shape) -> str:
    """Return a shape in readable form."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})" if shape else "scalar"


def _shape(node: GraphNode) -> str:
    text = shape_text(node.shape)
    if prod(node.shape) == 1 and node.value is not None and node.value.mean is not None:
        return f"{text} = {node.value.mean:.4g}"
    return text


def _parameters(box: Box) -> str:
    """Return the numbers, and the informative parameters: no defaults, no arrays, no repeated shape."""
    details = [
        _short(each.name, each.value)
        for each in box.node.parameters
        if not each.default and "array" not in each.value and each.value != str(box.node.shape)
    ]
    text = ", ".join((*box.numbers, *details))
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def _short(name: str, value: str) -> str:
    """Abbreviate a parameter: a flag to its name, a square window to its side."""
    if value == "True":
        return name
    square = re.fullmatch(r"\((\d+), \1\)", value) if name in _SIDES else None
    return f"{name}={square[1] if square else value}"


def tooltip(box: Box) -> str:
    """Return the tooltip."""
    if box.frame:
        return lines(", ".join(node.name for node in box.members[:WIDTH] if node.kind == "operation"))
    node = box.node
    return lines(
        f"{node.id}: {node.name}" + ("" if node.kind == "failure" else f" {shape_text(node.shape)} {node.dtype}"),
        f"in {node.scope}" if node.scope else "",
        ", ".join(f"{each.name}={each.value}" for each in node.parameters),
        f"saved {quantity_text(node.saved_bytes, 'B')}" if node.saved_bytes is not None else "",
        quantity_text(node.flops, "FLOP") if node.flops is not None else "",
        _moments("value", node.value),
        _moments("gradient", node.grad),
        f"changed: {', '.join(node.changes)}" if node.changes else "",
        f"recorded at {node.origin}" if node.origin else "",
        f"problem: {node.problem}" if node.problem is not None else "",
    )


def _moments(what: str, summary: Summary | None) -> str:
    if summary is None or summary.min is None:
        return ""
    bad = f", {summary.bad} not finite" if summary.bad else ""
    return f"{what} {summary.min:.4g} to {summary.max:.4g}, mean {summary.mean or 0:.4g}{bad}"
