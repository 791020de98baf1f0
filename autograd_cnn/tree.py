"""Nested lists, tuples, dicts and dataclasses of arrays: their leaves, and the same structure with other leaves."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any


def leaves(tree: Any) -> Iterator[Any]:
    """Yield the leaves of nested containers, in order.

    Examples
    --------
    >>> list(leaves({"a": [1, (2, 3)], "b": 4}))
    [1, 2, 3, 4]
    """
    if isinstance(tree, dict):
        tree = list(tree.values())
    elif is_record(tree):
        tree = [getattr(tree, field.name) for field in fields(tree)]
    if isinstance(tree, (list, tuple)):
        for branch in tree:
            yield from leaves(branch)
    else:
        yield tree


def rebuilt(tree: Any, new: Iterator[Any]) -> Any:
    """Return the same containers with other leaves.

    Examples
    --------
    >>> rebuilt({"a": [1, (2, 3)], "b": 4}, iter("wxyz"))
    {'a': ['w', ('x', 'y')], 'b': 'z'}
    """
    if isinstance(tree, dict):
        return {key: rebuilt(branch, new) for key, branch in tree.items()}
    if isinstance(tree, (list, tuple)):
        branches = [rebuilt(branch, new) for branch in tree]
        return type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)
    if is_record(tree):
        return replace(tree, **{field.name: rebuilt(getattr(tree, field.name), new) for field in fields(tree)})
    return next(new)


def is_record(tree: Any) -> bool:
    """Whether it is a dataclass of values, and not an object with a state, such as a layer or an optimiser."""
    return is_dataclass(tree) and not isinstance(tree, type) and not hasattr(tree, "state_dict")
