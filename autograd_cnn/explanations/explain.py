"""Where a number comes from."""

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.node import Array, Missing, Node, Shape, Traced, tensor_of
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.replay import Call, argument, operand, values
from autograd_cnn.errors import ArgumentError, GradientError, OperandError, require, sentence
from autograd_cnn.explanations.argmax_candidates import argmax_candidates
from autograd_cnn.explanations.explanation import Explanation
from autograd_cnn.explanations.terms import Element, Index, ResultElement, Term, UnknownError, aligned
from autograd_cnn.ops.pooling import _relu_max_pool
from autograd_cnn.viz.drawing.label import shape_text


@parsed
def explain(tensor: Traced, index: int | Sequence[int] = ()) -> Explanation:
    """Explain where one element of a result or of a gradient comes from.

    For a sum, these are its terms: for a filter weight's gradient, every product of a pixel with a
    cotangent; at a fan-out, the contribution of each use. For a choice, such as a max-pool, it is
    the winner and the other candidates. For anything else, it is what the number depends on, and
    the derivatives.

    Parameters
    ----------
    tensor : Tensor
        The result of an operation; a gradient must itself have been recorded, by
        ``backward(create_graph=True)``. If the gradient does not depend on anything tracked, as for a
        linear loss, start the backward pass with a tracked seed: ``backward(seed, create_graph=True)``.
    index : int or sequence of int
        The index of the element; none for a scalar.

    Returns
    -------
    Explanation
        Print it to read it; its terms sum to its value.

    Raises
    ------
    OperandError
        If it is not a tensor.
    GradientError
        If it was not recorded, the graph has been freed, or a leaf has changed since.
    ArgumentError
        If the tensor has no such element.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    >>> w = ag.tensor([[1.0, -1.0]], requires_grad=True)
    >>> loss = (ag.correlate2d(x, w) ** 2).sum()
    >>> loss.backward(create_graph=True)
    >>> print(explain(w.grad, (0, 1)))
    correlate2d_wrt_weight[0, 1] = -32
      The trilinear form's gradient in w: the correlation of the input with the sensitivity map.
      the sum of 4 terms:
      -12 = x[1, 2] 6 × g[1, 1] -2
      -10 = x[1, 1] 5 × g[1, 0] -2
       -6 = x[0, 2] 3 × g[0, 1] -2
       -4 = x[0, 1] 2 × g[0, 0] -2
    """
    result = Result(tensor)
    return result.at(_index_of(index, result.node.shape))


# --- sums in a row ----------------------------------------------------------------------------


class Summand(NamedTuple):
    """A summand in a chain of additions.

    Attributes
    ----------
    source : Node, array or None
        The node that computed it, or the array itself; None if the tape did not keep it.
    text : str
        Where it comes from.
    """

    argument: str
    source: Any
    text: str


def summands(node: Node) -> list[Summand]:
    """Return the summands of a node's value, from left to right; none if it is not an addition.

    If several operations use a value, the traversal adds their contributions one by one. Such a
    chain, or one that a user wrote, counts as a single sum of all its parts.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor(3.0, requires_grad=True, name="x")
    >>> [(part.argument, part.text) for part in summands((x + ag.exp(x) + x * x).node)]
    [('x1', 'from x'), ('x2', 'from exp of x'), ('x3', 'from multiply of x and x')]
    """
    if node.primitive is not ops.add:
        return []
    parts: list[tuple[Any, str]] = []
    stack: list[tuple[Node | None, Any]] = [(node, None)]
    while stack:
        part, value = stack.pop()
        if part is not None and part.primitive is ops.add and part.shape == node.shape and part.saved is not None:
            operands = [(parent, operand(part, position)) for position, parent in enumerate(part.parents)]
            stack += reversed(operands)
        else:
            source = part or (None if isinstance(value, Missing) else value)
            parts.append((source, "" if part is None else f"from {_description(part)}"))
    return [Summand(f"x{i}", source, text) for i, (source, text) in enumerate(parts, start=1)]


def _description(node: Node) -> str:
    scope = f" in {node.scope.path}" if node.scope.path else ""
    operands = " and ".join(_name(parent) for parent in node.parents if parent is not None)
    return f"{_name(node)}{f' of {operands}' if operands else ''}{scope}"


