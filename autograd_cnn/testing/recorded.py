"""Gradient checking of a recorded graph, call by call: which rule is wrong, for which argument, and where."""

from dataclasses import replace

import numpy as np

from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.node import Node, Traced
from autograd_cnn.engine.replay import Call, argument
from autograd_cnn.errors import ArgumentError, require
from autograd_cnn.testing.argument import NO_ELEMENT, TINY, Argument, Comparison, between
from autograd_cnn.testing.replay import NotReplayable, calls
from autograd_cnn.testing.report import Finding, Kind, TapeReport, ordered


@parsed
def check_tape(loss: Traced, *, tolerance: float = 1e-6, seed: int = 0) -> TapeReport:
    """Check every rule that a backward pass from ``loss`` would use, each separately and at its recorded operands.

    Every call on the tape is run again in float64, on its recorded operands. For each argument that needs a gradient, a
    random cotangent goes through its rule and through the engine's sum over broadcast axes, and the result is compared
    with finite differences along a random direction. Where they disagree, the worst element is searched for. Points
    without a derivative, such as a ReLU's 0 or a tie between two maxima, are told apart from faults: there the rule's
    value must be between the one-sided slopes.

    The tape stays as it is, and a backward pass can follow. No random numbers are drawn again: masks, such as
    dropout's, are on the tape. Record the computation under `autograd_cnn.tracing`. Otherwise the tape keeps only the
    shape of an array that needs no gradient and that no rule asked for; calls that can't be run again without it are
    listed as unchecked. Segments of `checkpoint` are run once more, as in a backward pass.

    Parameters
    ----------
    loss : Tensor
        A recorded result, of any shape.
    tolerance : float
        The largest error, relative to the size of the gradient.
    seed : int
        For cotangents and directions.

    Returns
    -------
    TapeReport
        ``report.ok`` says whether all rules are right, ``str(report)`` shows what was found, and ``report.problems``
        has a sentence for each node with a fault. In a test, write ``assert report.ok, report``.

    Raises
    ------
    OperandError
        If ``loss`` is not a tensor.
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
    ... def cube_vjp_x(g, *, x):
    ...     return g * x**2
    >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> report = ag.testing.check_tape(ag.relu(cube(w)).sum())
    >>> report.ok
    False
    >>> [(finding.primitive, finding.argument, finding.kind) for finding in report.findings]
    [('cube', 'x', 'wrong')]
    """
    require(isinstance(loss, Traced), "check_tape", "no tape", "a tensor", loss)
    if loss.node is None:
        hint = "make an input with requires_grad=True, and compute outside of no_grad()"
        raise ArgumentError("check_tape", "nothing was recorded for this output", hint=hint)
    rng = np.random.default_rng(seed)
    findings: list[Finding] = []
    checked = nodes = 0
    for node, call in calls(loss):
        nodes += 1
        if isinstance(call, NotReplayable):
            findings.append(_finding(node, node, "unchecked", str(call)))
            continue
        with np.errstate(all="ignore"):
            of_call = _check(node, call, rng, tolerance)
        checked += len(of_call) - sum(finding is not None and finding.kind == "unchecked" for finding in of_call)
        findings += [finding for finding in of_call if finding is not None]
    return TapeReport(ordered(findings), checked, nodes)


def _check(node: Node, call: Call, rng: np.random.Generator, tolerance: float) -> list[Finding | None]:
    """Return the findings for each argument of a call that needs a gradient."""
    positions = [position for position, parent in enumerate(call.node.parents) if parent is not None]
    findings = [_argument(node, call, position, rng, tolerance) for position in positions]
    if len(findings) > 1 and {finding.kind if finding else None for finding in findings} in ({"kink"}, {"kink", None}):
        return _together(call, positions, findings, rng, tolerance)
    return findings


def _together(
    call: Call, positions: list[int], findings: list[Finding | None], rng: np.random.Generator, tolerance: float
) -> list[Finding | None]:
    """Compare the shares of several arguments at a tie with a move of all of them at once."""
    g = rng.uniform(0.5, 1.5, np.shape(call.y))
    slopes = [float(np.sum(Argument(call, position, rng, tolerance).pullback(g))) for position in positions]
    ahead, behind = (
        (call.on({position: call.operands[position] + step for position in positions}).y - call.y) / step
        for step in (TINY, -TINY)
    )
    if not np.isfinite(slopes).all() or between(sum(slopes), g, ahead, behind):
        return findings
    steepest = int(np.argmax(np.abs(slopes)))
    finding = findings[steepest]
    if finding is not None:
        text = _sentence(finding.argument, "at a tie, the cotangents of the arguments do not add up")
        findings[steepest] = replace(finding, kind="wrong", text=text)
    return findings


def _argument(node: Node, call: Call, position: int, rng: np.random.Generator, tolerance: float) -> Finding | None:
    name = argument(call.primitive, position)
    try:
        verdict = Argument(call, position, rng, tolerance).verdict()
    except NotReplayable as reason:
        return _finding(node, call.node, "unchecked", str(reason), name)
    except Exception as error:  # noqa: BLE001  # a rule may raise anything, and the others are still to be checked
        return _finding(node, call.node, "error", _sentence(name, f"{type(error).__name__}: {error}"), name)
    if verdict is None:
        return None
    at = verdict.at
    text = verdict.text or f"its gradient at {at.element} is {at.got:.6g}, by differences {at.expected:.6g}"
    return _finding(node, call.node, verdict.kind, _sentence(name, text), name, at)


def _sentence(argument: str, problem: str) -> str:
    return f"{argument}: {problem}"


def _finding(
    owner: Node, node: Node, kind: Kind, text: str, argument: str = "", at: Comparison = NO_ELEMENT
) -> Finding:
    """Make a finding; the serial is that of the node on the checked tape."""
    name = "" if node.primitive is None else node.primitive.name
    return Finding(owner.serial, name, argument, kind, *at, node.scope.path, node.origin, text)
