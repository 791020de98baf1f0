"""One run of a function on inputs that a transform tracks: the tape from arrays to an output, and back."""

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.backward import cotangents_of, followers, following
from autograd_cnn.engine.node import Array, next_serial, shape_of
from autograd_cnn.engine.recording import enable_grad
from autograd_cnn.engine.trace import RUNNING, current
from autograd_cnn.errors import GradientError, GradientWarning, OperandError, ShapeError, require, sentence
from autograd_cnn.tensor import Tensor
from autograd_cnn.tree import leaves, rebuilt

_PACKAGE: Final = str(Path(__file__).parents[1]) + os.sep


def flat(tree: Any) -> Array:
    """Return all arrays of a tree flattened into one; a single array is unchanged."""
    parts = list(leaves(tree))
    return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: list[Any]) -> Array:
    return ops.concatenate([ops.reshape(part, shape=-1) for part in parts])


def _input(value: Any, where: str) -> Tensor:
    """Give ``value`` a new node that nothing outside this transform knows."""
    if isinstance(value, Tensor) and value.node is not None:
        return Tensor.wrap(*_own(value))
    try:
        known = value if isinstance(value, Tensor) else np.asarray(value)
        number = known.dtype.kind in "biu" and known.ndim == 0
        return Tensor(ops.astype(known, dtype=float) if number else known, requires_grad=True)
    except OperandError as error:
        error.add_note(f"{where} differentiates with respect to floating-point arrays")
        raise


def _own(value: Tensor) -> tuple[Array, Any]:
    copy = ops.positive(value)
    return copy.value, copy.node


class Run:
    """One run of a function on inputs that this transform tracks."""

    def __init__(
        self,
        where: str,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        argnums: tuple[int, ...],
        options: Any,
        *,
        has_aux: bool = False,
        containers: bool = False,
    ):
        self.where = where
        self.wanted = [args[argnum] for argnum in _within(where, argnums, len(args))]
        self.nested = False
        given = list(leaves(self.wanted))
        passed = list(filter(_is_recorded, leaves([args, options])))
        self.start = next_serial()
        with enable_grad():
            tensors = [_input(value, where) for value in given]
        self.inputs = [Tensor.wrap(x.value, x.node) for x in tensors]  # the function may rebind these
        self.nodes = {x.node for x in self.inputs if x.node is not None}
        with self._running():
            inputs = iter(tensors)
            replaced = list(args)
            for argnum, tree in zip(argnums, self.wanted, strict=True):
                replaced[argnum] = rebuilt(tree, inputs)
            self.output = _called(f, replaced, options)
        self.has_aux, self.aux = has_aux, None
        if has_aux:
            self.output, self.aux = self._pair()
        self.tree, self.parts = self.output, list(leaves(self.output)) if containers else [self.output]
        for part in self.parts or [self.output]:
            self._check_part(part)
        self.several = containers and self.output is not self.parts[0]  # if so, they are differentiated as one array
        if self.several:
            with enable_grad():
                self.output = _joined(self.parts)
        outer = followers(x.node for x in (*passed, self.output) if isinstance(x, Tensor))
        for call in outer:
            call.nested = True
        self.tracked = bool(passed) or bool(outer)
        recorded = (
            bool(RUNNING) and current.get() is not None
        )  # a trace could not follow results that are returned as arrays
        self.tensors = self.tracked or recorded or any(isinstance(value, Tensor) for value in given)

    def _pair(self) -> tuple[Any, Any]:
        """Return the output and the auxiliary data."""
        if not isinstance(self.output, tuple) or len(self.output) != 2:
            problem = "the function's result is not understood"
            expected = "with has_aux a pair: what is differentiated, and anything else"
            raise OperandError(self.where, problem, got=type(self.output).__name__, expected=expected)
        return self.output

    def _check_part(self, part: Any) -> None:
        """Raise `OperandError` unless a part of the output can be differentiated."""
        if not isinstance(part, (Tensor, np.ndarray, np.generic, float, int)) or _is_odd(part):
            has_tensors = any(isinstance(value, Tensor) for value in _parts(part))
            raise OperandError(self.where, "the function's result is not understood", expected="an array or a number",
                               got=type(part).__name__, hint="join tensors with ag.stack" if has_tensors else "")  # fmt: skip

    @contextmanager
    def _running(self) -> Iterator[None]:
        try:
            following.append(self)
            with enable_grad():
                yield
        finally:
            with suppress(ValueError):  # an interrupt may have come first
                following.remove(self)

    def result(self, value: Any, tracked: bool = False) -> Any:
        """Return ``value`` as the caller sees it: a tensor among tensors, an array among arrays."""
        if isinstance(value, Tensor):
            if tracked or self.tracked:
                return value
            return value.detach() if self.tensors else value.numpy()
        return Tensor(value) if self.tensors else value

    def returned(self) -> Any:
        """Return the function's value as the caller sees it, in a pair if there is auxiliary data."""
        value = rebuilt(self.tree, map(self.result, self.parts)) if self.several else self.result(self.output)
        if not self.has_aux:
            return value
        aux = (self.result(each) if isinstance(each, Tensor) else each for each in leaves(self.aux))
        return value, rebuilt(self.aux, aux)

    def pulled(self, cotangent: Array | None, *, retain: bool = False) -> list[Any]:
        """Return the cotangent of every input; zeros if the output does not depend on it."""
        output = self.output
        tracked = self.tracked or _is_recorded(cotangent)
        found = {}
        if isinstance(output, Tensor) and output.node is not None:
            found = cotangents_of(
                output,
                {x.node for x in self.inputs if x.node},
                cotangent,
                create_graph=tracked,
                retain_graph=retain or tracked,
                where=self.where,
            )
        if self.inputs and not self.nested and not any(x.node in found for x in self.inputs):
            self._warn()
        cotangents = [found[x.node] if x.node in found else np.zeros(x.shape, x.dtype) for x in self.inputs]
        for g in cotangents:
            if isinstance(g, np.ndarray):
                g.flags.writeable = False  # two inputs may share one array as gradient
        return [self.result(g, tracked) for g in cotangents]

    def _warn(self) -> None:
        self.nested = True  # only once
        frame, level = sys._getframe(1), 2  # noqa: SLF001  # to find the user's line
        while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
            frame, level = frame.f_back, level + 1
        text = sentence(
            self.where, "the output depends on no argument in a differentiable way", hint="its gradient is 0"
        )
        warnings.warn(text, GradientWarning, stacklevel=level)

    def cotangent(self, tree: Any) -> Any:
        """Convert a cotangent with the structure of the function's value to one of the flat output."""
        if not self.several:
            return tree
        given = list(leaves(tree))
        shapes, got = ([shape_of(each) for each in parts] for parts in (self.parts, given))
        if shapes != got:
            raise ShapeError(self.where, "the cotangents are not shaped as the function's results",
                             expected=", ".join(map(str, shapes)), got=", ".join(map(str, got)))  # fmt: skip
        return _joined(given)

    def arranged(self, rows: Any, of: Callable[[Array], Any] = lambda part: part) -> Any:
        """Apply ``of`` to each result's part of ``rows``, and return them in the structure of the results.

        The first axis of ``rows``, or its first axes if there is only one result, is that of the output.
        """
        if not self.several:
            return of(rows)
        shapes = [shape_of(part) for part in self.parts]
        ends = np.cumsum([0, *(int(np.prod(shape, dtype=int)) for shape in shapes)]).tolist()
        parts = (
            ops.reshape(rows[a:b], shape=(*shape, *shape_of(rows)[1:]))
            for a, b, shape in zip(ends, ends[1:], shapes, strict=False)
        )
        return rebuilt(self.tree, map(of, parts))

    def gathered(self, cotangents: list[Any], single: bool) -> Any:
        """Return one result for each input, in the structure of the arguments."""
        trees = rebuilt(self.wanted, iter(cotangents))
        return trees[0] if single else tuple(trees)


