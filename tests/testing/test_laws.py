"""Every law on every primitive of this package, on both backends; and that each law catches what breaks it."""

from contextlib import nullcontext
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

import autograd_cnn as ag
import autograd_cnn.testing.samples  # gives the laws their calls
from autograd_cnn.engine import backward
from autograd_cnn.engine.node import Node, Traced
from autograd_cnn.testing import CheckError, add_samples, laws, sample
from autograd_cnn.testing.case import registered_in

PRIMITIVES = registered_in(["autograd_cnn.ops"]).values()


# --- the registry -----------------------------------------------------------------------------


def test_samples_leave_nothing_out():
    missing = {primitive.name: list(laws.unsampled(primitive)) for primitive in PRIMITIVES}
    assert {name: said for name, said in missing.items() if said} == {}


TRIED_ON_BOTH = {laws.backends_agree, laws.dtypes_are_checked, laws.nan_and_infinity_pass, laws.sizes_are_checked}
"""These run the reference backend, too, and hold the one in use against it."""

FOLLOW = {laws.adjoint, laws.first_order, laws.float32_stays, laws.layout_does_not_matter, laws.rules_exist,
          laws.shapes_and_dtypes, laws.shapes_need_no_values}  # fmt: skip
"""What these say of values, gradients and dtypes the compiled backend keeps if the reference does and both agree."""


def _backends(law):
    current = ag.current_backend()
    return [current] if law in TRIED_ON_BOTH else sorted({"reference"} if law in FOLLOW else {"reference", current})


def _broken_laws(primitive, tried):
    """Return what breaks some laws on the samples of a primitive, call by call, as ``autograd-cnn check`` tells it."""
    broken = []
    for law in tried:
        for backend in _backends(law):
            with ag.set_backend(backend):
                outcomes = law.on_samples(primitive)
                broken += [f"{law.name}, {backend}: {said}" for said in outcomes if isinstance(said, CheckError)]
    return "\n".join(broken)


every_primitive = pytest.mark.parametrize("primitive", PRIMITIVES, ids=[primitive.name for primitive in PRIMITIVES])


@every_primitive
def test_laws(primitive):
    assert not _broken_laws(primitive, [law for law in laws.LAWS if law is not laws.backends_agree])


@every_primitive
def test_backends_agree(primitive):
    assert not _broken_laws(primitive, [laws.backends_agree])


# --- each law catches what breaks it ----------------------------------------------------------

ENGINE = import_module("autograd_cnn.engine.primitive")  # `autograd_cnn.engine.primitive` is the decorator
MATRIX = sample(np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]]))
PAIR = sample(np.array([0.5, -1.0]), np.array([2.0, 3.0]))


def _with_rule(forward, rule, *, residuals=()):
    """Make a primitive of one operand ``x``."""
    made = ag.primitive(residuals=residuals)(forward)
    made.vjp("x")(rule)
    return made


def _broken(law, primitive, case, rng):
    with pytest.raises(CheckError) as caught:
        law(primitive, case, rng)
    return str(caught.value)


def test_a_missing_rule(rng):
    product = _with_rule(lambda x, w: x * w, lambda g, *, w: g * w)
    assert _broken(laws.rules_exist, product, PAIR, rng) == "<lambda>(2,2): 'w' has no rule"
    assert _broken(laws.shapes_and_dtypes, product, PAIR, rng) == (
        "<lambda>(2,2): raised GradientError: <lambda>: no rule for a gradient with respect to 'w'; pass it detached, or define a rule for it"
    )


@pytest.mark.parametrize("factor", [0.0, 1 - 1e-6, -1.0])
def test_a_wrong_rule(factor, rng):
    cube = _with_rule(lambda x: x**3, lambda g, *, x: g * 3 * x**2 * factor)
    said = _broken(laws.first_order, cube, MATRIX, rng)
    assert said.startswith("<lambda>(2x3): the gradient in 'x' is not the derivative: expected ")
    assert said.endswith("; a rule may be wrong")


def test_a_kink_is_named(rng):
    said = _broken(laws.first_order, ag.relu, sample([0.0, 0.0]), rng)
    assert said.endswith("; there may be a kink or a tie nearby")


