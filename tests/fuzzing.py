"""Damaged files for everything that reads files, the same for the same seed.

``python tests/fuzzing.py 1000000`` tries a million, with seeds that no run has had before, and says what it finds: a
crash, a hang, an error that is not one of ours, or memory without bounds. Half a dozen kinds of damage are dealt to
small files that are good, several in a row; models in ONNX's format are also damaged by `hostile_onnx`.
"""

import contextlib
import copy
import faulthandler
import functools
import gzip
import io
import json
import os
import re
import sys
import tempfile
import time
import traceback
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import numpy as np
import onnx
from google.protobuf import json_format
from hostile_onnx import mutated
from onnx import helper, numpy_helper
from PIL import Image

import autograd_cnn as ag
from autograd_cnn import nn, optim
from autograd_cnn.cli.run import read_config, read_history
from autograd_cnn.errors import ArgumentError, FormatError, OperandError, ShapeError
from autograd_cnn.io.checkpoint import TEXT

EXPECTED = (FormatError, ArgumentError, ShapeError, OperandError, OSError)
MEMORY = 300 << 20
"""Bytes that a file of a few hundred may take, as Python counts them."""
ROOM = 1 << 30
"""Bytes that the whole process may take on top, as the system counts them."""
SLOW = 10.0
"""Seconds of the processor for such a file."""
STUCK = 300.0
"""Seconds on the clock for it, on a machine that does much else."""
BATCH = 1000
"""Files that one process reads, before it is replaced."""

TOKENS = (
    b"0", b"-1", b"9" * 20, b"9" * 5000, b"1e999", b"NaN", b"null", b"true", b"[]", b"{}", b'""', b"[" * 200, b"(", b"'",
    b"<f4", b"|O", b"<M8[s]", b"<c8", b"()", b"4611686018427387904", b"\\ud800", b"\xff\xfe", b"\0", b"*", b"->", b"?",
    b"CONV", b"POOL", b"FC", b"[CONV]*9", b'"F32"', b'"BF16"', b"__metadata__", b",", b":", b" ", b"\n",
)  # fmt: skip

NUMBERS = (0, 1, 2, 127, 128, 255, 256, 1000, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**64 - 1)


class Reader(NamedTuple):
    """Files that are good, what reads them from a path, and the share of a run that is spent on it."""

    suffix: str
    good: list[bytes]
    read: Callable[[Path], object]
    share: float = 0.1


def damage(reader, rng):
    """Return a file with one to three faults; most of JSON and of models have them in their values."""
    content = reader.good[rng.integers(len(reader.good))]
    if reader.suffix == ".json" and rng.integers(2):
        return _altered(content, rng)
    if reader.suffix == ".onnx" and rng.integers(8):
        return mutated(content, onnx.load_model_from_string(content), rng)
    return _spoilt(content, rng)


def _altered(content, rng):
    """Return JSON of which one to three values are gone, there twice, or those of another place."""
    fields = json.loads(content)
    for _ in range(rng.integers(1, 4)):
        places = [(holder, key) for holder in _holders(fields) for key in _keys(holder)]
        if not places:
            break
        holder, key = places[rng.integers(len(places))]
        kind = rng.integers(5)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, list):
            holder.insert(key, holder[key])
        elif kind == 2:
            other, place = places[rng.integers(len(places))]
            holder[key] = copy.deepcopy(other[place])
        elif kind == 3:
            number = NUMBERS[rng.integers(len(NUMBERS))]
            holder[key] = str(number) if isinstance(holder[key], str) else number
        else:
            holder[key] = [-1, 0, 2, 1.5, "", "x", "NaN", None, True, [], {}, [1] * 70][rng.integers(12)]
    return json.dumps(fields).encode()


def _holders(value):
    if isinstance(value, dict | list) and value:
        yield value
        for key in _keys(value):
            yield from _holders(value[key])


def _keys(holder):
    return list(holder) if isinstance(holder, dict) else range(len(holder))


