"""Rewriting recorded calls: several calls become one.

`FUSIONS` is the table of primitives. `fuse` applies it to the steps of a recorded computation, wherever nothing else
uses the value between them; `autograd_cnn.nn.fuse` applies it to neighbours in a `Sequential`.

The calls of a compiled step include its backward pass. So there, only the forward calls are fused; the fused ones
return all residuals and need no rules. `CHAINS` is the table, and `fuse_calls` applies it. `fuse_pairs` applies
`FUSIONS` to such a list, together with the adjoints in it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np

from autograd_cnn import kernels
from autograd_cnn.engine.node import Array, Missing, Node
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.replay import operand, parameters
from autograd_cnn.engine.trace import Call, Slot, slots_in, taken
from autograd_cnn.errors import OperandError
from autograd_cnn.ops.activation import relu
from autograd_cnn.ops.elementwise import add
from autograd_cnn.ops.normalization import batch_norm, batch_norm_inference
from autograd_cnn.ops.pooling import _max_unpool, _relu_max_pool, max_pool
from autograd_cnn.ops.selection import masked

FUSIONS: Final[Mapping[tuple[Primitive, Primitive], Primitive]] = {
    (relu, max_pool): _relu_max_pool,
    (max_pool, relu): _relu_max_pool,
}
"""A primitive that replaces two, where the second takes the first one's result as its first operand.

It takes the first one's operands, the second one's other operands, and the parameters of both. Its values and gradients
of every order are theirs, including ties and NaN; `tests/ops/test_fusion.py` proves each entry.
"""


_ADJOINTS: Final[Mapping[Primitive, Primitive]] = {relu: masked, max_pool: _max_unpool}
"""The factor by which the rules of these multiply, given the residual; `_relu_max_pool`'s is one for `max_unpool`."""

_FORWARDS: Final = {(first.forward, then.forward): (first, then, fused) for (first, then), fused in FUSIONS.items()}


class Step(NamedTuple):
    """A call in a recorded computation.

    Attributes
    ----------
    primitive : Primitive
    operands : tuple
        Nodes, for results of other steps and for leaves; otherwise arrays, numbers and None.
    params : dict
    output : Node
        The node whose value it computes.
    """

    primitive: Primitive
    operands: tuple[Any, ...]
    params: dict[str, Any]
    output: Node


def steps(order: Iterable[Node]) -> list[Step]:
    """Return the recorded calls among nodes as steps, each after those whose results it uses.

    Parameters
    ----------
    order : iterable of Node
        A whole tape, as `toposort` returns it. It must have been recorded inside `tracing`, unless every operand has a
        gradient.

    Raises
    ------
    OperandError
        If a call can't be run again: its operands were not kept, or it is not a primitive's.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn.engine.backward import toposort
    >>> x = ag.tensor([[-1.0, 2.0]], requires_grad=True)
    >>> [step.primitive.name for step in steps(toposort(ag.max_pool(ag.relu(x), (1, 2)).node))]
    ['relu', 'max_pool']
    """
    found = []
    for node in sorted(order, key=lambda node: node.serial):
        primitive = node.primitive
        if primitive is None:
            continue
        if not isinstance(primitive, Primitive) or node.params is None:
            raise OperandError("steps", f"{primitive.name} can't be run again")
        operands = tuple(
            operand(node, position) if parent is None else parent for position, parent in enumerate(node.parents)
        )
        if any(isinstance(each, Missing) for each in operands):
            problem = f"an operand of {primitive.name} was not kept"
            raise OperandError("steps", problem, hint="record inside of ag.tracing()")
        found.append(Step(primitive, operands, parameters(node), node))
    return found


def fuse(program: Sequence[Step], outputs: Collection[Node]) -> list[Step]:
    """Rewrite steps by `FUSIONS` where the intermediate value is not visible.

    It is visible if it is among the ``outputs``, if another step uses it, if it has a hook, or if it keeps its
    gradient.

    Rewrite the steps of a forward pass before its rules run: what a rule takes from a replaced call, such as a ReLU's
    mask, is not an operand, so it does not count as visible here.

    Parameters
    ----------
    program : sequence of Step
    outputs : collection of Node
        The nodes whose values are requested.

    Returns
    -------
    list of Step
        They give the same outputs, with the same gradients.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn.engine.backward import toposort
    >>> x = ag.tensor([[-1.0, 2.0]], requires_grad=True)
    >>> y = ag.max_pool(ag.relu(x), (1, 2))
    >>> [step.primitive.name for step in fuse(steps(toposort(y.node)), [y.node])]
    ['relu_max_pool']
    """
    uses = Counter(each for step in program for each in step.operands if isinstance(each, Node))
    made: dict[Node, Step] = {}
    for step in program:
        taken = step.operands[0] if step.operands else None
        before = made.get(taken) if isinstance(taken, Node) else None
        fused = None if before is None else FUSIONS.get((before.primitive, step.primitive))
        if before is not None and fused is not None and uses[before.output] == 1 and _is_unseen(before.output, outputs):
            del made[before.output]
            operands = (*before.operands, *step.operands[1:])
            made[step.output] = Step(fused, operands, before.params | step.params, step.output)
        else:
            made[step.output] = step
    return list(made.values())


