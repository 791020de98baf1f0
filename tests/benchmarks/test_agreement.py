import numpy as np

from benchmarks.agreement import disagreements


def _results(**peers):
    return {peer: {name: np.asarray(value, float) for name, value in arrays.items()} for peer, arrays in peers.items()}


def test_all_agree_within_the_tolerance():
    results = _results(a={"loss": 1.0, "w": [1, 2]}, b={"loss": 1.0005, "w": [1, 2.001]}, c={"loss": 1.0, "w": [1, 2]})
    assert disagreements(results) == {}


def test_the_odd_one_out_is_named():
    results = _results(a={"w": [1, 2]}, b={"w": [1, 2]}, c={"w": [1, 4]})
    assert disagreements(results) == {"c": "w is off by 1e+00"}


def test_of_two_both_are_named():
    assert set(disagreements(_results(a={"w": 1}, b={"w": 2}))) == {"a", "b"}


def test_a_difference_counts_relative_to_the_largest_value():
    assert disagreements(_results(a={"w": [1e6, 0]}, b={"w": [1e6, 0]}, c={"w": [1e6, 500]})) == {}
    assert disagreements(_results(a={"w": [1, 0]}, b={"w": [1, 0]}, c={"w": [1, 0.01]})) == {"c": "w is off by 1e-02"}


def test_missing_misshapen_and_not_a_number():
    results = _results(
        a={"w": [1, 2], "v": 0},
        b={"w": [1, 2], "v": 0},
        c={"v": 0},
        d={"w": [[1, 2]], "v": 0},
        e={"w": [1, np.nan], "v": 0},
    )
    assert disagreements(results) == {"c": "w is missing", "d": "w is (1, 2), not (2,)", "e": "w is off by nan"}


def test_nobody_to_compare_with():
    assert disagreements({}) == {}
    assert disagreements(_results(a={"w": 1})) == {}
    assert disagreements(_results(a={"w": np.nan})) == {"a": "w is off by nan"}
