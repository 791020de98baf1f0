"""The times of a step's calls."""

import gc
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from operator import attrgetter
from statistics import median
from time import perf_counter
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from autograd_cnn.engine.backward import cotangents_of
from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.node import Array, Node, Traced
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.recording import switched, tracing
from autograd_cnn.engine.replay import Call, kept_values
from autograd_cnn.engine.trace import Call as PlanCall
from autograd_cnn.errors import ArgumentError, GradientError, counted, printable, require
from autograd_cnn.graph.capture import Names, read
from autograd_cnn.graph.graph import Graph
from autograd_cnn.graph.nodes import GraphNode
from autograd_cnn.graph.plan import of_plan
from autograd_cnn.kernels import current_backend
from autograd_cnn.parameters import Size
from autograd_cnn.plans.compile import Compiled
from autograd_cnn.plans.plan import Plan
from autograd_cnn.table import aligned

By: TypeAlias = Literal["call", "module", "primitive"]

LINES: Final = 12
"""The most rows of a table that are printed."""

NUMBERS: Final = frozenset({"calls", "forward", "backward", "time", "share", "speed"})
"""The columns of numbers."""

_ATTEMPTS: Final = 3
"""The number of calls after which a compiled function has a plan, or will never have one."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The time of a step, and of each of its calls.

    Attributes
    ----------
    graph : Graph
        Its nodes have a ``time``; ``graph.render(path, color="time")`` draws it. For a compiled step it is the graph of
        the plan.
    seconds : float
        The time of the whole step.
    forward, backward : float or None
        The times of its passes; None for a compiled step, which is not split, and for a result that is not a scalar.
    runs : int
        The number of runs over which all times are medians.
    backend : str
        The backend that ran it.
    plan : Plan or None
        The plan of a compiled step. ``plan.render_memory`` draws its arena.
    """

    graph: Graph
    seconds: float
    forward: float | None
    backward: float | None
    runs: int
    backend: str
    plan: Plan | None = None

    @parsed
    def table(self, by: By = "call") -> list[dict[str, Any]]:
        """Return the times as rows for a data frame, the longest first.

        Parameters
        ----------
        by : "call", "module" or "primitive"
            What gets a row. A module's row covers the calls that are not inside a submodule.

        Raises
        ------
        ArgumentError
            If ``by`` is something else.
        """
        rows = list(self._of_calls() if by == "call" else self._of_groups(by))
        return sorted(rows, key=lambda row: -row["time"])

    def _timed(self) -> list[tuple[GraphNode, float]]:
        called = (node for node in self.graph.nodes if node.kind in ("operation", "gradient"))
        return [(node, node.time) for node in called if node.time is not None]

    def _of_calls(self) -> Iterator[dict[str, Any]]:
        for node, time in self._timed():
            speed = None if node.flops is None or not time else node.flops / time
            yield {
                "node": node.id, "primitive": node.name, "module": node.scope, "phase": node.phase, "shape": node.shape,
                "time": time, "flops per second": speed,
            }  # fmt: skip

    def _of_groups(self, by: Literal["module", "primitive"]) -> Iterator[dict[str, Any]]:
        groups: defaultdict[str, list[tuple[GraphNode, float]]] = defaultdict(list)
        for node, time in self._timed():
            groups[node.scope if by == "module" else node.name].append((node, time))
        for name, members in groups.items():
            passes = {phase: sum(t for node, t in members if node.phase == phase) for phase in ("forward", "backward")}
            yield {by: name, "calls": len(members), **passes, "time": sum(passes.values())}

    def __repr__(self) -> str:
        """The slowest calls, and the times of modules and primitives."""
        calls = self.table()
        total = sum(row["time"] for row in calls)
        passes = [(name, value) for name, value in (("forward", self.forward), ("backward", self.backward)) if value]
        parts = f" ({', '.join(f'{name} {_ms(value)}' for name, value in passes)})" if passes else ""
        arena = f", in an arena of {self.plan.arena:,} bytes" if self.plan is not None and self.plan.arena else ""
        lines = [
            f"a step takes {_ms(self.seconds)}{parts}, the median of {counted(self.runs, 'run')} on the backend {self.backend}",
            f"its {counted(len(calls), 'call')} take {_ms(total)} by themselves{arena}",
            "",
            *_lines([_cells_of_call(row, total) for row in calls]),
        ]
        for by in ("module", "primitive"):
            lines += ["", *_lines([_cells_of_group(row, by, total, self.plan is None) for row in self.table(by)])]
        return "\n".join(lines)