@pytest.mark.parametrize(
    ("rule", "got"),
    [(lambda g: g.astype(np.float32), "float32 (2, 3)"), (lambda g: g.sum(axis=0), "float64 (3,)")],
)
def test_a_gradient_unlike_its_operand(rule, got, rng, monkeypatch):
    monkeypatch.setattr(ENGINE, "unbroadcast_to", lambda g, parent, where: g)
    monkeypatch.setattr(backward, "_in_dtype_of", lambda node, g: g)
    same = _with_rule(lambda x: 1 * x, rule)
    assert _broken(laws.shapes_and_dtypes, same, MATRIX, rng) == (
        f"<lambda>(2x3): the gradient in 'x': expected float64 (2, 3), got {got}"
    )


@pytest.mark.parametrize("forward", [lambda x: 2 * x, lambda x: 2 * x + 1e-9 * x**2])
def test_a_rule_that_is_no_adjoint(forward, rng):
    double = _with_rule(forward, lambda g: g * (2 + 1e-9))
    case = replace(MATRIX, linear=("x",))
    said = _broken(laws.adjoint, double, case, rng)
    assert said.startswith("<lambda>(2x3): ⟨Aᵀ g, x⟩, A being linear in 'x': expected ⟨g, A x⟩ = ")
    assert not laws.adjoint.applies(double, MATRIX)


def test_a_rule_that_leaves_the_tape(rng):
    def wrt_x(g, *, x):
        return g * np.cos(x.numpy() if isinstance(x, ag.Tensor) else x)

    sine = _with_rule(lambda x: np.sin(1 * x), wrt_x)
    assert laws.first_order(sine, MATRIX, rng) < 1e-9
    said = _broken(laws.second_order, sine, MATRIX, rng)
    assert said.startswith("<lambda>(2x3): the gradient of the gradient is not the derivative: expected ")


def test_a_rule_that_gives_an_array_for_tensors(rng):
    def wrt_x(g, *, x):
        return np.zeros(x.shape) if isinstance(g, ag.Tensor) else 2 * g * x

    square = _with_rule(lambda x: x * x, wrt_x)
    said = _broken(laws.second_order, square, MATRIX, rng)
    assert said.endswith(", got 0; a rule may be wrong")


def test_what_depends_on_the_layout(rng):
    scaled = _with_rule(lambda x: x * x.strides[1], lambda g: g * 8)
    said = _broken(laws.layout_does_not_matter, scaled, MATRIX, rng)
    assert said == "<lambda>(2x3): the value, arrays lying in Fortran order, at (0, 2): expected 16, got 32"
    tilted = _with_rule(lambda x: 2 * x, lambda g: 2 * g * (g.strides[0] == 24))
    said = _broken(laws.layout_does_not_matter, tilted, MATRIX, rng)
    assert said.startswith("<lambda>(2x3): the gradient in 'x', arrays lying in Fortran order, at ")


def test_what_writes_to_its_operand(rng):
    def forward(x):
        np.negative(x, out=x)
        return 1 * x

    case = sample(MATRIX.arrays[0].copy())
    said = _broken(laws.inputs_are_left, _with_rule(forward, lambda g: -g), case, rng)
    assert said == "forward(2x3): 'x' afterwards, at (0, 2): expected 2, got -2"


def test_what_freezes_its_operand(rng):
    def forward(x):
        x.flags.writeable = False
        return 1 * x

    case = sample(MATRIX.arrays[0].copy())
    said = _broken(laws.inputs_are_left, _with_rule(forward, lambda g: g), case, rng)
    assert said == "forward(2x3): 'x' can't be written to afterwards"


def test_what_writes_to_the_cotangent(rng):
    def wrt_x(g):
        g *= 2
        return g

    said = _broken(laws.inputs_are_left, _with_rule(lambda x: 2 * x, wrt_x), MATRIX, rng)
    assert said.startswith("<lambda>(2x3): the cotangent afterwards, at (")


