"""The report of a training run."""

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import nn
from autograd_cnn.attribution import saliency
from autograd_cnn.data import Dataset, Split
from autograd_cnn.engine.recording import enable_grad, no_grad
from autograd_cnn.errors import ArgumentError, MissingDependencyError, counted
from autograd_cnn.files import AnyPath, as_path, replacing
from autograd_cnn.graph import capture
from autograd_cnn.nn.modes import evaluating
from autograd_cnn.parameters import of_kind
from autograd_cnn.report import pixels
from autograd_cnn.tensor import tensor
from autograd_cnn.train import Confusion, EpochMetrics, figures_of, predict
from autograd_cnn.train.layers import listening
from autograd_cnn.viz.chart import curves, spark
from autograd_cnn.viz.drawing.dot import draw
from autograd_cnn.viz.drawing.render import svgs
from autograd_cnn.viz.web.document import document

MOST_CLASSES: Final = 40
"""The maximum number of classes for a readable matrix; beyond it, only pairs are listed."""
MISTAKES: Final = 12
PAIRS: Final = 10
KERNELS: Final = 64
MAPPED: Final = 2
"""The number of convolutions whose feature maps are shown."""
MAPS: Final = 24
SMALLEST: Final = 1e-12
"""Smaller norms are drawn as this one."""
SEEN: Final = 256
"""The number of images for the layers' statistics."""


def write(
    path: AnyPath,
    model: nn.Module,
    dataset: Dataset,
    history: Sequence[EpochMetrics],
    *,
    title: str = "Training report",
    facts: Mapping[str, str] | None = None,
) -> Path:
    """Write the report of a training run: one HTML file that works offline and runs no script.

    It shows the curves of loss and accuracy, each layer's gradient norm and dead units if the trainer watched them, the
    confusion matrix, the classes that are most often confused, the worst mistakes with the pixels that the network looked
    at, the filters of the first layer, the maps of the first layers, statistics of each layer, and the graph. It follows
    the reader's choice of light or dark mode, and can be read on a phone.

    Parameters
    ----------
    path : path
        The file to write; it ends in ``.html``.
    model : Module
        The trained network; it maps images to scores (N, K).
    dataset : Dataset
        The data that it was trained and is tested on.
    history : sequence of EpochMetrics
        As returned by `autograd_cnn.train.fit`; it may be empty.
    title : str
        The page's heading.
    facts : mapping of str to str, optional
        Further facts to show at the top.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    ArgumentError
        If there are no test images, or the name does not end in ``.html``.
    OperandError
        If an argument has the wrong type.
    OSError
        If the file can't be written; an earlier file then remains.

    Examples
    --------
    >>> import tempfile
    >>> import autograd_cnn as ag
    >>> digits = ag.data.digits()
    >>> model = ag.nn.Sequential(ag.nn.Flatten(), ag.nn.Linear(64, 10, rng=0))
    >>> history = ag.train.fit(model, digits, ag.train.TrainConfig(epochs=2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write(f"{folder}/report.html", model, digits, history)
    ...     "Confusion" in path.read_text()
    True
    """
    target = as_path("report.write", path, [".html"])
    of_kind("report.write", "dataset", dataset, Dataset, "data.Dataset(train, test)")
    of_kind("report.write", "history", history, Sequence, "a list of EpochMetrics, such as train.fit returns")
    images, labels = dataset.test
    if not len(labels):
        raise ArgumentError("report.write", "the dataset has no images to try", hint="dataset.test is empty")
    shares = predict(model, images)
    result = Confusion.of(labels, shares.argmax(axis=1), dataset.classes)
    told = {
        "classes": str(len(dataset.classes)),
        "images to learn from": f"{len(dataset.train.labels):,}",
        "image": " × ".join(map(str, images.shape[1:])),
        "parameters": f"{sum(parameter.size for parameter in model.parameters()):,}",
        **_training(history),
        **(facts or {}),
    }
    sections = [
        *_curves(history),
        *_over_time(history),
        *_confusion(result),
        *_mistakes(model, dataset, shares),
        *_kernels(model),
        *_maps(model, dataset),
        *_layers(model, dataset),
        *_graph(model, dataset),
    ]
    body = Template(_part("body.html")).substitute(
        title=escape(title),
        accuracy=f"{result.accuracy:.2%}",
        count=f"{len(labels):,}",
        facts="".join(f"<div><dt>{escape(name)}</dt><dd>{escape(fact)}</dd></div>" for name, fact in told.items()),
        sections="\n".join(sections),
    )
    with replacing(target) as file:
        text = document(title, _part("page.css"), body)
        file.write(text.encode(errors="backslashreplace"))  # a lone surrogate
    return target


def _part(name: str) -> str:
    return (files("autograd_cnn.report") / "page" / name).read_text("utf-8")


def _section(title: str, note: str, body: str) -> str:
    return f'<section><h2>{title}</h2><p class="note">{note}</p>{body}</section>'


# --- how it went ------------------------------------------------------------------------------


