"""Functions of functions: gradients of NumPy code, from arrays to arrays.

Arrays go in and arrays come out; inside, the function sees tensors. Called with tensors, or
inside another transform, they return tensors that can be differentiated again. The arguments may
be lists, tuples, dicts and dataclasses of arrays, nested as you like; so may the results of functions
that need not return a single number.
"""

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any, Final

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.backward import cotangents_of, followers, following
from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.node import Array, next_serial, shape_of
from autograd_cnn.engine.recording import enable_grad
from autograd_cnn.engine.trace import RUNNING, current
from autograd_cnn.errors import GradientError, GradientWarning, OperandError, ShapeError, sentence
from autograd_cnn.parameters import Flag, integers
from autograd_cnn.tensor import Tensor
from autograd_cnn.tree import leaves, rebuilt

_PACKAGE: Final = str(Path(__file__).parent) + os.sep


# --- from arrays to tensors and back ----------------------------------------------------------


def _flat(tree: Any) -> Array:
    """Return all arrays of a tree in one; one array alone as it is."""
    parts = list(leaves(tree))
    return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: list[Any]) -> Array:
    return ops.concatenate([ops.reshape(part, shape=-1) for part in parts])


def _input(value: Any, where: str) -> Tensor:
    """Give ``value`` a node of its own, which nothing outside of this transform knows."""
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


