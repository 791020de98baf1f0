"""Freed buffers stay with the process."""

import resource
import subprocess
import sys

import pytest

SCRIPT = """
import resource
import numpy as np
import autograd_cnn as ag

ag.current_backend()  # the first use of a backend

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def step():
    blocks = [np.ones(1 << 19) for _ in range(3)]
    return sum(block[-1] for block in blocks)

step()
before = faults()
for _ in range(10):
    step()
print(faults() - before)
"""


@pytest.mark.slow
def test_a_second_step_touches_no_new_pages():
    pages = 3 * (1 << 22) // resource.getpagesize()
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert int(run.stdout) < pages
