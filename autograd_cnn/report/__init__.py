"""A training run as one page: its curves, what the network confuses, and what it looks at.

`write` puts everything into one self-contained HTML file.
"""

from autograd_cnn.report.document import write
from autograd_cnn.spelling import announce as _announce

__all__ = ["write"]


_announce(globals())
