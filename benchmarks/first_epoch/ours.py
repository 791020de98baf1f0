"""``autograd-cnn train``, as it is when it has just been installed."""

import tempfile

from autograd_cnn.cli import main

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(["train", "--epochs", "1", "--out", f"{folder}/run"])
    print("{}")  # its recipe is its own, and no number the same as the others'
