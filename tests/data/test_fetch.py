"""Files from a server on this machine; nothing here leaves it."""

import gzip
import hashlib
import http.server
import socket
import struct
import threading

import numpy as np
import pytest
from tables import for_each

from autograd_cnn import data
from autograd_cnn.data import fetch, idx
from autograd_cnn.errors import ArgumentError, FormatError
from autograd_cnn.files import lock

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        content = server.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        start = int(self.headers.get("Range", "bytes=0-")[6:-1]) if server.resumes else 0
        server.asked.append((self.path, self.headers.get("Range")))
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", len(content) - start)
        self.end_headers()
        self.wfile.write(content[start : start + server.breaks_after])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files, server.asked, server.resumes, server.breaks_after = {"/x.bin": CONTENT}, [], True, 1 << 30
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_file_comes_whole_and_once(server, tmp_path, capfd):
    path = tmp_path / "new" / "x.bin"
    for _ in range(2):
        assert fetch(f"{server.url}/x.bin", path, sha256=SHA256) == path
    assert path.read_bytes() == CONTENT
    assert server.asked == [("/x.bin", None)]
    assert [each.name for each in path.parent.iterdir()] == ["x.bin"]
    assert capfd.readouterr() == ("", "")  # nobody watches


@pytest.mark.parametrize("resumes", [True, False])
def test_it_goes_on_where_it_broke_off(server, tmp_path, resumes):
    server.resumes, server.breaks_after = resumes, 100_000
    path, url = tmp_path / "x.bin", f"{server.url}/x.bin"
    with pytest.raises(ConnectionError) as error:
        fetch(url, path, sha256=SHA256)
    assert str(error.value) == (
        f"fetch: {url} could not be downloaded: the connection ended 200,000 bytes too early; "
        f"call again to go on, or get it elsewhere and put it at {path}"
    )
    assert [each.name for each in tmp_path.iterdir()] == ["x.bin.part"]
    server.breaks_after = 1 << 30
    assert fetch(url, path, sha256=SHA256).read_bytes() == CONTENT
    assert server.asked[1] == ("/x.bin", "bytes=100000-")
    assert [each.name for each in tmp_path.iterdir()] == ["x.bin"]


def test_what_was_whole_but_had_no_name_yet(server, tmp_path):
    (tmp_path / "x.bin.part").write_bytes(CONTENT)
    assert fetch(f"{server.url}/x.bin", tmp_path / "x.bin", sha256=SHA256).read_bytes() == CONTENT


def test_another_file_than_expected(server, tmp_path):
    path, other = tmp_path / "x.bin", "0" * 64
    with pytest.raises(FormatError) as error:
        fetch(f"{server.url}/x.bin", path, sha256=other)
    said = f"{path}: another file than expected: expected sha256 {other}, got {SHA256}"
    assert str(error.value) == f"{said}; call again to fetch it again"
    assert not path.exists()
    path.write_bytes(CONTENT)
    with pytest.raises(FormatError) as error:
        fetch(f"{server.url}/x.bin", path, sha256=other)
    assert str(error.value) == f"{said}; move it away to fetch it"
    assert path.read_bytes() == CONTENT


def test_without_a_network_it_says_what_to_do(server, tmp_path):
    with socket.socket() as closed:  # a port at which nobody listens
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/x.bin"
        for url, reason in ((nobody, "[Errno 111] Connection refused"), (f"{server.url}/y.bin", "Not Found")):
            with pytest.raises(ConnectionError) as error:
                fetch(url, tmp_path / "x.bin", sha256=SHA256)
            assert str(error.value) == (
                f"fetch: {url} could not be downloaded: {reason}; "
                f"call again to go on, or get it elsewhere and put it at {tmp_path / 'x.bin'}"
            )
    assert not (tmp_path / "x.bin").exists()


def test_only_one_fetches_at_a_time(server, tmp_path):
    with (tmp_path / "x.bin.part").open("wb") as file:
        assert lock(file)
        with pytest.raises(ConnectionError) as error:
            fetch(f"{server.url}/x.bin", tmp_path / "x.bin", sha256=SHA256)
    assert str(error.value) == f"{tmp_path / 'x.bin'} is being fetched by another process; wait for it"


@for_each(
    "url, sha256, text",
    [
        ("file:///etc/passwd", SHA256, "fetch: url is not understood: expected https://..., got 'file:///etc/passwd'"),
        ("https://x.org/x", "abc", "fetch: sha256 is not a checksum: expected 64 hexadecimal digits, got 'abc'"),
    ],
)
def test_what_is_not_asked_for_rightly(tmp_path, url, sha256, text):
    with pytest.raises(ArgumentError) as error:
        fetch(url, tmp_path / "x", sha256=sha256)
    assert str(error.value) == text


def test_a_data_set_fetches_what_is_missing(server, tmp_path, monkeypatch):
    images = struct.pack(">HBB3I", 0, 8, 3, 2, 28, 28) + bytes(2 * 28 * 28)
    labels = struct.pack(">HBBI", 0, 8, 1, 2) + bytes([3, 4])
    files = [gzip.compress(content) for content in (images, labels, images, labels)]
    server.files = {f"/{stem}.gz": content for stem, content in zip(idx.STEMS, files, strict=True)}
    checksums = tuple(hashlib.sha256(content).hexdigest() for content in files)
    monkeypatch.setitem(idx.SOURCES, "mnist", (server.url, checksums))
    (tmp_path / idx.STEMS[1]).write_bytes(labels)
    train, _ = data.mnist(tmp_path, download=True)
    assert train.labels.tolist() == [3, 4]
    assert {path for path, _ in server.asked} == {f"/{idx.STEMS[number]}.gz" for number in (0, 2, 3)}
