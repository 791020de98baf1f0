"""The laws that every primitive obeys, each tried on one call at a time.

A law takes a primitive, a `Case` and a generator. It raises `CheckError` if the law is broken. Otherwise it returns the
largest relative error, or 0 if the law is not about numbers.

Examples
--------
>>> import numpy as np
>>> import autograd_cnn as ag
>>> from autograd_cnn.testing import laws, sample
>>> laws.first_order(ag.exp, sample([0.5, 1.0]), np.random.default_rng(0)) < 1e-9
True
"""

import inspect
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.backward import cotangents_of, gradients
from autograd_cnn.engine.node import Array, values_of
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.recording import no_grad
from autograd_cnn.engine.rule import Rule
from autograd_cnn.errors import ShapeError, sentence
from autograd_cnn.kernels import set_backend
from autograd_cnn.tensor import Tensor
from autograd_cnn.testing.case import SAMPLES, Case
from autograd_cnn.testing.gradcheck import CheckError, is_slope, norm, reach_of
from autograd_cnn.testing.odd import Outcome, filled, on_both_backends, resized, respelled, small_integers
from autograd_cnn.testing.pullback import (
    LAYOUTS,
    Pullback,
    agree,
    cast,
    dot,
    drawn_cotangent,
    largest,
    moved,
    operand,
    pullback,
    replaced,
    tracked,
    unit,
)

TOLERANCE: Final = 1e-9
"""For finite differences. Their step is h = 1e-3, so h⁴/30 is 3e-14 and rounding over h 3e-13, for values and fifth
derivatives near 1; this leaves room for both to be a thousand times larger."""

Trial: TypeAlias = Callable[[Primitive, Case, np.random.Generator], float]
Condition: TypeAlias = Callable[[Primitive, Case], bool]


@dataclass(frozen=True, slots=True)
class Law:
    """A property of every call of every primitive, or of those that meet a condition.

    Attributes
    ----------
    name : str
        The name of the function that tries it.
    says : str
        The law in a sentence.
    applies : callable
        Whether it applies to a call.
    trial : callable
        The function.
    """

    name: str
    says: str
    applies: Condition
    trial: Trial

    def __call__(self, primitive: Primitive, case: Case, rng: np.random.Generator) -> float:
        """Try the law on a call; whatever goes wrong, a `CheckError` names it."""
        where = f"{primitive.name}({case})"
        try:
            return self.trial(primitive, case, rng)
        except CheckError as error:
            raise CheckError(sentence(where, str(error))) from None
        except Exception as error:
            raise CheckError(sentence(where, f"raised {type(error).__name__}: {error}")) from error

    def on_samples(self, primitive: Primitive, seed: int = 0) -> Iterator[float | CheckError]:
        """Try the law on each sample that it applies to; yield the error with which it held, or what broke it.

        Each call starts from the same random numbers, so the calls do not affect each other.

        Examples
        --------
        >>> import autograd_cnn as ag
        >>> import autograd_cnn.testing.samples
        >>> [error < 1e-9 for error in first_order.on_samples(ag.relu)]
        [True, True, True, True]
        """
        for case in SAMPLES.get(primitive, []):
            if self.applies(primitive, case):
                try:
                    yield self(primitive, case, np.random.default_rng(seed))
                except CheckError as error:
                    yield error


LAWS: Final[list[Law]] = []
"""All laws, in the order of this file."""


def _always(_primitive: Primitive, _case: Case) -> bool:
    return True


def _tracked(_primitive: Primitive, case: Case) -> bool:
    return bool(case.differentiable)


def _recorded(primitive: Primitive, case: Case) -> bool:
    return _tracked(primitive, case) and not primitive.constant


def _linear(primitive: Primitive, case: Case) -> bool:
    return _recorded(primitive, case) and bool(case.linear)


def _law(applies: Condition) -> Callable[[Trial], Law]:
    """Make a law of the decorated function and the first line of its docstring."""

    def make(trial: Trial) -> Law:
        law = Law(trial.__name__, (trial.__doc__ or "").partition("\n")[0], applies, trial)
        LAWS.append(law)
        return law

    return make


