"""PyTorch's tensor methods that mean the same as ours under NumPy's names.

Those that mean something else, or do not exist here, are in `autograd_cnn.spelling`.
"""

from collections.abc import Callable
from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Traced, shape_of
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError, sentence
from autograd_cnn.parameters import integer, integers
from autograd_cnn.spelling import ATTRIBUTES, IN_PLACE, Elsewhere

if TYPE_CHECKING:
    from autograd_cnn.tensor.tensor import Tensor


def dtype_asked_for(target: Any) -> Any:
    """Return the dtype that the target of ``to`` is or has; None for ``"cpu"``.

    Raises
    ------
    OperandError
        If it is another device.
    """
    if isinstance(target, Traced):
        return target.value.dtype
    if str(target) == "cpu":
        return None
    if str(target).partition(":")[0] in {"cuda", "mps", "xpu", "gpu"}:
        raise OperandError("to", f"device {str(target)!r} is not supported", hint="everything is computed on the CPU")
    return target


class _Method:
    """A function as a method: its first argument is the tensor."""

    def __init__(self, function: Callable[..., Array]) -> None:
        self._function = function

    def __get__(self, owner: Any, kind: type | None = None) -> Callable[..., Array]:
        return self._function if owner is None else MethodType(self._function, owner)


def single(value: Array) -> Array:
    """Return the value of a tensor, if it is one number."""
    if value.size != 1:
        problem = "is not a single number"
        hint = "reduce it, or use .tolist() for all numbers, and any() or all() for a condition"
        raise ShapeError("tensor", problem, expected="one element", got=f"shape {value.shape}", hint=hint)
    return value


def _order(where: str, order: str) -> str:
    return sentence(where, "order is unknown", expected="'C'", got=repr(order))