def _name(node: Node) -> str:
    if node.primitive is None:
        return getattr(tensor_of(node), "name", None) or "a leaf"
    return node.primitive.name


# --- one element of a result ------------------------------------------------------------------


class Result:
    """A recorded result, whose elements are explained one by one.

    Parameters
    ----------
    tensor : Tensor
    known : mapping of Node to array, optional
        The values of the nodes that it depends on; by default they are computed from what the tape kept.

    Raises
    ------
    OperandError, GradientError
        As for `explain`.
    """

    def __init__(self, tensor: Traced, known: Mapping[Node, Array] | None = None) -> None:
        self.tensor = tensor
        self.node = _node_of(tensor)
        self._known = known

    def at(self, index: Index) -> Explanation:
        """Explain one element; see `explain`."""
        question = _Question(self.tensor, self.node, index)
        if not isinstance(self.node.primitive, Primitive):
            return question.explanation(
                note="what happened inside was not kept; explain a result inside of the function"
            )
        if self.node.saved is None:
            hint = "explain before it, or pass retain_graph=True to it"
            raise GradientError("explain", "the graph has been freed by a backward pass", hint=hint)
        if self._parts:
            return question.of_summands(self._parts, self._summed)
        result = ResultElement(self._call, index)
        return question.of_choice(result) or question.of_sum(result) or question.of_function(result)

    @cached_property
    def _parts(self) -> list[Summand]:
        return summands(self.node)

    @cached_property
    def _summed(self) -> dict[Node, Array]:
        return self._values(part.source for part in self._parts if isinstance(part.source, Node))

    @cached_property
    def _call(self) -> Call:
        return Call.of(self.node, self._values(self.node.parents)).in_float64()

    def _values(self, nodes: Iterable[Node | None]) -> dict[Node, Array]:
        """Return the values of some of the nodes before this one."""
        wanted = [node for node in nodes if node is not None]
        if self._known is not None:
            return {node: self._known[node] for node in wanted if node in self._known}
        return values(self.node, wanted, {self.node: self.tensor.value})


class _Question:
    """An element to explain, and the ways of explaining it."""

    def __init__(self, tensor: Traced, node: Node, index: Index) -> None:
        self.tensor = tensor
        self.node = node
        self.index = index
        self.value = float(np.asarray(tensor.value)[index])

    def explanation(self, sources: Mapping[str, Any] | None = None, **fields: Any) -> Explanation:
        primitive = self.node.primitive
        formula = (getattr(primitive, "__doc__", None) or "").strip().partition("\n")[0].replace("``", "")
        name = primitive.name if primitive else ""
        return Explanation(
            self.tensor,
            self.value,
            self.index,
            name,
            formula if isinstance(primitive, Primitive) else "",
            sources=sources or {},
            **fields,
        )

    def of_summands(self, parts: list[Summand], known: Mapping[Node, Array]) -> Explanation:
        terms, missing = [], []
        for part in parts:
            array = known.get(part.source) if isinstance(part.source, Node) else part.source
            if array is None:
                missing.append(part.argument)
                continue
            index = aligned(self.index, np.shape(array))
            number = float(np.asarray(array)[index])
            terms.append(Term(number, (Element(part.argument, index, number),), text=part.text))
        rest = self.rest(terms)
        if rest and not missing:
            raise GradientError(_CHANGED)
        return self.explanation(
            {part.argument: part.source for part in parts}, terms=(*terms, *_remainder(rest, missing))
        )

    def of_choice(self, result: ResultElement) -> Explanation | None:
        choice = argmax_candidates(result)
        if choice is None:
            return None
        terms, candidates = choice
        if self.rest(terms):
            raise GradientError(_CHANGED)
        note = "0 counts as well" if self.node.primitive is _relu_max_pool else ""
        return self.explanation(_sources(result.call), terms=terms, candidates=candidates, note=note)

    def of_sum(self, result: ResultElement) -> Explanation | None:
        """Explain what is linear in some operand of each group of factors; None for anything else.

        A rule that only pretends to be linear, such as a straight-through rounding's, is detected.
        """
        groups = list(result.groups())
        if not all(any(map(result.is_linear, group)) for group in groups):
            return None
        terms: list[Term] = []
        missing = []
        for group in groups:
            try:
                terms += result.terms(group)
            except UnknownError:
                missing += [result.name(position) for position in group]
        rest = self.rest(terms)
        if not rest or missing:
            return self.explanation(_sources(result.call), terms=(*terms, *_remainder(rest, missing)))
        now = result.value()
        if now is not None and not self.rest(terms, now):
            raise GradientError(_CHANGED)
        constant = result.on({i: np.zeros(np.shape(x)) for i, x in enumerate(result.call.operands)}).value()
        if constant is None or self.rest([*terms, Term(constant)]):
            return None
        return self.explanation(_sources(result.call), terms=(*terms, Term(constant, text="whatever the operands are")))

    def rest(self, terms: Sequence[Term], value: float | None = None) -> float:
        """Return the value minus the terms, or 0 if that is only a rounding error."""
        value = self.value if value is None else value
        rest = value - math.fsum(term.value for term in terms)
        size = abs(value) + math.fsum(abs(term.value) for term in terms)
        rounding = (16 + len(terms)) * float(np.finfo(self.node.dtype).eps) * size
        return rest if abs(rest) > rounding else 0.0

    def of_function(self, result: ResultElement) -> Explanation:
        now = result.value()
        size = float(np.max(np.abs(self.tensor.value)))
        if now is not None and abs(now - self.value) > float(np.finfo(self.node.dtype).eps) ** 0.5 * size:
            raise GradientError(_CHANGED)
        slopes: list[tuple[Element, float]] = []
        missing = [result.name(i) for i, operand in enumerate(result.call.operands) if isinstance(operand, Missing)]
        for position in range(len(result.call.operands)):
            if result.rule(position) is None:
                continue
            try:
                row = result.row(position)
            except UnknownError:
                continue
            positions = np.flatnonzero(row) if row.any() else result.beneath(position)
            slopes += [(result.element(position, int(flat)), float(row.flat[flat])) for flat in positions]
        note = "" if slopes else "its derivatives are all 0"
        if missing and now is None:
            note = f"the tape did not keep {' and '.join(missing)}; record it under ag.tracing()"
        return self.explanation(_sources(result.call), slopes=tuple(slopes), note=note)


