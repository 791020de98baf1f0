import argparse
from pathlib import Path

import pytest

from autograd_cnn.cli.options import (
    class_weights,
    did_you_mean,
    directory,
    existing_directory,
    file,
    named,
    one_of,
    positive_number,
    share,
    whole_number,
    writing_to,
)


@pytest.mark.parametrize(("read", "text", "value"), [
    (whole_number(0), "0", 0), (whole_number(1), "12", 12), (positive_number, "1e-3", 0.001), (one_of("a", "b"), "b", "b"),
    (directory, "none/run", Path("none/run")), (directory, ".", Path()), (existing_directory, ".", Path()),
    (whole_number(0), "9" * 38, 10**38 - 1), (share, "0", 0.0), (class_weights, "0,1", (0.0, 1.0)),
    (file, "none/net.svg", Path("none/net.svg")),
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
    (directory, "", "the name of a folder"),
    (file, "", "the name of a file"),
    (named("the name of a call"), "", "the name of a call"),
    (whole_number(0), "9" * 39, "a whole number of at least 0"),
    (whole_number(1, 9), "10", "at most 9"),
    (share, "1", "a number from 0 to below 1"),
    (share, "nan", "a number from 0 to below 1"),
    (class_weights, "0,0", "balanced, or numbers of at least 0 with commas in between, not all 0"),
    (class_weights, "1,nan", "balanced, or numbers of at least 0 with commas in between, not all 0"),
])  # fmt: skip
def test_refuses(read, text, expected):
    with pytest.raises(argparse.ArgumentTypeError) as err:
        read(text)
    assert str(err.value) == f"expected {expected}, got '{text}'"


@pytest.mark.parametrize(("text", "meant"), [
    ("--epoch", "--epochs"), ("--ep", "--epochs"), ("-epochs", "--epochs"), ("--EPOCHS", "--epochs"), ("--sede", "--seed"),
    ("--fast", ""), ("", ""), ("-", ""), ("--", ""),
])  # fmt: skip
def test_did_you_mean(text, meant):
    assert did_you_mean(text, ["--help", "--epochs", "--seed"]) == (f"did you mean {meant}?" if meant else "")


def test_a_folder_has_to_be_there_and_no_path_has_a_zero_byte():
    for read, text, told in (
        (existing_directory, "none", "expected a folder, got 'none'; it does not exist"),
        (file, "a\0b", r"expected the name of a file, got 'a\x00b'"),
        (directory, "\0", r"expected the name of a folder, got '\x00'"),
    ):
        with pytest.raises(argparse.ArgumentTypeError) as err:
            read(text)
        assert str(err.value) == told


def test_a_likely_name_and_the_start_of_a_long_one_are_shown():
    with pytest.raises(argparse.ArgumentTypeError) as err:
        one_of("digits", "mnist")("minst")
    assert str(err.value) == "expected one of digits, mnist, got 'minst'; did you mean mnist?"
    with pytest.raises(argparse.ArgumentTypeError) as err:
        whole_number(1)("1" * 10_000)
    assert str(err.value) == f"expected a whole number of at least 1, got '{'1' * 60}…'"


def test_writing_names_the_option(tmp_path):
    path = tmp_path / "none" / "file"
    with pytest.raises(OSError, match="--out") as err, writing_to("--out", path):
        path.write_text("")
    assert str(err.value) == f"--out: can't write to {path}: No such file or directory"
