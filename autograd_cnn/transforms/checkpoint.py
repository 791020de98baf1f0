"""Trading time for memory: recompute a part of the graph instead of keeping its saved values."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import numpy as np

from autograd_cnn.engine.backward import backward_pass, freed, toposort
from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.node import Array, Node, Traced, next_serial, tensor_of
from autograd_cnn.engine.recording import enable_grad, entering, recording
from autograd_cnn.errors import GradientError, require, sentence
from autograd_cnn.tensor import Tensor


class Segment:
    """A part of the graph, recorded as one node that knows how to run it again."""

    name = "checkpoint"

    def pullback(
        self, node: Node, g: Array, wanted: Collection[Node] | None, tensor_type: type[Traced] | None
    ) -> Iterator[tuple[Node, Array]]:
        """Run the segment again, recorded, and walk back through it to the node's parents."""
        if node.saved is None:
            raise freed(node, self.name)
        start = next_serial()
        with enable_grad():
            again: Tensor = node.saved["run"]()
        parents = {parent for parent in node.parents if parent is not None}
        targets = parents if wanted is None else parents & set(wanted)
        root = again.node
        if root is None:
            raise _different()
        recorded = tensor_type is not None  # if so, later passes come here, too
        yield from backward_pass(
            root, g, Tensor, targets=targets, since=start, on_tensors=recorded, retain_graph=recorded
        ).items()


@parsed
def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``f`` such that only its arguments and result are kept, and the rest is recomputed when needed.

    The backward pass runs ``f`` once more. Splitting a chain of n layers into √n segments reduces
    the memory from n to about 2·√n (Griewank & Walther 2008; Chen et al. 2016).

    Parameters
    ----------
    f : callable
        A function or module that maps tensors to one tensor. It must compute the same each time, up to rounding.
        Modules that it calls are rerun with the buffers and generators (`Dropout` has one) of the first run, which are
        then restored to their current state; other generators are not reset.

    Returns
    -------
    callable
        It takes the same arguments. Parameters that ``f`` closes over get gradients, too.

    Raises
    ------
    OperandError
        If ``f`` is not a function, or returns anything but a tensor.
    GradientError
        In the backward pass, if ``f`` does not compute the same again, or a leaf that it used has new values.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> ag.checkpoint(lambda x: ag.exp(ag.sin(x)) * x)(x).sum().backward()
    >>> x.grad.numpy().round(6)
    array([3.573158, 0.416344])
    """
    require(callable(f), "checkpoint", "f is not a function", "a function of tensors", f)

    @wraps(f)
    def run(*args: Any, **options: Any) -> Any:
        start, modules = next_serial(), ModuleStates()
        with modules.watch():
            output = f(*args, **options)
        require(
            isinstance(output, Tensor), "checkpoint", "the function's result is not understood", "one tensor", output
        )
        if output.node is None or output.node.serial < start:
            return output
        operands = [_snapshot(arg) for arg in args]
        params = {name: _snapshot(arg) for name, arg in options.items()}
        boundary, value = _boundary(output.node, start), output.value
        leaves = [(node.tensor, tensor.value) for node in boundary if (tensor := tensor_of(node)) is not None]

        def again() -> Any:
            _check_leaves(leaves)
            with modules.rewind():
                repeated = f(*operands, **params)
            if not isinstance(repeated, Tensor) or not _equal(value, repeated.value):
                raise _different()
            return repeated

        saved = {"run": again}
        node = Node(Segment(), boundary, saved, output.shape, output.dtype, recording.get().scope)
        return Tensor.wrap(output.value, node)

    return run


class ModuleStates:
    """The modules that a function calls, with the buffers and generators that they had before."""

    def __init__(self) -> None:
        self._buffers: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._generators: dict[int, tuple[np.random.Generator, Any]] = {}

    def enter(self, module: Any) -> None:
        """Save what a call of a module may change."""
        if id(module) in self._buffers:
            return
        parts = vars(module)
        self._buffers[id(module)] = module, {name: parts[name] for name in module.buffer_names}
        for part in parts.values():
            if isinstance(part, np.random.Generator) and id(part) not in self._generators:
                self._generators[id(part)] = part, part.bit_generator.state

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Save the states of the modules that are called inside."""
        outer = entering.get()

        def enter(module: Any) -> None:
            self.enter(module)
            if outer is not None:
                outer(module)

        token = entering.set(enter)
        try:
            yield
        finally:
            entering.reset(token)

    @contextmanager
    def rewind(self) -> Iterator[None]:
        """Inside, reset the modules to their saved states; afterwards restore their current ones."""
        buffers = [(module, {name: vars(module)[name] for name in old}) for module, old in self._buffers.values()]
        generators = [(generator, generator.bit_generator.state) for generator, _ in self._generators.values()]
        try:
            _restore(self._buffers.values(), self._generators.values())
            yield
        finally:
            _restore(buffers, generators)


def _restore(
    buffers: Iterable[tuple[Any, dict[str, Any]]], generators: Iterable[tuple[np.random.Generator, Any]]
) -> None:
    for module, arrays in buffers:
        vars(module).update(arrays)
    for generator, state in generators:
        generator.bit_generator.state = state


def _check_leaves(leaves: Iterable[tuple[Any, Any]]) -> None:
    """Raise if a leaf has been given new values since the first run."""
    for reference, value in leaves:
        tensor = reference()
        if tensor is not None and tensor.value is not value and not np.array_equal(tensor.value, value, equal_nan=True):
            name = f" {tensor.name!r}" if tensor.name else ""
            problem = f"the leaf{name} has other values than when the function first ran"
            raise GradientError("checkpoint", problem, hint="call backward() before you change it")


def _equal(first: Any, second: Any) -> bool:
    """Tell whether two results are equal up to rounding."""
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    if np.array_equal(first, second, equal_nan=first.dtype.kind == "f"):
        return True
    size = np.max(np.abs(first), initial=0.0, where=np.isfinite(first))
    return bool(np.allclose(second, first, rtol=0.0, atol=100 * np.finfo(first.dtype).eps * size, equal_nan=True))


def _different() -> GradientError:
    return GradientError(
        sentence("checkpoint", "the function did not compute the same when it ran again",
                 hint="it depends on what has changed since, or on random numbers")
    )  # fmt: skip


def _boundary(root: Node, start: int) -> tuple[Node, ...]:
    """Return the nodes recorded before ``start`` that later ones depend on."""
    return tuple(node for node in toposort(root, since=start) if node.serial < start)


def _snapshot(arg: Any) -> Any:
    """Return a snapshot of ``arg``: a tensor may be rebound, and an array may be written to."""
    if isinstance(arg, Tensor):
        return Tensor.wrap(arg.value, arg.node)
    return arg.copy() if isinstance(arg, np.ndarray) and arg.flags.writeable else arg
