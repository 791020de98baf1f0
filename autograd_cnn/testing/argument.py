"""Judging one rule at one point: its value is the derivative, a valid choice at a kink, or wrong."""

from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.engine.backward import unbroadcast_to
from autograd_cnn.engine.node import Array
from autograd_cnn.engine.replay import Call
from autograd_cnn.errors import OperandError
from autograd_cnn.testing.gradcheck import STEP, directional
from autograd_cnn.testing.replay import NotReplayable

Floats = NDArray[np.float64]

_SCALES: Final = (1.0, 1e-2, 1e-4, 1e2)
"""Step sizes to try in turn: small ones stop short of a nearby kink, a large one suits large numbers."""

TINY: Final = 1e-7
"""The step of one-sided differences."""

_ALONE: Final = 32
"""The maximum number of elements that are examined one by one."""


class Comparison(NamedTuple):
    """An element of the argument, with its gradient by finite differences and by the rule."""

    element: tuple[int, ...] | None = None
    expected: float | None = None
    got: float | None = None


NO_ELEMENT: Final = Comparison()


@dataclass(frozen=True)
class Verdict:
    """What is wrong, whether it is a fault, and the element where rule and differences are furthest apart."""

    kind: Literal["wrong", "kink", "unchecked"]
    at: Comparison = NO_ELEMENT
    text: str = ""


