"""What a user is told about convolution algorithms, and how he overrules the choice."""

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError, MissingDependencyError, ShapeError
from autograd_cnn.kernels import algorithms
from autograd_cnn.kernels.compiled.conv import select

MISMATCH = (
    "explain: the shapes do not go together: expected (N, C, H, W) and (F, C/G, KH, KW), "
    "got x=(1, 3, 8, 8), w=(2, 4, 3, 3), groups=1"
)
SIDES = ("forward", "wrt_input", "wrt_weight")


def test_all_algorithms_of_all_sides_are_explained_and_one_is_chosen():
    explanation = ag.kernels.explain((8, 6, 12, 12), (16, 6, 5, 5), stride=2)
    assert tuple(explanation.sides) == SIDES
    for side, candidates in explanation.sides.items():
        assert [each.name for each in candidates] == [each.name for each in select.ALGORITHMS[side]]
        (chosen,) = (each for each in candidates if each.chosen)
        assert chosen.name == explanation.chosen[side]
        assert chosen.cost == min(each.cost for each in candidates if each.cost is not None)
    unsupported = next(each for each in explanation.sides["wrt_input"] if each.name == "flipped_gemm")
    assert (unsupported.cost, unsupported.error_bound, unsupported.chosen) == (None, None, False)


def test_what_is_explained_is_what_runs(monkeypatch):
    taken = []
    for side, all_of_side in select.ALGORITHMS.items():
        for each in all_of_side:
            run = each.run
            monkeypatch.setitem(each.__dict__, "run", lambda *a, r=run, w=(side, each.name): taken.append(w) or r(*a))
    x, w = ag.tensor(np.ones((20, 4, 9, 9)), requires_grad=True), ag.tensor(np.ones((6, 4, 3, 3)), requires_grad=True)
    with ag.set_backend("jit"):
        ag.correlate2d(x, w, padding=1).sum().backward()
    assert dict(taken) == ag.kernels.explain(x.shape, w.shape, padding=1, dtype=float).chosen


def test_the_table():
    text = str(ag.kernels.explain((8, 64, 14, 14), (64, 64, 3, 3), stride=2, padding=1)).splitlines()
    assert text[0] == "x (8, 64, 14, 14), w (64, 64, 3, 3), float32"
    assert [line.split()[0] for line in text if line and line[0] not in " *x"] == [*SIDES]
    assert "  flipped_gemm      not supported" in text
    assert sum(line.startswith("* ") for line in text) == 3
    assert len({len(line) for line in text[2:] if line and "not supported" not in line}) == 1


@pytest.mark.parametrize(("x", "w"), [((4, 8, 8), (2, 4, 3, 3)), ((8, 8), (3, 3))])
def test_images_of_lower_rank(x, w):
    assert None not in ag.kernels.explain(x, w).chosen.values()


@pytest.mark.parametrize(
    ("x", "w", "kwargs", "kind", "text"),
    [
        ((1, 3, 8, 8), (2, 4, 3, 3), {}, ShapeError, MISMATCH),
        ((8,), (3, 3), {}, ShapeError, None),
        ((1, 4, 8, 8), (3, 2, 3, 3), {"groups": 2}, ShapeError, None),
        ((1, 4, 8, 8), (3, 4, 3, 3), {"groups": 0}, ShapeError, None),
        ((1, 1, 2, 8), (1, 1, 3, 3), {}, ShapeError, None),
        ((8, 8), (3, 3), {"dtype": int}, ArgumentError,
         "explain: no algorithm is compiled for the dtype: expected float32 or float64, got int64"),
        ((8, 8), (3, 3), {"stride": 0}, ArgumentError, None),
        (np.ones((1, 3)), (3, 3), {}, ArgumentError,
         "explain: x_shape is not understood: expected an int or a tuple of ints, got array([[1., 1., 1.]])"),
        (8, (3, 3), {}, ShapeError, None),
        ((8, 8), (3, 3.5), {}, ArgumentError, None),
        ((8, 8), None, {}, ArgumentError, None),
    ],
)  # fmt: skip
def test_what_can_not_be_explained(x, w, kwargs, kind, text):
    with pytest.raises(kind) as caught:
        ag.kernels.explain(x, w, **kwargs)
    assert text is None or str(caught.value) == text
    assert str(caught.value).startswith("explain: ")


@pytest.mark.parametrize("name", dict.fromkeys(each.name for all_of in select.ALGORITHMS.values() for each in all_of))
def test_a_preferred_algorithm_is_taken_on_the_sides_that_have_it(name):
    size = 1 if name == "pointwise" else 3  # which is all that it supports
    call = (8, 6, 12, 12), (16, 6, size, size)
    by_cost = ag.kernels.explain(*call).chosen
    with ag.kernels.use_conv_algorithm(name):
        chosen = ag.kernels.explain(*call).chosen
    for side in SIDES:
        has_it = name in [each.name for each in select.ALGORITHMS[side]]
        assert chosen[side] == (name if has_it else by_cost[side])
    assert ag.kernels.explain(*call).chosen == by_cost


def test_where_a_preferred_algorithm_does_not_support_the_problem_costs_decide():
    call = (8, 6, 12, 12), (16, 6, 5, 5)
    with ag.kernels.use_conv_algorithm("flipped_gemm"):
        assert ag.kernels.explain(*call, stride=2).chosen["wrt_input"] != "flipped_gemm"
        assert ag.kernels.explain(*call).chosen["wrt_input"] == "flipped_gemm"


def test_preferences_are_nested_and_undone_after_an_error():
    with ag.kernels.use_conv_algorithm("col2im", "wgrad_patches"):
        with pytest.raises(ZeroDivisionError), ag.kernels.use_conv_algorithm("batch_lanes"):
            1 / 0  # noqa: B018
        assert select.preferred() == ("col2im", "wgrad_patches")
        with ag.kernels.use_conv_algorithm():
            assert select.preferred() == ()
    assert select.preferred() == ()


def test_an_unknown_name_changes_nothing():
    with pytest.raises(ArgumentError, match=r"use_conv_algorithm: unknown convolution algorithm: .* got 'gemm'"):
        ag.kernels.use_conv_algorithm("col2im", "gemm")
    assert select.preferred() == ()


@pytest.mark.parametrize("call", [lambda: ag.kernels.explain((8, 8), (3, 3)), ag.kernels.use_conv_algorithm])
def test_without_numba(call, monkeypatch):
    monkeypatch.setattr(algorithms, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"autograd-cnn\[fast\]"):
        call()
