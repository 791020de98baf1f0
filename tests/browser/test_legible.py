"""What a page shows can be read: measured in a real browser, for networks as people have them and for random graphs."""

import os
from pathlib import Path

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.graph import Edge, Graph, GraphNode
from autograd_cnn.viz.drawing.dot import draw
from autograd_cnn.viz.drawing.render import svgs

pytestmark = pytest.mark.slow

MEASURE = Path(__file__).with_name("measure.js").read_text("utf-8")
FEW = 300
"""So many nodes have elements when all is unfolded; more are painted on a canvas, of which nothing can be measured."""
RANDOM = int(os.environ.get("AUTOGRAD_CNN_GRAPHS", "6"))


# --- networks ---------------------------------------------------------------------------------


def _images(*shape):
    return np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)


def _classified(model, *shape):
    return nn.cross_entropy(model(_images(2, *shape)), np.array([3, 7])), model


def _lstm(steps):
    model = nn.char_lstm(27, rng=0, embedding=8, hidden=16)
    with ag.tracing():  # so that its steps are recorded one by one
        scores, _ = model(np.arange(steps)[None] % 27)
        return nn.cross_entropy(scores.reshape(-1, 27), np.arange(steps) % 27), model


def _gru():
    class Net(nn.Module):
        def __init__(self):
            self.cell, self.out = nn.GRUCell(4, 8, rng=0), nn.Linear(8, 10, rng=0)

        def forward(self, x):
            h = None
            for step in range(6):
                h = self.cell(x[:, step], h)
            return self.out(h)

    return _classified(Net(), 6, 4)


def _transformer():
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True, dropout=0.0, rng=0)
    model = nn.Sequential(nn.Embedding(32, 16, rng=0), nn.TransformerEncoder(layer, 24), nn.Linear(16, 32, rng=0))
    return nn.cross_entropy(model(np.arange(8)[None]).reshape(-1, 32), np.arange(8)), model


def _gan():
    class Gan(nn.Module):
        def __init__(self):
            up = nn.ConvTranspose2d(4, 1, 4, 2, padding=1, rng=0)
            self.generator = nn.Sequential(
                nn.Linear(8, 64, rng=0), nn.ReLU(), nn.Unflatten(1, (4, 4, 4)), up, nn.Tanh()
            )
            down = nn.Conv2d(1, 4, 4, 2, padding=1, rng=0)
            self.discriminator = nn.Sequential(down, nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(64, 1, rng=0))

        def forward(self, z, real):
            scores = self.discriminator(self.generator(z)), self.discriminator(real)
            return nn.bce_with_logits(scores[0], np.zeros((2, 1))) + nn.bce_with_logits(scores[1], np.ones((2, 1)))

    model = Gan()
    return model(_images(2, 8), _images(2, 1, 8, 8)), model


def _unet():
    model = nn.unet(rng=0)
    return nn.cross_entropy(model(_images(1, 3, 32, 32)), np.zeros((1, 32, 32), int)), model


GALLERY = {
    "lenet": lambda: _classified(nn.lenet5(rng=0), 1, 28, 28),
    "vgg": lambda: _classified(nn.small_vgg(rng=0), 3, 32, 32),
    "resnet": lambda: _classified(nn.resnet20(rng=0), 3, 32, 32),
    "mobilenet": lambda: _classified(nn.mobilenet_v2(rng=0), 3, 32, 32),
    "unet": _unet,
    "lstm": lambda: _lstm(12),
    "long lstm": lambda: _lstm(100),
    "gru": _gru,
    "transformer": _transformer,
    "gan": _gan,
}


def _random(seed):
    """Return a random graph: calls in calls, parameters, numbers, values with few and many uses, and a backward pass."""
    rng = np.random.default_rng(seed)
    nodes, edges, stack, calls = [], [], [], 0
    for i in range(int(rng.integers(5, 120))):
        kind = rng.choice(["operation", "parameter", "input", "constant"], p=[0.75, 0.12, 0.05, 0.08])
        if rng.random() < 0.12 and len(stack) < 4:
            calls += 1
            stack.append(f"block{calls if seed % 3 else rng.integers(1, 4)}")  # or one of a few, entered again
        elif rng.random() < 0.12 and stack:
            stack.pop()
        scope = ".".join(stack)
        shape = () if kind == "constant" else tuple(map(int, rng.integers(1, 5, rng.integers(0, 4))))
        name = {"operation": str(rng.choice(["sin", "correlate2d", "softmax_cross_entropy"])), "constant": "0.5"}
        nodes.append(
            GraphNode(f"n{i}", kind, name.get(kind, "weight" * int(rng.integers(1, 9))), shape, "float32", scope)
        )
        if kind == "operation" and i:
            taken = sorted(set(map(int, i - np.minimum(i, rng.geometric(rng.choice([0.1, 0.5]), rng.integers(1, 4))))))
            edges += [Edge(f"n{source}", f"n{i}", f"x{at}") for at, source in enumerate(taken)]
    forward = [node for node in nodes if node.kind == "operation"]
    for before, node in zip([None, *reversed(forward)], reversed(forward), strict=False):
        name = f"n{len(nodes)}"
        nodes.append(GraphNode(name, "operation", "cos", node.shape, "float32", node.scope, "backward", node.id))
        if before:
            edges.append(Edge(f"n{len(nodes) - 2}", name, "g"))
    return Graph(tuple(nodes), tuple(edges))


