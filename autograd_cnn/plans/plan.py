"""Plans: a trace's calls as one straight-line Python function."""

import operator
from collections.abc import Callable, Sequence
from itertools import chain
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import Any, Final, Protocol

import numpy as np

from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.node import Array, Traced
from autograd_cnn.engine.trace import Call, Constant, Held, Slot, Trace, resolved, slots_in, taken
from autograd_cnn.errors import raise_as
from autograd_cnn.plans.memory import Lifetime
from autograd_cnn.plans.surroundings import alike

_FILE: Final = "<plan>"

_LITERALS: Final = frozenset({int, bool, str, type(None)})


class Plan:
    """A list of calls that replaces a function.

    Only calls with an effect or with results that are used are kept, and each array only
    until its last use.

    Parameters
    ----------
    trace : Trace
    results : sequence of Slot or Constant
        What the function returned.
    rewrite : callable
        Maps the calls and the results to other calls that do the same.

    Attributes
    ----------
    calls : tuple of Call
        The recorded calls.
    lowered : tuple of Call
        The calls that run instead.
    arena : int
        The size of the plan's arena in bytes.
    lifetimes : tuple of Lifetime
        What the loops store there, and when.
    kinds : dict of Slot to AbstractArray
        The shapes and dtypes of all values.
    """

    def __init__(
        self, trace: Trace, results: Sequence[Any], rewrite: Callable[[Sequence[Call], Sequence[Any]], Sequence[Call]]
    ) -> None:
        self.calls = tuple(rewrite(needed(trace.calls, results), results))
        self.results = tuple(results)
        self.arguments = trace.arguments
        self.kinds = {slot: AbstractArray.of(value) for slot, value in trace.values.items()}
        modules = {id(each): each for module in trace.modules for each in module.modules()}
        self._modules = _Modules(list(modules.values()))
        self._names = _named(trace.modules)
        self._attributes = [
            (module, name, value) for module, name, value in trace.settled() if trace.slot_of(value) is None
        ]
        self._read = [
            (call.args[0].value, call.args[1], np.shape(value), value.dtype)
            for call in trace.calls
            if call.function is getattr and (value := trace.values[call.outputs[0]]) is not None
        ]
        self._tensors = [(t, np.shape(t.value), t.value.dtype, _hooks_of(t)) for t in trace.tensors.values()]
        self._hooked = [(each, each.hooks()) for each in modules.values() if each.has_hooks()]
        self._facts = tuple(trace.facts)
        self.lowered, self.arena = self.calls, 0
        self.lifetimes: tuple[Lifetime, ...] = ()
        self._plain = self._run = _Written(self.arguments, self.calls, self.results)
        self._idle = Lock()

    def lower(self, calls: Sequence[Call], arena: int, lifetimes: tuple[Lifetime, ...]) -> None:
        """From now on run ``calls`` instead of the recorded ones; they do the same in the plan's arena."""
        self.lowered, self.arena, self.lifetimes = tuple(calls), arena, lifetimes
        self._run = _Written(self.arguments, self.lowered, self.results)

    @property
    def source(self) -> str:
        """The function that makes the calls."""
        return self._run.source

    def __call__(self, *arrays: Array) -> tuple[Any, ...]:
        """Return the arrays of the results; an error names the call in which it occurred."""
        if not self._idle.acquire(blocking=False):
            return self._plain(*arrays)  # another thread is using the memory
        try:
            return self._run(*arrays)
        finally:
            self._idle.release()

    def holds(self, arrays: Sequence[Array]) -> bool:
        """Whether modules and tensors are unchanged, and the assumed facts hold for these arguments."""
        for t, shape, dtype, hooks in self._tensors:
            value, node = t.value, t.node
            if value.shape != shape or value.dtype != dtype:
                return False
            if node is not None if hooks is None else node is None or ((hooks or node.hooks) and hooks != node.hooks):
                return False
        if any(module.hooks() != hooks for module, hooks in self._hooked):
            return False
        for module, name, array in self._attributes:
            if getattr(module, name, None) is not array:
                return False
        for module, name, shape, dtype in self._read:
            array = getattr(module, name, None)
            if type(array) is not np.ndarray or array.shape != shape or array.dtype != dtype:
                return False
        return self._modules.hold() and all(bool(fact(arrays[i])) is found for i, fact, found in self._facts)

    def __repr__(self) -> str:
        return f"<Plan: {len(self.calls)} calls>"

    def __str__(self) -> str:
        lines = [f"plan({', '.join(map(repr, self.arguments))})"]
        for call in self.lowered:
            if call.inner:
                lines += [f"  {call.name}:", *(f"    {self._line(each)}" for each in call.inner)]
            else:
                lines.append(f"  {self._line(call)}")
        lines.append(f"  return {', '.join(map(self.shown, self.results))}")
        if self.arena:
            lines.append(f"the loops share {self.arena:,} bytes of memory")
        return "\n".join(lines)

    def render(self, path: "str | PathLike[str]", **options: Any) -> Path:
        """Draw the plan into a file: `autograd_cnn.graph.Graph.render`, called on what `of_plan` returns.

        Returns
        -------
        Path

        Raises
        ------
        ArgumentError, MissingDependencyError
            As `autograd_cnn.graph.Graph.render` does.
        """
        from autograd_cnn.graph.plan import of_plan  # noqa: PLC0415  # pictures are loaded when one is asked for

        return of_plan(self).render(path, **options)

    def render_memory(self, path: "str | PathLike[str]") -> Path:
        """Draw what the compiled loops store in the plan's arena, and when, into an SVG file.

        Each box is an array: it spans the loops that need it, and is as high as the array is large, at its offset.

        Returns
        -------
        Path

        Raises
        ------
        ArgumentError
            If the name does not end in ``.svg``.
        OSError
            If the file can't be written.
        """
        from autograd_cnn.viz.memory import render  # noqa: PLC0415  # pictures are loaded when one is asked for

        return render(self.lifetimes, path)

    def _line(self, call: Call) -> str:
        given = [*map(self.shown, call.args), *(f"{name}={self.shown(value)}" for name, value in call.params.items())]
        left = f"{', '.join(map(repr, call.outputs))} = " if call.outputs else ""
        return f"{left}{self.title(call)}({', '.join(given)})"

    def title(self, call: Call) -> str:
        """Return the name of a call, either as a method of a module or parameter, or as the function's name."""
        owner = self._names.get(id(getattr(call.function, "__self__", None)))
        return f"{owner}.{call.name.rpartition('.')[2]}" if owner else call.name

    def shown(self, value: Any) -> str:
        """Return an operand or parameter as text; tensors of modules by name."""
        if isinstance(value, Constant):
            return f"<constant {np.shape(value.value)}>" if np.ndim(value.value) else repr(value.value)
        if isinstance(value, Held):
            held = value.value
            return self._names.get(id(held)) or getattr(held, "name", None) or type(held).__name__
        return f"({', '.join(map(self.shown, value))})" if type(value) is tuple else repr(value)