class _Run:
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
        self.inputs = [Tensor.wrap(x.value, x.node) for x in tensors]  # as they are now: the function may move them on
        self.nodes = {x.node for x in self.inputs if x.node is not None}
        with self._running():
            inputs = iter(tensors)
            replaced = list(args)
            for argnum, tree in zip(argnums, self.wanted, strict=True):
                replaced[argnum] = rebuilt(tree, inputs)
            self.output = _called(f, replaced, options)
        self.has_aux, self.aux = has_aux, None
        if has_aux:
            if not isinstance(self.output, tuple) or len(self.output) != 2:
                raise OperandError(
                    sentence(where, "the function's result is not understood", got=type(self.output).__name__,
                             expected="with has_aux a pair: what is differentiated, and anything else")
                )  # fmt: skip
            self.output, self.aux = self.output
        self.tree, self.parts = self.output, list(leaves(self.output)) if containers else [self.output]
        for part in self.parts or [self.output]:
            if not isinstance(part, (Tensor, np.ndarray, np.generic, float, int)) or _is_odd(part):
                joined = any(isinstance(value, Tensor) for value in _parts(part))
                raise OperandError(
                    sentence(where, "the function's result is not understood", expected="an array or a number",
                             got=type(part).__name__, hint="join tensors with ag.stack" if joined else "")
                )  # fmt: skip
        self.several = containers and self.output is not self.parts[0]  # then they are differentiated as one array
        if self.several:
            with enable_grad():
                self.output = _joined(self.parts)
        outer = followers(x.node for x in (*passed, self.output) if isinstance(x, Tensor))
        for call in outer:
            call.nested = True
        self.tracked = bool(passed) or bool(outer)
        recorded = bool(RUNNING) and current.get() is not None  # what leaves as an array, a trace could not follow
        self.tensors = self.tracked or recorded or any(isinstance(value, Tensor) for value in given)

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
        """Return the function's value as the caller sees it, in a pair where there is something else."""
        value = rebuilt(self.tree, map(self.result, self.parts)) if self.several else self.result(self.output)
        if not self.has_aux:
            return value
        aux = (self.result(each) if isinstance(each, Tensor) else each for each in leaves(self.aux))
        return value, rebuilt(self.aux, aux)

    def pulled(self, cotangent: Array | None, *, retain: bool = False) -> list[Any]:
        """Return the cotangent of every input, zeros where the output does not depend on it."""
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
                g.flags.writeable = False  # two inputs may have the same array for a gradient
        return [self.result(g, tracked) for g in cotangents]

    def _warn(self) -> None:
        self.nested = True  # once is enough
        frame, level = sys._getframe(1), 2  # noqa: SLF001  # to find the user's line
        while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
            frame, level = frame.f_back, level + 1
        text = sentence(
            self.where, "the output depends on no argument in a differentiable way", hint="its gradient is 0"
        )
        warnings.warn(text, GradientWarning, stacklevel=level)

    def cotangent(self, tree: Any) -> Any:
        """Return the cotangent of the function's value, which is arranged as that is, as one of the output."""
        if not self.several:
            return tree
        given = list(leaves(tree))
        shapes, got = ([shape_of(each) for each in parts] for parts in (self.parts, given))
        if shapes != got:
            raise ShapeError(
                sentence(self.where, "the cotangents are not shaped as the function's results",
                         expected=", ".join(map(str, shapes)), got=", ".join(map(str, got)))
            )  # fmt: skip
        return _joined(given)

    def arranged(self, rows: Any, of: Callable[[Array], Any] = lambda part: part) -> Any:
        """Return what ``of`` makes of the part of each of the function's results, arranged as they are.

        The first axis of ``rows``, or its first axes if there is one result alone, stands for the output.
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
        """Arrange one result for each input as the arguments were."""
        trees = rebuilt(self.wanted, iter(cotangents))
        return trees[0] if single else tuple(trees)


def _called(f: Callable[..., Any], args: list[Any], options: dict[str, Any]) -> Any:
    """Call ``f``; where NumPy, SciPy or Python wrapped our error in one of theirs, raise ours."""
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
    """Return ``argnums`` counted from the left, if each names one of ``count`` arguments, and another one."""
    if not count:
        raise GradientError(
            sentence(where, "no argument was passed by position, so there is none to differentiate with respect to")
        )
    for argnum in argnums:
        if not -count <= argnum < count:
            raise GradientError(
                sentence(where, "argnums names an argument that was not given", expected=f"below {count}", got=argnum,
                         hint="arguments are counted by position, so pass it without its name")
            )  # fmt: skip
    counted = tuple(argnum % count for argnum in argnums)
    if len(set(counted)) < len(counted):
        raise GradientError(sentence(where, "argnums names an argument twice", expected="each once", got=argnums))
    return counted


def _check_function(where: str, f: Any) -> None:
    if not callable(f):
        raise OperandError(
            sentence(where, "f is not a function", expected="a function of arrays", got=type(f).__name__,
                     hint="use loss.backward() for the gradient of a tensor" if isinstance(f, Tensor) else "")
        )  # fmt: skip


# --- first order ------------------------------------------------------------------------------


@parsed
def value_and_grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: Flag = False
) -> Callable[..., tuple[Any, Any]]:
    """Return a function that computes both ``f`` and its gradient.

    Parameters
    ----------
    f : callable
        It returns a single number.
    argnums : int or tuple of int
        The arguments to differentiate with respect to.
    has_aux : bool
        Whether ``f`` returns a pair: the number, and what comes along without being differentiated.

    Returns
    -------
    callable
        Of the same arguments; it returns ``(value, gradient)``, where the gradient is shaped as
        the argument, or a tuple of these for several ``argnums``. With ``has_aux``, ``value`` is a pair, too.

    Raises
    ------
    GradientError
        If ``f`` returns more than a single number, or makes a plain number or array of what it got.
    OperandError
        If ``f`` is not a function.

    Warns
    -----
    GradientWarning
        If what ``f`` returns depends on none of these arguments; the gradient is 0 then.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> loss = lambda p: ag.sum((p["w"] * 2.0 + p["b"]) ** 2)
    >>> value, gradient = ag.value_and_grad(loss)({"w": np.array([1.0, 2.0]), "b": np.array(0.5)})
    >>> float(value), gradient["w"], float(gradient["b"])
    (26.5, array([10., 18.]), 14.0)
    """
    return _value_and_grad("value_and_grad", f, argnums, has_aux=has_aux)


def _value_and_grad(
    where: str, f: Callable[..., Any], argnums: int | tuple[int, ...], *, has_aux: bool
) -> Callable[..., tuple[Any, Any]]:
    _check_function(where, f)
    numbers = integers(where, "argnums", argnums)
    single = np.ndim(argnums) == 0

    @wraps(f)
    def both(*args: Any, **options: Any) -> tuple[Any, Any]:
        call = _Run(where, f, args, numbers, options, has_aux=has_aux)
        gradient = call.gathered(call.pulled(None), single)
        return call.returned(), gradient

    return both


@parsed
def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: Flag = False) -> Callable[..., Any]:
    """Return the gradient of ``f``, as a function.

    Parameters are those of `value_and_grad`. With ``has_aux``, it returns the gradient and what came along.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> float(ag.grad(ag.sin)(0.0))
    1.0
    >>> float(ag.grad(ag.grad(lambda x: x**3))(2.0))
    12.0
    """
    return _grad("grad", f, argnums, has_aux=has_aux)


def _grad(where: str, f: Callable[..., Any], argnums: int | tuple[int, ...], *, has_aux: bool) -> Callable[..., Any]:
    both = _value_and_grad(where, f, argnums, has_aux=has_aux)

    @wraps(f)
    def gradient(*args: Any, **options: Any) -> Any:
        value, found = both(*args, **options)
        return (found, value[1]) if has_aux else found

    return gradient


@parsed
def elementwise_grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Return the derivative of a function that works element by element, as a function that does so, too.

    It is the gradient of the sum of all elements.

    Parameters
    ----------
    f : callable
        From arrays to an array, each element of which depends on those at its place alone.
    argnums : int or tuple of int
        The arguments to differentiate with respect to.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> ag.elementwise_grad(np.tanh)(np.array([0.0, 1.0])).round(3)
    array([1.  , 0.42])
    """
    _check_function("elementwise_grad", f)

    @wraps(f)
    def total(*args: Any, **options: Any) -> Any:
        return ops.sum(f(*args, **options))

    return _grad("elementwise_grad", total, argnums, has_aux=False)


