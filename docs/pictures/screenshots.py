"""Photograph the pages of graphs and of a report: ``python docs/pictures/screenshots.py``.

It takes the extra ``browser`` and a Chromium.
"""

import contextlib
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from playwright.sync_api import Browser, sync_playwright

import autograd_cnn as ag
from autograd_cnn import nn, optim

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SCENES = {
    "page-lenet": ("lenet", "#n3", "light"),
    "page-lenet-backward": ("lenet-backward", "#n1", "light"),
    "page-lenet-step": ("lenet-backward", "#@38", "dark"),
    "page-resnet20": ("resnet20", "", "light"),
    "page-vanishing": ("vanishing", "", "light"),
    "page-difference": ("difference", "", "light"),
    "page-why": ("why", "#n1", "light"),
    "report": ("report", "", "light"),
}
"""Each picture's page, the place in it, and the colours; where elements answer, one of them is clicked."""


def enlarged(images: np.ndarray) -> np.ndarray:
    """Return digits of 8×8 pixels as LeNet wants them, 28×28."""
    return np.pad(np.kron(images, np.ones((3, 3), np.float32)), ((0, 0), (0, 0), (2, 2), (2, 2)))


def trained_lenet(steps: int = 60, batch: int = 64) -> nn.Module:
    """Return a LeNet that has seen some digits, so that its feature maps show something."""
    train = ag.data.digits().train
    model = nn.lenet5(rng=0)
    optimizer = optim.Adam(model.parameters(), 0.003)
    for step in range(steps):
        chosen = np.arange(step * batch, (step + 1) * batch) % len(train.labels)
        optimizer.zero_grad()
        nn.cross_entropy(model(enlarged(train.images[chosen])), train.labels[chosen]).backward()
        optimizer.step()
    return model


def pages(folder: Path) -> None:
    """Write the pages to photograph."""
    test = ag.data.digits().test
    model = trained_lenet()
    model.zero_grad()
    loss = nn.cross_entropy(model(enlarged(test.images[:2])), test.labels[:2])
    loss.backward(retain_graph=True)
    ag.graph.capture(loss, names=model.named_parameters()).to_html(folder / "lenet.html")
    ag.graph.capture(loss, names=model.named_parameters(), backward=True).to_html(folder / "lenet-backward.html")
    model = nn.resnet20(rng=0)
    images = np.random.default_rng(0).random((2, 3, 32, 32), np.float32)
    loss = nn.cross_entropy(model(images), np.arange(2))
    ag.graph.capture(loss, names=model.named_parameters(), backward=True).to_html(folder / "resnet20.html")
    deep = nn.Sequential(*(layer for i in range(30) for layer in (nn.Linear(16, 16, rng=i), nn.Sigmoid())))
    loss = deep(np.random.default_rng(0).normal(size=(8, 16))).sum()
    ag.graph.capture(loss, names=deep.named_parameters(), backward=True).to_html(
        folder / "vanishing.html", color="grad"
    )
    difference().graph.to_html(folder / "difference.html")
    explained(trained_lenet(), enlarged(test.images[:2]), test.labels[:2], folder / "why.html")
    model, digits = nn.digits_net(rng=0), ag.data.digits()
    history = ag.train.fit(model, digits, ag.train.TrainConfig(epochs=12, batch_size=32), watch=32)
    ag.report.write(folder / "report.html", model, digits, history, title="digits")


def gallery(folder: Path) -> list[Path]:
    """Run the lines of the gallery's page, and return the pages of networks that they write."""
    sys.path.insert(0, str(ROOT / "tests"))
    from pages import run  # noqa: PLC0415  # it is no package

    with contextlib.chdir(folder):
        run(ROOT / "docs" / "gallery.md")
    shown = (HERE.parent / "gallery.md").read_text("utf-8")
    return sorted(page for page in folder.glob("*.html") if f"networks/{page.stem}.png" in shown)


def difference() -> ag.graph.Difference:
    """Return the difference of a small network, and one that is wider, normalised and has another activation."""
    graphs = []
    for width, layers in ((6, [nn.ReLU()]), (8, [nn.BatchNorm2d(8), nn.GELU()])):
        model = nn.Sequential(
            nn.Conv2d(1, width, 5, rng=0), *layers, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(144 * width, 10, rng=1)
        )
        loss = nn.cross_entropy(model(np.random.default_rng(0).random((2, 1, 28, 28), np.float32)), np.arange(2))
        graphs.append(ag.graph.capture(loss, names=model.named_parameters(), backward=True))
    return ag.graph.difference(*graphs)


def explained(model: nn.Module, images: np.ndarray, labels: np.ndarray, path: Path) -> None:
    """Write a page on which the elements of a LeNet's gradients answer."""
    images.flags.writeable = False  # so that it has its name in the graph
    with ag.tracing():
        loss = nn.cross_entropy(model(images), labels)
    ag.explanations.to_html(loss, path, names=[*model.named_parameters(), ("images", images)])


def photograph(browser: Browser, page: Path, place: str, scheme: str, picture: Path) -> None:
    """Open a page at a place of it, and keep what is seen."""
    tab = browser.new_page(viewport={"width": 1280, "height": 1080}, color_scheme=scheme, device_scale_factor=1.25)
    tab.goto(f"{page.as_uri()}{place}")
    tab.wait_for_selector(".box, .kernel")
    if tab.locator(".answers canvas").count():
        tab.locator(".answers canvas").last.click(position={"x": 60, "y": 20})
        tab.locator(".why").evaluate("section => section.scrollIntoView()")
        tab.locator(".why li").first.hover()
    heading = tab.get_by_role("heading", name="Confusion matrix")  # of the report; from there its mistakes are in view
    if heading.count():
        heading.evaluate("heading => heading.scrollIntoView()")
    tab.screenshot(path=picture)
    tab.close()


def chromium() -> str:
    """Return the browser's program."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        sys.exit("there is no Chromium")
    return found


def main() -> None:
    """Write the pages to a folder that goes again, and the pictures beside this file."""
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        pages(Path(folder))
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        for name, (page, place, scheme) in SCENES.items():
            photograph(browser, Path(folder) / f"{page}.html", place, scheme, HERE / f"{name}.png")
        (HERE / "networks").mkdir(exist_ok=True)
        for page in gallery(Path(folder)):
            photograph(browser, page, "", "light", HERE / "networks" / f"{page.stem}.png")
        browser.close()


if __name__ == "__main__":
    main()
