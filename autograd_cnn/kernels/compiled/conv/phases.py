"""The taps of each pixel of the result, forward and in the adjoint in x: the same for every s-th pixel.

Forward, tap p of window i reads pixel ``i · s + p · d - before``. In the adjoint, pixel i gets tap p of window
``(i + before - p · d) / s`` where that is an integer. So s neighbours have different taps, and pixels s apart have the
same: they form a *phase*, within which the adjoint is a correlation with stride 1. Forward there is a single phase,
with stride s.
"""

from typing import NamedTuple

from autograd_cnn.kernels.compiled.conv.problem import ConvProblem


class Axis(NamedTuple):
    """The taps along one axis. Pixel ``a · period + phase`` of the result reads ``a · step + offset`` by a tap."""

    size: int  # pixels of the result
    operand: int  # pixels of what is read
    step: int
    taps: tuple[tuple[tuple[int, int], ...], ...]  # (tap, offset) of each phase, of taps that are not only on padding

    @property
    def period(self) -> int:
        """How far apart the pixels of a phase are."""
        return len(self.taps)

    @property
    def low(self) -> int:
        """The least offset, or 0."""
        return min([0, *(offset for phase in self.taps for _, offset in phase)])

    @property
    def reach(self) -> int:
        """How many pixels of the operand a period of the result reads, from the lowest on."""
        return max([0, *(offset for phase in self.taps for _, offset in phase)]) - self.low + 1

    @property
    def extent(self) -> int:
        """How many pixels the operand has with the zeros that are read around it."""
        last = (-(-self.size // self.period) - 1) * self.step + self.low + self.reach - 1
        return max(last, self.operand - 1) - self.low + 1


def _axis(size: int, operand: int, step: int, phases: list[list[tuple[int, int]]]) -> Axis:
    """Leave out the taps that are on padding everywhere."""
    counts = [-(-(size - phase) // len(phases)) for phase in range(len(phases))]
    return Axis(size, operand, step, tuple(
        tuple((tap, offset) for tap, offset in taps if -(count - 1) * step <= offset < operand)
        for taps, count in zip(phases, counts, strict=True)
    ))  # fmt: skip


def axes(p: ConvProblem, adjoint: bool) -> tuple[Axis, Axis]:
    """Return the axes of rows and of columns, forward or in the adjoint in x."""
    both = []
    for image, out, kernel, s, (before, _), d in zip(
        (p.h, p.w), (p.oh, p.ow), (p.kh, p.kw), p.stride, p.padding, p.dilation, strict=True
    ):
        if adjoint:
            meets = [[(tap, phase + before - tap * d) for tap in range(kernel)] for phase in range(min(s, image))]
            whole = [[(tap, position // s) for tap, position in taps if position % s == 0] for taps in meets]
            # With a single pixel there may be fewer phases than the stride has pixels.
            both.append(_axis(image, out, 1, whole))
        else:
            both.append(_axis(out, image, s, [[(tap, tap * d - before) for tap in range(kernel)]]))
    return both[0], both[1]
