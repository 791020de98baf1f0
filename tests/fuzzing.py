"""Damaged files for everything that reads files, the same for the same seed.

``python tests/fuzzing.py 60`` goes on for a minute, with seeds that no run has had before, and says
what it finds. Half a dozen kinds of damage are dealt to small files that are good, several in a row.
"""

import contextlib
import copy
import gzip
import io
import json
import sys
import tempfile
import time
import traceback
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from google.protobuf import json_format
from onnx import helper, numpy_helper

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError, FormatError, OperandError, ShapeError

EXPECTED = (FormatError, ArgumentError, ShapeError, OperandError, OSError)
MEMORY = 300 << 20
SLOW = 10.0
"""Seconds for a file of a few hundred bytes."""

TOKENS = (
    b"0", b"-1", b"9" * 20, b"9" * 5000, b"1e999", b"NaN", b"null", b"true", b"[]", b"{}", b'""', b"[" * 200, b"(", b"'",
    b"<f4", b"|O", b"<M8[s]", b"<c8", b"()", b"4611686018427387904", b"\\ud800", b"\xff\xfe", b"\0", b"*", b"->", b"?",
    b"CONV", b"POOL", b"FC", b"[CONV]*9", b'"F32"', b'"BF16"', b"__metadata__", b",", b":", b" ", b"\n",
)  # fmt: skip

NUMBERS = (0, 1, 2, 127, 128, 255, 256, 1000, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**64 - 1)


class Reader(NamedTuple):
    """Files that are good, and what reads them from a path."""

    suffix: str
    good: list[bytes]
    read: Callable[[Path], object]


def damage(reader, rng):
    """Return a file with one to three faults; every other one of JSON has them in its values."""
    content = reader.good[rng.integers(len(reader.good))]
    return _altered(content, rng) if reader.suffix == ".json" and rng.integers(2) else _spoilt(content, rng)


def _altered(content, rng):
    """Return JSON of which one to three values are gone, there twice, or those of another place."""
    fields = json.loads(content)
    for _ in range(rng.integers(1, 4)):
        places = [(holder, key) for holder in _holders(fields) for key in _keys(holder)]
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
    return {
        "npz": Reader(
            ".npz", [_saved("w.npz", arrays), _written(np.savez, arrays), _written(np.savez_compressed, arrays)], _state
        ),
        "safetensors": Reader(
            ".safetensors", [_saved("w.safetensors", arrays), _with_length(*_header(arrays))], _state
        ),
        "npy": Reader(".npy", [_npy(arrays["weight"]), _npy(np.asfortranarray(arrays["weight"], ">f8"))], _entry),
        "header": Reader(".json", [_header(arrays)[0]], _headed),
        "graph": Reader(".json", [compact], _draw),
        "pattern": Reader(".txt", [pattern], _build),
        "idx": Reader("", [idx], ag.data.read_idx),
        "onnx": Reader(".onnx", [model.SerializeToString() for model in _models()], _run),
        "model": Reader(".json", [_as_text(model) for model in _models()], _run_text),
        "idx.gz": Reader(".gz", [gzip.compress(idx, mtime=0)], ag.data.read_idx),
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
    return models + [onnx.parser.parse_model(text) for text in (_SLIDING, _REPEATING)]


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


def main(seconds):
    """Go on for so long; print what is found and keep the files."""
    rng = np.random.default_rng()
    all_readers, end, tried = readers(), time.monotonic() + seconds, dict.fromkeys(readers(), 0)
    kept = Path("build/fuzz")
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for reader in all_readers.values():
            check_good(reader, Path(folder))
        while time.monotonic() < end:
            for name, reader in all_readers.items():
                content = damage(reader, rng)
                start, problem = time.monotonic(), ""
                tracemalloc.start()
                try:
                    attempt(reader, content, Path(folder, f"x{reader.suffix}"))
                except Exception:  # noqa: BLE001  # that is what is looked for
                    problem = traceback.format_exc()
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
                took = time.monotonic() - start
                if took > SLOW or peak > MEMORY:
                    problem += f"{took:.1f} s, {peak >> 20} MiB"
                tried[name] += 1
                if problem:
                    file = kept / f"{time.time_ns()}{reader.suffix}"
                    file.write_bytes(content)
                    print(f"{name}: {file}\n{problem}")  # noqa: T201
    print(", ".join(f"{name}: {count}" for name, count in tried.items()))  # noqa: T201
    return any(kept.iterdir())


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main(float(sys.argv[1])))
