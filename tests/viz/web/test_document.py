"""Pages are put together from modules that a browser could load one by one."""

import re
from importlib.resources import files
from posixpath import dirname, normpath

import pytest

from autograd_cnn.viz.web.document import part, parts

VIZ = files("autograd_cnn.viz")
MODULES = sorted(path.relative_to(VIZ).as_posix() for path in VIZ.rglob("*.js"))
MAINS = [name for name in MODULES if name.endswith("/main.js")]


@pytest.mark.parametrize("main", MAINS)
def test_modules_come_after_what_they_import(main):
    order = list(parts(main))
    for name in order:
        others = re.findall(r'^(?:import|\}) .*?"(\..*)";$', part(name), re.MULTILINE)
        imported = [normpath(f"{dirname(name)}/{other}") for other in others]
        assert [other for other in imported if order.index(other) >= order.index(name)] == []


def test_no_import_or_export_is_left_and_no_module_is_unused():
    used = {name: text for main in MAINS for name, text in parts(main).items()}
    assert sorted(used) == MODULES
    assert [name for name, text in used.items() if re.search(r"^\s*(import|export)\b", text, re.MULTILINE)] == []


def test_text_never_becomes_markup_and_modules_are_small():
    for name in MODULES:
        text = part(name)
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
        assert len(text.splitlines()) < 350, name
