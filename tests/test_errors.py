"""Errors are ordinary kinds of Python's, and their texts have one form."""

import pickle

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import errors
from autograd_cnn.errors import ShapeError, sentence


@for_each(
    "parts, text",
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


@for_each(
    "kind", [errors.ShapeError, errors.ArgumentError, errors.OperandError, errors.GradientError, errors.FormatError]
)
def test_an_error_composes_its_sentence_and_keeps_it(kind):
    error = kind("pool", "window is odd", expected="an even one", got=3, hint="try 2")
    for each in (error, pickle.loads(pickle.dumps(error)), kind(str(error))):  # noqa: S301  # of this test
        assert (type(each), str(each)) == (kind, "pool: window is odd: expected an even one, got 3; try 2")


def test_a_sentence_shows_of_an_array_no_more_than_a_line():
    text = sentence("pool", "window is odd", expected=2, got=repr(np.arange(999.0).reshape(-1, 3)))
    assert "\n" not in text
    assert len(text) < 250
    assert text.startswith("pool: window is odd: expected 2, got array([[ 0., 1., 2.], [ 3., 4., 5.], ")
    assert text.endswith("[996., 997., 998.]])")


def test_numpys_words_get_a_name_though_numpy_says_why():
    x = ag.tensor([1.0, 2.0], requires_grad=True) * 1
    with pytest.raises(ShapeError) as err:
        x[0] = [1.0, 2.0, 3.0]
    assert str(err.value) == "set_at: setting an array element with a sequence; shapes x=(2,), values=(3,)"


@for_each(
    "name, kin",
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
