"""Whatever a file holds: what it says is read, or refused in a sentence, in little memory."""

import zlib

import numpy as np
import pytest
from fuzzing import MEMORY, attempt, check_good, damage, readers
from peak import memory

FILES = 120
READERS = readers()


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
@pytest.mark.filterwarnings("ignore")
def test_damaged_files(name, tmp_path):
    reader, rng = READERS[name], np.random.default_rng(zlib.crc32(name.encode()))
    check_good(reader, tmp_path)
    with memory(MEMORY):
        for _ in range(FILES):
            attempt(reader, damage(reader, rng), tmp_path / f"x{reader.suffix}")
