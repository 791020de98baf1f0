"""The command ``autograd-cnn``."""

from autograd_cnn.cli.command import main

__all__ = ["main"]
