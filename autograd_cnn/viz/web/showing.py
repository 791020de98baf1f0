"""A page where somebody looks at it: in the notebook that asked for it, or else in the browser."""

import os
import sys
import tempfile
import webbrowser
from html import escape
from pathlib import Path


def frame(text: str, *, title: str, height: int) -> str:
    """Return a page as an element of another page, in which it can reach nothing of that.

    Notebooks show it as it is, since it loads nothing and needs no extension.
    """
    attributes = f'title="{escape(title)}" width="100%" height="{height}" style="border: 0"'
    return f'<iframe srcdoc="{escape(text)}" sandbox="allow-scripts allow-downloads" {attributes}></iframe>'


def show(text: str, *, title: str, height: int) -> Path | None:
    """Show a page below the cell of a notebook that is running, or else in the browser.

    Returns
    -------
    Path or None
        Outside of notebooks, the file that was written for the browser; it stays where there is no browser, too.
    """
    element = frame(text, title=title, height=height)
    if "marimo" in sys.modules and sys.modules["marimo"].running_in_notebook():
        marimo = sys.modules["marimo"]
        marimo.output.append(marimo.Html(element))
        return None
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if hasattr(shell, "kernel"):
        sys.modules["IPython"].display.display({"text/html": element, "text/plain": title}, raw=True)
        return None
    path = Path(tempfile.mkdtemp(prefix="autograd_cnn-")) / "page.html"
    path.write_text(text, "utf-8")
    open_browser(path)
    return path


def open_browser(path: Path) -> bool:
    """Open a file in the browser, and return whether there is one that has a window."""
    if not (sys.platform in {"win32", "darwin"} or {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"} & os.environ.keys()):
        return False  # what is left are browsers that take the terminal
    return webbrowser.open(path.resolve().as_uri())
