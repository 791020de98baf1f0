"""Steps without Python: a function's calls, recorded once and replayed in every later call."""

import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, MutableSequence, Sequence
from collections.abc import Set as AbstractSet
from functools import update_wrapper
from types import MethodType
from typing import Any, Final, Generic, ParamSpec, TypeVar

import numpy as np

from autograd_cnn.engine.backward import following, toposort
from autograd_cnn.engine.node import Array, Traced
from autograd_cnn.engine.recording import Recording, entering, recording
from autograd_cnn.engine.trace import RUNNING, Trace, argument
from autograd_cnn.errors import CompileWarning, OperandError, sentence
from autograd_cnn.kernels import current_backend
from autograd_cnn.kernels.algorithms import conv_choices
from autograd_cnn.kernels.memory import release_memory
from autograd_cnn.ops.fusion import fuse_calls, fuse_pairs
from autograd_cnn.plans.lowering import lowered
from autograd_cnn.plans.plan import Plan, difference
from autograd_cnn.plans.surroundings import Surroundings
from autograd_cnn.tensor import Tensor

P = ParamSpec("P")
T = TypeVar("T")

MOST_PLANS: Final = 8
"""The maximum number of plans of one function: for different shapes, and for training and evaluation."""


def compile(function: Callable[P, T]) -> "Compiled[P, T]":  # noqa: A001  # PyTorch's name
    """Return the function with its calls recorded, and replayed without it from the third call on.

    The first two calls with arrays of given shapes run normally, and everything they compute is recorded: forward,
    backward pass and update. If both did the same, later calls run only the recorded calls, with the same bits and
    without Python's overhead: no layers, no tape, and of the optimiser only its ``step``.

    The inputs of a plan are the arguments: arrays, tensors, or lists, tuples and dicts of these. Parameters, an
    optimiser's options, running statistics and generators are looked up in every call. Anything else that the function
    reads by name, such as a global number or an attribute, is compared with its recorded value; if it has changed, the
    function is recorded again. Python numbers and strings among the arguments select the plan, as do shapes, dtypes
    and ``training``. The results are tensors without a graph.

    If later calls could silently differ from the recorded ones, the function itself is called, and a `CompileWarning`
    says why: it reads a value in the middle, such as ``float(loss)``; hooks run; the two calls differ; a result can
    still be differentiated.

    Parameters
    ----------
    function : callable
        Such as a training step: forward, ``backward()``, ``optimizer.step()``. A method that is decorated in its class
        has separate plans for each instance.

    Returns
    -------
    Compiled
        Called like the function. Its ``plan`` shows what runs.

    Raises
    ------
    OperandError
        If it is not a function.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import nn, optim
    >>> model = nn.Linear(3, 2, rng=0)
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> @ag.compile
    ... def step(x, labels):
    ...     optimizer.zero_grad()
    ...     loss = nn.cross_entropy(model(x), labels)
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss
    >>> x, labels = np.eye(3, dtype=np.float32), np.array([0, 1, 0])
    >>> losses = [step(x, labels).item() for _ in range(4)]
    >>> step.plan is not None and losses[3] < losses[0]
    True
    """
    if not callable(function):
        raise OperandError("compile", "not a function", expected="a function", got=repr(function))
    return function if isinstance(function, Compiled) else Compiled(function)


