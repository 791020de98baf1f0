import pytest

import autograd_cnn as ag
import autograd_cnn.testing.samples  # the counts of calls are theirs
from autograd_cnn.cli.findings import Findings
from autograd_cnn.testing.case import registered_in

RELU, EXP = "autograd_cnn.ops.activation.relu", "autograd_cnn.ops.elementwise.exp"


@pytest.fixture
def findings():
    return Findings({RELU: ag.relu, EXP: ag.exp})


def test_a_row_for_each_of_a_few(findings):
    findings.record_pass(RELU, "first_order", 1.26e-12)
    findings.record_pass(RELU, "first_order", 1e-13)
    findings.record_pass(RELU, "backends_agree", 0.0)
    findings.record_pass(EXP, "adjoint", 0.5)
    assert list(findings.lines()) == [
        "primitive  calls  checks  broken  1st order  2nd order  backends",
        "relu           4       3       -    1.3e-12          -         0",
        "exp            4       1       -          -          -         -",
    ]
    assert findings.checks == 4
    assert not findings.broken


def test_a_row_for_each_family_of_many():
    families = {name: registered_in([f"autograd_cnn.ops.{name}"]) for name in ("activation", "elementwise")}
    primitives = families["activation"] | families["elementwise"]
    findings = Findings(primitives)
    for name in primitives:
        findings.record_pass(name, "second_order", 1e-12)
    rows = sorted(list(findings.lines())[1:])
    assert [line.split()[:1] + line.split()[2:] for line in rows] == [
        [name, str(len(family)), "-", "-", "1.0e-12", "-"] for name, family in families.items()
    ]


def test_a_long_name_loses_its_beginning():
    @ag.primitive
    def with_a_name_of_some_length(x):
        return x

    findings = Findings({"own.package.with_a_name_of_some_length": with_a_name_of_some_length})
    assert list(findings.lines())[1].split()[0] == "…th_a_name_of_some_length"


def test_what_is_broken_is_told_by_law(findings):
    findings.record_failure(RELU, "first_order", "relu(3): it is wrong")
    for law in ("second_order", "float32_stays", "adjoint"):
        findings.record_failure(RELU, law, "relu(3): raised ValueError: no")
        findings.record_failure(RELU, law, "relu(4): raised ValueError: not at all")
    findings.record_failure(RELU, "adjoint", "relu(5): raised ValueError: no, no")
    findings.record_gap(EXP, "it has no samples; " + "long " * 15)
    assert list(findings.lines())[1:] == [
        "relu           4       8       8          -          -         -",
        "exp            4       0       1          -          -         -",
        "",
        RELU,
        "  first_order: relu(3): it is wrong",
        "  second_order and 2 other laws: relu(3): raised ValueError: no (and on 2 other",
        "    calls)",
        "",
        EXP,
        "  samples: it has no samples; long long long long long long long long long long",
        "    long long long long long",
    ]
