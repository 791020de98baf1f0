from benchmarks import chart
from tests.benchmarks.test_report import RESULT


def test_without_matplotlib_there_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(chart, "find_spec", lambda name: None)
    assert chart.draw(RESULT, tmp_path) == "No chart: Matplotlib is not installed."
    assert list(tmp_path.iterdir()) == []
