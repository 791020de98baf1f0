"""Primitives: array functions that record themselves, with their gradient rules.

A primitive takes arrays first, then parameters::

    @primitive
    def softplus(x: Array) -> Array:
        return np.logaddexp(0, x)

    @softplus.vjp("x")
    def softplus_vjp_x(g: Array, *, x: Array) -> Array:
        return g * sigmoid(x)

The keyword-only names of a rule are exactly what the tape saves for it: an operand (``x``), the
output (``y``), an operand's shape (``x_shape``), a parameter, or a residual that the forward
function declared. ``**rest`` stands for all parameters that the rule does not name.

Arguments after the star are parameters, and passed by keyword. Arguments before it are arrays, unless their annotation
is one of ``autograd_cnn.parameters``, which say how a parameter is parsed: ``axis: Axis`` may be passed either way. So
the forward function's signature is also the primitive's, for type checkers and editors, too.
"""

import functools
import operator
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Final,
    Generic,
    NoReturn,
    TypeAlias,
    TypeVar,
    overload,
)

import numpy as np

from autograd_cnn.engine import anomaly
from autograd_cnn.engine.abstract import AbstractArray, DTypeRule, ShapeRule, broadcast, joint_dtype, shape_rule
from autograd_cnn.engine.backward import freed, unbroadcast_to
from autograd_cnn.engine.half import HALF, half_widened, widened
from autograd_cnn.engine.node import (
    NUMBERS,
    SETTLED,
    Array,
    Node,
    Shape,
    Traced,
    frozen,
    is_row,
    kept_operands,
    kept_value,
)
from autograd_cnn.engine.recording import failing, recording
from autograd_cnn.engine.rule import Rule, Rules
from autograd_cnn.engine.signature import ArrayLike, Signature, TensorLike
from autograd_cnn.engine.trace import RUNNING, argument, current
from autograd_cnn.errors import FUNCTIONS, OperandError, RegistrationError, raise_as

if TYPE_CHECKING:
    from typing_extensions import ParamSpec  # type checkers know its default, Python only from 3.13

    P = ParamSpec("P", default=...)
else:
    from typing import ParamSpec

    P = ParamSpec("P")
T = TypeVar("T")

REGISTRY: Final[dict[str, "Primitive"]] = {}
"""Every primitive, including users' own, by the dotted name of its function."""

_SINGLE: Final[np.dtype[Any]] = np.dtype(np.float32)
_DOUBLE: Final[np.dtype[Any]] = np.dtype(np.float64)
_INTEGERS: Final[tuple[np.dtype[Any], ...]] = tuple(np.dtype(code) for code in "?bhilqBHILQ")
_SCALARS: Final = {int: np.int_, float: np.float64, bool: np.bool_}
"""Python's numbers, and the NumPy scalars that replace them, which divide by zero and take roots as arrays do."""
_ARRAYS: Final = (AbstractArray, np.ndarray, np.generic)
_MOST_BOUND: Final = 256
"""How many sets of parameters a primitive remembers; a network has fewer."""


Static: TypeAlias = bool | Callable[..., None]
"""Whether a forward function depends on shapes only, or a function that checks values for it; see `primitive`."""


