"""A real browser for the page of a graph. Where there is none, this group is not collected."""

import importlib.util
import shutil

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.engine.recording import scope

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MISSING = None
if importlib.util.find_spec("playwright") is None:
    MISSING = "the extra 'browser' is not installed"
elif CHROMIUM is None:
    MISSING = "there is no Chromium"

collect_ignore_glob = [] if MISSING is None else ["test_*.py"]

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def pytest_terminal_summary(terminalreporter):
    """Say why the browser was left out."""
    if MISSING is not None:
        terminalreporter.write_line(f"tests/browser was not collected: {MISSING}")


@pytest.fixture(scope="module")
def chromium():
    """Yield one browser for all tests of a file; it runs an event loop, which must end before other files' tests."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # this file is read even where it is missing

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, tmp_path):
    """Return what opens the page of a graph or a derivation, at a place of it; nothing may be logged, fail, or be fetched."""
    contexts, said = [], []

    def open_at(drawn, place="", *, scheme="light", width=1400, **options):
        path = drawn.to_html(tmp_path / "net.html", **options)
        contexts.append(chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme))
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on("request", lambda request: request.url.startswith(path.as_uri()) or said.append(request.url))
        page.goto(f"{path.as_uri()}{place}")
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert said == []


@pytest.fixture(scope="session")
def net():
    """Return a small network's graph, both passes: a convolution, a fan-out, and a linear layer."""
    images = ag.tensor(np.linspace(-1, 1, 128).reshape(2, 1, 8, 8), dtype="float32", name="images")
    ones = {"requires_grad": True, "dtype": "float32"}
    with scope("conv"):
        v = ag.tensor(np.sin(np.arange(27.0)).reshape(3, 1, 3, 3), name="weight", **ones)
        b = ag.tensor(np.zeros(3), name="bias", **ones)
        x = ag.correlate2d(images, v, b, padding=1)
    with scope("act"):
        x = ag.relu(x)
    with scope("body"):
        with scope("scale"):
            s = ag.tensor(np.full((3, 1, 1), 2.0), name="factor", **ones)
            y = ag.tanh(x * s)
        x = x + y + ag.sigmoid(x)
    with scope("head"):
        w = ag.tensor(np.cos(np.arange(1920.0)).reshape(192, 10), name="weight", **ones)
        x = ag.matmul(x.reshape(2, -1), w)
    loss = -ag.log_softmax(x)[np.arange(2), np.array([3, 7])].mean()
    loss.backward(retain_graph=True)
    return ag.graph.capture(loss, backward=True)
