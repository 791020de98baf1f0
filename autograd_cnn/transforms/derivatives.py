"""Functions of functions: gradients of NumPy code, from arrays to arrays.

Arrays go in and arrays come out; inside, the function sees tensors. Called with tensors, or
inside another transform, they return tensors that can be differentiated again. The arguments may
be lists, tuples, dicts and dataclasses of arrays, nested as you like; so may the results of functions
that need not return a single number.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.node import shape_of
from autograd_cnn.errors import ShapeError
from autograd_cnn.parameters import Flag, integers
from autograd_cnn.tensor import Tensor
from autograd_cnn.transforms.run import Run, check_function, flat
from autograd_cnn.tree import leaves

# --- gradients --------------------------------------------------------------------------------


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
        Whether ``f`` returns a pair: the number, and auxiliary data that is not differentiated.

    Returns
    -------
    callable
        It takes the same arguments and returns ``(value, gradient)``. The gradient has the shape of the argument; for
        several ``argnums`` it is a tuple. With ``has_aux``, ``value`` is a pair, too.

    Raises
    ------
    GradientError
        If ``f`` returns more than a single number, or turns its arguments into plain numbers or arrays.
    OperandError
        If ``f`` is not a function.

    Warns
    -----
    GradientWarning
        If the result of ``f`` depends on none of these arguments; the gradient is then 0.

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
    check_function(where, f)
    numbers = integers(where, "argnums", argnums)
    single = np.ndim(argnums) == 0

    @wraps(f)
    def both(*args: Any, **options: Any) -> tuple[Any, Any]:
        call = Run(where, f, args, numbers, options, has_aux=has_aux)
        gradient = call.gathered(call.pulled(None), single)
        return call.returned(), gradient

    return both


@parsed
def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: Flag = False) -> Callable[..., Any]:
    """Return the gradient of ``f``, as a function.

    Parameters are those of `value_and_grad`. With ``has_aux``, it returns the gradient and the auxiliary data.

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
    """Return the derivative of an elementwise function, as an elementwise function.

    It is the gradient of the sum of all elements.

    Parameters
    ----------
    f : callable
        Maps arrays to an array; each element depends only on the elements at its position.
    argnums : int or tuple of int
        The arguments to differentiate with respect to.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> ag.elementwise_grad(np.tanh)(np.array([0.0, 1.0])).round(3)
    array([1.  , 0.42])
    """
    check_function("elementwise_grad", f)

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
        Whether ``f`` returns a pair: the value, and auxiliary data that is not differentiated.

    Returns
    -------
    value : array or container of arrays
        With ``has_aux`` in a pair with the auxiliary data.
    pullback : callable
        It takes a cotangent with the value's shape and returns one cotangent for each argument. It
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
    check_function("vjp", f)
    call = Run("vjp", f, args, tuple(range(len(args))), {}, has_aux=has_aux, containers=True)

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        return tuple(call.gathered(call.pulled(call.cotangent(cotangent), retain=True), single=False))

    return call.returned(), pullback


# --- forward mode -----------------------------------------------------------------------------


@parsed
def linearize(f: Callable[..., Any], *args: Any) -> tuple[Any, Callable[..., Any]]:
    """Compute ``f(*args)`` and return it with the function that pushes tangents forward.

    The pullback is linear in its cotangent, so its own pullback pushes tangents forward: two reverse passes make one
    forward-mode pass, for every function with second derivatives.

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
        It takes a tangent for each argument, with the argument's shape, and returns the derivative in their direction,
        with the value's shape. It can be called any number of times; each call costs about as much as a pullback.

    Raises
    ------
    ShapeError
        If a tangent does not have its argument's shape.

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
    check_function(where, f)
    call = Run(where, f, args, tuple(range(len(args))), {}, containers=True)
    output = call.output.value if isinstance(call.output, Tensor) else np.asarray(call.output)
    nothing = np.zeros(output.shape, output.dtype if output.dtype.kind == "f" else float)
    pull = Run(where, lambda u: flat(call.pulled(u, retain=True)), (nothing,), (0,), {})
    pull.tracked, pull.tensors, pull.nested = call.tracked, call.tensors, True

    def pushforward(*tangents: Any) -> Any:
        shapes = [shape_of(tangent) for tangent in leaves(tangents)]
        if shapes != [x.shape for x in call.inputs]:
            problem = "the tangents are not shaped as the arguments"
            got = ", ".join(map(str, shapes))
            raise ShapeError(where, problem, expected=", ".join(str(x.shape) for x in call.inputs), got=got)
        return call.arranged(pull.pulled(flat(tangents), retain=True)[0])

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
        Whether ``f`` returns a pair: the value to differentiate, and auxiliary data.

    Returns
    -------
    callable
        It returns an array whose shape is the output's followed by the argument's; one for each array of a container,
        and a tuple of these for several ``argnums``. If the output is a container, each of its arrays is replaced by
        such a result. With ``has_aux`` it returns this and the auxiliary data.

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
    check_function(where, f)
    numbers = integers(where, "argnums", argnums)
    single = np.ndim(argnums) == 0

    @wraps(f)
    def matrices(*args: Any, **options: Any) -> Any:
        call = Run(where, f, args, numbers, options, has_aux=has_aux, containers=True)
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
        Whether ``f`` returns a pair: the number, and auxiliary data, which is returned together with the Hessian.

    Returns
    -------
    callable
        It returns an array whose shape is the argument's, twice; for containers, or several ``argnums``, nested
        containers: ``h[i][j]`` has the i-th shape followed by the j-th.

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
    """Return the Hessian of ``f`` at ``x`` times ``v``, without forming the Hessian (Pearlmutter 1994).

    Parameters
    ----------
    f : callable
        Maps an array, or a container of arrays, to a single number.
    x : array or container of arrays
        The point.
    v : array or container of arrays
        The direction, with the shape of ``x``.

    Returns
    -------
    array or container of arrays
        With the shape of ``x``. It costs about as much as two gradients.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> ag.hvp(lambda x: x[0] ** 2 * x[1], np.array([1.0, 3.0]), np.array([1.0, 0.0]))
    array([6., 2.])
    """
    check_function("hvp", f)
    return vjp(_grad("hvp", f, 0, has_aux=False), x)[1](v)[0]
