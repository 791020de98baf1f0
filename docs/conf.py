"""How ``sphinx-build docs build/docs`` makes pages of the files in this folder."""

from html import escape
from importlib import import_module
from pathlib import Path
from runpy import run_path

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.logging import getLogger
from sphinx.writers.html5 import HTML5Translator

import autograd_cnn

project = "autograd_cnn"
author = "The autograd_cnn authors"
release = autograd_cnn.__version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

default_role = "any"
autodoc_typehints = "none"  # the docstrings tell, and shorter
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
nitpick_ignore_regex = [
    # Python's pages and NumPy's: to find them there, each build would need the network.
    (r"any|py:class", r"(collections\.abc|dataclasses|numpy)\..*"),
]

html_theme = "furo"
html_title = "autograd_cnn"
html_show_copyright = False
html_show_sourcelink = False
html_static_path = ["static"]
html_css_files = ["formulas.css", "play.css"]
html_math_renderer = "mathml"


def write_formula(translator: HTML5Translator, node: nodes.math | nodes.math_block) -> None:
    """Write a formula as MathML, which browsers show by themselves: no script, nothing to fetch."""
    block = isinstance(node, nodes.math_block)
    tex = node.astext().replace(r"\cr", r"\\")  # the double backslash does not reach the formulas on GitHub
    try:
        formula = tex2mathml(tex, as_block=block)
    except MathError as error:
        getLogger(__name__).warning("%s in the formula %s", error, tex, location=node)
        formula = tex
    translator.body.append(f'<div class="math">{formula}</div>' if block else formula)
    raise nodes.SkipNode


class Family(SphinxDirective):
    """The public functions of a file in ``ops/``, in its order: what is in its ``__all__`` is in the reference."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Document each of them once, under its name at the top of the package."""
        module = import_module(f"autograd_cnn.ops.{self.arguments[0]}")
        public = {id(value): name for name, value in reversed(vars(module).items()) if name in module.__all__}
        functions = [f".. autofunction:: {name}" for name in reversed(public.values())]
        return self.parse_text_to_nodes("\n".join([".. currentmodule:: autograd_cnn", "", *functions]))


PICTURES = run_path(str(Path(__file__).parent / "pictures" / "play.py"))["PICTURES"]


def put_players(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """Put players in the places of the moving pictures, which are for readers elsewhere."""
    for image in list(doctree.findall(nodes.image)):
        picture = Path(image["uri"])
        if app.builder.format == "html" and picture.stem in PICTURES and picture.parent.name == "play":
            _, scene, height = PICTURES[picture.stem]
            page = f"{'../' * name.count('/')}_static/play/{picture.stem}.html#{scene}@1"
            attributes = f'title="{escape(image["alt"])}" style="height: {height}rem" loading="lazy"'
            frame = f'<iframe class="play" src="{page}" {attributes}></iframe>'
            image.replace_self(nodes.raw("", frame, format="html"))


def write_players(app: Sphinx, error: Exception | None) -> None:
    """Write the pages of the players."""
    if error is None and app.builder.format == "html":
        folder = Path(app.outdir) / "_static" / "play"
        folder.mkdir(parents=True, exist_ok=True)
        for name, (make, *_) in PICTURES.items():
            make().to_html(folder / f"{name}.html")


def setup(app: Sphinx) -> None:
    """Register the directive for families, the renderer of formulas, and the players."""
    app.connect("doctree-resolved", put_players)
    app.connect("build-finished", write_players)
    app.add_directive("family", Family)
    app.add_html_math_renderer("mathml", (write_formula, None), (write_formula, None))
