"""Derivations played in a real browser: each ends in the engine's numbers, which are read out of the page."""

from html import escape

import numpy as np
import pytest
from playwright.sync_api import expect
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.viz import play

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)


def _leaf(values):
    return ag.tensor(np.array(values, float), requires_grad=True)


X = _leaf(RNG.integers(-3, 4, (2, 6, 5)))
W = _leaf(RNG.integers(-2, 3, (3, 2, 3, 2)))
B = _leaf([1, 0, -2])
WIDE = _leaf(RNG.integers(-3, 4, (20, 18)))
H, U = _leaf([0.5, 0.25, -1]), _leaf(RNG.integers(-2, 3, (3, 3)) / 2)
SCORES = _leaf([[1, -0.5, 2, 0], [0, 3, 1, 1]])
LSTM, GRU = (kind(2, 2, rng=0, dtype=np.float64) for kind in (nn.LSTM, nn.GRU))
STEPS = RNG.integers(-2, 3, (3, 1, 2)) / 2
EMBEDDING = nn.Embedding(3, 2, rng=0, dtype=np.float64)


def _whole(shape):
    return RNG.integers(-3, 4, shape).astype(float)


def _made(y):
    return play(y, gradient=_whole(y.shape))


DERIVATIONS = {
    "convolution": lambda: _made(ag.correlate2d(X, W, B, stride=2, padding=1, dilation=(1, 2))),
    "heat": lambda: _made(ag.correlate2d(WIDE, W[0, 0], stride=2)),
    "max_pool": lambda: _made(ag.max_pool(X, 3, stride=1, padding=1)),
    "mean_pool": lambda: _made(ag.mean_pool(X, 2, stride=1)),
    "layer": lambda: _made(ag.linear(_leaf(_whole((3, 2))), _leaf(_whole((4, 2))))),
    "step": lambda: _made(ag.tanh(U @ H + B)),
    "loss": lambda: play(nn.cross_entropy(SCORES, [3, 1])),
    "transposed": lambda: _made(ag.correlate2d_transpose(X, _leaf(_whole((2, 3, 2, 2))), stride=2)),
    "activation": lambda: _made(ag.gelu(SCORES)),
    "fused": lambda: _made(nn.fuse(nn.Sequential(nn.ReLU(), nn.MaxPool2d(2)))(X)),
    "lstm": lambda: _made(LSTM(STEPS)[0]),
    "gru": lambda: _made(GRU(STEPS)[0]),
    "batch_norm": lambda: _made(ag.batch_norm(_leaf(_whole((2, 3, 2, 2))), B, B)),
    "layer_norm": lambda: _made(ag.layer_norm(SCORES)),
    "global_pool": lambda: _made(ag.global_mean_pool(X)),
    "upsampling": lambda: _made(nn.functional.interpolate(X[None], scale_factor=2)),
    "interpolation": lambda: _made(nn.functional.interpolate(X[None], size=(4, 4), mode="bilinear")),
    "embedding": lambda: _made(EMBEDDING([2, 0, 2])),
}


def _numbers(section, name):
    """Return the numbers of an array's table, row by row; the border is left out."""
    cells = section.locator(f'figure[data-array="{name}"] td:not(.border)').all_text_contents()
    return [float(text.replace("−", "-").replace("∞", "inf")) for text in cells]


@pytest.mark.parametrize("name", DERIVATIONS)
def test_the_last_step_is_the_engines_result_and_gradient(visit, name):
    played = DERIVATIONS[name]()
    page = visit(played)
    for number, scene in enumerate(played.scenes):
        page.keyboard.press(str(number + 1))
        page.keyboard.press("End")
        sections = page.locator("section").all()
        assert len(sections) == len(scene.panels)
        for section, panel in zip(sections, scene.panels, strict=True):
            said = section.locator(".agrees").text_content().strip()
            told = said.removeprefix("Largest difference from the engine's numbers: ").removesuffix(".").split(", ")
            checked = [target for target in panel.targets if played.arrays[target].checked]
            assert [each.rpartition(" ")[0] for each in told] == checked
            assert checked  # every panel ends in something that the engine has
            assert all(float(each.rpartition(" ")[2].replace("−", "-")) < 1e-14 for each in told), said
            for target in panel.targets:
                array = played.arrays[target]
                shown = _numbers(section, target)
                if not shown:
                    continue  # heat, whose numbers are compared in the page
                engine = array.values.ravel()[array.inside]
                assert np.allclose(shown, engine, rtol=0.006, atol=1e-14), target