# --- measuring --------------------------------------------------------------------------------


def _measure(page):
    page.keyboard.press("0")
    told = page.evaluate(MEASURE)
    assert told["boxes"] > 0
    return told["found"][:9]


WHERE = """() => [...document.querySelectorAll("#boxes .box, #frames .frame")].map((element) => {
    const [x, y] = element.getAttribute("transform").match(/-?\\d[\\d.e-]*/g).map(Number);
    const { width, height } = element.firstChild.getBBox();
    return [element.dataset.key, [x, y, x + width, y + height]];
})"""
DRAWN = """() => [...document.querySelectorAll(".node:has(text), .cluster")].map((element) => {
    const { x, y, width, height } = element.querySelector("path, polygon, ellipse").getBBox();
    return [element.querySelector("title").textContent.replace("cluster_", ""), [x, y, x + width, y + height]];
})"""


def _shows(page, graph, **options):
    """Return what can't be read in a picture, and what of it stands elsewhere than in its page."""
    drawing = draw(graph.nodes, graph.edges, graph.calls, placed=True, **options)
    own = dict(page.evaluate(WHERE))
    picture = page.context.new_page()
    picture.set_content(svgs([drawing.source], placed=True)[0].partition("?>")[2])
    found = _measure(picture)
    drawn = dict(picture.evaluate(DRAWN))
    picture.close()
    left, top = (min(drawn[key][axis] for key in own) - min(box[axis] for box in own.values()) for axis in (0, 1))
    assert own
    moved = [
        key
        for key, box in own.items()
        if drawn[key] != pytest.approx([b + (left, top)[i % 2] for i, b in enumerate(box)], abs=1.2)
    ]
    return found + moved


@for_each("name", list(GALLERY))
def test_nothing_overlaps_or_is_cut_in_networks(visit, name):
    loss, model = GALLERY[name]()
    graph = ag.graph.capture(loss, names=model.named_parameters(), backward=True, values=False)
    for direction in ("down", "right"):
        page = visit(graph, direction=direction)
        assert _measure(page) == []
        assert _shows(page, graph, direction=direction) == []
        if len(graph.nodes) <= FEW:
            page.keyboard.press("o")
            assert _measure(page) == []


@for_each("seed", range(RANDOM))
def test_nothing_overlaps_or_is_cut_in_random_graphs(visit, seed):
    graph, direction = _random(seed), ["down", "right"][seed % 2]
    page = visit(graph, direction=direction)
    assert _measure(page) == []
    assert _shows(page, graph, direction=direction) == []
    for toggle in page.locator(".frame.forward .toggle").all()[::-2]:
        toggle.dispatch_event("click")
        assert _measure(page) == []
    page.keyboard.press("o")
    assert _measure(page) == []
    page.keyboard.press("c")
    assert _measure(page) == []


def test_what_overlaps_or_is_cut_is_found(visit, net):
    page = visit(net)
    page.evaluate("""() => {
        const [first, second, third] = document.querySelectorAll("#boxes .box");
        first.setAttribute("transform", second.getAttribute("transform"));
        third.querySelector("tspan").textContent = "a".repeat(99);
        const [wire] = document.querySelectorAll("#wires path");
        wire.setAttribute("d", "M-9 -9" + [...document.querySelectorAll("#boxes .box")].map((box) => {
            const [x, y] = box.getAttribute("transform").match(/[\\d.]+/g).map(Number);
            return `L${x + 9} ${y + 9}`;
        }).join("") + "L-9 -9");
    }""")
    found = " ".join(_measure(page))
    assert " over " in found
    assert "is too large" in found
    assert "a wire through" in found
