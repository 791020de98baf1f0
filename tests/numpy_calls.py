"""Calls of NumPy's functions, a few of each: what the tests and the page on NumPy's functions run.

Arrays of floats among the arguments, also in lists, stand for tensors. They are away from kinks, ties and jumps.
``python tests/numpy_calls.py`` writes what came of all calls into ``docs/numpy.md``.
"""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import autograd_cnn as ag

RNG = np.random.default_rng(7)
V = np.array([0.31, -0.62, 0.83, 0.14])
W = np.array([0.72, 0.45, -0.21, 0.93])
U = np.array([1.31, 0.62, 2.83, 3.14])
X = np.array([[0.31, -0.62, 0.83], [1.14, 0.45, -0.27], [-0.76, 1.92, 0.55]])
P = X @ X.T + 0.5 * np.eye(3)
TALL = np.array([[0.31, -0.62], [1.14, 0.45], [-0.76, 1.92]])
STACK = np.stack([X, X.T @ X + np.eye(3)])
NANS = np.array([[0.31, np.nan, 0.83], [1.14, 0.45, -0.27], [-0.76, 1.92, 0.55]])
XP = np.array([0.0, 1.0, 2.5, 3.0])
INTS = np.array([2, 0, 1])
MASK = np.array([[True, False, True], [False, True, True], [True, True, False]])


@dataclass(frozen=True)
class Call:
    """The arguments of one call."""

    args: tuple[Any, ...]
    options: dict[str, Any]

    def on(self, function: Any, wrap: Any) -> Any:
        """Call a function with arrays of floats as ``wrap`` makes them."""
        return function(*_wrapped(self.args, wrap), **_wrapped(self.options, wrap))

    @property
    def arrays(self) -> list[np.ndarray]:
        """The arrays of floats, in order."""
        found: list[np.ndarray] = []
        self.on(lambda *args, **options: None, found.append)
        return found