def _training(history: Sequence[EpochMetrics]) -> dict[str, str]:
    if not history:
        return {}
    seconds = sum(epoch.seconds for epoch in history)
    return {"epochs": str(len(history)), "time to learn": f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"}


def _curves(history: Sequence[EpochMetrics]) -> list[str]:
    if not history:
        return []
    learned, tried = "images learned from", "images held out"
    charts = {
        "loss": {learned: [epoch.loss for epoch in history], tried: [epoch.test_loss for epoch in history]},
        "accuracy": {learned: [epoch.accuracy for epoch in history], tried: [epoch.test_accuracy for epoch in history]},
    }
    figures = "".join(
        f"<figure><figcaption>{name}</figcaption>{curves(name, series, history[0].epoch)}</figure>"
        for name, series in charts.items()
    )
    keys = "".join(f'<span class="key">{name}</span>' for name in charts["loss"])
    return [_section("Training", keys, f'<div class="row">{figures}</div>')]


def _over_time(history: Sequence[EpochMetrics]) -> list[str]:
    epochs = [epoch for epoch in history if epoch.gradients]
    if not epochs:
        return []
    names = list(dict.fromkeys([*epochs[0].gradients, *epochs[0].dead]))
    logs = {
        name: [math.log10(max(epoch.gradients.get(name, 0.0), SMALLEST)) for epoch in epochs]
        for name in epochs[0].gradients
    }
    low, high = min(map(min, logs.values())), max(map(max, logs.values()))
    rows = []
    for name in names:
        cells = "<td></td><td></td><td></td>"
        if name in logs:
            first, last = (f"{epoch.gradients.get(name, 0.0):.2g}" for epoch in (epochs[0], epochs[-1]))
            cells = f"<td>{first}</td><td>{spark(logs[name], low, high)}</td><td>{last}</td>"
        if name in epochs[0].dead:
            shares = [epoch.dead.get(name, 0.0) for epoch in epochs]
            cells += f"<td>{shares[0]:.0%}</td><td>{spark(shares, 0, 1)}</td><td>{shares[-1]:.0%}</td>"
        else:
            cells += "<td></td><td></td><td></td>"
        rows.append(f"<tr><th>{escape(name) or '(all)'}</th>{cells}</tr>")
    head = '<th>layer</th><th colspan="3">norm of the gradient</th><th colspan="3">dead units</th>'
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    note = (f"From epoch {epochs[0].epoch} to epoch {epochs[-1].epoch}, with some images held out. Norms are drawn on one "
            "logarithmic scale for all layers, shares of dead units from none at the bottom to all at the top.")  # fmt: skip
    return [_section("Layer by layer over time", note, f'<div class="wide">{table}</div>')]


# --- what is taken for what -------------------------------------------------------------------


def _confusion(result: Confusion) -> list[str]:
    wrong = result.counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:PAIRS]
    pairs = [
        f"<tr><th>{escape(result.classes[true])}</th><th>{escape(result.classes[taken])}</th>"
        f"<td>{wrong[true, taken]}</td></tr>"
        for true, taken in (divmod(int(position), len(result.classes)) for position in order)
        if wrong[true, taken]
    ]
    sections = []
    if len(result.classes) <= MOST_CLASSES:
        note = "Rows are what images show, columns what they were taken for."
        sections.append(_section("Confusion matrix", note, f'<div class="wide">{_matrix(result)}</div>'))
    if pairs:
        head = "<thead><tr><th>shows</th><th>taken for</th><th>images</th></tr></thead>"
        table = f"<table>{head}<tbody>{''.join(pairs)}</tbody></table>"
        sections.append(_section("Most often mixed up", "", f'<div class="wide">{table}</div>'))
    return [f'<div class="beside">{"".join(sections)}</div>'] if sections else []


def _matrix(result: Confusion) -> str:
    names = [escape(name) for name in result.classes]
    head = "".join(f"<th>{name}</th>" for name in [*names, "recall", "precision", "F1"])
    rows = []
    for i, (name, counts) in enumerate(zip(names, result.counts, strict=True)):
        cells = "".join(
            _cell(int(n), n / (counts.sum() or 1), "hit" if i == j else "miss") for j, n in enumerate(counts)
        )
        own = "".join(f'<td class="figure">{each[i]:.3f}</td>' for each in (result.recall, result.precision, result.f1))
        rows.append(f"<tr><th>{name}</th>{cells}{own}</tr>")
    return f'<table class="matrix"><thead><tr><th></th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _cell(count: int, share: float, kind: str) -> str:
    # The steps are classes, since the page's policy allows no style of an element's own.
    step = 0 if not count else 1 + min(int(share * 4), 3)
    return f'<td class="{kind}-{step}">{count or "·"}</td>'


# --- what it looks at -------------------------------------------------------------------------


