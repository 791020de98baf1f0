"""External data of tensors, in files that must be in the model's folder."""

from pathlib import Path
from typing import Any

import numpy as np

from autograd_cnn.errors import FormatError
from autograd_cnn.onnx.proto import Proto, graphs_of


def read_external(onnx: Any, model: Proto, folder: Path, room: int) -> int:
    """Read external data into the model; return its size in bytes.

    Raises
    ------
    FormatError
        If a file is not in the folder, lacks the data, or there are more than ``room`` bytes.
    """
    total = 0
    for graph in graphs_of(onnx, model):
        attributes = [attribute.t for node in graph.node for attribute in node.attribute]
        for tensor in (*graph.initializer, *attributes):
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                try:
                    tensor.raw_data = _content(onnx, tensor, folder, room - total)
                except FormatError as error:
                    raise FormatError(f"tensor {tensor.name!r}", str(error)) from error
                total += len(tensor.raw_data)
                tensor.ClearField("data_location")
                tensor.ClearField("external_data")
    return total


def _content(onnx: Any, tensor: Proto, folder: Path, room: int) -> bytes:
    said = {each.key: each.value for each in tensor.external_data}
    try:
        path = (folder / said["location"]).resolve()
        inside = path.is_relative_to(folder.resolve()) and path.is_file()
        offset, length = int(said.get("offset", "0")), int(said.get("length", "-1"))
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type))
    except (KeyError, ValueError, OSError, TypeError) as error:
        raise FormatError("where its numbers are is not said clearly") from error
    if not inside:
        expected = "one in the folder of the model"
        raise FormatError("its numbers are in another file", expected=expected, got=repr(said["location"]))
    needed = dtype.itemsize
    for n in tensor.dims:
        needed *= n
    if min(tensor.dims, default=1) < 0 or length not in {-1, needed}:
        raise FormatError("its numbers do not fit its shape", expected=f"{needed} bytes", got=length)
    if not 0 <= offset <= path.stat().st_size - needed:
        raise FormatError(
            "the other file ends before its numbers do", expected=f"{needed} bytes from byte {offset} on",
            got=path.stat().st_size
        )  # fmt: skip
    if needed > room:
        raise FormatError("the numbers are too many", expected=f"at most {room} bytes", got=needed)
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(needed)