_CHANGED: Final = sentence(
    "explain", "its operands have changed since it was computed", hint="explain before the optimiser's next step"
)


def _remainder(rest: float, missing: list[str]) -> list[Term]:
    """Return the remainder of the value as a term for the missing operands."""
    return [Term(rest, text=f"{' and '.join(missing)}, which the tape keeps under ag.tracing() alone")] if rest else []


def _sources(call: Call) -> dict[str, Any]:
    """Return where each operand comes from: a node of the tape, an array, or None."""
    sources = {}
    for position, parent in enumerate(call.node.parents):
        source = operand(call.node, position) if parent is None else parent
        sources[argument(call.primitive, position)] = None if isinstance(source, Missing) else source
    return sources


# --- what is asked ----------------------------------------------------------------------------


def _node_of(tensor: Traced) -> Node:
    require(isinstance(tensor, Traced), "explain", "it has no tape", "a tensor", tensor)
    if tensor.node is None:
        raise GradientError(
            "explain",
            "nothing was recorded for this tensor",
            hint="for a gradient, keep a "
            "seed = ag.tensor(1.0, requires_grad=True) and call loss.backward(seed, create_graph=True)",
        )
    if tensor.node.primitive is None:
        hint = "explain what was computed from it, or its gradient"
        raise GradientError("explain", "a leaf was given, not computed", hint=hint)
    return tensor.node


def _index_of(index: int | Sequence[int], shape: Shape) -> Index:
    """Return the index with negative numbers resolved."""
    try:
        numbers = tuple(map(operator.index, index if isinstance(index, Sequence) else (index,)))
    except TypeError:
        raise OperandError("explain", "the index is not understood", expected="integers", got=repr(index)) from None
    if len(numbers) != len(shape):
        expected = f"{len(shape)}, for the shape {shape_text(shape)}"
        raise ArgumentError("explain", "the index has the wrong number of axes", expected=expected, got=len(numbers))
    if not all(-n <= i < n for i, n in zip(numbers, shape, strict=True)):
        expected = f"one into the shape {shape_text(shape)}"
        raise ArgumentError("explain", "the index is out of range", expected=expected, got=numbers)
    return tuple(i % n for i, n in zip(numbers, shape, strict=True))
