"""Every Python block in the pages of ``docs/`` runs, page by page, from top to bottom."""

import importlib
import re
import subprocess
import sys
from inspect import ismodule
from pathlib import Path
from runpy import run_path

import pytest
from pages import BLOCK
from tables import for_each

import autograd_cnn as ag

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
DERIVATIONS = DOCS / "derivations"
README = ROOT / "README.md"  # whose blocks test_readme.py runs
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")


def _name(page):
    return page.relative_to(ROOT).as_posix()


def _runnable():
    return [page for page in PAGES if page != README and BLOCK.search(page.read_text("utf-8"))]


def _derivations():
    return [page for page in PAGES if page.parent == DERIVATIONS and page.name != "index.md"]


@pytest.mark.slow
@pytest.mark.parametrize("folder", sorted({page.parent for page in _runnable()}), ids=_name)
def test_the_blocks_of_each_page_run_and_print_what_is_shown(folder):
    pages = [page for page in _runnable() if page.parent == folder]
    command = [sys.executable, "-X", "utf8", "-W", "error", Path(__file__).parent / "pages.py", *pages]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr


def test_there_are_pages_to_run():
    assert {"docs/engine.md", *map(_name, _derivations())} <= set(map(_name, _runnable()))
    assert len(_derivations()) == 11


@for_each("page", _derivations())
def test_a_derivation_ends_with_the_engine_against_the_hand_and_differences(page):
    last = page.read_text("utf-8").split("\n## By hand, by the engine, by differences\n")[1]
    assert ".backward(" in last
    assert re.search(r"ag\.testing\.(check_vjp|gradcheck)\(", last)
    assert re.findall(r"^## .*", last, re.MULTILINE) == ["## Sources"]


def test_every_block_is_found():
    fences = {_name(page): page.read_text("utf-8").count("```python") for page in PAGES}
    assert fences == {_name(page): len(BLOCK.findall(page.read_text("utf-8"))) for page in PAGES}


def test_links_between_pages_lead_somewhere():
    dead = [
        (_name(page), target)
        for page in PAGES
        for target in LINK.findall(page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert dead == []


@pytest.mark.parametrize("index", sorted(DOCS.rglob("index.md")), ids=_name)
def test_a_table_of_contents_has_every_page_beside_it(index):
    beside = {page.name for page in index.parent.glob("*.md")} - {"index.md"}
    assert beside <= set(LINK.findall(index.read_text("utf-8")))


# --- the reference ----------------------------------------------------------------------------

DIRECTIVE = re.compile(r"^\.\. (currentmodule|family|auto(?!module)\w+):: (\S+)$", re.MULTILINE)


def _documented():
    """Yield the objects that the pages of the reference name."""
    for page in (DOCS / "api").glob("*.md"):
        module = ""
        for directive, name in DIRECTIVE.findall(page.read_text("utf-8")):
            if directive == "currentmodule":
                module = name
            elif directive == "family":
                family = importlib.import_module(f"autograd_cnn.ops.{name}")
                yield from (getattr(family, public) for public in family.__all__)
            else:
                path, _, last = f"{'' if name.startswith('autograd_cnn.') else module + '.'}{name}".rpartition(".")
                yield getattr(importlib.import_module(path), last)


@for_each(
    "module",
    [
        ag,
        ag.attribution,
        ag.data,
        ag.distributed,
        ag.errors,
        ag.graph,
        ag.interop,
        ag.nn,
        ag.nn.functional,
        ag.onnx,
        ag.optim,
        ag.report,
        ag.testing,
        ag.train,
        ag.viz,
    ],
)
def test_the_reference_has_every_public_name(module):
    documented = set(map(id, _documented()))
    names = [name for name in getattr(module, "__all__", dir(module)) if not name.startswith("_")]
    public = {name: getattr(module, name) for name in names}
    assert [name for name, value in public.items() if not ismodule(value) and id(value) not in documented] == []


def test_the_picture_of_the_house_is_that_of_the_layers():
    path = DOCS / "pictures" / "house.py"
    assert run_path(str(path))["house"]() == path.with_suffix(".svg").read_text("utf-8"), (
        "python docs/pictures/house.py draws it again"
    )


@pytest.mark.slow
def test_the_diagrams_and_the_derivations_to_play_are_those_that_their_scripts_draw(tmp_path):
    pictures = DOCS / "pictures"
    for name, draw in run_path(str(pictures / "diagrams.py"))["DIAGRAMS"].items():
        assert draw() == (pictures / "diagrams" / f"{name}.svg").read_text("utf-8"), name
    for name, (make, scene, _) in run_path(str(pictures / "play.py"))["PICTURES"].items():
        drawn = make().to_svg(tmp_path / f"{name}.svg", scene).read_text("utf-8")
        assert drawn == (pictures / "play" / f"{name}.svg").read_text("utf-8"), name
