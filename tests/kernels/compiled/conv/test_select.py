"""Which algorithm is taken."""

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError
from autograd_cnn.kernels.compiled.conv import select
from autograd_cnn.kernels.compiled.conv.problem import Algorithm, ConvProblem
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.windows import windows

LANES = VECTOR_BYTES // 4  # of float32
wide = pytest.mark.skipif(LANES != 16, reason="the choices were measured with AVX-512")

GEMM = ("implicit_gemm", "flipped_gemm", "wgrad_by_tap")
ROWS = ("pixel_rows", "pixel_rows", "wgrad_by_tap")
FIRST = ("implicit_gemm", "col2im_gather", "wgrad_patches")


def problem(n, c, f, image, size, groups=1, **geometry):
    grid = windows("conv", (image, image), size, **geometry)
    return ConvProblem.of(n, c, f, grid, groups, np.dtype(np.float32))


F2, F4 = (("winograd_2x2",) * 3, ("winograd_4x4",) * 3)


@wide
@pytest.mark.parametrize(
    ("layer", "names"),
    [
        (problem(64, 32, 32, 32, 3, padding=1), F4),
        (problem(64, 64, 64, 16, 3, padding=1), F4),
        (problem(64, 128, 128, 8, 3, padding=1), F4),
        (problem(32, 16, 16, 32, 3, padding=1), F4),
        (problem(8, 512, 512, 7, 3, padding=1), (*F2[:2], *F4[:1])),
        (problem(64, 3, 32, 32, 3, padding=1), FIRST),
        (problem(64, 6, 16, 12, 3, padding=1), ("pixel_rows", "col2im_gather", "wgrad_by_tap")),
        (problem(8, 96, 96, 32, 3, groups=96, padding=1), ("group_lanes",) * 3),
    ],
    ids=str,
)
def test_winograd_is_taken_where_it_pays(layer, names):
    with ag.set_conv_precision("fast"):
        assert tuple(select.choose(side, layer).name for side in select.ALGORITHMS) == names


@wide
@pytest.mark.parametrize(
    ("layer", "names"),
    [
        (problem(64, 1, 6, 28, 5), ("implicit_gemm", "col2im_gather", "wgrad_pixel_lanes")),
        (problem(64, 6, 16, 12, 5), ("pixel_rows", "batch_lanes", "wgrad_by_tap")),
        (problem(64, 3, 32, 32, 3, padding=1), FIRST),
        (problem(64, 32, 32, 32, 3, padding=1), GEMM),
        (problem(64, 64, 64, 16, 3, padding=1), GEMM),
        (problem(32, 16, 16, 32, 3, padding=1), GEMM),
        (problem(32, 16, 32, 32, 3, padding=1, stride=2), ROWS),
        (problem(8, 3, 64, 224, 7, padding=3, stride=2), ("pixel_rows", "col2im", "wgrad_patches")),
        (problem(8, 3, 64, 224, 11, padding=2, stride=4), ("pixel_rows", "col2im", "wgrad_patches")),
        (problem(8, 64, 64, 56, 3, padding=2, dilation=2), (*ROWS[:2], "wgrad_patches")),
        (problem(8, 64, 256, 56, 1), ("pointwise", "pixel_rows", "wgrad_by_tap")),
        (problem(8, 256, 512, 56, 1, stride=2), ROWS),
        (problem(8, 512, 512, 7, 3, padding=1), ROWS),
        (problem(1, 256, 256, 14, 3, padding=1), (*ROWS[:2], "wgrad_patches")),
        (problem(32, 192, 192, 16, 3, groups=192, padding=1, stride=2), ("group_lanes",) * 3),
    ],
    ids=str,
)
def test_the_exact_choices_for_known_layers(layer, names):
    with ag.set_conv_precision("exact"):
        assert tuple(select.choose(side, layer).name for side in select.ALGORITHMS) == names


def algorithm(name, cost, supported=True, local=True):
    return Algorithm(name, lambda p: supported, lambda p: cost, lambda p: None, lambda p: 0.0, local)