class Argument:
    """One operand of a call that needs a gradient: its rule, and finite differences of the call along it.

    Raises
    ------
    NotReplayable
        If the call gives a different result when it is recorded.
    """

    def __init__(self, call: Call, position: int, rng: np.random.Generator, tolerance: float) -> None:
        self.call = call
        self.position = position
        self.rng = rng
        self.tolerance = tolerance
        self.x: Floats = np.asarray(call.operands[position])
        self.y: Floats = np.asarray(call.y)
        recorded, self.leaf = call.record(position)
        if not np.allclose(recorded.value, self.y, 1e-9, 1e-12, equal_nan=True):
            raise NotReplayable("run twice, it gave two results; is it random?")
        self.saved: dict[str, Any] = recorded.node.saved  # type: ignore[union-attr, assignment]  # it is recorded

    # --- both sides ---------------------------------------------------------------------------

    def pullback(self, g: Floats) -> Floats:
        """Return the rule's gradient for the cotangent ``g``, summed over the axes that broadcasting added.

        Raises
        ------
        OperandError
            If the rule returns anything but an array with the cotangent's dtype.
        """
        primitive = self.call.primitive
        rule = primitive.rules[primitive.signature.operand(self.position)]
        cotangent = rule.apply(g.copy()[()], self.saved, self.position)
        dtype = getattr(cotangent, "dtype", None)
        if dtype != np.float64:
            got = type(cotangent).__name__ if dtype is None else dtype
            raise OperandError(rule.function.__name__, "a cotangent has the wrong dtype", expected="float64", got=got)
        return np.asarray(unbroadcast_to(cotangent, self.leaf, rule.function.__name__))

    def change(self, t: float, v: Floats) -> Floats:
        """Return the change of the result when the operand moves by ``t·v``."""
        return np.asarray(self.call.on({self.position: self.x + t * v}).y) - self.y

    def slope(self, g: Floats, v: Floats, scale: float) -> float:
        """Return the derivative of ⟨g, y⟩ along ``v`` by finite differences."""

        def along(t: float) -> float:
            return _dot(g, self.change(t * scale, v)) if t else 0.0

        return directional(along)[0] / scale

    def sides(self, v: Floats, step: float = TINY) -> tuple[Floats, Floats]:
        """Return the one-sided slopes of every element of the result along ``v``, ahead and behind."""
        return self.change(step, v) / step, -self.change(-step, v) / step

    # --- the judgement ------------------------------------------------------------------------

    def verdict(self) -> Verdict | None:
        """Return None if the rule is right, else what is wrong."""
        g = np.where(np.isfinite(self.y), self._random(self.y.shape), 0.0)
        v = self._random(self.x.shape) * self._size()
        cotangent = self.pullback(g)
        if self._agree(g, v, cotangent):
            return None
        kinked, several, edge = self._kinks(v)
        smooth = np.where(kinked | edge, 0.0, g)
        if (kinked | edge).any():
            cotangent = self.pullback(smooth)
        cotangent, edges, broken = self._finite(smooth, cotangent)
        if broken is not None:
            return broken
        v = np.where(edges, 0.0, v)
        if not self._agree(smooth, v, cotangent):
            worst = self._worst(smooth, cotangent)
            return Verdict("wrong", worst) if worst else Verdict("unchecked", text="differences are too rough here")
        if kinked.any():
            return self._at_kinks(kinked & ~several)
        return Verdict("kink", Comparison(_first(edges)), "at the edge of the domain")

    def _random(self, shape: tuple[int, ...]) -> Floats:
        """Draw numbers of both signs, none of them near 0."""
        numbers = self.rng.uniform(-1.0, 1.0, shape)
        return np.asarray(numbers + np.copysign(0.5, numbers))

    def _size(self) -> Floats:
        """Return how far each element moves: in proportion to its size, so that none crosses 0; by 1 if it is 0."""
        size = np.minimum(np.abs(self.x), 1.0)
        return np.where((size == 0) | ~np.isfinite(size), 1.0, size)

    def _agree(self, g: Floats, v: Floats, cotangent: Floats) -> bool:
        """Tell whether rule and differences agree along ``v`` for at least one step size."""
        terms = cotangent * v
        by_rule, spread = float(np.sum(terms)), _norm(terms)
        noise = 1e-15 * _norm(np.where(g == 0, 0.0, g * self.y)) / STEP
        for scale in _SCALES:
            by_difference = self.slope(g, v, scale)
            size = max(abs(by_rule), abs(by_difference), 0.01 * spread)
            floor = noise / scale
            if scale < 1 and floor > 1e-3 * size:
                continue
            if abs(by_rule - by_difference) <= self.tolerance * size + 8 * floor:
                return True
        return False

    def _kinks(self, v: Floats, count: int = 6) -> tuple[Array, Array, Array]:
        """Return which elements of the result have a kink here, which have several, and which are NaN.

        Without a kink, the slope along a + b is the sum of the slopes along a and along b. At a kink it is always less
        or always more than that, as for a maximum or a minimum; where both happen, kinks of both kinds meet.
        """
        above, below = np.zeros(self.y.shape), np.zeros(self.y.shape)
        edge = np.zeros(self.y.shape, bool)
        pairs = [(v, -v), *((self._random(v.shape) * v, self._random(v.shape) * v) for _ in range(count))]
        for a, b in pairs:
            near, farther = ([self.change(h, w) / h for w in (a, b, a + b)] for h in (TINY, 10 * TINY))
            gap, wide = near[0] + near[1] - near[2], farther[0] + farther[1] - farther[2]
            floor = 1e-6 * np.abs(near).sum(axis=0) + 1e-15 / TINY * (np.abs(self.y) + 1)
            edge |= ~np.isfinite(gap + wide)
            lasting = np.where((np.abs(gap) > floor) & (np.abs(gap) > 0.5 * np.abs(wide)), gap, 0.0)
            above, below = np.maximum(above, lasting), np.maximum(below, -lasting)
        most = np.maximum(above, below)
        return (most > 0) & ~edge, np.minimum(above, below) > 0.01 * most, edge

    def _finite(self, g: Floats, cotangent: Floats) -> tuple[Floats, Array, Verdict | None]:
        """Set aside the elements for which the rule gives NaN; a fault where finite differences give a number."""
        bad = ~np.isfinite(cotangent)
        for flat in np.flatnonzero(bad)[:_ALONE].tolist():
            v = self._unit(flat)
            ahead, behind = self.sides(v)
            farther = self.sides(v, 10 * TINY)[0]
            steady = np.abs(ahead - farther).sum() <= 0.1 * (np.abs(ahead).sum() + 1)
            if steady and np.isfinite(behind).all():
                return cotangent, bad, Verdict("wrong", self._compare(g, cotangent, flat))
        return np.where(bad, 0.0, cotangent), bad, None

    def _unit(self, flat: int) -> Floats:
        """Return the direction that moves a single element, as far as in any other direction."""
        v = np.zeros(self.x.shape)
        index = _index(flat, v.shape)
        v[index] = self._size()[index]
        return v

    def _compare(self, g: Floats, cotangent: Floats, flat: int) -> Comparison:
        v, index = self._unit(flat), _index(flat, cotangent.shape)
        return Comparison(index, self.slope(g, v, 1e-2) / float(v[index]), float(cotangent[index]))

    def _at_kinks(self, kinked: Array, *, sure: bool = False) -> Verdict:
        """Tell a valid choice from a fault: it is between the slopes ahead and behind in every direction.

        All kinks are checked together, and a few of them separately.
        """
        if not kinked.any():
            return Verdict("kink", text="several kinks meet here, so there is nothing to hold the rule against")
        alone = self.rng.permutation(np.flatnonzero(kinked))[: _ALONE // 4]
        numbers = np.arange(kinked.size).reshape(kinked.shape)
        size = self._size()
        for mask in [kinked, *(numbers == flat for flat in alone)]:
            g = np.where(mask, self.rng.uniform(0.5, 1.5, mask.shape), 0.0)
            cotangent = self.pullback(g)
            for v in (np.ones(size.shape), self.rng.uniform(0.9, 1.1, size.shape), self._random(size.shape) * size):
                if between(float(np.sum(cotangent * v)), g, *self.sides(v)):
                    continue
                if not sure:  # where kinks of both kinds meet, nothing can be said
                    _, several, _ = self._kinks(self._random(size.shape) * size, 48)
                    return self._at_kinks(kinked & ~several, sure=True)
                worst = self._worst(g, cotangent) or Comparison(_largest(cotangent))
                return Verdict("wrong", worst, "at a kink, it lies outside of the slopes on both sides")
        worst = self._worst(g, cotangent) or NO_ELEMENT
        return Verdict("kink", worst, "a kink or a tie; the rule's choice is a fair one")

    # --- the worst element --------------------------------------------------------------------

    def _worst(self, g: Floats, cotangent: Floats) -> Comparison | None:
        """Return the element for which rule and differences are furthest apart, if they differ."""
        candidates = [
            flat for flat in self._candidates(g, cotangent) if not self._agree(g, self._unit(flat), cotangent)
        ]
        comparisons = [self._compare(g, cotangent, flat) for flat in candidates]
        return max(comparisons, key=lambda each: abs(each.expected - each.got), default=None)  # type: ignore[operator]  # numbers, both

    def _candidates(self, g: Floats, cotangent: Floats) -> list[int]:
        """Return the elements to examine: all, if they are few; else those that bisection leads to."""
        if cotangent.size <= _ALONE:
            return list(range(cotangent.size))
        candidates: list[int] = []
        for _ in range(4):
            part = self.rng.permutation(cotangent.size)
            v = self._random(cotangent.shape) * self._size()
            gap = self._gap(g, v, cotangent, part)
            while part.size > 1:
                half, other = np.array_split(part, 2)
                of_half = self._gap(g, v, cotangent, half)
                more = abs(of_half) >= abs(gap - of_half)
                part, gap = (half, of_half) if more else (other, gap - of_half)
            candidates += part.tolist()
        return candidates

    def _gap(self, g: Floats, v: Floats, cotangent: Floats, part: Array) -> float:
        """Return how far rule and differences are apart when some elements move; the parts add up."""
        some = np.zeros(v.size)
        some[part] = v.ravel()[part]
        along = some.reshape(v.shape)
        return 0.5 * _dot(g, np.add(*self.sides(along, 1e-2 * STEP))) - float(np.sum(cotangent * along))


def between(value: float, g: Floats, ahead: Floats, behind: Floats) -> bool:
    """Tell whether ``value`` can be a derivative of ⟨g, y⟩, for g ≥ 0: whether it is between the one-sided slopes."""
    low, high = _dot(g, np.minimum(ahead, behind)), _dot(g, np.maximum(ahead, behind))
    slack = 1e-4 * (abs(low) + abs(high)) + 1e-7
    return not np.isfinite([low, high]).all() or low - slack <= value <= high + slack


def _dot(g: Floats, change: Floats) -> float:
    """Return ⟨g, change⟩; where ``g`` is 0 the change may be anything."""
    products = g * change
    return float(np.sum(products if g.all() else np.where(g == 0, 0.0, products)))


def _norm(x: Floats) -> float:
    return float(np.sqrt(np.sum(x * x)))


def _index(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(flat, shape)) if shape else ()


def _largest(cotangent: Floats) -> tuple[int, ...]:
    return _index(int(np.argmax(np.abs(cotangent))), cotangent.shape)


def _first(mask: Any) -> tuple[int, ...] | None:
    where = np.flatnonzero(mask)
    return _index(int(where[0]), np.shape(mask)) if where.size else None
