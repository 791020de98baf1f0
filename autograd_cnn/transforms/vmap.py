"""Vectorising a function of one example over many."""

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any, Final, NamedTuple, NoReturn

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.node import Traced, shape_of, values_of
from autograd_cnn.engine.primitive import REGISTRY, Primitive
from autograd_cnn.engine.recording import no_grad
from autograd_cnn.engine.trace import RUNNING, Call, Slot, Trace, argument, resolved, taken, value_of
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError, require
from autograd_cnn.parameters import integer
from autograd_cnn.plans.plan import difference, needed
from autograd_cnn.tensor import Tensor
from autograd_cnn.transforms.batching import Batch, batched, of_example
from autograd_cnn.tree import leaves, rebuilt

_ASTYPE: Final[Primitive] = REGISTRY["autograd_cnn.ops.elementwise.astype"]


@parsed
def vmap(
    f: Callable[..., Any], in_axes: int | Sequence[int | None] | None = 0, out_axes: int = 0
) -> Callable[..., Any]:
    """Return a function that does for many examples at once what ``f`` does for one.

    ``f`` runs on two of the examples, and the primitives that it calls are recorded, including those of gradients. Then
    each of them is called once for all examples, using the batching rule of its family. Primitives without a rule, such
    as your own, are called once per example.

    Parameters
    ----------
    f : callable
        It takes and returns arrays, or lists, tuples, dicts and dataclasses of these. It may compute gradients inside.
    in_axes : int, None, or sequence of these
        The axis of the examples, for all arguments or for each; None for an argument that all examples share.
    out_axes : int
        The position of this axis in the results.

    Returns
    -------
    callable
        It takes arguments with an extra axis. Its results have one, too, and can be differentiated. Keyword arguments
        are passed to ``f`` unchanged.

    Raises
    ------
    OperandError
        If ``f`` can't be mapped: it reads a value, as in ``if x > 0`` or ``float(x)``, draws random numbers, has side
        effects, or turns its arguments into plain arrays.
    ShapeError
        If the arguments have different numbers of examples, or the results different shapes.

    Examples
    --------
    Each example's own gradient:

    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> loss = lambda w, x: ag.sum((x @ w) ** 2)
    >>> x = np.array([[1.0, 0.0], [0.0, 2.0]])
    >>> ag.vmap(ag.grad(loss), in_axes=(None, 0))(np.array([3.0, 1.0]), x)
    array([[6., 0.],
           [0., 8.]])
    """
    require(callable(f), "vmap", "f is not a function", "a function of arrays", f)
    axes = in_axes if isinstance(in_axes, (list, tuple)) else None
    checked = [_axis("in_axes", each) for each in (in_axes if axes is not None else [in_axes])]  # type: ignore[union-attr]
    out = integer("vmap", "out_axes", out_axes)

    @wraps(f)
    def mapped(*args: Any, **options: Any) -> Any:
        if axes is not None and len(axes) != len(args):
            problem = "in_axes does not fit the arguments"
            raise ArgumentError("vmap", problem, expected=f"{len(args)} axes", got=len(axes))
        each = checked if axes is not None else checked * len(args)
        return _mapped(f, args, each, out, options)

    return mapped


def _axis(name: str, value: Any) -> int | None:
    return None if value is None else integer("vmap", name, value)


def _mapped(
    f: Callable[..., Any], args: tuple[Any, ...], axes: Sequence[int | None], out: int, options: dict[str, Any]
) -> Any:
    given = [_given(leaf, axis) for arg, axis in zip(args, axes, strict=True) for leaf in leaves(arg)]
    counts = sorted({x.array.shape[0] for x in given if isinstance(x, Batch)})
    if len(counts) != 1:
        got = " and ".join(map(str, counts)) or "none, as no argument is mapped"
        raise ShapeError("vmap", "the arguments do not go together", expected="one number of examples", got=got)
    size = counts[0]
    first, other = (_recorded(f, args, options, given, i) for i in (0, _other(given, size)))
    if reason := difference(first, other):
        problem = f"the function can't be mapped, as it does not do the same for all examples: {reason}"
        raise OperandError("vmap", problem)
    tensors = bool(RUNNING) or any(isinstance(x, Traced) for x in (*leaves(args), *leaves(options)))
    results = _batched(first, given, size) if size else map(_none_of, leaves(first.tree))
    return rebuilt(first.tree, (_laid(y, out, tensors) for y in results))


def _given(leaf: Any, axis: int | None) -> Any:
    """Return an argument: a batch, an array or a setting."""
    if axis is None:
        return leaf
    if not isinstance(leaf, (np.ndarray, Tensor)) or not leaf.ndim:
        problem = "an argument has no axis of examples"
        hint = "pass an array, or say None for it in in_axes"
        raise ShapeError("vmap", problem, expected="an array", got=type(leaf).__name__, hint=hint)
    return Batch(ops.moveaxis(leaf, axis, 0))


