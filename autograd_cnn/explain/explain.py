"""Why a number is what it is."""

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.node import Array, Missing, Node, Shape, Traced
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.replay import operand, parameters, values_of
from autograd_cnn.errors import ArgumentError, GradientError, OperandError, sentence
from autograd_cnn.explain.call import Call, Element, Index, Term, UnknownError, aligned
from autograd_cnn.explain.choice import choice
from autograd_cnn.explain.explanation import Explanation
from autograd_cnn.explain.fanout import Share, shares
from autograd_cnn.viz.drawing.label import shape_text


@parsed
def explain(tensor: Traced, index: int | Sequence[int] = ()) -> Explanation:
    """Say why one element of a result or of a gradient is what it is.

    Of a sum these are its terms: for a kernel weight's gradient every product of a pixel with a
    sensitivity, where gradients meet at a fan-out what each use sent back. Of a choice, such as a
    max-pooling, it is the winner, and what it won against. Of anything else it is what the number
    depends on, and how steeply.

    Parameters
    ----------
    tensor : Tensor
        What an operation has computed; for a gradient, one that was recorded itself, by
        ``backward(create_graph=True)``. Where it does not depend on anything tracked, as that of a
        linear loss, begin the backward pass with a tracked seed: ``backward(seed, create_graph=True)``.
    index : int or sequence of int
        Of the element; none for a scalar.

    Returns
    -------
    Explanation
        It prints well; its terms add up to its value.

    Raises
    ------
    OperandError
        If it is no tensor.
    GradientError
        If it was not recorded, the graph has been freed, or a leaf has changed since.
    ArgumentError
        If there is no such element.

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
    node = _recorded(tensor)
    place = _checked(index, node.shape)
    question = _Question(tensor, node, place)
    if not isinstance(node.primitive, Primitive):
        return question.explanation(note="what happened inside was not kept; explain a result inside of the function")
    if node.saved is None:
        raise GradientError(
            sentence("explain", "the graph has been freed by a backward pass",
                     hint="explain before it, or pass retain_graph=True to it")
        )  # fmt: skip
    parts = shares(node)
    if parts:
        return question.of_shares(parts)
    call = Call.of(node, node.primitive, question.values(node.parents), tensor.value, place)
    return question.of_choice(call) or question.of_sum(call) or question.of_function(call)


class _Question:
    """Which element it is, and the ways of explaining it."""

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
            self.tensor, self.value, self.index, name, formula if isinstance(primitive, Primitive) else "",
            sources=sources or {}, **fields,
        )  # fmt: skip

    def values(self, nodes: Iterable[Node | None]) -> dict[Node, Array]:
        """Return the values of some of the nodes before this one."""
        return values_of(self.node, [node for node in nodes if node is not None], {self.node: self.tensor.value})

    def of_shares(self, parts: list[Share]) -> Explanation:
        known = self.values(part.source for part in parts if isinstance(part.source, Node))
        terms, missing = [], []
        for part in parts:
            array = known.get(part.source) if isinstance(part.source, Node) else part.source
            if array is None:
                missing.append(part.argument)
                continue
            place = aligned(self.index, np.shape(array))
            number = float(np.asarray(array)[place])
            terms.append(Term(number, (Element(part.argument, place, number),), text=part.text))
        rest = self.left(terms)
        if rest and not missing:
            raise GradientError(_CHANGED)
        return self.explanation({part.argument: part.source for part in parts}, terms=(*terms, *_rest(rest, missing)))

    def of_choice(self, call: Call) -> Explanation | None:
        found = choice(call)
        if found is not None and self.left(found[0]):
            raise GradientError(_CHANGED)
        note = "0 counts as well" if parameters(self.node).get("rectified") else ""
        return found and self.explanation(_sources(call), terms=found[0], candidates=found[1], note=note)

    def of_sum(self, call: Call) -> Explanation | None:
        """Explain what is linear in some operand of each group of factors; None for anything else.

        A rule that pretends to be linear, as that of a rounding that passes gradients through, is found out.
        """
        groups = list(call.groups())
        if not all(any(map(call.is_linear, group)) for group in groups):
            return None
        terms: list[Term] = []
        missing = []
        for group in groups:
            try:
                terms += call.terms(group)
            except UnknownError:
                missing += [call.name(position) for position in group]
        rest = self.left(terms)
        if not rest or missing:
            return self.explanation(_sources(call), terms=(*terms, *_rest(rest, missing)))
        again = call.again()
        if again is not None and not self.left(terms, again):
            raise GradientError(_CHANGED)
        constant = call.holding({i: np.zeros(np.shape(x)) for i, x in enumerate(call.operands)}).again()
        if constant is None or self.left([*terms, Term(constant)]):
            return None
        return self.explanation(_sources(call), terms=(*terms, Term(constant, text="whatever the operands are")))

    def left(self, terms: Sequence[Term], value: float | None = None) -> float:
        """Return what the terms leave of the value, or 0 where that is no more than rounding."""
        value = self.value if value is None else value
        left = value - math.fsum(term.value for term in terms)
        size = abs(value) + math.fsum(abs(term.value) for term in terms)
        rounding = (16 + len(terms)) * float(np.finfo(self.node.dtype).eps) * size
        return left if abs(left) > rounding else 0.0

    def of_function(self, call: Call) -> Explanation:
        again = call.again()
        size = float(np.max(np.abs(self.tensor.value)))
        if again is not None and abs(again - self.value) > float(np.finfo(self.node.dtype).eps) ** 0.5 * size:
            raise GradientError(_CHANGED)
        slopes: list[tuple[Element, float]] = []
        missing = []
        for position in range(len(call.operands)):
            if call.rule(position) is None:
                continue
            try:
                row = call.row(position)
            except UnknownError:
                missing.append(call.name(position))
                continue
            places = np.flatnonzero(row) if row.any() else call.beneath(position)
            slopes += [(call.element(position, int(flat)), float(row.flat[flat])) for flat in places]
        note = "" if slopes else "its derivatives are all 0"
        if missing and again is None:
            note = f"the tape did not keep {' and '.join(missing)}"
        return self.explanation(_sources(call), slopes=tuple(slopes), note=note)


_CHANGED: Final = sentence(
    "explain", "its operands have changed since it was computed", hint="explain before the optimiser's next step"
)


def _rest(left: float, missing: list[str]) -> list[Term]:
    """Return as a term what is left of the value for that which is missing."""
    return [Term(left, text=f"{' and '.join(missing)}, which the tape did not keep")] if left else []


def _sources(call: Call) -> dict[str, Any]:
    """Return where each operand comes from: a node of the tape, an array, or None."""
    parents = enumerate(call.node.parents)
    found = {call.name(i): operand(call.node, i) if parent is None else parent for i, parent in parents}
    return {name: None if isinstance(source, Missing) else source for name, source in found.items()}


# --- what is asked ----------------------------------------------------------------------------


def _recorded(tensor: Traced) -> Node:
    if not isinstance(tensor, Traced):
        raise OperandError(sentence("explain", "it has no tape", expected="a tensor", got=type(tensor).__name__))
    if tensor.node is None:
        raise GradientError(
            sentence("explain", "nothing was recorded for this tensor", hint="for a gradient, keep a "
                     "seed = ag.tensor(1.0, requires_grad=True) and call loss.backward(seed, create_graph=True)")
        )  # fmt: skip
    if tensor.node.primitive is None:
        raise GradientError(
            sentence("explain", "a leaf was given, not computed",
                     hint="explain what was computed from it, or its gradient")
        )  # fmt: skip
    return tensor.node


def _checked(index: int | Sequence[int], shape: Shape) -> Index:
    """Return the index with all its numbers from 0 on."""
    try:
        given = tuple(map(operator.index, index if isinstance(index, Sequence) else (index,)))
    except TypeError:
        raise OperandError(
            sentence("explain", "the index is not understood", expected="integers", got=repr(index))
        ) from None
    if len(given) != len(shape):
        raise ArgumentError(
            sentence("explain", "the index has the wrong number of axes",
                     expected=f"{len(shape)}, for the shape {shape_text(shape)}", got=len(given))
        )  # fmt: skip
    if not all(-n <= i < n for i, n in zip(given, shape, strict=True)):
        raise ArgumentError(
            sentence("explain", "the index is out of range", expected=f"one into the shape {shape_text(shape)}",
                     got=given)
        )  # fmt: skip
    return tuple(i % n for i, n in zip(given, shape, strict=True))