def _wrapped(value: Any, wrap: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return wrap(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_wrapped(each, wrap) for each in value)
    if isinstance(value, dict):
        return {name: _wrapped(each, wrap) for name, each in value.items()}
    return value


def call(*args: Any, **options: Any) -> Call:
    return Call(args, options)


def each(names: str, *calls: Call) -> dict[str, list[Call]]:
    """Return the same calls for several functions."""
    return {name: list(calls) for name in names.split()}


_EVERY_AXIS = [call(X), call(X, axis=0), call(X, axis=-1)]
_REDUCED = [*_EVERY_AXIS, call(STACK, axis=(0, 2), keepdims=True)]

CALLS: dict[str, list[Call]] = {
    # elementwise
    "arccosh": [call(U + 1)], "acosh": [call(U + 1)],
    **each("log log2 log10 log1p sqrt", call(U)),
    **each("power pow float_power", call(U, V), call(X, 3), call(2.0, V)),
    "ldexp": [call(V, np.array([1, -2, 0, 3]))],
    **each("matmul vecdot", call(X, P), call(STACK, X[0])),
    "matvec": [call(STACK, X[0])], "vecmat": [call(X[0], STACK)],
    **each("bitwise_and bitwise_or bitwise_xor gcd lcm left_shift right_shift bitwise_left_shift bitwise_right_shift", call(INTS, np.array([1, 3, 2]))),
    **each("invert bitwise_not bitwise_invert bitwise_count", call(INTS)),
    "divide": [call(V, W), call(X, X[0]), call(1.0, V)],
    "add": [call(V, W), call(X, X[0]), call(X, 2.0), call(X, 1, dtype=np.float64)],
    "clip": [call(X, -0.5, 1.0), call(X, X[0] - 0.1, X[0] + 0.3), call(X, None, 1.0)],
    "nan_to_num": [call(NANS), call(NANS, nan=2.0)],
    "i0": [call(V)], "unwrap": [call(4.1 * U), call(np.array([[0.0, 3.0, 7.5], [1.0, -4.0, 2.0]]), axis=0)],
    "angle": [call(X)], "isclose": [call(V, W)], "allclose": [call(V, W)],
    # reductions
    **each("sum prod mean max min amax amin std var all any", *_REDUCED),
    **each("nansum nanprod nanmean nanmax nanmin nanstd nanvar", call(NANS), call(NANS, axis=0, keepdims=True)),
    **each("nancumsum nancumprod nanmedian", call(NANS), call(NANS, axis=1)),
    "nanquantile": [call(NANS, 0.3), call(NANS, [0.3, 0.8], axis=0)],
    "nanpercentile": [call(NANS, 30), call(NANS, [30, 80], axis=0)],
    "quantile": [call(X, 0.3), call(STACK, [0.2, 0.9], axis=(0, 1), keepdims=True), call(X, 0.3, axis=1, method="lower"), call(X, 0.3, method="midpoint")],
    "percentile": [call(X, 30), call(X, [20, 90], axis=0)],
    "median": [*_REDUCED],
    **each("cumsum cumprod argmax argmin ptp count_nonzero", *_EVERY_AXIS),
    **each("cumulative_sum cumulative_prod", call(V), call(X, axis=1, include_initial=True)),
    "average": [call(X), call(X, weights=P), call(X, 1, U[:3]), call(X, axis=0, weights=U[:3], returned=True)],
    "cov": [call(X), call(X, P, rowvar=False), call(V, W), call(X, aweights=U[:3]), call(X, bias=True), call(V)],
    "corrcoef": [call(X), call(V, W)],
    "trapezoid": [call(X), call(X, axis=0, dx=0.5), call(V, XP), call(X, P, axis=0)],
    "diff": [call(X), call(X, 2, axis=0), call(X, prepend=0.0, append=X[:, :1])],
    "ediff1d": [call(X), call(V, W, 2.0)],
    "gradient": [call(V), call(X), call(X, 0.5, axis=0), call(V, XP, edge_order=2), call(X, XP[:3], U[:3])],
    "interp": [call(np.array([-0.5, 0.4, 1.7, 2.8, 3.3]), XP, V), call(V, XP, W, left=-1.0, right=2.0)],
    "convolve": [call(V, X[0]), call(X[0], V, "same"), call(V, X[0], "valid")],
    "correlate": [call(V, X[0]), call(X[0], V, "same"), call(V, X[0], "full"), call(X[0], V)],
    "bincount": [call(INTS), call(INTS, X[0])],
    "histogram_bin_edges": [call(V), call(X, 3), call(V, XP), call(X, "sqrt"), call(V, 4, (-0.5, 0.5))],
    "histogram": [call(V), call(X, 3, weights=P), call(X, 3, density=True), call(V, "sqrt"), call(V, XP, density=True, weights=U),
                  call(V, 4, (-0.5, 0.5), weights=U)],
    "histogram2d": [call(V, W), call(V, W, 2, density=True, weights=U), call(V, W, [2, XP - 1.0], weights=U), call(V, W, XP - 1.0)],
    "histogramdd": [call(X), call([V, W, U], (2, 1, 2), weights=U), call(X, 2, density=True, weights=U[:3]), call(V, 2, [(0.0, 1.0)], weights=W)],
    # order
    **each("sort argsort", call(X), call(X, axis=0), call(X, axis=None), call(X, kind="stable")),
    **each("partition argpartition", call(V, 1)),
    "lexsort": [call((V, W))], "searchsorted": [call(XP, V), call(XP, X, side="right"), call(V, W, sorter=np.argsort(V))],
    "digitize": [call(V, XP)], "sort_complex": [call(V)],
    "compress": [call([True, False, True], X, axis=1), call([False, True], X)],
    "extract": [call(MASK, X)], "trim_zeros": [call(np.array([0.0, 1.5, 0.0, 2.0, 0.0]))],
    "unique": [call(np.array([0.5, 0.2, 0.7])), call(X, return_index=True), call(X, axis=0)],
    **each("isin intersect1d setdiff1d setxor1d union1d", call(V, W)),
    # choice and places
    "where": [call(MASK, X, P), call(MASK, X, 0.0), call(X)],
    "select": [call([MASK, ~MASK], [X, P], 1.0), call([MASK], [X])],
    "choose": [call(INTS, [X[0], X[1], X[2]])],
    "piecewise": [call(V, [V < 0], [np.square, 2.0])],
    "take": [call(X, [0, 0, 2]), call(X, [1, 0], axis=1), call(X, [0], 0, None, "raise")],
    "take_along_axis": [call(X, np.array([[0], [2], [1]]), axis=1)],
    "put_along_axis": [call(X, np.array([[0], [2], [1]]), 1.0, axis=1)],
    "put": [call(X, [0], 1.0)], "place": [call(X, MASK, [1.0])], "putmask": [call(X, MASK, 1.0)],
    "copyto": [call(X, P)], "fill_diagonal": [call(X, 1.0)],
    "delete": [call(X, 1), call(X, [0, 2], axis=1)], "append": [call(V, W), call(X, P, axis=1)],
    "insert": [call(V, 1, 9.0), call(V, [0, 2], W[:2]), call(X, 1, X[0], axis=0), call(X, 1, X[0], axis=1)],
    "unravel_index": [call(INTS, (2, 3))], "ravel_multi_index": [call((INTS, INTS), (3, 3))],
    "apply_along_axis": [call(np.sort, 1, X), call(np.sum, 0, X)], "apply_over_axes": [call(np.sum, STACK, [0, 2])],
    # shapes
    "reshape": [call(X, (9,)), call(X, -1)], "resize": [call(X, (2, 6))],
    "expand_dims": [call(X, 1)], "squeeze": [call(X[None]), call(X[None], axis=0)],
    **each("transpose permute_dims", call(X), call(STACK, (2, 0, 1))),
    **each("moveaxis swapaxes", call(STACK, 0, 2)), "rollaxis": [call(STACK, 2), call(STACK, 0, 3)],
    "broadcast_to": [call(V, (2, 4))], "broadcast_arrays": [call(X, X[0])], "tile": [call(X, (2, 1))],
    "repeat": [call(X, 2), call(X, [1, 0, 2], axis=0)], "roll": [call(X, 1), call(X, (1, 2), axis=(0, 1))],
    **each("concatenate concat", call([X, P]), call([X, P], axis=1), call((X, P), axis=None)),
    "stack": [call([X, P], axis=1)], "block": [call([[X, P], [P, X]]), call([V, W])],
    **each("hstack vstack dstack column_stack", call([V, W]), call([X, P])),
    **each("split array_split", call(X, 3), call(X, [1], axis=1)), "unstack": [call(X, axis=1)],
    **each("hsplit vsplit", call(X, 3)), "dsplit": [call(STACK, 3)],
    **each("atleast_1d atleast_2d atleast_3d", call(V), call(X, V)),
    "pad": [call(X, 1), call(X, ((1, 0), (2, 1)), mode="edge"), call(X, 1, mode="reflect")],
    "flip": [call(X), call(X, axis=1)], "rot90": [call(X), call(X, 2), call(X, -1), call(STACK, 1, (1, 2))],
    "meshgrid": [call(V, W[:3]), call(V, W[:3], indexing="ij", sparse=True)],
    "astype": [call(X, np.float64)], "full_like": [call(X, 2.0), call(INTS, V[0] * np.ones(()), dtype=float)],
    "linspace": [call(V, W, 3), call(V[0] * np.ones(()), 2.0, 4, endpoint=False)],
    "logspace": [call(V, W, 3)], "geomspace": [call(U, 2 * U, 4), call(-U, -3 * U, 3)],
    # matrices
    "diag": [call(V), call(X), call(V, 1), call(X, -1)], "diagflat": [call(X, 1)],
    **each("diagonal trace", call(X), call(STACK, 1, 1, 2)),
    **each("tril triu", call(X), call(STACK, -1)), "vander": [call(V), call(V, 3, increasing=True)],
    "matrix_transpose": [call(STACK)],
    "dot": [call(V, W), call(X, P), call(STACK, STACK), call(X, 2.0)],
    "inner": [call(V, W), call(STACK, X)], "outer": [call(V, W)], "vdot": [call(X, P)],
    "kron": [call(X, TALL), call(V, X)], "cross": [call(X, P), call(X, X[0], axis=0), call(X, P, 0, 1, 0)],
    "tensordot": [call(STACK, X, 1), call(STACK, X, axes=([1], [0]))],
    "einsum": [call("ij,jk->k", X, P), call("ii", X)], "einsum_path": [call("ij,jk->k", X, P)],
    # polynomials
    **each("polyadd polysub polymul polydiv", call(V, X[1]), call(X[1], V)),
    "polyval": [call(V, X)], "polyder": [call(V), call(V, 2)], "polyint": [call(V), call(V, 2, [1.0, 2.0])],
    "polyfit": [call(XP, V, 2), call(XP, V, 1, w=U)], "poly": [call(V)],
    "roots": [call(np.poly(V)), call(np.array([0.0, 2.0, -3.0, -1.0, 0.0])), call(U[:2])],
    # linear algebra
    "linalg.norm": [call(X), call(X, "nuc"), call(X, 2), call(X, 1), call(X, -np.inf), call(V), call(V, 3), call(V, np.inf),
                    call(X, axis=1), call(STACK, axis=(1, 2), keepdims=True), call(X, 1, 0), call(X, keepdims=True)],
    "linalg.vector_norm": [call(X), call(X, axis=0, ord=3)], "linalg.matrix_norm": [call(STACK), call(X, ord="nuc")],
    **{f"linalg.{name}": [call(X), call(STACK)] for name in ("inv", "det", "slogdet", "pinv", "svdvals", "matrix_rank")},
    "linalg.matrix_power": [call(X, 3), call(X, -2), call(X, 0)], "linalg.cond": [call(X), call(X, 1), call(X, -2)],
    "linalg.solve": [call(X, X[0]), call(STACK, P)], "linalg.lstsq": [call(TALL, V[:3]), call(X, P)],
    "linalg.tensorinv": [call(RNG.normal(size=(4, 2, 2)), 1)],
    "linalg.tensorsolve": [call(RNG.normal(size=(2, 2, 4)), P[:2, :2])],
    "linalg.cholesky": [call(P), call(P, upper=True)],
    "linalg.qr": [call(X), call(TALL), call(TALL.T), call(TALL, "r")],
    "linalg.svd": [call(X), call(TALL, full_matrices=False), call(TALL, compute_uv=False)],
    **{f"linalg.{name}": [call(P)] for name in ("eigh", "eigvalsh", "eig", "eigvals")},
    "linalg.multi_dot": [call([X, TALL, TALL.T]), call([X[0], X, X[1]])],
    "linalg.cross": [call(X, P)], "linalg.outer": [call(V, W)], "linalg.vecdot": [call(X, P)],
    "linalg.matmul": [call(X, P)], "linalg.tensordot": [call(X, P, axes=1)],
    **{f"linalg.{name}": [call(STACK), call(STACK, offset=1)] for name in ("diagonal", "trace")},
    "linalg.matrix_transpose": [call(STACK)],
    # Fourier transforms
    **each("fft.irfft fft.hfft", call(V), call(X, 5, 0, "ortho"), call(X, 8, norm="forward"), call(X, 3, norm="backward"), call(U, 1)),
    "fft.irfft2": [call(X), call(STACK, (2, 5)), call(STACK, (4, 3), (2, 0), "ortho")],
    "fft.irfftn": [call(X), call(STACK), call(STACK, (3, 6), (0, 1), "forward"), call(STACK, axes=(1,))],
    # what only looks
    **each("array_equal array_equiv may_share_memory shares_memory", call(V, W)),
    "can_cast": [call(np.float64, np.float32)], "ix_": [call(INTS)], "diag_indices_from": [call(X)],
    **each("packbits unpackbits", call(np.array([1, 0, 1], np.uint8))),
    "common_type": [call(X, V)], "result_type": [call(X, V)], "isreal": [call(X)],
}  # fmt: skip
"""By NumPy's name; `default` has the calls of other functions."""

ASIDE = frozenset({"busday_count", "busday_offset", "datetime_as_string", "in1d", "is_busday", "isnat"})
"""Functions of dates, and one that is deprecated, and gone from NumPy 2.4."""

FILES = frozenset({"save", "savetxt", "savez", "savez_compressed"})
"""Functions that write files."""

SYMMETRIC = frozenset({"linalg.cholesky", "linalg.eigh", "linalg.eigvalsh"})
"""Functions of symmetric matrices, of which NumPy reads one triangle and we take the symmetric part."""


def functions() -> Iterator[tuple[str, Any]]:
    """Yield NumPy's functions that tensors are handed over by, with their names behind ``np.``."""
    for prefix, module in (("", np), ("linalg.", np.linalg), ("fft.", np.fft)):
        for name in sorted(dir(module)):
            function = getattr(module, name)
            dispatched = isinstance(function, np.ufunc) if not prefix else False
            if (dispatched or type(function).__name__ == "_ArrayFunctionDispatcher") and name not in ASIDE:
                yield f"{prefix}{name}", function


def calls(name: str, function: Any) -> list[Call]:
    """Return the calls of a function."""
    if name in CALLS:
        return CALLS[name]
    if isinstance(function, np.ufunc):
        one, two = [call(V), call(V.reshape(2, 2))], [call(V, W), call(X, X[:1] + 0.1), call(1.3, V)]
        return one if function.nin == 1 else two
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # written in C, before NumPy 2.4
        return [call(X)]
    required = [p for p in parameters if p.default is p.empty and p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}]
    return [call(*[X, P][: max(len(required), 1)])]


