"""The default source of random numbers: the operating system, or one global seed."""

from typing import Any

import numpy as np

from autograd_cnn.parameters import integer

_root: np.random.SeedSequence | None = None


def manual_seed(seed: int) -> None:
    """Seed everything that is called without ``rng=`` from now on: initial values of layers, dropout, initialisers.

    Each layer or call has its own generator, spawned from the seed in the order of creation. So the same program gives
    the same numbers. Anything with its own generator or seed (``rng=``, the ``seed`` of a `autograd_cnn.data.Loader` or
    a `autograd_cnn.train.TrainConfig`) neither depends on this seed nor changes what others draw. A layer keeps its
    generator: existing dropout layers are not seeded again.

    Parameters
    ----------
    seed : int
        At least 0.

    Raises
    ------
    ArgumentError
        If it is not an int of at least 0.

    Notes
    -----
    NumPy's global state, ``np.random.seed``, is neither read nor set. For how seeds are spawned, see
    `numpy.random.SeedSequence`.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> ag.manual_seed(0)
    >>> one = ag.nn.Linear(2, 3)
    >>> ag.manual_seed(0)
    >>> two = ag.nn.Linear(2, 3)
    >>> bool((one.weight.numpy() == two.weight.numpy()).all())
    True
    """
    global _root  # noqa: PLW0603  # shared by everything
    _root = np.random.SeedSequence(integer("manual_seed", "seed", seed, 0))


def default_rng(rng: Any = None) -> np.random.Generator:
    """Return `numpy.random.default_rng` of ``rng``; for None, a generator seeded by `manual_seed`, if that was called.

    Examples
    --------
    >>> manual_seed(3)
    >>> first = default_rng().random()
    >>> manual_seed(3)
    >>> default_rng(5).random() != first == default_rng().random()
    True
    """
    if rng is None and _root is not None:
        return np.random.default_rng(_root.spawn(1)[0])
    return np.random.default_rng(rng)
