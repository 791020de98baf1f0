"""The module search path when the package is run by ``python -m autograd_cnn``.

Python then puts the current folder first, so a ``numpy.py`` in it would be imported instead of
NumPy. The package imports this module before all others; the command ``autograd-cnn`` is not affected.
"""

import sys


def _is_run() -> bool:
    """Whether the interpreter is about to run the package: until it is found, ``argv[0]`` is ``-m``."""
    name = sys.orig_argv[-len(sys.argv) :][:1]  # after it come the arguments, as in argv
    return sys.argv[:1] == ["-m"] and name in (["autograd_cnn"], ["-mautograd_cnn"])


if _is_run() and not sys.flags.safe_path:
    del sys.path[0]
