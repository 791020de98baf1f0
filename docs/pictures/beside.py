"""Photograph the same six networks as five libraries draw them: ``python docs/pictures/beside.py``.

It takes Graphviz's program ``dot``, a Chromium, and ``pip install torch torchlens torchview torchvista netron onnx``
beside the extras ``browser`` and ``onnx``.
"""

import sys
from base64 import b64encode
from collections.abc import Callable
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import graphviz
import netron
import torch
import torchlens
import torchview
import torchvista
from playwright.sync_api import Browser, Page, sync_playwright
from screenshots import ARGUMENTS, chromium

import autograd_cnn as ag
from autograd_cnn import nn
from benchmarks.peers import _modules
from benchmarks.tasks import Network
from benchmarks.workloads import lenet, lstm, resnet20, transformer, unet, vgg

FOLDER = Path(__file__).parent / "beside"
WIDTH, HEIGHT = 1400, 900
SETTLE = 4000
"""Milliseconds, for what lays itself out in the browser."""
STYLE = """<style>
body { display: grid; grid-template-columns: repeat(3, 1fr); gap: 12px; margin: 12px; font: 15px sans-serif }
figure { margin: 0 } img { width: 100%; border: 1px solid #ccc }
</style>"""
NETWORKS = {
    "lenet": lenet, "vgg": vgg, "resnet20": resnet20, "unet": unet, "lstm": lstm, "transformer": transformer,
}  # fmt: skip


def _task(name: str) -> Network:
    """Return a network with a batch of two."""
    task: Any = NETWORKS[name].WORKLOAD.cases[0].task
    return Network(task.layers, task.image, 2)


def _ours(task: Network, page: Page, folder: Path) -> None:
    model = _modules.build(task.layers, nn, ag.concatenate)
    images, labels = task.data()
    loss = nn.cross_entropy(model(images), labels)
    path = folder / "ours.html"
    ag.graph.capture(loss, names=model.named_parameters(), backward=True).to_html(path)
    page.goto(path.as_uri())
    page.wait_for_selector(".box")


def _torch(task: Network) -> tuple[Any, torch.Tensor]:
    return _modules.build(task.layers, torch.nn, torch.cat), torch.from_numpy(task.data()[0])


def _torchlens(task: Network, page: Page, folder: Path) -> None:
    path = folder / "torchlens"
    torchlens.trace(*_torch(task)).draw(vis_outpath=str(path), vis_save_only=True, vis_fileformat="svg")
    _show(page, path.with_suffix(".svg"))


def _torchview(task: Network, page: Page, folder: Path) -> None:
    model, images = _torch(task)
    drawn: graphviz.Digraph = torchview.draw_graph(model, input_data=images).visual_graph
    _show(page, Path(drawn.render(folder / "torchview", format="svg")))


def _show(page: Page, path: Path) -> None:
    """Show a picture as a whole."""
    page.goto(path.as_uri())
    page.evaluate("['width', 'height'].forEach(side => document.documentElement.setAttribute(side, '100%'))")


def _torchvista(task: Network, page: Page, folder: Path) -> None:
    path = folder / "torchvista.html"
    torchvista.trace_model(*_torch(task), height=HEIGHT, export_format="html", export_path=str(path))
    page.goto(path.as_uri())
    page.wait_for_timeout(SETTLE)


def _netron(task: Network, page: Page, folder: Path) -> None:
    path = folder / "netron.onnx"
    model, images = _torch(task)
    torch.onnx.export(model, (images,), path, dynamo=False)
    host, port = netron.start(str(path), browse=False)
    page.goto(f"http://{host}:{port}")
    page.get_by_text("Accept").click()
    page.wait_for_timeout(SETTLE)
    netron.stop()


LIBRARIES: dict[str, Callable[[Network, Page, Path], None]] = {
    "autograd_cnn": _ours, "torchlens": _torchlens, "torchview": _torchview, "torchvista": _torchvista,
    "Netron": _netron,
}  # fmt: skip


def _photograph(browser: Browser, name: str, library: str, folder: Path) -> str:
    """Return the part of a sheet that shows what a library makes of a network, or why it makes nothing."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    try:
        LIBRARIES[library](_task(name), page, folder)
        pixels = b64encode(page.screenshot()).decode()
        seen = f'<img src="data:image/png;base64,{pixels}">'
    except Exception as error:  # noqa: BLE001  # whatever a library can't do is what is to be seen
        seen = f"<p>{escape(str(error))[:300]}</p>"
    finally:
        page.close()
    return f"<figure><figcaption>{library}</figcaption>{seen}</figure>"


def main() -> None:
    """Write a sheet for each network, with what each library draws."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright, TemporaryDirectory() as scratch:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        for name in sys.argv[1:] or NETWORKS:
            parts = [_photograph(browser, name, library, Path(scratch)) for library in LIBRARIES]
            sheet = browser.new_page(viewport={"width": 1500, "height": 700})
            sheet.set_content(STYLE + "".join(parts))
            sheet.screenshot(path=FOLDER / f"{name}.png", full_page=True)
            sheet.close()
        browser.close()


if __name__ == "__main__":
    main()
