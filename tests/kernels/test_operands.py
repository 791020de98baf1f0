"""Whatever is passed: a kernel gets arrays that fit each other, or nobody does.

Compiled kernels check no bounds. So here every array of every call that reaches one is a size off, of another dtype,
and in another layout; on both backends there has to come the same sentence, or the right numbers.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import ops
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError
from autograd_cnn.kernels import set_backend

_RNG = np.random.default_rng(0)


def _numbers(*shape):
    """Return small whole numbers, that every dtype but bool has."""
    return _RNG.integers(0, 4, shape).astype(float)


@dataclass(frozen=True)
class Call:
    """A call with its arrays by name, parameters among them, and the axes along which an array's length is free."""

    primitive: Any
    arrays: dict[str, Any]
    params: dict[str, Any] = field(default_factory=dict)
    free: dict[str, str] = field(default_factory=dict)

    def __str__(self):
        return self.primitive.__name__

    def run(self, **changed):
        """Return each backend's result, or sentence."""
        results = []
        for backend in ("reference", "jit"):
            with set_backend(backend):
                try:
                    results.append(self.primitive(**self.arrays | changed, **self.params))
                except (ShapeError, ArgumentError, OperandError) as error:
                    results.append(str(error))
        return results


X, W, BIAS, G = _numbers(3, 4, 48, 48), _numbers(6, 4, 3, 3), _numbers(6), _numbers(3, 6, 46, 46)
POOLED = _numbers(3, 4, 24, 24)
WINNERS = _RNG.integers(0, 4, POOLED.shape)

CALLS = [
    Call(ops.correlate2d, {"x": X, "w": W, "bias": BIAS}, free={"x": "nhwNHW", "w": "hwHW"}),
    Call(ops.correlate2d_wrt_input, {"g": G, "w": W}, {"x_shape": X.shape}),
    Call(ops.correlate2d_wrt_weight, {"x": X, "g": G}, {"w_shape": W.shape}),
    Call(ops.max_pool, {"x": X}, {"window": 2}, {"x": "nchwNCHW"}),
    Call(ops.max_pool_gather, {"x": X, "indices": WINNERS}, {"window": 2}, {"x": "HW"}),
    Call(ops.max_unpool, {"g": POOLED, "indices": WINNERS}, {"x_shape": X.shape, "window": 2}),
    Call(ops.mean_pool, {"x": X}, {"window": 2}, {"x": "nchwNCHW"}),
    Call(ops.mean_pool_wrt_input, {"g": POOLED}, {"x_shape": X.shape, "window": 2}),
    Call(ops.batch_norm, {"x": X, "weight": _numbers(4), "bias": _numbers(4)}, free={"x": "nhwNHW"}),
    Call(ops.batch_norm_wrt_input, {"g": _numbers(*X.shape), "x": X, "weight": _numbers(4)}),
    Call(ops.batch_norm_wrt_affine, {"g": _numbers(*X.shape), "x": X}),
    Call(ops.linear, {"x": _numbers(5, 7), "w": _numbers(3, 7), "bias": _numbers(3)}, free={"x": "nN"}),
    Call(ops.matmul, {"x1": _numbers(5, 7), "x2": _numbers(7, 3)}, free={"x1": "nN", "x2": "cC"}),
    Call(ops.attention, {"query": _numbers(2, 5, 4), "key": _numbers(2, 3, 4), "value": _numbers(2, 3, 6),
                         "bias": _numbers(5, 3)}, free={"value": "hH"}),
    Call(ops.lstm, {"u": _numbers(3, 5, 8), "weight": _numbers(8, 2), "h": _numbers(5, 2), "c": _numbers(5, 2)},
         free={"u": "nN"}),
    Call(ops.gru, {"u": _numbers(3, 5, 6), "weight": _numbers(6, 2), "bias": _numbers(6), "h": _numbers(5, 2)},
         free={"u": "nN"}),
    Call(ops.relu, {"x": X}, free={"x": "nchwNCHW"}),
    Call(ops.masked, {"x": X, "mask": X > 1}),
    Call(ops.erf, {"x": X}, free={"x": "nchwNCHW"}),
    Call(ops.sum, {"x": X}, {"axis": (0, 2, 3)}, {"x": "nchwNCHW"}),
    Call(ops.mean, {"x": X}, {"axis": (0, 2, 3)}, {"x": "nchwNCHW"}),
]  # fmt: skip
EACH = pytest.mark.parametrize("call", CALLS, ids=str)
OF_EACH = for_each("call, name", [(call, name) for call in CALLS for name in call.arrays])


