"""A recorded call, taken apart: which elements of its operands make one element of its result, and how.

Nothing here knows a primitive by name. A rule that asks neither for its own operand nor for the result
belongs to an operand in which the primitive is linear. That rule, applied to a cotangent that is 1 at
one element and 0 elsewhere, gives the factor of each element of the operand. Where this factor is an
element of another operand, its position is found by letting that operand hold the numbers of its
places: 1, 2, 3, …
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from autograd_cnn.engine.backward import unbroadcast_to
from autograd_cnn.engine.node import Array, Missing, Node, Shape
from autograd_cnn.engine.primitive import Primitive, Rule
from autograd_cnn.engine.replay import operand, parameters, run

Index: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Element:
    """One number of an operand: the argument's name, the index and the number."""

    argument: str
    index: Index
    number: float


@dataclass(frozen=True, slots=True)
class Term:
    """One of the numbers that add up.

    Attributes
    ----------
    value : float
        The coefficient times the factors.
    factors : tuple of Element
        Elements of operands.
    coefficient : float
        What is no element, such as the 1/n of a mean.
    text : str
        Where it comes from, where the factors do not tell.
    """

    value: float
    factors: tuple[Element, ...] = ()
    coefficient: float = 1.0
    text: str = ""


class UnknownError(Exception):
    """A rule asks for what the tape did not keep."""


