"""Showing a page: in the notebook that asked for it, or else in the browser."""

import os
import sys
import tempfile
import webbrowser
from html import escape
from pathlib import Path


def frame(text: str, *, title: str, height: int) -> str:
    """Return a page as an element of another page, to which it has no access.

    Notebooks can show it directly, because it loads nothing and needs no extension.
    """
    attributes = f'title="{escape(title)}" width="100%" height="{height}" style="border: 0"'
    return f'<iframe srcdoc="{escape(text)}" sandbox="allow-scripts allow-downloads" {attributes}></iframe>'


def show(text: str, *, title: str, height: int) -> Path | None:
    """Show a page below the running cell of a notebook, or else in the browser.

    Returns
    -------
    Path or None
        Outside notebooks, the file that was written for the browser, even if no browser was found.
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
    """Open a file in the browser, and return whether there is one with a window."""
    if not (sys.platform in {"win32", "darwin"} or {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"} & os.environ.keys()):
        return False  # the remaining browsers would take over the terminal
    return webbrowser.open(path.resolve().as_uri())