def _called(f: Callable[..., Any], args: list[Any], options: dict[str, Any]) -> Any:
    """Call ``f``; if NumPy, SciPy or Python wrapped our error in one of theirs, raise ours."""
    try:
        return f(*args, **options)
    except (ValueError, SystemError) as error:
        if isinstance(error.__cause__, GradientError):
            raise error.__cause__.with_traceback(error.__traceback__) from None
        raise


def _is_recorded(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _is_odd(output: Any) -> bool:
    return isinstance(output, (np.ndarray, np.generic)) and output.dtype.kind not in "biuf"


def _parts(output: Any) -> Iterator[Any]:
    return iter(output.flat) if isinstance(output, np.ndarray) else leaves(output)


def _within(where: str, argnums: tuple[int, ...], count: int) -> tuple[int, ...]:
    """Return ``argnums`` counted from the left; each must name a different one of ``count`` arguments."""
    if not count:
        problem = "no argument was passed by position, so there is none to differentiate with respect to"
        raise GradientError(where, problem)
    for argnum in argnums:
        if not -count <= argnum < count:
            problem = "argnums names an argument that was not given"
            hint = "arguments are counted by position, so pass it without its name"
            raise GradientError(where, problem, expected=f"below {count}", got=argnum, hint=hint)
    counted = tuple(argnum % count for argnum in argnums)
    if len(set(counted)) < len(counted):
        raise GradientError(where, "argnums names an argument twice", expected="each once", got=argnums)
    return counted


def check_function(where: str, f: Any) -> None:
    """Raise `OperandError` unless ``f`` can be called."""
    hint = "use loss.backward() for the gradient of a tensor" if isinstance(f, Tensor) else ""
    require(callable(f), where, "f is not a function", "a function of arrays", f, hint=hint)
