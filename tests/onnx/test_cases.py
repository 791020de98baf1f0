"""ONNX's own test cases, by the adapter in `onnx_cases`, and that no operator makes more than it says."""

import re
import warnings
from importlib import import_module
from pathlib import Path

import pytest
from onnx_cases import KINDS, run, tally

from autograd_cnn.onnx.legacy import DOMAIN
from autograd_cnn.onnx.operator import TABLE

SAMPLE = (
    "bitshift",
    "celu",
    "if_",
    "loop",
    "lstm",
    "qlinearconv",
    "resize",
    "scan",
    "scatternd",
    "tfidfvectorizer",
    "topk",
)

REFUSED = {
    "test_if_opt",
    "test_loop13_seq",
    "test_loop16_seq_none",
    "test_celu_bfloat16",
    "test_celu_bfloat16_expanded",
}
"""Of the sample, besides all of ``TfIdfVectorizer``: inputs that are optional, sequences, or of half a float's bits."""


def test_the_page_lists_the_operators():
    page = (Path(__file__).parents[2] / "docs" / "onnx.md").read_text("utf-8")
    table = page.partition("| family | operators |")[2].partition("| by ONNX's own definition")[0]
    table = "".join(line.split("|")[2] for line in table.strip().splitlines())
    listed = set(re.findall(r"\b[A-Z]\w+", table))
    assert listed == {name for domain, name in TABLE if domain != DOMAIN} | {"Constant"}


@pytest.mark.parametrize("operator", SAMPLE)
def test_a_sample_is_right_or_refused(subtests, counting, tmp_path, operator):
    cases = import_module("onnx.backend.test.case.node")
    before = len(cases._NodeTestCases)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_module(f"onnx.backend.test.case.node.{operator}")
    for case in cases._NodeTestCases[before:]:
        refused = operator == "tfidfvectorizer" or case.name in REFUSED
        with subtests.test(case.name), counting():
            assert run(case, tmp_path).kind == ("unsupported" if refused else "passed")


@pytest.mark.slow
def test_all_are_right_or_refused(counting, tmp_path):
    with counting():
        found = tally(tmp_path, *KINDS)
    assert [(case.name, verdict.reason) for case, verdict in found["wrong"]] == []
    assert len(found["passed"]) >= 1690
