"""ONNX's own test cases, by the adapter in `onnx_cases`, and that no operator makes more than it says."""

import warnings
from importlib import import_module

import pytest
from onnx_cases import KINDS, run, tally

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
    assert len(found["passed"]) >= 1500