def _one_off(array):
    """Yield the array longer and shorter along each axis, with the axis's letter, and of another rank."""
    for axis, letter in enumerate("nchw"[: array.ndim]):
        widths = np.zeros((array.ndim, 2), int)
        widths[axis, 1] = 1
        yield letter.upper(), np.pad(array, widths)
        yield letter, np.delete(array, -1, axis)
    yield "rank", array[None]
    yield "rank", array[0]


@OF_EACH
def test_an_array_that_is_one_off(call, name):
    for change, array in _one_off(call.arrays[name]):
        if change == "rank" and "axis" in call.params:
            continue  # the axes are no longer there
        by_reference, by_jit = call.run(**{name: array})
        if isinstance(by_reference, str) or isinstance(by_jit, str):
            assert by_reference == by_jit
            assert by_reference.startswith(f"{call.primitive.__name__}: ")
        else:
            np.testing.assert_allclose(by_jit, by_reference, rtol=1e-10, atol=1e-10)
            assert change in call.free.get(name, "") or change == "rank", change


DTYPES = ["f4", "f8", "g", "i1", "u1", "i8", "u8", "?", ">f4", ">f8", ">i2", ">u8"]


@EACH
@for_each("dtype", DTYPES)
def test_arrays_of_any_dtype(call, dtype):
    """One of them, and all: as if they had been float64 from the start."""
    names = [name for name in call.arrays if name not in ("indices", "mask")]
    for changed in (*([name] for name in names), names):
        arrays = {name: call.arrays[name].astype(dtype) for name in changed}
        results = call.run(**arrays)
        if dtype == "?" and call.primitive in (ops.linear, ops.matmul):
            continue  # NumPy's product of bools is a bool
        exact = call.run(**{name: array.astype(float) for name, array in arrays.items()})[0]
        for result in results:
            single = np.dtype(dtype).itemsize == 4 and changed == names
            np.testing.assert_allclose(result, exact, rtol=1e-4 if single else 1e-9, atol=1e-3 if single else 1e-9)
            assert result.dtype.isnative
            assert result.dtype == results[0].dtype


@OF_EACH
@for_each("dtype", ["c16", "O", "M8[s]", "U1"])
def test_what_is_no_number_is_refused(call, name, dtype):
    array = call.arrays[name]
    if call.primitive is ops.masked or call.primitive.__module__.endswith(("correlation", "pooling", "normalization")):
        by_reference, by_jit = call.run(**{name: np.zeros(array.shape, dtype)})
        assert by_reference == by_jit
        assert by_reference.startswith(f"{call.primitive.__name__}: {name} ")


@pytest.mark.parametrize(
    ("name", "dtype", "text"),
    [
        ("indices", "?", "indices are not integers: expected an array of ints, got bool"),
        ("indices", "f8", "indices are not integers: expected an array of ints, got float64"),
        ("mask", "u1", "mask is not an array of bools: expected bool, got uint8"),
        ("mask", "f8", "mask is not an array of bools: expected bool, got float64"),
    ],
)  # fmt: skip
def test_indices_and_masks_have_a_kind(name, dtype, text):
    for call in CALLS:
        if name in call.arrays:
            sentence = f"{call.primitive.__name__}: {text}"
            assert call.run(**{name: call.arrays[name].astype(dtype)}) == [sentence, sentence]


def _layouts(array):
    spaced = np.zeros([2 * n for n in array.shape], array.dtype)[tuple(slice(None, None, 2) for _ in array.shape)]
    spaced[...] = array
    yield spaced
    yield np.asfortranarray(array)
    yield np.flip(np.flip(array).copy())
    frozen = array.copy()
    frozen.flags.writeable = False
    yield frozen
    yield np.broadcast_to(array[:1], array.shape)
    bytes_ = np.zeros(array.nbytes + 1, np.uint8)[1:]
    odd = bytes_.view(array.dtype).reshape(array.shape)  # each number across two words
    odd[...] = array
    yield odd
    odd = bytes_.view(array.dtype.newbyteorder()).reshape(array.shape)
    odd[...] = array
    yield odd
    records = np.zeros(array.shape, [("before", "i1"), ("numbers", array.dtype)])
    records["numbers"] = array
    yield records["numbers"]
    yield array.view(type("Subclass", (np.ndarray,), {}))


@OF_EACH
def test_an_array_in_any_layout(call, name):
    for array in _layouts(call.arrays[name]):
        expected = call.run(**{name: array.copy(order="C")})[0]
        for result in call.run(**{name: array}):
            np.testing.assert_allclose(result, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("backend", ["reference", "jit"])
def test_indices_in_the_other_byte_order(backend):
    with set_backend(backend):
        for dtype in (">i8", ">u2", "<i4", "i1"):
            y = ag.max_pool_gather(X, indices=WINNERS.astype(dtype), window=2)
            np.testing.assert_array_equal(y, ag.max_pool_gather(X, indices=WINNERS, window=2))