def _mistakes(model: nn.Module, dataset: Dataset, shares: NDArray[Any]) -> list[str]:
    labels, taken_for = np.asarray(dataset.test.labels), shares.argmax(axis=1)
    wrong = np.flatnonzero(labels != taken_for)
    if not wrong.size:
        return []
    worst = wrong[np.argsort(-shares[wrong, taken_for[wrong]], kind="stable")[:MISTAKES]]
    images = np.asarray(dataset.test.images[worst])
    seen = saliency(model, images, taken_for[worst])
    figures = [
        f'<figure class="mistake"><img alt="image {number} of the test set" src="{pixels.as_url(pixels.photo(image))}">'
        f'<img alt="which of its pixels matter" src="{pixels.as_url(pixels.heat(heat))}">'
        f"<figcaption>shows <b>{escape(dataset.classes[labels[number]])}</b>, taken for "
        f"<b>{escape(dataset.classes[taken_for[number]])}</b> at {shares[number, taken_for[number]]:.1%}</figcaption></figure>"
        for number, image, heat in zip(worst, images, seen, strict=True)
    ]
    title = f"The {len(worst)} worst of {counted(len(wrong), 'mistake')}" if len(wrong) > 1 else "The only mistake"
    note = "Beside each image, the pixels on which the score of the class it was taken for depends most."
    return [_section(title, note, f'<div class="pictures">{"".join(figures)}</div>')]


def _kernels(model: nn.Module) -> list[str]:
    first = next(((name, p) for name, p in model.named_parameters() if p.ndim == 4 and min(p.shape[2:]) > 1), None)
    if first is None:
        return []
    name, weight = first
    shown = pixels.kernels(weight.numpy()[:KERNELS])
    figures = "".join(
        f'<figure class="kernel"><img alt="filter {number}" src="{pixels.as_url(each)}"></figure>'
        for number, each in enumerate(shown)
    )
    more = f"; the first {KERNELS} of {len(weight)}" if len(weight) > KERNELS else ""
    note = "in colour" if weight.shape[1] == 3 else "orange is positive, blue negative, white 0"
    return [_section("What the first layer looks for", f"The filters of {escape(name)}: {note}{more}.",
                     f'<div class="pictures">{figures}</div>')]  # fmt: skip


def _maps(model: nn.Module, dataset: Dataset) -> list[str]:
    """Show the outputs of the first convolutions for the first test image."""
    image = np.asarray(dataset.test.images[:1])
    with listening(model) as outputs, evaluating(model), no_grad():
        model(image)
    convolutions = [name for name, module in model.named_modules() if isinstance(module, nn.Conv2d) and name in outputs]
    if not convolutions:
        return []
    rows = [f'<img alt="the image" src="{pixels.as_url(pixels.photo(image[0]))}">']
    for name in convolutions[:MAPPED]:
        maps = outputs[name][0, :MAPS]
        scale = float(np.abs(maps).max())
        figures = "".join(
            f'<figure class="kernel"><img alt="map {number}" src="{pixels.as_url(pixels.signed(each, scale))}"></figure>'
            for number, each in enumerate(maps)
        )
        more = f", the first {MAPS} of {len(outputs[name][0])} maps" if len(outputs[name][0]) > MAPS else ""
        rows.append(f'<h3>{escape(name)}{more}</h3><div class="pictures">{figures}</div>')
    note = "What the first convolutions make of one image held out: orange is positive, blue negative, white 0."
    return [_section("What it makes of an image", note, f'<div class="maps">{"".join(rows)}</div>')]


def _layers(model: nn.Module, dataset: Dataset) -> list[str]:
    images, labels = dataset.test
    found = figures_of(model, Split(images[:SEEN], labels[:SEEN]))
    if not found:
        return []
    rows = "".join(
        f"<tr><th>{escape(each.name) or '(all)'}</th><th>{escape(each.kind)}</th><td>{' × '.join(map(str, each.shape))}</td>"
        f"<td>{each.mean:.3g}</td><td>{each.zeros:.0%}</td><td>{each.dead:.0%}</td>"
        f"<td>{_number(each.weight)}</td><td>{_number(each.gradient)}</td></tr>"
        for each in found
    )
    titles = ("layer", "", "gives", "mean magnitude", "zeros", "dead", "norm of the weights", "of their gradient")
    head = "".join(f"<th>{title}</th>" for title in titles)
    note = f"With {counted(min(SEEN, len(labels)), 'image')} held out. Dead are channels that are 0 for all of them, everywhere."
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return [_section("Layer by layer", note, f'<div class="wide">{table}</div>')]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _graph(model: nn.Module, dataset: Dataset) -> list[str]:
    image = tensor(dataset.test.images[:1], requires_grad=True, name="image")
    with evaluating(model), enable_grad():
        loss = nn.cross_entropy(model(image), dataset.test.labels[:1])
    graph = capture(loss, inputs=[image], names=model.named_parameters(), values=False)
    try:
        light, dark = svgs(
            [
                draw(graph.nodes, graph.edges, graph.calls, theme=theme, placed=True).source
                for theme in ("light", "dark")
            ],
            placed=True,
        )
    except MissingDependencyError as missing:
        return [_section("The network", escape(str(missing)), "")]
    light, dark = (f"data:image/svg+xml;base64,{b64encode(each.encode()).decode()}" for each in (light, dark))
    picture = (
        f'<picture class="graph"><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img alt="the graph of operations" src="{light}"></picture>'
    )
    return [_section("The network", "What one image goes through, up to the loss.", picture)]
