"""A convolution as its algorithms see it: its sizes, and what each algorithm declares about itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np

from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.windows import Array, Pair, Windows

MAX_SCRATCH: Final = 1 << 31  # bytes of scratch memory; a kernel cannot report that an allocation failed

Side: TypeAlias = Literal["forward", "wrt_input", "wrt_weight"]


class ConvProblem(NamedTuple):
    """The sizes of y = x ⋆ w, for x (N, C, H, W), w (F, C/G, KH, KW) and y (N, F, OH, OW).

    One problem has three sides: y from x and w, dx from g and w, dw from x and g. Algorithms, their costs and tables
    are looked up by problem, so it is a tuple, which is cheap to hash.
    """

    n: int
    c: int
    h: int
    w: int
    f: int
    kh: int
    kw: int
    stride: Pair
    padding: tuple[Pair, Pair]
    dilation: Pair
    groups: int
    dtype: np.dtype[Any]
    oh: int
    ow: int

    @classmethod
    def of(cls, n: int, channels: int, filters: int, windows: Windows, groups: int, dtype: Any) -> "ConvProblem":
        """Return the problem for ``n`` images with ``channels`` channels in all groups."""
        (h, w), (kh, kw), (oh, ow) = windows.image, windows.size, windows.out
        stride, padding, dilation = windows.stride, windows.padding, windows.dilation
        return cls(n, channels, h, w, filters, kh, kw, stride, padding, dilation, groups, dtype, oh, ow)

    @property
    def windows(self) -> Windows:
        """How the filters slide over an image."""
        image, size, out = (self.h, self.w), (self.kh, self.kw), (self.oh, self.ow)
        return Windows(image, size, self.stride, self.padding, self.dilation, out)

    @property
    def taps(self) -> int:
        """KH · KW."""
        return self.kh * self.kw

    @property
    def group_channels(self) -> int:
        """C / G."""
        return self.c // self.groups

    @property
    def group_filters(self) -> int:
        """F / G."""
        return self.f // self.groups

    @property
    def lanes(self) -> int:
        """The number of lanes of a vector."""
        return int(VECTOR_BYTES // self.dtype.itemsize)

    def vectors(self, numbers: int) -> int:
        """Return the number of vectors that hold this many numbers."""
        return -(-numbers // self.lanes)


@dataclass(frozen=True)
class Algorithm:
    """One way to compute one side of a convolution.

    Attributes
    ----------
    name : str
        Its name in `explain` and `use_conv_algorithm`; the same on two sides that share their code.
    supports : (ConvProblem) -> bool
        Whether it can compute the problem at all.
    cost : (ConvProblem) -> float
        An estimate of its time in cycles of one core, where one vector is multiplied and added per cycle.
        ``benchmarks/conv_algorithms.py`` compares the estimates with measured times.
    run : callable
        Forward ``(problem, x, w, start)``, with the initial values ``start`` (F,) of the sums; wrt_input
        ``(problem, g, w)``; wrt_weight ``(problem, x, g)``. All arrays are of the problem's dtype.
    error_bound : (ConvProblem) -> float
        The largest error of a result, relative to the sum of the absolute values of its terms or, if the algorithm is
        not ``local``, to the largest possible such sum.
    local : bool
        Whether each result is computed from its own terms only. An algorithm that mixes those of neighbours, as
        Winograd's do, spreads errors, infinities and NaNs to the neighbours.
    """

    name: str
    supports: Callable[[ConvProblem], bool]
    cost: Callable[[ConvProblem], float]
    run: Callable[..., Array]
    error_bound: Callable[[ConvProblem], float]
    local: bool = True


def fits(size: int) -> bool:
    """Return whether an algorithm may allocate ``size`` bytes of scratch memory, for each thread or for a table."""
    return size <= MAX_SCRATCH


def sum_error(terms: int, dtype: np.dtype[Any]) -> float:
    """Return the bound for a plain sum of products (Higham 2002, *Accuracy and Stability*, section 3.1)."""
    return float((terms + 1) * np.finfo(dtype).eps / 2)


def forward_error(p: ConvProblem) -> float:
    """Return the bound for sums over a window's pixels in all channels."""
    return sum_error(p.group_channels * p.taps, p.dtype)


def wrt_input_error(p: ConvProblem) -> float:
    """Return the bound for sums over the windows that cover a pixel, in all filters' maps."""
    return sum_error(p.group_filters * p.taps, p.dtype)


def wrt_weight_error(p: ConvProblem) -> float:
    """Return the bound for sums over all windows of all images."""
    return sum_error(p.n * p.oh * p.ow, p.dtype)
