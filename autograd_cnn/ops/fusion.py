"""Recorded calls rewritten: two that can be one are one.

`FUSIONS` is the table. `fuse` applies it to the steps of a recorded computation, wherever nobody sees the value in
between; `autograd_cnn.nn.fuse` applies it to neighbours in a `Sequential`.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from autograd_cnn.engine.node import Missing, Node
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.replay import operand, parameters
from autograd_cnn.errors import OperandError, sentence
from autograd_cnn.ops.activation import relu
from autograd_cnn.ops.pooling import _relu_max_pool, max_pool

FUSIONS: Final[Mapping[tuple[Primitive, Primitive], Primitive]] = {
    (relu, max_pool): _relu_max_pool,
    (max_pool, relu): _relu_max_pool,
}
"""What does the work of two primitives, the second of which takes the first one's result as its first operand.

It takes the first one's operands, the second one's others, and the parameters of both, and has their values and
gradients of every order, ties and NaN included; `tests/ops/test_fusion.py` proves each entry.
"""


class Step(NamedTuple):
    """A call in a recorded computation.

    Attributes
    ----------
    primitive : Primitive
    operands : tuple
        Nodes, for results of other steps and for leaves; else arrays, numbers and None.
    params : dict
    output : Node
        Whose value it computes.
    """

    primitive: Primitive
    operands: tuple[Any, ...]
    params: dict[str, Any]
    output: Node


def steps(order: Iterable[Node]) -> list[Step]:
    """Return the recorded calls among nodes as steps, each after those that it takes results of.

    Parameters
    ----------
    order : iterable of Node
        All of a tape, as `toposort` returns it. It has been recorded inside `tracing`, unless no operand goes
        without a gradient.

    Raises
    ------
    OperandError
        If a call can't be run again: what it took was not kept, or it is not a primitive's.

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
            raise OperandError(sentence("steps", f"{primitive.name} can't be run again"))
        operands = tuple(
            operand(node, position) if parent is None else parent for position, parent in enumerate(node.parents)
        )
        if any(isinstance(each, Missing) for each in operands):
            raise OperandError(
                sentence("steps", f"an operand of {primitive.name} was not kept", hint="record inside of ag.tracing()")
            )
        found.append(Step(primitive, operands, parameters(node), node))
    return found


def fuse(program: Sequence[Step], outputs: Collection[Node]) -> list[Step]:
    """Rewrite steps by `FUSIONS` where the value in between is not seen.

    It is seen if it is among the ``outputs``, if another step takes it as well, if it has a hook, or if it keeps its
    gradient.

    Steps of a forward pass are rewritten before its rules run: what a rule takes from a call that is gone, such as a
    ReLU's mask, is not an operand and so not seen here.

    Parameters
    ----------
    program : sequence of Step
    outputs : collection of Node
        Whose values are asked for.

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
    """Run steps, given the leaves' values; what tensors compute is recorded again.

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
