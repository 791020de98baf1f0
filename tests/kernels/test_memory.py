"""Freed buffers stay with the process until it is told to give them back."""

import os
import resource
import subprocess
import sys

import pytest

from autograd_cnn.kernels import memory

SCRIPT = """
import resource
from pathlib import Path
import numpy as np
import autograd_cnn as ag

ag.current_backend()  # the first use of a backend

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

def step():
    blocks = [np.ones(1 << 23) for _ in range(3)]  # larger than what glibc keeps by itself
    return sum(block[-1] for block in blocks)

step()
before = faults()
for _ in range(3):
    step()
kept, held = faults() - before, resident()
ag.kernels.release_memory()
print(kept, held - resident())
"""
STEP = 12 << 24


@pytest.mark.slow
@pytest.mark.skipif(memory._glibc() is None, reason="another C library")
@pytest.mark.parametrize("variables", [{}, {"MALLOC_TRIM_THRESHOLD_": "131072"}], ids=["ours", "the user's choice"])
def test_a_second_step_touches_no_new_pages_and_memory_can_be_given_back(variables):
    script = [sys.executable, "-c", SCRIPT]
    run = subprocess.run(script, env=os.environ | variables, capture_output=True, text=True, check=True)
    faults, released = map(int, run.stdout.split())
    pages = STEP // resource.getpagesize()
    if variables:
        assert faults > pages // 512  # of 2 MiB each, if the system is in the mood
    else:
        assert faults < pages // 100
        assert released > 0.9 * STEP


def test_without_glibc_nothing_is_done(monkeypatch):
    monkeypatch.setattr(memory, "_glibc", lambda: None)
    memory.keep_freed_blocks()
    memory.release_memory()