def _hooks_of(tensor: Traced) -> list[Any] | None:
    """Return the hooks on a tensor's gradient; None for one that has no gradient."""
    return None if tensor.node is None else list(tensor.node.hooks or ())


class _Modules:
    """The parts and settings of modules; their arrays are checked separately."""

    def __init__(self, modules: Sequence[Any]) -> None:
        self._modules, self._kinds = list(modules), [type(module) for module in modules]
        self._plain: list[dict[str, Any]] = []
        self._others: list[tuple[dict[str, Any], set[str], Any]] = []
        expected: list[Any] = []
        for attributes in [module.__dict__ for module in modules]:
            if any(isinstance(value, np.ndarray) for value in attributes.values()):
                self._others.append((attributes, set(attributes), _settings(attributes)))
            else:
                self._plain.append(attributes)
                expected += [*attributes, *attributes.values()]
        self._expected = [*expected, None]
        values = [value for attributes in self._plain for value in attributes.values()]
        self._containers = [(value, value.copy()) for value in values if type(value) in {list, dict, set}]

    def hold(self) -> bool:
        """Whether nothing has been replaced."""
        found = chain(chain.from_iterable(chain(a, a.values()) for a in self._plain), (None,))
        return (
            all(map(operator.is_, found, self._expected))  # a final None marks the end
            and all(map(operator.is_, map(type, self._modules), self._kinds))
            and all(alike(now, then) for now, then in self._containers)
            and all(
                attributes.keys() == names and all(same(attributes[name], value) for name, value, same in settings)
                for attributes, names, settings in self._others
            )
        )


class _Written:
    """Calls as generated Python source, one line each."""

    def __init__(self, arguments: Sequence[Slot], calls: Sequence[Call], results: Sequence[Any]) -> None:
        self.source, names = _written(arguments, calls, results)
        made = (call.name for call in calls)  # one on each line, except lines that delete or return
        lines = enumerate(self.source.splitlines(), start=1)
        self._names = {
            i: next(made) for i, line in lines if line.startswith(" ") and not line.startswith((" del", " return"))
        }
        exec(compile(self.source, _FILE, "exec"), names)  # noqa: S102  # only of names made here
        self._run: Callable[..., tuple[Any, ...]] = names["run"]

    def __call__(self, *arrays: Array) -> tuple[Any, ...]:
        """Return the results; an error names the call in which it occurred."""
        try:
            return self._run(*arrays)
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            frame = error.__traceback__ and error.__traceback__.tb_next
            if frame is not None and frame.tb_frame.f_code.co_filename == _FILE:
                raise_as(self._names[frame.tb_lineno], error)
            raise


