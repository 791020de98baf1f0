"""Errors are ordinary kinds of Python's, and their texts have one form."""

import pickle

import pytest

from autograd_cnn import errors
from autograd_cnn.errors import sentence


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({}, "pool"),
        ({"problem": "window is odd"}, "pool: window is odd"),
        ({"expected": 2, "got": 3}, "pool: expected 2, got 3"),
        ({"problem": "window is odd", "expected": 2, "got": 3}, "pool: window is odd: expected 2, got 3"),
        ({"problem": "window is odd", "hint": "try 2"}, "pool: window is odd; try 2"),
        (
            {"problem": "window is odd", "expected": "an even one", "got": (3, 3), "hint": "try 2"},
            "pool: window is odd: expected an even one, got (3, 3); try 2",
        ),
        ({"expected": 0, "got": None}, "pool: expected 0, got None"),
    ],
)
def test_a_sentence_has_the_parts_that_were_given_in_one_order(parts, text):
    assert sentence("pool", **parts) == text


@pytest.mark.parametrize(
    ("name", "kin"),
    [
        ("ShapeError", ValueError),
        ("ArgumentError", ValueError),
        ("OperandError", TypeError),
        ("RegistrationError", TypeError),
        ("GradientError", ValueError),
        ("AnomalyError", errors.GradientError),
        ("AnomalyError", ArithmeticError),
        ("DivergedError", ArithmeticError),
        ("FormatError", ValueError),
        ("MissingDependencyError", ImportError),
    ],
)
def test_every_error_is_of_a_kind_that_callers_know(name, kin):
    assert issubclass(getattr(errors, name), kin)


def test_a_missing_program_is_told_of_in_a_sentence():
    error = errors.MissingDependencyError("render: no program")
    assert str(error) == "render: no program"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301  # our own


def test_no_extra_is_named_for_a_library_that_is_there():
    try:
        raise ImportError("it needs NumPy 1")  # noqa: TRY301  # as a broken library does
    except ImportError:
        error = errors.MissingDependencyError("an .onnx file", "interop")
    assert str(error) == "an .onnx file needs a library that is installed but does not load: it needs NumPy 1"


def test_a_missing_library_is_named_by_its_extra():
    error = errors.MissingDependencyError("saving to safetensors", "interop")
    assert str(error) == ("saving to safetensors needs an extra; try: python -m pip install 'autograd-cnn[interop]'")
