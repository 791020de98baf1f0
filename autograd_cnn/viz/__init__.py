"""Pictures: captured graphs as drawings, as pages and in notebooks; and derivations of single calls, to play."""

from autograd_cnn.spelling import announce as _announce
from autograd_cnn.viz.derivations import Cells, Derivation, NamedArray, Panel, Product, Scene, Span, Walk, play
from autograd_cnn.viz.derivations.notation import walk

__all__ = ["Cells", "Derivation", "NamedArray", "Panel", "Product", "Scene", "Span", "Walk", "play", "walk"]

_announce(globals())