def numbers_of(result: Any) -> list[Any]:
    """Return all arrays, tensors and numbers that a function has returned, in order."""
    if isinstance(result, (list, tuple)):
        return [number for part in result for number in numbers_of(part)]
    return [] if isinstance(result, (str, type, np.dtype)) or result is None else [result]


def outcome(name: str, function: Any) -> str:
    """Return ``"gradient"`` or ``"constant"`` for what a function gives of tensors, or with what words it is refused."""
    if name in FILES:
        return "numpy.save: not defined for tensors; write t.numpy(), or use ag.save"
    found = "constant"
    for each_ in calls(name, function):
        try:
            y = each_.on(function, lambda a: ag.tensor(a, requires_grad=True))
        except ag.errors.OperandError as error:
            return str(error)
        if any(isinstance(x, ag.Tensor) and x.requires_grad for x in numbers_of(y)):
            found = "gradient"
    return found


# --- the page ---------------------------------------------------------------------------------

PAGE = Path(__file__).parents[1] / "docs" / "numpy.md"
MARKS = re.compile(r"(?<=<!-- from a run -->\n).*(?=<!-- to here -->)", re.DOTALL)


def listing() -> str:
    """Return the part of the page that follows from a run."""
    outcomes = {name: outcome(name, function) for name, function in functions()}
    lists = {
        kind: [f"`{name}`" for name, found in outcomes.items() if found == kind] for kind in ("gradient", "constant")
    }
    refused: dict[str, list[str]] = {}
    for name, found in outcomes.items():
        if found not in lists:
            refused.setdefault(found.partition("not defined for tensors; ")[2], []).append(f"`{name}`")
    return "\n".join([
        "", f"As of NumPy {np.__version__}, of {len(outcomes)} functions:", "",
        f"### {len(lists['gradient'])} have gradients", "", ", ".join(lists["gradient"]), "",
        f"### {len(lists['constant'])} give constants", "", ", ".join(lists["constant"]), "",
        f"### {sum(map(len, refused.values()))} are refused", "",
        "| function | what the error says |", "|---|---|",
        *(f"| {', '.join(names)} | {hint} |" for hint, names in refused.items()), "", "",
    ])  # fmt: skip


if __name__ == "__main__":
    with np.errstate(all="ignore"):
        PAGE.write_text(MARKS.sub(lambda _: listing(), PAGE.read_text("utf-8")), "utf-8")
