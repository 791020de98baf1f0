"""Padding as layers; each is a mode of `autograd_cnn.nn.functional.pad`."""

from typing import ClassVar

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.errors import ShapeError
from autograd_cnn.nn.functional.padding import Mode, pad
from autograd_cnn.nn.module import Module
from autograd_cnn.parameters import NotNaN, PerAxis, several

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _Pad(Module):
    """A border made of elements of the input."""

    axes: ClassVar[int]
    mode: ClassVar[Mode] = "constant"
    value: float | None = None

    @composite
    def __init__(self, padding: PerAxis) -> None:
        self.padding = several(type(self).__name__, "padding", padding, 2 * self.axes, None)

    def forward(self, x: Array) -> Array:
        """Return ``x`` (N, C, ...) or (C, ...) with the border."""
        rank = len(shape_of(x))
        if rank not in (self.axes + 1, self.axes + 2):
            axes = ", ".join(("D", "H", "W")[-self.axes :]) if self.axes > 1 else "L"
            expected = f"(N, C, {axes}) or (C, {axes})"
            raise ShapeError(type(self).__name__, "x has the wrong rank", expected=expected, got=shape_of(x))
        return pad(x, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        """Return the widths of the border."""
        return str(self.padding)


class ConstantPad2d(_Pad):
    """A border of ``value``.

    Parameters
    ----------
    padding : int or tuple of 4 int
        Pixels on the left, on the right, at the top and at the bottom; a negative number crops as many.
    value : float

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.ConstantPad2d((1, 0, 0, 1), 5.0)([[[1.0]]])
    array([[[5., 1.],
            [5., 5.]]])
    """

    axes = 2

    @composite
    def __init__(self, padding: PerAxis, value: NotNaN) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        """Return the widths of the border and what it holds."""
        return f"{self.padding}, value={self.value}"


class ConstantPad1d(ConstantPad2d):
    """A border of ``value`` at the ends of sequences.

    Parameters
    ----------
    padding : int or pair
        Elements before and after; a negative number crops as many.
    value : float

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.ConstantPad1d((1, 2), 5.0)([[1.0]])
    array([[5., 1., 5., 5.]])
    """

    axes = 1


class ZeroPad1d(_Pad):
    """A border of zeros at the ends of sequences.

    Parameters
    ----------
    padding : int or pair
        Elements before and after; a negative number crops as many.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.ZeroPad1d((2, 0))([[1.0, 2.0, 3.0]]).tolist()
    [[0.0, 0.0, 1.0, 2.0, 3.0]]
    """

    axes = 1


class ZeroPad2d(_Pad):
    """A border of zeros.

    Parameters
    ----------
    padding : int or tuple of 4 int
        Pixels on the left, on the right, at the top and at the bottom; a negative number crops as many.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.ZeroPad2d((2, 0, 0, 0))([[[1.0, 2.0, 3.0]]]).tolist()
    [[[0.0, 0.0, 1.0, 2.0, 3.0]]]
    """

    axes = 2


class ReflectionPad1d(_Pad):
    """A border of sequences mirrored at their outermost elements, which are not repeated.

    Parameters
    ----------
    padding : int or pair
        Elements before and after; a negative number crops as many.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.ReflectionPad1d((2, 0))([[1.0, 2.0, 3.0]]).tolist()
    [[3.0, 2.0, 1.0, 2.0, 3.0]]
    """

    axes = 1
    mode = "reflect"


class ReflectionPad2d(_Pad):
    """A border of the image mirrored at its outermost pixels, which are not repeated.

    Parameters
    ----------
    padding : int or tuple of 4 int
        Pixels on the left, on the right, at the top and at the bottom; a negative number crops as many.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.ReflectionPad2d((2, 0, 0, 0))([[[1.0, 2.0, 3.0]]]).tolist()
    [[[3.0, 2.0, 1.0, 2.0, 3.0]]]
    """

    axes = 2
    mode = "reflect"


class ReplicationPad1d(_Pad):
    """A border that repeats the outermost elements of sequences.

    Parameters
    ----------
    padding : int or pair
        Elements before and after; a negative number crops as many.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.ReplicationPad1d((2, 0))([[1.0, 2.0, 3.0]]).tolist()
    [[1.0, 1.0, 1.0, 2.0, 3.0]]
    """

    axes = 1
    mode = "replicate"


class ReplicationPad2d(_Pad):
    """A border that repeats the outermost pixels.

    Parameters
    ----------
    padding : int or tuple of 4 int
        Pixels on the left, on the right, at the top and at the bottom; a negative number crops as many.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.ReplicationPad2d((2, 0, 0, 0))([[[1.0, 2.0, 3.0]]]).tolist()
    [[[1.0, 1.0, 1.0, 2.0, 3.0]]]
    """

    axes = 2
    mode = "replicate"


class CircularPad1d(_Pad):
    """A border taken from the other end of sequences, as if they were circular.

    Parameters
    ----------
    padding : int or pair
        Elements before and after; a negative number crops as many.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.CircularPad1d((2, 0))([[1.0, 2.0, 3.0]]).tolist()
    [[2.0, 3.0, 1.0, 2.0, 3.0]]
    """

    axes = 1
    mode = "circular"


class CircularPad2d(_Pad):
    """A border taken from the other side of the image, as if it were tiled.

    Parameters
    ----------
    padding : int or tuple of 4 int
        Pixels on the left, on the right, at the top and at the bottom; a negative number crops as many.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> nn.CircularPad2d((2, 0, 0, 0))([[[1.0, 2.0, 3.0]]]).tolist()
    [[[2.0, 3.0, 1.0, 2.0, 3.0]]]
    """

    axes = 2
    mode = "circular"


class ConstantPad3d(ConstantPad2d):
    """A border of ``value`` around volumes.

    Parameters
    ----------
    padding : int or tuple of 6 int
        Elements on the left, on the right, at the top, at the bottom, at the front and at the back; a negative number crops
        as many.
    value : float

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.ConstantPad3d((0, 0, 0, 0, 1, 0), 5.0)(np.ones((1, 1, 1, 2)))
    array([[[[5., 5.]],
    <BLANKLINE>
            [[1., 1.]]]])
    """

    axes = 3


class ZeroPad3d(_Pad):
    """A border of zeros around volumes; ``padding`` as for `ConstantPad3d`.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.ZeroPad3d(1)(np.ones((1, 2, 2, 2))).shape
    (1, 4, 4, 4)
    """

    axes = 3


class ReflectionPad3d(_Pad):
    """A border that mirrors a volume at its outermost elements; ``padding`` as for `ConstantPad3d`.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.ReflectionPad3d((1, 0, 0, 0, 0, 0))(np.array([[[[1.0, 2.0]]]]))
    array([[[[2., 1., 2.]]]])
    """

    axes = 3
    mode = "reflect"


class ReplicationPad3d(_Pad):
    """A border that repeats the outermost elements of a volume; ``padding`` as for `ConstantPad3d`.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.ReplicationPad3d((2, 0, 0, 0, 0, 0))(np.array([[[[1.0, 2.0]]]]))
    array([[[[1., 1., 1., 2.]]]])
    """

    axes = 3
    mode = "replicate"


class CircularPad3d(_Pad):
    """A border taken from the other end of a volume, as if it were tiled; ``padding`` as for `ConstantPad3d`.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> nn.CircularPad3d((1, 0, 0, 0, 0, 0))(np.array([[[[1.0, 2.0, 3.0]]]]))
    array([[[[3., 1., 2., 3.]]]])
    """

    axes = 3
    mode = "circular"
