"""Derivations to play: one recorded call, step by step, forward and backward."""

from autograd_cnn.viz.derivations.derivation import Derivation, play
from autograd_cnn.viz.derivations.walk import Cells, NamedArray, Panel, Product, Scene, Span, Walk

__all__ = ["Cells", "Derivation", "NamedArray", "Panel", "Product", "Scene", "Span", "Walk", "play"]
