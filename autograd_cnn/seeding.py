"""The default source of random numbers: the system, or one seed for all."""

from typing import Any

import numpy as np

from autograd_cnn.parameters import integer

_root: np.random.SeedSequence | None = None


def manual_seed(seed: int) -> None:
    """Seed everything that takes ``rng=`` and is given none from now on: initial values of layers, dropout, initialisers.

    Each layer or call has a generator of its own, spawned from the seed in the order in which they are made. So the
    same program gives the same numbers, and what draws from a generator or a seed of its own (``rng=``, the ``seed`` of
    a `autograd_cnn.data.Loader` or a `autograd_cnn.train.TrainConfig`) neither sees this seed nor changes what others
    draw. A layer keeps its generator: dropout that was made before is not seeded again.

    Parameters
    ----------
    seed : int
        At least 0.

    Raises
    ------
    ArgumentError
        If it is not such an int.

    Notes
    -----
    NumPy's own global state, ``np.random.seed``, is neither read nor set. For how seeds are spawned see
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
    global _root  # noqa: PLW0603  # the one that everything shares
    _root = np.random.SeedSequence(integer("manual_seed", "seed", seed, 0))


def default_rng(rng: Any = None) -> np.random.Generator:
    """Return a generator as `numpy.random.default_rng` does, but for None one seeded by `manual_seed`, if that was called.

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