@parsed
def vjp(f: Callable[..., Any], *args: Any, has_aux: Flag = False) -> Any:
    """Compute ``f(*args)`` and return it with the function that pulls cotangents back.

    Parameters
    ----------
    f : callable
        It returns an array of any shape, or a container of arrays.
    *args : arrays, or containers of arrays
        All of them are differentiated.
    has_aux : bool
        Whether ``f`` returns a pair: the value, and what comes along without being differentiated.

    Returns
    -------
    value : array or container of arrays
        With ``has_aux`` in a pair with what came along.
    pullback : callable
        It takes a cotangent shaped as the value and returns one cotangent for each argument. It
        can be called any number of times.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> value, pullback = ag.vjp(ag.matmul, np.eye(2), np.array([1.0, 2.0]))
    >>> value
    array([1., 2.])
    >>> pullback(np.array([1.0, 0.0]))[1]
    array([1., 0.])
    """
    _check_function("vjp", f)
    call = _Run("vjp", f, args, tuple(range(len(args))), {}, has_aux=has_aux, containers=True)

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        return tuple(call.gathered(call.pulled(call.cotangent(cotangent), retain=True), single=False))

    return call.returned(), pullback


# --- forward mode -----------------------------------------------------------------------------


@parsed
def linearize(f: Callable[..., Any], *args: Any) -> tuple[Any, Callable[..., Any]]:
    """Compute ``f(*args)`` and return it with the function that pushes tangents forward.

    The pullback is linear in its cotangent, so a pullback of it pushes forward: two reverse passes are one pass in
    forward mode, for every function that has derivatives of second order.

    Parameters
    ----------
    f : callable
        It returns an array of any shape, or a container of arrays.
    *args : arrays, or containers of arrays
        All of them are differentiated.

    Returns
    -------
    value : array or container of arrays
    pushforward : callable
        It takes a tangent for each argument, shaped as it, and returns the derivative in their direction, shaped as the
        value. It can be called any number of times, each at the cost of about one pullback.

    Raises
    ------
    ShapeError
        If a tangent is not shaped as its argument.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> value, pushforward = ag.linearize(lambda x: x[:2] * x[2], np.array([1.0, 2.0, 3.0]))
    >>> value, pushforward(np.array([0.0, 0.0, 1.0]))
    (array([3., 6.]), array([1., 2.]))
    """
    return _linearized("linearize", f, args)


