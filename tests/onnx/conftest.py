"""ONNX models, and what the reference evaluator of their makers says of them."""

import itertools
from unittest.mock import patch

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from autograd_cnn.engine.node import values_of
from autograd_cnn.interop import load_onnx
from autograd_cnn.onnx.budget import CALL
from autograd_cnn.onnx.network import Step

OPSET = 18


def _counted(run):
    """Return a step's ``run`` that sees to it that what is told of its results' size is never too little."""

    def counted(step, values, budget):
        before = budget.spent
        results = run(step, values, budget)
        made = sum(
            np.size(each) if not isinstance(each, list) else sum(map(np.size, each)) for each in results.values()
        )
        assert made <= budget.spent - before - CALL
        return results

    return counted


@pytest.fixture(scope="session")
def counting():
    """Return a context in which every step's budget is checked."""
    return lambda: patch.object(Step, "run", _counted(Step.run))


def build(nodes, inputs, initializers=None, *, outputs=("y",), opset=OPSET, shapes=None):
    """Return a model of the nodes; the inputs' shapes are those of sample arrays, unless given."""
    infos = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(array.dtype), (shapes or {}).get(name, array.shape)
        )
        for name, array in inputs.items()
    ]
    results = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ()) for name in outputs]  # any shape will do
    arrays = [numpy_helper.from_array(array, name) for name, array in (initializers or {}).items()]
    graph = helper.make_graph(nodes, "test", infos, results, arrays)
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=onnx.IR_VERSION)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Return what builds a model, writes it to a file of its own, and returns model and path."""
    folder = tmp_path_factory.mktemp("onnx")
    numbers = itertools.count()

    def make(*arguments, **options):
        model = build(*arguments, **options)
        path = folder / f"{next(numbers)}.onnx"
        onnx.save(model, path)
        return model, path

    return make


@pytest.fixture(scope="session")
def agree(made, counting):
    """Return what runs a model here and by the evaluator, compares, and returns our network and result."""

    def run(nodes, inputs, initializers=None, **options):
        model, path = made(nodes, inputs, initializers, **options)
        expected = ReferenceEvaluator(model).run(None, inputs)[0]
        with counting():
            network = load_onnx(path)
            got = network(*inputs.values())
        assert got.dtype == expected.dtype
        assert got.shape == expected.shape
        np.testing.assert_allclose(values_of(got), expected, rtol=2e-5, atol=2e-6)
        return network, got

    return run