def _none_of(example: Any) -> Any:
    """Return the results for no examples."""
    y = np.asarray(_plain(example))
    return np.zeros((0, *y.shape), y.dtype)


def _laid(y: Any, axis: int, tensors: bool) -> Any:
    """Return a result as the caller sees it."""
    y = ops.moveaxis(y, 0, axis) if axis else y
    if isinstance(y, Tensor):
        return y if tensors or y.requires_grad else y.numpy()
    return Tensor(y) if tensors else y


# --- one example ------------------------------------------------------------------------------


class _Example(Trace):
    """The calls for one example. Anything that a later run would need Python for raises an error."""

    def refuse(self, reason: str) -> NoReturn:
        """Raise the error that says why the function can't be mapped."""
        super().refuse(reason)
        raise OperandError("vmap", f"the function can't be mapped: {self.refusal}")

    def add_call(self, function: Callable[..., Any], *_: Any, **__: Any) -> NoReturn:
        """Raise an error: random draws and side effects would be those of one example only."""
        name = getattr(function, "__qualname__", type(function).__name__).strip("_")
        self.refuse(
            f"{name} draws numbers or changes something; compute gradients by ag.grad, and put models in eval mode"
        )

    def add_check(self, function: Callable[..., Any], args: Sequence[Any]) -> None:
        """Add a check that all examples must pass."""
        super().add_call(function, args, changes=())

    def assume(self, _fact: Callable[..., Any], value: Any, found: bool, otherwise: bool) -> bool:
        """Return the answer that is right for every example."""
        return otherwise if isinstance(self.reference(value), Slot) else found


class _Recorded(NamedTuple):
    """The calls of a run, and what it returned: ``results`` are the leaves of ``tree``."""

    trace: Trace
    calls: Sequence[Call]
    results: Sequence[Any]
    tree: Any


def _recorded(f: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any], given: Any, i: int) -> _Recorded:
    """Run the function on the i-th example."""
    examples = [Tensor.wrap(argument(_example(x, i))) for x in given if _is_array(x)]
    trace, stand_ins = _Example([x.value for x in examples], folding=True), iter(examples)
    leaf = (next(stand_ins) if _is_array(x) else x for x in given)
    with no_grad(), np.errstate(all="ignore"), trace.running():
        tree = f(*(rebuilt(arg, leaf) for arg in args), **options)
        results = [trace.reference(each) for each in leaves(tree)]
    return _Recorded(trace, needed(trace.calls, results), results, tree)


def _is_array(value: Any) -> bool:
    return isinstance(value, (Batch, np.ndarray, np.generic, Tensor))


def _example(x: Any, i: int) -> Any:
    """Return an argument for one example; zeros if there are no examples."""
    if not isinstance(x, Batch):
        return x
    values = values_of(x.array)
    return values[i] if len(values) else np.zeros(values.shape[1:], values.dtype)


def _other(given: Sequence[Any], size: int) -> int:
    """Return the example that differs from the first in most arguments."""
    differing = np.zeros(max(size, 1), int)
    for values in (values_of(x.array) for x in given if isinstance(x, Batch)):
        differing[:size] += (values != values[:1]).any(axis=tuple(range(1, values.ndim)))
    return int(differing.argmax())


# --- all examples -----------------------------------------------------------------------------


def _batched(record: _Recorded, given: Sequence[Any], size: int) -> Iterator[Any]:
    """Yield the results for all examples."""
    known: dict[Slot, Any] = dict(zip(record.trace.arguments, filter(_is_array, given), strict=True))
    primitives = {p.forward: p for p in REGISTRY.values()}
    wanted = {slot for call in record.calls for slot in taken(call)}
    for call in record.calls:
        args = resolved(list(call.args), known)
        if call.function is value_of:
            known[call.outputs[0]] = args[0]
        elif call.lasting:
            for i in range(size):
                call.function(*map(_plain, of_example(args, i)))
        else:
            params = resolved(call.params, known)
            primitive: Any = primitives.get(call.function, call.function)
            if call.name == "copy":
                primitive, args, params = _ASTYPE, args[:1], {"dtype": args[1]}
            shape = shape_of(record.trace.values[call.outputs[0]])
            residuals = not wanted.isdisjoint(call.outputs[1:])
            results = batched(primitive, size, shape, args, params, residuals=residuals)
            known.update(zip(call.outputs, results, strict=True))
    for result in record.results:
        y = resolved(result, known)
        yield y.array if isinstance(y, Batch) else ops.broadcast_to(y, shape=(size, *shape_of(y)))


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Traced) else value
