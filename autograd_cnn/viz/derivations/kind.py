"""The kinds of calls that can be played: for each primitive, a function that makes a call's arrays and scenes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from autograd_cnn.engine.node import Node
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.errors import ArgumentError
from autograd_cnn.viz.derivations.recorded import Recorded
from autograd_cnn.viz.derivations.walk import NamedArray, Scene

Derived: TypeAlias = tuple[dict[str, NamedArray], list[Scene]]
Derive: TypeAlias = Callable[[Recorded], Derived]


@dataclass(frozen=True)
class Batch:
    """The batch of which one example is played, if the result has so many axes: the batch axis of some operands."""

    name: str
    rank: int
    result: int
    operands: Mapping[int, int]


IMAGES: Final = Batch("image", 4, 0, MappingProxyType({0: 0}))


@dataclass(frozen=True)
class Kind:
    """How some calls are played.

    Attributes
    ----------
    derive : function
    batch : Batch or None
        None if all examples are played.
    small : bool
        Whether such calls are only played on request or if there is nothing else.
    fits : function
        Tells whether a node is one of these.
    """

    derive: Derive
    batch: Batch | None
    small: bool
    fits: Callable[[Node], bool]

    def choose(self, call: Recorded, example: int | None) -> tuple[Recorded, str]:
        """Return the call for one example, by default the first, and a text that names it.

        Raises
        ------
        ArgumentError
            If there is no such example, or examples are not played one by one.
        """
        batch = self.batch
        if batch is None:
            if example is not None:
                hint = "example is for images and sequences; this call is played for all its rows"
                raise ArgumentError("viz.play", hint)
            return call, ""
        batched = call.g.ndim == batch.rank
        count = call.g.shape[batch.result] if batched else 1
        if example is not None and not 0 <= example < count:
            raise ArgumentError("viz.play", "there is no such example", expected=f"0 to {count - 1}", got=example)
        number = example or 0
        chosen = call.only(number, batch.operands, batch.result) if batched else call
        return chosen, f"{batch.name} {number} of {count}; " * (count > 1)


_KINDS: Final[dict[Primitive, list[Kind]]] = {}


def plays(
    *primitives: Primitive,
    batch: Batch | None = None,
    small: bool = False,
    fits: Callable[[Node], bool] | None = None,
) -> Callable[[Derive], Derive]:
    """Register a function that derives calls of some primitives: all calls, or those that fit, which take precedence."""

    def register(derive: Derive) -> Derive:
        kind = Kind(derive, batch, small, fits or (lambda _: True))
        for primitive in primitives:
            kinds = _KINDS.setdefault(primitive, [])
            kinds.insert(len(kinds) if fits is None else 0, kind)
        return derive

    return register


def kind_of(node: Node) -> Kind | None:
    """Return the kind of a call, or None if it can't be played."""
    kinds = _KINDS.get(node.primitive, []) if isinstance(node.primitive, Primitive) else []
    return next((kind for kind in kinds if kind.fits(node)), None)


def primitives() -> list[str]:
    """Return the names of the primitives that can be played."""
    return sorted(primitive.name for primitive in _KINDS)
