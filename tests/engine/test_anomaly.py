"""Finding the first NaN, and the line that it comes from."""

import inspect
import os
from pathlib import Path

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.engine import anomaly
from autograd_cnn.engine.backward import gradients
from autograd_cnn.errors import AnomalyError


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


def _leaf(values):
    return ag.tensor(values, requires_grad=True)


def _here(offset=0):
    """Return how the line of the caller, or one near it, is named."""
    frame = inspect.currentframe().f_back
    line = frame.f_lineno + offset
    code = Path(__file__).read_text(encoding="utf-8").splitlines()[line - 1].strip()
    return f"test_anomaly.py:{line}: {code}"


def test_the_first_nan_of_the_forward_pass():
    x = _leaf([1.0, -1.0])
    with ag.detect_anomaly(), pytest.raises(AnomalyError) as err:
        ag.log(x) * 2.0
    assert str(err.value) == f"log: its result holds the first NaN; computed at {_here(-1)}"


def test_a_nan_of_something_that_is_not_recorded():
    with ag.detect_anomaly(), pytest.raises(AnomalyError) as err:
        ag.sqrt(ag.tensor(-1.0))
    assert str(err.value) == f"sqrt: its result holds the first NaN; computed at {_here(-1)}"


def test_the_first_nan_of_the_backward_pass_names_rule_and_line():
    x = _leaf([1.0, 0.0])
    with ag.detect_anomaly():
        y = ag.sqrt(x) * 0.0
        line = _here(-1)
        with pytest.raises(AnomalyError) as err:
            y.sum().backward()
    assert str(err.value) == f"sqrt_vjp_x: its cotangent holds the first NaN; recorded at {line}"
    assert err.value.__notes__ == [
        f"in sqrt_vjp_x, the rule of sqrt for 'x'; forward shapes x=(2,), y=(2,), recorded at {line}"
    ]
    assert x.grad is None


def test_a_backward_pass_over_a_graph_that_was_recorded_before():
    x = _leaf([1.0, 0.0])
    y = (ag.sqrt(x) * 0.0).sum()
    with ag.detect_anomaly(), pytest.raises(AnomalyError) as err:
        y.backward()
    assert str(err.value) == (
        "sqrt_vjp_x: its cotangent holds the first NaN; recorded at a line unknown, since detect_anomaly() was off then"
    )


def test_a_recorded_backward_pass():
    x = _leaf([1.0, 0.0])
    with ag.detect_anomaly():
        y = (ag.sqrt(x) * 0.0).sum()
        line = _here(-1)
        with pytest.raises(AnomalyError) as err:
            gradients(y, [x], create_graph=True)
    assert str(err.value) == f"divide: its result holds the first NaN; computed at {_here(-1)}"
    assert err.value.__notes__ == [
        f"in sqrt_vjp_x, the rule of sqrt for 'x'; forward shapes x=(2,), y=(2,), recorded at {line}"
    ]


def test_a_failing_rule_names_the_line_that_recorded_it():
    @ag.primitive
    def fragile(x):
        return x + 0

    @fragile.vjp("x")
    def fragile_wrt_x(g):
        raise ZeroDivisionError

    x = _leaf([1.0])
    with ag.detect_anomaly():
        y = fragile(x)
        line = _here(-1)
    with pytest.raises(ZeroDivisionError) as err:
        y.backward()
    assert err.value.__notes__ == [
        f"in fragile_wrt_x, the rule of fragile for 'x'; forward shapes x=(1,), y=(1,), recorded at {line}"
    ]


def test_operators_methods_and_numpy_functions_name_the_line_of_the_user():
    x = _leaf([1.0, 2.0])
    with ag.detect_anomaly():
        results = [x * 2, x.sum(), np.exp(x), np.sum(x), ag.std(x), np.concatenate([x, x])]
        line = _here(-1)
    assert [y.node.origin for y in results] == [line] * 6


def test_without_it_nothing_is_watched_and_no_line_is_kept():
    x = _leaf([-1.0])
    y = ag.log(x)
    assert np.isnan(y.item())
    assert y.node.origin is None
    y.backward()


def test_infinities_and_integers_pass():
    with ag.detect_anomaly():
        assert ag.log(ag.tensor(0.0)).item() == -np.inf
        assert (ag.tensor([1, 2]) * 2).tolist() == [2, 4]


def test_a_neighbour_whose_name_begins_like_the_package_is_user_code():
    place = str(Path(anomaly.__file__).parents[1]) + "_user.py"
    scope = {"ag": ag, "x": _leaf(1.0)}
    exec(compile("\nwith ag.detect_anomaly():\n    y = x * 2", place, "exec"), scope)  # noqa: S102  # a file of that name
    assert scope["y"].node.origin == "autograd_cnn_user.py:3"


def test_code_inside_of_the_package_is_not():
    place = os.path.join(Path(anomaly.__file__).parents[1], "inner.py")  # noqa: PTH118  # as frames have it
    scope = {"x": _leaf(1.0)}
    exec(compile("def double():\n    return x * 2", place, "exec"), scope)  # noqa: S102  # a file of that name
    with ag.detect_anomaly():
        assert scope["double"]().node.origin == _here()


def test_a_recomputed_segment_names_the_line_inside_of_it():
    x = _leaf([1.0, 0.0])
    lines = []

    def segment(v):
        lines.append(_here(1))
        return ag.sqrt(v) * 0.0

    with ag.detect_anomaly(), pytest.raises(AnomalyError) as err:
        ag.checkpoint(segment)(x).sum().backward()
    assert str(err.value) == f"sqrt_vjp_x: its cotangent holds the first NaN; recorded at {lines[1]}"


def test_an_anomaly_tells_which_node_it_is_of():
    x = _leaf([0.0])
    y = ag.sqrt(x)
    with ag.detect_anomaly(), pytest.raises(AnomalyError) as err:
        (y * 0.0).backward(np.array([1.0]))
    assert err.value.problems == {y.node.serial: str(err.value)}


def test_an_anomaly_of_what_was_not_recorded_is_of_no_node():
    with ag.detect_anomaly(), pytest.raises(AnomalyError) as err:
        ag.log(ag.tensor([-1.0]))
    assert err.value.problems == {}