# --- samples ----------------------------------------------------------------------------------


def unsampled(primitive: Primitive) -> Iterator[str]:
    """Say what the samples of a primitive leave out: all of it, one of its rules, or a "linear" operand without a rule.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> import autograd_cnn.testing.samples
    >>> list(unsampled(ag.exp))
    []
    """
    cases = SAMPLES.get(primitive, [])
    if not cases:
        yield f"it has no samples; add some: autograd_cnn.testing.add_samples({primitive.name}, sample(...))"
        return
    met = {operand(primitive, i) for case in cases for i in case.differentiable}
    yield from (f"no sample has an array of floats for {name!r}" for name in primitive.rules if name not in met)
    linear = {name for case in cases for name in case.linear}
    yield from (f"it is linear in {name!r}, which has no rule" for name in sorted(linear - primitive.rules.keys()))


# --- first order ------------------------------------------------------------------------------


@_law(_recorded)
def rules_exist(primitive: Primitive, case: Case, _rng: np.random.Generator) -> float:
    """Every operand of floats has a rule."""
    for i in case.differentiable:
        if operand(primitive, i) not in primitive.rules:
            raise CheckError(f"{operand(primitive, i)!r} has no rule")
    return 0.0


@_law(_recorded)
def first_order(primitive: Primitive, case: Case, rng: np.random.Generator) -> float:
    """A gradient is the derivative by differences, to 1e-9."""
    g = drawn_cotangent(primitive, case, rng)
    y, found = pullback(primitive, case, g)
    errors = []
    for i, gradient in zip(case.differentiable, found, strict=True):
        (v,) = unit(rng, case.arrays[i].shape)

        def along(t: float, i: int = i, v: Array = v) -> float:
            return dot(g, primitive(*moved(case, {i: v}, t), **case.params))

        problem = f"the gradient in {operand(primitive, i)!r} is not the derivative"
        rounded = norm(g * y) + norm(gradient * case.arrays[i])
        sizes = {"reach": reach_of(case.arrays[i]), "spread": norm(gradient * v), "rounded": rounded}
        errors.append(is_slope(problem, dot(gradient, v), along, TOLERANCE, **sizes))
    return max(errors)


@_law(_recorded)
def shapes_and_dtypes(primitive: Primitive, case: Case, rng: np.random.Generator) -> float:
    """A gradient has the shape and the dtype of its operand."""
    _, found = pullback(primitive, case, drawn_cotangent(primitive, case, rng))
    for i, gradient in zip(case.differentiable, found, strict=True):
        expected, got = (f"{x.dtype} {x.shape}" for x in (case.arrays[i], gradient))
        if got != expected:
            raise CheckError(sentence(f"the gradient in {operand(primitive, i)!r}", expected=expected, got=got))
    return 0.0


@_law(_linear)
def adjoint(primitive: Primitive, case: Case, rng: np.random.Generator) -> float:
    """Where a primitive is linear, its rule is the adjoint: ⟨g, A x⟩ = ⟨Aᵀ g, x⟩."""
    g = drawn_cotangent(primitive, case, rng)
    _, found = pullback(primitive, case, g)
    worst = 0.0
    for i, gradient in zip(case.differentiable, found, strict=True):
        if operand(primitive, i) in case.linear:
            x = rng.standard_normal(case.arrays[i].shape)
            y, constant = (primitive(*replaced(case.arrays, {i: at}), **case.params) for at in (x, 0 * x))
            left, right = dot(g, y) - dot(g, constant), dot(gradient, x)
            size = norm(g) * norm(y) + norm(gradient) * norm(x)
            error = abs(left - right) / size if size else 0.0
            if not error <= 1e-12:
                what = f"⟨Aᵀ g, x⟩, A being linear in {operand(primitive, i)!r}"
                raise CheckError(sentence(what, expected=f"⟨g, A x⟩ = {left:.15g}", got=f"{right:.15g}"))
            worst = max(worst, error)
    return worst


# --- second order -----------------------------------------------------------------------------


