"""Where numbers from several places meet: additions, one behind the other, read as one sum."""

from typing import Any, NamedTuple

from autograd_cnn import ops
from autograd_cnn.engine.node import Missing, Node, tensor_of
from autograd_cnn.engine.replay import operand


class Share(NamedTuple):
    """What comes from one of the places.

    Attributes
    ----------
    source : Node, array or None
        What computed it, or the array itself; None if the tape did not keep it.
    text : str
        Where it comes from.
    """

    argument: str
    source: Any
    text: str


def shares(node: Node) -> list[Share]:
    """Return what is added up to make a node's value, from left to right; nothing where that is no addition.

    Where several operations use a value, the traversal adds up what they send back one by one.
    Such a chain, or one that a user wrote, counts as a single sum of all its parts.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor(3.0, requires_grad=True, name="x")
    >>> [(share.argument, share.text) for share in shares((x + ag.exp(x) + x * x).node)]
    [('x1', 'from x'), ('x2', 'from exp of x'), ('x3', 'from multiply of x and x')]
    """
    if node.primitive is not ops.add:
        return []
    found: list[tuple[Any, str]] = []
    stack: list[tuple[Node | None, Any]] = [(node, None)]
    while stack:
        part, value = stack.pop()
        if part is not None and part.primitive is ops.add and part.shape == node.shape and part.saved is not None:
            operands = [(parent, operand(part, position)) for position, parent in enumerate(part.parents)]
            stack += reversed(operands)
        else:
            source = part or (None if isinstance(value, Missing) else value)
            found.append((source, "" if part is None else f"from {_called(part)}"))
    return [Share(f"x{place}", source, text) for place, (source, text) in enumerate(found, start=1)]


def _called(node: Node) -> str:
    place = f" in {node.scope}" if node.scope else ""
    operands = " and ".join(_named(parent) for parent in node.parents if parent is not None)
    return f"{_named(node)}{f' of {operands}' if operands else ''}{place}"


def _named(node: Node) -> str:
    if node.primitive is None:
        return getattr(tensor_of(node), "name", None) or "a leaf"
    return node.primitive.name