def test_what_keeps_an_array_of_the_callers(rng):
    product = ag.primitive(residuals=("seen",))(lambda x, w: (x * w, w))
    product.vjp("x")(lambda g, *, seen: g * seen)
    product.vjp("w")(lambda g, *, x: g * x)
    assert laws.first_order(product, PAIR, rng) < 1e-9
    said = _broken(laws.later_writes_do_not_matter, product, PAIR, rng)
    assert said.startswith("<lambda>(2,2): the gradient in 'x' after a write to the other operands, at ")


def test_what_leaves_float32(rng):
    wide = _with_rule(lambda x: x * np.ones(1), lambda g: g)
    assert _broken(laws.float32_stays, wide, MATRIX, rng) == (
        "<lambda>(2x3): the value for float32: another dtype: expected float32, got float64"
    )


def test_what_is_rough_in_float32(rng):
    rough = _with_rule(lambda x: (x + x.dtype.type(1e9)) - x.dtype.type(1e9), lambda g: g)
    said = _broken(laws.float32_stays, rough, MATRIX, rng)
    assert said.startswith("<lambda>(2x3): the value in float32, at (")


def test_what_saves_too_much(rng):
    greedy = _with_rule(lambda x: 2 * x, lambda g: 2 * g)
    greedy.rules.saved = lambda tracked, nodes, raw, y, residuals, params: {"x": raw[0], "y": y}
    assert _broken(laws.saved_is_what_rules_ask_for, greedy, MATRIX, rng) == (
        "<lambda>(2x3): what is saved: expected nothing, got x, y"
    )


def test_what_records_other_parents(rng, monkeypatch):
    def no_parents(primitive, parents, *rest):
        return Node(primitive, (None,) * len(parents), *rest)

    monkeypatch.setattr(ENGINE, "Node", no_parents)
    assert _broken(laws.saved_is_what_rules_ask_for, ag.exp, MATRIX, rng) == (
        "exp(2x3): other parents are recorded than the operands that want a gradient"
    )


def test_what_should_be_declared_constant(rng):
    rounded = _with_rule(lambda x: np.rint(x).astype(int), lambda g: 0 * g)
    assert _broken(laws.saved_is_what_rules_ask_for, rounded, MATRIX, rng) == (
        "<lambda>(2x3): nothing is recorded; its value is not a float, so declare it constant"
    )
    assert _broken(laws.tensors_give_a_tensor, rounded, MATRIX, rng) == (
        "<lambda>(2x3): it is not constant, yet its value has requires_grad=False"
    )


def test_what_gives_a_list(rng):
    listed = _with_rule(lambda x: [1.0, 2.0], lambda g: g)
    assert _broken(laws.arrays_give_an_array, listed, MATRIX, rng) == (
        "<lambda>(2x3): the value for arrays: expected an array, got list"
    )


def test_what_gives_something_else_on_tensors(rng):
    numbers = iter(range(10))
    odd = _with_rule(lambda x: x * next(numbers), lambda g: g)
    said = _broken(laws.tensors_give_a_tensor, odd, MATRIX, rng)
    assert said == "<lambda>(2x3): the value for tensors, at (0, 2): expected 2, got 0"


def test_what_gives_no_tensor_or_one_to_write_to(rng, monkeypatch):
    monkeypatch.setattr(ENGINE, "frozen", lambda y, raw: y)
    assert _broken(laws.tensors_give_a_tensor, ag.exp, MATRIX, rng) == (
        "exp(2x3): the value for tensors can be written to"
    )
    monkeypatch.setattr(ag.Tensor, "tensor_type", Traced)
    assert _broken(laws.tensors_give_a_tensor, ag.exp, MATRIX, rng) == (
        "exp(2x3): the value for tensors: expected a Tensor, got Traced"
    )


def test_what_records_unasked(rng, monkeypatch):
    monkeypatch.setattr(laws, "no_grad", nullcontext)
    assert _broken(laws.nothing_is_recorded_unasked, ag.exp, MATRIX, rng) == "exp(2x3): it is recorded under no_grad()"


def test_backends_that_differ(rng):
    def forward(x):
        return x * (1 + 3e-12 * (ag.current_backend() == "jit"))

    said = _broken(laws.backends_agree, _with_rule(forward, lambda g: g), MATRIX, rng)
    assert said.startswith(
        "forward(2x3): the value by jit, float64 arrays lying row by row, at (0, 2): expected 2, got "
    )


