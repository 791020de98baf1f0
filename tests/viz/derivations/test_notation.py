"""Formulas in index notation, against einsum."""

import re

import numpy as np
import pytest
from tables import for_each

from autograd_cnn.errors import ArgumentError, OperandError
from autograd_cnn.viz import NamedArray
from autograd_cnn.viz.derivations.notation import adjoint, walk

RNG = np.random.default_rng(0)


def _made(formula, arrays, over="", **sizes):
    each = walk(formula, arrays, over, **sizes)
    out = np.zeros(arrays[each.target.array].values.shape)
    each.run({name: array.values for name, array in arrays.items()}, out.reshape(-1))
    return out


@for_each(
    "formula, subscripts",
    [
        ("y[n,u] = x[n,f] w[u,f]", "nf,uf->nu"),
        ("y[u] = x[f] w[u,f]", "f,uf->u"),
        ("y[] = x[n,u] w[n,u]", "nu,nu->"),
        ("y[n,u] = x[n,u] w[u]", "nu,u->nu"),
        ("y[p,n] = x[p,n,f] w[p,f]", "pnf,pf->pn"),
    ],
)
def test_sums_of_products_and_their_adjoints(formula, subscripts):
    inputs, result = subscripts.split("->")
    shapes = [
        tuple({"n": 2, "u": 3, "f": 4, "p": 5}[letter] for letter in part) for part in (*inputs.split(","), result)
    ]
    x, w, g = (RNG.standard_normal(shape) for shape in shapes)
    arrays = {name: NamedArray(values) for name, values in {"x": x, "w": w, "y": g, "δ": g, "dx": x, "dw": w}.items()}
    assert np.allclose(_made(formula, arrays), np.einsum(subscripts, x, w), rtol=0, atol=1e-14)
    one, other = inputs.split(",")
    for name, back in (("x", f"{result},{other}->{one}"), ("w", f"{result},{one}->{other}")):
        expected = np.einsum(back, g, w if name == "x" else x)
        for over in ("", "".join(dict.fromkeys(result + one + other))):
            made = _made(adjoint(formula, name), arrays, over)
            assert np.allclose(made, expected, rtol=0, atol=1e-14)


def test_windows_constants_signs_and_axes_of_length_one():
    x, b, y = RNG.standard_normal(9), RNG.standard_normal(()), np.zeros((1, 3))
    arrays = {
        "x": NamedArray(x),
        "b": NamedArray(b),
        "y": NamedArray(y),
        "d": NamedArray(x),
        "δ": NamedArray(x[None, :3]),
    }
    formula = "y[k,i] = − x[2i+3u+1] + b[k]"
    expected = np.array([[b - x[2 * i + 1] - x[2 * i + 4] for i in range(3)]])
    assert np.allclose(_made(formula, arrays, u=2, i=3), expected, rtol=0, atol=1e-14)
    assert adjoint(formula, "x", "d") == "d[2i+3u+1] = − δ[k,i]"
    back = np.zeros(9)
    for i in range(3):
        back[[2 * i + 1, 2 * i + 4]] -= x[i]
    assert np.allclose(_made("d[2i+3u+1] = − δ[k,i]", arrays, "i", u=2, k=1), back, rtol=0, atol=1e-14)


FORM = "walk: the formula is not understood: expected arrays with their indices, such as M[i,j] = a[i] b[j], got "


@for_each(
    "formula, told",
    [
        ("M[i,j]", f"{FORM}'M[i,j]'"),
        ("M[i,j] = 2 a[i]", f"{FORM}'2'"),
        ("M[i,j] = a[2*i]", f"{FORM}'a[2*i]'"),
        ("M[i,j] = a[i] c[j]", "walk: no such array: expected a, b, M, list, got 'c'"),
        ("M[i,j] = a[j] b[i]", "walk: M[i,j] leaves its array: expected 0 to 1, got 0 to 2"),
        ("a[i] = b[i-1]", "walk: b[i-1] leaves its array: expected 0 to 2, got -1 to 0"),
        ("a[] = M[i]", "walk: a[] has too few indices: expected 1, got 0"),
        ("a[i] = b[i+u]", "walk: no axis says how far 'u' runs; pass it, as in u=3"),
        ("a[i] = list[i]", "walk: list is not a NamedArray: expected one, got list"),
    ],
)
def test_a_formula_that_does_not_fit_its_arrays_is_refused(formula, told):
    arrays = {"a": NamedArray(np.ones(2)), "b": NamedArray(np.ones(3)), "M": NamedArray(np.ones((2, 3))), "list": []}
    with pytest.raises(OperandError if told.endswith("list") else ArgumentError, match=f"^{re.escape(told)}$"):
        walk(formula, arrays)
