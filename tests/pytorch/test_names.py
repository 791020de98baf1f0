"""``docs/from_pytorch.md`` names all that PyTorch has and we have not, and nothing else."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from tables import for_each

from autograd_cnn import nn, optim

PAGE = Path(__file__).parents[2] / "docs" / "from_pytorch.md"
BASES = {"Container", "NLLLoss2d", "RNNBase", "RNNCellBase"}
"""Classes that nobody uses."""

INTERNAL = re.compile(
    r".*_$|_|.*torch_function|.*_with_indices|.*_mm$|boolean_dispatch|assert_int_or_pair|native_|has_|[A-Z]"
)
"""What is in the module of functions, but is none of them, has another name, too, or writes in place."""


def _functions():
    module = torch.nn.functional
    return {
        name for name in dir(module) if callable(getattr(module, name)) and not INTERNAL.match(name)
    } - {"Callable", "TYPE_CHECKING"}  # fmt: skip


def _public(module):
    return {name for name in dir(module) if not name.startswith("_")}


MODULES = {
    "torch.nn": (set(torch.nn.modules.__all__) - BASES, set(nn.__all__)),
    "torch.nn.functional": (_functions(), set(nn.functional.__all__)),
    "torch.nn.init": ({name for name in dir(torch.nn.init) if re.fullmatch(r"[a-z]\w*_", name)}, set(nn.init.__all__)),
    "torch.nn.utils": (set(torch.nn.utils.__all__), set(nn.utils.__all__)),
    "torch.optim": (set(torch.optim.__all__), _public(optim)),
    "torch.optim.lr_scheduler": (set(torch.optim.lr_scheduler.__all__), _public(optim.lr_scheduler)),
}


def _listed(module):
    """Return the names and patterns that the page has for a module."""
    section = PAGE.read_text("utf-8").split("## What is missing\n")[1]
    items = {item.split("`")[1]: item for item in re.split(r"^- ", section, flags=re.MULTILINE)[1:]}
    return set(re.findall(r"`([\w*]+)`", items[module].partition(":")[2]))


@for_each("module", MODULES)
def test_the_page_names_what_there_is_not(module):
    theirs, ours = MODULES[module]
    missing, listed = theirs - ours, _listed(module)
    assert [name for name in sorted(missing) if not any(fnmatchcase(name, each) for each in listed)] == []
    idle = [each for each in sorted(listed) if not any(fnmatchcase(name, each) for name in missing)]
    assert [each for each in idle if each in theirs or "*" in each] == []
