"""The report as a text; tests/browser looks at it as people do."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn, report
from autograd_cnn.data import Dataset, Split
from autograd_cnn.errors import ArgumentError
from autograd_cnn.report import pixels
from autograd_cnn.train import EpochMetrics, figures_of
from autograd_cnn.viz.chart import curves, ticks

HOSTILE = "</style><script>alert(1)</script>\"'&amp;"


class Reader(nn.Module):
    """Takes each image for what its first pixel says, so that a test decides on the mistakes."""

    def __init__(self, classes):
        self.classes = classes

    def forward(self, images):
        centers = np.arange(self.classes, dtype=np.float32)
        return -ag.square(images[:, 0, 0, :1] * self.classes - centers) * 20


def _dataset(labels, seen, classes):
    """Images of which `Reader` says ``seen`` though they are ``labels``."""
    images = np.zeros((len(labels), 1, 4, 4), np.float32)
    images[:, 0, 0, 0] = np.array(seen) / len(classes)
    part = Split(images, np.array(labels))
    return Dataset(part, part, classes)


def _epoch(number, **figures):
    values = dict.fromkeys(("loss", "accuracy", "test_loss", "test_accuracy", "learning_rate"), 0.5)
    return EpochMetrics(epoch=number, images_per_second=100.0, seconds=6.0, backend="jit", **(values | figures))


def _written(tmp_path, labels, seen, classes, history=(), **options):
    path = report.write(
        tmp_path / "report.html", Reader(len(classes)), _dataset(labels, seen, classes), history, **options
    )
    return path.read_text("utf-8")


def test_what_is_told(tmp_path):
    history = [_epoch(1, test_accuracy=0.25), _epoch(2, test_accuracy=0.75)]
    text = _written(tmp_path, [0, 1, 1, 0], [0, 1, 0, 0], ("cat", "dog"), history, title="Pets", facts={"from": "home"})
    assert "<h1>Pets</h1>" in text
    assert "<strong>75.00%</strong> of 4 images" in text
    facts = dict(re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", text))
    assert facts == {"classes": "2", "images to learn from": "4", "image": "1 × 4 × 4", "parameters": "0", "epochs": "2",
                     "time to learn": "12 s", "from": "home"}  # fmt: skip
    assert re.findall("<h2>(.*?)</h2>", text) == [
        "Training",
        "Confusion matrix",
        "Most often mixed up",
        "The only mistake",
        "Layer by layer",
        "The network",
    ]
    assert 'aria-label="accuracy: images learned from, 0.5 to 0.5; images held out, 0.25 to 0.75"' in text
    assert re.findall(r'<td class="(\w+-\d)">(.*?)</td>', text) == [
        ("hit-4", "2"),
        ("miss-0", "·"),
        ("miss-3", "1"),
        ("hit-3", "1"),
    ]
    assert "<tr><th>dog</th><th>cat</th><td>1</td></tr>" in text
    assert "shows <b>dog</b>, taken for <b>cat</b> at 100.0%" in text


def test_a_network_without_mistakes_epochs_or_filters(tmp_path):
    text = _written(tmp_path, [0, 1], [0, 1], ("cat", "dog"))
    assert re.findall("<h2>(.*?)</h2>", text) == ["Confusion matrix", "Layer by layer", "The network"]
    assert "epochs" not in text


def test_a_matrix_too_large_to_read_is_left_out(tmp_path):
    classes = tuple(f"class {number}" for number in range(50))
    text = _written(tmp_path, range(50), [*range(1, 50), 0], classes)
    assert re.findall("<h2>(.*?)</h2>", text)[:2] == ["Most often mixed up", "The 12 worst of 50 mistakes"]
    assert text.count("taken for <b>") == 12


def test_nothing_in_it_runs_or_is_fetched_whatever_names_say(tmp_path):
    text = _written(
        tmp_path, [0, 1], [1, 0], (HOSTILE, HOSTILE + "2"), [_epoch(1)], title=HOSTILE, facts={HOSTILE: HOSTILE}
    )
    assert "<script" not in text
    assert "style=" not in text
    assert text.count("</style>") == 1
    assert set(re.findall(r'(?:src|srcset|href)="([^,"]*),', text)) <= {
        "data:",
        "data:image/png;base64",
        "data:image/svg+xml;base64",
    }
    assert text.count(" src") == len(re.findall(r' src(?:set)?="data:', text))


def test_the_same_training_gives_the_same_page(tmp_path):
    arguments = [0, 1, 1], [1, 1, 1], ("a", "b"), [_epoch(1)]
    assert _written(tmp_path, *arguments) == _written(tmp_path, *arguments)


def test_filters_in_colour_and_in_sum(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.random((6, 3, 4, 4)).astype(np.float32)
    part = Split(images, np.array([0, 1] * 3))
    model = nn.Sequential(nn.Conv2d(3, 70, 3, rng=0), nn.Flatten(), nn.Linear(280, 2, rng=0))
    text = report.write(tmp_path / "colour.html", model, Dataset(part, part, ("a", "b")), []).read_text("utf-8")
    assert "The filters of 0.weight: in colour; the first 64 of 70." in text
    assert text.count('alt="filter ') == 64
    assert "<h3>0, the first 24 of 70 maps</h3>" in text
    assert text.count('alt="map ') == 24


def test_layers_over_time(tmp_path):
    history = [
        _epoch(1),
        _epoch(2, gradients={"conv": 1e-3, "fc": 0.1}, dead={"relu<": 0.0}),
        _epoch(3, gradients={"conv": 1e-2, "fc": 0.0}, dead={"relu<": 0.5}),
    ]
    text = _written(tmp_path, [0, 1], [0, 1], ("cat", "dog"), history)
    assert "From epoch 2 to epoch 3, with some images held out." in text
    rows = re.findall(r"<tr><th>(conv|fc|relu&lt;)</th>(.*?)</tr>", text)
    assert [(name, re.findall(r"<td>([^<]+)</td>", cells)) for name, cells in rows] == [
        ("conv", ["0.001", "0.01"]), ("fc", ["0.1", "0"]), ("relu&lt;", ["0%", "50%"]),
    ]  # fmt: skip
    assert 'd="M2.0 22.0L118.0 12.0"' in rows[2][1]
    assert text.count('class="spark"') == 3


def test_what_it_refuses(tmp_path):
    dataset = _dataset([0], [0], ("a",))
    with pytest.raises(ArgumentError) as caught:
        report.write(tmp_path / "page.txt", Reader(1), dataset, [])
    assert str(caught.value) == "report.write: unknown kind of file: expected a name that ends in .html, got 'page.txt'"
    nothing = Split(dataset.test.images[:0], dataset.test.labels[:0])
    with pytest.raises(ArgumentError) as caught:
        report.write(tmp_path / "page.html", Reader(1), Dataset(dataset.train, nothing, ("a",)), [])
    assert str(caught.value) == "report.write: the dataset has no images to try; dataset.test is empty"
    assert [*tmp_path.iterdir()] == []


def test_each_layer_in_numbers(tmp_path):
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 1, rng=0), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(8, 2, rng=0))
    model[0].weight.data = np.array([1.0, -1.0]).reshape(2, 1, 1, 1)
    model[0].bias.data = np.zeros(2)
    part = Split(rng.random((6, 1, 2, 2), np.float32) + 0.1, np.array([0, 1] * 3))
    conv, relu, dropout, flat, linear = figures_of(model, part)
    assert (conv.name, conv.kind, conv.shape, conv.zeros, conv.dead) == ("0", "Conv2d", (2, 2, 2), 0, 0)
    assert conv.mean == pytest.approx(part.images.mean())
    assert conv.weight == pytest.approx(np.sqrt(2))
    assert (relu.zeros, relu.dead, relu.weight, relu.gradient) == (0.5, 0.5, None, None)
    assert dropout.zeros == 0.5  # nothing is left out in use
    assert (flat.shape, flat.dead) == ((8,), 0.5)
    model.eval()
    nn.cross_entropy(model(part.images), part.labels).backward()
    norm = np.hypot(*(np.linalg.norm(p.grad.numpy()) for p in model[4].parameters()))
    assert linear.gradient == pytest.approx(norm)
    text = report.write(tmp_path / "page.html", model, Dataset(part, part, ("a", "b")), []).read_text("utf-8")
    assert "<tr><th>1</th><th>ReLU</th><td>2 × 2 × 2</td>" in text
    assert "With 6 images held out." in text


@for_each("shape", [(1, 1), (5, 3), (4, 6, 3)])
def test_another_reader_of_png_sees_the_same(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(pixels.png(image)))), image)


def test_filters_share_one_scale():
    weak, strong = pixels.kernels(np.array([[[[0.1, 0.0]]], [[[-1.0, 1.0]]]]))
    assert strong[0].tolist() == [list(pixels.COLD), list(pixels.WARM)]
    assert weak[0, 1].tolist() == [255, 255, 255]
    assert (weak[0, 0] > strong[0, 1]).any()


@for_each("values", [np.zeros((2, 2)), np.zeros((1, 1))])
def test_pictures_of_nothing(values):
    assert pixels.heat(values).max() == 0
    assert pixels.signed(values).min() == 255


@for_each("low, high", [(0.0, 1.0), (-3.7, 12.0), (1e-9, 2e-9), (0.95, 1.0), (1e5, 3e5), (-1.0, -0.2)])
def test_ticks_are_few_round_and_inside(low, high):
    found = ticks(low, high)
    assert 3 <= len(found) <= 9
    assert low <= found[0] < found[-1] <= high
    steps = np.diff(found)
    assert np.allclose(steps, steps[0])
    assert f"{steps[0]:.1e}"[0] in "125"


@for_each("count", [1, 2, 41, 1000])
def test_curves_of_any_length_stay_in_the_frame(count):
    svg = curves("loss", {"a": [1.0] * count, "b": [2.0] * count})
    numbers = [
        float(x) for path in re.findall(r'<path class="curve.*?d="M(.*?)"', svg) for x in re.findall(r"[\d.]+", path)
    ]
    assert min(numbers) >= 0
    assert max(numbers) <= 460
    assert svg.count("<circle") == (2 * count if count <= 40 else 0)
    assert svg.count('class="tick"') <= 10


def test_without_what_draws_the_graph_the_rest_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr("autograd_cnn.report.document.svgs", _no_graphviz)
    text = _written(tmp_path, [0, 1], [0, 1], ("a", "b"))
    assert "no Graphviz" in text


def _no_graphviz(_, **options):
    raise ag.errors.MissingDependencyError("no Graphviz")
