"""Pictures: captured graphs as drawings, as pages and in notebooks; and derivations of single calls, to play."""

from typing import TYPE_CHECKING

from autograd_cnn.spelling import teller as _teller
from autograd_cnn.viz.derivations import Cells, Derivation, NamedArray, Panel, Product, Scene, Span, Walk, play
from autograd_cnn.viz.derivations.notation import walk

__all__ = ["Cells", "Derivation", "NamedArray", "Panel", "Product", "Scene", "Span", "Walk", "play", "walk"]

if not TYPE_CHECKING:  # type checkers would take it that every name is there
    __getattr__ = _teller(__name__, __all__)
