"""Arithmetic and memory."""

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.engine.primitive import REGISTRY
from autograd_cnn.graph.cost import COUNTS, flops, owner, saved_bytes
from autograd_cnn.ops.attention import _attention_backward
from autograd_cnn.ops.recurrent import _gru_backward, _lstm_backward


def _tensor(*shape, grad=True):
    return ag.tensor(np.ones(shape), requires_grad=grad)


def _terms(x, w, stride, padding, dilation, groups):
    """Count the products of a correlation by running through them."""
    n, c, *_ = x
    f, channels, kh, kw = w
    oh, ow = ((size + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for size, k in zip(x[2:], w[2:], strict=True))
    assert c == channels * groups
    return sum(channels * kh * kw for _ in range(n) for _ in range(f) for _ in range(oh) for _ in range(ow))


@pytest.mark.parametrize(
    ("x", "w", "form"),
    [
        ((2, 3, 8, 7), (4, 3, 3, 2), {"stride": 2, "padding": 1, "dilation": 1, "groups": 1}),
        ((1, 4, 9, 9), (6, 2, 3, 3), {"stride": 1, "padding": 0, "dilation": 2, "groups": 2}),
    ],
)
def test_a_correlation_and_its_adjoints_take_the_same(x, w, form):
    expected = 2 * _terms(x, w, **form)
    images, filters = _tensor(*x), _tensor(*w)
    y = ag.correlate2d(images, filters, **form)
    g = _tensor(*y.shape)
    assert flops(y.node) == expected
    assert flops(ag.correlate2d_wrt_input(g, filters, x_shape=x, **form).node) == expected
    assert flops(ag.correlate2d_wrt_weight(images, g, w_shape=w, **form).node) == expected


def test_a_plain_image_is_counted_alike():
    assert flops(ag.correlate2d(_tensor(5, 5), _tensor(2, 2)).node) == 2 * 16 * 4


@pytest.mark.parametrize("wanted", [(True, False), (False, True)])
def test_one_operand_without_gradient_is_enough(wanted):
    left, right = (_tensor(3, 4, grad=wanted[0]), _tensor(4, 5, grad=wanted[1]))
    assert flops((left @ right).node) == 2 * 3 * 5 * 4
    image, filters = _tensor(1, 1, 4, 4, grad=wanted[0]), _tensor(2, 1, 3, 3, grad=wanted[1])
    assert flops(ag.correlate2d(image, filters).node) == 2 * 8 * 9


def test_products_with_vectors_and_stacks():
    assert flops((_tensor(4) @ _tensor(4)).node) == 8
    assert flops((_tensor(3, 4) @ _tensor(4)).node) == 24
    assert flops((_tensor(6, 1, 3, 4) @ _tensor(5, 4, 2)).node) == 2 * 6 * 5 * 3 * 2 * 4


def _products(node):
    """Count the matrix products that the node is written with."""
    seen, stack, total = set(), [node], 0
    while stack:
        each = stack.pop()
        if each is not None and each not in seen:
            seen.add(each)
            stack += each.parents
            total += flops(each) or 0
    return total


def test_a_sequence_is_counted_as_its_steps():
    u, w, h = _tensor(3, 2, 8), _tensor(8, 2), _tensor(2, 2)
    g = np.ones((4, 2, 2))
    assert flops(ag.lstm(u, w, h, h).node) == 3 * 2 * (2 * 8 * 2)
    assert flops(_lstm_backward(g, u, w, h, h).node) == 3 * 2 * (2 * 8 * 2)
    u, w = _tensor(3, 2, 6), _tensor(6, 2)
    assert flops(ag.gru(u, w, _tensor(6), h).node) == 3 * 2 * (2 * 6 * 2)
    assert flops(_gru_backward(g[1:], u, w, _tensor(6), h).node) == 3 * 2 * (2 * 6 * 2)


def test_attention_is_counted_as_its_products():
    q, k, v = _tensor(2, 3, 4), _tensor(2, 5, 4), _tensor(2, 5, 6)
    assert flops(ag.attention(q, k, v).node) == _products((ag.attention_weights(q, k) @ v).node)
    g = _tensor(2, 3, 6)
    weights = ag.attention_weights(q, k)
    slopes = weights * (g @ v.swapaxes(-1, -2))
    parts = [slopes @ k, slopes.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ g]
    assert flops(_attention_backward(g, q, k, v).node) == _products(sum(part.sum() for part in parts).node)


@pytest.mark.parametrize(
    ("subscripts", "shapes", "count"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)], 2 * 24),
        ("ij,ij->ij", [(2, 3), (2, 3)], 6),
        ("ij->i", [(2, 3)], 6),
        ("i,i,i->", [(5,), (5,), (5,)], 15),
    ],
)
def test_an_einsum_is_counted_as_its_plain_loops(subscripts, shapes, count):
    assert flops(ag.einsum(subscripts, *(_tensor(*s) for s in shapes)).node) == count


@pytest.mark.parametrize("x", [(4,), (3, 4), (2, 3, 4)])
def test_a_fully_connected_layer_is_counted_as_its_product(x):
    count = 2 * int(np.prod(x)) * 5
    assert flops(ag.linear(_tensor(*x), _tensor(5, 4), _tensor(5)).node) == count
    assert flops(ag.linear(np.ones(x), _tensor(5, 4)).node) == count
    assert flops(ag.linear(_tensor(*x), np.ones((5, 4))).node) == count


def test_what_is_not_counted_is_none_and_not_zero():
    x = _tensor(2, 2)
    assert flops(ag.relu(x).node) is None
    assert flops(x.node) is None
    y = ag.einsum("i,i->", x[0], x[1])
    y.backward()
    assert flops(y.node) is None
    product = x @ np.ones((2, 2))
    product.sum().backward()
    assert flops(product.node) == 16


def test_shapes_are_known_of_what_the_tape_did_not_keep():
    images, filters = np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 3))
    assert flops(ag.correlate2d(images, filters, _tensor(1)).node) == 2 * 4 * 9
    assert flops(ag.einsum("ij,ij->", _tensor(2, 3), np.ones((2, 3))).node) == 12


def test_every_counted_primitive_exists():
    assert COUNTS.keys() <= REGISTRY.keys()


def test_a_primitive_of_the_same_name_is_not_counted():
    @ag.primitive
    def matmul(x1):
        return x1 * 2

    @matmul.vjp("x1")
    def matmul_vjp_x1(g):
        return g * 2

    assert flops(matmul(_tensor(2)).node) is None


def test_each_saved_array_counts_once():
    x = ag.tensor(np.ones(10), requires_grad=True)
    y = ag.exp(x)
    z = y * y
    counted = {id(owner(x.value))}
    assert saved_bytes(y.node, counted) == 80
    assert saved_bytes(z.node, counted) == 0
    assert saved_bytes((z * x).node, counted) == 80


def test_a_view_counts_as_what_it_looks_into():
    x = ag.exp(ag.tensor(np.ones(10), requires_grad=True))
    y = ag.sin(x[:2])
    assert saved_bytes(y.node, set()) == 80
    assert saved_bytes(ag.sin(x).node, {id(owner(x.value))}) == 0


def test_what_tracing_keeps_counts_as_well():
    x = ag.tensor(np.ones(10), requires_grad=True)
    with ag.tracing():
        y = x + np.ones(10)
    assert saved_bytes(y.node, {id(owner(x.value))}) == 80
    assert saved_bytes((x + np.ones(10)).node, set()) == 0


def test_a_freed_node_is_unknown():
    y = ag.exp(ag.tensor(1.0, requires_grad=True))
    y.backward()
    assert saved_bytes(y.node, set()) is None
