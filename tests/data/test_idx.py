import gzip
import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from peak import memory

from autograd_cnn import unpacking
from autograd_cnn.data import fashion_mnist, mnist, read_idx
from autograd_cnn.errors import FormatError

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
LABELS = np.array([3, 1, 4, 1, 9], np.uint8)


def _idx(shape, values=b"", code=8):
    return struct.pack(f">HBB{len(shape)}I", 0, code, len(shape), *shape) + values


def _write_set(folder, suffix="", **replaced):
    parts = {
        "train-images-idx3-ubyte": _idx(PIXELS.shape, PIXELS.tobytes()),
        "train-labels-idx1-ubyte": _idx(LABELS.shape, LABELS.tobytes()),
        "t10k-images-idx3-ubyte": _idx((2, 28, 28), PIXELS[3:].tobytes()),
        "t10k-labels-idx1-ubyte": _idx((2,), LABELS[3:].tobytes()),
    }
    for name, content in {**parts, **replaced}.items():
        (folder / f"{name}{suffix}").write_bytes(gzip.compress(content) if suffix else content)


@pytest.mark.parametrize("read", [mnist, fashion_mnist])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_reads_plain_and_compressed(tmp_path, read, suffix):
    _write_set(tmp_path, suffix)
    train, test = read(tmp_path)
    assert train.images.shape == (5, 1, 28, 28)
    assert np.array_equal(train.images[:, 0], PIXELS / np.float32(255))
    assert train.labels.tolist() == [3, 1, 4, 1, 9]
    assert np.array_equal(test.images, train.images[3:])
    assert test.labels.tolist() == [1, 9]


@pytest.mark.parametrize(
    ("code", "dtype"), [(8, "u1"), (9, "i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")]
)
def test_every_type_of_the_format(tmp_path, code, dtype):
    values = np.arange(6).reshape(2, 3).astype(dtype)
    (tmp_path / "x.idx").write_bytes(_idx((2, 3), values.tobytes(), code))
    found = read_idx(tmp_path / "x.idx")
    assert np.array_equal(found, values)
    assert found.dtype.isnative


def test_a_missing_file_says_what_to_fetch(tmp_path):
    with pytest.raises(FileNotFoundError) as err:
        mnist(tmp_path)
    assert str(err.value) == (
        f"mnist: file not found: expected train-images-idx3-ubyte or train-images-idx3-ubyte.gz in {tmp_path}, "
        "got neither; download=True or --download fetches it; "
        "or put the four files of https://ossci-datasets.s3.amazonaws.com/mnist there"
    )
    _write_set(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError) as err:
        fashion_mnist(tmp_path)
    assert str(err.value) == (
        f"fashion_mnist: file not found: expected t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz in {tmp_path}, "
        "got neither; download=True or --download fetches it; "
        "or put the four files of https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion there"
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not an IDX file: expected two zeros, a type and 1 to 8 axes, got b''"),
        (b"PK\3\4....", "not an IDX file: expected two zeros, a type and 1 to 8 axes, got b'PK\\x03\\x04'"),
        (b"\0\0\7\1", "not an IDX file: expected two zeros, a type and 1 to 8 axes, got b'\\x00\\x00\\x07\\x01'"),
        (b"\0\0\x08\0", "not an IDX file: expected two zeros, a type and 1 to 8 axes, got b'\\x00\\x00\\x08\\x00'"),
        (b"\0\0\x08\xff", "not an IDX file: expected two zeros, a type and 1 to 8 axes, got b'\\x00\\x00\\x08\\xff'"),
        (b"\0\0\x08\3\0\0\0\1\0", "cut off: expected the lengths of 3 axes, got 5 bytes"),
        (_idx((4, 0)), "holds nothing: expected lengths of at least 1, got (4, 0)"),
        (_idx((2, 3), b"12345"), "cut off: expected 6 bytes for shape (2, 3), got 5"),
        (_idx((2, 3), b"1234567"), "wrong length: expected 6 bytes for shape (2, 3), got more"),
        (
            _idx((2**32 - 1,) * 3, b"12345"),
            f"cut off: expected {(2**32 - 1) ** 3} bytes for shape {(2**32 - 1,) * 3}, got at most 21",
        ),
    ],
    ids=["empty", "zip", "type", "no-axes", "255-axes", "short-header", "nothing", "short", "long", "enormous"],
)
def test_hostile_files(tmp_path, content, problem):
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(FormatError) as err:
        read_idx(path)
    assert str(err.value) == f"{path}: {problem}"