@_law(_recorded)
def second_order(primitive: Primitive, case: Case, rng: np.random.Generator) -> float:
    """The gradient of a gradient is its derivative, to 1e-9."""
    g = drawn_cotangent(primitive, case, rng)
    shapes = [case.arrays[i].shape for i in case.differentiable]
    us = [rng.standard_normal(shape) for shape in shapes]
    *directions, along_g = unit(rng, *shapes, g.shape)

    operands, cotangent = tracked(case), Tensor(g, requires_grad=True)
    leaves = [operands[i] for i in case.differentiable]
    first = gradients(primitive(*operands, **case.params), leaves, cotangent, create_graph=True)
    s = sum(ops.sum(gradient * u) for gradient, u in zip(first, us, strict=True))
    leaves.append(cotangent)
    second = gradients(s, leaves) if isinstance(s, Tensor) and s.requires_grad else []
    terms = [
        gradient.numpy() * v
        for gradient, v in zip(second, [*directions, along_g], strict=False)
        if gradient is not None
    ]

    def along(t: float) -> float:
        arrays = moved(case, dict(zip(case.differentiable, directions, strict=True)), t)
        return sum(map(dot, us, pullback(primitive, case, g + t * along_g, arrays)[1]))

    by_tape, spread = float(sum(map(np.sum, terms))), sum(map(norm, terms))
    rounded = sum(norm(values_of(gradient) * u) for gradient, u in zip(first, us, strict=True))
    reach = reach_of(np.concatenate([np.ravel(case.arrays[i]) for i in case.differentiable]))
    sizes = {"reach": reach, "spread": spread, "rounded": rounded}
    return is_slope("the gradient of the gradient is not the derivative", by_tape, along, TOLERANCE, **sizes)


# --- memory layout and dtype ------------------------------------------------------------------


@_law(_recorded)
def layout_does_not_matter(primitive: Primitive, case: Case, rng: np.random.Generator) -> float:
    """Values and gradients do not depend on the memory layout of the arrays."""
    g = drawn_cotangent(primitive, case, rng)
    plain = pullback(primitive, case, g)
    worst = 0.0
    for name, layout in LAYOUTS.items():
        arrays = case.with_floats(layout)
        for what, laid, expected in _pairs(primitive, case, pullback(primitive, case, layout(g), arrays), plain):
            worst = max(worst, agree(f"{what}, arrays lying {name}", laid, expected, 1e-12, 1e-13))
    return worst


def _pairs(primitive: Primitive, case: Case, some: Pullback, others: Pullback) -> Iterator[tuple[str, Array, Array]]:
    """Yield the values and gradients of two pullbacks in pairs, with their descriptions."""
    yield "the value", some[0], others[0]
    for i, one, other in zip(case.differentiable, some[1], others[1], strict=True):
        yield f"the gradient in {operand(primitive, i)!r}", one, other


@_law(_recorded)
def inputs_are_left(primitive: Primitive, case: Case, rng: np.random.Generator) -> float:
    """Operands and cotangents are left as they were."""
    arrays, before = ([np.array(a) if isinstance(a, np.ndarray) else a for a in case.arrays] for _ in range(2))
    g = drawn_cotangent(primitive, case, rng)
    kept = g.copy()
    primitive(*tracked(case, arrays), **case.params).backward(Tensor.wrap(g))  # the engine copies a bare array
    agree("the cotangent afterwards", g, kept)
    for i, (a, original) in enumerate(zip(arrays, before, strict=True)):
        if isinstance(a, np.ndarray):
            agree(f"{operand(primitive, i)!r} afterwards", a, original)
            if not a.flags.writeable:
                raise CheckError(f"{operand(primitive, i)!r} can't be written to afterwards")
    return 0.0


@_law(_recorded)
def later_writes_do_not_matter(primitive: Primitive, case: Case, rng: np.random.Generator) -> float:
    """What is written to an operand after the call does not reach the tape."""
    g = drawn_cotangent(primitive, case, rng)
    _, found = pullback(primitive, case, g)
    for i, gradient in zip(case.differentiable, found, strict=True):
        arrays = [np.array(a) if isinstance(a, np.ndarray) else a for a in case.arrays]
        arrays[i] = Tensor(arrays[i], requires_grad=True)
        y = primitive(*arrays, **case.params)
        for a in arrays:
            if isinstance(a, np.ndarray):
                a[...] = 1 - a if a.dtype.kind != "b" else ~a
        what = f"the gradient in {operand(primitive, i)!r} after a write to the other operands"
        (again,) = cotangents_of(y, None, g, where=primitive.name).values()
        agree(what, again, gradient)
    return 0.0