def _settings(attributes: dict[str, Any]) -> list[tuple[str, Any, Callable[[Any, Any], bool]]]:
    """Return the attributes that are not arrays, each with its comparison."""
    held = [(name, value) for name, value in attributes.items() if not isinstance(value, np.ndarray)]
    return [
        (name, value.copy(), alike) if type(value) in {list, dict, set} else (name, value, operator.is_)
        for name, value in held
    ]


def _named(modules: Sequence[Any]) -> dict[int, str]:
    """Return the names of parameters and modules, from the outermost module, by their identity."""
    names: dict[int, str] = {}
    for outer in modules:
        for name, part in (*outer.named_modules(), *outer.named_parameters()):
            names.setdefault(id(part), name)
    return names


def needed(calls: Sequence[Call], results: Sequence[Any]) -> list[Call]:
    """Return the calls that the results, or effects, depend on, in order."""
    wanted = {slot for result in results for slot in slots_in(result)}
    kept = []
    for call in reversed(calls):
        if call.lasting or not wanted.isdisjoint(call.outputs):
            kept.append(call)
            wanted.update(taken(call))
    return kept[::-1]


def _written(arguments: Sequence[Slot], calls: Sequence[Call], results: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """Return the source of a function that makes the calls, and the objects that it names."""
    names: dict[str, Any] = {}
    last = {slot: i for i, call in enumerate(calls) for slot in [*taken(call), *call.outputs]}
    kept = {slot for result in results for slot in slots_in(result)}
    ends: dict[int, list[Slot]] = {}
    for slot, i in last.items():
        if slot not in kept:
            ends.setdefault(i, []).append(slot)

    def named(prefix: str, value: Any) -> str:
        name = f"{prefix}{len(names)}"
        names[name] = value
        return name

    def written(value: Any) -> str:
        if isinstance(value, Slot):
            return repr(value)
        if type(value) is tuple and slots_in(value):
            return f"({''.join(f'{written(each)}, ' for each in value)})"
        if type(value) is list and slots_in(value):
            return f"[{', '.join(map(written, value))}]"
        if type(value) is dict and slots_in(value):
            entries = [f"{named('k', key)}: {written(each)}" for key, each in value.items()]
            return f"{{{', '.join(entries)}}}"
        return repr(value) if type(value) in _LITERALS else named("c", resolved(value, {}))

    lines = [f"def run({', '.join(map(repr, arguments))}):"]
    for i, call in enumerate(calls):
        given = [*map(written, call.args), *(f"{name}={written(value)}" for name, value in call.params.items())]
        left = f"{', '.join(map(repr, call.outputs))} = " if call.outputs else ""
        lines.append(f" {left}{named('f', call.function)}({', '.join(given)})")
        if i in ends:
            lines.append(f" del {', '.join(map(repr, ends[i]))}")
    lines.append(f" return ({''.join(f'{written(result)}, ' for result in results)})")
    return "\n".join(lines), names


# --- whether two runs did the same ------------------------------------------------------------


class Recorded(Protocol):
    """The calls and the results of a run."""

    @property
    def calls(self) -> Sequence[Call]:
        """The calls, in order."""

    @property
    def results(self) -> Sequence[Any]:
        """The references to the results."""


def difference(first: Recorded, second: Recorded) -> str:
    """Return how two runs differ; empty if they do the same.

    Slots are numbered in order, so the same calls in the same order have the same slots.
    """
    if len(first.calls) != len(second.calls):
        return f"it made {len(first.calls)} calls in one run and {len(second.calls)} in the next"
    for mine, theirs in zip(first.calls, second.calls, strict=True):
        if mine.function != theirs.function or mine.outputs != theirs.outputs:
            return f"it called {mine.name} in one run and {theirs.name} in the next ({theirs.origin})"
        if not _same((mine.args, mine.params), (theirs.args, theirs.params)):
            return f"{theirs.name} took something else in the next run ({theirs.origin})"
    return "" if _same(first.results, second.results) else "its results differ in kind from run to run"


def _same(a: Any, b: Any) -> bool:
    """Whether two operands or parameters are alike, arrays to the last bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, Held):  # a tensor that is made in each run counts as a constant if its values are the same
        a, b = a.value, b.value
        if isinstance(a, tuple) and isinstance(b, tuple):
            return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))
        tensors = isinstance(a, Traced) and isinstance(b, Traced)
        return a is b or (tensors and _same(a.value, b.value))
    if type(a) in {tuple, list}:
        return len(a) == len(b) and all(map(_same, a, b))
    if type(a) is dict:
        return a.keys() == b.keys() and all(_same(a[name], b[name]) for name in a)
    return bool(_bits(a) == _bits(b))


def _bits(value: Any) -> Any:
    if isinstance(value, Constant):
        value = value.value
    if isinstance(value, (np.ndarray, np.generic)):
        return value.shape, value.dtype, value.tobytes()
    return repr(value) if isinstance(value, (float, slice)) else value  # NaN equals NaN
