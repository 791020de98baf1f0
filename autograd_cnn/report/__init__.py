"""A training run as one page: its curves, what the network confuses, and what it looks at.

`write` puts everything into one self-contained HTML file.
"""

from typing import TYPE_CHECKING

from autograd_cnn.report.document import write
from autograd_cnn.spelling import teller as _teller

__all__ = ["write"]


if not TYPE_CHECKING:  # a type checker would assume that every name exists
    __getattr__ = _teller(__name__, __all__)
