"""Samples that a test adds are gone after it."""

import pytest

from autograd_cnn.testing.case import SAMPLES


@pytest.fixture(autouse=True)
def _samples_as_before():
    before = set(SAMPLES)
    yield
    for primitive in SAMPLES.keys() - before:
        del SAMPLES[primitive]