@pytest.mark.parametrize(
    "content", [b"", b"not gzip at all", gzip.compress(b"\0\0\x08\1")[:-9]], ids=["empty", "text", "cut"]
)
def test_damaged_gzip(tmp_path, content):
    path = tmp_path / "x.gz"
    path.write_bytes(content)
    with pytest.raises(FormatError) as err:
        read_idx(path)
    wanted = "not an IDX file: expected two zeros, a type and 1 to 8 axes, got b''" if not content else None
    assert str(err.value) == f"{path}: {wanted or 'damaged gzip file; fetch it again'}"


def test_a_header_alone_allocates_nothing(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(_idx((60000, 28, 28))))
    with pytest.raises(FormatError), memory(10**6):
        read_idx(path)


@pytest.mark.slow
def test_zeros_unpack_up_to_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "ROOM", 32 << 20)
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(_idx((32 << 20,), bytes(32 << 20))))
    with memory(36 << 20):
        assert not read_idx(path).any()
    path.write_bytes(gzip.compress(_idx(((32 << 20) + 1,), bytes((32 << 20) + 1))))
    with pytest.raises(FormatError) as err, memory(10**6):
        read_idx(path)
    assert str(err.value) == (
        f"{path}: unpacks to suspiciously many bytes: expected at most {32 << 20} bytes from a file of "
        f"{path.stat().st_size}, got {(32 << 20) + 1}; unpack it yourself if you trust it"
    )


def test_what_follows_the_array_in_a_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(_idx((1,), bytes(64 << 20))))
    with pytest.raises(FormatError) as err, memory(10**6):
        read_idx(path)
    assert str(err.value) == f"{path}: wrong length: expected 1 bytes for shape (1,), got more"


def test_every_other_byte_of_a_compressed_file_is_noticed_or_harmless(tmp_path):
    path, values = tmp_path / "x.gz", np.arange(6, dtype=np.uint8).reshape(2, 3)
    good = gzip.compress(_idx(values.shape, values.tobytes()))
    for place in range(len(good)):
        for flips in (1, 2, 4, 8, 16, 32, 64, 128, 255):
            damaged = bytearray(good)
            damaged[place] ^= flips
            path.write_bytes(damaged)
            with suppress(FormatError):
                assert np.array_equal(read_idx(path), values), place


@pytest.mark.parametrize("suffix", ["", ".gz"])
@given(content=st.binary(max_size=40), headed=st.booleans())
def test_any_bytes_give_an_array_or_a_format_error(tmp_path_factory, suffix, content, headed):
    path = tmp_path_factory.mktemp("idx") / f"x{suffix}"
    content = b"\0\0\x08\1\0\0\0" + content if headed else content
    path.write_bytes(gzip.compress(content) if suffix and headed else content)
    try:
        values = read_idx(path)
    except FormatError:
        return
    assert values.nbytes == len(content) - 4 - 4 * values.ndim


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        (
            "train-images-idx3-ubyte",
            _idx((5, 32, 32), bytes(5 * 32 * 32)),
            "not of this data set: expected images (N, 28, 28) of uint8, got (5, 32, 32) of uint8",
        ),
        (
            "train-labels-idx1-ubyte",
            _idx((5,), bytes(20), 0x0C),
            "not of this data set: expected labels (N,) of uint8, got (5,) of int32",
        ),
        ("train-labels-idx1-ubyte", _idx((4,), bytes(4)), "labels do not fit the images: expected 5, got 4"),
        ("train-labels-idx1-ubyte", _idx((5,), b"\0\1\2\3\x0a"), "label out of range: expected 0 to 9, got 10"),
    ],
    ids=["shape", "type", "length", "label"],
)
def test_files_that_do_not_belong_here(tmp_path, name, content, problem):
    _write_set(tmp_path, **{name: content})
    with pytest.raises(FormatError) as err:
        mnist(tmp_path)
    assert str(err.value) == f"{tmp_path / name}: {problem}"
