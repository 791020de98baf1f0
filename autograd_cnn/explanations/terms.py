"""The analysis of a recorded call: which elements of its operands make one element of its result, and how.

Nothing here knows a primitive by name. A rule that asks neither for its own operand nor for the result
belongs to an operand in which the primitive is linear. That rule, applied to a cotangent that is 1 at
one element and 0 elsewhere, gives the factor of each element of the operand. If this factor is an
element of another operand, its position is found by filling that operand with the numbers of its
positions: 1, 2, 3, …
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np

from autograd_cnn.engine.backward import unbroadcast_to
from autograd_cnn.engine.node import Array, Missing, Node, Shape
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.replay import Call, argument
from autograd_cnn.engine.rule import Rule

Index: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Element:
    """One number of an operand: the argument's name, the index and the number."""

    argument: str
    index: Index
    number: float


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a sum.

    Attributes
    ----------
    value : float
        The coefficient times the factors.
    factors : tuple of Element
        Elements of operands.
    coefficient : float
        A factor that is not an element, such as the 1/n of a mean.
    text : str
        Where it comes from, if the factors do not tell.
    """

    value: float
    factors: tuple[Element, ...] = ()
    coefficient: float = 1.0
    text: str = ""


class UnknownError(Exception):
    """A rule needs a value that the tape did not keep."""


@dataclass(frozen=True)
class ResultElement:
    """One element of the result of a call, by its index; the call is in float64."""

    call: Call
    index: Index

    @property
    def primitive(self) -> Primitive:
        """The primitive that computed it."""
        return self.call.primitive

    def name(self, position: int) -> str:
        """Return the name of an operand in a graph."""
        return argument(self.primitive, position)

    def element(self, position: int, flat: int) -> Element:
        """Return an element of an operand, given its position in the flattened array."""
        array = np.asarray(self.call.operands[position])
        index = tuple(int(i) for i in np.unravel_index(flat, array.shape)) if array.ndim else ()
        return Element(self.name(position), index, float(array[index]))

    def value(self) -> float | None:
        """Return its value when the call is run again, or None if not all operands are known."""
        if self.call.missing:
            return None
        try:
            with np.errstate(all="ignore"):
                return float(np.asarray(self.call.y)[self.index])
        except Exception:  # noqa: BLE001  # a user's function may raise anything
            return None

    def on(self, operands: dict[int, Array]) -> "ResultElement":
        """Return the same element of the call on other operands."""
        return replace(self, call=self.call.on(operands))

    # --- what the rules tell ------------------------------------------------------------------

    def rule(self, position: int) -> Rule | None:
        """Return the rule for an operand, if it was passed and has one."""
        if self.call.operands[position] is None:
            return None
        return self.primitive.rules.get(self.primitive.signature.operand(position))

    def asks(self, position: int) -> set[int]:
        """Return the operands on whose values the rule for one depends."""
        rule = self.rule(position)
        kinds = {} if rule is None else {source.kind: source for source in rule.sources}
        if "operands" in kinds:  # a rule for any number of arrays can't ask for the others alone
            return set(range(len(self.call.operands))) - {position}
        return set() if rule is None else {source.key for source in rule.sources if source.kind == "operand"}

    def asks_for_result(self, position: int) -> bool:
        """Tell whether the rule for an operand depends on what the forward computes."""
        rule = self.rule(position)
        return rule is not None and any(source.kind in ("output", "residual") for source in rule.sources)

    def is_linear(self, position: int) -> bool:
        """Whether the rule for an operand asks neither for it, nor for the result."""
        return (
            self.rule(position) is not None
            and position not in self.asks(position)
            and not self.asks_for_result(position)
        )

    def row(self, position: int) -> Array:
        """Return the derivatives of the element with respect to those of an operand.

        Raises
        ------
        UnknownError
            If the rule depends on something unknown.
        """
        unknown = {i for i, operand in enumerate(self.call.operands) if isinstance(operand, Missing)}
        needed = {position, *self.asks(position)}
        if self.rule(position) is None or unknown & needed or (unknown and self.asks_for_result(position)):
            raise UnknownError
        with np.errstate(all="ignore"):
            y, _ = self._on_known.record(position)
            ((_, row),) = self.primitive.pullback(y.node, self.seed(), None, None)  # type: ignore[arg-type]  # recorded
        return np.asarray(row)

    @cached_property
    def _on_known(self) -> Call:
        """The call with zeros for operands that the tape did not keep, and that the rules do not need."""
        operands = enumerate(self.call.operands)
        return self.call.on({i: np.zeros(x.shape, x.dtype) for i, x in operands if isinstance(x, Missing)})

    def seed(self) -> Array:
        """Return the cotangent that is 1 at the element, and 0 elsewhere."""
        seed = np.zeros(self.call.node.shape)
        seed[self.index] = 1.0
        return seed[()]

    def seed_on(self, position: int) -> Array:
        """Return the seed, summed over what broadcasting added to an operand."""
        like = Node(None, (), None, np.shape(self.call.operands[position]), np.dtype(np.float64))
        return np.asarray(unbroadcast_to(np.asarray(self.seed()), like, self.primitive.name))

    def beneath(self, position: int) -> list[int]:
        """Return the position of the element that is broadcast to this one, if there is one."""
        shape = np.shape(self.call.operands[position])
        try:
            np.broadcast_to(np.empty(shape, bool), self.call.node.shape)
        except ValueError:
            return []
        return [int(np.ravel_multi_index(aligned(self.index, shape), shape))] if shape else [0]

    # --- the terms of a sum -------------------------------------------------------------------

    def groups(self) -> Iterator[list[int]]:
        """Yield groups of operands whose elements are multiplied with each other; groups are summed."""
        left = [position for position in range(len(self.call.operands)) if self.rule(position) is not None]
        while left:
            group = {left[0]}
            while True:
                near = {
                    p
                    for p in left
                    if p not in group and (self.asks(p) & group or any(p in self.asks(member) for member in group))
                }
                if not near:
                    break
                group |= near
            yield sorted(group)
            left = [position for position in left if position not in group]

    def terms(self, group: list[int]) -> list[Term]:
        """Return the terms of one group, using the first operand for which every factor has a position.

        Raises
        ------
        UnknownError
            If one of its operands is not known.
        """
        coarse: list[Term] | None = None
        for position in group:
            if not self.is_linear(position):
                continue
            row = self.row(position)
            partners = [other for other in group if other != position]
            positions = self._factors(position, partners, row)
            if positions is not None:
                return [self._product(position, partners, int(flat), others) for flat, others in positions.items()]
            if coarse is None:
                coarse = [self._scaled(position, int(flat), float(row.flat[flat])) for flat in np.flatnonzero(row)]
        if coarse is None:
            raise UnknownError
        return coarse

    def _scaled(self, position: int, flat: int, coefficient: float) -> Term:
        element = self.element(position, flat)
        return Term(coefficient * element.number, (element,), coefficient)

    def _product(self, position: int, partners: list[int], flat: int, others: tuple[int, ...]) -> Term:
        factors = {position: self.element(position, flat)}
        factors |= {partner: self.element(partner, other) for partner, other in zip(partners, others, strict=True)}
        return Term(
            float(np.prod([factor.number for factor in factors.values()])), tuple(factors[i] for i in sorted(factors))
        )

    def _factors(self, position: int, partners: list[int], row: Array) -> dict[int, tuple[int, ...]] | None:
        """Return the positions of the factors of each nonzero element; None if they are not elements."""
        if not partners:
            return None
        ones = self.on({partner: np.ones(np.shape(self.call.operands[partner])) for partner in partners})
        try:
            counts = ones.row(position).ravel()
        except ValueError:  # the primitive refuses such numbers, as an inverse refuses a singular matrix
            return None
        support = np.flatnonzero(counts)
        if not (counts[support] == 1).all() or row.ravel()[counts == 0].any():
            return None
        positions = []
        product = np.ones(len(support))
        for partner in partners:
            array = np.asarray(self.call.operands[partner])
            numbers = np.arange(1.0, array.size + 1).reshape(array.shape)
            numbered = ones.on({partner: numbers}).row(position).ravel()[support]
            if ((numbered % 1 != 0) | (numbered < 1) | (numbered > array.size)).any():
                return None
            positions.append(numbered.astype(int) - 1)
            product *= array.ravel()[positions[-1]]
        factor = row.ravel()[support]
        if not np.allclose(product, factor, rtol=1e-12, atol=0) and np.isfinite(factor).all():
            return None
        return dict(zip(support.tolist(), zip(*(flat.tolist() for flat in positions), strict=True), strict=True))


def aligned(index: Index, shape: Shape) -> Index:
    """Return the index of the element that is broadcast to ``index``.

    Examples
    --------
    >>> aligned((1, 2, 3), (5, 1, 4)), aligned((1, 2, 3), (4,))
    ((1, 0, 3), (3,))
    """
    tail = index[len(index) - len(shape) :]
    return tuple(0 if n == 1 else i for i, n in zip(tail, shape, strict=True))
