"""The switch itself; what it does to the tape is in ``test_backward.py``."""

import threading

import pytest

from autograd_cnn import nn
from autograd_cnn.engine import recording as module
from autograd_cnn.engine.recording import (
    EVERYWHERE,
    Recording,
    Scope,
    detect_anomaly,
    enable_grad,
    no_grad,
    recording,
    scope,
    switched,
)


def test_at_first_all_is_recorded_in_no_scope():
    assert recording.get() == Recording(enabled=True, anomaly=False, scope=EVERYWHERE)


def test_the_switches_nest_and_undo_themselves():
    with no_grad():
        with enable_grad(), detect_anomaly(), scope("a"), scope("b"):
            assert recording.get()[:2] == (True, True)
            assert recording.get().scope.path == "a.b"
        assert recording.get() == Recording(enabled=False, anomaly=False, scope=EVERYWHERE)
    assert recording.get() == Recording()


@pytest.mark.parametrize(
    "switch", [no_grad, enable_grad, detect_anomaly, lambda: scope("a"), lambda: switched(scope=Scope(EVERYWHERE, "b"))]
)
def test_an_error_undoes_a_switch(switch):
    with pytest.raises(ZeroDivisionError), switch():
        raise ZeroDivisionError
    assert recording.get() == Recording()


@pytest.mark.parametrize(("switch", "changed"), [(no_grad, {"enabled": False}), (detect_anomaly, {"anomaly": True})])
def test_a_switch_decorates_functions(switch, changed):
    decorated = switch()(recording.get)
    assert decorated() == Recording(**changed)
    assert decorated() == Recording(**changed)
    assert recording.get() == Recording()


def test_each_thread_has_its_own_switch():
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append(recording.get().enabled))
        thread.start()
        thread.join()
    assert seen == [True]


def test_a_decorated_function_runs_in_two_threads_at_once():
    entered, left = threading.Event(), threading.Event()
    decorated = no_grad()(lambda function: function())
    with scope("here"):
        thread = threading.Thread(target=decorated, args=(lambda: (entered.set(), left.wait(10)),))
        decorated(lambda: (thread.start(), entered.wait(10)))
        assert recording.get().scope.path == "here"
        left.set()
        thread.join()
    assert recording.get() == Recording()


class _Interrupted:
    """A context variable behind one of whose calls Ctrl-C arrives, which is where Python lets it."""

    def __init__(self, behind):
        self.left = behind

    def __getattr__(self, name):
        def call(*args):
            result = getattr(recording, name)(*args)
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
            return result

        return call


class _Inside(nn.Module):
    def forward(self, x):
        return x


@pytest.mark.parametrize("behind", range(1, 5))
@pytest.mark.parametrize("kind", ["switch", "scope", "module", "function"])
def test_an_interrupt_leaves_no_switch_and_no_scope_behind(monkeypatch, kind, behind):
    net = nn.Sequential(_Inside())
    decorated = no_grad()(int)
    monkeypatch.setattr(module, "recording", variable := _Interrupted(behind))
    monkeypatch.setattr("autograd_cnn.nn.module.recording", variable)
    try:
        if kind == "switch":
            with no_grad():
                pass
        elif kind == "scope":
            with scope("a"):
                pass
        elif kind == "module":
            net(1.0)
        else:
            decorated()
    except KeyboardInterrupt:
        pass
    else:
        assert variable.left > 0
    assert recording.get() == Recording()


def test_a_switch_can_be_entered_again_also_while_it_is_on():
    off = no_grad()
    for _ in range(2):
        with off:
            with off:
                pass
            assert not recording.get().enabled
        assert recording.get().enabled