def _is_unseen(node: Node, outputs: Collection[Node]) -> bool:
    return node not in outputs and not node.hooks and node.tensor is None


def run(program: Iterable[Step], values: Mapping[Node, Any]) -> dict[Node, Any]:
    """Run steps, given the leaves' values; if these are tensors, the steps are recorded again.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn.engine.backward import toposort
    >>> x = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> y = (x * 3).sum()
    >>> float(run(steps(toposort(y.node)), {x.node: ag.tensor([5.0, 5.0])})[y.node])
    30.0
    """
    known = dict(values)
    for step in program:
        operands = [known[each] if isinstance(each, Node) else each for each in step.operands]
        known[step.output] = step.primitive(*operands, **step.params)
    return known


# --- forwards of compiled steps ---------------------------------------------------------------


def _batch_norm_relu(
    x: Array, weight: Array | None = None, bias: Array | None = None, *, eps: float, other: Array | None = None
) -> tuple[Array, Array, Array]:
    """Compute `batch_norm`, `add` if another array is given, and `relu`, in one pass."""
    if not _are_alike(x, other, weight, bias):
        y, moments = batch_norm.forward(x, weight, bias, eps=eps)
        y, mask = relu.forward(y if other is None else add.forward(y, other))
        return y, moments, mask
    moments = kernels.moments(x)
    y, mask = kernels.standardize_rectified(x, moments, *_affine(x, weight, bias), eps, other)
    return y, moments, mask


def _batch_norm_inference_relu(
    x: Array,
    mean: Array,
    var: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    eps: float,
    other: Array | None = None,
) -> tuple[Array, Array]:
    """Compute `batch_norm_inference`, `add` if another array is given, and `relu`, in one pass."""
    if not _are_alike(x, other, mean, var, weight, bias):
        y = batch_norm_inference.forward(x, mean, var, weight, bias, eps=eps)
        return relu.forward(y if other is None else add.forward(y, other))
    moments = kernels.given_moments(mean, var)
    return kernels.standardize_rectified(x, moments, *_affine(x, weight, bias), eps, other)


def _are_alike(x: Array, other: Array | None, *numbers: Array | None) -> bool:
    """Whether the kernel can use the arrays as they are, without conversion or broadcasting."""
    arrays = [each for each in (other, *numbers) if each is not None]
    return x.dtype.kind == "f" and all(a.dtype == x.dtype for a in arrays) and (other is None or other.shape == x.shape)


def _affine(x: Array, weight: Array | None, bias: Array | None) -> tuple[Array, Array]:
    shape = x.shape[1:2]
    return np.ones(shape, x.dtype) if weight is None else weight, np.zeros(shape, x.dtype) if bias is None else bias


CHAINS: Final[Mapping[tuple[Primitive, ...], Callable[..., Any]]] = {
    (batch_norm, relu): _batch_norm_relu,
    (batch_norm, add, relu): _batch_norm_relu,
    (batch_norm_inference, relu): _batch_norm_inference_relu,
    (batch_norm_inference, add, relu): _batch_norm_inference_relu,
}
"""A function that replaces several forward calls, each of which takes the previous result, one adding another array.

It takes the first one's operands and parameters and the other array, and returns the last one's output and all
residuals, with the same bits; `tests/ops/test_fusion.py` proves each entry.
"""


