"""The array API standard's namespace, other libraries' code on it, and arrays that are lent by DLPack."""

import inspect
import os
import subprocess
import sys
from textwrap import dedent

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import array_api as xp
from autograd_cnn.errors import ArgumentError, GradientError, OperandError
from autograd_cnn.testing import check_vjp

A = np.array([[0.31, -0.62, 0.83], [1.14, 0.45, -0.27]])


def _namespace(x):
    return np if isinstance(x, np.ndarray) else x.__array_namespace__()


def _softmax(x):
    xp = _namespace(x)
    e = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
    return e / xp.sum(e, axis=-1, keepdims=True)


@for_each(
    "function",
    [
        _softmax,
        lambda x: _namespace(x).linalg.solve(_namespace(x).matmul(x, x.T) + _namespace(x).eye(2), x),
        lambda x: _namespace(x).linalg.vector_norm(x, axis=1, ord=3),
        lambda x: _namespace(x).clip(x, -0.5, 0.5),
        lambda x: _namespace(x).where(_namespace(x).isfinite(x), x, _namespace(x).asarray(0.0)),
        lambda x: _namespace(x).concat([x, _namespace(x).zeros((1, 3))]),
        lambda x: _namespace(x).unique_counts(x).values,
        lambda x: _namespace(x).std(x, correction=0.5),
    ],
)
def test_code_for_any_library_is_differentiated(function):
    np.testing.assert_allclose(function(ag.tensor(A)).data, function(A), rtol=1e-14)
    check_vjp(function, [A])


def test_results_are_tensors_of_the_standards_names():
    assert xp.__array_api_version__ >= "2022.12"
    assert {"linalg", "asarray", "float32", "pi", "cumulative_sum", "nextafter"} <= set(xp.__all__)
    assert not {"fft", "complex64"} & set(xp.__all__)
    for y in (xp.isnan(ag.tensor(A)), xp.arange(3), xp.nonzero(ag.tensor(A))[0], xp.linalg.matrix_rank(ag.tensor(A))):
        assert isinstance(y, ag.Tensor)
    assert str(inspect.signature(xp.full)).startswith("(shape, fill_value, dtype=None")
    with pytest.raises(ValueError, match="read-only"):
        xp.arange(3).value[0] = 1


def test_sorting_down_keeps_the_order_of_equal_elements():
    x = ag.tensor([2.0, 1.0, 2.0, 3.0], requires_grad=True)
    assert xp.sort(x, descending=True).tolist() == [3, 2, 2, 1]
    assert xp.argsort(x, descending=True).tolist() == [3, 0, 2, 1]
    assert xp.argsort(x).tolist() == [1, 0, 2, 3]


def test_asarray_copies_unless_it_is_told_not_to():
    a = A.copy()
    x, shared = xp.asarray(a), xp.asarray(a, copy=False)
    a[0, 0] = 7.0
    assert (x[0, 0].item(), shared[0, 0].item(), a.flags.writeable) == (0.31, 7.0, True)
    t = ag.tensor(A, requires_grad=True)
    assert xp.asarray(t) is t
    assert xp.asarray(t, copy=True) is not t
    assert xp.asarray(t, dtype=xp.float32).requires_grad
    assert xp.astype(t, xp.float64, copy=False) is t


def test_the_namespace_says_what_it_can():
    info = xp.__array_namespace_info__()
    assert (info.default_device(), info.devices()) == ("cpu", ["cpu"])
    assert info.capabilities()["data-dependent shapes"] is True
    assert info.default_dtypes()["real floating"] == xp.float64
    assert set(info.dtypes(kind="real floating")) == {"float32", "float64"}
    assert set(info.dtypes(kind=("bool", "unsigned integer"))) == {"bool", "uint8", "uint16", "uint32", "uint64"}
    assert len(info.dtypes()) == 11


def test_other_devices_and_versions_are_refused():
    with pytest.raises(OperandError) as err:
        xp.asarray(1.0, device="cuda")
    assert str(err.value) == "asarray: device 'cuda' is not supported; everything is computed on the CPU"
    with pytest.raises(OperandError, match="to: device 'cuda' is not supported"):
        ag.tensor(1.0).to_device("cuda")
    x = ag.tensor(1.0)
    assert x.to_device("cpu") is x
    assert x.__array_namespace__(api_version="2022.12") is xp
    with pytest.raises(ArgumentError, match="the standard is not there in this version: expected at most '20"):
        x.__array_namespace__(api_version="2999.12")


# --- DLPack -----------------------------------------------------------------------------------


def test_values_are_lent_without_a_copy_and_without_a_history():
    x = ag.tensor(A)
    lent = np.from_dlpack(x)
    assert np.shares_memory(lent, x.value)
    assert not lent.flags.writeable
    y = ag.tensor(A, requires_grad=True) * 2.0
    with pytest.raises(GradientError, match="as another library's array a recorded tensor would lose its gradient"):
        np.from_dlpack(y)
    np.testing.assert_array_equal(np.from_dlpack(y.detach()), A * 2)
    borrowed = xp.from_dlpack(A)
    assert isinstance(borrowed, ag.Tensor)
    assert np.shares_memory(borrowed.value, A)
    with pytest.raises(BufferError):  # a library that can't be told that it may not write
        x.__dlpack__(max_version=(0, 8), copy=False)


def test_pytorch_takes_and_gives_values():
    torch = pytest.importorskip("torch")
    x = ag.tensor(A)
    np.testing.assert_array_equal(torch.from_dlpack(x).numpy(), A)
    t = torch.tensor([1.0, 2.0])
    np.testing.assert_array_equal(xp.from_dlpack(t).data, [1.0, 2.0])


# --- other libraries --------------------------------------------------------------------------


def test_einops_rearranges_tensors():
    einops = pytest.importorskip("einops.array_api")
    check_vjp(lambda x: einops.rearrange(x, "(a b) c -> c (a b)", a=2), [A])
    check_vjp(lambda x: einops.reduce(x, "a b -> a", "mean"), [A])


def test_opt_einsum_contracts_tensors():
    opt_einsum = pytest.importorskip("opt_einsum")
    check_vjp(lambda x, w: opt_einsum.contract("ij,kj,kl->il", x, w, x), [A, A + 1.0])


@pytest.mark.slow
def test_scipys_functions_for_arrays_of_any_library_are_differentiated():
    pytest.importorskip("scipy")
    program = """
        import numpy as np, scipy.special, scipy.stats
        from autograd_cnn.testing import check_vjp
        x = np.array([0.3, -0.5, 1.2])
        for function in (scipy.special.logsumexp, scipy.special.softmax, scipy.stats.zscore, scipy.stats.skew):
            check_vjp(lambda x: function(x), [x])
    """
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    done = subprocess.run(
        [sys.executable, "-c", dedent(program)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
