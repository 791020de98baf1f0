"""ONNX files as an attacker would write them: fields that lie, and what only a file of this format can ask for.

`mutated` changes a model where it has fields, not bytes, so that what it says goes through the reader as far as it can:
numbers become extreme, names and parts take each other's places, parts come many times or not at all. Every other model
gets one of `ATTACKS` first, each of which a reader has to refuse, or to answer in bounded time and memory.
"""

import copy

import numpy as np
from onnx import TensorProto, helper, numpy_helper

INTEGERS = (0, 1, -1, 2, 3, 127, 255, 1000, 2**15, 2**16, 2**24, 2**31 - 1, -(2**31), 2**40, 2**62, 2**63 - 1, -(2**63))
FLOATS = (0.0, -0.0, 1.0, -1.0, 1e-45, 3e38, float("inf"), float("-inf"), float("nan"))
PLACES = (
    "../outside.bin", "/etc/passwd", "/dev/zero", "/dev/stdin", ".", "..", "", "x.onnx", "missing", "a/../../b",
    "\0", "~/x", "file:///etc/passwd", "C:\\x", "x" * 5000, "\ud800".encode("utf-8", "surrogatepass"),
)  # fmt: skip
LARGEST = 1 << 20
"""Bytes of a file; what grows by itself is stopped."""
MOST = 1000
"""Fields that a fault may be in."""


def mutated(content, model, rng):
    """Return the bytes of a model with one to four faults; ``content`` are those of the model as it was."""
    model = copy.deepcopy(model)
    if rng.integers(2):
        rng.choice([*ATTACKS], p=[*ATTACKS.values()])(model, rng)
    for _ in range(rng.integers(0, 4)):
        _spoil(model, rng)
    try:
        spoilt = model.SerializeToString()
    except ValueError:  # a text that is none
        return content
    return spoilt if len(spoilt) <= LARGEST else content


def _fields(model):
    """Return fields that are set, with the messages that have them; of a large model the first."""
    found, left = [], [model]
    while left and len(found) < MOST:
        message = left.pop()
        for field, value in message.ListFields():
            found.append((message, field))
            if field.type == field.TYPE_MESSAGE:
                left.extend(value[:MOST] if field.is_repeated else [value])
    return found


def _spoil(model, rng):
    fields = _fields(model)
    message, field = fields[rng.integers(len(fields))]
    if field.is_repeated:
        _spoil_many(getattr(message, field.name), field, fields, rng)
    elif field.type == field.TYPE_MESSAGE:
        if rng.integers(3) == 0:
            message.ClearField(field.name)
        else:
            getattr(message, field.name).CopyFrom(_another(field, fields, rng))
    elif rng.integers(6) == 0:
        message.ClearField(field.name)
    else:
        _set(message, field, _value(field, fields, rng))


def _set(message, field, value):
    try:
        setattr(message, field.name, value)
    except (ValueError, TypeError):  # out of the field's range
        message.ClearField(field.name)


def _spoil_many(values, field, fields, rng):
    place, other = (int(rng.integers(len(values))) for _ in "12")
    match rng.integers(5):
        case 0:
            del values[place]
        case 1:
            held = [copy.deepcopy(values[other])] * int(rng.choice([1, 2, 60]))
            values.extend(held)
        case 2:
            held = [copy.deepcopy(each) for each in values]
            held[place], held[other] = held[other], held[place]
            del values[:]
            values.extend(held)
        case _ if field.type == field.TYPE_MESSAGE:
            values[place].CopyFrom(_another(field, fields, rng))
        case _:
            try:
                values[place] = _value(field, fields, rng)
            except (ValueError, TypeError):
                del values[place]


def _another(field, fields, rng):
    """Return a copy of a part of the same kind, from anywhere."""
    found = [
        each
        for message, other in fields
        if other.message_type is field.message_type and other.type == other.TYPE_MESSAGE
        for each in (getattr(message, other.name) if other.is_repeated else [getattr(message, other.name)])
    ]
    return copy.deepcopy(found[rng.integers(len(found))])


