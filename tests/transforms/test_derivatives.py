"""Transforms: gradients of functions of arrays."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn, optim
from autograd_cnn.engine.backward import gradients
from autograd_cnn.errors import ArgumentError, GradientError, GradientWarning, OperandError, ShapeError
from autograd_cnn.tree import leaves, rebuilt


class Params(NamedTuple):
    w: Any
    b: Any


def _difference(f, x, h=1e-6):
    """Return the gradient of ``f`` at ``x`` by central differences, element by element."""
    slope = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = h
        slope[i] = (np.asarray(f(x + step)) - np.asarray(f(x - step))) / (2 * h)
    return slope


def _cubic(x):
    return ag.sum(ag.sin(x) * x**2)


# --- grad and value_and_grad ------------------------------------------------------------------


def test_a_gradient_is_the_derivative(rng):
    x = rng.standard_normal((2, 3))
    g = ag.grad(_cubic)(x)
    assert type(g) is np.ndarray
    np.testing.assert_allclose(g, np.cos(x) * x**2 + 2 * x * np.sin(x), rtol=1e-12)
    np.testing.assert_allclose(g, _difference(_cubic, x), rtol=1e-7, atol=1e-8)


def test_the_value_comes_along(rng):
    x = rng.standard_normal(4)
    value, g = ag.value_and_grad(_cubic)(x)
    assert type(value) is np.ndarray
    np.testing.assert_allclose(value, np.sum(np.sin(x) * x**2), rtol=1e-14)
    np.testing.assert_array_equal(g, ag.grad(_cubic)(x))


def test_functions_may_be_written_with_numpy(rng):
    x = rng.standard_normal(4)
    g = ag.grad(lambda x: np.sum(np.exp(-x) / (1 + x * x)))(x)
    np.testing.assert_allclose(g, -np.exp(-x) * (1 + x) ** 2 / (1 + x * x) ** 2, rtol=1e-12)


@pytest.mark.parametrize("x", [2.0, 2, np.float64(2), np.float32(2), np.array(2.0)])
def test_numbers_are_arrays_without_axes(x):
    g = ag.grad(lambda x: x**3)(x)
    assert np.shape(g) == ()
    assert g == 12
    assert np.asarray(g).dtype == (np.float32 if isinstance(x, np.float32) else np.float64)


def test_float32_is_kept():
    value, g = ag.value_and_grad(_cubic)(np.ones(3, np.float32))
    assert value.dtype == g.dtype == np.float32


def test_argnums_choose_the_arguments(rng):
    def f(a, b, c):
        return ag.sum(a * b**2 + c)

    a, b, c = rng.standard_normal((3, 4))
    np.testing.assert_allclose(ag.grad(f)(a, b, c), b**2)
    np.testing.assert_allclose(ag.grad(f, 1)(a, b, c), 2 * a * b)
    np.testing.assert_allclose(ag.grad(f, -1)(a, b, c), np.ones(4))
    gb, ga = ag.grad(f, (1, 0))(a, b, c)
    np.testing.assert_allclose(ga, b**2)
    np.testing.assert_allclose(gb, 2 * a * b)
    (only,) = ag.grad(f, (2,))(a, b, c)
    np.testing.assert_allclose(only, np.ones(4))


def test_other_arguments_and_options_are_passed_on():
    def f(x, names, *, power):
        assert names == ["a", "b"]
        return ag.sum(x**power)

    np.testing.assert_array_equal(ag.grad(f)(np.array([1.0, 2.0]), ["a", "b"], power=3), [3, 12])


def test_what_the_function_does_not_depend_on_has_zeros_for_a_gradient():
    ga, gb = ag.grad(lambda a, b: ag.sum(a), (0, 1))(np.ones(2), np.ones((2, 3), np.float32))
    np.testing.assert_array_equal(ga, [1, 1])
    np.testing.assert_array_equal(gb, np.zeros((2, 3)))
    assert gb.dtype == np.float32


W = ag.tensor(3.0, requires_grad=True)


@for_each(
    "constant", [3.0, np.float64(3), np.array(3.0), ag.tensor(3.0), 3, W, W * 1.0, ag.tensor(np.True_), ag.tensor(2)]
)
def test_an_output_that_depends_on_no_argument_has_zeros_and_a_warning(constant):
    text = "the output depends on no argument in a differentiable way; its gradient is 0"
    with pytest.warns(GradientWarning) as caught:
        value, g = ag.value_and_grad(lambda x: constant)(np.ones(2))
    assert str(caught[0].message) == f"value_and_grad: {text}"
    assert (len(caught), caught[0].filename) == (1, __file__)
    assert value == constant
    np.testing.assert_array_equal(g, [0, 0])
    with pytest.warns(GradientWarning, match=f"grad: {text}") as caught:
        assert ag.grad(lambda x: constant)(1.0) == 0
    assert (len(caught), caught[0].filename) == (1, __file__)
    with pytest.warns(GradientWarning, match=f"jacobian: {text}") as caught:
        assert ag.jacobian(lambda x: np.ones(2) if constant is W else constant)(1.0).sum() == 0
    assert (len(caught), caught[0].filename) == (1, __file__)
    _, pullback = ag.vjp(lambda x: constant, 1.0)
    with pytest.warns(GradientWarning, match=f"vjp: {text}"):
        assert pullback(1.0)[0] == 0
    with pytest.warns(GradientWarning, match=f"hessian: {text}") as caught:
        assert ag.hessian(lambda x: constant)(1.0) == 0
    assert len(caught) == 1


def test_a_derivative_that_is_zero_by_right_warns_of_nothing():
    assert ag.grad(ag.grad(lambda x: 3.0 * x))(1.0) == 0
    assert ag.grad(lambda x: 0.0 * x)(1.0) == 0
    assert ag.grad(lambda x: ag.grad(lambda z: z + x)(1.0))(1.0) == 0
    _, pullback = ag.vjp(ag.grad(lambda x: 2.0 * x), 1.0)
    assert pullback(1.0)[0] == 0


def test_two_gradients_that_are_the_same_array_cannot_be_written_to():
    ga, gb = ag.grad(lambda a, b: ag.sum((a + b) ** 2), (0, 1))(np.ones(2), np.ones(2))
    for g in (ga, gb):
        with pytest.raises(ValueError, match="read-only"):
            g[...] = 1


def test_the_arguments_are_neither_changed_nor_locked():
    x = np.ones(3)
    ag.grad(_cubic)(x)
    assert x.flags.writeable
    np.testing.assert_array_equal(x, [1, 1, 1])


def test_a_transform_records_even_under_no_grad():
    with ag.no_grad():
        assert ag.grad(lambda x: x * x)(3.0) == 6.0


def test_a_transform_keeps_the_name_of_its_function():
    assert ag.grad(_cubic).__name__ == ag.value_and_grad(_cubic).__name__ == ag.jacobian(_cubic).__name__ == "_cubic"


# --- containers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "read"),
    [
        ([np.array([1.0, 2.0]), 3.0], lambda p: (p[0], p[1])),
        ((np.array([1.0, 2.0]), 3.0), lambda p: (p[0], p[1])),
        ({"w": np.array([1.0, 2.0]), "b": 3.0}, lambda p: (p["w"], p["b"])),
        (Params(np.array([1.0, 2.0]), 3.0), lambda p: (p.w, p.b)),
        ({"inner": [(np.array([1.0, 2.0]),)], "b": [3.0]}, lambda p: (p["inner"][0][0], p["b"][0])),
    ],
)
def test_arguments_may_be_containers(params, read):
    def f(p):
        w, b = read(p)
        return ag.sum(w**2) * b

    g = ag.grad(f)(params)
    assert type(g) is type(params)
    gw, gb = read(g)
    np.testing.assert_array_equal(gw, [6, 12])
    assert gb == 5


def test_containers_and_arrays_together():
    ga, gb = ag.grad(lambda p, x: p["w"] * x, (0, 1))({"w": 2.0}, 5.0)
    assert (ga, gb) == ({"w": 5.0}, 2.0)


def test_an_empty_container_has_an_empty_gradient():
    assert ag.grad(lambda p: 1.0)({}) == {}


# --- tensors, and orders above the first ------------------------------------------------------


def test_tensors_in_tensors_out():
    x = ag.tensor([1.0, 2.0])
    value, g = ag.value_and_grad(_cubic)(x)
    assert type(value) is type(g) is ag.Tensor
    assert (value.requires_grad, g.requires_grad, x.requires_grad) == (False, False, False)


def test_the_gradient_at_a_recorded_tensor_can_be_differentiated():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    value, g = ag.value_and_grad(lambda x: ag.sum(x**3))(x * 2.0)
    assert x.grad is None
    np.testing.assert_array_equal(gradients(value, [x], retain_graph=True)[0], 24 * x.data**2)
    g.sum().backward()
    np.testing.assert_array_equal(x.grad.data, 24 * x.data)


def test_gradients_nest():
    f = ag.grad(ag.grad(ag.grad(lambda x: x**5)))
    assert float(f(2.0)) == 5 * 4 * 3 * 4.0


def test_the_fifth_derivative_of_the_sine():
    f = ag.sin
    for _ in range(5):
        f = ag.grad(f)
    assert float(f(0.7)) == pytest.approx(np.cos(0.7), rel=1e-14)


@pytest.mark.parametrize("x", [-1.0, 0.0, 2.5])
def test_inner_and_outer_variables_are_not_confused(x):
    def inner(x):
        return ag.grad(lambda y: x + y)(1.0)

    assert float(ag.grad(lambda x: x * inner(x))(x)) == 1.0
    assert float(ag.grad(lambda x: x * ag.grad(lambda y: x * y)(3.0))(x)) == 2 * x
    assert float(ag.grad(lambda x: ag.grad(lambda y: x * y * y)(x))(x)) == 4 * x
    assert float(ag.grad(lambda x: ag.grad(lambda x: x * x)(x) * x)(x)) == 4 * x


def test_an_inner_gradient_with_respect_to_an_array_is_differentiable_in_the_outer_variable():
    c = np.array([1.0, 2.0])

    def f(x):
        g = ag.grad(lambda y: ag.sum(ag.sin(x * y)))(c)  # x cos(x c)
        assert type(g) is ag.Tensor
        return ag.sum(g)

    x = 0.3
    assert float(ag.grad(f)(x)) == pytest.approx(np.sum(np.cos(x * c) - x * c * np.sin(x * c)), rel=1e-14)


def test_an_argument_that_moves_on_keeps_its_gradient():
    def f(x):
        x *= 2
        return ag.sum(x**2)

    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(ag.grad(lambda x: ag.sum(ag.grad(f)(x)))(x), [8, 8])
    np.testing.assert_array_equal(ag.grad(lambda x: f(x * 1.0))(x), 8 * x)


def test_parameters_outside_are_constants():
    w = ag.tensor([2.0, 3.0], requires_grad=True)
    g = ag.grad(lambda x: ag.sum(x * w * w))(np.ones(2))
    assert type(g) is np.ndarray
    np.testing.assert_array_equal(g, [4, 9])
    assert w.grad is None


# --- vjp --------------------------------------------------------------------------------------


def test_a_pullback_can_be_called_many_times(rng):
    a, b = rng.standard_normal((2, 3)), rng.standard_normal((3, 4))
    value, pullback = ag.vjp(ag.matmul, a, b)
    np.testing.assert_allclose(value, a @ b)
    for _ in range(3):
        u = rng.standard_normal((2, 4))
        ga, gb = pullback(u)
        assert type(ga) is np.ndarray
        np.testing.assert_allclose(ga, u @ b.T)
        np.testing.assert_allclose(gb, a.T @ u)


def test_pullbacks_of_containers_and_of_what_is_independent():
    _, pullback = ag.vjp(lambda p, x: p["w"] * 2, {"w": np.ones(2)}, np.ones(3))
    gp, gx = pullback([1.0, 5.0])
    np.testing.assert_array_equal(gp["w"], [2, 10])
    np.testing.assert_array_equal(gx, [0, 0, 0])


def test_a_pullback_among_tensors_is_differentiable():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    _, pullback = ag.vjp(lambda x: x**3, x)
    (g,) = pullback(ag.tensor([1.0, 10.0]))
    g.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [6, 120])


def test_a_recorded_cotangent_keeps_its_gradient():
    x = np.array([1.0, 2.0])
    _, pullback = ag.vjp(lambda x: x**3, x)
    u = ag.tensor([1.0, 10.0], requires_grad=True)
    (g,) = pullback(u)
    (g * g).sum().backward()
    np.testing.assert_array_equal(u.grad.data, 2 * u.data * (3 * x**2) ** 2)
    np.testing.assert_array_equal(ag.grad(lambda u: ag.sum(pullback(u)[0]))(np.ones(2)), 3 * x**2)
    v = ag.tensor([1.0, 1.0], requires_grad=True)
    ag.hvp(lambda x: ag.sum(x**3), x, v).sum().backward()
    np.testing.assert_array_equal(v.grad.data, 6 * x)


def test_a_recorded_argument_keeps_its_gradient_whichever_it_is():
    w = ag.tensor([2.0, 3.0], requires_grad=True)
    ag.grad(lambda x, w: ag.sum(w * x**2))(np.array([1.0, 5.0]), w).sum().backward()
    np.testing.assert_array_equal(w.grad.data, [2, 10])
    w.grad = None
    ag.grad(lambda x, *, p: ag.sum(p["w"] * x**2))(np.array([1.0, 5.0]), p={"w": w}).sum().backward()
    np.testing.assert_array_equal(w.grad.data, [2, 10])


# --- jacobian, hessian, hvp -------------------------------------------------------------------


def test_a_jacobian_holds_every_derivative(rng):
    a, x = rng.standard_normal((2, 3)), rng.standard_normal((3, 4))
    j = ag.jacobian(lambda x: ag.matmul(a, x) ** 2)(x)
    assert j.shape == (2, 4, 3, 4)
    expected = np.zeros((2, 4, 3, 4))
    for i, k, m in np.ndindex(2, 4, 3):
        expected[i, k, m, k] = 2 * (a @ x)[i, k] * a[i, m]
    np.testing.assert_allclose(j, expected, rtol=1e-12)


def test_jacobians_choose_their_argument_and_keep_float32():
    j = ag.jacobian(lambda a, b: a * b, argnums=1)(np.float32([2, 3]), np.float32([1, 1]))
    np.testing.assert_array_equal(j, [[2, 0], [0, 3]])
    assert j.dtype == np.float32


@pytest.mark.parametrize(("output", "shape"), [(ag.sum, (3,)), (lambda x: x[:0], (0, 3))])
def test_jacobians_of_numbers_and_of_nothing(output, shape):
    assert ag.jacobian(output)(np.ones(3)).shape == shape


def test_a_hessian_holds_every_second_derivative(rng):
    x = rng.standard_normal(4)
    h = ag.hessian(lambda x: ag.sum(x) ** 3 + x[0] * x[1])(x)
    expected = np.full((4, 4), 6 * x.sum())
    expected[0, 1] += 1
    expected[1, 0] += 1
    np.testing.assert_allclose(h, expected, rtol=1e-12)


def test_a_hessian_of_a_linear_function_is_zero():
    np.testing.assert_array_equal(ag.hessian(lambda x: ag.sum(x) * 2.0)(np.ones(2)), np.zeros((2, 2)))


def test_a_hessian_times_a_vector(rng):
    x, v = rng.standard_normal((2, 3)), rng.standard_normal((2, 3))

    def f(x):
        return ag.sum(ag.exp(x) @ ag.sin(x).T)

    h = ag.hessian(f)(x)
    np.testing.assert_allclose(ag.hvp(f, x, v), np.einsum("abcd,cd->ab", h, v), rtol=1e-12)
    np.testing.assert_allclose(h, h.transpose(2, 3, 0, 1), rtol=1e-12)
    np.testing.assert_array_equal(ag.hvp(ag.sum, x, v), np.zeros((2, 3)))


def _of_a_tree(p):
    return np.sum(p["w"] @ p["w"].T * p["b"] ** 2) + p["b"][0] ** 3


def test_derivatives_of_containers_are_those_of_one_array_taken_apart(rng):
    tree = {"w": rng.standard_normal((2, 3)), "b": rng.standard_normal(2)}
    flat = np.concatenate([tree["w"].ravel(), tree["b"]])

    def of_one(x):
        return _of_a_tree({"w": x[:6].reshape(2, 3), "b": x[6:]})

    j = ag.jacobian(lambda p: ag.stack([_of_a_tree(p), p["b"][0]]))(tree)
    assert (j["w"].shape, j["b"].shape) == ((2, 2, 3), (2, 2))
    np.testing.assert_allclose(j["b"][1], [1, 0])
    whole = ag.hessian(of_one)(flat)
    h = ag.hessian(_of_a_tree)(tree)
    np.testing.assert_allclose(h["w"]["w"].reshape(6, 6), whole[:6, :6], rtol=1e-12)
    np.testing.assert_allclose(h["b"]["w"].reshape(2, 6), whole[6:, :6], rtol=1e-12)
    np.testing.assert_allclose(h["b"]["b"], whole[6:, 6:], rtol=1e-12)
    product = ag.hvp(_of_a_tree, tree, tree)
    np.testing.assert_allclose(np.concatenate([product["w"].ravel(), product["b"]]), whole @ flat, rtol=1e-12)


def test_derivatives_by_several_arguments():
    def f(a, b):
        return ag.sum(a * a * b)

    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    j = ag.jacobian(f, (1, 0))(a, b)
    np.testing.assert_array_equal(j, [a * a, 2 * a * b])
    h = ag.hessian(f, (0, 1))(a, b)
    np.testing.assert_array_equal(h[0][0], np.diag(2 * b))
    np.testing.assert_array_equal(h[1][0], np.diag(2 * a))
    np.testing.assert_array_equal(h[1][1], np.zeros((2, 2)))
    (only,) = ag.hessian(f, (0,))(a, b)
    np.testing.assert_array_equal(only[0], np.diag(2 * b))


@dataclass
class _Line:
    slope: np.ndarray
    offset: float


def test_dataclasses_are_containers():
    g = ag.grad(lambda line: line.slope @ np.array([1.0, 2.0]) + line.offset**2)(_Line(np.array([3.0, 4.0]), 5.0))
    assert isinstance(g, _Line)
    assert (g.slope.tolist(), float(g.offset)) == ([1.0, 2.0], 10.0)


# --- forward mode -----------------------------------------------------------------------------


def test_a_pushforward_is_the_jacobian_times_a_tangent(rng):
    def f(x, w):
        return np.tanh(x @ w) * np.linalg.norm(x)

    x, w, dx, dw = (rng.standard_normal(shape) for shape in ((2, 3), (3, 2)) * 2)
    jx, jw = ag.jacobian(f, (0, 1))(x, w)
    value, pushforward = ag.linearize(f, x, w)
    np.testing.assert_array_equal(value, f(x, w))
    for scale in (1.0, -3.0):
        expected = np.tensordot(jx, scale * dx, 2) + np.tensordot(jw, dw, 2)
        np.testing.assert_allclose(pushforward(scale * dx, dw), expected, rtol=1e-12)
    value, tangent = ag.jvp(lambda p: f(*p), [(x, w)], [(dx, dw)])
    np.testing.assert_allclose(tangent, np.tensordot(jx, dx, 2) + np.tensordot(jw, dw, 2), rtol=1e-12)


def test_a_pushforward_and_a_pullback_are_adjoint(rng):
    f = lambda x: np.cumsum(np.exp(x), axis=1)[:, ::2]  # noqa: E731
    x, dx, g = rng.standard_normal((2, 5)), rng.standard_normal((2, 5)), rng.standard_normal((2, 3))
    (pulled,) = ag.vjp(f, x)[1](g)
    assert np.sum(pulled * dx) == pytest.approx(np.sum(ag.jvp(f, (x,), (dx,))[1] * g))


def test_forward_mode_nests_and_is_differentiable():
    def slope(x):
        return ag.jvp(lambda z: z**4, (x,), (1.0,))[1]

    assert slope(2.0) == 32.0
    assert slope(2) == 32.0
    assert ag.jvp(slope, (2.0,), (1.0,))[1] == 48.0
    assert ag.grad(slope)(2.0) == 48.0
    x = ag.tensor(2.0, requires_grad=True)
    slope(x).backward()
    assert x.grad.item() == 48.0
    assert isinstance(ag.jvp(ag.sin, (ag.tensor(0.0),), (1.0,))[1], ag.Tensor)


def test_what_is_constant_has_a_tangent_of_zero_and_a_warning():
    with pytest.warns(GradientWarning, match="jvp: the output depends on no argument"):
        value, tangent = ag.jvp(np.floor, (np.array([1.5, 2.5]),), (np.ones(2),))
    assert (value.tolist(), tangent.tolist()) == ([1, 2], [0, 0])
    value, pushforward = ag.linearize(lambda a, b: a * 2, 1.0, np.ones(2))
    assert pushforward(3.0, np.ones(2)) == 6.0


@pytest.mark.parametrize("tangents", [(np.ones(2),), (np.ones(3), np.ones(3)), ([np.ones(3)] * 2,)])
def test_tangents_of_other_shapes(tangents):
    with pytest.raises(ShapeError) as err:
        ag.jvp(ag.sin, (np.ones(3),), tangents)
    got = ", ".join(str(np.shape(t)) for t in (tangents[0] if isinstance(tangents[0], list) else tangents))
    assert str(err.value) == f"jvp: the tangents are not shaped as the arguments: expected (3,), got {got}"


def test_a_derivative_element_by_element(rng):
    x = rng.standard_normal((2, 3))
    np.testing.assert_allclose(ag.elementwise_grad(np.sin)(x), np.cos(x), rtol=1e-14)
    np.testing.assert_allclose(ag.elementwise_grad(ag.elementwise_grad(np.sin))(x), -np.sin(x), rtol=1e-14)
    da, db = ag.elementwise_grad(np.multiply, (0, 1))(x, 3.0)
    np.testing.assert_array_equal(da, np.full((2, 3), 3.0))
    assert db == pytest.approx(x.sum())


# --- what comes along -------------------------------------------------------------------------


def test_what_comes_along_is_not_differentiated():
    def f(x):
        y = ag.exp(x)
        return ag.sum(y), {"y": y, "text": "as it is"}

    (value, aux), g = ag.value_and_grad(f, has_aux=True)(np.zeros(2))
    assert (float(value), g.tolist(), aux["text"]) == (2.0, [1.0, 1.0], "as it is")
    assert isinstance(aux["y"], np.ndarray)
    g, aux = ag.grad(f, has_aux=True)(ag.tensor([0.0, 0.0]))
    assert isinstance(aux["y"], ag.Tensor)
    with pytest.raises(OperandError) as err:
        ag.grad(ag.sum, has_aux=True)(np.zeros(2))
    assert str(err.value) == (
        "grad: the function's result is not understood: expected with has_aux a pair: what is differentiated, and "
        "anything else, got Tensor"
    )


def test_what_comes_along_with_other_transforms():
    x = np.array([1.0, 2.0])
    for transform in (ag.jacobian, ag.hessian):
        square = (lambda x: ag.sum(x**2)) if transform is ag.hessian else (lambda x: x**2)
        found, aux = transform(lambda x, f=square: (f(x), {"x": x}), has_aux=True)(x)
        np.testing.assert_array_equal(found, transform(square)(x))
        np.testing.assert_array_equal(aux["x"], x)
    (value, aux), pullback = ag.vjp(lambda x: (x**2, "along"), x, has_aux=True)
    assert (value.tolist(), aux, pullback(np.ones(2))[0].tolist()) == ([1.0, 4.0], "along", [2.0, 4.0])


# --- functions that return containers ---------------------------------------------------------


def _several(p):
    return {"product": p["a"] * p["b"], "rest": (ag.sum(p["a"]), _Line(p["b"] ** 2, p["a"][0] * p["b"][1]))}


def test_results_in_containers_are_those_of_single_functions(rng):
    p = {"a": rng.standard_normal(3), "b": rng.standard_normal(3)}
    v = {"a": rng.standard_normal(3), "b": rng.standard_normal(3)}
    singles = [lambda p, i=i: list(leaves(_several(p)))[i] for i in range(4)]
    plain = [np.asarray(y) for y in leaves(_several({name: ag.tensor(x) for name, x in p.items()}))]
    jacobians = ag.jacobian(_several)(p)
    value, derivative = ag.jvp(_several, (p,), (v,))
    assert isinstance(jacobians["rest"][1], _Line)
    rows = [jacobians["product"], jacobians["rest"][0], jacobians["rest"][1].slope, jacobians["rest"][1].offset]
    for f, row, y, z, d in zip(singles, rows, plain, leaves(value), leaves(derivative), strict=True):
        np.testing.assert_allclose(z, y)
        np.testing.assert_allclose(d, ag.jvp(f, (p,), (v,))[1], rtol=1e-12)
        for name in p:
            np.testing.assert_allclose(row[name], ag.jacobian(f)(p)[name], rtol=1e-12)
    value, pullback = ag.vjp(_several, p)
    cotangent = rebuilt(value, (np.ones(np.shape(y)) * i for i, y in enumerate(leaves(value))))
    total = ag.grad(lambda p: sum(i * ag.sum(f(p)) for i, f in enumerate(singles)))(p)
    for name in p:
        np.testing.assert_allclose(pullback(cotangent)[0][name], total[name], rtol=1e-12)
    by_two = ag.jacobian(lambda a, b: [a * b, a[0]], (0, 1))(p["a"], p["b"])
    np.testing.assert_array_equal(by_two[0][1], np.diag(p["a"]))
    np.testing.assert_array_equal(by_two[1][0], [1, 0, 0])
    with pytest.raises(ShapeError) as err:
        pullback(rebuilt(value, iter([1.0] * 4)))
    assert str(err.value) == (
        "vjp: the cotangents are not shaped as the function's results: expected (3,), (), (3,), (), got (), (), (), ()"
    )


@for_each("thing", [nn.MSELoss(), optim.SGD([ag.tensor(1.0, requires_grad=True)])])
def test_objects_with_a_state_are_passed_as_they_are(thing):
    assert list(leaves([thing])) == [thing]
    seen = []
    ag.grad(lambda x, other: seen.append(other) or x * x)(2.0, thing)
    assert seen == [thing]


def test_jacobians_of_jacobians(rng):
    x = rng.standard_normal(3)
    third = ag.jacobian(ag.jacobian(lambda x: x**3))(x)
    expected = np.zeros((3, 3, 3))
    expected[[0, 1, 2], [0, 1, 2], [0, 1, 2]] = 6 * x
    np.testing.assert_allclose(third, expected, rtol=1e-12)


# --- errors -----------------------------------------------------------------------------------


def test_gradients_need_a_single_number():
    with pytest.raises(GradientError) as err:
        ag.grad(lambda x: x * 2)(np.ones(3))
    assert str(err.value) == (
        "grad: the output is not a scalar: expected one number, got shape (3,); "
        "reduce it with .sum() or .mean(), or pass a cotangent of its shape"
    )


@pytest.mark.parametrize(("argnums", "got"), [(2, 2), ((0, 5), 5), (-3, -3)])
def test_an_argument_that_was_not_given(argnums, got):
    with pytest.raises(GradientError) as err:
        ag.grad(lambda a, b: a * b, argnums)(1.0, 2.0)
    assert str(err.value) == (
        f"grad: argnums names an argument that was not given: expected below 2, got {got}; "
        "arguments are counted by position, so pass it without its name"
    )


@pytest.mark.parametrize("call", [lambda g: g(), lambda g: g(a=1.0)])
def test_nothing_passed_by_position(call):
    with pytest.raises(GradientError) as err:
        call(ag.grad(lambda a=2.0: a * a))
    assert str(err.value) == (
        "grad: no argument was passed by position, so there is none to differentiate with respect to"
    )


@pytest.mark.parametrize("argnums", [(0, 0), (1, -1), [0, 1, 0]])
def test_an_argument_named_twice(argnums):
    with pytest.raises(GradientError, match="grad: argnums names an argument twice: expected each once, got"):
        ag.grad(lambda a, b: a * b, argnums)(1.0, 2.0)


def test_argnums_of_any_integer_kind():
    for argnums in (np.int64(1), np.array(1), -1):
        assert ag.grad(lambda a, b: a * b, argnums)(2.0, 3.0) == 2
    for argnums in ([1], (np.int64(1),), np.array([1]), range(1, 2)):
        assert ag.grad(lambda a, b: a * b, argnums)(2.0, 3.0) == (2,)
    assert ag.jacobian(lambda a, b: a * b, np.int64(1))(2.0, 3.0) == 2


@pytest.mark.parametrize("argnums", [1.0, "a", None, True, (0, 1.5), np.ones(2)])
def test_argnums_of_another_kind(argnums):
    for transform in (ag.grad, ag.value_and_grad, ag.elementwise_grad, ag.jacobian, ag.hessian):
        with pytest.raises(ArgumentError) as err:
            transform(lambda a: a, argnums)
        assert str(err.value) == (
            f"{transform.__name__}: argnums is not understood: expected an int or a tuple of ints, got {argnums!r}"
        )


@pytest.mark.parametrize(
    "transform",
    [
        ag.grad,
        ag.value_and_grad,
        ag.elementwise_grad,
        ag.vjp,
        lambda f, x: ag.jvp(f, (x,), (x,)),
        ag.linearize,
        ag.jacobian,
        ag.hessian,
        lambda f, x: ag.hvp(f, x, x),
    ],
    ids=["grad", "value_and_grad", "elementwise_grad", "vjp", "jvp", "linearize", "jacobian", "hessian", "hvp"],
)
def test_what_is_no_function(transform, request):
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    name = request.node.callspec.id
    with pytest.raises(OperandError) as err:
        transform((x * x).sum(), x)
    assert str(err.value) == (
        f"{name}: f is not a function: expected a function of arrays, got Tensor; "
        "use loss.backward() for the gradient of a tensor"
    )
    with pytest.raises(OperandError) as err:
        transform(np.ones(2), x)
    assert str(err.value) == f"{name}: f is not a function: expected a function of arrays, got ndarray"


def test_a_function_that_returns_tensors_in_a_list():
    with pytest.raises(OperandError) as err:
        ag.grad(lambda x: [x[0], x[1]])(np.ones(2))
    assert str(err.value) == (
        "grad: the function's result is not understood: expected an array or a number, got list; "
        "join tensors with ag.stack"
    )


@pytest.mark.parametrize(("result", "kind"), [(None, "NoneType"), ((1.0, 2.0), "tuple"), ({}, "dict"), ("1", "str")])
def test_a_function_that_returns_no_array(result, kind):
    text = f"the function's result is not understood: expected an array or a number, got {kind}"
    calls = {"grad": lambda f: ag.grad(f)(1.0), "value_and_grad": lambda f: ag.value_and_grad(f)(1.0)}
    if kind != "tuple":  # of numbers, which these take
        calls |= {"jacobian": lambda f: ag.jacobian(f)(1.0), "vjp": lambda f: ag.vjp(f, 1.0)}
    for name, call in calls.items():
        with pytest.raises(OperandError) as err:
            call(lambda x: result)
        assert str(err.value) == f"{name}: {text}"


@pytest.mark.parametrize(
    ("x", "problem"),
    [
        (
            np.array([1, 2]),
            (
                "requires_grad: only floats have gradients: expected float32 or float64, got int64; "
                "convert with .astype(np.float32) first"
            ),
        ),
        (None, "tensor: data is not an array of numbers: expected ints, floats or bools, got object"),
        ({"a": "text"}, "tensor: data is not an array of numbers: expected ints, floats or bools, got <U4"),
    ],
)
def test_arguments_that_have_no_gradient(x, problem):
    with pytest.raises(OperandError) as err:
        ag.grad(lambda x: 1.0)(x)
    assert str(err.value) == problem
    assert err.value.__notes__ == ["grad differentiates with respect to floating-point arrays"]


def test_a_cotangent_of_another_shape():
    _, pullback = ag.vjp(lambda x: x * 2, np.ones(3))
    with pytest.raises(ShapeError) as err:
        pullback(np.ones(2))
    assert str(err.value) == "vjp: the cotangent has the wrong shape: expected the output's (3,), got (2,)"


def test_a_function_that_fails_leaves_the_next_one_alone():
    def f(x):
        raise KeyError

    with pytest.raises(KeyError):
        ag.grad(f)(1.0)
    assert type(ag.grad(_cubic)(np.ones(2))) is np.ndarray
