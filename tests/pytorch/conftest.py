"""These tests run where PyTorch is installed; the others do without it, as the package does."""

import importlib.util

if importlib.util.find_spec("torch") is None:
    collect_ignore_glob = ["*.py"]  # 200 MB of a framework are too much to ask for a test run
else:
    import torch

    torch.set_num_threads(1)  # its pool of threads would outlast each small call, and spin