@_law(_recorded)
def float32_stays(primitive: Primitive, case: Case, rng: np.random.Generator) -> float:
    """In float32 all stays float32, and close to what float64 gives."""
    g = drawn_cotangent(primitive, case, rng)
    double = pullback(primitive, case, g)
    singles = case.with_floats(cast(np.float32))
    single = pullback(primitive, case, g.astype(np.float32), singles)
    asked = np.dtype(case.params.get("dtype", np.float32))
    worst = 0.0
    for what, found, expected in _pairs(primitive, case, single, double):
        dtype = asked if found is single[0] else np.dtype(np.float32)
        if found.dtype != dtype:
            raise CheckError(sentence(f"{what} for float32", "another dtype", expected=dtype, got=found.dtype))
        scale = 1 + np.max(np.abs(expected), initial=0)
        worst = max(worst, agree(f"{what} in float32", found, expected, 2e-5, 2e-6 * scale))
    return worst


# --- what is recorded -------------------------------------------------------------------------


@_law(_recorded)
def saved_is_what_rules_ask_for(primitive: Primitive, case: Case, _rng: np.random.Generator) -> float:
    """The tape saves what the rules in use ask for, and nothing else."""
    for positions in [case.differentiable, *([i] for i in case.differentiable)]:
        node = primitive(*tracked(case, positions=positions), **case.params).node
        if node is None:
            raise CheckError("nothing is recorded; its value is not a float, so declare it constant")
        asked = set[str]().union(*(_asked(primitive, primitive.rules[operand(primitive, i)]) for i in positions))
        if node.saved.keys() != asked:
            expected, got = (", ".join(sorted(names)) or "nothing" for names in (asked, node.saved))
            raise CheckError(sentence("what is saved", expected=expected, got=got))
        if [parent is not None for parent in node.parents] != [i in positions for i in range(len(case.arrays))]:
            raise CheckError("other parents are recorded than the operands that want a gradient")
    return 0.0


def _asked(primitive: Primitive, rule: Rule) -> set[str]:
    """Return the names that a rule asks for, read off its signature."""
    asked = inspect.signature(rule.function).parameters.values()
    names = {p.name for p in asked if p.kind is p.KEYWORD_ONLY}
    if any(p.kind is p.VAR_KEYWORD for p in asked):
        names |= primitive.parameters.keys()
    return names - ({"index"} if primitive.variadic else set())


@_law(_always)
def arrays_give_an_array(primitive: Primitive, case: Case, _rng: np.random.Generator) -> float:
    """Called on arrays, it returns an array."""
    y = primitive(*case.arrays, **case.params)
    if not isinstance(y, (np.ndarray, np.generic)):
        raise CheckError(sentence("the value for arrays", expected="an array", got=type(y).__name__))
    return 0.0


@_law(_tracked)
def tensors_give_a_tensor(primitive: Primitive, case: Case, _rng: np.random.Generator) -> float:
    """Called on tensors, it returns the same in a read-only tensor."""
    y = primitive(*tracked(case), **case.params)
    if type(y) is not Tensor:
        raise CheckError(sentence("the value for tensors", expected="a Tensor", got=type(y).__name__))
    if y.requires_grad is primitive.constant:
        said = "constant" if primitive.constant else "not constant"
        raise CheckError(f"it is {said}, yet its value has requires_grad={y.requires_grad}")
    if not isinstance(y.value, np.generic) and y.value.flags.writeable:
        raise CheckError("the value for tensors can be written to")
    return agree("the value for tensors", y.data, primitive(*case.arrays, **case.params))


