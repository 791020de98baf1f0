"""Drawing the arrays of sample calls."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.testing.case import Case, sample

Numbers: TypeAlias = NDArray[np.float64]
Kind: TypeAlias = Callable[..., Numbers]
"""A method of `Draw`: from the lengths of the axes to an array."""


class Draw:
    """Arrays of random numbers, with a separate generator for each family.

    Parameters
    ----------
    family : str
        Serves as the seed, so that the numbers of one family do not depend on the others.

    Examples
    --------
    >>> Draw("elementwise").spaced(2, 2)
    array([[-0.4 ,  0.35],
           [-0.15,  0.1 ]])
    """

    def __init__(self, family: str) -> None:
        self._rng = np.random.default_rng(list(family.encode()))

    def normal(self, *shape: int) -> Numbers:
        """Return numbers around 0."""
        return np.array(self._rng.standard_normal(shape))

    def positive(self, *shape: int) -> Numbers:
        """Return numbers from 0.5 to 2."""
        return np.array(self._rng.uniform(0.5, 2.0, shape))

    def spaced(self, *shape: int) -> Numbers:
        """Return distinct numbers in random order, 0.25 apart from each other and 0.1 from 0."""
        count = int(np.prod(shape))
        grid = (np.arange(count) - count // 2) * 0.25 + 0.1
        return self._rng.permutation(grid).reshape(shape)

    def matrices(self, *shape: int, symmetric: bool = False) -> Numbers:
        """Return matrices whose singular values, or eigenvalues, are 1, 2 and so on."""
        *stack, rows, columns = shape
        left = np.linalg.qr(self.normal(*stack, rows, rows))[0]
        right = left if symmetric else np.linalg.qr(self.normal(*stack, columns, columns))[0]
        values = np.eye(rows, columns) * np.arange(1.0, columns + 1)
        return np.asarray(left @ values @ np.swapaxes(right, -1, -2))

    def off_grid(self, *shape: int) -> Numbers:
        """Return numbers that never tie with `spaced` ones."""
        return np.array(self.spaced(*shape) + 0.1)


def elementwise(draw: Kind, **params: Any) -> Iterator[Case]:
    """Yield calls on an array, a scalar, an array of one element, and an empty array.

    Examples
    --------
    >>> print(*elementwise(Draw("activation").normal, alpha=2))
    3x4,alpha=2 0d,alpha=2 1,alpha=2 0x3,alpha=2
    """
    for shape in ((3, 4), (), (1,), (0, 3)):
        yield sample(draw(*shape), **params)


def broadcasting(draw1: Kind, draw2: Kind) -> Iterator[Case]:
    """Yield calls on two arrays in every way in which one can broadcast against the other.

    Examples
    --------
    >>> draw = Draw("elementwise")
    >>> print(*broadcasting(draw.normal, draw.positive))
    3x4,3x4 3x4,4 3x1,1x4 0d,2x3 2x3,0d 0d,0d 0x3,1x3
    """
    pairs = [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((), (2, 3)), ((2, 3), ()), ((), ()), ((0, 3), (1, 3))]
    for shape1, shape2 in pairs:
        yield sample(draw1(*shape1), draw2(*shape2))
