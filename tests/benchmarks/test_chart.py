import pytest

from benchmarks import chart

RATIOS = [("LeNet: batch 64", 0.5), ("LSTM: batch 64", 1.7), ("ResNet: batch 32", 1.1)]


def test_without_matplotlib_there_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(chart, "find_spec", lambda name: None)
    assert chart.draw_ratios("Ratios", RATIOS, tmp_path / "a.svg") == "No chart: Matplotlib is not installed."
    assert list(tmp_path.iterdir()) == []


def test_the_worst_is_at_the_top_and_the_same_numbers_give_the_same_file(tmp_path):
    pytest.importorskip("matplotlib")
    path, again = tmp_path / "new" / "a.svg", tmp_path / "b.svg"
    assert chart.draw_ratios("Ratios", RATIOS, path) == f"Chart: {path}"
    chart.draw_ratios("Ratios", RATIOS[::-1], again)
    text = path.read_text(encoding="utf-8")
    assert again.read_text(encoding="utf-8") == text
    assert text.index("LeNet: batch 64") < text.index("ResNet: batch 32") < text.index("LSTM: batch 64")
    assert all(color in text for color in (chart.CLIFFS, chart.SLOWER, chart.FASTER))