class Compiled(Generic[P, T]):
    """What `compile` returns.

    Attributes
    ----------
    plan : Plan or None
        What the last call ran; None if it ran the function.
    reason : str
        Why the last call ran the function; empty if it did not.
    """

    def __init__(self, function: Callable[P, T]) -> None:
        update_wrapper(self, function)
        self._function = function
        self._first: dict[Any, _Recorded] = {}
        self._plans: dict[Any, list[_Recorded]] = {}
        self._runs: Counter[Any] = Counter()
        self._refused: dict[Any, str] = {}
        self._told: set[str] = set()
        self.plan: Plan | None = None
        self.reason = ""

    def __repr__(self) -> str:
        return f"<compiled {self._function!r}>"

    def __reduce__(self) -> Any:
        """Pickle and copy as the function does, by name or by value; plans are recorded again where they run."""
        name = getattr(self._function, "__qualname__", "")
        found = self.__module__ != "__main__" and getattr(sys.modules.get(self.__module__), name, None) is self
        return name if found else (compile, (self._function,))

    def __get__(self, instance: Any, owner: type | None = None) -> "Compiled[..., T]":
        """Return the method of an instance, which keeps it."""
        if instance is None:
            return self
        if not hasattr(instance, "__dict__"):
            problem = f"a {type(instance).__name__} has slots, and can't keep a compiled method"
            raise OperandError("compile", problem, hint="compile the method of an instance")
        key = f"compiled {getattr(self._function, '__qualname__', '')}"
        bound: Compiled[..., T] | None = vars(instance).get(key)
        if bound is None or bound.__self__ is not instance:  # after copying
            bound = vars(instance)[key] = Compiled(MethodType(self._function, instance))
        return bound

    @property
    def __self__(self) -> Any:
        """The instance whose method this is."""
        return getattr(self._function, "__self__", None)

    def __call__(self, *args: P.args, **options: P.kwargs) -> T:
        """Run the plan for such arguments, or the function."""
        arrays: list[Any] = []
        key = (recording.get().enabled, current_backend(), _structure((args, options), arrays))
        self.plan = None
        self.reason = _reason(arrays)
        if self.reason:
            return self._function(*args, **options)
        values = [x.value if isinstance(x, Tensor) else x for x in arrays]
        for recorded in self._plans.get(key, ()):
            if recorded.holds(values):
                self.plan = recorded.plan
                return recorded(values)
        self.reason = self._refused.get(key, "")
        if not self.reason and len(self._first) == MOST_PLANS and key not in self._first:
            self._refuse(key, f"it was called in {MOST_PLANS} ways once each; pass what differs every time as an array")
        if self.reason:
            return self._function(*args, **options)
        self.reason = "the function is being recorded"
        before = self._first.pop(key, None)
        if before is not None and not before.holds(values):
            before = None
        return self._record(key, before, arrays, args, options)

    def _record(self, key: Any, before: "_Recorded | None", arrays: list[Any], args: Any, options: Any) -> Any:
        tensors = [Tensor.wrap(argument(x)) for x in arrays]
        trace = Trace([t.value for t in tensors], folding=True, keeping=False)
        others = list(_unread(_structure((args, options), [])))
        for held in filter(_holds_arrays, others):
            trace.refuse(
                f"a {type(held).__name__} among the arguments may change; pass arrays, lists, tuples and dicts"
            )
        args, options = _rebuilt((args, options), iter(tensors))
        token = entering.set(trace.enter)
        try:
            with trace.running():
                result = self._function(*args, **options)
        finally:
            entering.reset(token)
        for given, tensor, slot in zip(arrays, tensors, trace.arguments, strict=True):
            if trace.slot_of(tensor.value) is not slot:  # `x += 1`, or `x[0] = 1`
                trace.refuse("an argument is changed in place")
                _change(given, tensor.value)
        new = _Recorded(trace, result, Surroundings([self._function, *trace.modules], others))
        self._runs[key] += 1
        reason = trace.refusal
        if not reason and before is not None:
            reason = difference(before.plan, new.plan)
        if not reason and self._runs[key] > 2 * MOST_PLANS:
            reason = (
                f"it was recorded {2 * MOST_PLANS} times, since what it reads keeps changing; pass that as an array"
            )
        if reason:
            self._refuse(key, reason)
        elif before is None:
            self._first[key] = new
        else:
            calls = fuse_pairs(new.plan.calls, new.plan.results)
            new.plan.lower(*lowered(calls, trace, new.plan.results))
            self._plans.setdefault(key, []).append(new)
            release_memory()  # of the steps so far, because the plan has its own memory
        return result

    def _refuse(self, key: Any, reason: str) -> None:
        if len(self._refused) < MOST_PLANS:
            self._refused[key] = reason
        self.reason = reason
        name = getattr(self._function, "__name__", "function")
        if reason not in self._told:
            self._told.add(reason)
            text = sentence("compile", f"{name} runs as it is: {reason}")
            warnings.warn(text, CompileWarning, stacklevel=4)


