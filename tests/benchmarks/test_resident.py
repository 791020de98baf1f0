from mmap import mmap

from benchmarks import resident


def test_the_peak_remembers_what_has_gone():
    resident.forget_peak()
    before = resident.now()
    with mmap(-1, 1 << 26) as block:  # the system's own; what NumPy allocates may reuse memory that was freed
        for begin in range(0, 1 << 26, 1 << 12):
            block[begin] = 1
        during = resident.now()
    assert during - before > 50e6
    assert resident.peak() - before > 50e6


def test_where_the_system_tells_nothing_the_peak_has_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(resident, "STATUS", tmp_path / "none")
    monkeypatch.setattr(resident, "CLEAR", tmp_path / "none")
    resident.forget_peak()
    assert resident.now() == resident.peak() > 10e6
