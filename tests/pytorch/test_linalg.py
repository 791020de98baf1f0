"""Products as PyTorch has them."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # as all the world has it
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from pytorch.comparison import Call, Counterpart, check, compare, few, generators, lengths, numbers

from autograd_cnn import ops
from autograd_cnn.ops.linalg import _einsum

MATMUL = "(m?,n),(n,p?)->(m?,p?)"


@st.composite
def factors(draw):
    """Draw vectors, matrices, and stacks of matrices that broadcast."""
    both = mutually_broadcastable_shapes(signature=MATMUL, max_dims=2, max_side=4)
    return Call(tuple(numbers(draw(generators), shape) for shape in draw(both).input_shapes), {})


@st.composite
def layers(draw):
    lead = draw(st.lists(lengths, max_size=2))
    inputs, outputs, rng = draw(lengths), draw(lengths), draw(generators)
    bias = draw(st.sampled_from([None, numbers(rng, (outputs,))]))
    return Call((numbers(rng, (*lead, inputs)), numbers(rng, (outputs, inputs)), bias), {})


@st.composite
def sums_of_products(draw):
    """Draw up to three terms, each without repetition, and an output of labels that occur."""
    label = st.sampled_from("ijkl")
    terms = draw(st.lists(st.lists(label, max_size=3, unique=True).map("".join), min_size=1, max_size=3))
    out = "".join(draw(st.permutations(sorted(set("".join(terms))))))[: draw(st.integers(0, 3))]
    sizes = {each: draw(lengths) for each in "ijkl"}
    rng = draw(generators)
    return Call(
        tuple(numbers(rng, tuple(sizes[each] for each in term)) for term in terms), {"terms": tuple(terms), "out": out}
    )


CASES = {
    ops.matmul: Counterpart(torch.matmul, factors()),
    ops.linear: Counterpart(F.linear, layers()),
    _einsum: Counterpart(
        lambda *operands, terms, out: torch.einsum(f"{','.join(terms)}->{out}", *operands), sums_of_products()
    ),
}


@pytest.mark.parametrize("backend", ["reference", "jit"])
@pytest.mark.parametrize("primitive", CASES)
@few
@given(data=st.data())
def test_values_and_gradients(primitive, backend, data):
    check(primitive, CASES[primitive], data.draw(CASES[primitive].calls), backend)


@few
@given(rng=generators)
def test_diagonals_and_ellipses(rng):
    def ours(x, w):
        return ops.einsum("...ii,ij->...j", x, w)

    def theirs(x, w):
        return torch.einsum("...ii,ij->...j", x, w)

    compare(ours, theirs, numbers(rng, (2, 3, 4, 4)), numbers(rng, (4, 2)), order=2)


@few
@given(rng=generators)
def test_products_over_named_axes(rng):
    x, w, axes = numbers(rng, (2, 3, 4)), numbers(rng, (4, 2, 3)), ((0, 2), (1, 0))
    compare(lambda x, w: ops.tensordot(x, w, axes), lambda x, w: torch.tensordot(x, w, axes), x, w, order=2)