class _Recorded:
    """One recorded run: its plan, the structure of its result, and what must be unchanged."""

    def __init__(self, trace: Trace, result: Any, surroundings: Surroundings) -> None:
        leaves: list[Any] = []
        self._result = _structure(result, leaves)
        covered = {node for root in trace.differentiated for node in toposort(root)}
        for leaf in leaves:
            if isinstance(leaf, Tensor) and leaf.node is not None and leaf.node not in covered:
                trace.refuse("a result can still be differentiated; call backward() inside, or run under no_grad()")
        trace.check_sharing(leaves)
        self.plan = Plan(trace, [trace.reference(leaf) for leaf in leaves], fuse_calls)
        self._surroundings = surroundings
        self._choices = conv_choices()

    def holds(self, values: list[Any]) -> bool:
        """Whether the function would do the same again."""
        return conv_choices() == self._choices and self._surroundings.hold() and self.plan.holds(values)

    def __call__(self, values: list[Any]) -> Any:
        results = self.plan(*values)
        return _filled(self._result, iter([Tensor.wrap(_frozen(y, values)) for y in results]))


def _reason(arrays: Sequence[Any]) -> str:
    """Return why a call can be neither recorded nor replayed; empty if it can."""
    if RUNNING or following or any(isinstance(x, Tensor) and x.requires_grad for x in arrays):
        return "the call is itself recorded or differentiated"
    if recording.get()._replace(enabled=True) != Recording():
        return "detect_anomaly(), tracing() or a scope is on"
    return ""


def _change(given: Any, value: Array) -> None:
    """Copy changes made to a stand-in back to its argument."""
    if isinstance(given, Tensor):
        given.take_values(value)
    elif isinstance(given, np.ndarray):
        given[...] = value


def _frozen(y: Array, arguments: Sequence[Any]) -> Array:
    if not isinstance(y, np.ndarray):
        return y
    others = [x for x in arguments if isinstance(x, np.ndarray) and (x.flags.writeable or x.base is not None)]
    if any(np.may_share_memory(x, y) for x in others):
        y = y.copy()
    y.flags.writeable = False
    return y


# --- arguments and results --------------------------------------------------------------------


class _Array(tuple[Any, ...]):
    """The shape and dtype of an array among arguments or results."""

    __slots__ = ()


class _Same:
    """An argument that is neither array nor number, and must be the same object."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.value is self.value


def _structure(tree: Any, arrays: list[Any]) -> Any:
    """Return a hashable description of nested arrays; put the arrays into the list."""
    kind = type(tree)
    if kind is np.ndarray or isinstance(tree, (np.generic, Tensor)):
        arrays.append(tree)
        return _Array((tree.shape, tree.dtype))
    if kind in {int, float, bool, str, bytes, type(None), complex}:
        return kind, tree
    if kind in {list, tuple} or hasattr(kind, "_fields"):
        return kind, tuple([_structure(each, arrays) for each in tree])
    if isinstance(tree, Mapping) and kind is dict:
        return kind, tuple([(key, _structure(value, arrays)) for key, value in tree.items()])
    if hasattr(kind, "__array__") and not isinstance(tree, np.ndarray):  # from another library
        return _structure(np.asarray(tree), arrays)
    return _Same(tree)


def _unread(structure: Any) -> Iterator[Any]:
    """Yield the objects in a structure that are neither arrays nor numbers, nor lists, tuples and dicts of these."""
    if isinstance(structure, _Same):
        yield structure.value
    elif type(structure) is tuple:
        for each in structure:
            yield from _unread(each)


def _holds_arrays(value: Any) -> bool:
    """Whether an argument may hold different arrays or numbers without a plan noticing."""
    if isinstance(value, (np.ndarray, Mapping, AbstractSet, MutableSequence)):
        return True
    held = () if callable(value) else getattr(value, "__dict__", {}).values()  # a plan looks into modules
    return any(isinstance(each, (np.ndarray, Traced)) for each in held)


def _filled(structure: Any, arrays: Iterator[Any]) -> Any:
    """Return what a structure describes, with arrays in their places."""
    if isinstance(structure, _Array):
        return next(arrays)
    if isinstance(structure, _Same):
        return structure.value
    kind, content = structure
    if hasattr(kind, "_fields"):
        return kind(*(_filled(each, arrays) for each in content))
    if kind in {list, tuple}:
        return kind(_filled(each, arrays) for each in content)
    if kind is dict:
        return {key: _filled(value, arrays) for key, value in content}
    return content


def _rebuilt(tree: Any, arrays: Iterator[Any]) -> Any:
    return _filled(_structure(tree, []), arrays)