@dataclass(frozen=True)
class Call:
    """What a node recorded, as far as it is known, in float64, and the index of the element in question.

    Attributes
    ----------
    operands : tuple
        Arrays and numbers; None where one was left out, and `Missing` where the tape did not keep it.
    """

    node: Node
    primitive: Primitive
    operands: tuple[Array, ...]
    y: Array
    index: Index

    @classmethod
    def of(cls, node: Node, primitive: Primitive, values: Mapping[Node, Array], y: Array, index: Index) -> "Call":
        """Gather the operands from the values of the node's parents and from what it saved."""
        operands = tuple(
            _double(
                operand(node, position) if parent is None else values.get(parent, Missing(parent.shape, parent.dtype))
            )
            for position, parent in enumerate(node.parents)
        )
        return cls(node, primitive, operands, _double(y), index)

    def name(self, position: int) -> str:
        """Return what an operand is called in a graph."""
        first = self.primitive.operands[0]
        return f"{first}[{position}]" if self.primitive.variadic else self.primitive.operands[position]

    def element(self, position: int, flat: int) -> Element:
        """Return an element of an operand by its place in the flattened array."""
        array = np.asarray(self.operands[position])
        index = tuple(int(i) for i in np.unravel_index(flat, array.shape)) if array.ndim else ()
        return Element(self.name(position), index, float(array[index]))

    # --- what the rules tell ------------------------------------------------------------------

    def rule(self, position: int) -> Rule | None:
        """Return the rule for an operand, if it was given and has one."""
        if self.operands[position] is None:
            return None
        return self.primitive.rules.get(self.primitive.signature.operand(position))

    def asks(self, position: int) -> set[int]:
        """Return the operands on whose values the rule for one depends."""
        rule = self.rule(position)
        kinds = {} if rule is None else {source.kind: source for source in rule.sources}
        if "operands" in kinds:  # a rule for any number of arrays can't ask for the others alone
            return set(range(len(self.operands))) - {position}
        return set() if rule is None else {source.key for source in rule.sources if source.kind == "operand"}

    def is_linear(self, position: int) -> bool:
        """Whether the rule for an operand asks neither for it, nor for the result."""
        rule = self.rule(position)
        if rule is None or position in self.asks(position):
            return False
        return all(source.kind not in ("output", "residual") for source in rule.sources)

    def row(self, position: int) -> Array:
        """Return the derivatives of the element with respect to those of an operand.

        Raises
        ------
        UnknownError
            If the rule asks for what is not known.
        """
        rule = self.rule(position)
        operand = self.operands[position]
        if rule is None or isinstance(operand, Missing):
            raise UnknownError
        saved = {source.name: self._asked(source.kind, source.name, source.key) for source in rule.sources}
        with np.errstate(all="ignore"):
            share = rule(self.seed(), saved, position)
        return self.fitted(share, np.shape(operand))

    def seed(self) -> Array:
        """Return the cotangent that is 1 at the element, and 0 elsewhere."""
        seed = np.zeros(self.node.shape)
        seed[self.index] = 1.0
        return seed[()]

    def fitted(self, share: Array, shape: Shape) -> Array:
        """Sum over what broadcasting added."""
        return np.asarray(
            unbroadcast_to(np.asarray(share), Node(None, (), None, shape, np.dtype(np.float64)), self.primitive.name)
        )

    def beneath(self, position: int) -> list[int]:
        """Return the place of the element that broadcasting brings to the one in question, if it does."""
        shape = np.shape(self.operands[position])
        try:
            np.broadcast_to(np.empty(shape, bool), self.node.shape)
        except ValueError:
            return []
        return [int(np.ravel_multi_index(aligned(self.index, shape), shape))] if shape else [0]

    def _asked(self, kind: str, name: str, key: Any) -> Any:
        if kind == "output":
            return self.y
        if kind == "parameter":
            return parameters(self.node)[name]
        if kind == "residual":
            return self._residuals[key]
        value = self.operands if kind in ("operands", "shapes") else self.operands[key]
        if kind == "shapes":
            return tuple(map(shape_of, value))
        if kind == "shape":
            return shape_of(value)
        if any(isinstance(each, Missing) for each in (value if kind == "operands" else (value,))):
            raise UnknownError
        return value

    @cached_property
    def _residuals(self) -> tuple[Any, ...]:
        saved = self.node.saved or {}
        if all(name in saved for name in self.primitive.residuals):
            return tuple(saved[name] for name in self.primitive.residuals)
        raise UnknownError

    def again(self) -> float | None:
        """Return what the primitive makes of the operands, or None if not all are known."""
        if any(isinstance(operand, Missing) for operand in self.operands):
            return None
        try:
            with np.errstate(all="ignore"):
                return float(np.asarray(run(self.node, self.operands))[self.index])
        except Exception:  # noqa: BLE001  # a user's function may raise anything
            return None

    # --- the terms of a sum -------------------------------------------------------------------

    def groups(self) -> Iterator[list[int]]:
        """Yield the operands whose elements are multiplied with each other; groups are added up."""
        left = [position for position in range(len(self.operands)) if self.rule(position) is not None]
        while left:
            group = {left[0]}
            while True:
                near = {p for p in left if p not in group and (self.asks(p) & group or self._asked_by(group, p))}
                if not near:
                    break
                group |= near
            yield sorted(group)
            left = [position for position in left if position not in group]

    def _asked_by(self, group: set[int], position: int) -> bool:
        return any(position in self.asks(member) for member in group)

    def terms(self, group: list[int]) -> list[Term]:
        """Return the terms of one group, by the first operand that leaves no factor without a place.

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
            places = self._places(position, partners, row)
            if places is not None:
                return [self._product(position, partners, int(flat), where) for flat, where in places.items()]
            if coarse is None:
                coarse = [self._scaled(position, int(flat), float(row.flat[flat])) for flat in np.flatnonzero(row)]
        if coarse is None:
            raise UnknownError
        return coarse

    def _scaled(self, position: int, flat: int, coefficient: float) -> Term:
        element = self.element(position, flat)
        return Term(coefficient * element.number, (element,), coefficient)

    def _product(self, position: int, partners: list[int], flat: int, where: tuple[int, ...]) -> Term:
        factors = [self.element(position, flat)]
        factors += [self.element(partner, place) for partner, place in zip(partners, where, strict=True)]
        return Term(float(np.prod([factor.number for factor in factors])), tuple(sorted(factors, key=self._order)))

    def _order(self, factor: Element) -> int:
        return [self.name(position) for position in range(len(self.operands))].index(factor.argument)

    def _places(self, position: int, partners: list[int], row: Array) -> dict[int, tuple[int, ...]] | None:
        """Return the places of the factors of each element that counts; None if they are no elements."""
        if not partners:
            return None
        ones = self.holding({partner: np.ones(np.shape(self.operands[partner])) for partner in partners})
        counts = ones.row(position).ravel()
        support = np.flatnonzero(counts)
        if not (counts[support] == 1).all() or row.ravel()[counts == 0].any():
            return None
        found = []
        product = np.ones(len(support))
        for partner in partners:
            array = np.asarray(self.operands[partner])
            numbers = np.arange(1.0, array.size + 1).reshape(array.shape)
            numbered = ones.holding({partner: numbers}).row(position).ravel()[support]
            if ((numbered % 1 != 0) | (numbered < 1) | (numbered > array.size)).any():
                return None
            found.append(numbered.astype(int) - 1)
            product *= array.ravel()[found[-1]]
        factor = row.ravel()[support]
        if not np.allclose(product, factor, rtol=1e-12, atol=0) and np.isfinite(factor).all():
            return None
        return dict(zip(support.tolist(), zip(*(place.tolist() for place in found), strict=True), strict=True))

    def holding(self, operands: dict[int, Array]) -> "Call":
        """Return the same call with other operands."""
        changed = tuple(operands.get(position, operand) for position, operand in enumerate(self.operands))
        return replace(self, operands=tuple(_double(operand) for operand in changed))


def _double(value: Any) -> Any:
    """Return floats and counts in float64; conditions, and what is no number, as they are."""
    if value is None or isinstance(value, Missing) or np.asarray(value).dtype.kind == "b":
        return value
    return np.asarray(value, np.float64)[()]


def shape_of(operand: Any) -> Shape:
    """Return the shape of an operand, which is known even where it is missing."""
    return operand.shape if isinstance(operand, Missing) else np.shape(operand)


def aligned(index: Index, shape: Shape) -> Index:
    """Return the index of the element that broadcasting brings to ``index``.

    Examples
    --------
    >>> aligned((1, 2, 3), (5, 1, 4)), aligned((1, 2, 3), (4,))
    ((1, 0, 3), (3,))
    """
    tail = index[len(index) - len(shape) :]
    return tuple(0 if n == 1 else i for i, n in zip(tail, shape, strict=True))
