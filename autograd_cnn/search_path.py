"""Where modules are looked for when the package is run by ``python -m autograd_cnn``.

Python then puts the folder at hand before all others, so that a ``numpy.py`` which lies there would be
run in place of NumPy. The package imports this first, and the command ``autograd-cnn`` knows no such rule.
"""

import sys


def _is_run() -> bool:
    """Whether the interpreter is about to run the package: until it has found it, ``argv[0]`` is ``-m``."""
    name = sys.orig_argv[-len(sys.argv) :][:1]  # after it come the arguments, as in argv
    return sys.argv[:1] == ["-m"] and name in (["autograd_cnn"], ["-mautograd_cnn"])


if _is_run() and not sys.flags.safe_path:
    del sys.path[0]