class Primitive(Generic[P]):
    """An array function that records its calls on tensors.

    Called on arrays it returns an array and records nothing. So the rules, which are written with
    primitives, work for the plain backward pass and for ``create_graph=True``.

    For type checkers it returns a tensor if the first operand is one, else ``Any``: an array, unless another operand is
    a tensor. ``P`` are the arguments after the first operand.

    Attributes
    ----------
    signature : Signature
        Its operands and parameters.
    residuals : tuple of str
        What the forward function returns after its output, for the rules: constants such as the
        argmax indices of a max-pool.
    constant : bool
        Whether the derivative is zero wherever it exists, so that nothing is recorded.
    static : bool or callable
        Whether the forward function depends on shapes and dtypes only, not on values; or a separate check of values.
    rules : Rules
        The rule of each operand that has one.
    """

    def __init__(
        self, forward: Callable[..., Any], residuals: tuple[str, ...], constant: bool, static: Static = False
    ) -> None:
        functools.update_wrapper(self, forward)  # type: ignore[arg-type]  # a function but in name
        self.forward = forward
        self.signature = Signature(forward)
        self.name = self.signature.name
        self.residuals = residuals
        self.constant = constant
        self.static = static
        self.rules = Rules(self.signature, residuals)
        self._bound: dict[Any, tuple[Any, ...]] = {}
        self._shift = 0 if self.signature.variadic else 1  # of the bit: operands with one rule have one
        self._shape_rule: ShapeRule | None = None
        # The types that need no conversion; `Signature.read` and `half_widened` convert the others.
        dtypes = (_DOUBLE, _SINGLE, *(() if self.signature.inexact else _INTEGERS))
        self._dtypes = frozenset(dtypes)
        self._types = frozenset({*(dtype.type for dtype in dtypes), *({float} if self.signature.inexact else NUMBERS)})
        self.__signature__ = self.signature.shown

    def __repr__(self) -> str:
        return f"<primitive {self.name}{self.__signature__}>"

    def __reduce__(self) -> str:
        """Pickle and copy by name, as functions do, so that each exists only once."""
        return self.forward.__qualname__

    @property
    def operands(self) -> tuple[str, ...]:
        """The names of the arrays, in order; one name stands for any number where it is ``variadic``."""
        return self.signature.operands

    @property
    def parameters(self) -> dict[str, Any]:
        """The names of the parameters with their defaults."""
        return self.signature.parameters

    @property
    def variadic(self) -> bool:
        """Whether it takes any number of arrays."""
        return self.signature.variadic

    @property
    def elementwise(self) -> bool:
        """Whether, after broadcasting, each element of the result depends only on the operands' elements there."""
        return self._shape_rule is None

    # --- recording ----------------------------------------------------------------------------

    @overload
    def __call__(self, x: TensorLike[T], /, *args: P.args, **params: P.kwargs) -> T: ...
    @overload
    def __call__(self, x: ArrayLike, /, *args: P.args, **params: P.kwargs) -> Any: ...
    def __call__(self, /, *args: Any, **params: Any) -> Any:  # noqa: C901, PLR0912, PLR0915  # hot path: calls little
        """Compute on arrays; on tensors also record."""
        settled = False  # whether the parameters are known to be immutable
        try:
            if params:
                key = (len(args), *params, *map(id, params.values()))
                settled = key in self._bound
                if not settled:
                    args, params = self._bind(key, args, params)
            elif len(args) != self.signature.arity:
                args, params = self.signature.bind(args, params)

            # The operands: their values, and their nodes on the tape.
            raw: list[Any] = []
            nodes: list[Node | None] = []
            tensor_type: type[Traced] | None = None
            tracked, bit = 0, 1  # a bit is set for each operand with a node
            usual, light = True, True  # whether no operand needs conversion; whether all are plain numbers or scalars
            dtypes, types, ndarray, shift = self._dtypes, self._types, np.ndarray, self._shift
            for arg in args:
                if isinstance(arg, Traced):
                    tensor_type = arg.tensor_type
                    value = arg.value
                    node = arg.node
                    if node is not None:
                        tracked |= bit
                else:
                    value = arg
                    node = None
                if type(value) not in types:
                    if type(value) is not ndarray or value.dtype not in dtypes:
                        usual = usual and value is None
                        value = self.signature.read(value, len(raw))
                    light = False
                bit <<= shift
                raw.append(value)
                nodes.append(node)

            # The forward function.
            computed, half = raw, False
            if not usual:
                if AbstractArray in map(type, raw):
                    known = self.infer(raw, params)
                    return known if tensor_type is None else tensor_type.wrap(known)
                computed, half = half_widened(raw)
                half = half and "dtype" not in self.parameters
            try:
                if light and tensor_type is None and NUMBERS.issuperset(map(type, raw)):
                    computed = [_SCALARS[type(value)](value) for value in raw]
                y = self.forward(*computed, **params)
            except (ValueError, TypeError, IndexError, OverflowError, MemoryError) as error:
                self._explain(error, raw, params)
                raise
            residuals: tuple[Any, ...] = ()
            if self.residuals:
                y, residuals = self._divided(y)
            if half and getattr(y, "dtype", None) == np.float32:
                y = y.astype(HALF)

            # What is recorded: in a trace, which also follows arrays, and on the tape.
            trace = current.get() if RUNNING else None
            if tensor_type is None and (trace is None or not trace.finds(raw, params)):
                return y
            if type(y) is ndarray:
                if y.flags.writeable:
                    y = frozen(y, raw)
            elif not isinstance(y, np.generic):
                y = self._scalar(y)
            if trace is not None:
                y = argument(y) if type(y) is np.bool_ else y  # NumPy has only one object for each of the two values
                residuals = tuple(map(_own, residuals))
                trace.add(self, args, params, y, residuals, computed is raw and not half and _unread(args, raw))
            if tensor_type is None:
                return y
            enabled, watched, scope, tracing = recording.get()
            node, dtype = None, y.dtype
            floats = dtype is _SINGLE or dtype is _DOUBLE or dtype.kind == "f"
            if floats and tracked and enabled and not self.constant:
                kept = _kept(params) if params and not settled else params
                saved = self.rules.saved(tracked, nodes, raw, y, residuals, kept)
                whole = None not in nodes and not tracing
                operands = () if whole else raw if light else kept_operands(raw, nodes, tracing)
                node = Node(self, tuple(nodes), saved, y.shape, dtype, scope, kept, operands)
            elif not floats and dtype.kind not in "biu":
                self._refuse_dtype(y)
            if watched:
                anomaly.watch(self.name, y, node)
            return tensor_type.wrap(y, node)
        except Exception as error:
            if (watcher := failing.get()) is not None:
                watcher(error, self, args, params)
            raise

    def _bind(self, key: Any, args: tuple[Any, ...], params: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Parse the arguments; if all are immutable and needed no conversion, cache this for the next such call."""
        if not all(type(value) in SETTLED or is_row(value) for value in params.values()):
            return self.signature.bind(args, params)
        passed = tuple(params.values())
        bound, parsed = self.signature.bind(args, params)
        if bound is args and parsed is params and all(map(operator.is_, params.values(), passed)):
            if len(self._bound) == _MOST_BOUND:
                self._bound.clear()
            self._bound[key] = passed  # which keeps them alive, so that their ids stay valid
        return bound, parsed

    def _divided(self, result: Any) -> tuple[Array, tuple[Any, ...]]:
        """Split what the forward function returned into output and residuals."""
        if not isinstance(result, tuple) or len(result) != 1 + len(self.residuals):
            got = f"a tuple of {len(result)}" if isinstance(result, tuple) else type(result).__name__
            problem = "its result lacks residuals or has too many"
            raise OperandError(self.name, problem, expected=f"a tuple of y, {', '.join(self.residuals)}", got=got)
        return result[0], result[1:]

    def _scalar(self, y: Any) -> Array:
        """Return the forward function's result as an array, if it is an array or a number."""
        if isinstance(y, (np.ndarray, int, float, complex, str)):
            return np.asarray(y)[()]
        problem = "its result is not an array"
        raise OperandError(self.name, problem, expected="an array or a number", got=type(y).__name__)

    def _refuse_dtype(self, y: Array) -> NoReturn:
        text = "its result is not an array of numbers"
        raise OperandError(self.name, text, expected="ints, floats or bools", got=y.dtype)

    def _explain(self, error: Exception, raw: list[Any], params: dict[str, Any]) -> None:
        """Raise NumPy's error as one of ours, with the name and the shapes, if the forward function is ours."""
        self.signature.check_complete(params)
        if str(getattr(self.forward, "__module__", None)).startswith("autograd_cnn."):
            raise_as(self.name, error, self._shapes(raw))

    def _shapes(self, raw: list[Any]) -> str:
        shapes = [f"{self.signature.operand(i)}={np.shape(x)}" for i, x in enumerate(raw) if x is not None]
        return f"shapes {', '.join(shapes)}" if shapes else ""

    # --- shapes -------------------------------------------------------------------------------

    def shape(self, rule: Callable[..., Shape] | None = None, *, dtype: DTypeRule = joint_dtype) -> Callable[..., Any]:
        """Register the decorated function as the rule for the shape of the result.

        It gets the operands by position as `AbstractArray`, and by name the parameters in its signature. A primitive
        without this rule counts as elementwise: its operands are broadcast.

        Parameters
        ----------
        rule : callable
            Returns a shape, or raises what the forward function would raise.
        dtype : callable, optional
            Maps the operands to the dtype of the result; by default NumPy's type promotion.

        Raises
        ------
        RegistrationError
            On a second rule, operands that are not the primitive's, or an unknown parameter.

        Examples
        --------
        The rule of a function ``pairs(x)`` that returns ``x.reshape(-1, 2)``::

            @pairs.shape
            def pairs_shape(x):
                return x.size // 2, 2
        """

        def register(function: Callable[..., Shape]) -> Callable[..., Shape]:
            if self._shape_rule is not None:
                raise RegistrationError(f"{self.name}.shape", "has a shape rule already")
            self._shape_rule = shape_rule(self.name, function, self.signature.shown, self.operands, dtype)
            return function

        return register if rule is None else register(rule)

    def infer(self, operands: Sequence[Any], params: dict[str, Any]) -> AbstractArray:
        """Return the shape and the dtype of a call's result, from those of its operands.

        Parameters
        ----------
        operands : sequence of AbstractArray, array, number or None
            All of them, by position.
        params : dict
            The parameters, parsed.

        Raises
        ------
        ShapeError, ArgumentError, OperandError
            As the call would, except for errors that depend on values.
        """
        rule = self._shape_rule
        try:
            if rule is None:
                shape = broadcast(*map(np.shape, operands))
                nothing: list[Any] = [np.empty(0, x.dtype) if isinstance(x, _ARRAYS) else x for x in operands]
                return AbstractArray(shape, self(*nothing, **params).dtype)
            known = [
                None if x is None else self.signature.abstract(AbstractArray.of(x), i) for i, x in enumerate(operands)
            ]
            return rule(known, self.parameters | params)
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            self.signature.check_complete(params)
            raise_as(self.name, error, self._shapes(list(operands)))
            raise

    # --- rules --------------------------------------------------------------------------------

    def vjp(self, operand: str) -> Callable[[Callable[..., Array]], Callable[..., Array]]:
        """Register the decorated function as the rule for ``operand``.

        Raises
        ------
        RegistrationError
            On an unknown operand, a second rule, or a name that the tape can't save.
        """
        if operand not in self.operands:
            hint = f"it has {', '.join(self.operands)}"
            raise RegistrationError(f"{self.name}.vjp", f"no operand {operand!r}", hint=hint)
        if self.constant or operand in self.rules:
            reason = "is declared constant" if self.constant else f"has a rule for {operand!r} already"
            raise RegistrationError(f"{self.name}.vjp", reason)

        def register(function: Callable[..., Array]) -> Callable[..., Array]:
            self.rules.register(operand, function)
            return function

        return register

    def pullback(
        self, node: Node, g: Array, wanted: Collection[Node] | None, tensor_type: type[Traced] | None
    ) -> Iterator[tuple[Node, Array]]:
        """Yield each wanted parent of ``node`` with the cotangent that its rule computes from ``g``."""
        saved = node.saved
        if saved is None:
            raise freed(node, self.name)
        if tensor_type is not None:
            saved = self.rules.rewrapped(node, saved, tensor_type)
        if node.dtype is HALF:
            saved = {name: widened(value) for name, value in saved.items()}
        watched = recording.get().anomaly
        rules, by_position = self.rules, self.rules.by_position
        for position, parent in enumerate(node.parents):
            if parent is None or (wanted is not None and parent not in wanted):
                continue
            rule = by_position.get(position) or rules.at(position)
            try:
                cotangent = rule.apply(g, saved, position)
                try:
                    fits = cotangent.shape == parent.shape and cotangent.dtype is parent.dtype
                except AttributeError:
                    cotangent, fits = _number(rule.function.__name__, cotangent), False
                if not fits:
                    cotangent = unbroadcast_to(cotangent, parent, rule.function.__name__)
                if watched:
                    anomaly.watch_cotangent(rule.function.__name__, node, cotangent)
            except Exception as error:
                error.add_note(self._where(node, rule))
                if (watcher := failing.get()) is not None:
                    watcher(error, node, (g,), {})
                raise
            yield parent, cotangent

    def _where(self, node: Node, rule: Rule) -> str:
        shapes = ", ".join(
            f"{name}={parent.shape}"
            for name, parent in zip(self.operands * len(node.parents), node.parents, strict=False)
            if parent is not None
        )
        line = f", recorded at {node.origin}" if node.origin else ""
        return (
            f"in {rule.function.__name__}, the rule of {self.name} for {rule.operand!r}; "
            f"forward shapes {shapes}, y={node.shape}{line}"
        )


def _number(rule: str, value: Any) -> Array:
    """Return a rule's result as an array if it is a number; raise if it is neither."""
    if isinstance(value, (int, float)):
        return np.asarray(value, np.float64)[()]
    raise OperandError(rule, "its result is not a cotangent", expected="a tensor, an array or a number",
                       got=type(value).__name__, hint="a rule returns what it computes from g") from None  # fmt: skip


def _kept(params: dict[str, Any]) -> dict[str, Any]:
    """Return parameters to save, with copies of those that the caller could still change."""
    changeable = [name for name, value in params.items() if type(value) not in SETTLED and not is_row(value)]
    return params | {name: kept_value(params[name]) for name in changeable} if changeable else params


def _own(value: Any) -> Any:
    """Return a residual as an array of its own, so that a trace can identify it; otherwise rules would save copies."""
    if type(value) is np.ndarray:
        return frozen(kept_value(value), [])
    return argument(value) if type(value) is np.bool_ else value


def _unread(args: Sequence[Any], raw: list[Any]) -> bool:
    """Whether operands were used exactly as passed."""
    return all(value is (arg.value if isinstance(arg, Traced) else arg) for arg, value in zip(args, raw, strict=True))


@overload
def primitive(forward: Callable[Concatenate[Any, P], Any]) -> Primitive[P]: ...
@overload
def primitive(
    *, residuals: tuple[str, ...] = (), constant: bool = False, static: Static = False
) -> Callable[[Callable[Concatenate[Any, P], Any]], Primitive[P]]: ...
def primitive(
    forward: Callable[..., Any] | None = None,
    *,
    residuals: tuple[str, ...] = (),
    constant: bool = False,
    static: Static = False,
) -> Primitive | Callable[[Callable[..., Any]], Primitive]:
    """Turn an array function into a primitive; its rules are added with ``.vjp``.

    Parameters
    ----------
    forward : callable
        Arrays first, then parameters after a star. It gets plain arrays and returns a new one.
    residuals : tuple of str
        Names of what it returns after its output, for the rules. These count as constants.
    constant : bool
        The derivative is zero wherever it exists; such a primitive has no rules.
    static : bool or callable
        What ``forward`` does depends only on the shapes and dtypes of its operands: no value raises an error or
        changes the code path. So a compiled step may run its kernels without calling it. If it does raise errors for
        integers, pass a function of the operands, as `AbstractArray`, and of the integers, by name, that raises them.

    Returns
    -------
    Primitive

    Raises
    ------
    RegistrationError
        If ``forward`` is not a function, or an argument or residual is called as another, or as what a rule may ask
        for: ``y``, the output, a shape such as ``x_shape``, or with any number of arrays ``index``.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> @ag.primitive
    ... def cube(x):
    ...     return x**3
    >>> @cube.vjp("x")
    ... def cube_vjp_x(g, *, x):
    ...     return g * 3 * x**2
    >>> x = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> cube(x).sum().backward()
    >>> x.grad.numpy()
    array([ 3., 12.])
    """

    def make(function: Callable[..., Any]) -> Primitive:
        if not callable(function):
            raise RegistrationError("primitive", "not a function", expected="a function of arrays", got=repr(function))
        if not hasattr(function, "__qualname__"):
            raise RegistrationError(
                "primitive", "the function has no name", expected="one made by def", got=repr(function),
                hint="call it from a function of your own"
            )  # fmt: skip
        made = Primitive(function, residuals, constant, static)
        REGISTRY[f"{function.__module__}.{function.__qualname__}"] = made
        FUNCTIONS.add(made.name)
        return made

    return make if forward is None else make(forward)