@_law(_tracked)
def nothing_is_recorded_unasked(primitive: Primitive, case: Case, _rng: np.random.Generator) -> float:
    """Nothing is recorded under no_grad(), nor where no operand wants a gradient."""
    with no_grad():
        unwatched = primitive(*tracked(case), **case.params)
    plain = case.with_floats(Tensor)
    for when, y in (("under no_grad()", unwatched), ("for plain tensors", primitive(*plain, **case.params))):
        if isinstance(y, Tensor) and y.node is not None:
            raise CheckError(f"it is recorded {when}")
    return 0.0


# --- the backends -----------------------------------------------------------------------------


@_law(_recorded)
def backends_agree(primitive: Primitive, case: Case, rng: np.random.Generator) -> float:
    """Both backends give the same, to 1e-5 in float32 and 1e-12 in float64."""
    drawn = drawn_cotangent(primitive, case, rng)
    worst = 0.0
    for dtype, tolerance in ((np.float32, 1e-5), (np.float64, 1e-12)):
        g = drawn.astype(dtype)
        arrays = case.with_floats(cast(dtype))
        with set_backend("reference"):
            plain = pullback(primitive, case, g, arrays)
        for name, layout in LAYOUTS.items():
            laid = case.with_floats(layout, arrays)
            with set_backend("jit"):
                fast = pullback(primitive, case, layout(g), laid)
            for what, found, expected in _pairs(primitive, case, fast, plain):
                where = f"{what} by jit, {dtype.__name__} arrays lying {name}"
                if found.dtype != expected.dtype:
                    raise CheckError(sentence(where, "another dtype", expected=expected.dtype, got=found.dtype))
                scale = np.max(np.abs(expected), initial=0)
                worst = max(worst, agree(where, found, expected, tolerance, tolerance * scale))
    return worst


# --- parameters -------------------------------------------------------------------------------


@_law(_recorded)
def spelling_does_not_matter(primitive: Primitive, case: Case, _rng: np.random.Generator) -> float:
    """Parameters may be NumPy's integers, lists or arrays; the tape keeps the same."""
    expected = primitive(*tracked(case), **case.params).node.saved
    for row in (list, np.array):
        params = {name: respelled(value, row if name != "index" else tuple) for name, value in case.params.items()}
        y = primitive(*tracked(case), **params)
        for name, kept in y.node.saved.items():
            if name in case.params and not isinstance(kept, np.ndarray) and repr(kept) != repr(expected[name]):
                raise CheckError(sentence(f"{name} as {params[name]!r} is kept", expected=expected[name], got=kept))
        agree("the value", y.data, primitive(*case.arrays, **case.params))
        y.backward(np.ones(y.shape))
    return 0.0


# --- shapes -----------------------------------------------------------------------------------


@_law(_always)
def shapes_need_no_values(primitive: Primitive, case: Case, _rng: np.random.Generator) -> float:
    """Shape and dtype follow from those of the operands; mismatches are refused."""
    calls: list[tuple[str, list[Any], dict[str, Any]]] = [("the sample", list(case.arrays), case.params)]
    narrow = (np.float32, np.float16)
    calls += [(dtype.__name__, case.with_floats(cast(dtype)), case.params) for dtype in narrow]
    calls += [(dtype.__name__, small_integers(case, dtype), case.params) for dtype in (np.int8, np.uint8)]
    for what, arrays, params in (*calls, *resized(case)):
        with set_backend("reference"):
            expected = _shape_or_error(primitive, arrays, params)
        abstract = [AbstractArray.of(a) if isinstance(a, np.ndarray) else a for a in arrays]
        got = _shape_or_error(primitive, abstract, params)
        if isinstance(expected, AbstractArray) and got != expected:
            hint = f"say what it is by @{primitive.name}.shape"
            raise CheckError(sentence(f"{what}, without values", expected=expected, got=got, hint=hint))
        if isinstance(expected, (ShapeError, IndexError)) and isinstance(got, AbstractArray):
            raise CheckError(sentence(f"{what}, without values", expected=f"an error, {expected}", got=got))
    return 0.0


