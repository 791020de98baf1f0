"""Reports: the verdict in a line, faults first, a table that lines up."""

from autograd_cnn.testing.report import Finding, TapeReport, ordered


def _finding(serial, kind, argument="x", **fields):
    given = {"index": (0, 1), "expected": 1.5, "got": -0.25, "scope": "features.0", "origin": None, "text": "why"}
    return Finding(serial, "exp", argument, kind, **given | fields)


def test_a_report_without_findings_is_one_line():
    report = TapeReport((), checked=3, nodes=2)
    assert report.ok
    assert str(report) == "check_tape: every rule is right: 3 arguments of 2 calls"
    assert str(TapeReport((), checked=1, nodes=1)) == "check_tape: every rule is right: 1 argument of 1 call"


def test_faults_come_first_in_the_order_of_the_tape():
    kinds = ("kink", "wrong", "unchecked", "error", "wrong")
    found = ordered([_finding(9 - serial, kind) for serial, kind in enumerate(kinds)])
    assert [(finding.kind, finding.serial) for finding in found] == [
        ("wrong", 5), ("wrong", 8), ("error", 6), ("unchecked", 7), ("kink", 9),
    ]  # fmt: skip


def test_kinks_and_gaps_are_no_faults():
    report = TapeReport((_finding(1, "kink"), _finding(2, "unchecked")), checked=3, nodes=3)
    assert report.ok
    assert report.problems == {}


def test_problems_has_a_sentence_for_each_node():
    found = (_finding(4, "wrong", text="x1: a"), _finding(4, "error", text="x2: b"), _finding(5, "kink"))
    report = TapeReport(found, checked=3, nodes=2)
    assert not report.ok
    assert report.problems == {4: "x1: a; x2: b"}


def test_the_table_lines_up_and_says_where():
    nothing = {"index": None, "expected": None, "got": None}
    report = TapeReport(
        (
            _finding(1, "wrong", origin="model.py:3: y = f(x)"),
            _finding(2, "unchecked", argument="", text="the tape lacks it", **nothing),
            _finding(3, "kink", index=(12,), expected=1e-9, got=0.0, scope=""),
        ),
        checked=5,
        nodes=4,
    )  # fmt: skip
    assert str(report).splitlines() == [
        "check_tape: 1 wrong rule in 5 arguments of 4 calls, 1 at a kink, 1 not checked",
        "           primitive  argument  at      expected  got    recorded in",
        "wrong      exp        x         (0, 1)  1.5       -0.25  features.0, model.py:3: y = f(x)",
        "unchecked  exp                                           features.0 | the tape lacks it",
        "kink       exp        x         (12,)   1e-09     0",
    ]


def test_a_long_table_is_cut():
    report = TapeReport(tuple(_finding(serial, "wrong") for serial in range(30)), checked=30, nodes=30)
    lines = str(report).splitlines()
    assert len(lines) == 27
    assert lines[-1] == "... and 6 more"
