"""The viewer's modules, each by itself, as a browser loads them."""

from importlib.resources import files

import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.viz.drawing.style import quantity_text
from autograd_cnn.viz.page.html import page

pytestmark = pytest.mark.slow

HOME = "http://viewer.test/"


@pytest.fixture(scope="module")
def module(chromium, net):
    """Return what evaluates a function of a module, which is loaded beside a graph's data and the page's elements."""
    text = page(net.nodes, net.edges, net.calls).rpartition("<script>")[0]
    bare = text.replace("Content-Security-Policy", "nothing")

    def answer(route):
        name = route.request.url.removeprefix(HOME)
        if name:
            route.fulfill(
                content_type="text/javascript", body=files("autograd_cnn.viz").joinpath(name).read_text("utf-8")
            )
        else:
            route.fulfill(content_type="text/html", body=bare)

    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    tab = context.new_page()
    tab.route("**/*", answer)
    tab.goto(HOME)

    def evaluate(name, function, argument=None):
        return tab.evaluate(f"argument => import('/{name}').then(module => ({function})(module, argument))", argument)

    yield evaluate
    context.close()


NUMBERS = [0, 1, 999, 999.6, 1000, 1536, 999_499, 999_500, 999_999, 1.876e6, 4.2e13, 7e17]


def test_quantities_are_written_as_in_pictures(module):
    told = module("web/numbers.js", "(m, numbers) => numbers.map(each => m.quantity(each, 'B'))", NUMBERS)
    assert told == [quantity_text(number, "B") for number in NUMBERS]


@for_each(
    "text, found",
    [
        ("relu", ["relu n4"]),
        ("conv correlate2d forward", ["correlate2d n3"]),
        ("convolution (2, 3, 8, 8)", ["correlate2d n3"]),
        ("conv 3x3", ["conv.weight n1", "∂ conv.weight n42", "correlate2d_wrt_weight n40"]),
        ("dense forward", ["matmul n13"]),
        ("fc (2,10) forward", ["matmul n13"]),
        ("8x8 tanh", ["tanh n7", "tanh_backward n33"]),
        ("8×8 TANH", ["tanh n7", "tanh_backward n33"]),
        ("(8, 8) tanh", []),
        ("constructor", []),
        ("  ", []),
    ],
)  # fmt: skip
def test_search_knows_words_of_the_field_and_shapes(module, text, found):
    told = module("page/viewer/finding.js", "(m, text) => m.find(text).map(({ name, place }) => [name, place])", text)
    assert [f"{name} {place.split()[0]}" for name, place in told] == found


@for_each(
    "word, name",
    [("pooling", "max_pool"), ("bn", "batch_norm"), ("rnn", "lstm"), ("swish", "silu"), ("gemm", "matmul")],
)
def test_synonyms_lead_to_primitives(module, word, name):
    assert name in ag.ops.__all__
    told = {"name": name, "text": name, "shape": []}
    assert module("page/viewer/finding.js", "(m, [word, told]) => m.distance(word, told)", [word, told]) == 2


def test_stretching_leaves_room_and_keeps_the_order(module):
    stretched = module(
        "page/viewer/axes.js",
        "m => { const f = m.stretched([{from: 10, to: 20, size: 40}, {from: 15, to: 30, size: 20}]);"
        " return [0, 10, 15, 20, 30, 31].map(f); }",
    )
    assert stretched == pytest.approx([0, 10, 30, 50, 63 + 1 / 3, 64 + 1 / 3])


def test_a_curve_that_is_cut_in_two_is_the_same_curve(module):
    first, then = module("page/viewer/splines.js", "m => m.split([[0, 0], [0, 8], [8, 8], [8, 0]], 0.5)")
    assert (first[0], first[-1], then[0], then[-1]) == ([0, 0], [4, 6], [4, 6], [8, 0])
