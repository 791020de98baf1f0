"""What all tests share: a seeded generator, and how much hypothesis draws."""

import numpy as np
import pytest
from hypothesis import settings

# The same examples in every run: a failure here is a failure everywhere.
settings.register_profile("suite", deadline=None, max_examples=50, derandomize=True, database=None)
settings.load_profile("suite")


@pytest.fixture
def rng():
    """Return a generator that starts alike in every test."""
    return np.random.default_rng(20240229)
