"""A page: one self-contained file that loads nothing."""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from html import escape
from importlib.resources import files
from posixpath import dirname, normpath
from string import Template
from typing import Any, Final

from autograd_cnn.viz.drawing.style import PALETTES, SHADES, Palette, Theme

_IMPORT: Final = re.compile(r'^import (?:(\{[^}]*\}) from )?"(\..*?\.js)";$', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:const|class|(?:async )?function\*?) (\w+))", re.MULTILINE)

_ACCENTS: Final[dict[Theme, dict[str, str]]] = {
    "light": {
        "focus": "#0072b2", "now": "#d55e00", "mark": "#000000",
        "negative": "#0072b2", "zero": "#ffffff", "positive": "#d55e00", "not-finite": "#cc00cc",
    },
    "dark": {
        "focus": "#56b4e9", "now": "#ff9d3d", "mark": "#ffffff",
        "negative": "#56b4e9", "zero": "#14171c", "positive": "#ff7f2a", "not-finite": "#ff66ff",
    },
}  # fmt: skip

_PAPER: Final = "[data-shade]{--fill:var(--paper)}\n"
"""The elements that are coloured by a quantity, unless they have their own shade."""


def document(title: str, style: str, body: str, script: str = "") -> str:
    """Return a page; its policy allows it its own style and script, and nothing to be loaded."""
    own = {"script-src": script, "style-src": style}
    policy = "; ".join((
        "default-src 'none'", "img-src data:", *(f"{kind} '{_hash(text)}'" for kind, text in own.items() if text),
        "base-uri 'none'", "form-action 'none'",
    ))  # fmt: skip
    body += f"<script>{script}</script>\n" if script else ""
    return Template(part("web/page.html")).substitute(title=escape(title), policy=policy, style=style, body=body)


def application(folder: str, *, title: str, data: Any, default: Callable[[Any], Any] | None = None) -> str:
    """Return the page of a script with its data; the same data gives the same text.

    Parameters
    ----------
    folder : str
        Below ``autograd_cnn/viz``: where ``body.html``, ``style.css`` and ``main.js`` are.
    title : str
    data
        What the script finds in the element ``#graph``: JSON that HTML cannot misread.
    default : function, optional
        Converts objects that JSON does not support, as for `json.dumps`.
    """
    script = f'"use strict";\n(() => {{\nconst $modules = {{}};\n{"".join(parts(f"{folder}/main.js").values())}}})();\n'
    style = f"{_colors()}{part('web/base.css')}{part(f'{folder}/style.css')}"
    text = json.dumps(data, allow_nan=False, separators=(",", ":"), default=default)
    text = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    body = Template(part(f"{folder}/body.html")).substitute(title=escape(title))
    return document(title, style, f'{body}<script type="application/json" id="graph">{text}</script>\n', script)


def part(name: str) -> str:
    """Return the text of a file below ``autograd_cnn/viz``."""
    return files("autograd_cnn.viz").joinpath(*name.split("/")).read_text("utf-8")


def parts(main: str) -> dict[str, str]:
    """Return the modules of ``main``, by name, in the order in which a browser would run them.

    Each is turned into a function that returns the module's exports. So exports must not change later, and modules must
    not import each other in a cycle.
    """
    found: dict[str, str] = {}

    def add(name: str) -> None:
        text = part(name)
        places = {other: normpath(f"{dirname(name)}/{other}") for _, other in _IMPORT.findall(text)}
        for place in places.values():
            if place not in found:
                add(place)
        exported = ", ".join(_EXPORT.findall(text))
        body = _EXPORT.sub("", _IMPORT.sub(lambda match: _lookup(match[1], places[match[2]]), text))
        found[name] = f'$modules["{name}"] = (() => {{\n{body}return {{ {exported} }};\n}})();\n'

    add(main)
    return found


def _lookup(names: str | None, place: str) -> str:
    """Return the replacement of an import: ``{ a, b as c }`` from the module at ``place``, or nothing."""
    return f'const {names.replace(" as ", ": ")} = $modules["{place}"];' if names else ""


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


# --- the colours ------------------------------------------------------------------------------


def kind_of(kind: str) -> str:
    """Return the page's name of a kind: it distinguishes operations by their pass."""
    return "forward" if kind == "operation" else kind


def _colors() -> str:
    """Return the palettes of drawings as CSS variables, and those of each kind of box."""
    light, dark = ("".join(f"--{name}:{value};" for name, value in _variables(theme)) for theme in ("light", "dark"))
    kinds = "".join(
        f".{name}{{--fill:var(--{name}-fill);--line:var(--{name}-line)}}\n"
        for name in map(kind_of, PALETTES["light"].kinds)
        if name != "module"
    )
    shades = "".join(
        f'[data-shade="{step}"]{{--fill:{fill};--ink:{ink};--faint:{ink}}}\n'
        for step, (fill, ink) in enumerate(SHADES)
        if fill
    )
    return (
        f":root{{{light}}}\n@media screen and (prefers-color-scheme: dark){{:root{{{dark}}}}}\n{kinds}{_PAPER}{shades}"
    )


def _variables(theme: Theme) -> Iterator[tuple[str, str]]:
    palette: Palette = PALETTES[theme]
    for name in ("paper", "ink", "frame", "faint", "module"):
        yield name, getattr(palette, name)
    for kind, look in palette.kinds.items():
        yield f"{kind_of(kind)}-fill", look.fill
        yield f"{kind_of(kind)}-line", look.line
    yield "problem-fill", palette.problem.fill
    yield "problem-line", palette.problem.line
    yield from _ACCENTS[theme].items()