@pytest.fixture
def table(monkeypatch):
    """Let the test fill a table of its own, with no names preferred and no choice remembered."""
    algorithms = {}
    monkeypatch.setattr(select, "ALGORITHMS", algorithms)
    monkeypatch.setattr(select, "_names", [()])
    monkeypatch.setattr(select, "_precision", ["fast"])
    select._cheapest.cache_clear()
    yield algorithms
    select._cheapest.cache_clear()


P = problem(1, 1, 1, 3, 3)


def test_the_cheapest_that_supports_the_problem_is_taken_and_of_equals_the_first(table):
    able, equal = algorithm("able", 2.0), algorithm("equal", 2.0)
    table["forward"] = (algorithm("unable", 1.0, supported=False), able, equal, algorithm("dear", 3.0))
    assert select.choose("forward", P) is able


def test_where_nothing_supports_the_problem_there_is_no_choice(table):
    table["forward"] = (algorithm("unable", 1.0, supported=False),)
    assert select.choose("forward", P) is None


def test_what_is_exact_is_asked_for(table):
    mixing, local = algorithm("mixing", 1.0, local=False), algorithm("local", 2.0)
    table["forward"] = (mixing, local)
    assert select.choose("forward", P) is mixing
    with ag.set_conv_precision("exact"):
        select.prefer("test", "mixing")
        assert select.choose("forward", P) is local
    assert select.choose("forward", P) is mixing


def test_an_unknown_precision_is_refused(monkeypatch):
    with pytest.raises(ArgumentError) as err:
        ag.set_conv_precision("best")
    assert str(err.value) == "set_conv_precision: unknown precision: expected one of fast, exact, got 'best'"
    monkeypatch.setattr(select, "_precision", [None])
    monkeypatch.setenv(select.PRECISION_VARIABLE, "bst")
    with pytest.raises(ArgumentError) as err:
        select.precision()
    assert str(err.value) == f"{select.PRECISION_VARIABLE}: unknown precision: expected one of fast, exact, got 'bst'"


def test_names_are_preferred_where_they_support_the_problem(table):
    cheap, dear, dearer = algorithm("cheap", 1.0), algorithm("dear", 2.0), algorithm("dearer", 3.0)
    table["forward"], table["wrt_input"] = (cheap, dearer, dear), (cheap, algorithm("dear", 2.0, supported=False))
    select.prefer("test", "dear", "dearer")
    assert select.choose("forward", P) is dear
    assert select.choose("wrt_input", P) is cheap
    select.prefer("test")
    assert select.choose("forward", P) is cheap


def test_a_choice_is_made_once_for_a_problem(table):
    asked = []
    table["forward"] = (Algorithm("one", lambda p: True, asked.append, lambda p: None, lambda p: 0.0),)
    for _ in range(3):
        select.choose("forward", problem(1, 1, 1, 3, 3))
    assert len(asked) == 1


def test_the_variable_is_read_when_names_are_first_asked_for(monkeypatch):
    monkeypatch.setattr(select, "_names", [None])
    monkeypatch.setenv(select.VARIABLE, " col2im,batch_lanes ")
    assert select.preferred() == ("col2im", "batch_lanes")
    monkeypatch.setenv(select.VARIABLE, "winograd9")
    assert select.preferred() == ("col2im", "batch_lanes")


def test_an_unknown_name_in_the_variable(monkeypatch):
    monkeypatch.setattr(select, "_names", [None])
    monkeypatch.setenv(select.VARIABLE, "col2im,nonsense")
    with pytest.raises(ArgumentError) as caught:
        select.choose("forward", P)
    known = ", ".join(dict.fromkeys(each.name for all_of_side in select.ALGORITHMS.values() for each in all_of_side))
    assert str(caught.value) == (
        f"AUTOGRAD_CNN_CONV: unknown convolution algorithm: expected one of {known}, got 'nonsense'"
    )
