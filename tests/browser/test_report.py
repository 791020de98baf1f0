"""The report of a training in a real browser: nothing fails or is fetched, and it fits a phone."""

import pytest
from tables import for_each

import autograd_cnn as ag

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of a network that has learned a little."""
    model = ag.nn.digits_net(rng=0)
    digits = ag.data.digits()
    history = ag.train.fit(model, digits, ag.train.TrainConfig(epochs=2, batch_size=64))
    return ag.report.write(tmp_path_factory.mktemp("report") / "report.html", model, digits, history)


@for_each("width, scheme", [(1200, "light"), (1200, "dark"), (360, "light")])
def test_all_of_it_is_seen(chromium, report, width, scheme):
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: request.url.startswith((report.as_uri(), "data:")) or said.append(request.url))
    page.goto(report.as_uri())
    pictures = page.evaluate("[...document.images].map(image => [image.complete, image.naturalWidth])")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    shown = page.evaluate("document.querySelector('.graph img').currentSrc")
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    hit = page.evaluate("getComputedStyle(document.querySelector('.hit-4, .hit-3')).backgroundColor")
    context.close()
    assert said == []
    assert len(pictures) > 12
    assert all(done and size for done, size in pictures)
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
    assert shown.startswith("data:image/svg+xml;base64,")
    assert overflow <= 0
    assert hit != "rgba(0, 0, 0, 0)"