@parsed
def jvp(f: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
    """Compute ``f(*primals)`` and its derivative in the direction of ``tangents``; see `linearize`.

    Parameters
    ----------
    f : callable
        It returns an array of any shape, or a container of arrays.
    primals, tangents : sequences
        The arguments, and a tangent for each of them.

    Returns
    -------
    value, derivative : array or container of arrays

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> ag.jvp(np.multiply, (2.0, np.array([1.0, 3.0])), (1.0, np.array([0.0, 0.0])))
    (array([2., 6.]), array([1., 3.]))
    """
    value, pushforward = _linearized("jvp", f, tuple(primals))
    return value, pushforward(*tangents)


def _linearized(where: str, f: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, Callable[..., Any]]:
    _check_function(where, f)
    call = _Run(where, f, args, tuple(range(len(args))), {}, containers=True)
    output = call.output.value if isinstance(call.output, Tensor) else np.asarray(call.output)
    nothing = np.zeros(output.shape, output.dtype if output.dtype.kind == "f" else float)
    pull = _Run(where, lambda u: _flat(call.pulled(u, retain=True)), (nothing,), (0,), {})
    pull.tracked, pull.tensors, pull.nested = call.tracked, call.tensors, True

    def pushforward(*tangents: Any) -> Any:
        shapes = [shape_of(tangent) for tangent in leaves(tangents)]
        if shapes != [x.shape for x in call.inputs]:
            raise ShapeError(
                sentence(where, "the tangents are not shaped as the arguments",
                         expected=", ".join(str(x.shape) for x in call.inputs), got=", ".join(map(str, shapes)))
            )  # fmt: skip
        return call.arranged(pull.pulled(_flat(tangents), retain=True)[0])

    return call.returned(), pushforward


# --- matrices of derivatives ------------------------------------------------------------------


@parsed
def jacobian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: Flag = False) -> Callable[..., Any]:
    """Return the function that computes every derivative of every element of ``f``.

    It pulls back one unit vector for each element of the output.

    Parameters
    ----------
    f : callable
        It returns an array, or a container of arrays.
    argnums : int or tuple of int
        The arguments to differentiate with respect to.
    has_aux : bool
        Whether ``f`` returns a pair: what is differentiated, and what comes along.

    Returns
    -------
    callable
        It returns an array of the output's shape followed by the argument's; one for each array of a container, and a
        tuple of these for several ``argnums``. If the output is a container, there is such a result instead of each
        of its arrays. With ``has_aux`` it returns this and what came along.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> ag.jacobian(lambda x: x[:2] * x[2])(np.array([1.0, 2.0, 3.0]))
    array([[3., 0., 1.],
           [0., 3., 2.]])
    """
    return _jacobian("jacobian", f, argnums, has_aux=has_aux)


def _jacobian(
    where: str, f: Callable[..., Any], argnums: int | tuple[int, ...], *, has_aux: bool = False
) -> Callable[..., Any]:
    _check_function(where, f)
    numbers = integers(where, "argnums", argnums)
    single = np.ndim(argnums) == 0

    @wraps(f)
    def matrices(*args: Any, **options: Any) -> Any:
        call = _Run(where, f, args, numbers, options, has_aux=has_aux, containers=True)
        shape = shape_of(call.output)
        rows = [call.pulled(unit.reshape(shape), retain=True) for unit in np.eye(int(np.prod(shape, dtype=int)))]
        blocks = [
            ops.reshape(ops.stack([row[i] for row in rows]), shape=(*shape, *x.shape))
            if rows
            else np.zeros((*shape, *x.shape))
            for i, x in enumerate(call.inputs)
        ]
        by_input = [iter(list(leaves(call.arranged(block)))) for block in blocks]
        found = call.arranged(call.output, lambda _: call.gathered([next(parts) for parts in by_input], single))
        return (found, call.returned()[1]) if has_aux else found

    return matrices


@parsed
def hessian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: Flag = False) -> Callable[..., Any]:
    """Return the function that computes all second derivatives of ``f``, a single number.

    Parameters
    ----------
    f : callable
        It returns a single number.
    argnums : int or tuple of int
        The arguments to differentiate with respect to.
    has_aux : bool
        Whether ``f`` returns a pair: the number, and what comes along, which is returned in a pair with the result.

    Returns
    -------
    callable
        It returns an array of the argument's shape, twice; of containers, or for several ``argnums``, a container in
        the place of each array: what stands at ``h[i][j]`` is of the i-th shape followed by the j-th.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> ag.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])
    """
    return _jacobian("hessian", _grad("hessian", f, argnums, has_aux=has_aux), argnums, has_aux=has_aux)


@parsed
def hvp(f: Callable[[Any], Any], x: Any, v: Any) -> Any:
    """The Hessian of ``f`` at ``x`` times ``v``, without forming the Hessian (Pearlmutter 1994).

    Parameters
    ----------
    f : callable
        From one array, or a container of arrays, to a single number.
    x : array or container of arrays
        Where.
    v : array or container of arrays
        In which direction; shaped as ``x``.

    Returns
    -------
    array or container of arrays
        Shaped as ``x``, at the cost of about two gradients.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> ag.hvp(lambda x: x[0] ** 2 * x[1], np.array([1.0, 3.0]), np.array([1.0, 0.0]))
    array([6., 2.])
    """
    _check_function("hvp", f)
    return vjp(_grad("hvp", f, 0, has_aux=False), x)[1](v)[0]
