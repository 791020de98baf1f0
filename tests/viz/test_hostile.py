"""Whatever things are called, pictures and pages have the structure that they would have anyhow."""

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hostile_names import NAMES, graph_of
from tables import for_each

from autograd_cnn import nn, report
from autograd_cnn.cli.output import say
from autograd_cnn.data import Dataset, Split
from autograd_cnn.errors import sentence
from autograd_cnn.graph import Graph, Profile, difference
from autograd_cnn.viz.derivations import Derivation


class _Structure(HTMLParser):
    """The elements and attributes of a page, and what these refer to."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        where = [value[:20] for name, value in attrs if name in ("src", "href", "srcset", "action")]
        self.found.append((tag, sorted(name for name, _ in attrs), where))


def _page(graph, folder):
    return _Structure(graph.to_html(folder / "graph.html").read_text("utf-8")).found


def _svg(text):
    """Return the kinds of elements, with their attributes, and where links lead."""
    found = set()
    for element in ET.fromstring(text).iter():  # noqa: S314  # our own
        assert not [name for name in element.attrib if name.rpartition("}")[2].startswith("on")]
        assert "href" not in " ".join(element.attrib) or element.tag.endswith("}a")
        found.add(element.tag)
    return found


def _picture(graph, folder):
    return _svg(graph.render(folder / "graph.svg").read_text("utf-8"))


def _notebook(graph, folder):
    return _svg(graph._repr_mimebundle_()["image/svg+xml"])


def _dot(graph, folder):
    """Return what is not within quotes."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', "", graph.to_dot(depth=99).source).replace(" ", "")


def _json(graph, folder):
    assert Graph.from_json(graph.to_json()) == graph
    return len(json.loads(graph.to_json())["nodes"])


def _report(graph, folder):
    names = [node.name for node in graph.nodes[::2]]
    images = np.random.default_rng(0).random((len(names), 1, 8, 8)).astype(np.float32)
    part = Split(images, np.arange(len(names)))
    kind = "".join(names).replace("\x00", "").encode(errors="ignore").decode()
    model = type(kind, (nn.Sequential,), {})(nn.Flatten(), nn.Linear(64, len(names), rng=0))
    facts = dict(zip(names, names, strict=True))
    path = report.write(folder / "report.html", model, Dataset(part, part, tuple(names)), [], title=kind, facts=facts)
    return _Structure(path.read_text("utf-8")).found


@pytest.mark.slow
@for_each("output", [_page, _picture, _notebook, _dot, _json, _report])
def test_hostile_names_do_nothing(tmp_path, output):
    harmless = [f"name{number}" for number in range(len(NAMES))]
    assert output(graph_of(NAMES), tmp_path) == output(graph_of(harmless), tmp_path)


def test_in_a_terminal_they_do_nothing_either(capsys):
    graph = graph_of(NAMES)
    timed = replace(graph, nodes=tuple(replace(node, time=1.0 + ("\x1b" in node.name)) for node in graph.nodes))
    model, scope = nn.Sequential(), graph.nodes[2 * NAMES.index("\x1b[31mred")].scope
    model.add_module(scope, nn.ReLU())
    texts = [str(difference(graph_of([]), graph)), str(Profile(timed, 1.0, 1.0, 1.0, 1, "jit")), repr(model)]
    texts += [repr(Derivation(scope, "", {}, [])), sentence("load", f"{scope} is unknown")]
    say("\n".join(texts))
    for text in (*texts, capsys.readouterr().out):
        assert all(line.isprintable() for line in text.split("\n"))
        assert "\\x1b[31mred" in text


def test_a_long_name_makes_no_wide_picture(tmp_path):
    long = ET.parse(graph_of(["x" * 10_000]).render(tmp_path / "long.svg")).getroot()  # noqa: S314
    assert float(long.get("width").removesuffix("pt")) < 800
