import numpy as np

from benchmarks import agreement


def _results(**peers):
    return {peer: {name: np.asarray(value, float) for name, value in arrays.items()} for peer, arrays in peers.items()}


def _disagreements(results):
    return agreement.disagreements(results, 1e-3)


def test_all_agree_within_the_tolerance():
    results = _results(a={"loss": 1.0, "w": [3, 4]}, b={"loss": 1.0005, "w": [3, 4.004]}, c={"loss": 1.0, "w": [3, 4]})
    assert _disagreements(results) == {}


def test_the_odd_one_out_is_named():
    results = _results(a={"w": [3, 4]}, b={"w": [3, 4]}, c={"w": [3, 14]})
    assert _disagreements(results) == {"c": "w is off by 2e+00"}


def test_of_two_both_are_named():
    assert set(_disagreements(_results(a={"w": 1}, b={"w": 2}))) == {"a", "b"}


def test_a_number_has_no_latitude():
    results = _results(a={"loss": 1.0, "w": [9, 9]}, b={"loss": 1.0, "w": [9, 9]}, c={"loss": 1.002, "w": [9, 9]})
    assert _disagreements(results) == {"c": "loss is off by 2e-03"}


def test_one_array_may_move_a_little_but_not_all_of_them():
    small, large = [0.1, 0.0], [30.0, 40.0]
    usual = {"v": small, "w": large}
    tipped = {"v": [0.1002, 0.0], "w": large}
    assert _disagreements(_results(a=usual, b=usual, c=tipped)) == {}
    assert _disagreements(_results(a=usual, b=usual, c={"v": [0.11, 0.0], "w": large})) == {"c": "v is off by 1e-01"}
    moved = {"v": small, "w": [30.12, 40.16]}
    assert _disagreements(_results(a=usual, b=usual, c=moved)) == {"c": "all arrays together are off by 4e-03"}


def test_an_array_that_is_zero_but_for_rounding_is_held_to_the_others():
    usual = {"v": [1e-9, 0.0], "w": [30.0, 40.0]}
    assert _disagreements(_results(a=usual, b=usual, c=usual | {"v": [-1e-7, 1e-7]})) == {}
    assert set(_disagreements(_results(a=usual, b=usual, c=usual | {"v": [1e-3, 0.0]}))) == {"c"}


def test_missing_misshapen_and_not_a_number():
    results = _results(
        a={"w": [1, 2], "v": 0},
        b={"w": [1, 2], "v": 0},
        c={"v": 0},
        d={"w": [[1, 2]], "v": 0},
        e={"w": [1, np.nan], "v": 0},
    )
    assert _disagreements(results) == {"c": "w is missing", "d": "w is (1, 2), not (2,)", "e": "w is off by nan"}


def test_nobody_to_compare_with():
    assert _disagreements({}) == {}
    assert _disagreements(_results(a={"w": 1})) == {}
    assert _disagreements(_results(a={"w": np.nan})) == {"a": "w is off by nan"}


def test_the_tolerance_is_the_tasks():
    results = _results(a={"w": [3, 4]}, b={"w": [3, 4]}, c={"w": [3, 4.02]})
    assert agreement.disagreements(results, 1e-2) == {}
    assert set(agreement.disagreements(results, 1e-3)) == {"c"}
