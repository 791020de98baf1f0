"""Plans: a trace's calls, written as one straight function of Python."""

import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from autograd_cnn.engine.node import Array, Traced
from autograd_cnn.engine.trace import Call, Constant, Held, Slot, Trace, slots_in, taken
from autograd_cnn.errors import raise_as

_FILE: Final = "<plan>"

_LITERALS: Final = frozenset({int, bool, str, type(None)})


class Plan:
    """Calls that stand for a function.

    Only those are kept whose results are asked for, or that have an effect; and each array only
    until its last use.

    Parameters
    ----------
    trace : Trace
    results : sequence of Slot or Constant
        What the function returned.
    rewrite : callable
        Returns other calls that do the same, given the calls and the results.

    Attributes
    ----------
    calls : tuple of Call
    source : str
        The function that makes them.
    """

    def __init__(
        self, trace: Trace, results: Sequence[Any], rewrite: Callable[[Sequence[Call], Sequence[Any]], Sequence[Call]]
    ) -> None:
        self.calls = tuple(rewrite(_needed(trace.calls, results), results))
        self.results = tuple(results)
        self.arguments = trace.arguments
        modules = {id(each): each for module in trace.modules for each in module.modules()}
        self._modules = [(module, type(module), set(vars(module)), _settings(module)) for module in modules.values()]
        self._attributes = [
            (module, name, value) for module, name, value in trace.settled() if trace.slot_of(value) is None
        ]
        self._tensors = [(t, np.shape(t.value), t.value.dtype, t.node is None) for t in trace.tensors.values()]
        self._facts = tuple(trace.facts)
        self.source, names = _written(self.arguments, self.calls, self.results)
        made = (call.name for call in self.calls)  # one on each line but those that let go, or return
        lines = enumerate(self.source.splitlines(), start=1)
        self._names = {
            i: next(made) for i, line in lines if line.startswith(" ") and not line.startswith((" del", " return"))
        }
        exec(compile(self.source, _FILE, "exec"), names)  # noqa: S102  # of names made here, and no others
        self._run: Callable[..., tuple[Any, ...]] = names["run"]

    def __call__(self, *arrays: Array) -> tuple[Any, ...]:
        """Return the arrays of the results; an error names the call that it comes from."""
        try:
            return self._run(*arrays)
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            frame = error.__traceback__ and error.__traceback__.tb_next
            if frame is not None and frame.tb_frame.f_code.co_filename == _FILE:
                raise_as(self._names[frame.tb_lineno], error)
            raise

    def holds(self, arrays: Sequence[Array]) -> bool:
        """Whether modules and tensors are as they were, and what was found out about the arguments is so of these."""
        return (
            all(
                type(module) is kind
                and vars(module).keys() == names
                and all(same(vars(module)[name], value) for name, value, same in settings)
                for module, kind, names, settings in self._modules
            )
            and all(
                t.value.shape == shape
                and t.value.dtype == dtype
                and (t.node is None if constant else t.node is not None and not t.node.hooks)
                for t, shape, dtype, constant in self._tensors
            )
            and all(getattr(module, name, None) is value for module, name, value in self._attributes)
            and all(bool(fact(arrays[place])) is found for place, fact, found in self._facts)
        )

    def __repr__(self) -> str:
        return f"<Plan: {len(self.calls)} calls>"

    def __str__(self) -> str:
        lines = [f"plan({', '.join(map(repr, self.arguments))})"]
        for call in self.calls:
            given = [*map(_shown, call.args), *(f"{name}={_shown(value)}" for name, value in call.params.items())]
            left = f"{', '.join(map(repr, call.outputs))} = " if call.outputs else ""
            lines.append(f"  {left}{call.name}({', '.join(given)})")
        lines.append(f"  return {', '.join(map(_shown, self.results))}")
        return "\n".join(lines)


def _settings(module: Any) -> list[tuple[str, Any, Callable[[Any, Any], bool]]]:
    """Return what a module is made of and set to, with how each is compared; its arrays are looked after apart."""
    held = [(name, value) for name, value in vars(module).items() if not isinstance(value, np.ndarray)]
    return [
        (name, value.copy(), _alike) if type(value) in {list, dict, set} else (name, value, operator.is_)
        for name, value in held
    ]


def _alike(now: Any, then: Any) -> bool:
    """Whether a list, dict or set holds the same objects as then, in the same order."""
    if type(now) is not type(then) or len(now) != len(then):
        return False
    if type(now) is dict:
        return all(map(operator.is_, now, then)) and all(map(operator.is_, now.values(), then.values()))
    return all(map(operator.is_, now, then))


def _shown(value: Any) -> str:
    if isinstance(value, Constant):
        return f"<constant {np.shape(value.value)}>" if np.ndim(value.value) else repr(value.value)
    if isinstance(value, Held):
        name = getattr(value.value, "name", None)
        return name or type(value.value).__name__
    return f"({', '.join(map(_shown, value))})" if type(value) is tuple else repr(value)


def _needed(calls: Sequence[Call], results: Sequence[Any]) -> list[Call]:
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
        if isinstance(value, (Constant, Held)):
            return named("c", value.value)
        if type(value) is tuple and slots_in(value):
            return f"({''.join(f'{written(each)}, ' for each in value)})"
        if type(value) is list and slots_in(value):
            return f"[{', '.join(map(written, value))}]"
        if type(value) is dict and slots_in(value):
            entries = [f"{named('k', key)}: {written(each)}" for key, each in value.items()]
            return f"{{{', '.join(entries)}}}"
        return repr(value) if type(value) in _LITERALS else named("c", _unwrapped(value))

    lines = [f"def run({', '.join(map(repr, arguments))}):"]
    for i, call in enumerate(calls):
        given = [*map(written, call.args), *(f"{name}={written(value)}" for name, value in call.params.items())]
        left = f"{', '.join(map(repr, call.outputs))} = " if call.outputs else ""
        lines.append(f" {left}{named('f', call.function)}({', '.join(given)})")
        if i in ends:
            lines.append(f" del {', '.join(map(repr, ends[i]))}")
    lines.append(f" return ({''.join(f'{written(result)}, ' for result in results)})")
    return "\n".join(lines), names


def _unwrapped(value: Any) -> Any:
    """Return a parameter without slots as it was."""
    if isinstance(value, (Constant, Held)):
        return value.value
    if type(value) in {tuple, list}:
        return type(value)(map(_unwrapped, value))
    if type(value) is dict:
        return {key: _unwrapped(each) for key, each in value.items()}
    return value


# --- whether two runs did the same ------------------------------------------------------------


def difference(first: Plan, second: Plan) -> str:
    """Return in what two plans differ; empty if they do the same.

    Slots are numbered as they come, so that those of the same calls in the same order agree.
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
    if isinstance(a, Held):  # a tensor that is made in each run is a constant if it holds the same
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
    return repr(value) if isinstance(value, (float, slice)) else value  # NaN is like NaN
