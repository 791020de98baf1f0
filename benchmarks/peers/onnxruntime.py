"""ONNX Runtime on the CPU: inference alone, on a model written here."""

import os
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.layers import (
    BatchNorm,
    Conv,
    Flatten,
    GlobalMeanPool,
    Layer,
    Layers,
    Linear,
    MaxPool,
    Relu,
    Relu6,
    Residual,
)
from benchmarks.peers._functional import EPSILON
from benchmarks.tasks import Arrays, Inference, Job, LackingError

PACKAGE = "onnxruntime"
OPSET = 17


class Graph:
    """Nodes and weights, one after the other.

    Parameters
    ----------
    weights
        By the names that `benchmarks.layers.parameters` gives them; running statistics are what a new layer has.
    """

    def __init__(self, weights: Arrays) -> None:
        self.weights = dict(weights)
        self.nodes: list[Any] = []

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Append a node and return the name of its output."""
        output = f"y{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def run(self, layers: Layers, x: str, prefix: str = "") -> str:
        """Append the layers and return the name of their output."""
        for index, layer in enumerate(layers):
            path = f"{prefix}{index}."
            if isinstance(layer, Residual):
                y = self.run(layer.body, x, f"{path}body.")
                x = self.add("Add", y, self.run(layer.shortcut, x, f"{path}shortcut."))
                x = self.add("Relu", x) if layer.rectified else x
            else:
                x = self._layer(layer, x, path)
        return x

    def _layer(self, layer: Layer, x: str, path: str) -> str:
        match layer:
            case Conv(_, _, size, stride, padding, bias, groups, dilation):
                names = [f"{path}weight", *([f"{path}bias"] if bias else [])]
                windows = {"kernel_shape": [size] * 2, "strides": [stride] * 2, "pads": [padding] * 4}
                return self.add("Conv", x, *names, **windows, group=groups, dilations=[dilation] * 2)
            case Linear():
                return self.add("Gemm", x, f"{path}weight", f"{path}bias", transB=1)
            case BatchNorm(channels):
                mean, var = f"{path}running_mean", f"{path}running_var"
                self.weights[mean], self.weights[var] = np.zeros(channels, np.float32), np.ones(channels, np.float32)
                names = (f"{path}weight", f"{path}bias", mean, var)
                return self.add("BatchNormalization", x, *names, epsilon=EPSILON)
            case Relu():
                return self.add("Relu", x)
            case Relu6():
                self.weights |= {"least": np.float32(0), "most": np.float32(6)}
                return self.add("Clip", x, "least", "most")
            case MaxPool(size, padding=padding):
                windows = {"kernel_shape": [size] * 2, "strides": [layer.step] * 2, "pads": [padding] * 4}
                return self.add("MaxPool", x, **windows)
            case GlobalMeanPool():
                return self.add("GlobalAveragePool", x)
            case Flatten():
                return self.add("Flatten", x)
        raise LackingError(type(layer).__name__)


def inference(task: Inference) -> Job:
    """Prepare scores."""
    graph = Graph(task.weights())
    output = graph.run(task.layers, "x")
    images, _ = task.data()
    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in graph.weights.items()]
    infos = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", images.shape), (output, (task.batch, task.classes)))
    ]
    drawn = helper.make_graph(graph.nodes, "network", infos[:1], infos[1:], weights)
    model = helper.make_model(drawn, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])

    def run() -> Any:
        return session.run(None, {"x": images})[0]

    return Job(run, lambda: {"scores": run()})