def _spoilt(content, rng):
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(len(content) + 1))
        kind = rng.integers(7)
        if kind == 0:
            flipped = bytes([content[place] ^ 1 << int(rng.integers(8))]) if place < len(content) else b""
            content = content[:place] + flipped + content[place + 1 :]
        elif kind == 1:
            content = content[:place] + rng.bytes(int(rng.integers(1, 9))) + content[place:]
        elif kind == 2:
            content = content[:place] + content[place + int(rng.integers(1, 33)) :]
        elif kind == 3:
            width = int(rng.choice([1, 2, 4, 8]))
            number = int(rng.choice(np.array(NUMBERS, object))) % (1 << 8 * width)
            content = content[:place] + number.to_bytes(width, rng.choice(["little", "big"])) + content[place + width :]
        elif kind == 4:
            token = TOKENS[rng.integers(len(TOKENS))]
            content = content[:place] + token + content[place + int(rng.choice([0, len(token)])) :]
        elif kind == 5:
            start = int(rng.integers(len(content) + 1))
            content = content[:place] + content[start : start + int(rng.integers(1, 65))] + content[place:]
        else:
            content = content[:place] if rng.integers(4) == 0 else content[place // 8 :]
    return content


def readers():
    """Return all readers by name."""
    arrays = {"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.zeros(2, np.float32)}
    graph = ag.graph.capture(
        (ag.tensor([[1.0, 2.0]], requires_grad=True, name="x") ** 2).sum(), backward=True
    ).to_json()
    compact = json.dumps(json.loads(graph)).encode()
    idx = b"\0\0\x08\2\0\0\0\2\0\0\0\3abcdef"
    pattern = b"INPUT -> [[CONV -> RELU]*2 -> POOL?]*2 -> [FC]*2"
    checkpoints = [_checkpoint(suffix)[0] for suffix in ("npz", "safetensors")]
    models = [model.SerializeToString() for model in _models()]
    return {
        "npz": Reader(
            ".npz", [_saved("w.npz", arrays), _written(np.savez, arrays), _written(np.savez_compressed, arrays)], _state
        ),
        "safetensors": Reader(
            ".safetensors", [_saved("w.safetensors", arrays), _with_length(*_header(arrays))], _state, 0.15
        ),
        "npy": Reader(".npy", [_npy(arrays["weight"]), _npy(np.asfortranarray(arrays["weight"], ">f8"))], _entry, 0.05),
        "header": Reader(".json", [_header(arrays)[0]], _headed),
        "checkpoint.npz": Reader(".npz", checkpoints[:1], _restore, 0.04),
        "checkpoint.safetensors": Reader(".safetensors", checkpoints[1:], _restore, 0.04),
        "checkpoint": Reader(".json", [_checkpoint("npz")[1][TEXT].tobytes()], _restore_text, 0.04),
        "graph": Reader(".json", [compact], _draw, 0.02),
        "names": Reader(".txt", [b"conv1.weight", "gr\u00f6\u00dfe <b>&amp;\"'</b>".encode()], _name, 0.03),
        "pattern": Reader(".txt", [pattern], _build, 0.04),
        "idx": Reader("", [idx], ag.data.read_idx, 0.08),
        "idx.gz": Reader(".gz", [gzip.compress(idx, mtime=0)], ag.data.read_idx, 0.06),
        "cifar": Reader(".bin", [bytes(3073), bytes([9, *range(256)] * 12)[:3073] + bytes(3073)], _cifar, 0.03),
        "csv": Reader(".csv", [b"label,a,b,c,d\n0,1,2,3,255\n1,0,0,0,0\n0,1,1,1,1\n1,4,4,4,4\n"], _table, 0.03),
        "image": Reader(".img", _images(), _image, 0.04),
        "config": Reader(".json", [_CONFIG], _config, 0.03),
        "history": Reader(".json", [_HISTORY], _history, 0.03),
        "onnx": Reader(".onnx", models, _run, 0.11),
        "model": Reader(".json", [_as_text(model) for model in _models()], _run_text, 0.01),
    }


def _saved(name, arrays):
    with tempfile.TemporaryDirectory() as folder:
        ag.save(Path(folder, name), arrays)
        return Path(folder, name).read_bytes()


def _written(write, arrays):
    stream = io.BytesIO()
    write(stream, **arrays)
    return stream.getvalue()


def _npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _entry(path):
    """Read an array as part of an archive that is whole."""
    packed = path.with_suffix(".npz")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "weight.npy")
    _arrays(packed)


def _header(arrays):
    """Return the header of a file without a checksum, and the numbers behind it."""
    header, values = {}, b""
    for name, array in arrays.items():
        offsets = [len(values), len(values) + array.nbytes]
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": offsets}
        values += array.tobytes()
    return json.dumps(header).encode(), values


def _with_length(header, values):
    return len(header).to_bytes(8, "little") + header + values


def _headed(path):
    """Read a header as part of a file whose length fits it."""
    whole = path.with_suffix(".safetensors")
    whole.write_bytes(_with_length(path.read_bytes(), bytes(32)))
    _state(whole)


def _arrays(path):
    arrays = ag.load(path)
    assert all(array.dtype.kind in "biuf" and array.dtype.isnative for array in arrays.values())
    return arrays


def _state(path):
    """Load into a layer, whole or not at all."""
    state = _arrays(path)
    layer = nn.Linear(3, 2, rng=0)
    before = layer.state_dict()
    try:
        layer.load_state_dict(state)
    except ArgumentError:
        assert all(np.array_equal(array, before[name]) for name, array in layer.state_dict().items())
        raise


@functools.cache
def _checkpoint(suffix):
    """Return a checkpoint and the arrays in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"run.{suffix}")
        model, optimizer = _parts()
        model(np.ones((1, 3), np.float32)).sum().backward()
        optimizer.step()
        ag.save(path, model=model, optimizer=optimizer)
        return path.read_bytes(), ag.load(path)


def _parts():
    model = nn.Linear(3, 2, rng=0)
    return model, optim.Adam(model.parameters())


def _restore(path):
    """Restore a model and an optimiser, both or neither."""
    model, optimizer = _parts()
    before = repr((model.state_dict(), optimizer.state_dict()))
    try:
        ag.restore(path, model=model, optimizer=optimizer)
    except EXPECTED:
        assert repr((model.state_dict(), optimizer.state_dict())) == before
        raise


def _restore_text(path):
    """Restore from a text that stands in an archive that is whole."""
    whole = path.with_suffix(".npz")
    np.savez(whole, **_checkpoint("npz")[1] | {TEXT: np.frombuffer(path.read_bytes(), np.uint8)})
    _restore(whole)


def _cifar(path):
    for name in (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"):
        path.with_name(name).write_bytes(path.read_bytes() if name == "test_batch.bin" else bytes(3073))
    ag.data.cifar10(path.parent)


def _table(path):
    ag.data.from_csv(path)


def _images():
    """Return small images in the formats that are read."""
    pixels = Image.fromarray(np.arange(108, dtype=np.uint8).reshape(6, 6, 3))
    contents = []
    for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM", "WEBP"):
        stream = io.BytesIO()
        pixels.save(stream, kind)
        contents.append(stream.getvalue())
    return contents


def _image(path):
    image = ag.data.read_image(path, size=4)
    assert image.dtype == np.float32
    assert image.shape[1:] == (4, 4)


_CONFIG = json.dumps(
    {"data": "digits", "root": None, "model": "lenet5", "classes": ["a", "b"], "image_shape": [1, 8, 8], "size": None,
     "epochs": 3, "batch_size": 16, "lr": 0.1, "patience": None, "seed": 0, "backend": "jit", "version": "1"}
).encode()  # fmt: skip
_HISTORY = json.dumps(
    {"epoch": 1, "loss": 0.5, "accuracy": 0.5, "test_loss": 0.5, "test_accuracy": 0.5, "learning_rate": 0.1,
     "images_per_second": 9.0, "seconds": 1.0, "backend": "jit"}
).encode()  # fmt: skip


def _config(path):
    path.with_name("config.json").write_bytes(path.read_bytes())
    read_config(path.parent)


def _history(path):
    path.with_name("metrics.jsonl").write_bytes(path.read_bytes())
    read_history(path.parent)


def _name(path):
    """Name a tensor after what was read: the name is text in all that is drawn, whatever it looks like."""
    name = path.read_bytes().decode("utf-8", "replace") or "x"
    graph = _named(name)
    assert json.loads(graph.to_json())["nodes"][0]["name"] == name
    assert QUOTED.sub("", graph.to_dot().source) == QUOTED.sub("", _named("x").to_dot().source)
    if len(name) % 32 == 1:  # which take a hundred times as long
        ET.fromstring(graph.render(path.with_suffix(".svg")).read_bytes())  # noqa: S314  # our own
        assert _tags(graph, path) == _tags(_named("x"), path)


QUOTED = re.compile(r'"(?:\\.|[^"\\])*"', re.DOTALL)


def _named(name):
    x = ag.tensor([1.0, 2.0], requires_grad=True, name=name)
    return ag.graph.capture((x * x).sum())


class _Tags(HTMLParser):
    """The tags of a page."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, [name for name, _ in attrs]))


def _tags(graph, path):
    tags = _Tags()
    tags.feed(graph.to_html(path.with_suffix(".html")).read_text("utf-8"))
    return [found for found in tags.found if found[0] not in {"tspan", "text"}]  # of which long names take several


def _draw(path):
    """Draw what was read: it has to be a graph, not only to look like one."""
    graph = ag.graph.Graph.from_json(path.read_bytes())
    graph.to_dot(color="grad")
    graph.to_dot(depth=1)


def _build(path):
    nn.build(path.read_text("utf-8", "replace"), input_shape=(1, 8, 8), classes=3, channels=2, features=2)


def _models():
    def info(name, shape):
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    arrays = {
        "w": np.ones((2, 1, 3, 3), np.float32), "s": np.ones(2, np.float32), "n": np.array([0, -1]),
        "p": np.array([0, 0, 1, 0, 0, 0, 0, 1]), "l": np.array([2, 3]), "f": np.ones((3, 2), np.float32),
    }  # fmt: skip
    convolution = [
        helper.make_node("Pad", ["x", "p"], ["x0"]),
        helper.make_node("Conv", ["x0", "w"], ["a"], name="/conv/Conv", pads=[1, 1, 1, 1], strides=[1, 1]),
        helper.make_node("BatchNormalization", ["a", "s", "s", "v", "v"], ["b"]),
        helper.make_node("AveragePool", ["b"], ["c"], kernel_shape=[2, 2], auto_pad="SAME_UPPER"),
        helper.make_node("MaxPool", ["c"], ["d"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        helper.make_node("Reshape", ["d", "n"], ["e"]),
        helper.make_node("Softmax", ["e"], ["y"], axis=1),
    ]
    shapes = [
        helper.make_node("Shape", ["x"], ["a"]),
        helper.make_node("Gather", ["a", "l"], ["b"]),
        helper.make_node("Concat", ["b", "l"], ["c"], axis=0),
        helper.make_node("ConstantOfShape", ["l"], ["d"]),
        helper.make_node("Gemm", ["d", "f"], ["e"], alpha=0.5),
        helper.make_node("ReduceSum", ["e"], ["r"], keepdims=0),
        helper.make_node("Add", ["x", "r"], ["y"]),
    ]
    models = []
    for nodes in (convolution, shapes):
        used = {name for node in nodes for name in node.input}
        given = arrays | {"v": arrays["s"]}
        initializers = [numpy_helper.from_array(array, name) for name, array in given.items() if name in used]
        graph = helper.make_graph(nodes, "g", [info("x", ["N", 1, 4, 4])], [info("y", [])], initializers)
        opsets = [helper.make_opsetid("", 18)]
        models.append(helper.make_model(graph, opset_imports=opsets, ir_version=10))
    return models + [onnx.parser.parse_model(text) for text in (_SLIDING, _REPEATING, _FOREIGN)]


_SLIDING = """<ir_version: 10, opset_import: ["" : 21]>
g (float[N,1,4,4] x) => (float y)
  <int64[4] sizes = {1, 1, 3, 5}, float[1,1,2,2] w = {1.0, 2.0, 3.0, 4.0}, float scale = {0.5}, uint8 zero = {3},
   int64[2] flat = {1, -1}, int64[1] k = {2}, int64[2] times = {2, 1}, int64[2,2] places = {0, 1, 1, 0}, int64[3] wide = {2, 2, 2}>
{
  a = Resize<mode = "cubic">(x, , , sizes)
  b = ConvTranspose<strides = [2, 2], output_padding = [1, 1]>(a, w)
  c = QuantizeLinear(b, scale, zero)
  d = DequantizeLinear(c, scale, zero)
  e = MaxPool<kernel_shape = [2, 2], strides = [3, 3], dilations = [2, 1]>(d)
  f = Reshape(e, flat)
  h, i = TopK<axis = 1>(f, k)
  j = Tile(h, times)
  l = GatherElements<axis = 1>(j, places)
  o = Einsum<equation = "ij,kj->ik">(l, j)
  p = Expand(o, wide)
  y = ReduceLogSumExp<keepdims = 0>(p)
}
"""

_REPEATING = """<ir_version: 10, opset_import: ["" : 21, "own" : 1]>
g (float[N,1,4,4] x) => (float y)
  <int64 three = {3}, bool go = {1}, int64[1] one = {1}, int64[3] ws = {1, 8, 4}, int64[3] rs = {1, 8, 2}>
{
  rows = Squeeze(x, one)
  w = ConstantOfShape(ws)
  r = ConstantOfShape(rs)
  line, h, c = LSTM<hidden_size = 2>(rows, w, r)
  parts = SplitToSequence<axis = 0>(line, one)
  joined = ConcatFromSequence<axis = 0>(parts)
  first = own.half(h)
  state, all = Loop(three, go, first)<body = loop (int64 i, bool c0, float[a,b,d] s) => (bool c1, float[a,b,d] t, float[a,b,d] u)
    { c1 = Identity(c0) u = Mul(s, s) t = Add(u, first) }>
  summed, runs = Scan(h, all)<num_scan_inputs = 1, body = scan (float[a,b,d] s, float[a,b,d] v) => (float[a,b,d] t, float[a,b,d] u)
    { t = Add(s, v) u = Sigmoid(t) }>
  z = If(go)<then_branch = yes () => (float z1) { z1 = ReduceSum<keepdims = 0>(runs) },
    else_branch = no () => (float z2) { z2 = ReduceMax<keepdims = 0>(joined) }>
  y = Identity(z)
}
<domain: "own", opset_import: ["" : 21]>
half (a) => (b) { two = Constant<value = float {2.0}>() b = Div(a, two) }
"""


_FOREIGN = """<ir_version: 9, opset_import: ["" : 19, "com.microsoft" : 1, "ai.onnx.ml" : 3]>
g (float[N,1,4,4] x) => (float y)
  <float[1,4] regions = {0.0, 0.0, 3.0, 3.0}, int64[1] first = {0}, int64 length = {6}, int64[2] flat = {4, 4},
   int64[2] ws = {4, 12}, int64[1] bs = {12}, float[1,1,2,2] taps = {1.0, 2.0, 3.0, 4.0}, int64[4] os = {1, 8, 3, 3}>
{
  w = ConstantOfShape(ws)
  b = ConstantOfShape(bs)
  bent = ConstantOfShape(os)
  r = RoiAlign<output_height = 2, output_width = 3>(x, regions, first)
  d = DeformConv<kernel_shape = [2, 2]>(x, taps, bent)
  s = DFT<axis = 2>(x, length)
  n = RandomNormalLike(r)
  rows = Reshape(x, flat)
  batch = Unsqueeze(rows, first)
  a, past = com.microsoft.Attention<num_heads = 2>(batch, w, b)
  m = com.microsoft.FusedMatMul<transB = 1>(rows, rows)
  t = ai.onnx.ml.TreeEnsembleRegressor<n_targets = 1, nodes_treeids = [0, 0, 0], nodes_nodeids = [0, 1, 2],
    nodes_featureids = [1, 0, 0], nodes_values = [0.5, 0.0, 0.0], nodes_modes = ["BRANCH_LEQ", "LEAF", "LEAF"],
    nodes_truenodeids = [1, 0, 0], nodes_falsenodeids = [2, 0, 0], target_treeids = [0, 0], target_nodeids = [1, 2],
    target_ids = [0, 0], target_weights = [1.0, 2.0]>(rows)
  k = ai.onnx.ml.Scaler<offset = [0.5], scale = [2.0]>(t)
  e = ReduceSum<keepdims = 0>(r)
  f = ReduceSum<keepdims = 0>(s)
  h = ReduceSum<keepdims = 0>(n)
  i = ReduceSum<keepdims = 0>(a)
  j = ReduceSum<keepdims = 0>(m)
  l = ReduceSum<keepdims = 0>(k)
  o = ReduceSum<keepdims = 0>(d)
  y = Sum(e, f, h, i, j, l, o)
}
"""


def _run(path):
    network = ag.interop.load_onnx(path)
    with np.errstate(all="ignore"):
        network(*[np.ones((1, 1, 4, 4), np.float32) for _ in network.inputs])


def _as_text(model):
    return json_format.MessageToJson(model, indent=None).encode()


def _run_text(path):
    """Read a model from its text, where a fault is a number, a name or a node and not a damaged file."""
    try:
        model = json_format.Parse(path.read_bytes(), onnx.ModelProto())
        content = model.SerializeToString()
    except Exception as error:
        raise FormatError("no model") from error
    whole = path.with_suffix(".onnx")
    whole.write_bytes(content)
    _run(whole)


def attempt(reader, content, path):
    """Read the content; raise whatever no user should see."""
    path.write_bytes(content)
    with contextlib.suppress(*EXPECTED):
        reader.read(path)


def check_good(reader, folder):
    """See to it that the files are good before they are damaged."""
    for content in reader.good:
        path = folder / f"good{reader.suffix}"
        path.write_bytes(content)
        reader.read(path)


def _try_batch(name, reader, folder, seed, count):
    """Read damaged files in this process, which may end by it; each is in the folder while it is read."""
    import resource  # noqa: PLC0415  # POSIX has it

    faulthandler.dump_traceback_later(STUCK, exit=True)
    used = int(Path("/proc/self/statm").read_text("ascii").split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (used + ROOM,) * 2)  # addresses alone are no memory
    rng = np.random.default_rng(seed)
    for number in range(count):
        content = damage(reader, rng)
        counted = number % 8 == 0  # which takes several times as long
        start, problem, peak = time.process_time(), "", 0
        if counted:
            tracemalloc.start()
        try:
            attempt(reader, content, folder / f"x{reader.suffix}")
        except Exception:  # noqa: BLE001  # that is what is looked for
            problem = traceback.format_exc()
        if counted:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        took = time.process_time() - start
        if took > SLOW or peak > MEMORY:
            problem += f"{took:.1f} s, {peak >> 20} MiB"
        if problem:
            _keep(name, content, problem, reader)
        faulthandler.cancel_dump_traceback_later()
        faulthandler.dump_traceback_later(STUCK, exit=True)
    faulthandler.cancel_dump_traceback_later()


KEPT = Path("build/fuzz")


def _keep(name, content, problem, reader):
    KEPT.mkdir(parents=True, exist_ok=True)
    file = KEPT / f"{time.time_ns()}{reader.suffix}"
    file.write_bytes(content)
    print(f"{name}: {file}\n{problem}", flush=True)  # noqa: T201


def main(total, *names):
    """Try so many files, of some readers or all; print what is found and keep the files."""
    chosen = {name: reader for name, reader in readers().items() if name in names or not names}
    shares = sum(reader.share for reader in chosen.values())
    left = {name: round(total * reader.share / shares) for name, reader in chosen.items()}
    tried = dict.fromkeys(left, 0)
    with tempfile.TemporaryDirectory() as folder:
        for reader in chosen.values():
            check_good(reader, Path(folder))
        while any(left.values()):
            for name, reader in chosen.items():
                count = min(BATCH, left[name])
                if not (process := os.fork()):
                    _try_batch(name, reader, Path(folder), time.time_ns(), count)
                    sys.stdout.flush()
                    os._exit(0)
                if code := os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]):
                    file = Path(folder, f"x{reader.suffix}")
                    _keep(name, file.read_bytes(), f"the process ended with {code}", reader)
                left[name] -= count
                tried[name] += count
            print(f"{sum(tried.values()):,}: {tried}", flush=True)  # noqa: T201
    return KEPT.exists() and any(KEPT.iterdir())


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main(int(sys.argv[1]), *sys.argv[2:]))
