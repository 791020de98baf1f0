"""Every Python block in the README and the pages of ``docs/`` runs, page by page, from top to bottom."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def _runnable():
    return [page for page in PAGES if page.exists() and BLOCK.search(page.read_text())]


@pytest.mark.parametrize("page", _runnable(), ids=lambda page: page.name)
def test_the_blocks_of_a_page_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = page.read_text()
    names = {}
    for match in BLOCK.finditer(text):
        line = text[: match.start(1)].count("\n")
        exec(compile("\n" * line + match[1], str(page), "exec"), names)  # noqa: S102  # our own pages


def test_there_are_pages_to_run():
    assert {"engine.md"} <= {page.name for page in _runnable()}


def test_links_between_pages_lead_somewhere():
    link = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")
    dead = [
        (page.name, target)
        for page in PAGES
        if page.exists()
        for target in link.findall(page.read_text())
        if not (page.parent / target).exists()
    ]
    assert dead == []