def test_steps_by_key_button_slider_and_link(visit):
    page = visit(DERIVATIONS["convolution"](), "#1@3")
    step, words = page.locator("#step"), page.locator(".words").first
    assert step.text_content() == "3 of 60"
    assert words.text_content().startswith("d̃[0:2, 0:3, 4:7:2] += δ[0, 0, 2] · w[0, 0:2, 0:3, 0:2] = ")
    page.keyboard.press("ArrowRight")
    page.locator("#back").click()
    page.locator("#back").click()
    assert step.text_content() == "2 of 60"
    assert page.url.endswith("#1@2")
    page.locator("#slider").fill("60")
    assert step.text_content() == "60 of 60"
    page.locator("#play").click()
    assert page.locator("#play").text_content() == "Pause"
    expect(step).not_to_have_text("60 of 60")
    page.keyboard.press("p")
    assert page.locator("#play").text_content() == "Play"
    page.locator("#slider").fill("58")
    page.keyboard.press("ArrowRight")
    assert page.locator(".agrees").count() == 1  # by the panel that was done long before, not again at each step
    page.get_by_role("tab", name="Forward").click()
    assert page.locator("h2").all_text_contents() == ["y = x ⋆ w + b"]
    assert page.get_by_role("tab", name="Forward").get_attribute("aria-selected") == "true"
    lit = page.locator('figure[data-array="w"] td.factor-1').count()
    assert lit == 12
    assert page.locator('figure[data-array="y"] td.target').count() == 1
    page.keyboard.press("?")
    assert page.locator("dialog dt").count() == 4


def test_a_sum_with_one_factor_for_all_is_written_term_by_term(visit):
    words = visit(DERIVATIONS["layer_norm"](), "#0@1").locator(".words").first.text_content()
    assert words == "μ[0] = x[0, 0:4] · 1/m = 1·0.25 + (−0.5)·0.25 + 2·0.25 + 0·0.25 = 0.625"


@for_each("name, scheme, width", [("convolution", "dark", 390), ("heat", "light", 390), ("loss", "dark", 1400)])
def test_it_fits_a_phone_and_the_dark(visit, name, scheme, width):
    page = visit(DERIVATIONS[name](), "#1@9", scheme=scheme, width=width)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.querySelector('main').scrollWidth <= document.querySelector('main').clientWidth")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")


@for_each("width, scrolls", [(900, False), (390, True)])
def test_a_wide_table_is_whole_or_follows_the_step(visit, width, scrolls):
    played = _made(ag.linear(_leaf(RNG.random((1, 4))), _leaf(RNG.random((10, 4)))))
    page = visit(played, "#0@10", width=width)
    figure = page.locator('figure[data-array="y"] .tables')
    assert figure.evaluate("e => e.scrollWidth > e.clientWidth") == scrolls
    ends = (figure.evaluate("e => e.getBoundingClientRect().right"),
            figure.locator("td.target").evaluate("e => e.getBoundingClientRect().right"))  # fmt: skip
    assert ends[1] <= ends[0] + 1


@for_each("step", [1, 20, 60])
def test_a_high_scene_follows_the_step_below_its_formula(visit, step):
    page = visit(DERIVATIONS["lstm"](), f"#0@{step}", width=390)
    edges = page.evaluate(
        """() => [".words", "td.target", "main"].map((name) => {
            const { top, bottom } = document.querySelector(name).getBoundingClientRect();
            return { top, bottom };
        })"""
    )
    words, cell, stage = edges
    assert stage["top"] <= words["top"] + 1
    assert words["bottom"] <= cell["top"] + 1
    assert cell["bottom"] <= stage["bottom"]


POLICY = (
    "default-src 'none'; script-src https: 'unsafe-inline' 'unsafe-eval'; style-src https: 'unsafe-inline'; "
    "img-src https: http: data:; font-src https:; connect-src https:; child-src https: data:"
)
"""Of an output in VS Code, where its setting enableCsp is on."""

SANDBOX = "allow-downloads allow-forms allow-modals allow-popups allow-scripts"
"""Of an output that has a frame of its own, as in Colab."""


@for_each(
    "around",
    [
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">{{}}',
        f'<iframe sandbox="{SANDBOX}" srcdoc="{{}}">',
    ],
)
def test_a_notebook_may_shut_its_outputs_in(chromium, around):
    element = DERIVATIONS["loss"]()._repr_mimebundle_()["text/html"]
    page, nested = chromium.new_page(), around.startswith("<iframe")
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.set_content(around.format(escape(element) if nested else element))
    inside = page.frame_locator("iframe")
    inside = inside.frame_locator("iframe") if nested else inside
    inside.locator("#forth").click()
    assert inside.locator("#step").text_content() == "2 of 28"
    assert inside.locator("td.target").count() == 1
    page.close()
    assert said == []


def test_hostile_names_are_text_in_the_page_and_in_a_notebook(visit, chromium):
    name = "</script><img src=x onerror=alert(1)>\"'\u202e" + "n" * 10_000
    x, w = _leaf(np.ones((3, 3))), ag.tensor(np.ones((2, 2)), requires_grad=True, name=name)
    with ag.scope(name):
        y = ag.correlate2d(x, w)
    page = visit(play(y), width=390)
    assert page.locator("h1").text_content() == f"correlate2d in {name}"
    assert page.locator("img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    notebook = chromium.new_page()
    notebook.set_content(play(y)._repr_mimebundle_()["text/html"])
    inside = notebook.frame_locator("iframe")
    inside.locator("#forth").click()
    assert inside.locator("#step").text_content() == "2 of 4"
    notebook.close()