class TorchMethods(Traced):
    """PyTorch's methods for NumPy's functions.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> ag.tensor([[1.0, 2.0]]).unsqueeze(0).exp().sum(dim=2).log().view(-1).numpy().round(6)
    array([2.313262])
    """

    __slots__ = ()

    if TYPE_CHECKING:  # these methods are a tensor's

        def detach(self) -> "Tensor": ...  # noqa: D102  # see there

    # --- elementwise --------------------------------------------------------------------------

    abs = absolute = _Method(ops.absolute)
    neg = negative = _Method(ops.negative)
    positive = _Method(ops.positive)
    sign = _Method(ops.sign)
    exp = _Method(ops.exp)
    expm1 = _Method(ops.expm1)
    log = _Method(ops.log)
    log1p = _Method(ops.log1p)
    sqrt = _Method(ops.sqrt)
    square = _Method(ops.square)
    exp2 = _Method(ops.exp2)
    log2 = _Method(ops.log2)
    log10 = _Method(ops.log10)
    logaddexp = _Method(ops.logaddexp)
    reciprocal = _Method(ops.reciprocal)
    copysign = _Method(ops.copysign)
    nan_to_num = _Method(ops.nan_to_num)
    sin = _Method(ops.sin)
    cos = _Method(ops.cos)
    tan = _Method(ops.tan)
    asin = arcsin = _Method(ops.arcsin)
    acos = arccos = _Method(ops.arccos)
    atan = arctan = _Method(ops.arctan)
    atan2 = arctan2 = _Method(ops.arctan2)
    hypot = _Method(ops.hypot)
    sinc = _Method(ops.sinc)
    deg2rad = _Method(ops.deg2rad)
    rad2deg = _Method(ops.rad2deg)
    sinh = _Method(ops.sinh)
    cosh = _Method(ops.cosh)
    tanh = _Method(ops.tanh)
    asinh = arcsinh = _Method(ops.arcsinh)
    acosh = arccosh = _Method(ops.arccosh)
    atanh = arctanh = _Method(ops.arctanh)
    erf = _Method(ops.erf)
    sigmoid = _Method(ops.sigmoid)
    relu = _Method(ops.relu)
    softmax = _Method(ops.softmax)
    log_softmax = _Method(ops.log_softmax)
    logsumexp = _Method(ops.logsumexp)
    add = _Method(ops.add)
    sub = subtract = _Method(ops.subtract)
    mul = multiply = _Method(ops.multiply)
    div = divide = true_divide = _Method(ops.divide)
    pow = _Method(ops.power)
    maximum = _Method(ops.maximum)
    minimum = _Method(ops.minimum)
    eq = _Method(ops.equal)
    ne = not_equal = _Method(ops.not_equal)
    lt = less = _Method(ops.less)
    le = less_equal = _Method(ops.less_equal)
    gt = greater = _Method(ops.greater)
    ge = greater_equal = _Method(ops.greater_equal)
    fmax = _Method(ops.fmax)
    fmin = _Method(ops.fmin)
    clamp = _Method(ops.clip)
    clone = copy = contiguous = conj = conjugate = _Method(ops.positive)

    # --- constants, and remainders ------------------------------------------------------------

    floor = _Method(ops.floor)
    ceil = _Method(ops.ceil)
    trunc = _Method(ops.trunc)
    round = _Method(ops.round)
    floor_divide = _Method(ops.floor_divide)
    remainder = _Method(ops.remainder)
    fmod = _Method(ops.fmod)
    isnan = _Method(ops.isnan)
    isinf = _Method(ops.isinf)
    isfinite = _Method(ops.isfinite)
    signbit = _Method(ops.signbit)
    logical_not = _Method(ops.logical_not)
    logical_and = _Method(ops.logical_and)
    logical_or = _Method(ops.logical_or)
    logical_xor = _Method(ops.logical_xor)
    bitwise_not = _Method(ops.invert)
    bitwise_and = _Method(ops.bitwise_and)
    bitwise_or = _Method(ops.bitwise_or)
    bitwise_xor = _Method(ops.bitwise_xor)
    bitwise_left_shift = _Method(ops.left_shift)
    bitwise_right_shift = _Method(ops.right_shift)

    # --- reductions and order -----------------------------------------------------------------

    amax = _Method(ops.max)
    amin = _Method(ops.min)
    any = _Method(ops.any)
    all = _Method(ops.all)
    count_nonzero = _Method(ops.count_nonzero)
    cumprod = _Method(ops.cumprod)
    nansum = _Method(ops.nansum)
    nanmean = _Method(ops.nanmean)
    quantile = _Method(ops.quantile)
    diff = _Method(ops.diff)
    argsort = _Method(ops.argsort)
    argpartition = _Method(ops.argpartition)
    searchsorted = _Method(ops.searchsorted)

    # --- products and shapes ------------------------------------------------------------------

    matmul = mm = bmm = _Method(ops.matmul)
    dot = mv = _Method(ops.dot)
    inner = _Method(ops.inner)
    vdot = _Method(ops.vdot)
    outer = _Method(ops.outer)
    kron = _Method(ops.kron)
    det = _Method(ops.det)
    slogdet = _Method(ops.slogdet)
    inverse = _Method(ops.inv)
    pinverse = _Method(ops.pinv)
    matrix_power = _Method(ops.matrix_power)
    trace = _Method(ops.trace)
    diagonal = _Method(ops.diagonal)
    diag = _Method(ops.diag)
    tril = _Method(ops.tril)
    triu = _Method(ops.triu)
    fliplr = _Method(ops.fliplr)
    flipud = _Method(ops.flipud)
    rot90 = _Method(ops.rot90)
    unsqueeze = _Method(ops.expand_dims)
    broadcast_to = _Method(ops.broadcast_to)
    movedim = moveaxis = _Method(ops.moveaxis)
    swapdims = _Method(ops.swapaxes)
    flip = _Method(ops.flip)
    take = _Method(ops.take)
    roll = _Method(ops.roll)
    tile = _Method(ops.tile)

    def view(self, *shape: Any) -> Array:
        """Reshape; see `autograd_cnn.reshape`."""
        if len(shape) == 1 and not isinstance(shape[0], (int, tuple, list, np.integer)):
            raise ArgumentError(
                "view", "takes lengths of axes", expected="ints", got=repr(shape[0]), hint="use .astype for a dtype"
            )  # fmt: skip
        return ops.reshape(self, shape=shape[0] if len(shape) == 1 else shape)

    def ravel(self, order: str = "C") -> Array:
        """Flatten to one axis; NumPy's method."""
        if order != "C":
            raise ArgumentError(_order("ravel", order))
        return ops.reshape(self, shape=-1)

    def flatten(self, start_dim: int | str = 0, end_dim: int = -1, *, order: str = "C") -> Array:
        """Join the axes from ``start_dim`` to ``end_dim`` into one; NumPy's order "C" is understood, too."""
        if isinstance(start_dim, str):
            return self.ravel(start_dim)
        if order != "C":
            raise ArgumentError(_order("flatten", order))
        shape = self.value.shape
        rank = max(len(shape), 1)
        for name, axis in (("start_dim", start_dim), ("end_dim", end_dim)):
            if not -rank <= integer("flatten", name, axis) < rank:
                raise ArgumentError("flatten", f"{name} is out of range", expected=f"an axis of {shape}", got=axis)
        first, last = start_dim % rank, end_dim % rank
        joined = int(np.prod(shape[first : last + 1], dtype=int))
        return ops.reshape(self, shape=(*shape[:first], joined, *shape[last + 1 :]))

    def permute(self, *dims: Any) -> Array:
        """Permute the axes; see `autograd_cnn.transpose`."""
        return ops.transpose(self, axes=dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims)

    def t(self) -> Array:
        """Transpose a matrix."""
        if len(self.value.shape) > 2:
            hint = "use .T or .permute"
            raise ArgumentError("t", "is for matrices", expected="two axes", got=self.value.shape, hint=hint)
        return ops.transpose(self)

    @property
    def mT(self) -> Array:  # noqa: N802  # NumPy's and PyTorch's name
        """The tensor with its last two axes swapped."""
        return ops.swapaxes(self, -1, -2)

    def expand(self, *shape: Any) -> Array:
        """Broadcast to ``shape``, in which -1 keeps a length; see `autograd_cnn.broadcast_to`."""
        wanted = integers("expand", "shape", shape[0] if len(shape) == 1 else shape)
        if len(wanted) < len(self.value.shape):
            expected = f"at least {len(self.value.shape)}"
            raise ShapeError("expand", "the shape has too few axes", expected=expected, got=wanted)
        own = (-1,) * (len(wanted) - len(self.value.shape)) + self.value.shape
        return ops.broadcast_to(self, shape=tuple(n if m == -1 else m for n, m in zip(own, wanted, strict=True)))

    def view_as(self, other: Array) -> Array:
        """Reshape to the shape of ``other``."""
        return ops.reshape(self, shape=shape_of(other))

    reshape_as = view_as

    def expand_as(self, other: Array) -> Array:
        """Broadcast to the shape of ``other``."""
        return ops.broadcast_to(self, shape=shape_of(other))

    # --- devices ------------------------------------------------------------------------------

    @property
    def device(self) -> str:
        """The device, always ``"cpu"``."""
        return "cpu"

    def cpu(self) -> Self:
        """Return the tensor itself: everything is computed on the CPU."""
        return self

    def to_device(self, device: Any, /, *, stream: Any = None) -> Self:  # noqa: ARG002  # the standard's
        """Return the tensor itself, for ``"cpu"``: the array API standard's method for moving it."""
        self.to(device)
        return self

    def to(self, target: Any) -> Array:
        """Convert to a dtype; ``"cpu"`` returns the tensor itself."""
        dtype = dtype_asked_for(target)
        return self if dtype is None else ops.astype(self, dtype=dtype)

    # --- properties ---------------------------------------------------------------------------

    def dim(self) -> int:
        """The number of axes; see ``ndim``."""
        return len(self.value.shape)

    ndimension = dim

    def numel(self) -> int:
        """The number of elements; see ``size``."""
        return int(self.value.size)

    nelement = numel

    def is_floating_point(self) -> bool:
        """Whether the elements are floats."""
        return bool(self.value.dtype.kind == "f")

    def is_contiguous(self) -> bool:
        """True: a tensor can be reshaped whatever its memory layout."""
        return True

    # --- dtypes; last, as these names are the builtins' ---------------------------------------

    half = _Method(partial(ops.astype, dtype=np.float16))
    float = _Method(partial(ops.astype, dtype=np.float32))
    double = _Method(partial(ops.astype, dtype=np.float64))
    int = _Method(partial(ops.astype, dtype=np.int32))
    long = _Method(partial(ops.astype, dtype=np.int64))
    bool = _Method(partial(ops.astype, dtype=np.bool_))


_IN_PLACE = {f"{name}_": IN_PLACE for name in vars(TorchMethods) if not name.startswith("_")}
for _name, _hint in (_IN_PLACE | ATTRIBUTES).items():
    setattr(TorchMethods, _name, Elsewhere(_name, _hint))
