"""More elements than 32 bits can count: of each kernel the last job alone, far out in memory that is never filled."""

import numba
import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.kernels.compiled import parallel

MAPS = (1 << 21) + 1
"""Of 32×32 numbers: 2^31 numbers, and a map more."""
MOST = 16
"""Numbers that every kernel's last job makes, if it makes so many."""

CASES = {
    "relu": ag.relu,
    "add": lambda x: ag.add(x, x),
    "add a row": lambda x: ag.add(x, np.arange(32, dtype=np.float32)),
    "erf": ag.erf,
    "gelu": ag.gelu,
    "sum": lambda x: ag.sum(x, axis=(2, 3)),
    "max": lambda x: ag.max(x, axis=(2, 3)),
    "softmax": lambda x: ag.softmax(x, axis=-1),
    "log_softmax": lambda x: ag.log_softmax(x, axis=-1),
    "layer_norm": lambda x: ag.layer_norm(x, np.ones(32, np.float32), np.zeros(32, np.float32)),
    "max_pool": lambda x: ag.max_pool(x, 2),
    "mean_pool": lambda x: ag.mean_pool(x, 2),
    "a pool of 3×3": lambda x: ag.max_pool(x, 3),
    "correlate2d": lambda x: ag.correlate2d(x, np.ones((1, 1, 3, 3), np.float32), padding=1),
    "correlate2d_wrt_input": lambda x: ag.correlate2d_wrt_input(
        x, np.ones((1, 1, 3, 3), np.float32), x_shape=x.shape, padding=1
    ),
}


@numba.njit
def _last(address, jobs, sizes, arrays):
    function, arguments = parallel._bound(address, sizes, arrays)
    parallel._call(function, jobs - 1, jobs, arguments)


def _only_the_last(self, jobs, sizes, *arrays, serial=False):
    dtypes = tuple(each.dtype for each in arrays)
    compiled = self._compiled.get(dtypes) or self._compile(dtypes, sizes, arrays)
    if sum(each.nbytes for each in arrays) < 1 << 32:  # a table
        compiled.run(compiled.address, jobs, 1, sizes, arrays)
    else:
        ran.append(self.name)
        _last(compiled.address, jobs, sizes, arrays)


ran = []


@pytest.mark.slow
@for_each("name", CASES)
def test_the_last_of_two_billion_numbers(name, monkeypatch):
    call = CASES[name]
    try:
        far = np.zeros((MAPS, 1, 32, 32), np.float32)
    except MemoryError:
        pytest.skip("the system hands out no more memory than it has")
    far[-1] = np.random.default_rng(0).random((1, 32, 32))
    near = far[-1:].copy()
    with ag.set_backend("reference"):
        expected = call(near)
    with monkeypatch.context() as patch, ag.set_backend("jit"), np.errstate(all="ignore"):  # what was never filled
        patch.setattr(parallel.parallel_for, "__call__", _only_the_last)
        before = len(ran)
        y = call(far)
    assert len(ran) > before, "no kernel ran"
    made = min(MOST, expected.size)
    np.testing.assert_allclose(y.ravel()[-made:], expected.ravel()[-made:], rtol=1e-5, atol=1e-5)
