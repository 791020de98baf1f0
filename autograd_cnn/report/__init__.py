"""A training as one page: how it went, what the network takes for what, and what it looks at.

`write` puts everything into one HTML file that needs nothing else, and reaches for nothing else.
"""

from typing import TYPE_CHECKING
from typing import NoReturn as _NoReturn

from autograd_cnn.report.document import write
from autograd_cnn.spelling import missing as _missing

__all__ = ["write"]


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> _NoReturn:
        """Say which name was meant."""
        raise _missing(__name__, name, __all__)
