"""The parser of architecture patterns, and where its errors point."""

import numpy as np
import pytest
from tables import for_each

from autograd_cnn.errors import ArgumentError, OperandError
from autograd_cnn.nn.models.pattern import Layer, parse


def _kinds(pattern, **counts):
    return " ".join(layer.kind + "?" * layer.optional for layer in parse(pattern, counts))


@pytest.mark.parametrize(
    ("pattern", "kinds"),
    [
        ("FC", "FC"),
        ("INPUT -> FC", "FC"),
        ("INPUT->[CONV]*2->POOL?->FC", "CONV CONV POOL? FC"),
        ("  CONV  ->  [ POOL ]  ->  FC * 2 ", "CONV POOL FC FC"),
        ("INPUT -> [[CONV -> RELU]*2 -> POOL]*2 -> [FC -> RELU]*1 -> FC",
         "CONV RELU CONV RELU POOL CONV RELU CONV RELU POOL FC RELU FC"),
        ("[[[CONV]*2 -> POOL?]*1]*2 -> FC", "CONV CONV POOL? CONV CONV POOL? FC"),
    ],
)  # fmt: skip
def test_what_patterns_stand_for(pattern, kinds):
    assert _kinds(pattern) == kinds


def test_names_stand_for_counts():
    assert _kinds("INPUT -> [[CONV]*N -> POOL?]*M -> [FC]*K", N=2, M=1, K=2) == "CONV CONV POOL? FC FC"


def test_layers_know_their_place():
    assert parse("INPUT -> POOL? -> FC", {}) == [Layer("POOL", 9, optional=True), Layer("FC", 18)]


@for_each(
    "pattern, position, text",
    [
        ("", 0, "the pattern is not understood: expected CONV, RELU, POOL, FC or '[', got its end"),
        ("INPUT CONV", 6, "the pattern is not understood: expected '->', got 'CONV'"),
        ("CONV FC", 5, "the pattern is not understood: expected '->' or the end, got 'FC'"),
        ("CONV -> DENSE", 8, "the pattern is not understood: expected CONV, RELU, POOL, FC or '[', got 'DENSE'"),
        ("CONV -> conv", 8, "the pattern is not understood: expected CONV, RELU, POOL, FC or '[', got 'conv'"),
        ("CONV ->", 7, "the pattern is not understood: expected CONV, RELU, POOL, FC or '[', got its end"),
        ("[CONV -> FC", 11, "the pattern is not understood: expected '->' or ']', got its end"),
        ("[CONV)*2", 5, "the pattern is not understood: expected '->' or ']', got ')'"),
        ("CONV] -> FC", 4, "the pattern is not understood: expected '->' or the end, got ']'"),
        ("CONV? -> FC", 4, "the pattern is not understood: expected '->' or the end, got '?'"),
        ("CONV - FC", 5, "the pattern is not understood: expected '->' or the end, got '-'"),
        ("[CONV]* -> FC", 8, "the pattern is not understood: expected a number or a name, got '->'"),
        ("[CONV]*2x", 7, "the pattern is not understood: expected a number or a name, got '2x'"),
        ("[CONV]*N", 7, "the count N is not given: expected N=<number> as an argument, got nothing"),
        ("[CONV]*0", 7, "a count is out of range: expected an int of at least 1, got 0"),
        ("[[CONV]*40]*40", 12, "the pattern is too long: expected at most 1000 layers, got 1600"),
        ("[CONV]*1000 -> FC", 17, "the pattern is too long: expected at most 1000 layers, got 1001"),
        ("[CONV]*999999999", 7, "the pattern is too long: expected at most 1000 layers, got 999999999"),
        ("[CONV]*" + "9" * 5000, 7, "the pattern is too long: expected at most 1000 layers, got more"),
        ("[" * 60 + "FC", 51, "brackets are nested more than 50 deep"),
    ],
)
def test_errors_point_at_their_place(pattern, position, text):
    with pytest.raises(ArgumentError) as error:
        parse(pattern, {})
    assert str(error.value) == f"build: {text}\n  {pattern}\n  {' ' * position}^"


def test_errors_point_at_their_place_in_several_lines():
    with pytest.raises(ArgumentError) as error:
        parse("CONV\n\t-> DENSE\n", {})
    assert str(error.value).endswith("\n  CONV  -> DENSE\n" + " " * 11 + "^")


@pytest.mark.parametrize("pattern", ["CONV -> " * 2000 + "FC", "[" * 20_000, " " * 10**6, "POOL?" * 3000])
def test_a_pattern_of_any_length_is_refused_at_once(pattern):
    with pytest.raises(ArgumentError) as error:
        parse(pattern, {})
    assert str(error.value) == f"build: the pattern is too long: expected at most 10000 characters, got {len(pattern)}"


@pytest.mark.parametrize("pattern", [None, b"FC", ["FC"]])
def test_what_is_no_text_is_no_pattern(pattern):
    with pytest.raises(OperandError) as error:
        parse(pattern, {})
    assert str(error.value) == f"build: the pattern is not a string: expected str, got {type(pattern).__name__}"


@pytest.mark.parametrize("count", [10**5000, np.int64(10**6)], ids=["digits", "numpy"])
def test_a_named_count_of_any_size(count):
    with pytest.raises(ArgumentError, match="the pattern is too long"):
        parse("[FC]*K", {"K": count})


def test_a_count_may_be_numpys():
    assert _kinds("[FC]*K", K=np.int64(2)) == "FC FC"


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "2"])
def test_a_named_count_out_of_range(count):
    with pytest.raises(ArgumentError) as error:
        parse("[FC]*K", {"K": count})
    assert str(error.value) == (
        f"build: a count is out of range: expected an int of at least 1, got {count!r}\n  [FC]*K\n       ^"
    )


def test_a_count_that_no_pattern_asks_for():
    with pytest.raises(ArgumentError) as error:
        parse("[FC]*K", {"K": 1, "kernelsize": 5})
    assert str(error.value) == "build: no argument or count 'kernelsize'"
