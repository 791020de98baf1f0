"""The adjoint in x for stride 1 as a correlation of g with the kernels rotated by 180°, filters and channels exchanged.

`implicit_gemm` computes it. It is the "full" correlation of Dumoulin & Visin 2016.
"""

from functools import lru_cache

import numpy as np

from autograd_cnn.kernels.compiled.conv import implicit_gemm
from autograd_cnn.kernels.compiled.conv.problem import Algorithm, ConvProblem, wrt_input_error
from autograd_cnn.kernels.compiled.packing import pack_rows
from autograd_cnn.kernels.windows import Array


@lru_cache(maxsize=512)
def _flipped(p: ConvProblem) -> ConvProblem:
    """Return the problem whose forward side this is.

    Its output size, not its padding, determines how far the windows go below and on the right.
    """
    reach = [(k - 1) * d for k, d in zip((p.kh, p.kw), p.dilation, strict=True)]
    top, left = (span - before for span, (before, _) in zip(reach, p.padding, strict=True))
    return p._replace(c=p.f, h=p.oh, w=p.ow, f=p.c, padding=((top, 0), (left, 0)), oh=p.h, ow=p.w)


def _supports(p: ConvProblem) -> bool:
    return p.stride == (1, 1) and implicit_gemm.FORWARD.supports(_flipped(p))


def _cost(p: ConvProblem) -> float:
    return implicit_gemm.FORWARD.cost(_flipped(p))


def _run(p: ConvProblem, g: Array, w: Array) -> Array:
    f, c = p.group_filters, p.group_channels
    rotated = np.arange(f)[:, None] * c * p.taps + np.arange(p.taps)[::-1]  # (F/G, KH·KW)
    packed = pack_rows(w, p.groups, f * c * p.taps, c, p.taps, rotated.reshape(-1))
    return implicit_gemm.correlate(_flipped(p), g, packed, np.zeros(p.c, p.dtype))


WRT_INPUT = Algorithm("flipped_gemm", _supports, _cost, _run, wrt_input_error)