def fuse_calls(calls: Sequence[Call], results: Sequence[Any]) -> list[Call]:
    """Rewrite the calls of a trace by `CHAINS` where no other call uses the intermediate value, and it is not a result.

    A fused call takes the first one's place, so all operands of the others must exist by then.

    Parameters
    ----------
    calls : sequence of Call
    results : sequence
        The function's results, as slots and constants.

    Returns
    -------
    list of Call
        They give the same results.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import nn
    >>> step = ag.compile(nn.Sequential(nn.BatchNorm2d(1), nn.ReLU()).eval())
    >>> with ag.no_grad():
    ...     y = [step(np.ones((1, 1, 2, 2), np.float32)) for _ in range(3)]
    >>> [call.name for call in step.plan.calls if "relu" in call.name]
    ['batch_norm_inference + relu']
    """
    made: dict[int, Call] = dict(enumerate(calls))
    origins = {slot: i for i, call in made.items() for slot in call.outputs}
    uses: dict[Slot, list[int]] = defaultdict(list)
    for i, call in made.items():
        for slot in taken(call):
            uses[slot].append(i)
    for slot in slots_in(list(results)):
        uses[slot].append(-1)
    for i, first in enumerate(calls):
        for chain, fused in CHAINS.items():
            if first.function is not chain[0].forward:
                continue
            positions, others = _followed(calls, i, chain, uses)
            if len(positions) == len(chain) and all(origins.get(slot, -1) < i for slot in slots_in(others)):
                run = [made.pop(index) for index in positions]
                outputs = (run[-1].outputs[0], *(slot for call in run for slot in call.outputs[1:]))
                params = first.params | dict(zip(["other"], others, strict=False))
                name = " + ".join(call.name for call in run)
                made[i] = replace(first, function=fused, name=name, params=params, outputs=outputs)
                break
    return [made[i] for i in sorted(made)]


def _followed(
    calls: Sequence[Call], first: int, chain: tuple[Primitive, ...], uses: Mapping[Slot, list[int]]
) -> tuple[list[int], list[Any]]:
    """Return the positions of calls, each the only user of the previous one's output, and their other operands."""
    positions, others = [first], []
    for primitive in chain[1:]:
        y = calls[positions[-1]].outputs[0]
        users = uses[y]
        if len(users) != 1 or users[0] < 0 or calls[users[0]].function is not primitive.forward:
            break
        positions.append(users[0])
        others += [arg for arg in calls[users[0]].args if not (isinstance(arg, Slot) and arg == y)]
    return positions, others


# --- forward and backward of compiled steps ---------------------------------------------------


def fuse_pairs(calls: Sequence[Call], results: Sequence[Any]) -> list[Call]:
    """Rewrite calls by `FUSIONS`, forward and backward, where nothing else uses the values that disappear.

    The adjoints of two fused primitives also follow each other, in reverse. Only `max_unpool` remains: the fused
    primitive's indices never name a pixel that the other adjoint would set to 0.

    Parameters
    ----------
    calls : sequence of Call
    results : sequence
        The requested results.

    Returns
    -------
    list of Call
        They give the same results, to the last bit.
    """
    made = {slot: call for call in calls for slot in call.outputs}
    uses: defaultdict[Slot, list[Call | None]] = defaultdict(list)
    for call in calls:
        for slot in taken(call):
            uses[slot].append(call)
    for slot in slots_in(list(results)):
        uses[slot].append(None)
    rewritten: dict[int, Call | None] = {}  # by the call's id; None for one that is dropped
    for then in calls:
        before = _maker(then, made)
        pair = None if before is None else _FORWARDS.get((before.function, then.function))
        if before is None or pair is None or id(before) in rewritten or uses[before.outputs[0]] != [then]:
            continue
        adjoints = _adjoints(pair, before, then, made, uses)
        if adjoints is None:
            continue
        indices = (before if pair[0] is max_pool else then).outputs[1]
        rewritten[id(before)] = None
        rewritten[id(then)] = replace(
            then, function=pair[2].forward, name=pair[2].name, args=(*before.args, *then.args[1:]),
            params=before.params | then.params, outputs=(then.outputs[0], indices), static=pair[2].static,
        )  # fmt: skip
        for one, other in adjoints:
            unpool = one if one.function is _max_unpool.forward else other
            rewritten[id(one)] = None
            rewritten[id(other)] = replace(unpool, args=one.args, outputs=other.outputs)
    return [kept for call in calls if (kept := rewritten.get(id(call), call)) is not None]


def _maker(call: Call | None, made: Mapping[Slot, Call]) -> Call | None:
    """Return the call that makes the first operand of another."""
    first = call.args[0] if call is not None and call.args else None
    return made.get(first) if isinstance(first, Slot) else None


def _adjoints(
    pair: tuple[Primitive, Primitive, Primitive], before: Call, then: Call, made: Mapping[Slot, Call],
    uses: Mapping[Slot, list[Call | None]],
) -> list[tuple[Call, Call]] | None:  # fmt: skip
    """Return the adjoints of two calls, in pairs; None if something else uses what was saved for them."""
    kinds = _ADJOINTS[pair[1]].forward, _ADJOINTS[pair[0]].forward
    found = []
    for other in uses[before.outputs[1]]:
        one = _maker(other, made)
        if one is None or other is None or (one.function, other.function) != kinds or uses[one.outputs[0]] != [other]:
            return None
        found.append((one, other))
    return found if [one for one, _ in found] == uses[then.outputs[1]] else None
