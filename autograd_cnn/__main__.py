"""``python -m autograd_cnn`` is the command ``autograd-cnn``."""

import sys

from autograd_cnn.cli import main

if __name__ == "__main__":
    sys.exit(main())
