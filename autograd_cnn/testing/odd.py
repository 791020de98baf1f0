"""Calls with unusual operands (other sizes, other dtypes, NaN and infinity), and their outcomes."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from autograd_cnn import errors
from autograd_cnn.engine.backward import cotangents_of
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.errors import sentence
from autograd_cnn.kernels import current_backend, set_backend
from autograd_cnn.tensor import Tensor
from autograd_cnn.testing.case import Case
from autograd_cnn.testing.gradcheck import CheckError
from autograd_cnn.testing.pullback import Numbers, Pullback, agree, largest, leaf, replaced

Outcome: TypeAlias = Pullback | str
"""The value and the gradients of its weighted sum, or the sentence that refused the call."""


def outcome(primitive: Primitive, arrays: list[Any], params: dict[str, Any]) -> Outcome:
    """Return the result of a call, or its error text; errors that are not this package's propagate.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> outcome(ag.add, [np.ones(2), np.ones(3)], {})
    'add: operands could not be broadcast together with shapes (2,) (3,); shapes x1=(2,), x2=(3,)'
    """
    operands = [leaf(a) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in arrays]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy warns at NaN and infinity
        try:
            y = primitive(*operands, **params)
            if not isinstance(y, Tensor) or y.node is None:
                return np.asarray(y.value if isinstance(y, Tensor) else y), []
            leaves = [each for each in operands if isinstance(each, Tensor)]
            g = np.cos(np.arange(y.size)).reshape(y.shape)
            found = cotangents_of(y, {each.node for each in leaves if each.node}, g, where=primitive.name)
            return y.data, [found[each.node] for each in leaves if each.node in found]
        except Exception as error:
            text = str(error)
            ours = type(error).__module__ == errors.__name__ or isinstance(error, IndexError)
            if ours and text.partition(":")[0].isidentifier():
                return text
            raise


def on_both_backends(primitive: Primitive, what: str, arrays: list[Any], params: dict[str, Any]) -> Outcome:
    """Return the reference backend's outcome of a call; raise `CheckError` unless the one in use agrees."""
    with set_backend("reference"):
        plain = outcome(primitive, arrays, params)
    if current_backend() == "reference":
        return plain
    fast = outcome(primitive, arrays, params)
    if isinstance(plain, str) or isinstance(fast, str):
        if plain != fast:
            expected, got = (said if isinstance(said, str) else "numbers" for said in (plain, fast))
            raise CheckError(sentence(f"{what}, by the compiled backend", expected=expected, got=got))
        return plain
    for one, other in zip([fast[0], *fast[1]], [plain[0], *plain[1]], strict=True):
        if one.dtype != other.dtype:
            problem = f"{what}, by the compiled backend: another dtype"
            raise CheckError(sentence(problem, expected=other.dtype, got=one.dtype))
        roughness = 1e-3 if other.dtype == np.float16 else 1e-5 if other.dtype == np.float32 else 1e-12
        agree(
            f"{what}, by the compiled backend",
            _excused(primitive, one, other),
            other,
            roughness,
            roughness * largest(other),
        )
    return plain


def _excused(primitive: Primitive, one: Numbers, other: Numbers) -> Numbers:
    """Return ``one``; for a primitive with padding, take ``other`` where only one of them is NaN.

    One backend multiplies NaN and infinity by the zeros around an image; the other skips them.
    """
    if "padding" not in primitive.parameters or one.shape != other.shape or one.dtype.kind != "f":
        return one
    return np.where(np.isnan(one) != np.isnan(other), other, one)


# --- other sizes ------------------------------------------------------------------------------


def resized(case: Case) -> Iterator[tuple[str, list[Any], dict[str, Any]]]:
    """Yield calls in which one array is one element longer or shorter along an axis, or all have length 0 or 1.

    Examples
    --------
    >>> from autograd_cnn.testing import sample
    >>> [what for what, _, _ in resized(sample([1.0, 2.0]))]
    ['array 0 of shape (1,)', 'array 0 of shape (3,)', 'all of length 0 along axis -1', 'all of length 1 along axis -1']
    """
    params = {name: value for name, value in case.params.items() if isinstance(value, np.ndarray)}
    for i, array in enumerate(case.arrays):
        for changed in _neighbours(array):
            yield f"array {i} of shape {changed.shape}", replaced(case.arrays, {i: changed}), case.params
    for name, array in params.items():
        for changed in _neighbours(array):
            yield f"{name} of shape {changed.shape}", list(case.arrays), case.params | {name: changed}
    for axis in range(1, 1 + max((np.ndim(a) for a in case.arrays), default=0)):
        for length in (0, 1):
            arrays = [_of_length(a, -axis, length) for a in case.arrays]
            lengths = {name: _of_length(a, -axis, length) for name, a in params.items()}
            yield f"all of length {length} along axis -{axis}", arrays, case.params | lengths


def _neighbours(array: Any) -> Iterator[Numbers]:
    for axis in range(np.ndim(array)):
        for length in (array.shape[axis] - 1, array.shape[axis] + 1):
            if length >= 0:
                yield _of_length(array, axis - array.ndim, length)


def _of_length(array: Any, axis: int, length: int) -> Any:
    """Return an array cut or, by repeating its elements, extended along an axis, if it has that axis and elements."""
    if np.ndim(array) < -axis or not array.size:
        return array
    return np.take(array, np.arange(length) % array.shape[axis], axis)


# --- other spellings --------------------------------------------------------------------------


def respelled(value: Any, row: Callable[[list[Any]], Any]) -> Any:
    """Return a parameter with NumPy integers in place of ints, and with tuples of ints converted by ``row``.

    Examples
    --------
    >>> respelled(((1, 2), (0, 0)), list)
    [[np.int64(1), np.int64(2)], [np.int64(0), np.int64(0)]]
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return np.int64(value)
    if isinstance(value, tuple) and not any(isinstance(each, str) for each in value):
        return row([respelled(each, row) for each in value])
    return value


# --- other dtypes and numbers -----------------------------------------------------------------


def small_integers(case: Case, dtype: type) -> list[Any]:
    """Return the arrays, those of floats as integers from -3 to 3, or from 0 if the dtype is unsigned."""
    lowest = -3 if dtype is np.int8 else 0
    return case.with_floats(lambda a: np.clip(np.rint(a * 2), lowest, 3).astype(dtype))


def filled(case: Case, position: int, number: float, *, whole: bool) -> list[Any]:
    """Return the arrays, one of them filled with a number, or with its first element set to it."""
    changed = np.array(case.arrays[position])
    changed[... if whole else (slice(0, 1),) * changed.ndim] = number
    return replaced(case.arrays, {position: changed})