@parsed
def profile(step: Callable[..., Any], *args: Any, runs: Size = 10, names: Names | None = None) -> Profile:
    """Measure the time of a step, and of each call in its forward and backward pass.

    The calls are those that `capture` shows. Each is timed by itself on the arrays that it had in the step; each run
    makes all of them in order, so a call finds the caches as the others leave them. The rest of the step's time is
    spent in Python between the calls: modules, the tape, the traversal. The first run, which may compile kernels, does
    not count.

    A step compiled by `autograd_cnn.compile` runs as its plan: then the calls are the plan's. Calls that are rows of
    one compiled loop are measured together, and their time is split in proportion to the times that they take alone.

    Parameters
    ----------
    step : callable
        Returns a loss, such as ``lambda x, y: cross_entropy(model(x), y)``, without calling ``backward``; no ``grad``
        changes. If the result is not a scalar, only the forward pass is measured. Or a compiled training step, which
        then trains: it is called about three times per run.
    *args
        Its arguments. State that the step changes, such as running statistics, changes with each run.
    runs : int
        How many runs count.
    names : mapping or pairs, optional
        As for `capture`.

    Returns
    -------
    Profile
        Print it to read it.

    Raises
    ------
    OperandError
        If ``step`` is not a function, or does not return a tensor.
    GradientError
        If it recorded nothing, or called ``backward`` itself.
    ArgumentError
        If ``runs`` is 0, or a compiled step has no plan; the message says why.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> w = ag.tensor(np.ones((3, 2)), requires_grad=True, name="w")
    >>> profile = ag.graph.profile(lambda x: ag.relu(x @ w).sum(), np.ones((4, 3)), runs=2)
    >>> sorted(row["primitive"] for row in profile.table())
    ['broadcast_to', 'masked', 'matmul', 'matmul', 'relu', 'sum']
    """
    require(callable(step), "graph.profile", "not a function", "a step", step)
    return _of_compiled(step, args, runs) if isinstance(step, Compiled) else _of_recorded(step, args, runs, names)


# --- a step that is recorded ------------------------------------------------------------------


def _of_recorded(step: Callable[..., Any], args: Sequence[Any], runs: int, names: Names | None) -> Profile:
    with tracing():
        output = step(*args)
        _check(output)
        scalar = output.value.size == 1
        whole: list[tuple[float, float]] = []

        def clock(recorded: Sequence[Node], given: Mapping[Node, Array]) -> dict[Node, float]:
            calls = _calls(recorded, given)
            times: dict[Node, list[float]] = {call.node: [] for call in calls}
            for run in range(runs + 1):
                with switched(tracing=False), _quiet():
                    passes = _passes(step, args, scalar)
                    seconds = [_seconds(call) for call in calls]
                if run:
                    whole.append(passes)
                    for call, each in zip(calls, seconds, strict=True):
                        times[call.node].append(each)
            return {node: median(each) for node, each in times.items()}

        graph = read(output, names=names, backward=scalar, clock=clock).graph()
    forward, backward = (median(each) for each in zip(*whole, strict=True))
    total = median(map(sum, whole))
    return Profile(graph, total, forward, backward if scalar else None, runs, current_backend())


def _check(output: Any) -> None:
    """Refuse what is not a recorded result."""
    expected = "a tensor, such as its loss"
    require(isinstance(output, Traced), "graph.profile", "the step returned something else", expected, output)
    if output.node is None:
        hint = "give it a parameter, outside of no_grad()"
        raise GradientError("graph.profile", "the step recorded nothing", hint=hint)
    if isinstance(output.node.primitive, Primitive) and output.node.saved is None:
        hint = "return the loss before that, or pass ag.compile(step)"
        raise GradientError("graph.profile", "the step has called backward itself", hint=hint)


def _calls(recorded: Sequence[Node], given: Mapping[Node, Array]) -> list[Call]:
    """Return the recorded calls in order, with all their operands."""
    values = kept_values(recorded) | dict(given)
    calls = []
    for node in sorted(recorded, key=attrgetter("serial")):
        if not isinstance(node.primitive, Primitive):
            continue
        call = Call.of(node, values)
        if call.missing:
            continue
        if node not in values:
            values[node] = call.y
        calls.append(Call(node, [x[()] if isinstance(x, np.ndarray) else x for x in call.operands], call.params))
    return calls