def _value(field, fields, rng):
    """Return a number that is extreme, or a text from elsewhere, as new names are seldom interesting."""
    if field.cpp_type in {field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE}:
        return FLOATS[rng.integers(len(FLOATS))]
    if field.cpp_type != field.CPPTYPE_STRING:
        return INTEGERS[rng.integers(len(INTEGERS))]
    texts = [
        each
        for message, other in fields
        if other.type == field.type
        for each in (getattr(message, other.name) if other.is_repeated else [getattr(message, other.name)])
    ]
    return texts[rng.integers(len(texts))]


# --- attacks ----------------------------------------------------------------------------------


def _size(rng, most):
    """Return how often something comes: mostly a few times, since what is large takes long to write."""
    return int(rng.choice([3, 30, most // 10, most], p=[0.6, 0.39, 0.008, 0.002]))


def _integers(model, rng, count):
    """Add an initializer of integers, a few of them large, and return its name."""
    values = rng.choice(np.array([1, 2, 3, 1000, 2**31, 10**9, 2**40, 2**62, -1, 0]), count)
    name = f"huge{len(model.graph.initializer)}"
    model.graph.initializer.append(numpy_helper.from_array(values.astype(np.int64), name))
    return name


def _before(model, kind, *inputs, **attributes):
    """Put a node in front that makes what the first node takes."""
    target = next((node for node in model.graph.node if node.input), None)
    if target is not None:
        node = helper.make_node(kind, inputs, ["hostile"], **attributes)
        model.graph.node.insert(0, node)
        target.input[0] = "hostile"


def _billions(model, rng):
    """Ask for an array of billions of elements, computed from next to nothing."""
    kind = ("ConstantOfShape", "Expand", "Tile", "Reshape", "Pad", "Resize", "Range", "OneHot", "Slice", "TopK")
    match kind[rng.integers(len(kind))]:
        case "ConstantOfShape":
            _before(model, "ConstantOfShape", _integers(model, rng, int(rng.integers(1, 5))))
        case "Pad":
            _before(model, "Pad", "x", _integers(model, rng, 8))
        case "Resize":
            _before(model, "Resize", "x", "", "", _integers(model, rng, 4))
        case "Range":
            _before(model, "Range", *[_scalar(model, rng) for _ in range(3)])
        case "OneHot":
            _before(model, "OneHot", _integers(model, rng, 4), _scalar(model, rng), _integers(model, rng, 2))
        case "Slice":
            _before(model, "Slice", "x", *[_integers(model, rng, 2) for _ in range(4)])
        case "TopK":
            _before(model, "TopK", "x", _integers(model, rng, 1))
        case other:
            _before(model, other, "x", _integers(model, rng, 4))


def _scalar(model, rng):
    name = _integers(model, rng, 1)
    del model.graph.initializer[-1].dims[:]
    return name


def _doubling(model, rng):
    """Join a value with itself, again and again: 2**n elements from n nodes."""
    _chain(model, rng, lambda before, after: helper.make_node("Concat", [before, before], [after], axis=0))


def _paths(model, rng):
    """Add a value to itself, again and again: 2**n paths through n nodes."""
    _chain(model, rng, lambda before, after: helper.make_node("Add", [before, before], [after]))


def _chain(model, rng, link):
    count = _size(rng, 4000)
    nodes = [link("x" if i == 0 else f"c{i}", f"c{i + 1}") for i in range(count)]
    own = [copy.deepcopy(node) for node in model.graph.node]
    if own and own[0].input:
        own[0].input[0] = f"c{count}"
    del model.graph.node[:]
    model.graph.node.extend(nodes + own)


def _cycle(model, rng):
    """Let a node take what a later one, or itself, makes."""
    nodes = [node for node in model.graph.node if node.input and node.output]
    if nodes:
        taker, maker = (nodes[rng.integers(len(nodes))] for _ in "12")
        taker.input[rng.integers(len(taker.input))] = maker.output[0]


def _nested(model, rng):
    """Put the graph into a branch, and that graph into a branch, and so on: deep, and at first doubled each time."""
    go = numpy_helper.from_array(np.ones((), bool), "deep")
    names = [each.name for each in model.graph.output]
    short = helper.make_graph([helper.make_node("Relu", ["x"], [name]) for name in names], "short", [], [])
    short.output.extend(model.graph.output)
    for _ in range(_size(rng, 30)):  # deeper, protobuf itself refuses it
        body = copy.deepcopy(model.graph)
        del body.input[:]
        other = body if body.ByteSize() < 1 << 14 else short
        node = helper.make_node("If", ["deep"], names, then_branch=body, else_branch=other)
        del model.graph.node[:], model.graph.initializer[:]
        model.graph.node.append(node)
        model.graph.initializer.append(go)


def _functions(model, rng):
    """Define functions by each other: too deep, too many calls, or in a circle."""
    depth, calls = _size(rng, 3000), int(rng.choice([1, 2, 3]))
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("h", 1)]
    circle = bool(rng.integers(2))
    for i in range(depth):
        following = f"f{(i + 1) % depth}" if circle or i + 1 < depth else ""
        kind, domain = (following, "h") if following else ("Neg", "")
        nodes = [
            helper.make_node(kind, ["a" if k == 0 else f"b{k}"], [f"b{k + 1}" if k + 1 < calls else "b"], domain=domain)
            for k in range(calls)
        ]
        model.functions.append(helper.make_function("h", f"f{i}", ["a"], ["b"], nodes, opsets))
    if not any(each.domain == "h" for each in model.opset_import):
        model.opset_import.append(helper.make_opsetid("h", 1))
    _before(model, "f0", "x", domain="h")


def _outside(model, rng):
    """Say that numbers are in another file: of another folder, a device, the file itself, or at no place in it."""
    if not model.graph.initializer:
        return
    tensor = model.graph.initializer[rng.integers(len(model.graph.initializer))]
    for name in ("raw_data", "float_data", "int64_data"):
        tensor.ClearField(name)
    tensor.data_location = TensorProto.EXTERNAL
    said = {"location": PLACES[rng.integers(len(PLACES))]}
    for key in ("offset", "length"):
        if rng.integers(2):
            said[key] = str(rng.choice(np.array([*INTEGERS, "x", "", "1e3"], object)))
    for key, value in said.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value if isinstance(value, str) else "\udcff".encode("utf-8", "replace").decode()


def _lying(model, rng):
    """Let a tensor claim a shape that its numbers do not have."""
    if model.graph.initializer:
        tensor = model.graph.initializer[rng.integers(len(model.graph.initializer))]
        del tensor.dims[:]
        tensor.dims.extend(int(n) for n in rng.choice(np.array(INTEGERS), rng.integers(0, 40)))
        if rng.integers(2):
            tensor.data_type = int(rng.integers(0, 30))


def _endless(model, rng):
    """Go round a loop for ever."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Concat", ["s", "s"], ["t"], axis=0)],
        "body",
        [helper.make_tensor_value_info(n, k, d) for n, k, d in
         (("i", TensorProto.INT64, []), ("go", TensorProto.BOOL, []), ("s", TensorProto.FLOAT, None))],
        [helper.make_tensor_value_info(n, k, d) for n, k, d in
         (("on", TensorProto.BOOL, []), ("t", TensorProto.FLOAT, None))],
    )  # fmt: skip
    if rng.integers(2):
        body.node[1].CopyFrom(helper.make_node("Neg", ["s"], ["t"]))
    model.graph.initializer.append(numpy_helper.from_array(np.ones((), bool), "always"))
    _before(model, "Loop", _scalar(model, rng) if rng.integers(2) else "", "always", "x", body=body)


def _many(model, rng):
    """Have a great many of something."""
    count = _size(rng, 3000)
    match rng.integers(4):
        case 0:
            model.opset_import.extend([helper.make_opsetid(f"d{i}", 1) for i in range(count)])
        case 1:
            model.graph.input.extend(
                [helper.make_tensor_value_info(f"in{i}", TensorProto.FLOAT, [1] * 4) for i in range(count)]
            )
        case 2:
            model.graph.initializer.extend([numpy_helper.from_array(np.ones(1), f"w{i}") for i in range(count)])
        case _:
            _before(model, "Sum", *["x"] * count)


ATTACKS = {
    _billions: 0.209, _cycle: 0.15, _outside: 0.15, _lying: 0.2, _nested: 0.1, _functions: 0.1, _doubling: 0.04,
    _paths: 0.04, _many: 0.01, _endless: 0.001,
}  # fmt: skip
"""And how often each is chosen: what takes long, seldom."""
