import argparse

import pytest

from autograd_cnn.cli.options import one_of, positive_number, whole_number, writing_to


@pytest.mark.parametrize(("read", "text", "value"), [
    (whole_number(0), "0", 0), (whole_number(1), "12", 12), (positive_number, "1e-3", 0.001), (one_of("a", "b"), "b", "b"),
])  # fmt: skip
def test_reads(read, text, value):
    assert read(text) == value


@pytest.mark.parametrize(("read", "text", "expected"), [
    (whole_number(1), "0", "a whole number of at least 1"),
    (whole_number(0), "-1", "a whole number of at least 0"),
    (whole_number(0), "1.5", "a whole number of at least 0"),
    (positive_number, "0", "a number above 0"),
    (positive_number, "-1", "a number above 0"),
    (positive_number, "nan", "a number above 0"),
    (positive_number, "inf", "a number above 0"),
    (positive_number, "fast", "a number above 0"),
    (one_of("a", "b"), "c", "one of a, b"),
])  # fmt: skip
def test_refuses(read, text, expected):
    with pytest.raises(argparse.ArgumentTypeError) as err:
        read(text)
    assert str(err.value) == f"expected {expected}, got '{text}'"


def test_writing_names_the_option(tmp_path):
    path = tmp_path / "none" / "file"
    with pytest.raises(OSError, match="--out") as err, writing_to("--out", path):
        path.write_text("")
    assert str(err.value) == f"--out: can't write to {path}: No such file or directory"
