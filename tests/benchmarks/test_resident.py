import numpy as np

from benchmarks import resident


def test_the_peak_remembers_what_has_gone():
    resident.forget_peak()
    before = resident.now()
    block = np.ones(8_000_000)
    during = resident.now()
    del block
    assert during - before > 50e6
    assert resident.peak() - before > 50e6


def test_where_the_system_tells_nothing_the_peak_has_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(resident, "STATUS", tmp_path / "none")
    monkeypatch.setattr(resident, "CLEAR", tmp_path / "none")
    resident.forget_peak()
    assert resident.now() == resident.peak() > 10e6
