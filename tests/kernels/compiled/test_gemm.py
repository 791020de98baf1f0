import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_cnn.kernels import compiled, reference
from autograd_cnn.kernels.compiled import gemm

TOLERANCE = {np.float32: 1e-5, np.float64: 1e-13}
SIZE = st.integers(1, 70)


def _close(ours, theirs, dtype):
    assert ours.dtype == dtype
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE[dtype] * np.sqrt(theirs.size + 300))


@pytest.mark.parametrize("dtype", TOLERANCE)
@given(rows=SIZE, depth=st.integers(1, 300), columns=SIZE, layouts=st.tuples(st.booleans(), st.booleans()))
def test_matmul(dtype, rows, depth, columns, layouts):
    rng = np.random.default_rng(rows * depth + columns)
    a, b = rng.standard_normal((rows, depth)).astype(dtype), rng.standard_normal((depth, columns)).astype(dtype)
    a, b = (np.asfortranarray(m) if turned else m for m, turned in zip((a, b), layouts, strict=True))
    _close(gemm.matmul(a, b), reference.matmul(a, b), dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@given(
    stacks=st.sampled_from([((3,), (3,)), ((2, 1), (3,)), ((), (4,)), ((2, 3), ())]),
    sizes=st.tuples(SIZE, st.integers(1, 300), SIZE),
    layouts=st.tuples(st.booleans(), st.booleans()),
)
def test_stacks(dtype, stacks, sizes, layouts):
    (m, k, n), rng = sizes, np.random.default_rng(sum(sizes))
    shapes = ((*stacks[0], m, k), (*stacks[1], k, n))
    a, b = (
        rng.standard_normal((*shape[:-2], *shape[:-3:-1])).swapaxes(-1, -2) if turned else rng.standard_normal(shape)
        for shape, turned in zip(shapes, layouts, strict=True)
    )
    a, b = a.astype(dtype, order="K"), b.astype(dtype, order="K")
    _close(gemm.matmul(a, b), reference.matmul(a, b), dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("biased", [True, False])
@given(rows=SIZE, depth=SIZE, outputs=SIZE)
def test_linear(dtype, biased, rows, depth, outputs):
    rng = np.random.default_rng(rows * depth + outputs)
    x, w = rng.standard_normal((rows, depth)).astype(dtype), rng.standard_normal((outputs, depth)).astype(dtype)
    bias = rng.standard_normal(outputs).astype(dtype) if biased else None
    _close(gemm.linear(x, w, bias), reference.linear(x, w, bias), dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@given(depth=st.integers(1, 2100), columns=st.integers(1, 300))
def test_a_vector_times_a_matrix_has_the_same_bits_in_any_layout(dtype, depth, columns):
    rng = np.random.default_rng(depth + columns)
    a, b = rng.standard_normal((1, depth)).astype(dtype), rng.standard_normal((depth, columns)).astype(dtype)
    product = gemm.matmul(a, b)
    _close(product, reference.matmul(a, b), dtype)
    for found in gemm.matmul(a, np.asfortranarray(b)), gemm.matmul(b.T, a.T).T, gemm.matmul(b.T.copy(), a.T).T:
        np.testing.assert_array_equal(found, product)


def test_views_with_gaps(rng):
    a, b = rng.standard_normal((20, 30))[::2, ::3], rng.standard_normal((10, 14))[:, ::2]
    _close(gemm.matmul(a, b), a @ b, np.float64)


def test_the_same_bits_on_any_number_of_threads(rng):
    a, b = rng.standard_normal((256, 300)).astype(np.float32), rng.standard_normal((300, 120)).astype(np.float32)
    stack, rows = rng.standard_normal((8, 300, 120)).astype(np.float32), np.ones((300, 700), np.float32)
    operands = (a, b), (a, stack), (a[:1], rows), (rows.T, a[:1].T), (rows.T[:, :1], a[:1])
    threads = compiled.num_threads()
    all_threads = [gemm.matmul(*each) for each in operands]
    compiled.set_num_threads(1)
    try:
        for each, product in zip(operands, all_threads, strict=True):
            np.testing.assert_array_equal(gemm.matmul(*each), product)
    finally:
        compiled.set_num_threads(threads)


def test_what_is_large_or_a_vector_is_declined():
    large = np.broadcast_to(np.float32(1), (1 << 13, 1 << 13))
    assert gemm.matmul(large, large) is NotImplemented
    assert gemm.linear(large, large, None) is NotImplemented
    assert gemm.matmul(np.ones((2, 2)), np.ones(2)) is NotImplemented
    assert gemm.matmul(np.ones((3, 2, 2)), np.ones((4, 2, 2))) is NotImplemented
    assert gemm.matmul(np.ones((2, 2), int), np.ones((2, 2), int)) is NotImplemented
    assert gemm.linear(np.ones(2), np.ones((2, 2)), None) is NotImplemented
