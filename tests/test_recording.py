"""The switch itself; what it does to the tape is in ``test_tape.py``."""

import threading

import pytest

from autograd_cnn.recording import Recording, detect_anomaly, enable_grad, no_grad, recording, scope, switched


def test_at_first_all_is_recorded_in_no_scope():
    assert recording.get() == Recording(enabled=True, anomaly=False, scope="")


def test_the_switches_nest_and_undo_themselves():
    with no_grad():
        with enable_grad(), detect_anomaly(), scope("a"), scope("b"):
            assert recording.get() == Recording(enabled=True, anomaly=True, scope="a.b")
        assert recording.get() == Recording(enabled=False, anomaly=False, scope="")
    assert recording.get() == Recording()


@pytest.mark.parametrize(
    "switch", [no_grad, enable_grad, detect_anomaly, lambda: scope("a"), lambda: switched(scope="b")]
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