def test_a_dtype_that_differs(rng):
    def forward(x):
        return x.astype(np.float64) if ag.current_backend() == "jit" else 1 * x

    assert _broken(laws.backends_agree, _with_rule(forward, lambda g: g), MATRIX, rng) == (
        "forward(2x3): the value by jit, float32 arrays lying row by row: another dtype: expected float32, got float64"
    )


def test_what_keeps_another_byte_order(rng):
    def forward(x):
        return x.astype(">f8" if x.dtype.itemsize == 8 else x.dtype)

    assert _broken(laws.dtypes_are_checked, _with_rule(forward, lambda g: g), MATRIX, rng) == (
        "forward(2x3): the value is in another byte order than this machine's"
    )


def test_one_call_that_breaks_a_law_does_not_hide_the_others():
    doubled = _with_rule(lambda x: 2 * x, lambda g: g * (2 if g.size == 2 else 3))
    add_samples(doubled, sample([1.0]), sample([1.0, 2.0]), sample([1.0, 2.0, 3.0]), sample([1, 2]))
    first, second, third = laws.first_order.on_samples(doubled)
    assert str(first).startswith("<lambda>(1): the gradient in 'x' is not the derivative: expected ")
    assert second < 1e-9
    assert isinstance(third, CheckError)


def _whole_sum():
    def total(x):
        return np.sum(x)

    return _with_rule(total, lambda g: g)


def test_a_shape_that_is_not_inferred(rng):
    assert _broken(laws.shapes_need_no_values, _whole_sum(), MATRIX, rng) == (
        "total(2x3): the sample, without values: expected AbstractArray((), dtype=float64), "
        "got AbstractArray((2, 3), dtype=float64); say what it is by @total.shape"
    )
    said = _whole_sum()
    said.shape(lambda x: ())
    assert _broken(laws.shapes_need_no_values, said, MATRIX, rng) == (
        "total(2x3): int8, without values: expected AbstractArray((), dtype=int64), "
        "got AbstractArray((), dtype=int8); say what it is by @total.shape"
    )
    said = _whole_sum()
    said.shape(lambda x: (), dtype=lambda x: np.sum(np.empty(0, x.dtype)).dtype)
    assert laws.shapes_need_no_values(said, MATRIX, rng) == 0


def test_a_misfit_that_goes_unnoticed_without_values(rng):
    product = ag.primitive(lambda x, w: x * w)
    product.shape(lambda x, w: x.shape)
    said = _broken(laws.shapes_need_no_values, product, PAIR, rng)
    assert said.startswith("<lambda>(2,2): array 0 of shape (1,), without values: expected AbstractArray((2,)")
    product = ag.primitive(lambda x, w: 1 * ag.matmul(x, w))
    product.shape(lambda x, w: ())
    said = _broken(laws.shapes_need_no_values, product, PAIR, rng)
    assert said == (
        "<lambda>(2,2): array 0 of shape (1,), without values: expected an error, matmul: x1 has 1 columns but x2 has 2 "
        "rows; shapes x1=(1,), x2=(2,), got AbstractArray((), dtype=float64)"
    )


# --- samples that leave something out ---------------------------------------------------------


def test_a_primitive_without_samples():
    double = _with_rule(lambda x: 2 * x, lambda g: 2 * g)
    assert list(laws.unsampled(double)) == [
        "it has no samples; add some: autograd_cnn.testing.add_samples(<lambda>, sample(...))"
    ]


def test_a_rule_without_samples_and_a_linear_operand_without_rule():
    product = _with_rule(lambda x, w: x * w, lambda g, *, w: g * w)
    add_samples(product, sample(2, np.ones(3)), linear="x w")
    assert list(laws.unsampled(product)) == [
        "no sample has an array of floats for 'x'",
        "it is linear in 'w', which has no rule",
    ]


def test_every_law_says_what_it_is():
    assert all(law.says.endswith(".") for law in laws.LAWS)
    assert [getattr(laws, law.name) for law in laws.LAWS] == laws.LAWS
    assert len(laws.LAWS) == 19