def _passes(step: Callable[..., Any], args: Sequence[Any], scalar: bool) -> tuple[float, float]:
    """Return the seconds of a forward pass, and of the backward pass if there is one."""
    start = perf_counter()
    output = step(*args)
    middle = perf_counter()
    if scalar:
        cotangents_of(output, None, where="graph.profile")
    return middle - start, perf_counter() - middle


def _seconds(call: Call) -> float:
    start = perf_counter()
    call.primitive(*call.operands, **call.params)
    return perf_counter() - start


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the garbage collector and numerical warnings out of the measurement."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        if collecting:
            gc.enable()


# --- a step that is compiled ------------------------------------------------------------------


def _of_compiled(step: Compiled[..., Any], args: Sequence[Any], runs: int) -> Profile:
    plan = _plan(step, args)
    alone = [each for call in plan.lowered for each in call.inner or (call,)]
    whole: list[float] = []
    together: list[list[float]] = []
    separate: list[list[float]] = []
    for run in range(runs + 1):
        with _quiet():
            start = perf_counter()
            step(*args)
            seconds = perf_counter() - start
            times = _run_timed(step, args, plan, plan.lowered), _run_timed(step, args, plan, alone)
        if run:
            whole.append(seconds)
            together.append(times[0])
            separate.append(times[1])
    of_call = dict(zip(map(id, alone), map(median, zip(*separate, strict=True)), strict=True))
    for call, seconds in zip(plan.lowered, map(median, zip(*together, strict=True)), strict=True):
        parts = call.inner or (call,)
        share = seconds / (sum(of_call[id(each)] for each in parts) or 1.0)
        of_call |= {id(each): of_call[id(each)] * share for each in parts}
    return Profile(of_plan(plan, of_call), median(whole), None, None, runs, current_backend(), plan)


def _plan(step: Compiled[..., Any], args: Sequence[Any]) -> Plan:
    """Call a compiled step until a plan runs."""
    for _ in range(_ATTEMPTS):
        step(*args)
        if step.plan is not None:
            return step.plan
    raise ArgumentError("graph.profile", f"the step runs without a plan: {step.reason}")


def _run_timed(step: Compiled[..., Any], args: Sequence[Any], plan: Plan, calls: Sequence[PlanCall]) -> list[float]:
    """Run the step through these calls, which do what its plan does, and return the seconds of each."""
    times: list[float] = []

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **params: Any) -> Any:
            start = perf_counter()
            result = function(*args, **params)
            times.append(perf_counter() - start)
            return result

        return run

    lowered, arena, lifetimes = plan.lowered, plan.arena, plan.lifetimes
    plan.lower([replace(call, function=timed(call.function)) for call in calls], arena, lifetimes)
    try:
        step(*args)
    finally:
        plan.lower(lowered, arena, lifetimes)
    return times


# --- writing it out ---------------------------------------------------------------------------


def _cells_of_call(row: Mapping[str, Any], total: float) -> dict[str, str]:
    speed = row["flops per second"]
    return {
        "call": row["primitive"], "module": row["module"], "pass": row["phase"], "shape": str(row["shape"]),
        "time": _ms(row["time"]), "share": _share(row["time"], total),
        "speed": "" if speed is None else f"{speed / 1e9:.3g} GFLOP/s",
    }  # fmt: skip


def _cells_of_group(row: Mapping[str, Any], by: str, total: float, passes: bool) -> dict[str, str]:
    of_passes = {phase: _ms(row[phase]) for phase in ("forward", "backward") if passes}
    times = {"time": _ms(row["time"]), "share": _share(row["time"], total)}
    return {by: row[by] or "outside of modules", "calls": str(row["calls"]), **of_passes, **times}


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.3f} ms"


def _share(seconds: float, total: float) -> str:
    return f"{seconds / (total or 1.0):.0%}"


def _lines(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the lines of a table, with numbers right-aligned; empty columns are left out."""
    rows = [{name: printable(cell) for name, cell in row.items()} for row in rows]
    columns = [name for name in rows[0] if len({row[name] for row in rows}) > 1 or name in NUMBERS] if rows else []
    columns = [name for name in columns if any(row[name] for row in rows)]
    shown = [columns, *([row[name] for name in columns] for row in rows[:LINES])]
    more = [f"... and {len(rows) - LINES} more"] if len(rows) > LINES else []
    return aligned(shown, [i for i, name in enumerate(columns) if name in NUMBERS]) + more
