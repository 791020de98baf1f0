"""What is installed is what was locked, and nothing is fetched from anywhere."""

import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]

OFFLINE = """
import importlib, pkgutil, sys

def refuse(event, arguments):
    if event.startswith(("socket.", "urllib.", "http.", "ftplib.", "smtplib.")):
        raise AssertionError(event, arguments)

sys.addaudithook(refuse)
import autograd_cnn as ag
for module in pkgutil.walk_packages(ag.__path__, "autograd_cnn."):
    if module.name.rpartition(".")[2] != "__main__":
        importlib.import_module(module.name)
images, labels = ag.data.digits().train
ag.set_backend("reference")
ag.nn.cross_entropy(ag.nn.digits_net(rng=0)(images[:2]), labels[:2]).backward()
print("autograd_cnn.kernels.compiled.threads" in sys.modules)
"""


@pytest.mark.slow
def test_no_module_opens_a_connection_when_it_is_imported_nor_a_step():
    done = subprocess.run([sys.executable, "-c", OFFLINE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


def _locked():
    """Return the versions in the lock by name; one name may have several, for different systems."""
    text = (ROOT / ".ci" / "lock.txt").read_text("utf-8").replace("\\\n", "")
    versions = {}
    for line in filter(lambda line: line and line[0] not in " #", text.splitlines()):
        name, version, rest = re.fullmatch(r"(\S+?)==(\S+)(.*)", line).groups()
        assert "--hash=sha256:" in rest, name
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


def test_the_lock_has_all_that_developers_need_in_versions_that_they_may_have():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras, versions = project["optional-dependencies"], _locked()
    needed = [*map(Requirement, project["dependencies"])]
    left = [*extras["dev"], *extras["browser"]]
    while left:
        requirement = Requirement(left.pop())
        if canonicalize_name(requirement.name) == project["name"]:
            left += [each for extra in requirement.extras for each in extras[extra]]
        else:
            needed.append(requirement)
    assert len(needed) > 20
    for requirement in needed:
        found = versions[canonicalize_name(requirement.name)]
        assert all(map(requirement.specifier.contains, found)), f"{requirement}: {found}; nox -s lock"


def test_a_test_that_connects_to_another_machine_fails():
    with pytest.raises(AssertionError, match=r"192\.0\.2\.1"), socket.socket() as link:  # an address that is nobody's
        link.connect(("192.0.2.1", 80))
