"""Pages and moving pictures as texts; tests/browser plays them."""

import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError
from autograd_cnn.viz import Derivation, NamedArray, Panel, Scene, play, walk
from autograd_cnn.viz.derivations.animation import animate
from autograd_cnn.viz.derivations.page import HeatGrid, is_in_numbers

HOSTILE = "</script><script>alert(1)</script><!--\u2028&amp;\"'\u202e"
SVG = "{http://www.w3.org/2000/svg}"


def _played(name="w", side=5):
    x = ag.tensor(np.arange(float(side**2)).reshape(side, side) % 7, requires_grad=True)
    w = ag.tensor(np.arange(9.0).reshape(3, 3) - 4, requires_grad=True, name=name)
    with ag.scope(name):
        y = ag.correlate2d(x, w)
    return play(y, gradient=np.arange(float(y.size)).reshape(y.shape) - 3)


def _svg(played, scene):
    return animate(played.title, played.arrays, played.scenes[scene], 0.5)


def test_a_small_page_is_small_and_always_the_same():
    page = _played()._page()
    assert page == _played()._page()
    assert len(page) < 65_000


def test_a_hostile_name_is_text():
    played = _played(HOSTILE)
    page = played._page()
    assert page.count("<script") == page.count("</script>") == 2
    data = json.loads(re.search('<script type="application/json" id="graph">(.*?)</script>', page, re.DOTALL)[1])
    assert data["arrays"]["w"]["text"] == f"the filter ({HOSTILE})"
    assert ET.fromstring(_svg(played, 0)).get("aria-label") == f"correlate2d in {HOSTILE}: Forward"  # noqa: S314  # ours
    frame = played._repr_mimebundle_()["text/html"]
    assert frame.count("<") == 2


def test_what_is_large_is_heat():
    assert is_in_numbers(np.ones((20, 16)))
    assert not is_in_numbers(np.ones((2, 17)))
    assert not is_in_numbers(np.full((13, 13), 0.5))
    assert HeatGrid.of((6, 24, 24)) == (6, 6, 3)
    assert HeatGrid.of((2, 3, 5, 5))[2] >= 3
    data = json.loads(re.search('id="graph">(.*?)</script>', _played(side=20)._page(), re.DOTALL)[1])
    assert [name for name, array in data["arrays"].items() if "heat" in array] == ["x", "y", "δ", "δ̂", "d"]


def _last_numbers(svg):
    """Return what the picture shows in the end: texts that are never hidden again."""
    texts = ET.fromstring(svg).iter(f"{SVG}text")  # noqa: S314  # our own
    shown = [
        text
        for text in texts
        if text.get("visibility") != "hidden" and text.get("x") and text.get("class") in (None, "z")
    ]
    return [text.text.replace("−", "-") for text in shown]


def test_a_moving_picture_ends_with_the_gradient():
    played = _played()
    svg = _svg(played, 1)
    numbers = _last_numbers(svg)
    gradient = [f"{value:.3g}" for value in played.arrays["d"].values.ravel()]
    scattered = numbers[18 : 18 + 25]  # after δ and w
    assert sorted(scattered) == sorted(gradient)
    assert svg.count("<animate") > 2 * 25
    assert _svg(played, 1) == svg


@pytest.mark.parametrize(
    ("write", "error", "told"),
    [
        (lambda folder: _played().to_html(folder / "a.svg"), ArgumentError,
         "to_html: unknown kind of file: expected a name that ends in .html, got 'a.svg'"),
        (lambda folder: _played().to_svg(folder / "a.png"), ArgumentError,
         "to_svg: unknown kind of file: expected a name that ends in .svg, got 'a.png'"),
        (lambda folder: _played().to_svg(folder / "a.svg", 4), ArgumentError,
         "to_svg: there is no such scene: expected 0 to 3, got 4"),
        (lambda folder: _played().to_svg(folder / "a.svg", seconds=0), ArgumentError,
         "to_svg: seconds is out of range: expected 0.001 to 3600, got 0"),
        (lambda folder: _played(side=20).to_svg(folder / "a.svg"), ArgumentError,
         "to_svg: the scene 'Forward' is too large for a picture: expected at most 150 steps and 1200 cells, got 324 and 733; to_html writes a page, which holds more"),
    ],
)  # fmt: skip
def test_what_is_not_written(tmp_path, write, error, told):
    with pytest.raises(error) as raised:
        write(tmp_path)
    assert str(raised.value) == told
    assert list(tmp_path.iterdir()) == []


def test_a_panel_shows_what_its_walks_read_and_fill():
    arrays = {"x": NamedArray(np.ones(2)), "y": NamedArray(np.zeros(2))}
    copied = walk("y[i] = x[i]", arrays)
    for shown, lacks in ((("x",), "y"), (("x", "y", "z"), "z")):
        told = f"Derivation: 'Copied' lacks the array '{lacks}'; what a panel shows, reads and fills is named by it, "
        with pytest.raises(ArgumentError, match=f"^{told}and is among the derivation's arrays$"):
            Derivation("", "", arrays, [Scene("Forward", (Panel("Copied", "", shown, (copied,)),))])