def _shape_or_error(primitive: Primitive, operands: list[Any], params: dict[str, Any]) -> AbstractArray | Exception:
    """Return the shape and the dtype of a result, or what was raised."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy warns about empty means
        try:
            return AbstractArray.of(primitive(*operands, **params))
        except Exception as error:  # noqa: BLE001  # a user's primitive may raise anything
            return error


# --- odd operands -----------------------------------------------------------------------------


@_law(_always)
def sizes_are_checked(primitive: Primitive, case: Case, _rng: np.random.Generator) -> float:
    """Whatever the sizes, empty ones too, there are numbers or one sentence."""
    for what, arrays, params in resized(case):
        on_both_backends(primitive, what, arrays, params)
    return 0.0


@_law(_tracked)
def dtypes_are_checked(primitive: Primitive, case: Case, _rng: np.random.Generator) -> float:
    """Other byte orders, half precision and small integers give what float64 gives."""
    expected = on_both_backends(primitive, "float64", list(case.arrays), case.params)
    swapped = [a.astype(a.dtype.newbyteorder()) if isinstance(a, np.ndarray) else a for a in case.arrays]
    params = {k: v.astype(v.dtype.newbyteorder()) if isinstance(v, np.ndarray) else v for k, v in case.params.items()}
    foreign = on_both_backends(primitive, "", swapped, params)
    _agree_if_numbers("the other byte order", foreign, expected, 1e-12)
    if not isinstance(foreign, str) and not np.asarray(primitive(*swapped, **params)).dtype.isnative:
        raise CheckError("the value is in another byte order than this machine's")
    halves = case.with_floats(cast(np.float16))
    found = on_both_backends(primitive, "half precision", halves, case.params)
    exact = case.with_floats(cast(np.float64), halves)
    _agree_if_numbers("half precision", found, on_both_backends(primitive, "", exact, case.params), 2e-3)
    for dtype in (np.int8, np.uint8):
        integers = small_integers(case, dtype)
        floats = case.with_floats(cast(np.float64), integers)
        small = on_both_backends(primitive, dtype.__name__, integers, case.params)
        wide = on_both_backends(primitive, "", floats, case.params)
        if dtype is np.int8:  # an unsigned difference wraps in NumPy, too
            _agree_if_numbers(dtype.__name__, small, wide, 1e-6)
        if not isinstance(small, str) and small[0].dtype.kind == "f":
            _agree_if_numbers(dtype.__name__, small, wide, 1e-6)
            if small[0].dtype != np.float64 and "dtype" not in case.params:
                raise CheckError(sentence(f"the value for {dtype.__name__}", expected="float64", got=small[0].dtype))
    for other in (np.complex128, object):
        refused = case.with_floats(cast(other))
        if not isinstance(on_both_backends(primitive, other.__name__, refused, case.params), str):
            raise CheckError(f"it takes arrays of {np.dtype(other)}")
    return 0.0


def _agree_if_numbers(what: str, found: Outcome, expected: Outcome, relative: float) -> None:
    """Compare the values, and the gradients if there are any; a refusal is fine, too."""
    if isinstance(found, str) or isinstance(expected, str):
        return
    for one, other in zip([found[0], *found[1]], [expected[0], *expected[1]], strict=False):
        agree(what, one.astype(np.float64), other.astype(np.float64), relative, relative * max(1.0, largest(other)))


@_law(_recorded)
def nan_and_infinity_pass(primitive: Primitive, case: Case, _rng: np.random.Generator) -> float:
    """NaN and infinity are not errors; where the value is NaN, no gradient is 0."""
    usual = on_both_backends(primitive, "the sample", list(case.arrays), case.params)
    for k, i in enumerate(case.differentiable):
        for number in (np.nan, np.inf, -np.inf):
            for whole in (True, False):
                said = f"{operand(primitive, i)!r} {'filled with' if whole else 'with a'} {number}"
                found = on_both_backends(primitive, said, filled(case, i, number, whole=whole), case.params)
                if isinstance(found, str):
                    raise CheckError(sentence(said, "it is refused", got=found))
                lost = whole and np.isnan(number) and np.isnan(found[0]).any() and not found[1][k].any()
                if lost and not isinstance(usual, str) and usual[1][k].any():
                    raise CheckError(sentence(said, "the gradient is 0 though the value is NaN"))
    return 0.0
