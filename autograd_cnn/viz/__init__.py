"""Pictures: of captured graphs as drawings, pages and in notebooks; and derivations of single calls, to play."""

from autograd_cnn.viz.play import Derivation, play

__all__ = ["Derivation", "play"]
