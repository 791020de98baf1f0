"""Gradcheck of a graph that was recorded, call by call: which rule is wrong, for which argument, and where."""

from dataclasses import replace

import numpy as np

from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.node import Node, Traced
from autograd_cnn.engine.replay import Call, argument
from autograd_cnn.errors import ArgumentError, require, sentence
from autograd_cnn.testing.argument import NO_ELEMENT, TINY, Argument, Comparison, between
from autograd_cnn.testing.replay import NotReplayable, calls
from autograd_cnn.testing.report import Finding, Kind, TapeReport, ordered


@parsed
def check_tape(loss: Traced, *, tolerance: float = 1e-6, seed: int = 0) -> TapeReport:
    """Check every rule that a backward pass of ``loss`` would use, each alone and where it would be used.

    Every call on the tape is run again in float64, at the operands that were recorded. For each argument that wants
    a gradient, a random cotangent goes through its rule and through the engine's sum over broadcast axes, and the
    result is held against differences along a random direction. Where they disagree, the worst element is looked
    for. Points without a derivative, such as a ReLU's 0 or a tie between two maxima, are told from faults: there the
    rule's value must be between the slopes on both sides.

    The tape stays as it is, and can be walked back as before. Nothing is drawn again: dropout's masks and such are on
    it. Record what is to be checked under `autograd_cnn.tracing`. Otherwise the tape keeps of an array that wants no
    gradient, and that no rule asked for, the shape alone; a call that can't be run again for the lack of it is listed
    as not checked. Segments of `checkpoint` are run once more, as a backward pass runs them.

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
        raise ArgumentError(sentence("check_tape", "nothing was recorded for this output", hint=hint))
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
    """Return what there is to say of each argument of a call that wants a gradient."""
    positions = [position for position, parent in enumerate(call.node.parents) if parent is not None]
    findings = [_argument(node, call, position, rng, tolerance) for position in positions]
    if len(findings) > 1 and {finding.kind if finding else None for finding in findings} in ({"kink"}, {"kink", None}):
        return _together(call, positions, findings, rng, tolerance)
    return findings


def _together(
    call: Call, positions: list[int], findings: list[Finding | None], rng: np.random.Generator, tolerance: float
) -> list[Finding | None]:
    """Hold what several arguments took at one tie against a move of all of them at once."""
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
    """Put a finding together; the serial is that of the node on the checked tape."""
    name = "" if node.primitive is None else node.primitive.name
    return Finding(owner.serial, name, argument, kind, *at, node.scope.path, node.origin, text)
