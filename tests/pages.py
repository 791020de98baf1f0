"""Run the Python blocks of pages: ``python tests/pages.py docs/engine.md docs/onnx.md``.

Each page runs in a process and an empty folder of its own: as a reader runs it, with the modules alone that it imports.
"""

import contextlib
import doctest
import io
import os
import re
import sys
import tempfile
import traceback
from pathlib import Path

BLOCK = re.compile(r"^```python\n(.*?)^```(?:\n\n```text\n(.*?)^```)?", re.DOTALL | re.MULTILINE)
"""A block, and what it prints where that is shown right after it; ``...`` stands for what is left out."""


def run(path):
    """Run the blocks of a page from top to bottom, and hold what they print against what is shown."""
    text = path.read_text("utf-8")
    names = {"__name__": "__main__"}
    for match in BLOCK.finditer(text):
        line = text[: match.start(1)].count("\n")  # so that a traceback shows the page's own lines
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile("\n" * line + match[1], str(path), "exec"), names)  # noqa: S102  # our own pages
        got = printed.getvalue()
        if match[2] is not None and not doctest.OutputChecker().check_output(match[2], got, doctest.ELLIPSIS):
            raise AssertionError(f"{path}, line {line}: expected\n{match[2]}got\n{got}")


def passes(path):
    """Run a page and return whether it went well; if not, standard error says why."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            run(path)
        except BaseException:  # noqa: BLE001  # whatever a page does
            traceback.print_exc()
            return False
        finally:
            os.chdir(before)
    return True


def passes_alone(path):
    """Run a page in a process of its own, where there is `os.fork`."""
    if not hasattr(os, "fork"):
        return passes(path)
    child = os.fork()
    if not child:
        code = 1 - passes(path)
        sys.stderr.flush()
        os._exit(code)
    return os.waitpid(child, 0)[1] == 0


if __name__ == "__main__":
    import autograd_cnn.kernels.compiled  # noqa: F401  # which takes a second, and each page needs; none of it runs here

    sys.exit(any([not passes_alone(Path(path).resolve()) for path in sys.argv[1:]]))  # noqa: C419  # all of them run
