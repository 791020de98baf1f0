"""Gradcheck of a graph that was recorded, call by call: which rule is wrong, for which argument, and where."""

from dataclasses import replace

import numpy as np

from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.node import Node, Traced
from autograd_cnn.errors import ArgumentError, OperandError, sentence
from autograd_cnn.testing.argument import NOWHERE, TINY, Argument, Place, between
from autograd_cnn.testing.replay import Call, NotReplayable, calls
from autograd_cnn.testing.report import Finding, Kind, TapeReport, ordered


@parsed
def check_tape(loss: Traced, *, tolerance: float = 1e-6, seed: int = 0) -> TapeReport:
    """Check every rule that a backward pass of ``loss`` would use, each alone and where it would be used.

    Every call on the tape is run again in float64, at the operands that were recorded. For each argument that wants
    a gradient, a random cotangent goes through its rule and through the engine's sum over broadcast axes, and the
    result is held against differences along a random direction. Where they disagree, the worst element is looked
    for. Points without a derivative, such as a ReLU's 0 or a tie between two maxima, are told from faults: there the
    rule's value must lie between the slopes on both sides.

    The tape stays as it is, and can be walked back as before. Nothing is drawn again: dropout's masks and such are on
    it. Of an array that wants no gradient, and that no rule asked for, the tape keeps the shape alone, and other
    numbers stand in for it, unless the call was recorded under `autograd_cnn.tracing`. Segments of `checkpoint` are
    run once more, as a backward pass runs them.

    Parameters
    ----------
    loss : Tensor
        A recorded result, of any shape.
    tolerance : float
        Largest error, relative to the size of the gradient.
    seed : int
        For cotangents and directions.

    Returns
    -------
    TapeReport
        ``report.ok`` says whether all is well, ``str(report)`` shows what was found, and ``report.problems`` has a
        sentence for each node at fault. In a test, write ``assert report.ok, report``.

    Raises
    ------
    OperandError
        If ``loss`` is no tensor.
    ArgumentError
        If nothing was recorded for it.
    GradientError
        If an earlier backward pass has freed the graph.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> @ag.primitive
    ... def cube(x):
    ...     return x**3
    >>> @cube.vjp("x")
    ... def cube_wrt_x(g, *, x):
    ...     return g * x**2
    >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> report = ag.testing.check_tape(ag.relu(cube(w)).sum())
    >>> report.ok
    False
    >>> [(finding.primitive, finding.argument, finding.kind) for finding in report.findings]
    [('cube', 'x', 'wrong')]
    """
    if not isinstance(loss, Traced):
        raise OperandError(sentence("check_tape", "no tape", expected="a tensor", got=type(loss).__name__))
    if loss.node is None:
        raise ArgumentError(
            sentence("check_tape", "nothing was recorded for this output",
                     hint="make an input with requires_grad=True, and compute outside of no_grad()")
        )  # fmt: skip
    rng = np.random.default_rng(seed)
    findings: list[Finding] = []
    checked = nodes = stand_ins = 0
    for node, call in calls(loss, rng):
        nodes += 1
        if isinstance(call, str):
            findings.append(_finding(node, node, "unchecked", call))
            continue
        with np.errstate(all="ignore"):
            found = _checked(node, call, rng, tolerance)
        checked += len(call.wanted) - sum(finding.kind == "unchecked" for finding in found)
        stand_ins += not call.exact
        findings += found
    return TapeReport(ordered(findings), checked, nodes, stand_ins)


def _checked(node: Node, call: Call, rng: np.random.Generator, tolerance: float) -> list[Finding]:
    """Return what there is to say of a call's arguments."""
    found = [_argument(node, call, position, rng, tolerance) for position in call.wanted]
    if len(found) > 1 and {finding.kind if finding else None for finding in found} in ({"kink"}, {"kink", None}):
        found = _together(call, found, rng, tolerance)
    return [finding for finding in found if finding is not None]


def _together(
    call: Call, found: list[Finding | None], rng: np.random.Generator, tolerance: float
) -> list[Finding | None]:  # fmt: skip
    """Hold what several arguments took at one tie against a move of all of them at once."""
    u = rng.uniform(0.5, 1.5, call.y.shape)
    shares = [float(np.sum(Argument(call, position, rng, tolerance).pulled(u))) for position in call.wanted]
    ahead, behind = (
        (call.at({position: call.operands[position] + step for position in call.wanted}) - call.y) / step
        for step in (TINY, -TINY)
    )
    if not np.isfinite(shares).all() or between(sum(shares), u, ahead, behind):
        return found
    most = int(np.argmax(np.abs(shares)))
    return [
        replace(
            finding, kind="wrong", text=_said(finding.argument, "at a tie, the shares of the arguments do not add up")
        )
        if finding is not None and position == most
        else finding
        for position, finding in enumerate(found)
    ]


def _argument(
    node: Node, call: Call, position: int, rng: np.random.Generator, tolerance: float
) -> Finding | None:  # fmt: skip
    name = call.argument(position)
    try:
        verdict = Argument(call, position, rng, tolerance).judged()
    except NotReplayable as reason:
        return _finding(node, call.node, "unchecked", str(reason), name)
    except Exception as error:  # noqa: BLE001  # a rule may raise anything, and the others are still to be checked
        return _finding(node, call.node, "error", _said(name, f"{type(error).__name__}: {error}"), name)
    if verdict is None:
        return None
    return _finding(
        node, call.node, verdict.kind, _said(name, verdict.text or _apart(verdict.at)), name, verdict.at
    )  # fmt: skip


def _said(argument: str, what: str) -> str:
    return f"{argument}: {what}"


def _apart(at: Place) -> str:
    return f"its gradient at {at.element} is {at.got:.6g}, by differences {at.expected:.6g}"


def _finding(owner: Node, node: Node, kind: Kind, text: str, argument: str = "", at: Place = NOWHERE) -> Finding:
    """Put a finding together; the serial is that of the node on the checked tape."""
    name = "" if node.primitive is None else node.primitive.name
    return Finding(owner.serial, name, argument, kind, *at, node.scope, node.origin, text)
