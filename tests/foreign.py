"""An array of another library, which NumPy can read and which else has nothing in common with NumPy's."""

import numpy as np


class Foreign:
    """Knows how to become an array of NumPy's; its attributes have their names and other meanings."""

    dtype = "foreign.float"

    def __init__(self, array):
        self._array = np.asarray(array)

    def __array__(self, dtype=None, copy=None):
        return np.array(self._array, dtype) if copy else np.asarray(self._array, dtype)

    def __len__(self):
        return len(self._array)

    def size(self):
        """Return the shape, as PyTorch's does."""
        return self._array.shape

    @property
    def shape(self):
        """The lengths along the axes, as everywhere."""
        return self._array.shape

    @property
    def ndim(self):
        """Not there, as in libraries of tables."""
        raise AttributeError("ndim")
